"""Outlines of bodies and garments.

All lengths and points are in body coordinates: one unit is the height of the body, y is 0 at the
top of the head and 1 on the floor, and x is 0 in the middle. The landmarks follow the eight-head
figure of drawing books, slightly shortened.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

Pair = tuple[float, float]

# Heights of the landmarks, and lengths of the limbs.
NECK, SHOULDER, UNDERARM, BUST, WAIST, HIP, CROTCH = 0.15, 0.18, 0.24, 0.27, 0.38, 0.47, 0.505
UPPER_ARM, FOREARM, THIGH, SHIN = 0.16, 0.17, 0.235, 0.24
# Half the width of a thigh, in half widths of the hips. Above 0.5, the thighs touch.
THIGH_WIDTH = 0.53
LEFT, RIGHT = SIDES = (-1, 1)


class Body(NamedTuple):
    """Half widths of a body."""

    shoulder: float
    chest: float
    waist: float
    hip: float


class Pose(NamedTuple):
    """Angles of the limbs in degrees; 0 points straight down, positive angles point outwards.

    Attributes
    ----------
    arms, legs : pair of pair of float
        The left and the right limb, each with the angles of its upper and its lower part.
    """

    arms: tuple[Pair, Pair]
    legs: tuple[Pair, Pair]


class Figure(NamedTuple):
    """The body and the pose that a garment is cut for, and whether somebody wears it."""

    body: Body
    pose: Pose
    worn: bool


def rounded(points: ArrayLike, *, closed: bool = False) -> np.ndarray:
    """Round the corners of a line or a polygon by cutting each of them twice.

    Parameters
    ----------
    points : array_like
        Shape (N, 2).
    closed : bool
        Whether the last point is joined to the first. The ends of an open line stay in place.

    Returns
    -------
    numpy.ndarray
        float64, shape (M, 2).

    References
    ----------
    G. M. Chaikin, "An algorithm for high-speed curve generation" (1974).
    """
    curve = np.asarray(points, float)
    for _ in range(2):
        following = np.roll(curve, -1, axis=0) if closed else curve[1:]
        current = curve if closed else curve[:-1]
        cut = np.stack([0.75 * current + 0.25 * following, 0.25 * current + 0.75 * following], 1)
        cut = cut.reshape(-1, 2)
        curve = cut if closed else np.concatenate([curve[:1], cut, curve[-1:]])
    return curve


def ellipse(centre: ArrayLike, radii: Pair) -> np.ndarray:
    """Outline an ellipse with horizontal and vertical radii; float64, shape (24, 2)."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], 1) * radii + np.asarray(centre)


def rectangle(top_left: Pair, bottom_right: Pair) -> np.ndarray:
    """Outline a rectangle; float64, shape (4, 2)."""
    (left, top), (right, bottom) = top_left, bottom_right
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def symmetric(right_side: np.ndarray) -> np.ndarray:
    """Join a right side, given from top to bottom, with its mirror image."""
    return np.concatenate([right_side, right_side[::-1] * (-1, 1)])


def limb(path: np.ndarray, half_widths: ArrayLike) -> np.ndarray:
    """Outline an arm or a leg, a sleeve or a trouser leg around its centre line.

    Parameters
    ----------
    path : numpy.ndarray
        The centre line, shape (N, 2).
    half_widths : array_like
        Half widths at equal distances along the path.

    Returns
    -------
    numpy.ndarray
        float64, shape (2 * M, 2): down one side and up the other.
    """
    path = rounded(path)
    widths = np.asarray(half_widths)
    widths = np.interp(_distances(path), np.linspace(0, 1, len(widths)), widths)
    direction = np.gradient(path, axis=0)
    normal = direction[:, ::-1] * (-1, 1) / np.hypot(*direction.T)[:, None]
    side = normal * widths[:, None]
    return np.concatenate([path + side, (path - side)[::-1]])


def shortened(path: np.ndarray, share: float) -> np.ndarray:
    """Keep the first part of a path, `share` of its length; a share above 1 extends the path."""
    along = _distances(path)
    end = path[-1] + (path[-1] - path[-2]) * max(share - 1, 0) / (1 - along[-2])
    if share < 1:
        end = np.array([np.interp(share, along, axis) for axis in path.T])
    return np.concatenate([path[along < min(share, 1)], [end]])


