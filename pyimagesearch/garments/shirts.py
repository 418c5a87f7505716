"""Shirts as layers to paint: T-shirts, polo shirts, button-downs, blouses."""

from typing import NamedTuple

import numpy as np

from pyimagesearch.garments import shapes
from pyimagesearch.garments.choices import one_of, weighted_key
from pyimagesearch.garments.colors import BLACK, INKS, WHITE, Color, bleached, shaded
from pyimagesearch.garments.fabrics import FABRICS, SKIN, Texture
from pyimagesearch.garments.painting import Layer
from pyimagesearch.garments.shapes import BUST, SHOULDER, SIDES, UNDERARM, WAIST, Figure


class Cut(NamedTuple):
    """How a shirt is cut.

    Attributes
    ----------
    sleeves : pair of float
        Shortest and longest sleeve, in arm lengths.
    has_collar : bool
        Whether it has a collar and buttons.
    buttons : int
        Number of buttons.
    weight : float
        How common the cut is.
    """

    sleeves: tuple[float, float]
    has_collar: bool
    buttons: int
    weight: float


CUTS = {
    "t_shirt": Cut((0.26, 0.44), False, 0, 0.40),
    "polo": Cut((0.28, 0.44), True, 3, 0.16),
    "long_sleeved": Cut((0.85, 1.04), False, 0, 0.12),
    "button_down": Cut((0.85, 1.04), True, 7, 0.22),
    "short_button_down": Cut((0.3, 0.48), True, 7, 0.05),
    "blouse": Cut((0.0, 0.65), False, 0, 0.05),
}
# Longer sleeves, in arm lengths, are narrow and hang down.
LONG = 0.6
# Sleeves that would be shorter than this are left out.
SLEEVELESS = 0.08
FABRIC_NAMES = ("jersey",) * 4 + ("cotton",) * 3 + ("crepe",) * 2 + ("satin",)
BADGE_COLORS = (WHITE, BLACK, (40.0, 190.0, 230.0), (60.0, 40.0, 190.0))
WORDS = ("NORTH", "1987", "TEAM", "Salt & Sea", "RUN", "STAFF", "Lakeside", "CREW", "42", "Summer")


class Neck(NamedTuple):
    """A neckline.

    Attributes
    ----------
    edge : numpy.ndarray
        float, shape (N, 2), from left to right.
    half_width, top, bottom : float
        Half its width, and y of its ends and of its lowest point.
    """

    edge: np.ndarray
    half_width: float
    top: float
    bottom: float


def random_cut(rng: np.random.Generator) -> Cut:
    """Choose one of `CUTS`."""
    return CUTS[weighted_key({name: cut.weight for name, cut in CUTS.items()}, rng)]


def shirt_layers(
    figure: Figure,
    color: Color,
    rng: np.random.Generator,
    *,
    cut: Cut,
    hem_y: float,
    labelled: bool,
) -> tuple[list[Layer], list[Layer]]:
    """Paint a shirt.

    Parameters
    ----------
    figure : Figure
        The body that it fits.
    color : tuple of float
        Colour of the cloth.
    rng : numpy.random.Generator
        Chooses all details.
    cut : Cut
        One of `CUTS`.
    hem_y : float
        y of the hem, in body coordinates.
    labelled : bool
        Whether the image's labels describe this shirt.

    Returns
    -------
    shirt, sleeves : list of Layer
        From back to front. Sleeves come apart, because arms lie between them and the shirt.
    """
    body, cloth = figure.body, Layer([], color, _random_fabric(color, rng), labelled=labelled)
    neck = _random_neck(cut, rng)
    trunk = cloth._replace(outlines=[_trunk(figure, cut, rng, neck=neck, hem_y=hem_y)])
    trim = shaded(color, rng.uniform(0.6, 0.85))
    layers = [trunk] if figure.worn else [_inside(neck, cloth, rng), trunk]
    if cut.has_collar:
        end_y = hem_y if cut.buttons > 3 else neck.bottom + rng.uniform(0.02, 0.06)
        layers += _placket(neck, end_y, rng, buttons=cut.buttons, color=color, trim=trim)
        layers += _collar(neck, cloth, rng, trim=trim)
    else:
        ribbing = WHITE if rng.random() < 0.06 else trim
        layers.append(Layer([neck.edge], ribbing, line=rng.uniform(0.004, 0.014)))
        if rng.random() < 0.3:
            layers += _print(body.chest, rng)
    if rng.random() < 0.25:
        layers.append(_badge(body.chest, trim, rng))

    length = rng.uniform(*cut.sleeves)
    if length < SLEEVELESS:
        return layers, []
    is_long = length > LONG
    upper = body.chest * (0.38 if is_long else 0.42) * rng.uniform(0.85, 1.1)
    cuff = upper * (rng.uniform(0.45, 0.62) if is_long else rng.uniform(0.72, 0.98))
    sleeves = sleeve_layers(figure, cloth, length=length, upper=upper, cuff=cuff)
    if rng.random() < 0.3:
        ribbing = WHITE if rng.random() < 0.2 else trim
        sleeves += [_cuff_trim(sleeve, ribbing, rng) for sleeve in sleeves]
    return layers, sleeves


