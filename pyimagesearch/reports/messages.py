"""What a training run says of its data set, in lines for people."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pyimagesearch.console import examples, printable
from pyimagesearch.data.duplicates import spanning_groups
from pyimagesearch.data.folders import capital_hints, depth_hints, missing_combinations
from pyimagesearch.data.loading import LabelledImages
from pyimagesearch.recoloring.composition import TURNS
from pyimagesearch.reports.metrics import label_report
from pyimagesearch.reports.training_report import Answers


def dataset_lines(
    folder: str, loaded: LabelledImages, classes: Sequence[str], groups: np.ndarray
) -> list[str]:
    """Say all that is worth knowing of a data set before training on it.

    Parameters
    ----------
    folder : str
        Where it lies.
    loaded : LabelledImages
        The images, and what was skipped.
    classes : sequence of str
        The labels in the order of the network's outputs.
    groups : numpy.ndarray
        From :func:`pyimagesearch.duplicates.duplicate_groups`.

    Returns
    -------
    list of str
        A message each; some have several lines.
    """
    return [
        *loaded_lines(loaded),
        *depth_hints(folder, loaded.paths),
        *capital_hints(classes),
        *label_lines(loaded.labels, classes),
        *duplicate_lines(groups, loaded),
    ]


def loaded_lines(loaded: LabelledImages) -> list[str]:
    """Say how many images there are, and which files were skipped."""
    lines = [f"{len(loaded.paths)} images, {loaded.images.nbytes / 1e6:.1f} MB"]
    if loaded.skipped:
        reasons = [f"{path} ({reason})" for path, reason in loaded.skipped]
        lines.append(f"{len(reasons)} files skipped: {examples(reasons)}")
    return lines


def label_lines(labels: Sequence[tuple[str, ...]], classes: Sequence[str]) -> list[str]:
    """List the labels as the tutorial does, and the images of each combination."""
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


def duplicate_lines(groups: np.ndarray, loaded: LabelledImages) -> list[str]:
    """Say how many images are copies, and which copies contradict one another."""
    copies = len(groups) - len(np.unique(groups))
    lines = [f"{copies} images are copies of others, exact or near"]
    for positions in spanning_groups(groups, loaded.labels):
        same = [loaded.paths[position] for position in positions]
        lines.append(f"one image under different labels: {examples(same)}")
    return lines


def composed_lines(
    wanted: int | None, composed: Sequence[tuple[str, ...]], reason: str | None
) -> list[str]:
    """Say of which combinations images were composed, or why of none, where that was asked for."""
    if wanted == 0:
        return []
    if reason:
        return [f"no images composed: {reason}"]
    names = [" ".join(combination) for combination in sorted(set(composed))]
    shown = len(composed) // TURNS
    return [f"{len(composed)} images composed of {examples(names)}, {shown} for each epoch"]


def result_lines(report: Mapping[str, Any], answers: Answers) -> list[str]:
    """Say how good the network has become, as a whole and label by label."""
    trained = report["history"]["binary_accuracy"][-1]
    tested = report["test_accuracies"]
    return [
        f"training accuracy: {trained:.2%}",
        f"test accuracy: {tested['binary']:.2%}, all labels right: {tested['exact']:.2%}",
        "test images, label by label:\n"
        + label_report(answers.probabilities, answers.targets, report["labels"]),
    ]


def coverage_table(combinations: Sequence[tuple[str, ...]]) -> str:
    """Lay out how many images there are of each combination.

    Parameters
    ----------
    combinations : sequence of tuple of str
        Labels of each image.

    Returns
    -------
    str
        Lines of text. Where all images have two labels, a table: a row a first label, a column a
        second one, a dash where there is no image. Otherwise a line a combination.
    """
    counts = Counter(
        tuple(printable(label) for label in combination) for combination in combinations
    )
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
