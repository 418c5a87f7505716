"""Find the garment in an image, learned from the labels of many images alone.

The labels ``red`` and ``dress`` say that something in an image is red and something is a dress, but
not where. Three things that all images together teach tell which pixels are the garment: colours
that images of one colour label share and other images lack, colours that surround garments of one
type, and where in the image garments of one type are. Skin, hair and background occur with every
colour label, so they do not count as garment.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
from scipy.special import expit, logit

from pyimagesearch.data.folders import positions_of
from pyimagesearch.data.image_arrays import Images
from pyimagesearch.recoloring.color_statistics import (
    BINS,
    LEAST_PROBABILITY,
    THUMBNAIL_SIZE,
    color_bins,
    color_histogram,
    color_moments,
    normalized,
    smoothed,
    thumbnail_bins,
    to_lab,
)

LEARNING_ROUNDS = 8
# While colours and places are learned, the garments of this many images are in memory at a time.
IMAGES_AT_ONCE = 64

# How much the place counts, relative to the colour, in each round that refines one image's mask.
# It counts less and less, because the garment may be anywhere in this image.
WEIGHTS_OF_PLACE = (0.5, 0.35, 0.25, 0.17)
# How much the image's own colours count, relative to those learned from all images.
WEIGHT_OF_OWN_COLORS = 0.6

# Colours further from the garment's mean than this many standard deviations are not its cloth ...
CLOTH_DEVIATIONS = 3.0
# ... where the standard deviation is at least this, in units of L*a*b*, even for a plain cloth.
CLOTH_NOISE = 3.0
# A colour is always cloth if it is much likelier in garments than around them: by a factor whose
# natural logarithm is this.
TYPICAL_EVIDENCE = 3.5


class Appearance(NamedTuple):
    """What garments look like, as :func:`learn_appearance` found out.

    Attributes
    ----------
    cloth : dict of str to numpy.ndarray
        For each colour label the probability of each colour bin in garments, shape (BINS**3,).
    surroundings : dict of str to numpy.ndarray
        For each type label the probability of each colour bin around garments, shape (BINS**3,).
    places : dict of str to numpy.ndarray
        For each type label the probability that a pixel is garment, shape ``THUMBNAIL_SIZE``.
    """

    cloth: dict[str, np.ndarray]
    surroundings: dict[str, np.ndarray]
    places: dict[str, np.ndarray]


# A colour and a type, and the positions of some images that have both.
_Slice = tuple[tuple[str, str], list[int]]
# From a colour and a type and the bins of images to how likely each pixel is garment.
_GarmentOf = Callable[[tuple[str, str], np.ndarray], np.ndarray]


class _Sums(NamedTuple):
    """What garments and their surroundings add up to, as weights of each bin, shape (BINS**3,)."""

    cloth: dict[str, np.ndarray]  # for each colour label
    around: dict[str, np.ndarray]  # for each type label
    everywhere: np.ndarray  # around garments of all types
    places: dict[str, np.ndarray]  # for each type label, of shape `THUMBNAIL_SIZE`
    shares: np.ndarray  # for each image, the part that is garment


def learn_appearance(
    images: Images, indices: np.ndarray, *, colors: np.ndarray, types: np.ndarray
) -> tuple[Appearance, np.ndarray]:
    """Learn what garments look like from images whose labels are known.

    This is expectation maximisation (Dempster, Laird and Rubin, "Maximum Likelihood from Incomplete
    Data via the EM Algorithm", 1977). A guess of which pixels are garment gives the colours of
    garments, the colours around them and their places, and these give a better guess. Colours
    that the garments of all colour labels share are removed, since they cannot be what the labels
    describe.

    Parameters
    ----------
    images : numpy.ndarray or StoredImages
        uint8, shape (N, height, width, 3), BGR.
    indices : numpy.ndarray
        int, shape (M,): which images to learn from.
    colors, types : numpy.ndarray
        str, shape (M,): the two labels of each of these images.

    Returns
    -------
    appearance : Appearance
        What :func:`segment` needs.
    shares : numpy.ndarray
        float, shape (M,): the part of each image that is garment, in [0, 1].
    """
    bins = np.empty((len(indices), *THUMBNAIL_SIZE), np.uint16)
    for position, index in enumerate(indices):
        bins[position] = thumbnail_bins(images[index])
    slices = _slices(colors, types)
    of_type = Counter(types.tolist())
    middle = central_place()
    places = dict.fromkeys(of_type, middle)
    sums = _sum_up(bins, slices, lambda _, own: np.broadcast_to(middle, own.shape))
    for _ in range(LEARNING_ROUNDS):
        cloth, common = _cloth_colors(sums)
        appearance = Appearance(cloth, _surrounding_colors(sums, common), places)
        sums = _sum_up(bins, slices, partial(_garment, appearance))
        places = {
            type_: np.clip(cv2.GaussianBlur(total / of_type[type_], (0, 0), 1), 0.02, 0.98)
            for type_, total in sums.places.items()
        }
    return appearance._replace(places=places), sums.shares


def segment(
    image: np.ndarray, appearance: Appearance, *, color_label: str, type_label: str
) -> np.ndarray:
    """Estimate for each pixel how likely it is to be garment.

    The estimate starts from what all images taught. Then the image's own colours count as well:
    colours found inside the garment speak for it and colours found outside speak against it. The
    method follows Rother, Kolmogorov and Blake, "GrabCut" (2004), with colour histograms that
    start from those of other images.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    appearance : Appearance
        Learned from images that include both labels.
    color_label, type_label : str
        The two labels of the image.

    Returns
    -------
    numpy.ndarray
        float, shape (height, width), in [0, 1].
    """
    bins = color_bins(image)
    place = logit(cv2.resize(appearance.places[type_label], image.shape[1::-1]))
    learned_cloth = appearance.cloth[color_label]
    learned_surroundings = appearance.surroundings[type_label]
    evidence = learned_evidence = _evidence(learned_cloth, learned_surroundings, bins)
    for weight in WEIGHTS_OF_PLACE[:-1]:
        garment = expit(evidence + weight * place)
        # The cubes leave out pixels that are in doubt.
        cloth = _blend(learned_cloth, color_histogram(bins, _cube(garment)))
        surroundings = _blend(learned_surroundings, color_histogram(bins, _cube(1 - garment)))
        evidence = _evidence(cloth, surroundings, bins)
    garment = expit(evidence + WEIGHTS_OF_PLACE[-1] * place)
    is_typical = np.clip(learned_evidence - TYPICAL_EVIDENCE, 0, 1)
    return garment * np.maximum(is_typical, _likeness(image, garment, evidence))


def central_place() -> np.ndarray:
    """Guess where garments are: in the middle of an image, and taller than wide.

    Returns
    -------
    numpy.ndarray
        float, shape ``THUMBNAIL_SIZE``: the probability that a pixel is garment.
    """
    y, x = (np.linspace(-0.5, 0.5, length) for length in THUMBNAIL_SIZE)
    return 0.02 + 0.6 * np.exp(-3.7 * y[:, None] ** 2 - 8.3 * x**2)


def _slices(colors: np.ndarray, types: np.ndarray) -> list[_Slice]:
    """List a few positions at a time that share a colour and a type, behind these two labels."""
    of_pair = positions_of(zip(colors.tolist(), types.tolist(), strict=True))
    return [
        (pair, positions[start : start + IMAGES_AT_ONCE])
        for pair, positions in of_pair.items()
        for start in range(0, len(positions), IMAGES_AT_ONCE)
    ]


def _garment(appearance: Appearance, pair: tuple[str, str], bins: np.ndarray) -> np.ndarray:
    """Estimate how likely each pixel of images with two labels is garment: float, as `bins`."""
    color, type_ = pair
    log_ratio = _log_ratio(appearance.cloth[color], appearance.surroundings[type_])
    return expit(log_ratio[bins] + logit(appearance.places[type_]))


def _sum_up(bins: np.ndarray, slices: Sequence[_Slice], garment_of: _GarmentOf) -> _Sums:
    """Sum up all garments, pixel after pixel, so that slices of any length give equal sums."""
    types = {type_ for (_, type_), _ in slices}
    cloth = {color: np.zeros(BINS**3) for (color, _), _ in slices}
    around = {type_: np.zeros(BINS**3) for type_ in types}
    everywhere, shares = np.zeros(BINS**3), np.empty(len(bins))
    places = {type_: np.zeros(THUMBNAIL_SIZE) for type_ in types}
    for (color, type_), positions in slices:
        own = bins[positions]
        garment = garment_of((color, type_), own)
        rest = 1 - garment
        for total, weights in ((cloth[color], garment), (around[type_], rest), (everywhere, rest)):
            np.add.at(total, own.ravel(), weights.ravel())
        for mask in garment:
            places[type_] += mask
        shares[positions] = garment.mean(axis=(1, 2))
    return _Sums(cloth, around, everywhere, places, shares)


def _cloth_colors(sums: _Sums) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Estimate each label's own garment colours, and what garments of all labels share."""
    histograms = {color: smoothed(counts) for color, counts in sums.cloth.items()}
    common = np.min(list(histograms.values()), axis=0)
    own = {color: normalized(histogram - common) for color, histogram in histograms.items()}
    return own, common


def _surrounding_colors(sums: _Sums, common: np.ndarray) -> dict[str, np.ndarray]:
    """Estimate the colours around garments of each type, half of them from all images."""
    everywhere = normalized(smoothed(sums.everywhere) + common)
    return {type_: (everywhere + smoothed(counts)) / 2 for type_, counts in sums.around.items()}


def _likeness(image: np.ndarray, garment: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """Estimate for each pixel whether it is the same cloth as most of the garment.

    Skin can pass for a colour if every image with that colour label shows a person. So the mean and
    the covariance of the cloth's colour are measured here, at first over the half of the garment
    with the strongest evidence, then again and again over the pixels that fit.
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
    # 1 up to the limit, falling to 0 at twice the limit.
    likeness[is_likely] = np.clip(2 - deviations / CLOTH_DEVIATIONS, 0, 1)
    return likeness


def _cube(values: np.ndarray) -> np.ndarray:
    # NumPy's power takes nearly a hundred times as long.
    return values * values * values


def _blend(learned: np.ndarray, own: np.ndarray) -> np.ndarray:
    return (1 - WEIGHT_OF_OWN_COLORS) * learned + WEIGHT_OF_OWN_COLORS * own


def _log_ratio(cloth: np.ndarray, surroundings: np.ndarray) -> np.ndarray:
    """Return the log of how many times likelier each bin is in the cloth than around it."""
    return np.log((cloth + LEAST_PROBABILITY) / (surroundings + LEAST_PROBABILITY))


def _evidence(cloth: np.ndarray, surroundings: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Return the log ratio of each pixel's bin, smoothed a little over neighbouring pixels."""
    return cv2.GaussianBlur(_log_ratio(cloth, surroundings)[bins], (0, 0), 0.7)
