"""Outlines of bodies and garments, in body coordinates.

A body stands on the floor at y = 1, the top of its head is at y = 0, x = 0 is its middle; one unit
is its height. The landmarks are those of an artist's eight-head figure, a little shortened.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

NECK, SHOULDER, UNDERARM, BUST, WAIST, HIP, CROTCH = 0.15, 0.18, 0.24, 0.27, 0.38, 0.47, 0.505
UPPER_ARM, FOREARM, THIGH, SHIN = 0.16, 0.17, 0.235, 0.24
# Half the width of a thigh in half widths of the hips: the thighs touch.
THIGH_WIDTH = 0.53
LEFT, RIGHT = SIDES = (-1, 1)


class Body(NamedTuple):
    """Half widths of a body, in body heights."""

    shoulder: float
    chest: float
    waist: float
    hip: float


class Pose(NamedTuple):
    """Angles of the limbs in degrees from straight down, outwards positive.

    Attributes
    ----------
    arms, legs : pair of pair of float
        Left and right; of each its upper and its lower part.
    """

    arms: tuple[tuple[float, float], tuple[float, float]]
    legs: tuple[tuple[float, float], tuple[float, float]]


class Figure(NamedTuple):
    """What a garment is cut for: the body in it, or the body it would fit where nobody is in it."""

    body: Body
    pose: Pose
    worn: bool


def rounded(points: Sequence, rounds: int = 2, closed: bool = False) -> np.ndarray:
    """Round the corners of a line or a polygon.

    Parameters
    ----------
    points : sequence of pairs of float
        Shape (N, 2).
    rounds : int
        How often every corner is cut; each doubles the number of points.
    closed : bool
        Whether the last point is joined to the first. The ends of an open line stay.

    Returns
    -------
    numpy.ndarray
        float64, shape (M, 2). After G. M. Chaikin, "An algorithm for high-speed curve generation"
        (1974).
    """
    points = np.asarray(points, float)
    for _ in range(rounds):
        following = np.roll(points, -1, axis=0) if closed else points[1:]
        current = points if closed else points[:-1]
        cut = np.stack([0.75 * current + 0.25 * following, 0.25 * current + 0.75 * following], 1)
        cut = cut.reshape(-1, 2)
        points = cut if closed else np.concatenate([points[:1], cut, points[-1:]])
    return points


def ellipse(centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Outline an ellipse; float64, shape (24, 2)."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], 1) * radii + centre


def rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Outline a rectangle; float64, shape (4, 2)."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def limb(path: np.ndarray, half_widths: Sequence[float]) -> np.ndarray:
    """Outline what surrounds a path: an arm or a leg, a sleeve or a trouser leg.

    Parameters
    ----------
    path : numpy.ndarray
        Shape (N, 2), the middle of the limb.
    half_widths : sequence of float
        At equal distances along the path.

    Returns
    -------
    numpy.ndarray
        float64, shape (2 M, 2).
    """
    path = rounded(path)
    widths = np.interp(
        distances(path), np.linspace(0, 1, len(half_widths)), np.asarray(half_widths)
    )
    direction = np.gradient(path, axis=0)
    normal = direction[:, ::-1] * (-1, 1) / np.hypot(*direction.T)[:, None]
    side = normal * widths[:, None]
    return np.concatenate([path + side, (path - side)[::-1]])


def distances(path: np.ndarray) -> np.ndarray:
    """Measure how far along a path its points lie, from 0 to 1."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    return np.concatenate([[0], np.cumsum(steps)]) / steps.sum()


def shortened(path: np.ndarray, share: float) -> np.ndarray:
    """Keep the first part of a path, `share` of its length (above 1 goes beyond its end)."""
    along = distances(path)
    end = path[-1] + (path[-1] - path[-2]) * max(share - 1, 0) / (1 - along[-2])
    if share < 1:
        end = [np.interp(share, along, axis) for axis in path.T]
    return np.concatenate([path[along < min(share, 1)], [end]])


def arm(figure: Figure, side: int) -> np.ndarray:
    """Find shoulder, elbow and wrist; shape (3, 2)."""
    shoulder = (side * (figure.body.shoulder - 0.02), SHOULDER + 0.025)
    return _joints(shoulder, figure.pose.arms[side > 0], (UPPER_ARM, FOREARM), side)


def leg(figure: Figure, side: int) -> np.ndarray:
    """Find hip, knee and ankle; shape (3, 2)."""
    hip = (side * figure.body.hip * (1 - THIGH_WIDTH), HIP)
    return _joints(hip, figure.pose.legs[side > 0], (THIGH, SHIN), side)


def _joints(start: tuple, angles: tuple, lengths: tuple, side: int) -> np.ndarray:
    angles = np.radians(angles)
    steps = np.stack([side * np.sin(angles), np.cos(angles)], 1) * np.reshape(lengths, (2, 1))
    return np.concatenate([[start], start + np.cumsum(steps, axis=0)])


def torso(body: Body) -> np.ndarray:
    """Outline neck and trunk."""
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


def symmetric(right_side: np.ndarray) -> np.ndarray:
    """Join a right side, from top to bottom, with its mirror image."""
    return np.concatenate([right_side, right_side[::-1] * (-1, 1)])


def neckline(form: str, half_width: float, top: float, depth: float) -> np.ndarray:
    """Draw the upper edge of a garment between its shoulders, from left to right.

    Parameters
    ----------
    form : {"round", "v", "square"}
        Its form.
    half_width, top, depth : float
        Where it begins and how deep it goes, in body coordinates.

    Returns
    -------
    numpy.ndarray
        float64, shape (M, 2).
    """
    x = np.linspace(-1, 1, 13)
    fall = {
        "round": np.sqrt(1 - x**2),
        "v": 1 - np.abs(x),
        "square": np.minimum(1, 8 * (1 - np.abs(x))),
    }[form]
    return np.stack([x * half_width, top + depth * fall], 1)


def top_outline(
    upper_edge: np.ndarray, shoulder: tuple[float, float] | None, profile: Sequence, hem: np.ndarray
) -> np.ndarray:
    """Outline a garment of the upper body.

    Parameters
    ----------
    upper_edge : numpy.ndarray
        The neckline from left to right, shape (N, 2).
    shoulder : pair of float or None
        The right tip of the shoulders, None where they are bare.
    profile : sequence of pairs of float
        The right side from the underarm down, (x, y).
    hem : numpy.ndarray
        The lower edge from right to left, shape (N, 2).

    Returns
    -------
    numpy.ndarray
        float64, shape (M, 2).
    """
    side = rounded(profile)
    if shoulder is not None:
        side = np.concatenate([[shoulder], side])
    return np.concatenate([upper_edge, side, hem, side[::-1] * (-1, 1)])


def wavy_hem(half_width: float, y: float, sag: float, waves: float, height: float) -> np.ndarray:
    """Draw a lower edge from right to left, shape (25, 2): sagging in the middle, with waves."""
    x = np.linspace(1, -1, 25)
    depth = sag * (1 - x**2) + height * np.sin(waves * np.pi * x)
    return np.stack([x * half_width, y + depth], 1)
