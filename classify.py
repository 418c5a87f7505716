"""Say which labels an image has, such as a colour and a garment, with a network from train.py."""

import sys
from argparse import Namespace

from pyimagesearch.arguments import ArgumentParser, either, number
from pyimagesearch.console import complain, info, printable, progress, run
from pyimagesearch.errors import BAD_INPUT, WORK_FAILED

EXAMPLES = """examples:
  python classify.py --image examples/example_01.jpg
  python classify.py --image examples/example_07.jpg --output annotated.jpg --no-display
  python classify.py --image examples --threshold auto --json
"""


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES)
    files = parser.add_argument_group("files").add_argument
    files("-i", "--image", nargs="+", required=True, help="files or folders; - reads stdin")
    files("-m", "--model", default="fashion.model", help="the trained network")
    files("-l", "--labelbin", default="mlb.pickle", help="the labels of its outputs")

    answer = parser.add_argument_group("answer").add_argument
    top, threshold = either("all", number(int, 1, 1_000_000)), either("auto", number(float, 0, 1))
    answer("--top", type=top, default=2, help="how many labels to answer with, or all")
    answer(
        "--threshold",
        type=threshold,
        help="answer instead with all labels at least as likely as this, between 0 and 1; auto "
        "takes for each label what served best on the test images",
    )
    answer("--output", help="write the image, its labels drawn on it, here; a folder for several")
    answer("--no-display", action="store_true", help="open no window")

    form = parser.add_argument_group("for programs").add_mutually_exclusive_group().add_argument
    form("--json", action="store_true", help="print one JSON object a line")
    form("--csv", action="store_true", help="print a table of comma-separated values")
    return parser.parse_args()


def main() -> int:
    """Classify images, from files to answers on the screen."""
    args = parse_arguments()
    # Keras reads the choice when it is imported, which takes its time; a mistyped flag has been
    # answered by now.
    from pyimagesearch.inference.backend import choose_inference_backend, import_keras_lightly

    choose_inference_backend()
    import_keras_lightly()
    from pyimagesearch import files
    from pyimagesearch.artifacts import label_file, model_file
    from pyimagesearch.data import decoding
    from pyimagesearch.inference import classification, output_formats, window
    from pyimagesearch.reports import pictures

    is_for_programs = args.json or args.csv
    tell = (lambda *messages: None) if is_for_programs else info
    paths = classification.expand(args.image)
    outputs = classification.annotated_paths(args.image, paths, args.output)
    is_only_one = len(paths) == 1
    wants_window = is_only_one and not args.no_display and not is_for_programs

    tell("loading network...")
    trained = model_file.load_model(args.model)
    labels, label_note = label_file.load_labels(trained, args.model, args.labelbin)
    tell(*filter(None, [label_note]))
    top = None if args.top == "all" else args.top
    thresholds = classification.thresholds_of(args.threshold, labels, trained.metadata)
    widths = output_formats.column_widths(paths, labels)

    tell("classifying image..." if is_only_one else f"classifying {len(paths):,} images...")
    if args.csv:
        print(output_formats.csv_header(labels), flush=True)
    unreadable = 0
    answers = classification.classify_files(trained.model, labels, paths)
    for answer, output in zip(progress(answers, len(paths)), outputs, strict=True):
        chosen = classification.choose(answer.probabilities, top, thresholds)
        note = classification.combination_note([label for label, _ in chosen], trained.metadata)
        if args.json:
            print(output_formats.as_json(answer, chosen, note), flush=True)
        elif args.csv:
            print(output_formats.as_csv(answer, chosen, note, labels), flush=True)
        if answer.error:
            unreadable += 1
            complain(f"cannot read {answer.path}: {answer.error}")
            continue
        if is_only_one and not is_for_programs:
            print(output_formats.as_text(answer, chosen))
            tell(*filter(None, [note]))
        elif not is_for_programs:
            print(output_formats.as_row(answer, chosen, note, widths), flush=True)

        if output is None and not wants_window:
            continue
        lines = [f"{label}: {likely:.2%}" for label, likely in chosen]
        annotated = pictures.annotate(
            decoding.decode_image(classification.read(answer.path)), lines
        )
        if output is not None:
            files.save_image(output, annotated)
            tell(f"annotated image written to {printable(output)}")
        if wants_window and not window.show("Output", annotated) and output is None:
            tell("no display to show the image on: --output FILE writes it, annotated")

    if unreadable == len(paths):
        return BAD_INPUT
    return WORK_FAILED if unreadable else 0


if __name__ == "__main__":
    sys.exit(run(main))
