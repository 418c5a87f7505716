"""The colours of pixels in CIE L*a*b*: their mean and covariance, and how frequent each one is."""

import cv2
import numpy as np

# Colours are counted in 16 x 16 x 16 bins of CIE L*a*b*: fine enough to tell navy from black,
# coarse enough for one small image to fill them. In OpenCV's 8-bit L*a*b*, L* runs from 0 to 255
# and a* and b* are centred on 128. The few colours with |a*| or |b*| above 64 share the outer bins.
BINS = 16
# A pixel also counts for neighbouring bins, weighted by a Gaussian with a deviation of 0.7 bins.
BIN_NEIGHBOURS = np.exp(-(np.subtract.outer(np.arange(BINS), np.arange(BINS)) ** 2) / (2 * 0.7**2))
# Empty bins get this probability, since no colour is impossible.
LEAST_PROBABILITY = 1e-5

# Small copies are enough to learn the colours and the places of garments.
THUMBNAIL_SIZE = (32, 32)


def to_lab(image: np.ndarray) -> np.ndarray:
    """Convert an image to CIE L*a*b*.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.

    Returns
    -------
    numpy.ndarray
        float32, same shape; L* in [0, 100], a* and b* from about -100 to 100.
    """
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)


def color_moments(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean, shape (3,), and the covariance, shape (3, 3), of pixels, shape (N, 3)."""
    mean = pixels.mean(axis=0)
    difference = pixels - mean
    return mean, difference.T @ difference / len(pixels)


def color_bins(image: np.ndarray) -> np.ndarray:
    """Return the number of each pixel's colour bin, from 0 to BINS**3 - 1.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.

    Returns
    -------
    numpy.ndarray
        uint16, shape (height, width).
    """
    lightness, a, b = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2LAB).astype(np.int32))
    a_bin, b_bin = (np.clip(axis - 64, 0, 127) // (128 // BINS) for axis in (a, b))
    return ((lightness // (256 // BINS) * BINS + a_bin) * BINS + b_bin).astype(np.uint16)


def thumbnail_bins(image: np.ndarray) -> np.ndarray:
    """Return :func:`color_bins` of a small copy of an image: uint16, shape ``THUMBNAIL_SIZE``."""
    return color_bins(cv2.resize(image, THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA))


def color_histogram(bins: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Estimate the probability of each colour bin from weighted pixels.

    Parameters
    ----------
    bins : numpy.ndarray
        int, any shape, from :func:`color_bins`.
    weights : numpy.ndarray
        float, the same shape.

    Returns
    -------
    numpy.ndarray
        float, shape (BINS**3,).
    """
    return smoothed(np.bincount(bins.ravel(), weights.ravel(), minlength=BINS**3))


def smoothed(counts: np.ndarray) -> np.ndarray:
    """Turn the summed weights of each bin into probabilities that neighbouring bins share."""
    cube = counts.reshape(BINS, BINS, BINS)
    for _ in range(3):  # each pass smooths the first axis and moves it to the end
        cube = np.tensordot(cube, BIN_NEIGHBOURS, axes=(0, 0))
    return normalized(cube.ravel())


def normalized(histogram: np.ndarray) -> np.ndarray:
    """Scale a histogram so that it adds up to 1, unless it is empty."""
    return histogram / max(histogram.sum(), np.finfo(float).tiny)
