"""Dresses as layers to paint: bodice, skirt, straps and sleeves."""

import numpy as np

from pyimagesearch.garments import shapes
from pyimagesearch.garments.colors import BLACK, SKIN_TONES, WHITE, Color, draw_from, one_of, shaded
from pyimagesearch.garments.fabrics import FABRICS, SKIN, Texture
from pyimagesearch.garments.painting import Layer
from pyimagesearch.garments.shapes import BUST, HIP, LEFT, SHOULDER, SIDES, UNDERARM, WAIST, Figure
from pyimagesearch.garments.shirts import sleeves

# The highest and the lowest hem (the floor is at 1), and how likely it is.
LENGTHS = {
    "mini": (0.595, 0.65, 0.34),
    "knee": (0.65, 0.74, 0.30),
    "midi": (0.75, 0.86, 0.08),
    "maxi": (0.92, 0.985, 0.28),
}
# How much a skirt widens on either side, in units of its length.
FLARES = {
    "bodycon": (-0.06, 0.02),
    "sheath": (0.0, 0.10),
    "mermaid": (0.15, 0.35),
    "a_line": (0.12, 0.32),
    "skater": (0.3, 0.6),
    "ball": (0.5, 0.9),
}
FLOWING = ("mermaid", "a_line", "skater", "ball")
# What holds a dress up, and how likely it is.
TOPS = {
    "strapless": 0.2,
    "straps": 0.16,
    "one_shoulder": 0.07,
    "halter": 0.08,
    "wide_straps": 0.2,
    "shoulders": 0.29,
}
SLEEVE_LENGTHS = (0.18, 0.3, 0.35, 0.6, 0.95, 1.0)


def dress(
    figure: Figure, color: Color, rng: np.random.Generator
) -> tuple[list[Layer], list[Layer]]:
    """Cut a dress.

    Parameters
    ----------
    figure : Figure
        Whom it fits.
    color : tuple of float
        Of its cloth.
    rng : numpy.random.Generator
        Draws the cut (see `LENGTHS`, `FLARES` and `TOPS`) and all details.

    Returns
    -------
    dress, sleeves : list of Layer
        From back to front; the sleeves by themselves, as arms come between them and the rest.
    """
    body = figure.body
    hem_y, flare = _any_skirt(rng)
    top = draw_from(TOPS, rng)
    waist_y = WAIST if rng.random() < 0.75 else rng.uniform(0.31, 0.345)
    waist = np.interp(waist_y, (BUST, WAIST), (body.chest, body.waist)) * 1.04
    fabric = _fabric(color, rng)
    cloth = Layer([], color, fabric, labelled=True)

    drape = cloth
    if flare in FLOWING:
        folds = fabric.folds + rng.uniform(0.03, 0.12)
        pleats = fabric._replace(folds=folds, across=int(rng.integers(7, 22)), along=2)
        drape = cloth._replace(texture=pleats)
    layers = [drape._replace(outlines=[_skirt(figure, waist, waist_y, hem_y, flare, rng)])]
    if flare in FLOWING and rng.random() < 0.12:
        upper_hem = waist_y + (hem_y - waist_y) * rng.uniform(0.5, 0.75)
        tier = _skirt(figure, waist, waist_y, upper_hem, flare, rng)
        layers.append(drape._replace(outlines=[tier], color=shaded(color, rng.uniform(0.8, 1.1))))
    if figure.worn and hem_y > 0.9 and rng.random() < 0.2:
        layers.append(_slit(rng))

    upper = cloth._replace(color=shaded(color, rng.uniform(0.93, 1.05)))
    if rng.random() < 0.12:
        sequins = shaded(WHITE, rng.uniform(0.5, 1))
        upper = upper._replace(texture=fabric._replace(pattern="lace", pattern_color=sequins))
    edge, shoulder = _upper_edge(figure, top, rng)
    chest = body.chest * 1.02
    profile = [(chest, UNDERARM), (chest * 1.01, BUST), (waist, waist_y)]
    seam = np.array([(waist, waist_y + 0.004), (-waist, waist_y + 0.004)])
    layers.append(upper._replace(outlines=[shapes.top_outline(edge, shoulder, profile, seam)]))
    if top == "straps":
        width = rng.uniform(0.005, 0.016)
        layers.append(cloth._replace(outlines=_straps(chest * 0.55, edge), line=width))
    if rng.random() < 0.3:
        layers.append(_sash(waist, waist_y, color, rng))
    if top == "shoulders" and rng.random() < 0.75:
        return layers, sleeves(figure, one_of(SLEEVE_LENGTHS, rng), 0.034, 0.027, upper)
    return layers, []


