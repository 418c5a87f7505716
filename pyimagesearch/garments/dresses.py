"""Dresses as layers to paint: bodice, skirt, straps and sleeves."""

from typing import NamedTuple

import numpy as np

from pyimagesearch.garments import shapes
from pyimagesearch.garments.choices import one_of, weighted_key
from pyimagesearch.garments.colors import BLACK, SKIN_TONES, WHITE, Color, shaded
from pyimagesearch.garments.fabrics import FABRICS, SKIN, Texture
from pyimagesearch.garments.painting import Layer
from pyimagesearch.garments.shapes import (
    BUST,
    HIP,
    LEFT,
    SHOULDER,
    SIDES,
    UNDERARM,
    WAIST,
    Figure,
    Pair,
)
from pyimagesearch.garments.shirts import sleeve_layers


class Length(NamedTuple):
    """A range of y for the hem, and how common it is; the floor is at 1."""

    highest: float
    lowest: float
    weight: float


LENGTHS = {
    "mini": Length(0.595, 0.65, 0.34),
    "knee": Length(0.65, 0.74, 0.30),
    "midi": Length(0.75, 0.86, 0.08),
    "maxi": Length(0.92, 0.985, 0.28),
}
# How much the skirt widens on either side, least and most, in units of its length.
FLARES = {
    "bodycon": (-0.06, 0.02),
    "sheath": (0.0, 0.10),
    "mermaid": (0.15, 0.35),
    "a_line": (0.12, 0.32),
    "skater": (0.3, 0.6),
    "ball": (0.5, 0.9),
}
FLOWING = ("mermaid", "a_line", "skater", "ball")
# What holds the dress up, and how common it is.
TOPS = {
    "strapless": 0.2,
    "straps": 0.16,
    "one_shoulder": 0.07,
    "halter": 0.08,
    "wide_straps": 0.2,
    "shoulders": 0.29,
}
# In arm lengths.
SLEEVE_LENGTHS = (0.18, 0.3, 0.35, 0.6, 0.95, 1.0)


class Skirt(NamedTuple):
    """Measures of a skirt in body coordinates: half its waist, its upper and its lower end.

    `flare` is a key of `FLARES`.
    """

    waist: float
    waist_y: float
    hem_y: float
    flare: str


def dress_layers(
    figure: Figure, color: Color, rng: np.random.Generator
) -> tuple[list[Layer], list[Layer]]:
    """Paint a dress.

    Parameters
    ----------
    figure : Figure
        The body that it fits.
    color : tuple of float
        Colour of the cloth.
    rng : numpy.random.Generator
        Chooses the cut (see `LENGTHS`, `FLARES` and `TOPS`) and all details.

    Returns
    -------
    dress, sleeves : list of Layer
        From back to front. Sleeves come apart, because arms lie between them and the dress.
    """
    hem_y, flare = _random_length_and_flare(rng)
    top = weighted_key(TOPS, rng)
    waist_y = WAIST if rng.random() < 0.75 else rng.uniform(0.31, 0.345)
    body = figure.body
    waist = float(np.interp(waist_y, (BUST, WAIST), (body.chest, body.waist))) * 1.04
    skirt = Skirt(waist, waist_y, hem_y, flare)
    cloth = Layer([], color, _random_fabric(color, rng), labelled=True)

    layers = _skirt_layers(figure, skirt, rng, cloth=cloth)
    upper = cloth._replace(color=shaded(color, rng.uniform(0.93, 1.05)))
    if rng.random() < 0.12:
        sequins = shaded(WHITE, rng.uniform(0.5, 1))
        upper = upper._replace(
            texture=cloth.texture._replace(pattern="lace", pattern_color=sequins)
        )
    edge, shoulder = _upper_edge(figure, top, rng)
    layers.append(upper._replace(outlines=[_bodice(figure, skirt, edge, shoulder=shoulder)]))
    if top == "straps":
        width = rng.uniform(0.005, 0.016)
        layers.append(cloth._replace(outlines=_straps(figure, edge), line=width))
    if rng.random() < 0.3:
        layers.append(_sash(skirt, color, rng))
    if top == "shoulders" and rng.random() < 0.75:
        length = one_of(SLEEVE_LENGTHS, rng)
        return layers, sleeve_layers(figure, upper, length=length, upper=0.034, cuff=0.027)
    return layers, []


def _random_length_and_flare(rng: np.random.Generator) -> tuple[float, str]:
    """Choose a hem and a key of `FLARES` that go together."""
    name = weighted_key({name: length.weight for name, length in LENGTHS.items()}, rng)
    hem_y = rng.uniform(LENGTHS[name].highest, LENGTHS[name].lowest)
    flare = one_of(list(FLARES), rng)
    if flare == "mermaid" and hem_y < 0.9:
        flare = "a_line"
    if flare == "ball" and 0.7 < hem_y < 0.9:
        flare = "skater"
    return hem_y, flare


def _random_fabric(color: Color, rng: np.random.Generator) -> Texture:
    name = one_of(("crepe", "jersey", "satin", "chiffon", "lace", "cotton"), rng)
    if name == "lace":
        second = shaded(color, rng.uniform(0.7, 1.35))
        return FABRICS[name]._replace(pattern="lace", pattern_color=second)
    if rng.random() < 0.07:
        second = WHITE if rng.random() < 0.4 else shaded(color, rng.uniform(0.3, 1.6))
        pattern = one_of(("blotches", "stripes", "fading", "heather"), rng)
        return FABRICS[name]._replace(pattern=pattern, pattern_color=second)
    return FABRICS[name]


