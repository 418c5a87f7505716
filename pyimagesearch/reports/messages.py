"""What a training run tells a person on the console, as lines of text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pyimagesearch.console import counted, excerpt, first_few, printable
from pyimagesearch.data.duplicates import spanning_groups
from pyimagesearch.data.folder_hints import depth_hints, look_alike_hints, order_hints
from pyimagesearch.data.folders import count_missing_combinations, missing_combinations, pair_axes
from pyimagesearch.data.loading import Dataset
from pyimagesearch.files import AnyPath
from pyimagesearch.recoloring.color_part import ColorPart, Recoloring
from pyimagesearch.recoloring.composition import TURNS, Composition
from pyimagesearch.reports.metrics import label_report
from pyimagesearch.reports.shortening import shortened
from pyimagesearch.reports.training_report import Predictions

# A list that is longer than this many lines is shortened.
MOST_LINES = 40
# A table that is wider than this many characters becomes a list.
MOST_WIDTH = 160
# The table of labels that occur together shows this many, each shortened to this many characters.
MOST_TOGETHER, MOST_NAME = 12, 12
# This many hints or contradictions are spelled out; others are counted.
MOST_HINTS = 10


def dataset_lines(folder: AnyPath, dataset: Dataset) -> list[str]:
    """Describe a dataset before a network is trained on it.

    Parameters
    ----------
    folder : path
        Where the dataset lies.
    dataset : Dataset
        What was loaded from there.

    Returns
    -------
    list of str
        Messages; some have several lines.
    """
    if dataset.has_free_labels:
        hints, advice, lines = [], "correct the cells of the table", free_label_lines
    else:
        orders = _first(
            order_hints(dataset.labels), "more group of such folders", "more groups of such folders"
        )
        hints = [*depth_hints(folder, dataset.paths), *orders]
        advice, lines = "rename the folders", label_lines
    look_alikes = look_alike_hints(dataset.classes, advice=advice)
    return [
        *loaded_lines(dataset),
        *dataset.notes,
        *hints,
        *_first(
            look_alikes, "more group of labels looks alike", "more groups of labels look alike"
        ),
        *lines(dataset.labels, dataset.classes),
        *duplicate_lines(dataset),
    ]


def ended_lines(ended_by: str | None, *, epoch: int, stays: AnyPath | None = None) -> list[str]:
    """Say which signal ended a run in which epoch, and how the run can be continued.

    Parameters
    ----------
    ended_by : str or None
        The name of the signal, if there was one.
    epoch : int
        From 1. A checkpoint is saved after a whole epoch.
    stays : path, optional
        The model that the run does not replace.

    Returns
    -------
    list of str
        A message; none if there was no signal.
    """
    if ended_by is None:
        return []
    ended = f"ended by {ended_by} in epoch {epoch}"
    if epoch > 1:
        return [f"{ended}; --resume continues it"]
    kept = "" if stays is None else f": {printable(stays)} stays as it is"
    return [f"{ended}, before any checkpoint{kept}"]


def loaded_lines(dataset: Dataset) -> list[str]:
    """Say how many images there are, and which files and rows of a table were skipped."""
    lines = [f"{counted(len(dataset.paths), 'image')}, {dataset.images.nbytes / 1e6:.1f} MB"]
    for what, skipped in (("file", dataset.skipped), ("row", dataset.skipped_rows)):
        if reasons := [f"{name} ({reason})" for name, reason in skipped]:
            lines.append(f"{counted(len(reasons), what)} skipped: {first_few(reasons)}")
    return lines


def label_lines(labels: Sequence[tuple[str, ...]], classes: Sequence[str]) -> list[str]:
    """List the classes, as the tutorial does, and count the images of each combination."""
    numbered = [f"{number}. {printable(name)}" for number, name in enumerate(classes, start=1)]
    lines = ["\n".join(["class labels:", *excerpt(numbered, MOST_LINES)])]
    lines.append(f"images of each combination:\n{coverage_table(labels)}")
    combinations = set(labels)
    if missing := count_missing_combinations(combinations):
        first = missing_combinations(combinations, most=5)
        names = [" ".join(combination) for combination in first]
        lines.append(f"no folder holds {first_few(names, total=missing)}")
    return lines


def free_label_lines(labels: Sequence[tuple[str, ...]], classes: Sequence[str]) -> list[str]:
    """Count the images of each label, and of each two of the most frequent labels together."""
    counts = Counter(label for each in labels for label in each)
    width = min(max(len(printable(label)) for label in classes), MOST_WIDTH)
    rows = [f"{printable(label):<{width}} {count:>7}" for label, count in counts.most_common()]
    without = sum(not each for each in labels)
    return [
        f"{counted(len(classes), 'class label')}, {counted(without, 'image')} without any",
        "\n".join(["images of each label:", *excerpt(rows, MOST_LINES)]),
        "images with both of two labels:\n" + together_table(labels, counts),
    ]


def together_table(labels: Sequence[tuple[str, ...]], counts: Counter[str]) -> str:
    """Tabulate how many images have both of two labels.

    Parameters
    ----------
    labels : sequence of tuple of str
        The labels of each image, each label at most once.
    counts : collections.Counter
        How many images have each label.

    Returns
    -------
    str
        A row and a column for each label, the most frequent first, a dash where no image has both,
        and in the diagonal all images of the label. Labels beyond the first ``MOST_TOGETHER`` are
        only counted.
    """
    shown = [label for label, _ in counts.most_common(MOST_TOGETHER)]
    place = {label: position for position, label in enumerate(shown)}
    table = np.zeros((len(shown), len(shown)), int)
    for each, images in Counter(labels).items():
        places = [place[label] for label in each if label in place]
        table[np.ix_(places, places)] += images
    names = [shortened(printable(label), MOST_NAME) for label in shown]
    others = len(counts) - len(shown)
    more = f"\n... {counted(others, 'more label')}" if others else ""
    return _table(names, names, table.tolist()) + more


def duplicate_lines(dataset: Dataset) -> list[str]:
    """Count the images that are copies of others, and name copies whose labels contradict."""
    copies = len(dataset.groups) - len(np.unique(dataset.groups))
    contradictions = []
    for indices in spanning_groups(dataset.groups, dataset.labels):
        same = [dataset.paths[index] for index in indices]
        contradictions.append(f"one image under different labels: {first_few(same)}")
    return [
        f"{counted(copies, 'copy', 'copies')} of other images, exact or near",
        *_first(
            contradictions, "more image has different labels", "more images have different labels"
        ),
    ]


def split_lines(dataset: Dataset, train: np.ndarray, test: np.ndarray) -> list[str]:
    """Count the images of each side, and those that a table has wanted on the other.

    Parameters
    ----------
    dataset : Dataset
        All images.
    train, test : numpy.ndarray
        int, indices of the images on each side.

    Returns
    -------
    list of str
        Messages.
    """
    lines = [f"{counted(len(train), 'image')} to train on, {len(test):,} to test on"]
    if dataset.is_test is not None and (moved := int((~dataset.is_test[test]).sum())):
        lines.append(
            f"of those to test on, the table puts {moved:,} on the training side, but copies and "
            "groups stay together"
        )
    return lines


def _first(lines: Sequence[str], one: str, many: str) -> list[str]:
    """Keep the first ``MOST_HINTS`` lines; count the others, named `one` or `many` of them."""
    others = len(lines) - MOST_HINTS
    return [*lines[:MOST_HINTS], *([counted(others, one, many)] if others > 0 else [])]


def composed_lines(recoloring: Recoloring, composition: Composition) -> list[str]:
    """Say which part is the colour, and which combinations were composed, or why none were.

    Parameters
    ----------
    recoloring : Recoloring
        What was to be composed.
    composition : Composition
        What was composed.

    Returns
    -------
    list of str
        Messages; none if nobody asked for composed images.
    """
    if reason := recoloring.reason or composition.reason:
        line = f"no images composed: {reason}"
        if recoloring.found:
            line += f" ({_shares_in_words(recoloring.found)}): --recolor-part names the colour"
        return [line]
    if not composition.labels:
        return []
    names = [" ".join(combination) for combination in sorted(set(composition.labels))]
    count, shown = len(composition.labels), len(composition.labels) // TURNS
    lines = [f"composed {counted(count, 'image')} of {first_few(names)}: {shown:,} for each epoch"]
    if recoloring.found:
        lines.append(
            f"part {recoloring.part + 1} of the folders' names is taken for the colour "
            f"({_shares_in_words(recoloring.found)}): --recolor-part and --no-recolor change this"
        )
    return lines


def _shares_in_words(found: ColorPart) -> str:
    """Say how well colours alone tell the labels of each part apart."""
    shares = ["none to compare" if np.isnan(share) else f"{share:.0%}" for share in found.shares]
    told = ", ".join(f"{share} for part {part}" for part, share in enumerate(shares, start=1))
    return f"colours alone tell the labels apart in this share of the images: {told}"


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
        f"test accuracy: {tested['binary']:.2%}, all labels right: {tested['exact']:.2%}"
        + _likeliest_in_words(report),
        *_free_scores_in_words(tested),
        "test images, label by label:\n"
        + label_report(predictions.probabilities, predictions.targets, report["labels"]),
    ]


def _likeliest_in_words(report: Mapping[str, Any]) -> str:
    """Say how often the labels are right that classification gives, where names have parts."""
    tested = report["test_accuracies"]
    if "likeliest" not in tested:
        return ""
    parts = len(report["coverage"][0]["combination"])
    what = "likeliest label right" if parts == 1 else "likeliest of each part"
    return f", {what}: {tested['likeliest']:.2%}"


def _free_scores_in_words(tested: Mapping[str, float]) -> list[str]:
    if "micro_f1" not in tested:
        return []
    return [
        f"of free labels: micro F1 {tested['micro_f1']:.2%}, macro F1 {tested['macro_f1']:.2%}, "
        f"mean average precision {tested['mean_average_precision']:.2%}"
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
        second one, and a dash where there are no images. If the table would be too large or there
        are other combinations, a line for each combination, shortened to the largest and the
        smallest ones.
    """
    counts = Counter(labels)
    return _pair_table(counts) or "\n".join(_combination_lines(counts))


