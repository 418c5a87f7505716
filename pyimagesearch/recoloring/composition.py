"""Compose training images of combinations that no folder holds.

A black dress is composed of a dress in another colour and of a black garment of another type: the
dress stays as it was photographed and gets the black of the other garment.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np

from pyimagesearch.console import Progress, no_progress, printable
from pyimagesearch.data.cache import cache_folder
from pyimagesearch.data.folders import positions_of
from pyimagesearch.data.image_arrays import Concatenated, Images, Turns, room_for_images
from pyimagesearch.errors import UserError
from pyimagesearch.recoloring.color_statistics import to_lab
from pyimagesearch.recoloring.color_transfer import Color, color_of, recolor
from pyimagesearch.recoloring.name_parts import (
    NameParts,
    Pair,
    count_missing_pairs,
    missing_pairs,
    split_names,
)
from pyimagesearch.recoloring.segmentation import Appearance, learn_appearance, segment

# Three times as many images are composed as one epoch shows, and epochs take turns: many pairs of a
# garment and a colour teach more than a few.
TURNS = 3
# The default for an epoch is the size of an average folder, up to this many images, and no more in
# all than there are images to train on.
MOST_BY_DEFAULT = 2000
# This many images of each folder are enough to learn from and to compose from.
SOURCES_PER_COMBINATION = 200
# An image is a good source if its garment fills at least and at most this share of it.
LEAST_SHARE, LARGEST_SHARE = 0.04, 0.95
# Nothing is composed unless at least this share of the sources are good ones.
LEAST_GOOD = 0.25
# Images are reduced to this size to measure a garment's colour.
COLOR_SAMPLE_SIZE = (48, 48)

# Some types of garment come in darker shades than others: denim is darker than blue shirts are.
# So half of the composed images keep up to 80 % of their original darkness, but none becomes darker
# than the darkest garment of its new colour.
SHARE_OF_DARK = 0.5
MOST_DARKNESS_KEPT = 0.8


class Composition(NamedTuple):
    """Composed images and what they were composed from.

    Attributes
    ----------
    images : numpy.ndarray or StoredImages
        uint8, shape (M, height, width, 3), BGR.
    labels : list of tuple of str
        The combination that each image shows.
    type_sources : numpy.ndarray
        int, shape (M,): index of the image that the garment comes from.
    color_sources : numpy.ndarray
        int, shape (M,): index of the image that the colour comes from.
    reason : str or None
        Why there are none, if some were wanted.
    """

    images: Images
    labels: list[tuple[str, ...]]
    type_sources: np.ndarray
    color_sources: np.ndarray
    reason: str | None = None

    @property
    def per_combination(self) -> int:
        """How many images of each combination an epoch shows."""
        return len(self.labels) // (TURNS * len(set(self.labels)) or 1)


class _Sources(NamedTuple):
    """The images to compose from; all arrays but the first have one element for each of them."""

    images: Images  # of the whole dataset
    indices: np.ndarray
    colors: np.ndarray
    types: np.ndarray
    is_good: np.ndarray
    appearance: Appearance


class _Plan(NamedTuple):
    """How to make each composed image; sources are given by their positions in `_Sources`."""

    type_sources: np.ndarray
    color_sources: np.ndarray
    darkness_kept: np.ndarray


def why_nothing_to_compose(labels: Sequence[tuple[str, ...]], *, part: int) -> str | None:
    """Explain why no images can be composed.

    Parameters
    ----------
    labels : sequence of tuple of str
        The labels of each image.
    part : int
        Which part of the shortest folder names is the colour; 0 is the first.

    Returns
    -------
    str or None
        One line, or None if images can be composed.

    Raises
    ------
    UserError
        If the shortest names have too few parts for `part`.
    """
    return _why_nothing(split_names(labels, part=part))


def _why_nothing(names: NameParts) -> str | None:
    if len(set(map(frozenset, names.pairs))) < len(names.pairs):
        return "recolouring needs one order of labels, and some folders have the same in another"
    if names.reason:
        return names.reason
    for what, side in (("colours", 0), ("types", 1)):
        found = sorted({"_".join(pair[side]) for pair in names.pairs.values()})
        if len(found) < 2:
            return (
                f"recolouring needs at least two {what}, and the folders have only "
                f"{printable(', '.join(found))}"
            )
    return None if count_missing_pairs(names, most=1) else "every combination has a folder"


def compose_missing(
    images: Images,
    labels: Sequence[tuple[str, ...]],
    indices: np.ndarray,
    *,
    per_combination: int | None,
    part: int,
    seed: int,
    memory_limit: int | None = None,
    progress: Progress = no_progress,
) -> Composition:
    """Compose images of every combination of a colour and a type that no folder holds.

    Parameters
    ----------
    images : numpy.ndarray or StoredImages
        uint8, shape (N, height, width, 3), BGR. Read one at a time, so they may stay in a file.
    labels : sequence of tuple of str
        The labels of each of the N images.
    indices : numpy.ndarray
        int: which images to compose from, usually the training indices of the split.
    per_combination : int or None
        How many images of each missing combination an epoch shows. None means as many as an average
        folder has among `indices`, but at most ``MOST_BY_DEFAULT``, and no more of all combinations
        together than there are `indices`.
    part : int
        Which part of the shortest folder names is the colour, as in
        :func:`pyimagesearch.recoloring.name_parts.split_names`.
    seed : int
        The same seed and images give the same composition.
    memory_limit : int, optional
        Bytes, by default all memory of the machine. Composed images that would take more than a
        quarter of it stay in a file.
    progress : callable, optional
        Shows how many of the garments have got their colours.

    Returns
    -------
    Composition
        ``TURNS * per_combination`` images of the first missing combination, then of the second,
        and so on. Empty if `per_combination` is 0; if it is None and more combinations are missing
        than there are `indices`; if :func:`why_nothing_to_compose` gives a reason; or if the
        garment was found in too few of the images.

    Raises
    ------
    UserError
        If a colour or a type does not occur at `indices`, the shortest names have too few parts
        for `part`, or the images go into a file that cannot be made.
    """
    none = np.zeros(0, int)
    nothing = Composition(np.empty((0, *images.shape[1:]), np.uint8), [], none, none)
    if per_combination == 0:
        return nothing
    names = split_names(labels, part=part)
    if reason := _why_nothing(names):
        return nothing._replace(reason=reason)
    if per_combination is None:
        of_a_folder = round(len(indices) / len(set(labels)))
        count = count_missing_pairs(names, most=len(indices) + 1)
        per_combination = min(of_a_folder, MOST_BY_DEFAULT, len(indices) // count)
        if per_combination == 0:
            reason = "more combinations have no folder than there are images to train on"
            return nothing._replace(reason=reason)
    rng = np.random.default_rng(seed)
    most = max(SOURCES_PER_COMBINATION, per_combination)
    drawn = _draw_sources(labels, indices, most=most, rng=rng)
    sources = _learn(images, drawn, [names.pairs[labels[i]] for i in drawn])
    if sources.is_good.mean() < LEAST_GOOD:
        return nothing._replace(
            reason="what has the colour fills next to nothing, or nearly all, of most images"
        )
    missing = missing_pairs(names)
    plan = _plan(sources, missing.values(), count=TURNS * per_combination, rng=rng)
    shape = len(plan.type_sources), *images.shape[1:]
    composed = room_for_images(shape, memory_limit, cache_folder())
    _recolor_all(sources, plan, composed, progress=progress)
    return Composition(
        composed,
        [combination for combination in missing for _ in range(TURNS * per_combination)],
        sources.indices[plan.type_sources],
        sources.indices[plan.color_sources],
    )


def pooled(images: Images, composed: Images) -> tuple[Concatenated, Turns]:
    """Append composed images to the others, and let epochs take turns to show them.

    Parameters
    ----------
    images : numpy.ndarray or StoredImages
        uint8, shape (N, height, width, 3).
    composed : numpy.ndarray or StoredImages
        uint8, shape (M, height, width, 3).

    Returns
    -------
    pool : Concatenated
        All N + M images.
    turns : Turns
        The indices of the composed ones. ``TURNS`` epochs show each of them once.
    """
    pool = Concatenated(images, composed)
    return pool, Turns(np.arange(len(images), pool.shape[0]), TURNS)


def _draw_sources(
    labels: Sequence[tuple[str, ...]], indices: np.ndarray, *, most: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw at most this many images of each combination."""
    if not len(indices):
        raise UserError("there are no images to compose from")
    positions = positions_of(labels[i] for i in indices)
    drawn = [rng.permutation(indices[positions[key]])[:most] for key in sorted(positions)]
    return np.concatenate(drawn)


