"""Random colours for garments, for people and for everything around them.

A colour is a tuple of blue, green and red, each from 0 to 255.
"""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np

from pyimagesearch.garments.choices import weighted_key

Color = tuple[float, float, float]

WHITE, BLACK, GREY = (245.0, 245.0, 245.0), (18.0, 16.0, 16.0), (180.0, 180.0, 180.0)
THREAD, BRASS, LEATHER = (70.0, 130.0, 190.0), (170.0, 180.0, 190.0), (60.0, 110.0, 170.0)
INKS = (WHITE, WHITE, BLACK, (60.0, 200.0, 235.0), GREY)


class Shade(NamedTuple):
    """A range of colours, and how common it is in each kind of garment.

    Attributes
    ----------
    hue : pair of float
        Lowest and highest hue, 0 to 180 as in OpenCV. Negative hues are reds.
    saturation, value : pair of float
        Lowest and highest, 0 to 255.
    dress, jeans, shirt : float
        Weight of the shade among garments of this colour and kind.
    """

    hue: tuple[float, float]
    saturation: tuple[float, float]
    value: tuple[float, float]
    dress: float
    jeans: float
    shirt: float


SHADES = {
    "black": {
        "black": Shade((0, 180), (0, 50), (12, 45), 5, 5, 5),
        "blue black": Shade((108, 125), (30, 70), (14, 34), 1, 1, 1),
        "brown black": Shade((0, 14), (30, 80), (14, 36), 1, 1, 1),
        "washed": Shade((0, 180), (0, 25), (45, 85), 1, 1.3, 1),
    },
    "blue": {
        "navy": Shade((110, 122), (140, 220), (42, 90), 3, 3, 4),
        "royal": Shade((111, 120), (190, 255), (110, 220), 8, 1, 5),
        "cornflower": Shade((104, 114), (120, 220), (150, 235), 2, 1, 5),
        "azure": Shade((98, 107), (180, 245), (170, 245), 2, 0, 3),
        "light": Shade((96, 108), (60, 140), (200, 250), 3, 0, 3),
        "pale": Shade((102, 118), (25, 60), (205, 240), 0.5, 0, 2),
        "turquoise": Shade((86, 96), (130, 235), (165, 235), 1.5, 0, 2),
        "violet": Shade((119, 128), (130, 210), (85, 170), 2, 0, 1),
        "indigo": Shade((108, 122), (110, 190), (58, 105), 0, 5, 0),
        "denim": Shade((102, 112), (70, 170), (85, 170), 0.5, 8, 1.5),
        "stone": Shade((99, 108), (45, 100), (150, 215), 0, 4, 1),
        "tinted": Shade((98, 106), (80, 140), (90, 150), 0, 2, 0),
    },
    "red": {
        "bright": Shade((-3, 3), (215, 255), (190, 250), 5, 3, 6),
        "red": Shade((-4, 2), (200, 250), (140, 200), 5, 3, 5),
        "crimson": Shade((-10, -3), (190, 245), (140, 225), 3, 2, 4),
        "burgundy": Shade((-8, 1), (140, 230), (60, 125), 2, 3, 2),
        "coral": Shade((0, 5), (165, 220), (215, 250), 2, 2, 2),
        "pinkish": Shade((-12, -6), (190, 240), (205, 245), 0.5, 0.5, 1),
    },
}

SKIN_TONES = (
    (205, 220, 238),
    (196, 214, 240),
    (178, 200, 235),
    (150, 180, 225),
    (120, 155, 205),
    (90, 125, 180),
    (65, 95, 145),
    (45, 65, 105),
)
HAIR_COLORS = (
    (22, 22, 26),
    (28, 34, 48),
    (35, 55, 85),
    (55, 85, 125),
    (100, 150, 190),
    (140, 190, 220),
    (30, 50, 120),
    (150, 150, 150),
)


def random_color(color: str, kind: str, rng: np.random.Generator) -> Color:
    """Choose a shade of "black", "blue" or "red" that garments of this kind come in."""
    shades = SHADES[color]
    weights = {name: getattr(shade, kind) for name, shade in shades.items()}
    shade = shades[weighted_key(weights, rng)]
    return _from_hsv(
        rng.uniform(*shade.hue), rng.uniform(*shade.saturation), rng.uniform(*shade.value)
    )


def other_color(rng: np.random.Generator) -> Color:
    """Choose white, grey, black or a hue from orange to green: never red or blue."""
    drawn = rng.random()
    if drawn < 0.4:
        return shaded((255, 255, 255), rng.uniform(0.85, 1.0))
    if drawn < 0.88:
        grey = rng.uniform(15, 215)
        return _color(float(np.clip(grey + rng.normal(0, 6), 0, 255)) for _ in range(3))
    return _from_hsv(rng.uniform(12, 80), rng.uniform(40, 200), rng.uniform(60, 220))


def trouser_color(rng: np.random.Generator) -> Color:
    """Choose a colour for the trousers below a shirt: black, denim, khaki or any other."""
    drawn = rng.random()
    if drawn < 0.45:
        return shaded(WHITE, rng.uniform(0.05, 0.2))
    if drawn < 0.65:
        return shaded((150, 95, 60), rng.uniform(0.4, 1.3))
    if drawn < 0.85:
        return shaded((130, 175, 200), rng.uniform(0.7, 1.1))
    return other_color(rng)


def shaded(color: Color, factor: float) -> Color:
    """Darken a colour (factor below 1) or brighten it."""
    return _color(min(255.0, channel * factor) for channel in color)


def bleached(color: Color) -> Color:
    """Fade a colour as washing does."""
    return _color(0.55 * channel + 90 for channel in color)


def _from_hsv(hue: float, saturation: float, value: float) -> Color:
    hsv = np.array([[[hue % 180, saturation, value]]]).astype(np.uint8)
    return _color(map(float, cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0]))


def _color(channels: Iterable[float]) -> Color:
    blue, green, red = channels
    return blue, green, red
