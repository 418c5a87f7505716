"""Jeans as layers to paint: cut, seams, pockets, wash and wear."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pyimagesearch.garments import shapes
from pyimagesearch.garments.choices import one_of, weighted_key
from pyimagesearch.garments.colors import (
    BRASS,
    LEATHER,
    THREAD,
    WHITE,
    Color,
    bleached,
    shaded,
)
from pyimagesearch.garments.fabrics import FABRICS, FRAYED, Texture
from pyimagesearch.garments.painting import Layer
from pyimagesearch.garments.shapes import CROTCH, HIP, LEFT, SIDES, WAIST, Figure


class Cut(NamedTuple):
    """Half widths of a leg at knee and hem, in half widths of the hips, and the cut's weight."""

    knee: float
    hem: float
    weight: float


CUTS = {
    "skinny": Cut(0.34, 0.22, 5),
    "slim": Cut(0.37, 0.28, 4),
    "straight": Cut(0.41, 0.38, 4),
    "bootcut": Cut(0.37, 0.43, 2),
    "flare": Cut(0.34, 0.60, 1),
    "tapered": Cut(0.45, 0.29, 1),
    "baggy": Cut(0.49, 0.49, 3),
}
# In leg lengths: most jeans reach the shoes, some are cropped.
LENGTHS = (1.0, 1.0, 1.0, 1.03, 0.93, 0.85)
SKIN_IN_TEARS = (150.0, 180.0, 215.0)


def jeans_layers(
    figure: Figure, color: Color, rng: np.random.Generator, *, labelled: bool
) -> list[Layer]:
    """Paint a pair of jeans.

    Parameters
    ----------
    figure : Figure
        The body that they fit.
    color : tuple of float
        Colour of the denim before it is washed.
    rng : numpy.random.Generator
        Chooses one of `CUTS` and all details.
    labelled : bool
        Whether the image's labels describe these jeans.

    Returns
    -------
    list of Layer
        From back to front.
    """
    cut = CUTS[weighted_key({name: cut.weight for name, cut in CUTS.items()}, rng)]
    hip, waist_y = figure.body.hip * 1.03, rng.uniform(0.38, 0.43)
    knee, hem = hip * cut.knee * rng.uniform(0.93, 1.07), hip * cut.hem * rng.uniform(0.9, 1.1)
    waist = np.interp(waist_y, (WAIST, HIP), (figure.body.waist, figure.body.hip)) * 1.04
    thigh, length = hip * shapes.THIGH_WIDTH, one_of(LENGTHS, rng)
    paths = [shapes.shortened(shapes.leg(figure, side), length) for side in SIDES]
    widths = (thigh, (thigh + knee) / 2, knee, (knee + hem) / 2, hem)
    legs = [shapes.limb(path, widths) for path in paths]
    profile = [(waist, waist_y), (hip, HIP - 0.01), (hip * 0.88, CROTCH + 0.02)]
    pelvis = shapes.symmetric(shapes.rounded(profile))

    cloth = Layer([*legs, pelvis], color, _random_denim(color, rng), labelled=labelled)
    seam = shaded(color, rng.uniform(0.45, 0.75))
    has_bright_thread = rng.random() < (0.15 if max(color) < 50 else 0.4)
    thread = THREAD if has_bright_thread else shaded(color, 1.35)
    layers = [cloth, _inseam(legs, seam, rng)]
    layers += _waistband(waist, waist_y, rng, seam=seam, thread=thread)
    layers += _pockets(waist, waist_y, rng, hip=hip, seam=seam, thread=thread)
    if rng.random() < 0.3:
        layers += _tears(paths, knee, rng, worn=figure.worn)
    if rng.random() < 0.15:
        layers.append(_cuffs(paths, hem, cloth))
    if figure.worn and rng.random() < 0.15:
        layers += _belt(waist, waist_y, rng)
    return layers


def _random_denim(color: Color, rng: np.random.Generator) -> Texture:
    """Choose a fabric: most denim is washed, some black pairs are coated."""
    if max(color) < 60 and rng.random() < 0.1:
        return FABRICS["leather"]
    fabric = FABRICS[one_of(("denim", "denim", "stretch"), rng)]
    if rng.random() < 0.4:
        return fabric
    is_dark = sum(color) < 170
    bleach = shaded(color, rng.uniform(1.3, 2.2)) if is_dark else bleached(color)
    pattern = "blotches" if rng.random() < 0.06 else "wash"
    return fabric._replace(pattern=pattern, pattern_color=bleach)


