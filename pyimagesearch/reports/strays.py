"""Find images of a dataset that lie far from all others of their label: strays, wrong labels."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pyimagesearch.artifacts.known_images import NEIGHBOURS, largest_of
from pyimagesearch.console import counted, first_few
from pyimagesearch.data.folders import numbered_combinations
from pyimagesearch.data.loading import Dataset

# A stray is this many standard deviations less similar than usual. One standard deviation is
# estimated as this many median deviations, which strays hardly change.
DEVIATIONS = 3.5
OF_MEDIAN = 1.4826
MOST_STRAYS = 200
# Each image is compared with up to this many others in all, shared evenly among the combinations,
# or with this many of each if that is more.
MOST_COMPARED, LEAST_COMPARED = 20_000, 50
# Reading all points takes longer than comparing them with a few images. So several combinations of
# a few images are compared with at once.
ROWS_AT_ONCE, COLUMNS_AT_ONCE = 1024, 128


def find_strays(
    dataset: Dataset, points: np.ndarray, *, indices: np.ndarray
) -> list[dict[str, Any]]:
    """Find the images that are unlike all others of their combination.

    Parameters
    ----------
    dataset : Dataset
        N images.
    points : numpy.ndarray
        float32, shape (M, D), from :func:`pyimagesearch.training.remembering.remember`. D is 0 if
        the network has no features.
    indices : numpy.ndarray
        int, shape (M,), sorted: which image each point is of. From N on, images are none of the
        dataset.

    Returns
    -------
    list of dict
        JSON values, the farthest first: ``path``, ``labels``, ``similarity`` to the nearest images
        with the same labels that are no copies of it, and the labels of the ``nearest`` others.
        Empty where images have any number of labels, so that few have the same.
    """
    if not points.shape[1] or dataset.has_free_labels:
        return []
    indices = indices[indices < len(dataset.paths)]
    placed, groups = points[: len(indices)], dataset.groups[indices]
    combinations, numbers = numbered_combinations([dataset.labels[index] for index in indices])
    near, nearest = _nearest(placed, np.array(numbers), groups)
    near[np.isinf(near)] = np.nan  # It has nothing to be like, or unlike.
    if np.isnan(near).all():
        return []
    usual = np.nanmedian(near)
    deviation = OF_MEDIAN * np.nanmedian(np.abs(near - usual))
    order = np.argsort(near, kind="stable")
    far = [int(i) for i in order if near[i] < usual - DEVIATIONS * deviation]
    return [
        {
            "path": dataset.paths[indices[i]],
            "labels": dataset.labels[indices[i]],
            "similarity": float(near[i]),
            "nearest": combinations[nearest[i]],
        }
        for i in far[:MOST_STRAYS]
    ]


def _nearest(
    placed: np.ndarray, own: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how similar all images are to their own combination, and which is the most similar.

    Of combinations that are equally similar, it is the first.
    """
    near, largest = (np.full(len(own), -np.inf, np.float32) for _ in range(2))
    nearest = np.zeros(len(own), int)
    for numbers, others in _combinations_of_one_size(own):
        similar = _similarities(placed, others, groups)
        to_own = np.where(own[:, None] == numbers, similar, -np.inf).max(axis=1)
        near = np.maximum(near, to_own)
        best = similar.argmax(axis=1)
        of_best, number = similar[np.arange(len(own)), best], numbers[best]
        is_nearer = (of_best > largest) | (of_best == largest) & (number < nearest)
        nearest = np.where(is_nearer, number, nearest)
        largest = np.maximum(largest, of_best)
    return near, nearest


def _combinations_of_one_size(own: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each combination with the images to compare with, several of few images at once.

    Yields
    ------
    tuple of numpy.ndarray
        int, shape (C,), ascending: combinations. int, shape (C, M): images of each.
    """
    counts = np.bincount(own)
    images = np.split(np.argsort(own, kind="stable"), np.cumsum(counts)[:-1])
    most = max(LEAST_COMPARED, MOST_COMPARED // len(counts))
    sizes = np.minimum(counts, most)
    for size in np.unique(sizes).tolist():
        of_size, at_once = np.flatnonzero(sizes == size), max(1, COLUMNS_AT_ONCE // size)
        for start in range(0, len(of_size), at_once):
            numbers = of_size[start : start + at_once]
            yield numbers, np.stack([_some(images[number], size) for number in numbers.tolist()])


def _some(images: np.ndarray, count: int) -> np.ndarray:
    if len(images) <= count:
        return images
    return np.random.default_rng(0).permutation(images)[:count]


def _similarities(placed: np.ndarray, others: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return how similar all N images are to the nearest of each combination that are no copies.

    Parameters
    ----------
    placed : numpy.ndarray
        float32, shape (N, D): points.
    others : numpy.ndarray
        int, shape (C, M): M images of each of C combinations.
    groups : numpy.ndarray
        int, shape (N,): copies have the same number.

    Returns
    -------
    numpy.ndarray
        float32, shape (N, C); -inf where all M are copies.
    """
    count, size = others.shape
    columns = others.ravel()
    points_of_others, groups_of_others = placed[columns].T, groups[columns]
    near = np.empty((len(placed), count), np.float32)
    for start in range(0, len(placed), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        similarities = placed[rows] @ points_of_others
        similarities[groups[rows, None] == groups_of_others] = -np.inf
        largest = largest_of(similarities.reshape(-1, size), NEIGHBOURS)
        near[rows] = _mean_of_finite(largest).reshape(-1, count)
    return near


def _mean_of_finite(similarities: np.ndarray) -> np.ndarray:
    """Average each row of an array without its -inf; -inf where there is nothing else."""
    is_finite = np.isfinite(similarities)
    sums = np.where(is_finite, similarities, 0).sum(axis=1)
    counts = is_finite.sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), -np.inf)


def report_strays(report: dict[str, Any], strays: Sequence[dict[str, Any]]) -> list[str]:
    """Add strays to a run's report, where each of the worst predictions says if it is one.

    Parameters
    ----------
    report : dict
        From :func:`pyimagesearch.reports.training_report.training_report`; changed.
    strays : sequence of dict
        From :func:`find_strays`.

    Returns
    -------
    list of str
        A line that names the first of them; no line if there are none.
    """
    report["strays"] = strays
    paths = [stray["path"] for stray in strays]
    for error in report["worst"]:
        error["is_stray"] = error["path"] in paths
    if not strays:
        return []
    count = counted(len(strays), "image")
    return [f"{count} unlike all others with their labels: {first_few(paths)}"]
