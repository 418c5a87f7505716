"""Layers become a photograph: the painter, the backdrop and the camera of garments.py."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from pyimagesearch.garments.colors import Color, draw_from
from pyimagesearch.garments.fabrics import PLAIN, Texture, smooth_noise, surface

# What stands behind, and how likely it is.
BACKDROPS = {
    "white": 0.58,
    "plain": 0.15,
    "studio": 0.18,
    "room": 0.05,
    "clutter": 0.025,
    "black": 0.01,
}

SUBPIXEL_BITS = 4


class Layer(NamedTuple):
    """One thing to paint, over all that were painted before.

    Attributes
    ----------
    outlines : sequence of numpy.ndarray
        float, each of shape (N, 2), in body coordinates: polygons, painted as one, or lines.
    color : tuple of float
        BGR, 0 to 255.
    texture : Texture
        The surface of polygons.
    line : float
        Width of the lines in body heights; 0 for polygons.
    text : str
        Written between the first two points of the first outline, in place of it.
    labelled : bool
        Whether this is cloth of the garment that the labels speak of.
    """

    outlines: Sequence[np.ndarray]
    color: Color
    texture: Texture = PLAIN
    line: float = 0.0
    text: str = ""
    labelled: bool = False


class View(NamedTuple):
    """What the camera sees, in body coordinates, and how it is held (degrees)."""

    left: float
    top: float
    width: float
    height: float
    tilt: float = 0.0


def paint(
    layers: Sequence[Layer], backdrop: np.ndarray, view: View, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Paint layers over a backdrop, the first farthest back.

    Parameters
    ----------
    layers : sequence of Layer
        What to paint.
    backdrop : numpy.ndarray
        float32, shape (H, W, 3), BGR from 0 to 255; painted over in place.
    view : View
        The part of the body's plane that fills the image.
    rng : numpy.random.Generator
        Draws the folds and the patterns.

    Returns
    -------
    image : numpy.ndarray
        The backdrop.
    mask : numpy.ndarray
        uint8, shape (H, W): 255 where the garment that the labels speak of is seen.
    """
    mask = np.zeros(backdrop.shape[:2], np.uint8)
    scale = backdrop.shape[0] / view.height
    for layer in layers:
        outlines = [to_pixels(outline, view, scale) for outline in layer.outlines]
        part = _bounds(outlines, (0.1 if layer.text else layer.line) * scale, mask.shape)
        if part is None:
            continue
        corner = np.array([part[1].start, part[0].start])
        coverage = _coverage(
            layer, [outline - corner for outline in outlines], mask[part].shape, scale
        )
        alpha = coverage.astype(np.float32)[..., None] / 255
        backdrop[part] += alpha * (
            surface(layer.color, layer.texture, coverage, rng) - backdrop[part]
        )
        if layer.labelled:
            mask[part] = np.maximum(mask[part], coverage)
        else:
            mask[part] = np.minimum(mask[part], 255 - coverage)
    return backdrop, mask


def _bounds(
    outlines: Sequence[np.ndarray], line_width: float, shape: tuple[int, int]
) -> tuple[slice, slice] | None:
    """Find the part of the image that outlines touch; None where they lie outside."""
    points = np.concatenate(outlines)
    margin = 2 + line_width / 2
    left, top = np.maximum(points.min(axis=0) - margin, 0).astype(int)
    right, bottom = np.minimum(points.max(axis=0) + margin + 1, shape[::-1]).astype(int)
    if left >= right or top >= bottom:
        return None
    return slice(top, bottom), slice(left, right)


