"""Say which labels an image has, such as a colour and a garment, with a network from train.py."""

import json
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from pyimagesearch.console import (
    BAD_INPUT,
    WORK_FAILED,
    ArgumentParser,
    complain,
    info,
    number,
    printable,
    run,
)

if TYPE_CHECKING:
    from pyimagesearch.classification import Answer

EXAMPLES = """examples:
  python classify.py --image examples/example_01.jpg
  python classify.py --image examples/example_07.jpg --output annotated.jpg --no-display
  python classify.py --image examples --json
"""


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES)
    files = parser.add_argument_group("files")
    files.add_argument("-i", "--image", nargs="+", required=True, help="files or folders")
    files.add_argument("-m", "--model", default="fashion.model", help="the trained network")
    files.add_argument("-l", "--labelbin", default="mlb.pickle", help="the labels of its outputs")

    answer = parser.add_argument_group("answer")
    answer.add_argument(
        "--top", type=number(int, 1, 1_000_000), default=2, help="how many labels to answer with"
    )
    answer.add_argument(
        "--threshold",
        type=number(float, 0, 1),
        help="answer instead with all labels at least as likely as this, between 0 and 1",
    )
    answer.add_argument("--json", action="store_true", help="print one JSON object a line")
    answer.add_argument(
        "--output",
        help="write the image with its labels drawn on it to this file, or to this folder where "
        "there are several",
    )
    answer.add_argument("--no-display", action="store_true", help="open no window")
    return parser.parse_args()


def print_answer(
    answer: "Answer",
    chosen: list[tuple[str, float]],
    note: str | None,
    as_json: bool,
    is_only: bool,
) -> None:
    """Print what the network says of one image: briefly where it is one of many."""
    lines = [f"{printable(label)}: {probability:.2%}" for label, probability in chosen]
    if as_json:
        record = {
            "image": answer.path,
            "labels": [{"label": label, "probability": p} for label, p in chosen],
            "probabilities": answer.probabilities,
            "note": note,
        }
        print(json.dumps(record), flush=True)
    elif is_only:
        print("\n".join(lines) or "no label is that likely", end="\n\n")
        for label, probability in answer.probabilities.items():
            print(f"{printable(label)}: {probability:.2%}")
        if note:
            info(note)
    else:
        brackets = f" ({note})" if note else ""
        print(f"{printable(answer.path)}: {', '.join(lines) or 'no label'}{brackets}", flush=True)


def main() -> int:
    """Classify images, from files to answers on the screen."""
    args = parse_arguments()
    # Keras reads the choice when it is imported, which takes its time; a mistyped flag has been
    # answered by now.
    from pyimagesearch.devices import choose_inference_backend

    choose_inference_backend()
    from pyimagesearch import artifacts, classification, dataset, plots, window

    def tell(message: str) -> None:
        if not args.json:
            info(message)

    files = classification.expand(args.image)
    outputs = classification.annotated_paths(args.image, files, args.output)
    is_only_one = len(files) == 1
    wants_window = is_only_one and not args.no_display and not args.json

    tell("loading network...")
    trained = artifacts.load_model(args.model)
    labels, label_note = artifacts.load_labels(trained, args.model, args.labelbin)
    if label_note:
        tell(printable(label_note))

    tell("classifying image..." if is_only_one else f"classifying {len(files)} images...")
    answers = classification.classify_files(trained.model, labels, files)
    unreadable = 0
    for answer, output in zip(answers, outputs, strict=True):
        if answer.error:
            unreadable += 1
            complain(f"cannot read {answer.path}: {answer.error}")
            if args.json:
                print(json.dumps({"image": answer.path, "error": answer.error}), flush=True)
            continue
        chosen = classification.choose(answer.probabilities, args.top, args.threshold)
        note = classification.combination_note([label for label, _ in chosen], trained.metadata)
        print_answer(answer, chosen, note, args.json, is_only_one)

        if output is None and not wants_window:
            continue
        lines = [f"{label}: {probability:.2%}" for label, probability in chosen]
        annotated = plots.annotate(dataset.decode_image(dataset.read_file(answer.path)), lines)
        if output is not None:
            artifacts.save_image(output, annotated)
            tell(f"annotated image written to {printable(output)}")
        if wants_window and not window.show("Output", annotated) and output is None:
            tell("no display to show the image on: --output FILE writes it, annotated")

    if unreadable == len(files):
        return BAD_INPUT
    return WORK_FAILED if unreadable else 0


if __name__ == "__main__":
    sys.exit(run(main))
