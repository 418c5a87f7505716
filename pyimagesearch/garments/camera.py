"""The camera: where it points, and what it does to a picture."""

from typing import NamedTuple

import cv2
import numpy as np


class View(NamedTuple):
    """What the camera sees.

    Attributes
    ----------
    left, top, width, height : float
        The visible rectangle, in body coordinates (see :mod:`pyimagesearch.garments.shapes`).
    tilt : float
        Rotation of the camera in degrees.
    """

    left: float
    top: float
    width: float
    height: float
    tilt: float = 0.0


def to_pixels(points: np.ndarray, view: View, scale: float) -> np.ndarray:
    """Project points into the image.

    Parameters
    ----------
    points : numpy.ndarray
        float, shape (N, 2), in body coordinates.
    view : View
        What the camera sees.
    scale : float
        Pixels per body height.

    Returns
    -------
    numpy.ndarray
        float64, shape (N, 2): x and y in pixels. Whole numbers are the centres of pixels.
    """
    centre = np.array([view.left + view.width / 2, view.top + view.height / 2])
    angle = np.radians(view.tilt)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return ((points - centre) @ turn + (view.width / 2, view.height / 2)) * scale - 0.5


def photograph(image: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Photograph a painted scene, with faults of exposure, focus, noise and compression.

    Parameters
    ----------
    image : numpy.ndarray
        float32, shape (H, W, 3), BGR from 0 to 255.
    shape : pair of int
        Height and width of the photograph in pixels.
    rng : numpy.random.Generator
        Chooses the faults.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    """
    if rng.random() < 0.4:
        gains = rng.normal(1, 0.02, 3) * rng.normal(1.0, 0.05)
        image = np.clip(image * gains.astype(np.float32), 0, 255)
    if rng.random() < 0.25:
        sigma = rng.uniform(0.3, 0.8) * max(image.shape) / 150
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma))
    if image.shape[:2] != shape:
        image = np.asarray(cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA))
    if rng.random() < 0.4:
        image = image + rng.standard_normal(image.shape, np.float32) * rng.uniform(0.5, 5)
    pixels = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    quality = int(rng.integers(45, 98))
    _, compressed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(compressed, cv2.IMREAD_COLOR))