def _coverage(
    layer: Layer, outlines: Sequence[np.ndarray], shape: tuple[int, int], scale: float
) -> np.ndarray:
    """Rasterise a layer, its outlines in pixels: uint8, 255 where it covers a pixel whole."""
    coverage = np.zeros(shape, np.uint8)
    if layer.text:
        _write(coverage, layer.text, outlines[0])
        return coverage
    fixed = [np.round(outline * 2**SUBPIXEL_BITS).astype(np.int32) for outline in outlines]
    if layer.line:
        width = layer.line * scale
        # OpenCV's thinnest line is a pixel wide; a thinner one is a paler one.
        strength = int(255 * min(1.0, width))
        thickness = max(1, round(width))
        cv2.polylines(coverage, fixed, False, strength, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        return coverage
    for outline in fixed:
        cv2.fillPoly(coverage, [outline], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    return coverage


def to_pixels(points: np.ndarray, view: View, scale: float) -> np.ndarray:
    """Project points of the body's plane into the image; float64, shape (N, 2)."""
    centre = np.array([view.left + view.width / 2, view.top + view.height / 2])
    angle = np.radians(view.tilt)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return ((points - centre) @ turn + (view.width / 2, view.height / 2)) * scale - 0.5


def _write(coverage: np.ndarray, text: str, line: np.ndarray) -> None:
    start, end = line[:2]
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 1.0, 1)
    size = abs(end[0] - start[0]) / width
    origin = int(min(start[0], end[0])), int(start[1])
    thickness = max(1, round(size * 3))
    cv2.putText(coverage, text, origin, cv2.FONT_HERSHEY_DUPLEX, size, 255, thickness, cv2.LINE_AA)


def backdrop(shape: tuple[int, int], color: Color, rng: np.random.Generator) -> np.ndarray:
    """Paint what stands behind a garment of some colour.

    Parameters
    ----------
    shape : pair of int
        Height and width in pixels.
    color : tuple of float
        Dark garments get no black backdrop.
    rng : numpy.random.Generator
        Draws one of `BACKDROPS`.

    Returns
    -------
    numpy.ndarray
        float32, shape (height, width, 3), BGR from 0 to 255.
    """
    name = draw_from(BACKDROPS, rng)
    if name == "black" and max(color) < 130:
        name = "white"
    height, width = shape
    if name == "white":
        return np.full(
            (*shape, 3), 255 if rng.random() < 0.8 else rng.uniform(244, 254), np.float32
        )
    if name == "black":
        return np.full((*shape, 3), rng.uniform(0, 25), np.float32)
    tint = rng.normal(0, 7, 3) + rng.uniform(140, 248)
    image = np.ones((*shape, 3), np.float32) * np.float32(tint)
    if name == "plain":
        return image
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    glow = (x - rng.normal(0, 0.4)) ** 2 + (y - rng.normal(0, 0.5)) ** 2
    image *= np.float32(rng.uniform(0.6, 1.05)) * (1 - np.float32(rng.uniform(-0.02, 0.22)) * glow)
    if name == "room" or rng.random() < 0.2:
        floor = int(height * rng.uniform(0.75, 0.95))
        image[floor:] *= np.float32(rng.uniform(0.75, 1.1))
    if name == "room":
        image *= 1 + 0.06 * smooth_noise(shape, (5, 4), rng)[..., None]
    if name == "clutter":
        for _ in range(int(rng.integers(6, 20))):
            corner = rng.integers(0, (width, height))
            opposite = corner + rng.integers(4, (max(5, width // 2), max(5, height // 2)))
            color = tuple(rng.uniform(20, 235, 3))
            cv2.rectangle(image, corner.tolist(), opposite.tolist(), color, -1)
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 3) * height / 144)
        image *= 1 + 0.1 * smooth_noise(shape, (30, 30), rng)[..., None]
    return np.clip(image, 0, 255)


def photograph(image: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Take a photograph of a painted scene: exposure, focus, resolution, noise, compression.

    Parameters
    ----------
    image : numpy.ndarray
        float32, shape (H, W, 3), BGR from 0 to 255.
    shape : pair of int
        Height and width of the photograph in pixels.
    rng : numpy.random.Generator
        Draws the camera's faults.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    """
    if rng.random() < 0.4:
        white_balance = rng.normal(1, 0.02, 3) * rng.normal(1.0, 0.05)
        image = np.clip(image * np.float32(white_balance), 0, 255)
    if rng.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.8) * max(image.shape) / 150)
    if image.shape[:2] != shape:
        image = cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA)
    if rng.random() < 0.4:
        image = image + rng.standard_normal(image.shape, np.float32) * rng.uniform(0.5, 5)
    image = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    quality = int(rng.integers(45, 98))
    _, compressed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(compressed, cv2.IMREAD_COLOR)