def sleeve_layers(
    figure: Figure, cloth: Layer, *, length: float, upper: float, cuff: float
) -> list[Layer]:
    """Paint a pair of sleeves.

    Parameters
    ----------
    figure : Figure
        The body whose arms they follow.
    cloth : Layer
        Colour and texture; its outlines are replaced.
    length : float
        In arm lengths.
    upper, cuff : float
        Half widths at the shoulder and at the end, in body heights.

    Returns
    -------
    list of Layer
        Left and right.
    """
    layers = []
    for side in SIDES:
        path = shapes.shortened(shapes.arm(figure, side), length)
        # The upper edge starts at the tip of the shoulder; towards the cuff, it follows the arm.
        direction = (path[1] - path[0]) / np.hypot(*(path[1] - path[0]))
        outwards = direction[::-1] * (1, -1) * side
        start = (side * figure.body.shoulder * 1.01, SHOULDER + 0.012) - outwards * upper
        shift = np.linspace(1, 0 if length > LONG else 0.6, len(path))[:, None]
        path = path + (start - path[0]) * shift
        outlines = [shapes.limb(path, (upper, (upper + cuff) / 2, cuff))]
        if figure.worn:
            outlines.append(shapes.ellipse(shapes.arm(figure, side)[0], (0.024, 0.024)))
        layers.append(cloth._replace(outlines=outlines))
    return layers


def _random_fabric(color: Color, rng: np.random.Generator) -> Texture:
    """Choose a fabric; four in five are plain."""
    fabric = FABRICS[one_of(FABRIC_NAMES, rng)]
    drawn = rng.random()
    if drawn < 0.05:
        pattern = one_of(("checks", "stripes"), rng)
        second = one_of((WHITE, BLACK, shaded(color, 0.5)), rng)
    elif drawn < 0.09:
        pattern, second = "pinstripes", WHITE
    elif drawn < 0.18:
        is_darker = rng.random() < 0.5
        pattern, second = "heather", shaded(color, 0.65) if is_darker else bleached(color)
    elif drawn < 0.195:
        pattern, second = one_of(("blotches", "fading"), rng), WHITE
    else:
        return fabric
    return fabric._replace(pattern=pattern, pattern_color=second)


def _random_neck(cut: Cut, rng: np.random.Generator) -> Neck:
    form = "v" if cut.has_collar else one_of(("round", "round", "round", "v"), rng)
    half_width, top = rng.uniform(0.038, 0.055), SHOULDER - 0.022
    depth = rng.uniform(0.01, 0.05) if form == "round" else rng.uniform(0.03, 0.07)
    edge = shapes.neckline(form, half_width, top=top, depth=depth)
    return Neck(edge, half_width, top, top + depth)


