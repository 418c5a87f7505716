"""Drawn photographs of garments with labels: the data set, the examples and the tests use them.

An image is composed like a photograph in a studio: a backdrop (:mod:`garment_painting`), a person
or none (:mod:`garment_people`), the garment (:mod:`garment_jeans`, :mod:`garment_dresses`,
:mod:`garment_shirts`) with its prints, and last the camera. All chance comes from one generator, so
that the same seed gives the same image.

The folders `dataset` and `examples` of this repository were made with

    python -m pyimagesearch.garments --output dataset --per-combination 120 --seed 7
    python -m pyimagesearch.garments --examples examples --seed 83
"""

from collections.abc import Sequence

import cv2
import numpy as np

from pyimagesearch.garments import people
from pyimagesearch.garments.colors import Color, draw_color, other_color, trouser_color
from pyimagesearch.garments.dresses import dress
from pyimagesearch.garments.jeans import jeans
from pyimagesearch.garments.painting import Layer, View, backdrop, paint, photograph
from pyimagesearch.garments.shapes import SHOULDER
from pyimagesearch.garments.shirts import LONG, any_cut, shirt

COMBINATIONS = (
    ("black", "jeans"),
    ("blue", "dress"),
    ("blue", "jeans"),
    ("blue", "shirt"),
    ("red", "dress"),
    ("red", "shirt"),
)
EXAMPLES = (*COMBINATIONS, ("black", "dress"))
COLORS, KINDS = ("black", "blue", "red"), ("dress", "jeans", "shirt")
DATASET_SIZE, EXAMPLES_SIZE = 160, 400

# Width of an image over its height, the narrowest and the widest.
ASPECTS = {"dress": (0.55, 1.0), "jeans": (0.45, 0.95), "shirt": (0.7, 1.1)}
SHARE_WITHOUT_PERSON = {"dress": 0.2, "jeans": 0.42, "shirt": 0.62}
SHARE_OF_PAIRS = 0.04
# Scenes are painted no smaller than this, then reduced as a camera would.
LEAST_CANVAS = 144


def draw_garment(
    color: str, kind: str, rng: np.random.Generator, size: int = DATASET_SIZE
) -> np.ndarray:
    """Draw a photograph of a garment.

    Parameters
    ----------
    color : {"black", "blue", "red"}
        Its colour.
    kind : {"dress", "jeans", "shirt"}
        What it is.
    rng : numpy.random.Generator
        All chance comes from it.
    size : int
        The longest side of the image in pixels, at least 16. The other side depends on the draw.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3), BGR.

    Raises
    ------
    ValueError
        If there is no such colour or kind.
    """
    return draw_garment_and_mask(color, kind, rng, size)[0]


