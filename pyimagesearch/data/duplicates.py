"""Copies of one image, exact or near: found by perceptual hash, confirmed by their pixels."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from pyimagesearch.data.image_arrays import Images

# Two images are copies if at most this many of the 64 bits of their perceptual hashes differ, their
# pixels differ by at most this many grey levels on average, and the standard deviation of this
# difference is at most this share of their own. Without the last, small products on white would be
# copies, because most of their pixels are the same white.
NEAR_HASH_BITS = 7
NEAR_PIXEL_DIFFERENCE = 6.0
NEAR_DEVIATION = 0.2
# Recompression alone can make a difference with this deviation, however flat the images are.
COMPRESSION_DEVIATION = 2.0

# Comparing this many pairs of hashes at once bounds the memory that they take.
PAIRS_AT_ONCE = 2**20


def perceptual_hash(image: np.ndarray) -> np.uint64:
    """Condense an image to 64 bits that survive resizing, recompression and small edits.

    Each bit tells whether one of the lowest 8 x 8 frequencies of the 32 x 32 grey image is above
    their median (Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions",
    2010, section 3.2.1).

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
    # The lowest frequency is left out: it is the mean brightness.
    frequencies = cv2.dct(small.astype(np.float32))[1:9, 1:9]
    # np.median would take half the time of the whole hash.
    lower, upper = np.partition(frequencies, (31, 32), axis=None)[31:33]
    bits = frequencies > (lower + upper) / 2
    return np.packbits(bits).view(np.uint64)[0]


def duplicate_groups(images: Images, checksums: np.ndarray) -> np.ndarray:
    """Find images that are copies of one another, exactly or nearly.

    Two images are near copies if both their perceptual hashes and their pixels are close, the
    pixels also relative to the contrast of the images. Copies of copies fall into one group.

    Parameters
    ----------
    images : numpy.ndarray or StoredImages
        uint8, shape (N, height, width, 3), BGR.
    checksums : numpy.ndarray
        uint32, shape (N,): equal for images with equal pixels.

    Returns
    -------
    numpy.ndarray
        int, shape (N,): images with the same number are copies of one another. Groups are numbered
        in the order of their first images.
    """
    count = len(images)
    hashes, means = np.empty(count, np.uint64), np.empty((count, 3), np.float32)
    for position, image in enumerate(images):
        hashes[position] = perceptual_hash(image)
        means[position] = cv2.mean(image)[:3]
    # One of several identical images stands for all, so that they do not make many pairs.
    identity = np.stack([hashes, checksums.astype(np.uint64)], axis=1)
    _, distinct, group = np.unique(identity, axis=0, return_index=True, return_inverse=True)

    copies = DisjointSet()
    for pairs in _pairs_of_similar_hashes(hashes[distinct]):
        first, second = distinct[pairs]
        # Images differ at least as much as their means, which are cheaper to compare.
        means_differ = np.abs(means[first] - means[second]).mean(axis=1)
        for pair in pairs[:, means_differ <= NEAR_PIXEL_DIFFERENCE].T.tolist():
            for member in pair:
                copies.add(member)
            if not copies.connected(*pair) and _are_near(*(images[distinct[i]] for i in pair)):
                copies.merge(*pair)
    first_of_group = distinct.copy()
    for members in map(list, copies.subsets()):
        first_of_group[members] = distinct[members].min()
    return np.unique(first_of_group[group], return_inverse=True)[1]


def find_copy(
    image: np.ndarray, others: Sequence[np.ndarray], hashes: Sequence[np.uint64]
) -> int | None:
    """Find the first of several images that one image is a copy of, exactly or nearly.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    others : sequence of numpy.ndarray
        Images of the same shape.
    hashes : sequence of numpy.uint64
        Their hashes, from :func:`perceptual_hash`.

    Returns
    -------
    int or None
        The position of that image; None if there is none.
    """
    differing_bits = np.bitwise_count(np.array(hashes, np.uint64) ^ perceptual_hash(image))
    similar = map(int, np.flatnonzero(differing_bits <= NEAR_HASH_BITS))
    return next((position for position in similar if _are_near(image, others[position])), None)


def _pairs_of_similar_hashes(hashes: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the pairs of hashes that differ in at most ``NEAR_HASH_BITS``, some of them repeatedly.

    By the pigeonhole principle, two hashes that differ in at most seven bits differ in at most one
    bit of one of their four quarters. So a hash is compared only with those that share a quarter
    but for one bit (Norouzi, Punjani and Fleet, "Fast Search in Hamming Space with Multi-Index
    Hashing", 2012).

    Yields
    ------
    numpy.ndarray
        int, shape (2, number of pairs): positions in `hashes`.
    """
    for quarter in hashes.view(np.uint16).reshape(-1, 4).T:
        order = np.argsort(quarter, kind="stable")
        keys = quarter[order]
        for flipped in (0, *(1 << bit for bit in range(16))):
            probed = keys ^ np.uint16(flipped)
            stops = np.searchsorted(keys, probed, side="right")
            # Each pair once: only hashes that come later are paired with this one.
            starts = np.maximum(
                np.searchsorted(keys, probed, side="left"), np.arange(1, len(keys) + 1)
            )
            for first, second in _ranges_of_pairs(starts, np.maximum(starts, stops)):
                pairs = order[np.stack([first, second])]
                differing_bits = np.bitwise_count(hashes[pairs[0]] ^ hashes[pairs[1]])
                yield pairs[:, differing_bits <= NEAR_HASH_BITS]


def _ranges_of_pairs(
    starts: np.ndarray, stops: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pair each position with its whole range, about ``PAIRS_AT_ONCE`` pairs at a time."""
    counts = stops - starts
    pairs_before = np.concatenate([[0], np.cumsum(counts)])
    begin = 0
    while begin < len(counts):
        enough = np.searchsorted(pairs_before, pairs_before[begin] + PAIRS_AT_ONCE, side="right")
        end = max(begin + 1, int(enough) - 1)
        first = np.repeat(np.arange(begin, end), counts[begin:end])
        nth = np.arange(len(first)) - (pairs_before[first] - pairs_before[begin])
        yield first, starts[first] + nth
        begin = end


def _are_near(first: np.ndarray, second: np.ndarray) -> bool:
    if cv2.norm(first, second, cv2.NORM_L1) > NEAR_PIXEL_DIFFERENCE * first.size:
        return False
    # So small that a copy that was resized, or lost a row at its border, differs little at edges.
    first, second = (
        cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA) for image in (first, second)
    )
    difference = cv2.subtract(first, second, dtype=cv2.CV_16S)
    own = min(_deviation(first), _deviation(second))
    return _deviation(difference) <= max(COMPRESSION_DEVIATION, NEAR_DEVIATION * own)


def _deviation(image: np.ndarray) -> float:
    """Return the standard deviation of the pixels from the mean colour, over all channels."""
    return cv2.norm(cv2.meanStdDev(image)[1]) / image.shape[2] ** 0.5


def spanning_groups(groups: np.ndarray, labels: Sequence[tuple[str, ...]]) -> list[np.ndarray]:
    """Find copies of one image that have different labels; another order is no difference.

    Parameters
    ----------
    groups : numpy.ndarray
        int, shape (N,), from :func:`duplicate_groups`.
    labels : sequence of tuple of str
        The labels of the N images.

    Returns
    -------
    list of numpy.ndarray
        The indices of the images of each such group.
    """
    members: dict[int, list[int]] = {}
    for index, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(index)
    return [
        np.array(indices)
        for indices in members.values()
        if len(indices) > 1 and len({frozenset(labels[index]) for index in indices}) > 1
    ]
