"""Decide whether images are composed, and find out which part of the folders' names is the colour.

Two combinations that differ only in their colour, such as black jeans and blue jeans, can be told
apart by how frequent each colour is in the middle of their images. Two that differ only in their
type, such as blue jeans and a blue shirt, can be told apart less well.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, combinations
from math import comb
from typing import Literal, NamedTuple

import numpy as np

from pyimagesearch.data.folders import positions_of
from pyimagesearch.data.image_arrays import Images
from pyimagesearch.recoloring.color_statistics import (
    LEAST_PROBABILITY,
    color_histogram,
    thumbnail_bins,
)
from pyimagesearch.recoloring.composition import why_nothing_to_compose
from pyimagesearch.recoloring.name_parts import Labels, NameParts, split_names
from pyimagesearch.recoloring.segmentation import central_place

# This many images of each combination are enough.
MOST_IMAGES = 200
# This many pairs of combinations are enough for each part: if single shares deviate by 0.1, the
# mean of 300 of them deviates by 0.006.
MOST_PAIRS = 300
# A part is a colour if colours tell its labels apart in at least this share of the images, and the
# share of every other part is smaller by at least this lead. The tutorial's photographs give 0.98
# for black, blue and red, and 0.74 for dresses, jeans and shirts.
LEAST_SHARE, LEAST_LEAD = 0.85, 0.05
# Where another part may be the colour but no two combinations show it, as with blue dresses, blue
# jeans and red shirts, there is no lead. Of photographs of blue dresses and blue jeans, colours
# tell up to 0.88 apart if there are 50 of each, and any share if there are three.
LEAST_SHARE_ALONE, LEAST_IMAGES_ALONE = 0.9, 50
# A colour counts only if it is much more frequent with one label than with the other: by a factor
# whose natural logarithm is at least this. A van shows more of the same green than a sports car.
LEAST_EVIDENCE = 1.5


class ColorPart(NamedTuple):
    """How well colours alone tell the labels of each part apart.

    Attributes
    ----------
    shares : tuple of float
        For each part, the share of images whose label is found by colours alone, among two labels
        that occur with the same other labels. From 0.5, which is chance, to 1; NaN if there are
        no such two labels, or the part cannot be told from the others in every name.
    fewest : tuple of int
        For each part, the fewest images of a combination that was compared, at most
        ``MOST_IMAGES``; 0 if none was.
    is_hidden : bool
        Whether a part has several labels, but no two that occur with the same other labels.
    """

    shares: tuple[float, ...]
    fewest: tuple[int, ...]
    is_hidden: bool

    @property
    def likeliest(self) -> int:
        """The part whose labels colours tell apart best; the first of equals."""
        return int(np.argmax(np.nan_to_num(self.shares, nan=-1)))

    @property
    def is_clear(self) -> bool:
        """Whether that part is a colour, and no other is one."""
        share = self.shares[self.likeliest]
        others = [other for part, other in enumerate(self.shares) if part != self.likeliest]
        if self.is_hidden and self.fewest[self.likeliest] < LEAST_IMAGES_ALONE:
            return False
        least = LEAST_SHARE_ALONE if self.is_hidden else LEAST_SHARE
        return share >= least and not any(share - other < LEAST_LEAD for other in others)


class Recoloring(NamedTuple):
    """What is composed of a dataset.

    Attributes
    ----------
    per_combination : int or None
        How many images of each missing combination an epoch shows; None for the default of
        :func:`pyimagesearch.recoloring.composition.compose_missing`.
    part : int
        Which part of the shortest folder names is the colour; 0 is the first.
    found : ColorPart or None
        What the choice of the part rests on; None if the user made it, or there is none to make.
    reason : str or None
        Why nothing is composed, if something was wanted.
    """

    per_combination: int | None
    part: int
    found: ColorPart | None = None
    reason: str | None = None


def choose_recoloring(
    images: Images,
    labels: Sequence[tuple[str, ...]],
    indices: np.ndarray,
    *,
    wanted: int | Literal["auto"] | None,
    part: int | None,
) -> Recoloring:
    """Decide what is composed of a dataset.

    Parameters
    ----------
    images, labels, indices
        As for :func:`find_color_part`; here the images may have any number of labels.
    wanted : int, "auto" or None
        How many images of each missing combination an epoch shows; None for the default of
        :func:`pyimagesearch.recoloring.composition.compose_missing`, ``"auto"`` for the same, but
        only if one part is clearly a colour.
    part : int or None
        Which part of the shortest folder names is the colour; None finds out.

    Returns
    -------
    Recoloring
        What :func:`pyimagesearch.recoloring.composition.compose_missing` needs.

    Raises
    ------
    UserError
        If the shortest folder names have too few parts for `part`.
    """
    if wanted == 0:
        return Recoloring(0, part or 0)
    per_combination = None if wanted == "auto" else wanted
    candidates = range(max(1, min(map(len, labels)))) if part is None else [part]
    reasons = {each: why_nothing_to_compose(labels, part=each) for each in candidates}
    if all(reasons.values()):
        return Recoloring(0, part or 0, reason=reasons[part or 0])
    if part is not None:
        return Recoloring(per_combination, part)
    found = find_color_part(images, labels, indices)
    reason = reasons[found.likeliest]
    if wanted == "auto" and not found.is_clear:
        none = "neither" if len(found.shares) == 2 else "no"
        reason = f"{none} part of the names is clearly a colour"
        if found.is_hidden:
            reason += "; some part has no two folders that differ in it alone"
    return Recoloring(0 if reason else per_combination, found.likeliest, found, reason)


def find_color_part(
    images: Images, labels: Sequence[tuple[str, ...]], indices: np.ndarray
) -> ColorPart:
    """Compare how well colours tell the labels of each part apart.

    Parameters
    ----------
    images : numpy.ndarray or StoredImages
        uint8, shape (N, height, width, 3), BGR.
    labels : sequence of tuple of str
        The labels of each of the N images.
    indices : numpy.ndarray
        int: which images to look at.

    Returns
    -------
    ColorPart
        For names such as ``blue_jeans`` the first part is the likeliest.
    """
    its_indices = _some_of_each(labels, indices)

    @lru_cache(2 * MOST_PAIRS)  # those of all combinations could take too much memory
    def bins_of(combination: Labels) -> np.ndarray:
        return np.stack([thumbnail_bins(images[i]) for i in its_indices[combination]])

    shares, fewest, is_hidden = [], [], False
    for part in range(min(map(len, labels))):
        names = split_names(labels, part=part)
        pairs = [] if names.reason else _alike_but_for_color(its_indices, names)
        told_apart = [_told_apart(bins_of(one), bins_of(other)) for one, other in pairs]
        shares.append(float(np.mean(told_apart)) if pairs else np.nan)
        fewest.append(min((len(its_indices[each]) for pair in pairs for each in pair), default=0))
        is_hidden |= not pairs and len({pair.color for pair in names.pairs.values()}) > 1
    return ColorPart(tuple(shares), tuple(fewest), is_hidden)


def _some_of_each(labels: Sequence[Labels], indices: np.ndarray) -> dict[Labels, list[int]]:
    """Draw images of each combination that has more than one."""
    mixed = np.random.default_rng(0).permutation(indices)
    return {
        combination: mixed[positions[:MOST_IMAGES]].tolist()
        for combination, positions in positions_of(labels[i] for i in mixed).items()
        if len(positions) > 1
    }


def _alike_but_for_color(
    candidates: Iterable[Labels], names: NameParts
) -> list[tuple[Labels, Labels]]:
    """Return the pairs of combinations that share their type, sorted; of too many, draw some."""
    of_type: dict[Labels, list[Labels]] = {}
    for combination in sorted(candidates):
        of_type.setdefault(names.pairs[combination].type, []).append(combination)
    alike = list(of_type.values())
    counts = np.array([comb(len(each), 2) for each in alike])
    if counts.sum() <= MOST_PAIRS:
        return sorted(chain.from_iterable(combinations(each, 2) for each in alike))
    rng, drawn = np.random.default_rng(0), set[tuple[Labels, Labels]]()
    while len(drawn) < MOST_PAIRS:
        members = alike[rng.choice(len(alike), p=counts / counts.sum())]
        one, other = sorted(rng.choice(len(members), 2, replace=False))
        drawn.add((members[one], members[other]))
    return sorted(drawn)


def _told_apart(one: np.ndarray, other: np.ndarray) -> float:
    """Learn the colours of two combinations from half of their images; test on the other half.

    Returns
    -------
    float
        The share of images for which the colours of their own combination are likelier, as the
        mean of the two combinations and of both ways to take the halves.
    """
    place = central_place()
    shares = []
    for half in (0, 1):
        histograms = [
            color_histogram(bins[half::2], np.broadcast_to(place, bins[half::2].shape))
            for bins in (one, other)
        ]
        log_one, log_other = (np.log(each + LEAST_PROBABILITY) for each in histograms)
        log_ratio = log_one - log_other
        evidence = np.sign(log_ratio) * np.maximum(np.abs(log_ratio) - LEAST_EVIDENCE, 0)
        for bins, sign in ((one, 1), (other, -1)):
            total = (evidence[bins[1 - half :: 2]] * place).sum(axis=(1, 2)) * sign
            shares.append((1 + np.sign(total).mean()) / 2)  # no evidence is half right
    return float(np.mean(shares))
