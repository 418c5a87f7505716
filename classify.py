"""Predict the labels of images, such as a colour and a garment, with a network from train.py."""

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pyimagesearch.command_lines.classify import parse_arguments
from pyimagesearch.console import complain, info, is_output_lost, printable, progress, run
from pyimagesearch.errors import UserError, exit_code

if TYPE_CHECKING:
    from pyimagesearch.data.decoding import Fit
    from pyimagesearch.inference.classification import Prediction


def main() -> int:
    """Classify images, from files to labels on the screen."""
    args = parse_arguments(__doc__)
    # Imported only now, so that a mistyped flag is reported at once.
    from pyimagesearch import files
    from pyimagesearch.artifacts import label_file
    from pyimagesearch.inference import backend, chooser, classification, output_formats, window
    from pyimagesearch.inference.network import load_network
    from pyimagesearch.inference.paths import annotated_paths, expand
    from pyimagesearch.inference.video_paths import labelled_paths, videos_among
    from pyimagesearch.reports import pictures

    is_for_programs = args.json or args.csv
    tell = (lambda *messages: None) if is_for_programs else info
    videos = videos_among(args.image)
    if videos and args.explain is not None:
        raise UserError("--explain shows where labels are seen in images, not in clips or cameras")
    paths = videos or expand(args.image)
    outputs = (labelled_paths if videos else annotated_paths)(args.image, paths, args.output)
    explanations = annotated_paths(args.image, paths, args.explain)
    is_only_one = len(paths) == 1
    shows_window = is_only_one and not args.no_display and not is_for_programs
    is_drawn = args.output is not None or args.explain is not None or shows_window

    tell("loading network...")
    trained = load_network(
        args.model, args.device, images=backend.MANY_IMAGES if videos else len(paths)
    )
    explain = explainer(args.model, trained.fit) if args.explain is not None else None
    classes, label_note = label_file.load_labels(trained, args.model, args.labelbin)
    notes = [trained.note, label_note, classification.known_note(trained, args.reject)]
    tell(*map(printable, filter(None, notes)))
    choose = chooser.chooser(args.top, args.threshold, classes=classes, metadata=trained.metadata)
    known = classification.known_combinations(trained.metadata)

    def answer(probabilities: Mapping[str, float]) -> tuple[list[tuple[str, float]], str | None]:
        chosen = choose(probabilities)
        return chosen, classification.combination_note([label for label, _ in chosen], known)

    describe = description(args, paths, classes, is_timed=bool(videos))

    def report(prediction: "Prediction", *chosen_and_note: Any, **time: float) -> bool:
        if is_for_programs or not prediction.error:
            print(describe(prediction, *chosen_and_note, **time), flush=True)
        if prediction.error:
            complain(f"cannot read {prediction.path}: {prediction.error}")
        return not is_output_lost()

    if args.csv:
        print(output_formats.csv_header(classes, is_timed=bool(videos)), flush=True)
    if videos:
        from pyimagesearch.inference import video

        unreadable = video.label_videos(
            trained,
            classes,
            dict(zip(videos, outputs, strict=True)),
            answer=answer,
            report=report,
            every=1 if is_for_programs else 60,
            draw=pictures.annotate_frame,
            tell=tell,
            shows_window=shows_window,
        )
        return exit_code(unreadable, len(videos))

    tell("classifying image..." if is_only_one else f"classifying {len(paths):,} images...")
    unreadable = 0
    keep = pictures.resized_for_drawing if is_drawn else None
    predictions = classification.classify_files(
        trained, classes, paths, keep=keep, reject=args.reject
    )
    shown = progress(predictions, len(paths), prints_rows=True)
    for prediction, output, explained in zip(shown, outputs, explanations, strict=True):
        chosen, note = answer(prediction.probabilities)
        unreadable += prediction.error is not None
        if not report(prediction, chosen, note) and not is_drawn:
            break
        if is_only_one and note:
            tell(note)
        if prediction.image is None:
            continue
        if explain and explained is not None:
            files.save_image(explained, explain(prediction, chosen))
            tell(f"heat maps written to {printable(explained)}")
        lines = [f"{label}: {likely:.2%}" for label, likely in chosen]
        lines = output_formats.unknown_lines(prediction) + lines
        annotated = pictures.annotate(prediction.image, lines)
        if output is not None:
            files.save_image(output, annotated)
            tell(f"annotated image written to {printable(output)}")
        if shows_window and not window.show("Output", annotated) and output is None:
            tell("no display to show the image on: --output FILE writes it, annotated")

    return exit_code(unreadable, len(paths))


def explainer(model: str, fit: "Fit") -> Callable[..., Any]:
    """Make what shows where the network sees each of an image's labels."""
    from pyimagesearch.inference.explanation import load_explainer
    from pyimagesearch.reports import heat_maps

    return partial(heat_maps.explanation, explain=load_explainer(model), fit=fit)


def description(
    args: Namespace, paths: Sequence[str], classes: Sequence[str], *, is_timed: bool
) -> Callable[..., str]:
    """Choose how a prediction, its chosen labels and the note on them are put into words."""
    from pyimagesearch.inference import output_formats

    if args.json:
        return output_formats.as_json
    if args.csv:
        return partial(output_formats.as_csv, classes=classes, is_timed=is_timed)
    widths = output_formats.column_widths(paths, classes)
    if is_timed:
        return partial(output_formats.as_timed_row, label_width=widths[1])
    if len(paths) == 1:
        return lambda prediction, chosen, note: output_formats.as_text(prediction, chosen)
    return partial(output_formats.as_row, widths=widths)


if __name__ == "__main__":
    sys.exit(run(main))
