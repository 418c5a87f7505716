"""The people in the photographs, and the bodies that unworn garments would fit."""

from typing import NamedTuple

import numpy as np

from pyimagesearch.garments import shapes
from pyimagesearch.garments.choices import one_of
from pyimagesearch.garments.colors import (
    BLACK,
    HAIR_COLORS,
    SKIN_TONES,
    Color,
    other_color,
    shaded,
)
from pyimagesearch.garments.fabrics import HAIR, LEATHER_SHOE, SKIN
from pyimagesearch.garments.painting import Layer
from pyimagesearch.garments.shapes import SIDES, Body, Figure, Pair, Pose

SLENDER = Body(shoulder=0.105, chest=0.088, waist=0.068, hip=0.096)
BROAD = Body(shoulder=0.128, chest=0.105, waist=0.092, hip=0.092)
# Half widths of an arm from the shoulder to the wrist.
ARM_WIDTHS = (0.02, 0.023, 0.019, 0.018, 0.013)
# Half widths of a leg from the hip to the ankle, in half widths of the hips.
LEG_WIDTHS = np.array([0.48, 0.42, 0.28, 0.3, 0.17])
SHARE_OF_MANNEQUINS = 0.06

EYE_COLOR, MOUTH_COLOR = (40.0, 40.0, 45.0), (80.0, 70.0, 170.0)


class Person(NamedTuple):
    """Somebody who wears a garment.

    Attributes
    ----------
    figure : Figure
        Body and pose.
    skin, hair : tuple of float
        Colours. The skin of a mannequin is grey.
    hair_length : float
        How far the hair falls below the chin, in body heights.
    is_mannequin : bool
        Whether it is a mannequin, which has no hair and no face.
    """

    figure: Figure
    skin: Color
    hair: Color
    hair_length: float
    is_mannequin: bool


def random_person(kind: str, rng: np.random.Generator) -> Person:
    """Choose a person, or a mannequin, to wear a "dress", "jeans" or a "shirt"."""
    is_broad = kind != "dress" and rng.random() < 0.5
    width = rng.uniform(0.8, 1.12)
    body = Body(*(w * width * rng.uniform(0.95, 1.05) for w in (BROAD if is_broad else SLENDER)))
    is_mannequin = bool(rng.random() < SHARE_OF_MANNEQUINS)
    grey = float(rng.uniform(170, 235))
    skin = shaded(one_of(SKIN_TONES, rng), rng.uniform(0.9, 1.08))
    pose = Pose((_random_arm(rng), _random_arm(rng)), _random_legs(rng))
    return Person(
        figure=Figure(body, pose, worn=True),
        skin=(grey, grey, grey) if is_mannequin else skin,
        hair=shaded(one_of(HAIR_COLORS, rng), rng.uniform(0.8, 1.2)),
        hair_length=0.0 if is_broad or is_mannequin else max(0.0, rng.uniform(-0.06, 0.22)),
        is_mannequin=is_mannequin,
    )


def _random_arm(rng: np.random.Generator) -> Pair:
    """Choose the angles of an arm: hanging, hand on hip, hand in pocket, or held away."""
    drawn = rng.random()
    if drawn < 0.55:
        return rng.uniform(3, 14), rng.uniform(-8, 10)
    if drawn < 0.8:
        return rng.uniform(28, 48), rng.uniform(-65, -25)
    if drawn < 0.9:
        return rng.uniform(10, 22), rng.uniform(-30, -10)
    return rng.uniform(15, 45), rng.uniform(0, 40)


def _random_legs(rng: np.random.Generator) -> tuple[Pair, Pair]:
    """Choose the angles of two legs: straight, one to the side, or walking."""
    drawn = rng.random()
    if drawn < 0.5:
        spread = rng.uniform(-1, 5)
        return (spread, rng.uniform(-2, 2)), (spread, rng.uniform(-2, 2))
    if drawn < 0.75:
        return (rng.uniform(0, 4), rng.uniform(-2, 2)), (rng.uniform(5, 12), rng.uniform(-8, 5))
    return (rng.uniform(-9, 12), rng.uniform(-10, 8)), (rng.uniform(-4, 10), rng.uniform(-10, 10))


