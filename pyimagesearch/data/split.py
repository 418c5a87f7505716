"""Which images the network trains on and which it is tested on."""

from collections.abc import Sequence

import numpy as np

from pyimagesearch.errors import UserError


def split(
    labels: Sequence[tuple[str, ...]], groups: np.ndarray, *, test_size: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split images into a training and a test side.

    Copies of one image stay on one side, and every combination is on both.

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
    # A group in several folders belongs to the folder of its first image.
    first_of_group = np.unique(groups, return_index=True)[1]
    groups_of_combination: dict[tuple[str, ...], list[int]] = {}
    for group, first in enumerate(first_of_group.tolist()):
        groups_of_combination.setdefault(labels[first], []).append(group)

    is_test_group = np.zeros(len(group_sizes), bool)
    for combination in sorted(groups_of_combination):
        shuffled = random.permutation(groups_of_combination[combination])
        images_so_far = np.cumsum(group_sizes[shuffled])
        wanted = np.argmin(np.abs(images_so_far - test_size * images_so_far[-1])) + 1
        is_test_group[shuffled[: min(wanted, len(shuffled) - 1)]] = True

    in_test = is_test_group[groups]
    train, test = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    on_both_sides = {labels[i] for i in train.tolist()} & {labels[i] for i in test.tolist()}
    if too_few := sorted(set(labels) - on_both_sides):
        raise UserError(
            f"the folder {'_'.join(too_few[0])} has too few different images to be split into a "
            "training and a test side: at least two are needed"
        )
    return train, test