def _skirt_layers(
    figure: Figure, skirt: Skirt, rng: np.random.Generator, *, cloth: Layer
) -> list[Layer]:
    """Paint a skirt: pleated if it flows, sometimes in two tiers or with a slit."""
    if skirt.flare in FLOWING:
        folds = cloth.texture.folds + rng.uniform(0.03, 0.12)
        across = int(rng.integers(7, 22))
        pleats = cloth.texture._replace(folds=folds, across=across, along=2)
        cloth = cloth._replace(texture=pleats)
    layers = [cloth._replace(outlines=[_skirt_outline(figure, skirt, rng)])]
    if skirt.flare in FLOWING and rng.random() < 0.12:
        length = (skirt.hem_y - skirt.waist_y) * rng.uniform(0.5, 0.75)
        tier = _skirt_outline(figure, skirt._replace(hem_y=skirt.waist_y + length), rng)
        shade = shaded(cloth.color, rng.uniform(0.8, 1.1))
        layers.append(cloth._replace(outlines=[tier], color=shade))
    if figure.worn and skirt.hem_y > 0.9 and rng.random() < 0.2:
        layers.append(_slit(rng))
    return layers


def _skirt_outline(figure: Figure, skirt: Skirt, rng: np.random.Generator) -> np.ndarray:
    waist, waist_y, hem_y, flare = skirt
    length = hem_y - waist_y
    hip = figure.body.hip * 1.04
    hem = hip + rng.uniform(*FLARES[flare]) * length
    if flare in ("skater", "ball"):
        points = [(waist, waist_y), (waist + (hem - waist) * 0.65, waist_y + length * 0.42)]
    else:
        points = [(waist, waist_y), (hip, min(HIP, hem_y - 0.05))]
    if flare == "mermaid":
        points += [(hip * 0.85, hem_y - length * 0.42), (hip * 0.8, hem_y - length * 0.28)]
    side = shapes.rounded([*points, (hem, hem_y)])
    is_wide = hem > hip * 1.3
    sag = rng.uniform(0, 0.03 if is_wide else 0.008)
    waves, amplitude = one_of((2, 3, 5, 7), rng), 0.012 * is_wide * rng.random()
    edge = shapes.wavy_hem(hem, hem_y, sag=sag, waves=waves, amplitude=amplitude)
    if is_wide and rng.random() < 0.12:
        edge[:, 1] += np.linspace(-1, 1, len(edge)) * rng.normal(0, 0.05)
    return np.concatenate([side, edge, side[::-1] * (-1, 1)])


def _slit(rng: np.random.Generator) -> Layer:
    """Show a leg through a slit on one side; a slit in the middle would look like trousers."""
    side, x, top = one_of(SIDES, rng), rng.uniform(0.02, 0.06), rng.uniform(0.5, 0.65)
    leg = np.array([(x, top), (x + 0.02, 0.8), (x + 0.03, 0.985), (x - 0.02, 0.985)]) * (side, 1)
    return Layer([leg], one_of(SKIN_TONES[:4], rng), SKIN)


def _upper_edge(
    figure: Figure, top: str, rng: np.random.Generator
) -> tuple[np.ndarray, Pair | None]:
    """Draw the upper edge from left to right; also return the right shoulder's tip if covered."""
    chest, shoulder = figure.body.chest * 1.02, figure.body.shoulder
    if top in ("strapless", "straps"):
        dip, y = rng.uniform(0, 0.02), rng.uniform(0.222, 0.238)
        half = chest * 0.5
        points = [(-chest, y), (-half, y - 0.012), (0, y + dip), (half, y - 0.012), (chest, y)]
        return shapes.rounded(points), None
    if top == "one_shoulder":
        slope = [(-shoulder, 0.185), (-shoulder * 0.5, 0.172), (chest * 0.3, 0.225), (chest, 0.24)]
        edge = shapes.rounded(slope)
        return (edge if one_of(SIDES, rng) == LEFT else edge[::-1] * (-1, 1)), None
    if top == "halter":
        return np.array([(-chest, 0.24), (-0.03, 0.16), (0.03, 0.16), (chest, 0.24)]), None
    form = one_of(("round", "round", "v", "v", "square"), rng)
    half_width, depth = shoulder * rng.uniform(0.4, 0.8), rng.uniform(0.015, 0.09)
    edge = shapes.neckline(form, half_width, top=SHOULDER - 0.008, depth=depth)
    reach = shoulder * (0.85 if top == "wide_straps" else 1.0)
    return edge, (max(reach, half_width + 0.01), SHOULDER + 0.008)


def _bodice(
    figure: Figure, skirt: Skirt, upper_edge: np.ndarray, *, shoulder: Pair | None
) -> np.ndarray:
    """Outline the dress above its waist."""
    waist, waist_y = skirt.waist, skirt.waist_y
    chest = figure.body.chest * 1.02
    profile = [(chest, UNDERARM), (chest * 1.01, BUST), (waist, waist_y)]
    seam = np.array([(waist, waist_y + 0.004), (-waist, waist_y + 0.004)])
    return shapes.top_outline(upper_edge, profile, seam, shoulder=shoulder)


def _straps(figure: Figure, edge: np.ndarray) -> list[np.ndarray]:
    x, top = figure.body.chest * 1.02 * 0.55, edge[:, 1].min()
    return [
        np.array([(side * x, top + 0.01), (side * x * 1.1, SHOULDER - 0.005)]) for side in SIDES
    ]


def _sash(skirt: Skirt, color: Color, rng: np.random.Generator) -> Layer:
    """Tie a ribbon around the waist: of the same colour, silver or black."""
    ribbon = one_of((shaded(color, 0.6), shaded(color, 1.3), (200.0, 200.0, 210.0), BLACK), rng)
    waist, y = skirt.waist, skirt.waist_y
    band = np.array([(-waist, y), (0, y + 0.003), (waist, y)])
    return Layer([band], ribbon, line=rng.uniform(0.008, 0.025))