def draw_garment_and_mask(
    color: str, kind: str, rng: np.random.Generator, size: int = DATASET_SIZE
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a photograph of a garment and tell where the garment is.

    Parameters
    ----------
    color, kind, rng, size
        As for :func:`draw_garment`, which raises what this raises.

    Returns
    -------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    mask : numpy.ndarray
        uint8, shape (height, width): 255 on the garment, 0 elsewhere, between them at its edges.
    """
    if color not in COLORS or kind not in KINDS:
        raise ValueError(f"no {color!r} {kind!r}: colours are {COLORS}, kinds are {KINDS}")
    shade = draw_color(color, kind, rng)
    layers, view = _scene(kind, shade, rng)
    aspect = view.width / view.height
    height, width = round(size * min(1, 1 / aspect)), round(size * min(1, aspect))
    enlargement = max(1.0, LEAST_CANVAS / size)
    canvas = backdrop((round(height * enlargement), round(width * enlargement)), shade, rng)
    painting, mask = paint(layers, canvas, view, rng)
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    return photograph(painting, (height, width), rng), mask


def _scene(kind: str, color: Color, rng: np.random.Generator) -> tuple[list[Layer], View]:
    """Compose a garment, whoever wears it, and where the camera points."""
    is_pair = rng.random() < SHARE_OF_PAIRS
    if rng.random() < SHARE_WITHOUT_PERSON[kind]:
        layers = _laid_out(kind, color, rng)
        layers = _pair(layers, rng) if is_pair else layers
        return layers, _view_of_garment(kind, layers, rng)
    layers, garment = _worn(kind, color, rng)
    view = _view_of_person(kind, garment, rng)
    if is_pair:
        layers = _pair(layers, rng)
        view = view._replace(left=view.left - 0.15, width=view.width + 0.3)
    return layers, view


def _laid_out(kind: str, color: Color, rng: np.random.Generator) -> list[Layer]:
    """Lay a garment out or hang it up."""
    cut = any_cut(rng)
    long_sleeved = kind == "dress" or cut.sleeves[0] > LONG
    figure = people.laid_out(kind, long_sleeved, rng)
    if kind == "jeans":
        return jeans(figure, color, True, rng)
    if kind == "dress":
        cloth, sleeves = dress(figure, color, rng)
        return sleeves + cloth
    # A shirt is little longer than it is wide; the longer ones would be dresses.
    hem_y = SHOULDER + 2 * figure.body.chest * rng.uniform(1.15, 1.4)
    cloth, sleeves = shirt(figure, color, cut, hem_y, True, rng)
    return sleeves + cloth if rng.random() < 0.6 else cloth + sleeves


def _worn(kind: str, color: Color, rng: np.random.Generator) -> tuple[list[Layer], list[Layer]]:
    """Dress a person: all layers, and those of the garment alone."""
    person = people.any_person(kind, rng)
    behind = people.body_behind(person, rng) + people.shoes(person, rng)
    arms = people.bare_arms(person)
    head = [] if rng.random() < 0.1 else people.head(person, rng)
    if kind == "dress":
        cloth, sleeves = dress(person.figure, color, rng)
        arms_behind = not sleeves and rng.random() < 0.3
        clothes = arms + cloth if arms_behind else cloth + arms + sleeves
        return behind + clothes + head, cloth + sleeves
    if kind == "jeans":
        cloth = jeans(person.figure, color, True, rng)
        clothes = _with_top(cloth, arms, person, rng)
        return behind + clothes + head, cloth
    hem_y = rng.uniform(0.49, 0.555)
    cloth, sleeves = shirt(person.figure, color, any_cut(rng), hem_y, True, rng)
    trousers = jeans(person.figure, trouser_color(rng), False, rng)
    tucked_in = rng.random() < 0.2
    clothes = cloth + trousers if tucked_in else trousers + cloth
    return behind + clothes + arms + sleeves + head, cloth + sleeves


def _with_top(
    cloth: list[Layer], arms: list[Layer], person: people.Person, rng: np.random.Generator
) -> list[Layer]:
    """Put a shirt of another colour on somebody who wears jeans; some wear none."""
    if rng.random() < 0.1:
        return cloth + arms
    hem_y = rng.uniform(0.40, 0.50)
    top, sleeves = shirt(person.figure, other_color(rng), any_cut(rng), hem_y, False, rng)
    tucked_in = hem_y < 0.44
    return (top + cloth if tucked_in else cloth + top) + arms + sleeves


def _pair(layers: Sequence[Layer], rng: np.random.Generator) -> list[Layer]:
    """Put a mirror image beside layers, as shops show a garment twice."""
    left, _, right, _ = _extent(layers)
    shift = (right - left) * rng.uniform(0.4, 0.53)

    def moved(x: float, mirror: int) -> list[Layer]:
        return [
            layer._replace(outlines=[outline * (mirror, 1) + (x, 0) for outline in layer.outlines])
            for layer in layers
        ]

    return moved(-shift, 1) + moved(shift, -1)


def _extent(layers: Sequence[Layer]) -> tuple[float, float, float, float]:
    """Measure layers: left, top, right, bottom."""
    points = np.concatenate([outline for layer in layers for outline in layer.outlines])
    return (*points.min(axis=0), *points.max(axis=0))


def _view_of_garment(kind: str, layers: Sequence[Layer], rng: np.random.Generator) -> View:
    """Point the camera at a garment that nobody wears: it fills the image, or not quite."""
    left, top, right, bottom = _extent(layers)
    margin = rng.uniform(0.02, 0.2) if rng.random() < 0.88 else rng.uniform(-0.12, 0.5)
    height = (bottom - top) * (1 + margin)
    width = max(height * rng.uniform(*ASPECTS[kind]), (right - left) * (1 + margin / 2))
    height = max(height, width / 1.6)
    x = (left + right) / 2 + rng.normal(0, 0.02) * width
    y = (top + bottom) / 2 + rng.normal(0, 0.02) * height
    return View(x - width / 2, y - height / 2, width, height, tilt=rng.normal(0, 2.5))


def _view_of_person(kind: str, garment: Sequence[Layer], rng: np.random.Generator) -> View:
    """Point the camera at a person, from head to toe or at what matters."""
    *_, hem_y = _extent(garment)
    above_head, below_feet = -rng.uniform(0.01, 0.08), rng.uniform(1.0, 1.06)
    if kind == "jeans":
        top = above_head if rng.random() < 0.15 else rng.uniform(0.2, 0.37)
        bottom = rng.uniform(0.74, 0.9) if rng.random() < 0.1 else below_feet
    elif kind == "dress":
        top = above_head if rng.random() < 0.75 else rng.uniform(0.06, 0.16)
        bottom = below_feet
        if hem_y < 0.8 and rng.random() < 0.55:
            bottom = min(below_feet, hem_y + rng.uniform(0.03, 0.18))
        elif rng.random() < 0.05:
            bottom = rng.uniform(0.65, 0.8)
    else:
        top = above_head if rng.random() < 0.4 else rng.uniform(0.07, 0.15)
        bottom = hem_y + rng.uniform(-0.06, 0.12)
    height = bottom - top
    width = height * rng.uniform(*ASPECTS[kind])
    return View(rng.normal(0, 0.02) - width / 2, top, width, height, tilt=rng.normal(0, 1.5))
