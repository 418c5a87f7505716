"""Which images the network trains on and which it is tested on."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from pyimagesearch.console import counted, first_few
from pyimagesearch.data.folders import positions_of
from pyimagesearch.data.stratification import large_last, share_out
from pyimagesearch.errors import UserError

if TYPE_CHECKING:
    from pyimagesearch.data.loading import Dataset


def split_dataset(
    dataset: "Dataset", *, test_size: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split a dataset by its folders or by its table.

    Parameters
    ----------
    dataset : pyimagesearch.data.loading.Dataset
        The images, N of them.
    test_size, seed
        As for :func:`split`.

    Returns
    -------
    train, test : numpy.ndarray
        int, sorted indices from 0 to N - 1.

    Raises
    ------
    UserError
        As :func:`split`; or as :func:`split_free` if images have any number of labels.
    ValueError
        As those.
    """
    if not dataset.has_free_labels:
        return split(
            dataset.labels, dataset.groups, test_size=test_size, seed=seed, paths=dataset.paths
        )
    groups = dataset.groups if dataset.together is None else dataset.together
    return split_free(
        dataset.labels, groups, test_size=test_size, seed=seed, is_test=dataset.is_test
    )


def split(
    labels: Sequence[tuple[str, ...]],
    groups: np.ndarray,
    *,
    test_size: float,
    seed: int,
    paths: Sequence[str] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Split images into a training and a test side.

    Copies of one image stay on one side, and every combination is on both. A group of copies that
    is larger than its combination's share of the test side goes there only if the share would be
    missed by more without it.

    Parameters
    ----------
    labels : sequence of tuple of str
        The labels of each of the N images.
    groups : numpy.ndarray
        int, shape (N,), from :func:`pyimagesearch.data.duplicates.duplicate_groups`: images with
        the same number are copies of one another.
    test_size : float
        Share of each combination for the test side, between 0 and 1. Whole groups may not allow
        it exactly.
    seed : int
        The same seed and images give the same split.
    paths : sequence of str, optional
        The file of each image, so that an error can name folders instead of combinations.

    Returns
    -------
    train, test : numpy.ndarray
        int, sorted indices.

    Raises
    ------
    UserError
        If a combination has too few different images to be on both sides.
    ValueError
        If `test_size` is not between 0 and 1.
    """
    _check_share(test_size)
    rng = np.random.default_rng(seed)
    group_sizes = np.bincount(groups)
    # A group in several folders belongs to the folder of its first image.
    first_of_group = np.unique(groups, return_index=True)[1]
    groups_of_combination = positions_of(labels[first] for first in first_of_group.tolist())

    is_test_group = np.zeros(len(group_sizes), bool)
    for combination in sorted(groups_of_combination):
        shuffled = rng.permutation(groups_of_combination[combination])
        wanted = test_size * group_sizes[shuffled].sum()
        ordered = shuffled[large_last(group_sizes[shuffled], wanted)]
        # One group at least goes to each side.
        images_so_far = np.cumsum(group_sizes[ordered])[:-1]
        count = np.argmin(np.abs(images_so_far - wanted)) + 1 if len(ordered) > 1 else 0
        is_test_group[ordered[:count]] = True

    in_test = is_test_group[groups]
    train, test = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    on_both_sides = {labels[i] for i in train.tolist()} & {labels[i] for i in test.tolist()}
    if too_few := sorted(set(labels) - on_both_sides):
        named = [_why_too_few(each, labels, groups, paths=paths) for each in too_few[:5]]
        raise UserError(
            "too few different images to train and to test on, of which each combination needs "
            f"two: {first_few(named, total=len(too_few))}"
        )
    return train, test


def _why_too_few(
    combination: tuple[str, ...],
    labels: Sequence[tuple[str, ...]],
    groups: np.ndarray,
    *,
    paths: Sequence[str],
) -> str:
    """Name a combination by its folders, and say what images it has."""
    indices = [index for index, each in enumerate(labels) if each == combination]
    folders = sorted({str(Path(paths[i]).parent) for i in indices} if paths else ())
    others = {group for group, each in zip(groups, labels, strict=True) if each != combination}
    count = len(indices)
    if others.intersection(groups[indices]):
        why = f"{counted(count, 'image')}, with copies in other folders"
    else:
        why = "1 image" if count == 1 else f"{count:,} copies of one image"
    return f"{first_few(folders, 2) or '_'.join(combination)} ({why})"


def split_free(
    labels: Sequence[tuple[str, ...]],
    groups: np.ndarray,
    *,
    test_size: float,
    seed: int,
    is_test: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Split images that have any number of labels, each of which is on both sides where it can be.

    Without `is_test`, every label is trained on, and :func:`share_out` says which are tested on.

    Parameters
    ----------
    labels, groups, test_size, seed
        As for :func:`split`. A label whose images are all of one group is trained on, not tested.
    is_test : numpy.ndarray, optional
        bool, shape (N,): which images to test on. A group with one of them is tested on as a whole,
        so that no copy of it is trained on.

    Returns
    -------
    train, test : numpy.ndarray
        int, sorted indices.

    Raises
    ------
    UserError
        If nothing is left for one of the sides.
    ValueError
        If `test_size` is not between 0 and 1.
    """
    _check_share(test_size)
    if is_test is None:
        is_test_group = share_out(
            labels, groups, test_size=test_size, rng=np.random.default_rng(seed)
        )
    else:
        is_test_group = np.bincount(groups, weights=is_test) > 0
    in_test = is_test_group[groups]
    train, test = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    if not len(train) or not len(test):
        raise UserError(
            f"there is nothing to {'test' if len(train) else 'train'} on: all images are copies or "
            "of one group, or each has a label that no other has, or the table puts all of them on "
            "one side"
        )
    return train, test


def joined_groups(groups: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Join groups of copies that a table puts into one group.

    Parameters
    ----------
    groups : numpy.ndarray
        int, shape (N,), from :func:`pyimagesearch.data.duplicates.duplicate_groups`.
    names : sequence of str
        The name of each image's group; an empty one names none.

    Returns
    -------
    numpy.ndarray
        int, shape (N,): images with the same number are copies or of one group, or linked by both.
    """
    joined = DisjointSet(range(int(groups.max()) + 1))
    first_of: dict[str, int] = {}
    for group, name in zip(groups.tolist(), names, strict=True):
        if name:
            joined.merge(first_of.setdefault(name, group), group)
    roots = np.array([joined[group] for group in range(int(groups.max()) + 1)])
    return np.unique(roots[groups], return_inverse=True)[1]


def _check_share(test_size: float) -> None:
    if not 0 < test_size < 1:
        raise ValueError(f"test_size must be above 0 and below 1, not {test_size}")
