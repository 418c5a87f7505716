"""Copies of one image, exact or near: found by perceptual hash, confirmed by their pixels."""

from collections.abc import Iterator, Sequence
from itertools import chain

import cv2
import numpy as np

from pyimagesearch.data.folders import positions_of
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
# After this many pairs of similar hashes, it is checked again which pairs can be left out, because
# their images are all in one group by now.
SIMILAR_AT_ONCE = 2**10


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
    # One of several identical images stands for all. They are sorted by their hashes.
    identity = np.stack([hashes, checksums.astype(np.uint64)], axis=1)
    _, distinct, own = np.unique(identity, axis=0, return_index=True, return_inverse=True)

    group, members = np.arange(len(distinct)), dict[int, list[int]]()
    for pair in _possible_copies(hashes[distinct], means[distinct], group):
        if _are_near(*(images[distinct[i]] for i in pair)):
            _merge_groups(pair, group, members)
    first_of_group = np.full(len(distinct), count)
    np.minimum.at(first_of_group, group, distinct)
    return np.unique(first_of_group[group][own], return_inverse=True)[1]


def find_copy(
    image: np.ndarray,
    others: Images | Sequence[np.ndarray],
    hashes: np.ndarray | Sequence[np.uint64],
    *,
    own_hash: np.uint64,
) -> int | None:
    """Find the first of several images that one image is a copy of, exactly or nearly.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    others : numpy.ndarray, StoredImages or sequence of numpy.ndarray
        N images of the same shape. Only those are looked at that may be the one.
    hashes : numpy.ndarray or sequence of numpy.uint64
        uint64, shape (N,): their hashes, from :func:`perceptual_hash`. An array is not copied.
    own_hash : numpy.uint64
        That of `image`.

    Returns
    -------
    int or None
        The position of that image; None if there is none.
    """
    differing_bits = np.bitwise_count(np.asarray(hashes, np.uint64) ^ own_hash)
    similar = map(int, np.flatnonzero(differing_bits <= NEAR_HASH_BITS))
    return next((position for position in similar if _are_near(image, others[position])), None)


def _merge_groups(pair: tuple[int, int], group: np.ndarray, members: dict[int, list[int]]) -> None:
    """Make the groups of two images one; `members` lists those of groups with more than one."""
    # The smaller group joins the larger one, so that no image often changes its group.
    small, large = sorted((members.pop(group[i], [i]) for i in pair), key=len)
    large += small
    group[small] = group[large[0]]
    members[group[large[0]]] = large


def _possible_copies(
    hashes: np.ndarray, means: np.ndarray, group: np.ndarray
) -> Iterator[tuple[int, int]]:
    """Yield the pairs of images with similar hashes and means, except those already in one group.

    Frames of a still clip share a few hashes. So hashes are paired, not images, and a pair of
    hashes needs no further look once all its images are in one group.

    Parameters
    ----------
    hashes, means : numpy.ndarray
        uint64, shape (N,), sorted, and float32, shape (N, 3), of the images.
    group : numpy.ndarray
        int, shape (N,): the group of each image, looked up anew before each pair.

    Yields
    ------
    (int, int)
        Positions of two images.
    """
    values, starts, counts = np.unique(hashes, return_index=True, return_counts=True)
    least, most = np.minimum.reduceat(means, starts), np.maximum.reduceat(means, starts)
    shared = np.flatnonzero(counts > 1)
    for pairs in chain([np.stack([shared, shared])], _pairs_of_similar_hashes(values)):
        gaps = np.maximum(least[pairs[0]] - most[pairs[1]], least[pairs[1]] - most[pairs[0]])
        # Images differ at least as much as their means, which are cheaper to compare.
        close = np.sort(pairs[:, gaps.clip(0).mean(axis=1) <= NEAR_PIXEL_DIFFERENCE], axis=0)
        for begin in range(0, close.shape[1], SIMILAR_AT_ONCE):
            some = close[:, begin : begin + SIMILAR_AT_ONCE]
            lowest = np.minimum.reduceat(group, starts)[some].min(axis=0)
            highest = np.maximum.reduceat(group, starts)[some].max(axis=0)
            for pair in some[:, lowest < highest].T.tolist():
                one, other = (range(starts[i], starts[i] + counts[i]) for i in pair)
                yield from _in_two_groups((one, other), means, group)


def _in_two_groups(
    images: tuple[range, range], means: np.ndarray, group: np.ndarray
) -> Iterator[tuple[int, int]]:
    """Yield the pairs of an image of each range, as :func:`_possible_copies` does."""
    first, second = images
    if len(first) == len(second) == 1:  # Their means have been compared.
        if group[first[0]] != group[second[0]]:
            yield first[0], second[0]
        return
    for image in first:
        # If the ranges are the same, each pair comes once.
        start = max(image + 1, second.start)
        others = start + np.flatnonzero(group[start : second.stop] != group[image])
        differences = np.abs(means[others] - means[image]).mean(axis=1)
        for other in others[differences <= NEAR_PIXEL_DIFFERENCE].tolist():
            if group[other] != group[image]:
                yield image, other


def _pairs_of_similar_hashes(hashes: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the pairs of hashes that differ in at most ``NEAR_HASH_BITS``, each pair once.

    By the pigeonhole principle, two hashes that differ in at most seven bits differ in at most one
    bit of one of their four quarters. So a hash is compared only with those that share a quarter
    but for one bit (Norouzi, Punjani and Fleet, "Fast Search in Hamming Space with Multi-Index
    Hashing", 2012).

    Yields
    ------
    numpy.ndarray
        int, shape (2, number of pairs): positions in `hashes`.
    """
    quarters = hashes.view(np.uint16).reshape(-1, 4)
    for nth, quarter in enumerate(quarters.T):
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
                pairs = pairs[:, differing_bits <= NEAR_HASH_BITS]
                earlier = np.bitwise_count(quarters[pairs[0], :nth] ^ quarters[pairs[1], :nth])
                yield pairs[:, (earlier > 1).all(axis=1)]


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


def spanning_groups(groups: np.ndarray, labels: Sequence[tuple[str, ...]]) -> list[list[int]]:
    """Find copies of one image that have different labels; another order is no difference.

    Parameters
    ----------
    groups : numpy.ndarray
        int, shape (N,), from :func:`duplicate_groups`.
    labels : sequence of tuple of str
        The labels of the N images.

    Returns
    -------
    list of list of int
        The indices of the images of each such group.
    """
    return [
        indices
        for indices in positions_of(groups.tolist()).values()
        if len({frozenset(labels[index]) for index in indices}) > 1
    ]
