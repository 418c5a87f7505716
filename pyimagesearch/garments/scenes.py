"""Drawn photographs of garments: who wears the garment, and what the camera sees.

All random choices come from one generator, so the same seed draws the same image.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from pyimagesearch.garments import people
from pyimagesearch.garments.backdrops import random_backdrop
from pyimagesearch.garments.camera import View, photograph
from pyimagesearch.garments.colors import Color, other_color, random_color, trouser_color
from pyimagesearch.garments.dresses import dress_layers
from pyimagesearch.garments.jeans import jeans_layers
from pyimagesearch.garments.painting import Layer, paint
from pyimagesearch.garments.shapes import SHOULDER
from pyimagesearch.garments.shirts import LONG, random_cut, shirt_layers

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

# Width of an image divided by its height: lowest and highest.
ASPECTS = {"dress": (0.55, 1.0), "jeans": (0.45, 0.95), "shirt": (0.7, 1.1)}
SHARE_WITHOUT_PERSON = {"dress": 0.2, "jeans": 0.42, "shirt": 0.62}
SHARE_OF_PAIRS = 0.04
# Smaller images are painted with this many pixels on their longest side, then reduced, because
# details of less than a pixel do not survive painting.
SMALLEST_CANVAS = 144


def draw_garment(
    color: str, kind: str, rng: np.random.Generator, *, size: int = DATASET_SIZE
) -> np.ndarray:
    """Draw a photograph of a garment.

    Parameters
    ----------
    color : {"black", "blue", "red"}
        Colour of the garment.
    kind : {"dress", "jeans", "shirt"}
        What the garment is.
    rng : numpy.random.Generator
        Makes all random choices.
    size : int
        Longest side of the image in pixels, at least 16. The other side is random.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3), BGR.

    Raises
    ------
    ValueError
        If there is no such colour or kind.

    Examples
    --------
    >>> draw_garment("red", "dress", np.random.default_rng(0), size=96).shape
    (96, 72, 3)
    """
    image, _ = draw_garment_and_mask(color, kind, rng, size=size)
    return image


def draw_garment_and_mask(
    color: str, kind: str, rng: np.random.Generator, *, size: int = DATASET_SIZE
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a photograph of a garment, and a mask that shows where the garment is.

    Parameters
    ----------
    color, kind, rng, size
        See :func:`draw_garment`.

    Returns
    -------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    mask : numpy.ndarray
        uint8, shape (height, width): 255 on the garment, 0 elsewhere, values between them at its
        edges.

    Raises
    ------
    ValueError
        If there is no such colour or kind.
    """
    if color not in COLORS or kind not in KINDS:
        raise ValueError(f"no {color!r} {kind!r}: colours are {COLORS}, kinds are {KINDS}")
    shade = random_color(color, kind, rng)
    layers, view = _random_scene(kind, shade, rng)
    aspect = view.width / view.height
    height, width = round(size * min(1, 1 / aspect)), round(size * min(1, aspect))
    scale = max(1.0, SMALLEST_CANVAS / size)
    backdrop = random_backdrop((round(height * scale), round(width * scale)), shade, rng)
    painting, mask = paint(layers, backdrop, view, rng=rng)
    mask = np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA))
    return photograph(painting, (height, width), rng), mask


def _random_scene(kind: str, color: Color, rng: np.random.Generator) -> tuple[list[Layer], View]:
    """Choose a garment, who wears it, and where the camera points."""
    is_pair = rng.random() < SHARE_OF_PAIRS
    if rng.random() < SHARE_WITHOUT_PERSON[kind]:
        layers = _unworn(kind, color, rng)
        layers = _pair(layers, rng) if is_pair else layers
        return layers, _view_of_garment(kind, layers, rng)
    layers, garment = _worn(kind, color, rng)
    view = _view_of_person(kind, garment, rng)
    if is_pair:
        layers = _pair(layers, rng)
        view = view._replace(left=view.left - 0.15, width=view.width + 0.3)
    return layers, view


