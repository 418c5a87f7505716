"""Which pixels of an image are its garment, learned from nothing but the labels of many images.

Of an image labelled ``red`` and ``dress`` it is known only that something in it is red and
something a dress. Three things, learned from all images together, tell which pixels: the colours
that images of one colour label share and others lack, the colours that surround garments of a type,
and the place where garments of a type are. Skin, hair and background come with every colour label,
and so they are not garment.
"""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np
from scipy.special import expit, logit

# Colours are counted in 16 x 16 x 16 bins of the CIE L*a*b* cube: fine enough to tell navy from
# black, coarse enough to fill up from one small image. OpenCV's 8-bit L* runs from 0 to 255, a* and
# b* lie about 128; the few colours more vivid than 64 fall into the outermost bins.
BINS = 16
# What is counted in one bin speaks for the bins beside it, too: a Gaussian of 0.7 bins.
BIN_NEIGHBOURS = np.exp(-(np.subtract.outer(np.arange(BINS), np.arange(BINS)) ** 2) / (2 * 0.7**2))
# No colour is impossible: the probability of a bin in which nothing was counted.
LEAST_PROBABILITY = 1e-5

# Where garments are and what colours they have shows in small copies of the images.
THUMBNAIL_SIZE = (32, 32)
LEARNING_ROUNDS = 8

# How much the place counts against the colour, in the rounds in which an image's own colours are
# learned: less and less, since the garment in this image may be anywhere.
WEIGHTS_OF_PLACE = (0.5, 0.35, 0.25, 0.17)
# The image's own colours against what was learned from all images.
WEIGHT_OF_OWN_COLORS = 0.6

# A colour this many standard deviations from the garment's mean is something else ...
CLOTH_DEVIATIONS = 3.0
# ... where even a plain cloth, evenly lit, varies by so much, in units of L*a*b*.
CLOTH_NOISE = 3.0
# But a colour so much likelier in garments of the label than around them (the logarithm of how many
# times) is cloth in any case.
TYPICAL_EVIDENCE = 3.5


class Appearance(NamedTuple):
    """What garments look like, from :func:`learn_appearance`.

    Attributes
    ----------
    cloth : dict of str to numpy.ndarray
        For each colour label the probability of each colour bin within garments, shape (BINS**3,).
    surroundings : dict of str to numpy.ndarray
        For each type label the probability of each colour bin around garments, shape (BINS**3,).
    places : dict of str to numpy.ndarray
        For each type label the probability that a pixel is garment, shape ``THUMBNAIL_SIZE``.
    """

    cloth: dict[str, np.ndarray]
    surroundings: dict[str, np.ndarray]
    places: dict[str, np.ndarray]


def to_lab(image: np.ndarray) -> np.ndarray:
    """Convert an image to CIE L*a*b*.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.

    Returns
    -------
    numpy.ndarray
        float32, the same shape; L* in [0, 100], a* and b* from about -100 to 100.
    """
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)