def _pair_table(counts: Counter[tuple[str, ...]]) -> str | None:
    """Lay out a table, or return None if it would not be one of pairs, or not fit."""
    axes = pair_axes(counts)
    if axes is None:
        return None
    rows, columns = axes
    names, headings = ([printable(label) for label in labels] for labels in (rows, columns))
    if len(rows) >= MOST_LINES or len(columns) > MOST_WIDTH:
        return None
    table = _table(names, headings, [[counts[row, column] for column in columns] for row in rows])
    return table if table.index("\n") <= MOST_WIDTH else None


def _table(names: Sequence[str], headings: Sequence[str], rows: Sequence[Sequence[int]]) -> str:
    """Lay out numbers, a dash for 0, in columns as wide as their headings."""
    margin, widths = max(map(len, names)), [max(7, len(heading)) for heading in headings]
    lines = [("", headings), *zip(names, rows, strict=True)]
    return "\n".join(
        f"{name:<{margin}}"
        + "".join(f" {cell or '-':>{width}}" for cell, width in zip(cells, widths, strict=True))
        for name, cells in lines
    )


def _combination_lines(counts: Counter[tuple[str, ...]]) -> list[str]:
    named = [(printable(" ".join(each)), count) for each, count in sorted(counts.items())]
    if len(named) > MOST_LINES:
        named.sort(key=lambda item: -item[1])
    width = min(max(len(name) for name, _ in named), MOST_WIDTH)
    return excerpt([f"{name:<{width}} {count:>7}" for name, count in named], MOST_LINES)
