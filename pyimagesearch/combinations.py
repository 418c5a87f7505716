"""What the labels of a data set say: how it splits, what it covers, what it lacks.

A combination is the labels of one folder: ``("blue", "jeans")``.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import product

import numpy as np

from pyimagesearch.console import UserError, printable


def split(
    combinations: Sequence[tuple[str, ...]], groups: np.ndarray, test_size: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split images into a training and a test side.

    Copies of one image stay on one side, and every combination is on both.

    Parameters
    ----------
    combinations : sequence of tuple of str
        Labels of each of the N images.
    groups : numpy.ndarray
        int, shape (N,), from :func:`pyimagesearch.duplicates.duplicate_groups`: images with the
        same number are copies of one another.
    test_size : float
        Share of each combination for the test side, between 0 and 1, kept as nearly as whole
        groups allow.
    seed : int
        The same seed and images give the same split.

    Returns
    -------
    train, test : numpy.ndarray
        int, sorted positions.

    Raises
    ------
    UserError
        If a combination has too few different images to be on both sides.
    """
    random = np.random.default_rng(seed)
    group_sizes = np.bincount(groups)
    # A group that lies in several folders counts with the folder of its first image.
    first_of_group = np.unique(groups, return_index=True)[1]
    groups_of_combination: dict[tuple[str, ...], list[int]] = {}
    for group, first in enumerate(first_of_group):
        groups_of_combination.setdefault(combinations[first], []).append(group)

    is_test_group = np.zeros(len(group_sizes), bool)
    for combination in sorted(groups_of_combination):
        shuffled = random.permutation(groups_of_combination[combination])
        images_so_far = np.cumsum(group_sizes[shuffled])
        wanted = np.argmin(np.abs(images_so_far - test_size * images_so_far[-1])) + 1
        is_test_group[shuffled[: min(wanted, len(shuffled) - 1)]] = True

    in_test = is_test_group[groups]
    train, test = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    on_both_sides = {combinations[i] for i in train} & {combinations[i] for i in test}
    if too_few := sorted(set(combinations) - on_both_sides):
        raise UserError(
            f"the folder {'_'.join(too_few[0])} has too few different images to be split into a "
            "training and a test side: at least two are needed"
        )
    return train, test


def missing_combinations(combinations: Sequence[tuple[str, ...]]) -> list[tuple[str, str]]:
    """List the pairs of a first and a second label that no image has.

    Parameters
    ----------
    combinations : sequence of tuple of str
        Labels of each image.

    Returns
    -------
    list of (str, str)
        Sorted; empty where any image has other than two labels, since pairs then mean little.
    """
    present = set(combinations)
    if any(len(combination) != 2 for combination in present):
        return []
    first_labels = sorted({first for first, _ in present})
    second_labels = sorted({second for _, second in present})
    return [pair for pair in product(first_labels, second_labels) if pair not in present]


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