def _inseam(legs: Sequence[np.ndarray], seam: Color, rng: np.random.Generator) -> Layer:
    """Draw the inner edge of the front leg; without it, wide legs look like a skirt."""
    front = int(rng.integers(2))
    left_edge, right_edge = np.split(legs[front], 2)
    inner = right_edge if SIDES[front] == LEFT else left_edge
    return Layer([inner[inner[:, 1] > CROTCH]], seam, line=0.006)


def _waistband(
    waist: float, y: float, rng: np.random.Generator, *, seam: Color, thread: Color
) -> list[Layer]:
    """Draw waistband, belt loops and centre seam, and usually the fly, which only a front has."""
    band = np.array([(-waist, y + 0.022), (0, y + 0.026), (waist, y + 0.022)])
    loops = [np.array([(x * waist, y), (x * waist, y + 0.026)]) for x in (-0.75, -0.35, 0.35, 0.75)]
    centre = np.array([(0.002, y + 0.025), (0.0, CROTCH + 0.03)])
    layers = [Layer([band, centre, *loops], seam, line=0.003)]
    if rng.random() < 0.7:
        fly = [(0.018, y + 0.025), (0.018, CROTCH - 0.035), (0.004, CROTCH - 0.02)]
        button = shapes.ellipse((0, y + 0.012), (0.005, 0.005))
        layers.append(Layer([shapes.rounded(fly)], thread, line=0.002))
        layers.append(Layer([button], shaded(thread, 1.1)))
    return layers


def _pockets(
    waist: float, y: float, rng: np.random.Generator, *, hip: float, seam: Color, thread: Color
) -> list[Layer]:
    """Draw front pockets, or back pockets with or without a leather patch above them."""
    if rng.random() < 0.7:
        curve = np.array(
            [(0.5 * waist, y + 0.024), (0.55 * hip, y + 0.05), (hip * 0.95, y + 0.062)]
        )
        edges = [shapes.rounded(curve * (side, 1)) for side in SIDES]
        stitches = [edge + (0, 0.005) for edge in edges]
        return [Layer(edges, seam, line=0.004), Layer(stitches, thread, line=0.002)]
    inner, outer, top, bottom = 0.2 * hip, 0.8 * hip, y + 0.05, y + 0.11
    tip = ((inner + outer) / 2, bottom + 0.012)
    corners = [(inner, top), (outer, top), (outer, bottom), tip, (inner, bottom), (inner, top)]
    layers = [Layer([np.array(corners) * (side, 1) for side in SIDES], thread, line=0.003)]
    if rng.random() < 0.6:
        patch = shapes.rectangle((waist * 0.4, y + 0.004), (waist * 0.75, y + 0.022))
        layers.append(Layer([patch], shaded(LEATHER, rng.uniform(0.6, 1.2))))
    return layers


def _tears(
    paths: Sequence[np.ndarray], knee: float, rng: np.random.Generator, *, worn: bool
) -> list[Layer]:
    """Tear holes in thighs and knees that show skin or white threads."""
    shows_skin = worn and rng.random() < 0.6
    color = SKIN_IN_TEARS if shows_skin else shaded(WHITE, rng.uniform(0.8, 1))
    tears = []
    for path in paths:
        for _ in range(int(rng.integers(0, 5))):
            middle = shapes.shortened(path, rng.uniform(0.25, 0.7))[-1]
            size = rng.uniform(0.3, 0.8) * knee, rng.uniform(0.003, 0.014)
            tears.append(shapes.ellipse(middle + (rng.normal(0, 0.2) * knee, 0), size))
    return [Layer(tears, color, FRAYED)] if tears else []


def _cuffs(paths: Sequence[np.ndarray], hem: float, cloth: Layer) -> Layer:
    """Turn the hems up, so that the paler inside shows."""
    turned = [path[-1] + np.array([(0, -0.02), (0, 0)]) for path in paths]
    return cloth._replace(
        outlines=[shapes.limb(path, (hem * 1.08, hem * 1.08)) for path in turned],
        color=shaded(cloth.color, 1.25),
        texture=cloth.texture._replace(pattern=""),
    )


def _belt(waist: float, y: float, rng: np.random.Generator) -> list[Layer]:
    belt = np.array([(-waist, y + 0.01), (0, y + 0.014), (waist, y + 0.01)])
    buckle = shapes.rectangle((-0.01, y + 0.005), (0.01, y + 0.022))
    color = shaded(LEATHER, rng.uniform(0.15, 0.65))
    return [Layer([belt], color, line=0.018), Layer([buckle], BRASS)]
