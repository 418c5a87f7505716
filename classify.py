"""Predict the labels of images, such as a colour and a garment, with a network from train.py."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pyimagesearch.command_lines.classify import parse_arguments
from pyimagesearch.console import info, printable, progress, run
from pyimagesearch.errors import UserError, exit_code

if TYPE_CHECKING:
    from pathlib import Path

    from pyimagesearch.inference.classifier import Classifier


def main() -> int:
    """Classify images, or the frames of clips and cameras."""
    args = parse_arguments(__doc__)
    # Imported only now, so that a mistyped flag is reported at once.
    from pyimagesearch.light_imports import import_numpy_for_threads

    import_numpy_for_threads()
    from pyimagesearch.inference.video_paths import videos_among

    videos = videos_among(args.image)
    return label_videos(args, videos) if videos else classify_images(args)


def classify_images(args: Namespace) -> int:
    """Classify images, from files to labels on the screen."""
    from pyimagesearch.files import remove_litter
    from pyimagesearch.image_files import check_image_names
    from pyimagesearch.inference import window
    from pyimagesearch.inference.classification import classify_files
    from pyimagesearch.inference.output_formats import reporter
    from pyimagesearch.inference.paths import check_different, expand, output_paths
    from pyimagesearch.reports import pictures
    from pyimagesearch.reports.heat_maps import explainer

    paths = expand(args.image)
    outputs = output_paths(args.image, paths, args.output)
    explanations = output_paths(args.image, paths, args.explain)
    check_different(outputs, explanations)
    check_image_names(outputs[0], explanations[0])  # the others have the same suffixes
    remove_litter(*filter(None, [*outputs, *explanations]))
    is_only_one = len(paths) == 1
    shows_window = is_only_one and not args.no_display and args.form == "text"
    is_drawn = args.output is not None or args.explain is not None or shows_window

    classifier = load(args, images=len(paths), reject=args.reject)
    explain = explainer(args.model, classifier.trained.fit) if args.explain is not None else None
    say(args, "classifying image..." if is_only_one else f"classifying {len(paths):,} images...")
    report = reporter(args.form, paths, classifier.classes, show=show)
    unreadable = 0
    keep = pictures.resized_for_drawing if is_drawn else None
    predictions = classify_files(
        classifier.trained, classifier.classes, paths, keep=keep, reject=args.reject
    )
    shown = progress(predictions, len(paths), prints_rows=True)
    for prediction, output, explained in zip(shown, outputs, explanations, strict=True):
        choice = classifier.choose(prediction.probabilities)
        unreadable += prediction.error is not None
        if not report(prediction, choice) and not is_drawn:
            break
        if is_only_one and choice.note:
            say(args, choice.note)
        if prediction.image is None:
            continue
        if explain:
            write(args, explained, explain(prediction, choice.labels), what="heat maps")
        labelled = pictures.annotate_prediction(prediction, choice.labels)
        write(args, output, labelled, what="labelled image")
        if shows_window and not window.show("Output", labelled) and output is None:
            say(args, "no display to show the image on: --output FILE writes it, labelled")
    return exit_code(unreadable, len(paths))


def label_videos(args: Namespace, videos: Sequence[str]) -> int:
    """Draw labels on the frames of clips, or of what a camera sees."""
    from pyimagesearch.inference import backend, video
    from pyimagesearch.inference.output_formats import reporter
    from pyimagesearch.inference.video_paths import video_output_paths
    from pyimagesearch.reports import pictures

    if args.explain is not None:
        raise UserError("--explain shows where labels are seen in images, not in clips or cameras")
    outputs = video_output_paths(args.image, videos, args.output)
    # Frames are never called unknown.
    classifier = load(args, images=backend.MANY_IMAGES, reject=0)
    unreadable = video.label_videos(
        classifier.trained,
        classifier.classes,
        dict(zip(videos, outputs, strict=True)),
        choose=classifier.choose,
        report=reporter(args.form, videos, classifier.classes, show=show, is_timed=True),
        every=1 if args.form != "text" else 60,
        draw=pictures.annotate_frame,
        say=partial(say, args),
        shows_window=len(videos) == 1 and not args.no_display and args.form == "text",
    )
    return exit_code(unreadable, len(set(videos)))


def load(args: Namespace, *, images: int, reject: float) -> "Classifier":
    """Load the network and its labels, and say what is odd about them."""
    from pyimagesearch.inference.classifier import load_classifier

    say(args, "loading network...")
    classifier = load_classifier(
        args.model,
        args.labelbin,
        device=args.device,
        images=images,
        top=args.top,
        threshold=args.threshold,
        reject=reject,
    )
    say(args, *map(printable, classifier.notes))
    return classifier


def write(args: Namespace, path: "Path | None", picture: Any, *, what: str) -> None:
    """Write a picture, and say where."""
    from pyimagesearch.image_files import save_image

    if path is not None:
        save_image(path, picture)
        say(args, f"{what} written to {printable(path)}")


def show(line: str) -> None:
    """Print a prediction at once, for a program that reads along."""
    print(line, flush=True)


def say(args: Namespace, *messages: str) -> None:
    """Tell a person something; programs that read JSON or CSV want nothing else."""
    if args.form == "text":
        info(*messages)


if __name__ == "__main__":
    sys.exit(run(main))
