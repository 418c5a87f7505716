"""The tutorial's augmentation: each image of a batch is moved at random, by one interpolation."""

from collections.abc import Sequence

import cv2
import numpy as np

# The tutorial's settings. Degrees, and shares of the width and of the height, are to either side;
# each axis is zoomed on its own, from 0.8 to 1.2.
ROTATION, WIDTH_SHIFT, HEIGHT_SHIFT, ZOOM = 25.0, 0.1, 0.1, 0.2
# The tutorial's 0.2 is in degrees (ImageDataGenerator's documentation), so it does very little.
SHEAR = 0.2


def draw_amounts(count: int, seed: int | Sequence[int]) -> np.ndarray:
    """Draw how far each image of a batch moves in each of seven ways.

    Parameters
    ----------
    count : int
        Images of the batch.
    seed : int or sequence of int
        The same seed draws the same amounts.

    Returns
    -------
    numpy.ndarray
        float64, shape (7, count), uniform in [-1, 1): shares of what :func:`augment` allows.
    """
    return np.random.default_rng(seed).uniform(-1, 1, (7, count))


def augment(images: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Rotate, shift, shear, zoom and mirror each image of a batch on its own.

    Parameters
    ----------
    images : numpy.ndarray
        float32, shape (N, height, width, channels).
    amounts : numpy.ndarray
        float, shape (7, N), from :func:`draw_amounts`. Amounts of 0 leave an image as it is.

    Returns
    -------
    numpy.ndarray
        float32, shape (N, height, width, channels).
    """
    height, width = images.shape[1:3]
    return move(
        images,
        angle=amounts[0] * np.radians(ROTATION),
        shift_x=amounts[1] * WIDTH_SHIFT * width,
        shift_y=amounts[2] * HEIGHT_SHIFT * height,
        shear=amounts[3] * np.radians(SHEAR),
        zoom_x=1 + amounts[4] * ZOOM,
        zoom_y=1 + amounts[5] * ZOOM,
        mirrored=amounts[6] < 0,
    )


def move(
    images: np.ndarray,
    *,
    angle: np.ndarray,
    shift_x: np.ndarray,
    shift_y: np.ndarray,
    shear: np.ndarray,
    zoom_x: np.ndarray,
    zoom_y: np.ndarray,
    mirrored: np.ndarray,
) -> np.ndarray:
    """Move each image of a batch by its own amounts.

    All seven movements are affine, so one bilinear interpolation does them together. The matrices
    are those of Keras 2's ImageDataGenerator (``apply_affine_transform``): rotation, shift, shear
    and zoom about the centre, then the mirror. Pixels from outside the image repeat the nearest
    one inside.

    Parameters
    ----------
    images : numpy.ndarray
        float32, shape (N, height, width, channels).
    angle : numpy.ndarray
        float, shape (N,), in radians.
    shift_x, shift_y : numpy.ndarray
        float, shape (N,), in pixels.
    shear : numpy.ndarray
        float, shape (N,), in radians.
    zoom_x, zoom_y : numpy.ndarray
        float, shape (N,). Above 1 the content shrinks, as with ImageDataGenerator.
    mirrored : numpy.ndarray
        bool, shape (N,).

    Returns
    -------
    numpy.ndarray
        float32, shape (N, height, width, channels).
    """
    height, width = images.shape[1:3]
    mirror = np.where(mirrored, -1, 1)

    # The product of the matrices: from a pixel of the output to the point of the input that it is
    # taken from, both measured from the centre.
    x_from_x = np.cos(angle + shear) * zoom_x * mirror
    x_from_y = np.sin(angle) * zoom_y
    y_from_x = -np.sin(angle + shear) * zoom_x * mirror
    y_from_y = np.cos(angle) * zoom_y
    offset_x = np.cos(angle) * shift_x + np.sin(angle) * shift_y
    offset_y = np.cos(angle) * shift_y - np.sin(angle) * shift_x

    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    corner_x = centre_x + offset_x - x_from_x * centre_x - x_from_y * centre_y
    corner_y = centre_y + offset_y - y_from_x * centre_x - y_from_y * centre_y
    rows = [[x_from_x, x_from_y, corner_x], [y_from_x, y_from_y, corner_y]]
    moved = np.empty_like(images)
    for place, matrix in enumerate(np.moveaxis(np.array(rows), -1, 0)):
        cv2.warpAffine(
            images[place],
            matrix,
            (width, height),
            dst=moved[place],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return moved
