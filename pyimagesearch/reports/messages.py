"""What a training run tells a person on the console, as lines of text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pyimagesearch.console import examples, printable
from pyimagesearch.data.duplicates import spanning_groups
from pyimagesearch.data.folders import capital_hints, depth_hints, missing_combinations
from pyimagesearch.data.loading import Dataset
from pyimagesearch.files import AnyPath
from pyimagesearch.recoloring.composition import TURNS
from pyimagesearch.reports.metrics import label_report
from pyimagesearch.reports.training_report import Predictions


def dataset_lines(folder: AnyPath, dataset: Dataset) -> list[str]:
    """Describe a data set before a network is trained on it.

    Parameters
    ----------
    folder : path
        Where the data set lies.
    dataset : Dataset
        What was loaded from there.

    Returns
    -------
    list of str
        Messages; some have several lines.
    """
    return [
        *loaded_lines(dataset),
        *depth_hints(folder, dataset.paths),
        *capital_hints(dataset.classes),
        *label_lines(dataset.labels, dataset.classes),
        *duplicate_lines(dataset),
    ]


def loaded_lines(dataset: Dataset) -> list[str]:
    """Say how many images there are, and which files were skipped."""
    lines = [f"{len(dataset.paths)} images, {dataset.images.nbytes / 1e6:.1f} MB"]
    if dataset.skipped:
        reasons = [f"{path} ({reason})" for path, reason in dataset.skipped]
        lines.append(f"{len(reasons)} files skipped: {examples(reasons)}")
    return lines


def label_lines(labels: Sequence[tuple[str, ...]], classes: Sequence[str]) -> list[str]:
    """List the classes, as the tutorial does, and count the images of each combination."""
    numbered = [f"{number}. {printable(name)}" for number, name in enumerate(classes, start=1)]
    lines = ["\n".join(["class labels:", *numbered])]
    lines.append(f"images of each combination:\n{coverage_table(labels)}")
    if missing := missing_combinations(labels):
        names = [" ".join(combination) for combination in missing]
        lines.append(
            f"no folder holds {examples(names)}: the network cannot learn what it never sees; "
            "--recolor composes such images"
        )
    return lines


def duplicate_lines(dataset: Dataset) -> list[str]:
    """Count the images that are copies of others, and name copies whose labels contradict."""
    copies = len(dataset.groups) - len(np.unique(dataset.groups))
    lines = [f"{copies} images are copies of others, exact or near"]
    for positions in spanning_groups(dataset.groups, dataset.labels):
        same = [dataset.paths[position] for position in positions]
        lines.append(f"one image under different labels: {examples(same)}")
    return lines


def composed_lines(
    wanted: int | None, labels: Sequence[tuple[str, ...]], reason: str | None
) -> list[str]:
    """Say which combinations were composed, or why none were.

    Parameters
    ----------
    wanted : int or None
        How many images of each combination were asked for; None for the default number.
    labels : sequence of tuple of str
        The combination of each composed image.
    reason : str or None
        Why nothing could be composed.

    Returns
    -------
    list of str
        One line; none if nobody asked for composed images.
    """
    if wanted == 0:
        return []
    if reason:
        return [f"no images composed: {reason}"]
    names = [" ".join(combination) for combination in sorted(set(labels))]
    shown = len(labels) // TURNS
    return [f"{len(labels)} images composed of {examples(names)}, {shown} for each epoch"]


def result_lines(report: Mapping[str, Any], predictions: Predictions) -> list[str]:
    """Say how good the trained network is, overall and for each label.

    Parameters
    ----------
    report : mapping
        From :func:`pyimagesearch.reports.training_report.training_report`.
    predictions : Predictions
        Those that the report was made from.

    Returns
    -------
    list of str
        Messages; the last is a table.
    """
    trained = report["history"]["binary_accuracy"][-1]
    tested = report["test_accuracies"]
    return [
        f"training accuracy: {trained:.2%}",
        f"test accuracy: {tested['binary']:.2%}, all labels right: {tested['exact']:.2%}",
        "test images, label by label:\n"
        + label_report(predictions.probabilities, predictions.targets, report["labels"]),
    ]


def coverage_table(labels: Sequence[tuple[str, ...]]) -> str:
    """Tabulate how many images each combination has.

    Parameters
    ----------
    labels : sequence of tuple of str
        The labels of each image.

    Returns
    -------
    str
        If all images have two labels, a table with a row for each first label, a column for each
        second one, and a dash where there are no images. Otherwise a line for each combination.
    """
    counts = Counter(tuple(map(printable, combination)) for combination in labels)
    if any(len(combination) != 2 for combination in counts):
        width = max(len(" ".join(combination)) for combination in counts)
        return "\n".join(
            f"{' '.join(combination):<{width}} {counts[combination]:>7}"
            for combination in sorted(counts)
        )
    rows = sorted({first for first, _ in counts})
    columns = sorted({second for _, second in counts})
    margin, width = max(map(len, rows)), max(7, *map(len, columns))
    lines = [" " * margin + "".join(f" {column:>{width}}" for column in columns)]
    for row in rows:
        cells = (f" {counts[row, column] or '-':>{width}}" for column in columns)
        lines.append(f"{row:<{margin}}" + "".join(cells))
    return "\n".join(lines)
