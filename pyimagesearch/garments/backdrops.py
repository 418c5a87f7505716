"""What stands behind a garment: a white or coloured wall, a studio, a room, clutter."""

import cv2
import numpy as np

from pyimagesearch.garments.choices import weighted_key
from pyimagesearch.garments.colors import Color
from pyimagesearch.garments.fabrics import smooth_noise

# How often each backdrop occurs.
BACKDROPS = {
    "white": 0.58,
    "plain": 0.15,
    "studio": 0.18,
    "room": 0.05,
    "clutter": 0.025,
    "black": 0.01,
}


def random_backdrop(shape: tuple[int, int], color: Color, rng: np.random.Generator) -> np.ndarray:
    """Paint a backdrop.

    Parameters
    ----------
    shape : pair of int
        Height and width in pixels.
    color : tuple of float
        Colour of the garment. Dark garments get no black backdrop.
    rng : numpy.random.Generator
        Chooses one of `BACKDROPS` and its details.

    Returns
    -------
    numpy.ndarray
        float32, shape (height, width, 3), BGR from 0 to 255.
    """
    name = weighted_key(BACKDROPS, rng)
    if name == "black" and max(color) < 130:
        name = "white"
    if name == "white":
        white = 255 if rng.random() < 0.8 else rng.uniform(244, 254)
        return np.full((*shape, 3), white, np.float32)
    if name == "black":
        return np.full((*shape, 3), rng.uniform(0, 25), np.float32)
    tint = rng.normal(0, 7, 3) + rng.uniform(140, 248)
    image = np.ones((*shape, 3), np.float32) * tint.astype(np.float32)
    if name == "plain":
        return image
    image = _lit(image, rng)
    if name == "room" or rng.random() < 0.2:
        floor = int(shape[0] * rng.uniform(0.75, 0.95))
        image[floor:] *= np.float32(rng.uniform(0.75, 1.1))
    if name == "room":
        image *= 1 + 0.06 * smooth_noise(shape, (5, 4), rng)[..., None]
    if name == "clutter":
        image = _cluttered(image, rng)
    return np.clip(image, 0, 255)


def _lit(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light a wall with a lamp, so that it darkens towards its edges."""
    height, width = image.shape[:2]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    distance = (x - rng.normal(0, 0.4)) ** 2 + (y - rng.normal(0, 0.5)) ** 2
    brightness, falloff = np.float32(rng.uniform(0.6, 1.05)), np.float32(rng.uniform(-0.02, 0.22))
    return image * (brightness * (1 - falloff * distance))


def _cluttered(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put blurred boxes of all colours in front of a wall."""
    height, width = image.shape[:2]
    image = image.copy()
    for _ in range(int(rng.integers(6, 20))):
        corner = rng.integers(0, (width, height))
        opposite = corner + rng.integers(4, (max(5, width // 2), max(5, height // 2)))
        color = rng.uniform(20, 235, 3).tolist()
        cv2.rectangle(image, corner.tolist(), opposite.tolist(), color, -1)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 3) * height / 144))
    return image * (1 + 0.1 * smooth_noise((height, width), (30, 30), rng)[..., None])
