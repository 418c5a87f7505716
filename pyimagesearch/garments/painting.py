"""The painter: turns layers of outlines into pixels."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from pyimagesearch.garments.camera import View, to_pixels
from pyimagesearch.garments.colors import Color
from pyimagesearch.garments.fabrics import PLAIN, Texture, surface

SUBPIXEL_BITS = 4
# Room for text, in body heights: half of it above the line. Higher words are cut off at the top.
TEXT_HEIGHT = 0.1


class Layer(NamedTuple):
    """One thing to paint over everything painted before it.

    Attributes
    ----------
    outlines : sequence of numpy.ndarray
        float, each of shape (N, 2), in body coordinates: polygons or lines.
    color : tuple of float
        BGR, 0 to 255.
    texture : Texture
        Surface of the polygons.
    line : float
        Width of the lines in body heights; 0 for polygons.
    text : str
        Words to write from the first to the second point of the first outline.
    labelled : bool
        Whether the layer is part of the garment that the image's labels describe.
    """

    outlines: Sequence[np.ndarray]
    color: Color
    texture: Texture = PLAIN
    line: float = 0.0
    text: str = ""
    labelled: bool = False


def paint(
    layers: Sequence[Layer], backdrop: np.ndarray, view: View, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Paint layers in front of a backdrop.

    Parameters
    ----------
    layers : sequence of Layer
        From back to front.
    backdrop : numpy.ndarray
        float32, shape (H, W, 3), BGR from 0 to 255.
    view : View
        What the camera sees.
    rng : numpy.random.Generator
        Places folds and patterns.

    Returns
    -------
    image : numpy.ndarray
        float32, shape (H, W, 3), BGR from 0 to 255.
    mask : numpy.ndarray
        uint8, shape (H, W): 255 where the labelled garment is visible, 0 elsewhere, values between
        them at its edges.
    """
    image, mask = backdrop.copy(), np.zeros(backdrop.shape[:2], np.uint8)
    scale = len(image) / view.height
    for layer in layers:
        outlines = [to_pixels(outline, view, scale) for outline in layer.outlines]
        line_width = (TEXT_HEIGHT if layer.text else layer.line) * scale
        part = _bounds(outlines, line_width, mask)
        if part is None:
            continue
        rows, columns = part
        outlines = [outline - (columns.start, rows.start) for outline in outlines]
        coverage = np.zeros_like(mask[part])
        _draw(coverage, layer, outlines, scale=scale)
        alpha = coverage.astype(np.float32)[..., None] / 255
        pixels = surface(layer.color, layer.texture, coverage, rng=rng)
        image[part] += alpha * (pixels - image[part])
        if layer.labelled:
            mask[part] = np.maximum(mask[part], coverage)
        else:
            mask[part] = np.minimum(mask[part], 255 - coverage)
    return image, mask


def _bounds(
    outlines: Sequence[np.ndarray], line_width: float, image: np.ndarray
) -> tuple[slice, slice] | None:
    """Find the rows and columns of an image that outlines touch; None if they lie outside it."""
    points = np.concatenate(outlines)
    margin = 2 + line_width / 2
    height, width = image.shape
    left, top = np.maximum(points.min(axis=0) - margin, 0).astype(int)
    right, bottom = np.minimum(points.max(axis=0) + margin + 1, (width, height)).astype(int)
    if left >= right or top >= bottom:
        return None
    return slice(top, bottom), slice(left, right)


def _draw(
    coverage: np.ndarray, layer: Layer, outlines: Sequence[np.ndarray], *, scale: float
) -> None:
    """Draw a layer, its outlines in pixels, in place: 255 on each pixel that it covers wholly."""
    if layer.text:
        _write(coverage, layer.text, outlines[0])
        return
    fixed = [np.round(outline * 2**SUBPIXEL_BITS).astype(np.int32) for outline in outlines]
    if layer.line:
        width = layer.line * scale
        # OpenCV draws no line thinner than one pixel, so a thinner line is drawn paler.
        strength, thickness = int(255 * min(1.0, width)), max(1, round(width))
        cv2.polylines(coverage, fixed, False, strength, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        return
    for outline in fixed:
        cv2.fillPoly(coverage, [outline], 255, cv2.LINE_AA, SUBPIXEL_BITS)


def _write(coverage: np.ndarray, text: str, line: np.ndarray) -> None:
    """Write text so that it is as wide as the line from the first to the second point is."""
    start, end = line[:2]
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 1.0, 1)
    size = abs(end[0] - start[0]) / width
    origin = int(min(start[0], end[0])), int(start[1])
    thickness = max(1, round(size * 3))
    cv2.putText(coverage, text, origin, cv2.FONT_HERSHEY_DUPLEX, size, 255, thickness, cv2.LINE_AA)