def color_moments(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure the mean, shape (3,), and the covariance, shape (3, 3), of pixels, shape (N, 3)."""
    mean = pixels.mean(axis=0)
    difference = pixels - mean
    return mean, difference.T @ difference / len(pixels)


def learn_appearance(
    images: np.ndarray, positions: np.ndarray, colors: Sequence[str], types: Sequence[str]
) -> tuple[Appearance, np.ndarray]:
    """Learn what garments look like, without being told which pixels they are.

    Expectation maximisation (Dempster, Laird and Rubin, 1977): from a guess of which pixels are
    garment follow the colours of garments, those around them, and their places; from these follows
    a better guess. What the garments of all colour labels seem to share is no garment.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, shape (N, height, width, 3), BGR.
    positions : numpy.ndarray
        int, shape (M,): the images to learn from.
    colors, types : sequence of str
        The two labels of each of these M images.

    Returns
    -------
    appearance : Appearance
        What :func:`segment` needs.
    shares : numpy.ndarray
        float, shape (M,): how much of each image is garment, in [0, 1].
    """
    thumbnails = (
        cv2.resize(images[i], THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA) for i in positions
    )
    bins = np.stack([_bins(thumbnail) for thumbnail in thumbnails])
    of_color = {color: np.equal(colors, color) for color in sorted(set(colors))}
    of_type = {kind: np.equal(types, kind) for kind in sorted(set(types))}
    # The first guess: garments are in the middle, and higher than they are wide.
    y, x = (np.linspace(-0.5, 0.5, length) for length in THUMBNAIL_SIZE)
    middle = 0.02 + 0.6 * np.exp(-3.7 * y[:, None] ** 2 - 8.3 * x**2)
    places = dict.fromkeys(of_type, middle)
    garment = np.broadcast_to(middle, bins.shape).copy()
    for _ in range(LEARNING_ROUNDS):
        cloth = {color: _histogram(bins[of], garment[of]) for color, of in of_color.items()}
        common = np.min(list(cloth.values()), axis=0)
        cloth = {color: _normalized(histogram - common) for color, histogram in cloth.items()}
        everywhere = _normalized(_histogram(bins, 1 - garment) + common)
        surroundings = {
            kind: (everywhere + _histogram(bins[of], 1 - garment[of])) / 2
            for kind, of in of_type.items()
        }
        for color, kind in product(of_color, of_type):
            both = of_color[color] & of_type[kind]
            log_ratio = _log_ratio(cloth[color], surroundings[kind])
            garment[both] = expit(log_ratio[bins[both]] + logit(places[kind]))
        places = {
            kind: np.clip(cv2.GaussianBlur(garment[of].mean(axis=0), (0, 0), 1), 0.02, 0.98)
            for kind, of in of_type.items()
        }
    return Appearance(cloth, surroundings, places), garment.mean(axis=(1, 2))


def segment(image: np.ndarray, color: str, kind: str, appearance: Appearance) -> np.ndarray:
    """Say of each pixel how surely it is garment.

    What was learned from all images is where to begin. Then the image's own colours count: the
    cloth is what is found inside, and what is found outside is not (as in Rother, Kolmogorov and
    Blake, "GrabCut", 2004, with histograms that start from what other images have taught).

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    color, kind : str
        Its labels, both known to `appearance`.
    appearance : Appearance
        From :func:`learn_appearance`.

    Returns
    -------
    numpy.ndarray
        float, shape (height, width), in [0, 1].
    """
    bins = _bins(image)
    place = logit(cv2.resize(appearance.places[kind], image.shape[1::-1]))
    cloth, surroundings = appearance.cloth[color], appearance.surroundings[kind]
    evidence = learned_evidence = _evidence(cloth, surroundings, bins)
    for weight in WEIGHTS_OF_PLACE[:-1]:
        garment = expit(evidence + weight * place)
        # The cube leaves out pixels that are in doubt.
        own = _histogram(bins, garment**3), _histogram(bins, (1 - garment) ** 3)
        cloth = _blend(appearance.cloth[color], own[0])
        surroundings = _blend(appearance.surroundings[kind], own[1])
        evidence = _evidence(cloth, surroundings, bins)
    garment = expit(evidence + WEIGHTS_OF_PLACE[-1] * place)
    is_typical = np.clip(learned_evidence - TYPICAL_EVIDENCE, 0, 1)
    return garment * np.maximum(is_typical, _likeness(image, garment, evidence))


def _likeness(image: np.ndarray, garment: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """Say of each pixel whether it is of the cloth that most of the garment is of, in any light.

    Where every image of a colour shows a person, skin may pass for that colour. Starting from the
    half of the garment with the strongest evidence, mean and covariance of the cloth's colour are
    measured again and again over the pixels that they explain.
    """
    likeness = np.zeros_like(garment)
    is_likely = garment > 0.5
    if not is_likely.any():
        return likeness
    pixels = to_lab(cv2.GaussianBlur(image, (0, 0), 0.6))[is_likely]
    is_cloth = evidence[is_likely] >= np.median(evidence[is_likely])
    for _ in range(5):
        mean, covariance = color_moments(pixels[is_cloth])
        precision = np.linalg.inv(covariance + CLOTH_NOISE**2 * np.eye(3))
        difference = pixels - mean
        deviations = np.sqrt((difference @ precision * difference).sum(axis=1))
        is_cloth = deviations < CLOTH_DEVIATIONS
    # Certain up to the limit, out of the question from twice the limit on.
    likeness[is_likely] = np.clip(2 - deviations / CLOTH_DEVIATIONS, 0, 1)
    return likeness


def _bins(image: np.ndarray) -> np.ndarray:
    """Give the number of each pixel's colour bin, from 0 to BINS**3 - 1."""
    lightness, a, b = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2LAB).astype(np.int32))
    a_bin, b_bin = (np.clip(axis - 64, 0, 127) // (128 // BINS) for axis in (a, b))
    return (lightness // (256 // BINS) * BINS + a_bin) * BINS + b_bin


def _histogram(bins: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Estimate the probability of each colour bin from weighted pixels."""
    counts = np.bincount(bins.ravel(), weights.ravel(), minlength=BINS**3)
    cube = counts.reshape(BINS, BINS, BINS)
    for _ in range(3):  # smooths the first axis and moves it to the end
        cube = np.tensordot(cube, BIN_NEIGHBOURS, axes=(0, 0))
    return _normalized(cube.ravel())


def _normalized(histogram: np.ndarray) -> np.ndarray:
    return histogram / max(histogram.sum(), np.finfo(float).tiny)


def _blend(learned: np.ndarray, own: np.ndarray) -> np.ndarray:
    return (1 - WEIGHT_OF_OWN_COLORS) * learned + WEIGHT_OF_OWN_COLORS * own


def _log_ratio(cloth: np.ndarray, surroundings: np.ndarray) -> np.ndarray:
    """Give for each bin the logarithm of how many times likelier it is in the cloth."""
    return np.log((cloth + LEAST_PROBABILITY) / (surroundings + LEAST_PROBABILITY))


def _evidence(cloth: np.ndarray, surroundings: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Give the same for each pixel of an image, which shares it a little with its neighbours."""
    return cv2.GaussianBlur(_log_ratio(cloth, surroundings)[bins], (0, 0), 0.7)
