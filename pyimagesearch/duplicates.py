"""Copies of one image, exact or near: found by perceptual hash, confirmed by their pixels."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# Images closer than this are one photograph, saved twice: perceptual hashes that differ in so
# many of their 64 bits, and pixels that differ by so many grey levels on average.
NEAR_HASH_BITS = 7
NEAR_PIXEL_DIFFERENCE = 6.0


def perceptual_hash(image: np.ndarray) -> np.uint64:
    """Condense an image to 64 bits that survive resizing, recompression and small edits.

    The signs of the lowest 8 x 8 frequencies of the 32 x 32 grey image, relative to their median;
    after Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010),
    section 3.2.1.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.

    Returns
    -------
    numpy.uint64
        Similar images have hashes that differ in few bits.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA)
    # The very lowest frequency is the mean, which says nothing about what is in the image.
    frequencies = cv2.dct(small.astype(np.float32))[1:9, 1:9]
    bits = frequencies > np.median(frequencies)
    return np.packbits(bits).view(np.uint64)[0]


def duplicate_groups(images: np.ndarray) -> np.ndarray:
    """Find images that are copies of one another, exactly or nearly.

    Two images are near-identical if both their perceptual hashes and their pixels are. Copies of
    copies fall into one group.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, shape (N, height, width, 3), BGR.

    Returns
    -------
    numpy.ndarray
        int, shape (N,): images with the same number are copies of one another.
    """
    hashes = np.array([perceptual_hash(image) for image in images], np.uint64)
    pairs = [
        (first, second)
        for first, second in _pairs_of_similar_hashes(hashes)
        if _are_near(images[first], images[second])
    ]
    first, second = np.array(pairs, int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(len(images), len(images)))
    return connected_components(graph, directed=False)[1]


def find_copy(
    image: np.ndarray, others: Sequence[np.ndarray], hashes: Sequence[np.uint64]
) -> int | None:
    """Find the first of some images that another one is a copy of, exactly or nearly.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    others : sequence of numpy.ndarray
        Of the same shape.
    hashes : sequence of numpy.uint64
        Theirs, from :func:`perceptual_hash`.

    Returns
    -------
    int or None
        Its position, None if there is no copy.
    """
    differing_bits = np.bitwise_count(np.array(hashes, np.uint64) ^ perceptual_hash(image))
    similar = map(int, np.flatnonzero(differing_bits <= NEAR_HASH_BITS))
    return next((position for position in similar if _are_near(image, others[position])), None)


def _pairs_of_similar_hashes(hashes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the pairs of hashes at most ``NEAR_HASH_BITS`` bits apart, some of them repeatedly.

    Two hashes that differ in at most seven bits agree in at least one of their eight bytes (the
    pigeonhole principle), so only hashes that share a byte are compared.
    """
    hash_bytes = hashes.view(np.uint8).reshape(-1, 8)
    for column in hash_bytes.T:
        order = np.argsort(column, kind="stable")
        edges = np.flatnonzero(np.diff(column[order])) + 1
        for bucket in np.split(order, edges):
            for place, first in enumerate(bucket[:-1]):
                others = bucket[place + 1 :]
                differing_bits = np.bitwise_count(hashes[others] ^ hashes[first])
                for second in others[differing_bits <= NEAR_HASH_BITS]:
                    yield int(first), int(second)


def _are_near(first: np.ndarray, second: np.ndarray) -> bool:
    return cv2.norm(first, second, cv2.NORM_L1) <= NEAR_PIXEL_DIFFERENCE * first.size


def spanning_groups(groups: np.ndarray, labels: Sequence[tuple[str, ...]]) -> list[np.ndarray]:
    """Find images that are copies of one another and yet labelled differently.

    Parameters
    ----------
    groups : numpy.ndarray
        int, shape (N,), from :func:`duplicate_groups`.
    labels : sequence of tuple of str
        Of the N images.

    Returns
    -------
    list of numpy.ndarray
        The positions of the images of each such group.
    """
    labels_of_group: dict[int, set[tuple[str, ...]]] = {}
    for group, image_labels in zip(groups, labels, strict=True):
        labels_of_group.setdefault(int(group), set()).add(image_labels)
    contradictory = [group for group, found in labels_of_group.items() if len(found) > 1]
    return [np.flatnonzero(groups == group) for group in contradictory]