def _unworn(kind: str, color: Color, rng: np.random.Generator) -> list[Layer]:
    """Paint a garment that lies flat or hangs."""
    cut = random_cut(rng)
    long_sleeved = kind == "dress" or cut.sleeves[0] > LONG
    figure = people.unworn_figure(kind, rng, long_sleeved=long_sleeved)
    if kind == "jeans":
        return jeans_layers(figure, color, rng, labelled=True)
    if kind == "dress":
        cloth, sleeves = dress_layers(figure, color, rng)
        return sleeves + cloth
    # A shirt is a little longer than it is wide; a much longer one would look like a dress.
    hem_y = SHOULDER + 2 * figure.body.chest * rng.uniform(1.15, 1.4)
    cloth, sleeves = shirt_layers(figure, color, rng, cut=cut, hem_y=hem_y, labelled=True)
    return sleeves + cloth if rng.random() < 0.6 else cloth + sleeves


def _worn(kind: str, color: Color, rng: np.random.Generator) -> tuple[list[Layer], list[Layer]]:
    """Paint a person in clothes; return all layers, and those of the garment alone."""
    person = people.random_person(kind, rng)
    behind = people.body_layers(person, rng) + people.shoe_layers(person, rng)
    arms = people.arm_layers(person)
    head = [] if rng.random() < 0.1 else people.head_layers(person, rng)
    if kind == "dress":
        cloth, sleeves = dress_layers(person.figure, color, rng)
        arms_behind = not sleeves and rng.random() < 0.3
        clothes = arms + cloth if arms_behind else cloth + arms + sleeves
        return behind + clothes + head, cloth + sleeves
    if kind == "jeans":
        cloth = jeans_layers(person.figure, color, rng, labelled=True)
        clothes = _with_top(cloth, person, rng)
        return behind + clothes + head, cloth
    hem_y, cut = rng.uniform(0.49, 0.555), random_cut(rng)
    cloth, sleeves = shirt_layers(person.figure, color, rng, cut=cut, hem_y=hem_y, labelled=True)
    trousers = jeans_layers(person.figure, trouser_color(rng), rng, labelled=False)
    tucked_in = rng.random() < 0.2
    clothes = cloth + trousers if tucked_in else trousers + cloth
    return behind + clothes + arms + sleeves + head, cloth + sleeves


def _with_top(jeans: list[Layer], person: people.Person, rng: np.random.Generator) -> list[Layer]:
    """Add arms to jeans, and for nine people in ten a shirt that is neither red nor blue."""
    arms = people.arm_layers(person)
    if rng.random() < 0.1:
        return jeans + arms
    hem_y, color, cut = rng.uniform(0.40, 0.50), other_color(rng), random_cut(rng)
    top, sleeves = shirt_layers(person.figure, color, rng, cut=cut, hem_y=hem_y, labelled=False)
    tucked_in = hem_y < 0.44
    return (top + jeans if tucked_in else jeans + top) + arms + sleeves


def _pair(layers: Sequence[Layer], rng: np.random.Generator) -> list[Layer]:
    """Put a mirror image beside the layers, as shops show a garment twice."""
    left, _, right, _ = _extent(layers)
    shift = (right - left) * rng.uniform(0.4, 0.53)

    def moved(x: float, mirror: int) -> list[Layer]:
        return [
            layer._replace(outlines=[outline * (mirror, 1) + (x, 0) for outline in layer.outlines])
            for layer in layers
        ]

    return moved(-shift, 1) + moved(shift, -1)


def _extent(layers: Sequence[Layer]) -> tuple[float, float, float, float]:
    """Measure left, top, right and bottom of all layers together."""
    points = np.concatenate([outline for layer in layers for outline in layer.outlines])
    return (*points.min(axis=0), *points.max(axis=0))


def _view_of_garment(kind: str, layers: Sequence[Layer], rng: np.random.Generator) -> View:
    """Point the camera at an unworn garment, so that it nearly fills the image."""
    left, top, right, bottom = _extent(layers)
    margin = rng.uniform(0.02, 0.2) if rng.random() < 0.88 else rng.uniform(-0.12, 0.5)
    height = (bottom - top) * (1 + margin)
    width = max(height * rng.uniform(*ASPECTS[kind]), (right - left) * (1 + margin / 2))
    height = max(height, width / 1.6)
    x = (left + right) / 2 + rng.normal(0, 0.02) * width
    y = (top + bottom) / 2 + rng.normal(0, 0.02) * height
    return View(x - width / 2, y - height / 2, width, height, tilt=rng.normal(0, 2.5))


def _view_of_person(kind: str, garment: Sequence[Layer], rng: np.random.Generator) -> View:
    """Point the camera at a person, from head to toe or closer to the garment."""
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