def _learn(images: Images, indices: np.ndarray, pairs: Iterable[Pair]) -> _Sources:
    """Learn where the garments are in the images to compose from, and which of these are good."""
    colors, types = np.array([pair.joined for pair in pairs]).T
    appearance, shares = learn_appearance(images, indices, colors=colors, types=types)
    is_good = (shares > LEAST_SHARE) & (shares < LARGEST_SHARE)
    return _Sources(images, indices, colors, types, is_good, appearance)


def _plan(
    sources: _Sources, pairs: Iterable[Pair], *, count: int, rng: np.random.Generator
) -> _Plan:
    """Draw what to compose this many images of each pair of a colour and a type from."""
    of_color, of_type = (
        _candidates(labels, sources.is_good) for labels in (sources.colors, sources.types)
    )
    type_sources: list[int] = []
    color_sources: list[int] = []
    for color, type_ in (pair.joined for pair in pairs):
        for label, candidates in ((color, of_color), (type_, of_type)):
            if label not in candidates:
                raise UserError(f"there is no image to train on with the label {printable(label)}")
        type_sources += _draw(of_type[type_], count=count, rng=rng)
        color_sources += _draw(of_color[color], count=count, rng=rng)
    is_dark = rng.random(len(type_sources)) < SHARE_OF_DARK
    darkness_kept = rng.uniform(0, MOST_DARKNESS_KEPT, len(type_sources)) * is_dark
    return _Plan(np.array(type_sources), np.array(color_sources), darkness_kept)


