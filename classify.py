"""Predict the labels of images, such as a colour and a garment, with a network from train.py."""

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pyimagesearch.command_lines.classify import parse_arguments
from pyimagesearch.console import complain, info, is_output_lost, printable, progress, run
from pyimagesearch.errors import BAD_INPUT, WORK_FAILED

if TYPE_CHECKING:
    from pyimagesearch.data.decoding import Fit


def main() -> int:
    """Classify images, from files to labels on the screen."""
    args = parse_arguments(__doc__)
    # Imported only now, so that a mistyped flag is reported at once.
    from pyimagesearch import files
    from pyimagesearch.artifacts import label_file
    from pyimagesearch.inference import classification, output_formats, window
    from pyimagesearch.inference.network import load_network
    from pyimagesearch.inference.paths import annotated_paths, expand
    from pyimagesearch.reports import pictures

    is_for_programs = args.json or args.csv
    tell = (lambda *messages: None) if is_for_programs else info
    paths = expand(args.image)
    outputs = annotated_paths(args.image, paths, args.output)
    explanations = annotated_paths(args.image, paths, args.explain)
    is_only_one = len(paths) == 1
    shows_window = is_only_one and not args.no_display and not is_for_programs
    is_drawn = args.output is not None or args.explain is not None or shows_window

    tell("loading network...")
    trained = load_network(args.model, args.device, images=len(paths))
    explain = explainer(args.model, trained.fit) if args.explain is not None else None
    classes, label_note = label_file.load_labels(trained, args.model, args.labelbin)
    tell(*map(printable, filter(None, [trained.note, label_note])))
    top = None if args.top == "all" else args.top
    thresholds = classification.thresholds_of(args.threshold, classes, trained.metadata)
    known = classification.known_combinations(trained.metadata)
    parts = classification.label_parts(trained.metadata)

    tell("classifying image..." if is_only_one else f"classifying {len(paths):,} images...")
    describe = description(args, paths, classes)
    if args.csv:
        print(output_formats.csv_header(classes), flush=True)
    unreadable = 0
    keep = pictures.resized_for_drawing if is_drawn else None
    predictions = classification.classify_files(trained, classes, paths, keep=keep)
    shown = progress(predictions, len(paths), prints_rows=True)
    for prediction, output, explained in zip(shown, outputs, explanations, strict=True):
        chosen = classification.choose(prediction.probabilities, top, thresholds, parts=parts)
        note = classification.combination_note([label for label, _ in chosen], known)
        if is_for_programs or not prediction.error:
            print(describe(prediction, chosen, note), flush=True)
        if prediction.error:
            unreadable += 1
            complain(f"cannot read {prediction.path}: {prediction.error}")
        if is_output_lost() and not is_drawn:
            break
        if is_only_one and note:
            tell(note)
        if prediction.image is None:
            continue
        if explain and explained is not None:
            files.save_image(explained, explain(prediction, chosen))
            tell(f"heat maps written to {printable(explained)}")
        lines = [f"{label}: {likely:.2%}" for label, likely in chosen]
        annotated = pictures.annotate(prediction.image, lines)
        if output is not None:
            files.save_image(output, annotated)
            tell(f"annotated image written to {printable(output)}")
        if shows_window and not window.show("Output", annotated) and output is None:
            tell("no display to show the image on: --output FILE writes it, annotated")

    if unreadable == len(paths):
        return BAD_INPUT
    return WORK_FAILED if unreadable else 0


def explainer(model: str, fit: "Fit") -> Callable[..., Any]:
    """Make what shows where the network sees each of an image's labels."""
    from pyimagesearch.inference.explanation import load_explainer
    from pyimagesearch.reports import heat_maps

    return partial(heat_maps.explanation, explain=load_explainer(model), fit=fit)


def description(
    args: Namespace, paths: Sequence[str], classes: Sequence[str]
) -> Callable[..., str]:
    """Choose how a prediction, its chosen labels and the note on them are put into words."""
    from pyimagesearch.inference import output_formats

    if args.json:
        return output_formats.as_json
    if args.csv:
        return partial(output_formats.as_csv, classes=classes)
    if len(paths) == 1:
        return lambda prediction, chosen, note: output_formats.as_text(prediction, chosen)
    return partial(output_formats.as_row, widths=output_formats.column_widths(paths, classes))


if __name__ == "__main__":
    sys.exit(run(main))