def _distances(path: np.ndarray) -> np.ndarray:
    """Measure the distance of each point along a path, from 0 at the start to 1 at the end."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    return np.concatenate([[0], np.cumsum(steps)]) / steps.sum()


def arm(figure: Figure, side: int) -> np.ndarray:
    """Locate shoulder, elbow and wrist of the `LEFT` or the `RIGHT` arm; shape (3, 2)."""
    shoulder = (side * (figure.body.shoulder - 0.02), SHOULDER + 0.025)
    angles, lengths = figure.pose.arms[side > 0], (UPPER_ARM, FOREARM)
    return _joints(shoulder, angles, lengths, side=side)


def leg(figure: Figure, side: int) -> np.ndarray:
    """Locate hip, knee and ankle of the `LEFT` or the `RIGHT` leg; shape (3, 2)."""
    hip = (side * figure.body.hip * (1 - THIGH_WIDTH), HIP)
    angles, lengths = figure.pose.legs[side > 0], (THIGH, SHIN)
    return _joints(hip, angles, lengths, side=side)


def _joints(start: Pair, angles: Pair, lengths: Pair, *, side: int) -> np.ndarray:
    radians = np.radians(angles)
    steps = np.stack([side * np.sin(radians), np.cos(radians)], 1) * np.reshape(lengths, (2, 1))
    return np.concatenate([[start], start + np.cumsum(steps, axis=0)])


def torso(body: Body) -> np.ndarray:
    """Outline neck and trunk; float64, shape (M, 2)."""
    profile = [
        (0.025, NECK - 0.03),
        (0.028, NECK),
        (body.shoulder * 0.6, SHOULDER - 0.013),
        (body.shoulder, SHOULDER + 0.01),
        (body.chest, UNDERARM),
        (body.chest, BUST),
        (body.waist, WAIST),
        (body.hip, HIP),
        (body.hip * 0.9, CROTCH + 0.02),
    ]
    return symmetric(rounded(profile))


def neckline(form: str, half_width: float, *, top: float, depth: float) -> np.ndarray:
    """Draw the upper edge of a garment from the left to the right end of the neck.

    Parameters
    ----------
    form : {"round", "v", "square"}
        Shape of the neckline.
    half_width : float
        Half the distance between its ends.
    top : float
        y of its ends.
    depth : float
        How far its middle lies below them.

    Returns
    -------
    numpy.ndarray
        float64, shape (13, 2).
    """
    x = np.linspace(-1, 1, 13)
    fall = {
        "round": np.sqrt(1 - x**2),
        "v": 1 - np.abs(x),
        "square": np.minimum(1, 8 * (1 - np.abs(x))),
    }[form]
    return np.stack([x * half_width, top + depth * fall], 1)


def wavy_hem(
    half_width: float, y: float, *, sag: float, waves: int = 0, amplitude: float = 0.0
) -> np.ndarray:
    """Draw a lower edge from right to left.

    Parameters
    ----------
    half_width, y : float
        Its right end is at (half_width, y), its left end at (-half_width, y).
    sag : float
        How far its middle hangs below its ends.
    waves : int
        Number of half waves from the middle to either end.
    amplitude : float
        Height of the waves.

    Returns
    -------
    numpy.ndarray
        float64, shape (25, 2).
    """
    x = np.linspace(1, -1, 25)
    depth = sag * (1 - x**2) + amplitude * np.sin(waves * np.pi * x)
    return np.stack([x * half_width, y + depth], 1)


def top_outline(
    upper_edge: np.ndarray,
    profile: Sequence[Pair],
    hem: np.ndarray,
    *,
    shoulder: Pair | None = None,
) -> np.ndarray:
    """Outline a garment of the upper body.

    Parameters
    ----------
    upper_edge : numpy.ndarray
        The neckline from left to right, shape (N, 2).
    profile : sequence of pair of float
        Points of the right side from the underarm down.
    hem : numpy.ndarray
        The lower edge from right to left, shape (M, 2).
    shoulder : pair of float, optional
        Tip of the right shoulder, if the garment covers the shoulders.

    Returns
    -------
    numpy.ndarray
        float64, shape (K, 2).
    """
    side = rounded(profile)
    if shoulder is not None:
        side = np.concatenate([[shoulder], side])
    return np.concatenate([upper_edge, side, hem, side[::-1] * (-1, 1)])