def _candidates(labels: np.ndarray, is_good: np.ndarray) -> dict[str, np.ndarray]:
    """Return the positions of the good sources of each label, or of all if none is good."""
    positions = {label: np.array(its) for label, its in positions_of(labels.tolist()).items()}
    return {
        label: its[is_good[its]] if is_good[its].any() else its for label, its in positions.items()
    }


def _draw(candidates: np.ndarray, *, count: int, rng: np.random.Generator) -> list[int]:
    """Draw among candidates, each equally often."""
    rounds = -(-count // len(candidates))
    drawn = np.concatenate([rng.permutation(candidates) for _ in range(rounds)])
    return drawn[:count].tolist()


def _recolor_all(sources: _Sources, plan: _Plan, composed: Images, *, progress: Progress) -> None:
    """Make the images of a plan, in parallel, those of one garment together."""
    planned = positions_of(plan.type_sources.tolist())
    with ThreadPoolExecutor() as threads:
        used = np.unique(plan.color_sources).tolist()
        colors = dict(zip(used, threads.map(partial(_garment_color, sources), used), strict=True))
        darkest = {
            label: min(colors[used[i]].mean[0] for i in positions)
            for label, positions in positions_of(sources.colors[used].tolist()).items()
        }

        def recolor_all_of(source: int) -> None:
            image = sources.images[sources.indices[source]]
            mask = _mask(sources, source, image)
            for i in planned[source]:
                composed[i] = recolor(
                    image,
                    mask,
                    color=colors[plan.color_sources[i]],
                    darkness_kept=plan.darkness_kept[i],
                    least_lightness=darkest[sources.colors[plan.color_sources[i]]],
                )

        garments = sorted(planned)
        # The list waits for all of them, and raises what any of them raised.
        list(progress(threads.map(recolor_all_of, garments), len(garments)))


def _garment_color(sources: _Sources, position: int) -> Color:
    """Measure the colour of a source's garment in a small copy of the image."""
    image = sources.images[sources.indices[position]]
    small = cv2.resize(image, COLOR_SAMPLE_SIZE, interpolation=cv2.INTER_AREA)
    return color_of(to_lab(small), _mask(sources, position, small))


def _mask(sources: _Sources, position: int, image: np.ndarray) -> np.ndarray:
    """Segment a source's image, in any size."""
    return segment(
        image,
        sources.appearance,
        color_label=sources.colors[position],
        type_label=sources.types[position],
    )