def _any_skirt(rng: np.random.Generator) -> tuple[float, str]:
    """Draw a length and a flare that are worn together: the hem's height, a key of `FLARES`."""
    low, high, _ = LENGTHS[draw_from(LENGTHS, rng)]
    hem_y, flare = rng.uniform(low, high), one_of(list(FLARES), rng)
    if flare == "mermaid" and hem_y < 0.9:
        flare = "a_line"
    if flare == "ball" and 0.7 < hem_y < 0.9:
        flare = "skater"
    return hem_y, flare


def _fabric(color: Color, rng: np.random.Generator) -> Texture:
    name = one_of(("crepe", "jersey", "satin", "chiffon", "lace", "cotton"), rng)
    if name == "lace":
        second = shaded(color, rng.uniform(0.7, 1.35))
        return FABRICS[name]._replace(pattern="lace", pattern_color=second)
    if rng.random() < 0.07:
        second = WHITE if rng.random() < 0.4 else shaded(color, rng.uniform(0.3, 1.6))
        pattern = one_of(("blotches", "stripes", "fading", "heather"), rng)
        return FABRICS[name]._replace(pattern=pattern, pattern_color=second)
    return FABRICS[name]


def _skirt(
    figure: Figure, waist: float, waist_y: float, hem_y: float, flare: str, rng: np.random.Generator
) -> np.ndarray:
    """Outline a skirt from the waist to the hem."""
    length = hem_y - waist_y
    hip = figure.body.hip * 1.04
    hem = hip + rng.uniform(*FLARES[flare]) * length
    if flare in ("skater", "ball"):
        side = [(waist, waist_y), (waist + (hem - waist) * 0.65, waist_y + length * 0.42)]
    else:
        side = [(waist, waist_y), (hip, min(HIP, hem_y - 0.05))]
    if flare == "mermaid":
        side += [(hip * 0.85, hem_y - length * 0.42), (hip * 0.8, hem_y - length * 0.28)]
    side = shapes.rounded([*side, (hem, hem_y)])
    is_wide = hem > hip * 1.3
    sag = rng.uniform(0, 0.03 if is_wide else 0.008)
    edge = shapes.wavy_hem(
        hem, hem_y, sag, one_of((2, 3, 5, 7), rng), 0.012 * is_wide * rng.random()
    )
    if is_wide and rng.random() < 0.12:
        edge[:, 1] += np.linspace(-1, 1, len(edge)) * rng.normal(0, 0.05)
    return np.concatenate([side, edge, side[::-1] * (-1, 1)])


def _slit(rng: np.random.Generator) -> Layer:
    """Let a leg be seen, on one side: down the middle it would make trousers of a skirt."""
    side, x, top = one_of(SIDES, rng), rng.uniform(0.02, 0.06), rng.uniform(0.5, 0.65)
    leg = np.array([(x, top), (x + 0.02, 0.8), (x + 0.03, 0.985), (x - 0.02, 0.985)]) * (side, 1)
    return Layer([leg], one_of(SKIN_TONES[:4], rng), SKIN)


def _upper_edge(
    figure: Figure, top: str, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[float, float] | None]:
    """Cut the upper edge from left to right; find the right shoulder's tip if it is covered."""
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
    half_width = shoulder * rng.uniform(0.4, 0.8)
    edge = shapes.neckline(form, half_width, SHOULDER - 0.008, rng.uniform(0.015, 0.09))
    reach = shoulder * (0.85 if top == "wide_straps" else 1.0)
    return edge, (max(reach, half_width + 0.01), SHOULDER + 0.008)


def _straps(x: float, edge: np.ndarray) -> list[np.ndarray]:
    top = edge[:, 1].min()
    return [
        np.array([(side * x, top + 0.01), (side * x * 1.1, SHOULDER - 0.005)]) for side in SIDES
    ]


def _sash(waist: float, y: float, color: Color, rng: np.random.Generator) -> Layer:
    """Tie a band around the waist: of the same colour, of silver, black."""
    ribbon = one_of((shaded(color, 0.6), shaded(color, 1.3), (200.0, 200.0, 210.0), BLACK), rng)
    band = np.array([(-waist, y), (0, y + 0.003), (waist, y)])
    return Layer([band], ribbon, line=rng.uniform(0.008, 0.025))
