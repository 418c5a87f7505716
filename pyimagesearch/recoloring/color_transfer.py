"""Colour transfer: give the garment of one image the colour of another garment."""

from typing import NamedTuple

import cv2
import numpy as np

from pyimagesearch.recoloring.color_statistics import color_moments, to_lab

# How much the spread of L*, a* and b* may change, as factors. A larger spread would turn the noise
# of a black cloth into a pattern; a smaller spread of L* would flatten the folds of a garment. The
# spread of a* and b* may nearly vanish, because black has hardly any colour to vary.
LEAST_SCALE, LARGEST_SCALE = np.array([0.5, 0.05, 0.05]), np.array([2.0, 2.0, 2.0])
# Added to each deviation, so that an evenly coloured cloth does not lead to a division by zero.
LEAST_DEVIATION = np.array([1.0, 0.3, 0.3])
# Darker cloth shows less colour than lighter cloth with the same dye, but at least this share.
LEAST_VIVIDNESS = 0.3

# If cloth and background differ by less than this in L*a*b*, a pixel on the edge cannot tell how
# much of each it holds.
LEAST_CONTRAST = 5.0


class Color(NamedTuple):
    """The colour of a garment: mean and standard deviation in CIE L*a*b*, each of shape (3,)."""

    mean: np.ndarray
    deviation: np.ndarray


def color_of(lab: np.ndarray, mask: np.ndarray) -> Color:
    """Measure the colour of the masked pixels, or of all pixels if the mask is empty.

    Parameters
    ----------
    lab : numpy.ndarray
        float, shape (height, width, 3), CIE L*a*b*.
    mask : numpy.ndarray
        Shape (height, width): above 0.5 where the garment is.

    Returns
    -------
    Color
        Mean and standard deviation of the pixels.
    """
    is_garment = mask > 0.5
    mean, covariance = color_moments(lab[is_garment] if is_garment.any() else lab.reshape(-1, 3))
    return Color(mean, np.sqrt(np.diag(covariance)))


def recolor(
    image: np.ndarray,
    mask: np.ndarray,
    *,
    color: Color,
    darkness_kept: float,
    least_lightness: float,
) -> np.ndarray:
    """Give a garment another colour.

    Each axis of a space that separates lightness from colour is shifted and scaled to the mean and
    the standard deviation of the target (Reinhard, Ashikhmin, Gooch and Shirley, "Color Transfer
    between Images", 2001). Here the space is CIE L*a*b*, and only the garment is measured and
    changed.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    mask : numpy.ndarray
        Shape (height, width): above 0.5 where the garment is.
    color : Color
        The colour to give to the garment.
    darkness_kept : float
        A garment that is darker than `color` keeps this share of the difference, in [0, 1].
    least_lightness : float
        The L* below which a garment's own darkness no longer counts, in [0, 100].

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    """
    lab = to_lab(image)
    opacity, cloth = _matte(lab, mask)
    source = color_of(lab, mask)
    darkness = max(color.mean[0] - max(source.mean[0], least_lightness), 0.0)
    target = _darkened(color, darkness_kept * darkness)
    scale = (target.deviation + LEAST_DEVIATION) / (source.deviation + LEAST_DEVIATION)
    transferred = (cloth - source.mean) * np.clip(scale, LEAST_SCALE, LARGEST_SCALE) + target.mean
    transferred[..., 0] = transferred[..., 0].clip(0, 100)
    recolored = lab + opacity[..., None] * (transferred - cloth)
    bgr = cv2.cvtColor(recolored.astype(np.float32), cv2.COLOR_LAB2BGR)
    return np.rint(bgr.clip(0, 1) * 255).astype(np.uint8)


def _darkened(color: Color, darker_by: float) -> Color:
    """Lower the lightness of a colour, in units of L*, and its vividness in proportion."""
    darkening = 1 - darker_by / max(color.mean[0], 1.0)
    vividness = max(darkening, LEAST_VIVIDNESS)
    return Color(
        color.mean * [darkening, vividness, vividness], color.deviation * [1, vividness, vividness]
    )


def _matte(lab: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Separate cloth from background in the pixels along the garment's edge.

    A pixel on the edge mixes the cloth and the background nearby. Where its colour lies between
    theirs tells how much of each it holds. Without this step a rim in the old colour remains.

    Returns
    -------
    opacity : numpy.ndarray
        Shape (height, width), in [0, 1]: the cloth's share of each pixel.
    cloth : numpy.ndarray
        Shape (height, width, 3): the colour of the cloth alone.
    """
    inside = (mask > 0.5).astype(np.float32)
    neighbours = np.ones((3, 3), np.uint8)
    core, outside = cv2.erode(inside, neighbours), cv2.erode(1 - inside, neighbours)
    cloth, cloth_is_near = _nearby_mean(lab, core)
    background, background_is_near = _nearby_mean(lab, outside)
    difference = cloth - background
    along = ((lab - background) * difference).sum(axis=2)
    share = along / np.maximum((difference**2).sum(axis=2), LEAST_CONTRAST**2)
    on_edge = (core == 0) & (outside == 0) & cloth_is_near & background_is_near
    opacity = np.where(on_edge, share.clip(0, 1), inside)
    return opacity, opacity[..., None] * lab + (1 - opacity[..., None]) * cloth


def _nearby_mean(lab: np.ndarray, region: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average the region's colour around each pixel, and tell where any of the region is near."""
    weight = cv2.GaussianBlur(region, (0, 0), 1.5)[..., None]
    total = cv2.GaussianBlur(lab * region[..., None], (0, 0), 1.5)
    return total / np.maximum(weight, 1e-3), weight[..., 0] > 0.01
