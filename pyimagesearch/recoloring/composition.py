"""Training images for combinations that no folder holds: the garment of one image, recoloured."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np

from pyimagesearch.console import printable
from pyimagesearch.data.folders import missing_combinations
from pyimagesearch.errors import UserError
from pyimagesearch.recoloring.color_transfer import Color, color_of, recolor
from pyimagesearch.recoloring.segmentation import learn_appearance, segment, to_lab

# Of what is composed, an epoch shows one part of so many, and the next one another: what is learnt
# from many pairs of a garment and a colour carries over better than what is learnt from few.
TURNS = 3
# Where no number is given, no more than this many of each combination are composed for an epoch.
MOST_BY_DEFAULT = 2000
# So many images of each folder, drawn at random, are enough to learn from and to compose of.
SOURCES_PER_COMBINATION = 200
# A good source has a garment that fills neither next to nothing of its image nor everything.
LEAST_SHARE, LARGEST_SHARE = 0.04, 0.95
# On so many pixels the colour of a garment can be measured.
COLOR_SAMPLE_SIZE = (48, 48)

# Garments of one type come in darker shades than those of another: denim is darker than blue shirts
# are. So large a share of the images keeps some of the garment's own darkness, up to this much, but
# no image comes out darker than the darkest garment of its colour.
SHARE_OF_DARK = 0.5
MOST_DARKNESS_KEPT = 0.8


class Composition(NamedTuple):
    """Images made by :func:`compose`.

    Attributes
    ----------
    images : numpy.ndarray
        uint8, shape (M, height, width, 3), BGR.
    labels : list of tuple of str
        The combination that each shows.
    type_sources : numpy.ndarray
        int, shape (M,): the position of the image whose garment it is.
    color_sources : numpy.ndarray
        int, shape (M,): the position of the image whose garment it has its colour from.
    """

    images: np.ndarray
    labels: list[tuple[str, ...]]
    type_sources: np.ndarray
    color_sources: np.ndarray


def compose_missing(
    images: np.ndarray,
    labels: Sequence[tuple[str, ...]],
    indices: np.ndarray,
    per_combination: int | None,
    part: int,
    seed: int,
) -> tuple[Composition, str | None]:
    """Compose images of every combination of a colour and a type that no folder holds.

    Parameters
    ----------
    images, labels, indices, part
        As for :func:`compose`.
    per_combination : int or None
        How many images of each an epoch is to show; None for as many as an average folder has at
        `indices`, but no more than ``MOST_BY_DEFAULT``.
    seed : int
        The same seed and images give the same composition.

    Returns
    -------
    composition : Composition
        ``TURNS`` times as many, of which epochs show one such part after the other. Without any
        image if `per_combination` is 0.
    reason : str or None
        Why there is nothing to compose.
    """
    missing = missing_combinations(labels)
    reason = why_nothing_to_compose(labels, part)
    if reason or per_combination == 0:
        missing = []
    if per_combination is None:
        per_combination = min(round(len(indices) / len(set(labels))), MOST_BY_DEFAULT)
    rng = np.random.default_rng(seed)
    composed = compose(images, labels, indices, missing, TURNS * per_combination, rng, part)
    return composed, reason


def why_nothing_to_compose(labels: Sequence[tuple[str, ...]], part: int = 0) -> str | None:
    """Say in a line why no images can be composed, or None where they can.

    Parameters
    ----------
    labels : sequence of tuple of str
        Labels of each image.
    part : int
        Which of the two labels is the colour, 0 or 1.
    """
    for combination in sorted(set(labels)):
        if len(combination) != 2:
            return (
                "recolouring needs folder names of exactly two parts, a colour and a type, and "
                f"{printable('_'.join(combination))} has {len(combination)}"
            )
    for name, position in (("colours", part), ("types", 1 - part)):
        found = sorted({combination[position] for combination in labels})
        if len(found) < 2:
            return (
                f"recolouring needs at least two {name}, and the folders have "
                f"{printable(', '.join(found))} alone"
            )
    if not missing_combinations(labels):
        return "every combination has a folder"
    return None


def compose(
    images: np.ndarray,
    labels: Sequence[tuple[str, ...]],
    indices: np.ndarray,
    missing: Iterable[tuple[str, ...]],
    per_combination: int,
    rng: np.random.Generator,
    part: int = 0,
) -> Composition:
    """Compose images of combinations: the garment of one image in the colour of another.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, shape (N, height, width, 3), BGR. Not copied; may be a memory map.
    labels : sequence of tuple of str
        The two labels of each of the N images.
    indices : numpy.ndarray
        int, the positions of the images to compose from: the training side.
    missing : iterable of tuple of str
        The combinations to compose, any whose colour and type both occur at `indices`.
    per_combination : int
        How many images of each.
    rng : numpy.random.Generator
        Decides which images are used, and how dark they come out; nothing else is random.
    part : int
        Which of the two labels is the colour, 0 or 1.

    Returns
    -------
    Composition
        `per_combination` images of the first combination, then of the second, and so on.

    Raises
    ------
    UserError
        If no image at `indices` has the colour, or none the type, of a combination.
    """
    missing = list(missing)
    if not missing:
        nothing = np.zeros(0, int)
        return Composition(np.empty((0, *images.shape[1:]), np.uint8), [], nothing, nothing)
    drawn = _draw_sources(
        labels, indices, max(SOURCES_PER_COMBINATION, per_combination // TURNS), rng
    )
    colors = np.array([labels[i][part] for i in drawn])
    types = np.array([labels[i][1 - part] for i in drawn])
    appearance, shares = learn_appearance(images, drawn, colors, types)
    is_good = (shares > LEAST_SHARE) & (shares < LARGEST_SHARE)

    composed_labels, type_sources, color_sources = [], [], []
    for combination in missing:
        for kind, label in ((colors, combination[part]), (types, combination[1 - part])):
            if label not in kind:
                raise UserError(f"there is no image to train on with the label {printable(label)}")
        same_type = types == combination[1 - part]
        same_color = colors == combination[part]
        type_sources += _draw(drawn, same_type, is_good, per_combination, rng)
        color_sources += _draw(drawn, same_color, is_good, per_combination, rng)
        composed_labels += [tuple(combination)] * per_combination

    def mask(position: int, image: np.ndarray) -> np.ndarray:
        return segment(image, labels[position][part], labels[position][1 - part], appearance)

    def garment_color(position: int) -> Color:
        small = cv2.resize(images[position], COLOR_SAMPLE_SIZE, interpolation=cv2.INTER_AREA)
        return color_of(to_lab(small), mask(position, small))

    is_dark = rng.random(len(composed_labels)) < SHARE_OF_DARK
    darkness_kept = rng.uniform(0, MOST_DARKNESS_KEPT, len(composed_labels)) * is_dark
    composed = np.empty((len(composed_labels), *images.shape[1:]), np.uint8)

    def compose_one(place: int) -> None:
        source = type_sources[place]
        target = target_colors[color_sources[place]]
        darkest = darkest_of_color[composed_labels[place][part]]
        source_mask = mask(source, images[source])
        composed[place] = recolor(
            images[source], source_mask, target, darkness_kept[place], darkest
        )

    with ThreadPoolExecutor() as threads:
        different = sorted(set(color_sources))
        target_colors = dict(zip(different, threads.map(garment_color, different), strict=True))
        darkest_of_color = {
            color: min(target_colors[i].mean[0] for i in different if labels[i][part] == color)
            for color in {combination[part] for combination in missing}
        }
        list(threads.map(compose_one, range(len(composed))))
    return Composition(
        composed, composed_labels, np.array(type_sources, int), np.array(color_sources, int)
    )


def _draw_sources(
    labels: Sequence[tuple[str, ...]], indices: np.ndarray, most: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw at most so many images of each combination."""
    of_combination: dict[tuple[str, ...], list[int]] = {}
    for i in indices:
        of_combination.setdefault(tuple(labels[i]), []).append(int(i))
    drawn = [rng.permutation(of_combination[key])[:most] for key in sorted(of_combination)]
    return np.concatenate(drawn)


def _draw(
    positions: np.ndarray,
    is_candidate: np.ndarray,
    is_good: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> list[int]:
    """Draw good candidates, each as often as any other; where there are none, of the others."""
    preferred = is_candidate & is_good
    candidates = positions[preferred if preferred.any() else is_candidate]
    rounds = -(-count // len(candidates))
    drawn = np.concatenate([rng.permutation(candidates) for _ in range(rounds)])
    return drawn[:count].tolist()
