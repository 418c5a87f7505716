"""Colour transfer: the garment of one image, in the colour that another garment has."""

from typing import NamedTuple

import cv2
import numpy as np

from pyimagesearch.recoloring.segmentation import color_moments, to_lab

# Lightness and the two axes of colour are spread by at most so much less or more than they were:
# further apart, and the noise of a black cloth becomes a pattern; closer, and the folds of a
# garment disappear. Colours alone may come as close as they like: there are none in black.
LEAST_SCALE, LARGEST_SCALE = np.array([0.5, 0.05, 0.05]), np.array([2.0, 2.0, 2.0])
# A cloth without any variation has none to scale: the least deviation that is believed.
LEAST_DEVIATION = np.array([1.0, 0.3, 0.3])
# A dark cloth shows less colour than a light one with the same dye, but at least this part.
LEAST_VIVIDNESS = 0.3

# Colours less apart than this, in L*a*b*, do not tell how a pixel between them is mixed.
LEAST_CONTRAST = 5.0


class Color(NamedTuple):
    """The colour of a garment in CIE L*a*b*: mean and standard deviation of the three axes."""

    mean: np.ndarray
    deviation: np.ndarray


def color_of(lab: np.ndarray, mask: np.ndarray) -> Color:
    """Measure the colour of the pixels of a mask, or of all where the mask is empty.

    Parameters
    ----------
    lab : numpy.ndarray
        float, shape (height, width, 3), CIE L*a*b*.
    mask : numpy.ndarray
        Shape (height, width): above 0.5 where the garment is.
    """
    is_garment = mask > 0.5
    mean, covariance = color_moments(lab[is_garment] if is_garment.any() else lab.reshape(-1, 3))
    return Color(mean, np.sqrt(np.diag(covariance)))


def recolor(
    image: np.ndarray, mask: np.ndarray, color: Color, darkness_kept: float, darkest: float
) -> np.ndarray:
    """Give a garment another colour.

    Reinhard, Ashikhmin, Gooch and Shirley, "Color Transfer between Images" (2001): each axis of a
    space that separates lightness from colour is shifted and scaled to the mean and the standard
    deviation of the target. Here the space is CIE L*a*b*, and only the garment is measured and
    changed.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    mask : numpy.ndarray
        Shape (height, width): above 0.5 where the garment is.
    color : Color
        The colour to give it.
    darkness_kept : float
        How much of its own darkness it keeps where it is darker than that, in [0, 1].
    darkest : float
        The lightness, in [0, 100], below which nothing is kept of it.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    """
    lab = to_lab(image)
    opacity, cloth = _matte(lab, mask)
    source = color_of(lab, mask)
    target = _darkened(color, source, darkness_kept, darkest)
    scale = (target.deviation + LEAST_DEVIATION) / (source.deviation + LEAST_DEVIATION)
    transferred = (cloth - source.mean) * np.clip(scale, LEAST_SCALE, LARGEST_SCALE) + target.mean
    transferred[..., 0] = transferred[..., 0].clip(0, 100)
    recolored = lab + opacity[..., None] * (transferred - cloth)
    bgr = cv2.cvtColor(recolored.astype(np.float32), cv2.COLOR_LAB2BGR)
    return np.rint(bgr.clip(0, 1) * 255).astype(np.uint8)


def _darkened(color: Color, own: Color, darkness_kept: float, darkest: float) -> Color:
    """Give a colour as a garment shows it that keeps some of its own darkness, in [0, 1]."""
    darker_by = darkness_kept * max(color.mean[0] - max(own.mean[0], darkest), 0.0)
    darkening = 1 - darker_by / max(color.mean[0], 1.0)
    vividness = max(darkening, LEAST_VIVIDNESS)
    return Color(
        color.mean * [darkening, vividness, vividness], color.deviation * [1, vividness, vividness]
    )


def _matte(lab: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Separate the cloth from what shows beside it in the pixels along the garment's edge.

    A pixel on the edge is a mixture of the cloth nearby and of the background nearby; where it lies
    between the two colours says how much of each. Without this a rim in the old colour remains.

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

    def nearby_mean(region: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weight = cv2.GaussianBlur(region, (0, 0), 1.5)[..., None]
        total = cv2.GaussianBlur(lab * region[..., None], (0, 0), 1.5)
        return total / np.maximum(weight, 1e-3), weight[..., 0] > 0.01

    cloth, cloth_is_near = nearby_mean(core)
    background, background_is_near = nearby_mean(outside)
    difference = cloth - background
    along = ((lab - background) * difference).sum(axis=2)
    share = along / np.maximum((difference**2).sum(axis=2), LEAST_CONTRAST**2)
    on_edge = (core == 0) & (outside == 0) & cloth_is_near & background_is_near
    opacity = np.where(on_edge, share.clip(0, 1), inside)
    pure = opacity[..., None] * lab + (1 - opacity[..., None]) * cloth
    return opacity, np.where(on_edge[..., None], pure, lab)