def _trunk(
    figure: Figure, cut: Cut, rng: np.random.Generator, *, neck: Neck, hem_y: float
) -> np.ndarray:
    """Outline a shirt without its sleeves."""
    ease = rng.uniform(1.02, 1.22) if figure.worn else 1.0
    shoulder, chest, waist, hip = (half_width * ease for half_width in figure.body)
    if not figure.worn or rng.random() < 0.5:
        waist = max(waist, chest * rng.uniform(0.86, 1.0))
    hip = max(waist, hip)
    tip = shoulder / ease * rng.uniform(0.97, 1.05), SHOULDER + 0.012
    profile = [(chest, UNDERARM + 0.01), (chest, BUST), (waist, WAIST), (hip, hem_y)]
    tail = rng.uniform(0, 0.035) if cut.has_collar else rng.uniform(-0.003, 0.01)
    hem = shapes.wavy_hem(hip, hem_y, sag=tail)
    return shapes.top_outline(neck.edge, profile, hem, shoulder=tip)


def _inside(neck: Neck, cloth: Layer, rng: np.random.Generator) -> Layer:
    """Show the inside of the back through the neck."""
    inside = shapes.ellipse((0, neck.top + 0.002), (neck.half_width, 0.012))
    return cloth._replace(
        outlines=[inside], color=shaded(cloth.color, rng.uniform(0.5, 0.8)), texture=SKIN
    )


def _placket(
    neck: Neck,
    end_y: float,
    rng: np.random.Generator,
    *,
    buttons: int,
    color: Color,
    trim: Color,
) -> list[Layer]:
    """Draw the buttons and the edge that they close, from the neck down to `end_y`."""
    edge = np.array([(0.0, neck.bottom - 0.01), (0.0, end_y)])
    stitches = np.array([(0.014, neck.bottom), (0.014, end_y)])
    heights = np.linspace(neck.bottom + 0.01, end_y - 0.015, buttons)
    discs = [shapes.ellipse((0.007, y), (0.004, 0.004)) for y in heights]
    return [
        Layer([edge], trim, line=0.004),
        Layer([stitches], trim, line=0.002),
        Layer(discs, WHITE if rng.random() < 0.5 else shaded(color, 0.4)),
    ]


def _collar(neck: Neck, cloth: Layer, rng: np.random.Generator, *, trim: Color) -> list[Layer]:
    """Draw the two wings of a collar."""
    color = WHITE if rng.random() < 0.05 else shaded(cloth.color, rng.uniform(0.85, 1.15))
    middle, tip = (0.004, neck.bottom), (neck.half_width * 0.75, neck.bottom + 0.022)
    upper = (neck.half_width * 0.7, neck.top - 0.012)
    outer = (neck.half_width * 1.15, neck.top + 0.006)
    layers = []
    for side in SIDES:
        wing = np.array([middle, upper, outer, tip]) * (side, 1)
        layers.append(cloth._replace(outlines=[wing], color=color, texture=FABRICS["jersey"]))
        layers.append(Layer([wing[[0, 3, 2]]], trim, line=0.003))
    return layers


def _print(chest: float, rng: np.random.Generator) -> list[Layer]:
    """Print one or two words on the chest, and sometimes a figure."""
    ink, width, y = one_of(INKS, rng), chest * rng.uniform(0.25, 0.75), rng.uniform(0.29, 0.36)
    layers = []
    for row in range(int(rng.integers(1, 3))):
        line = np.array([(-width, y + 0.045 * row), (width, y + 0.045 * row)])
        layers.append(Layer([line], ink, text=one_of(WORDS, rng)))
    if rng.random() < 0.4:
        points = rng.normal(0, 0.4, (7, 2)) * width + (0, y - 0.02)
        layers.append(Layer([shapes.rounded(points, closed=True)], ink))
    return layers


def _badge(chest: float, trim: Color, rng: np.random.Generator) -> Layer:
    """Sew a small badge or a pocket on the chest."""
    x, size = rng.uniform(0.3, 0.45) * chest, rng.uniform(0.004, 0.03)
    square = shapes.rectangle((x, BUST), (x + size, BUST + size))
    if size < 0.015:
        return Layer([square], one_of(BADGE_COLORS, rng))
    return Layer([square[[0, 3, 2, 1, 0]]], trim, line=0.003)


def _cuff_trim(sleeve: Layer, color: Color, rng: np.random.Generator) -> Layer:
    """Trim the end of a sleeve, which is where the outline of a limb turns back."""
    outline = sleeve.outlines[0]
    end = len(outline) // 2
    return Layer([outline[end - 1 : end + 1]], color, line=rng.uniform(0.003, 0.012))