def unworn_figure(kind: str, rng: np.random.Generator, *, long_sleeved: bool) -> Figure:
    """Choose the body that an unworn garment would fit, posed as the garment lies or hangs.

    Parameters
    ----------
    kind : {"dress", "jeans", "shirt"}
        Kind of the garment.
    rng : numpy.random.Generator
        Chooses measures and angles.
    long_sleeved : bool
        Long sleeves hang down; short ones stick out.

    Returns
    -------
    Figure
        A person's body for dresses. Jeans and shirts get straighter ones, as they lie flat.
    """
    upper = rng.uniform(14, 36) if long_sleeved else rng.uniform(25, 62)
    arm = (upper, upper + rng.uniform(-14, 4) if long_sleeved else upper)
    spread = rng.uniform(0.5, 6)
    legs = (spread, spread + rng.normal(0, 1)), (spread, spread + rng.normal(0, 1))
    pose = Pose((arm, arm), legs)
    if kind == "dress":
        return Figure(random_person(kind, rng).figure.body, pose, worn=False)
    chest = rng.uniform(0.075, 0.115) if kind == "jeans" else rng.uniform(0.108, 0.145)
    body = Body(
        shoulder=chest * rng.uniform(0.86, 1.02),
        chest=chest,
        waist=chest * rng.uniform(0.86, 1.02),
        hip=chest * rng.uniform(0.94, 1.06),
    )
    return Figure(body, pose, worn=False)


def body_layers(person: Person, rng: np.random.Generator) -> list[Layer]:
    """Paint what lies behind the clothes: long hair, legs and trunk."""
    layers = []
    if person.hair_length:
        width = rng.uniform(0.05, 0.075)
        locks = shapes.rectangle((-width, 0.06), (width, 0.13 + person.hair_length))
        layers.append(Layer([shapes.rounded(locks, closed=True)], person.hair, HAIR))
    figure = person.figure
    leg_widths = LEG_WIDTHS * figure.body.hip
    legs = [shapes.limb(shapes.leg(figure, side), leg_widths) for side in SIDES]
    trunk = shapes.torso(figure.body)
    return [*layers, Layer(legs, person.skin, SKIN), Layer([trunk], person.skin, SKIN)]


def shoe_layers(person: Person, rng: np.random.Generator) -> list[Layer]:
    """Paint a pair of shoes or bare feet."""
    color = other_color(rng) if rng.random() < 0.6 else BLACK
    if rng.random() < 0.1:
        color = person.skin
    turn = rng.uniform(0.2, 1.0)
    pair = []
    for side in SIDES:
        ankle = shapes.leg(person.figure, side)[-1]
        foot = np.array([ankle + (0, 0.005), ankle + (side * 0.035 * turn, 0.042)])
        pair.append(shapes.rounded(shapes.limb(foot, (0.016, 0.024, 0.016)), closed=True))
    return [Layer(pair, color, LEATHER_SHOE)]


def arm_layers(person: Person) -> list[Layer]:
    """Paint bare arms and hands."""
    layers = []
    for side in SIDES:
        path = shapes.arm(person.figure, side)
        hand = np.array([path[-1], shapes.shortened(path, 1.12)[-1]])
        shoulder = shapes.ellipse(path[0], (ARM_WIDTHS[0], ARM_WIDTHS[0]))
        fist = shapes.rounded(shapes.limb(hand, (0.013, 0.018, 0.011)), closed=True)
        outlines = [shoulder, shapes.limb(path, ARM_WIDTHS), fist]
        layers.append(Layer(outlines, person.skin, SKIN))
    return layers


def head_layers(person: Person, rng: np.random.Generator) -> list[Layer]:
    """Paint a head with hair, eyes, brows, nose and mouth; a mannequin's is blank."""
    x = rng.normal(0, 0.008)
    face = Layer([shapes.ellipse((x, 0.075), (0.042, 0.06))], person.skin, SKIN)
    if person.is_mannequin:
        return [face]
    skull = Layer([shapes.ellipse((x, 0.062), (0.05, 0.063))], person.hair, HAIR)
    hairline = [(-0.047, 0.075), (-0.03, 0.035), (0.02, 0.028), (0.047, 0.08)]
    fringe = np.array([*hairline, (0.045, 0.02), (0.0, -0.002), (-0.045, 0.02)]) + (x, 0)
    eyes = [shapes.ellipse((x + side * 0.018, 0.073), (0.007, 0.004)) for side in SIDES]
    brows = [np.array([(x + s * 0.01, 0.063), (x + s * 0.026, 0.062)]) for s in SIDES]
    mouth = np.array([(x - 0.01, 0.106), (x, 0.109), (x + 0.01, 0.106)])
    nose = np.array([(x + 0.003, 0.08), (x + 0.006, 0.092), (x - 0.001, 0.093)])
    return [
        skull,
        face,
        Layer([shapes.rounded(fringe, closed=True)], person.hair, HAIR),
        Layer(eyes, EYE_COLOR),
        Layer(brows, shaded(person.hair, 0.8), line=0.004),
        Layer([nose], shaded(person.skin, 0.75), line=0.003),
        Layer([mouth], MOUTH_COLOR, line=0.005),
    ]
