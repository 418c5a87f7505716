"""Remember the images that a network was trained on, so that it can tell others from them."""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import keras
import numpy as np
import scipy.linalg
import tensorflow as tf

from pyimagesearch.artifacts.known_images import (
    SHARES,
    TINY,
    KnownImages,
    as_kept,
    feature_counts_of_model,
    nearness_of_points,
    points,
    with_features,
)
from pyimagesearch.data.decoding import scale
from pyimagesearch.data.image_arrays import Concatenated, Images

BATCH_SIZE = 32
# Each block of features is reduced to this many principal axes, and their variances are made alike
# to this degree, from 0 to 1. The sums before the activation of a hidden layer keep more axes: what
# the network does not know shows in many directions in which known images hardly vary.
AXES, AXES_OF_SUMS = 96, 256
WHITENING = 0.7
# The model file keeps this many numbers of two bytes: 4 MB, less some room for headers.
MOST_KNOWN_NUMBERS = 1_950_000
# Axes of more images tell unknown ones no better, and take more memory to find.
MOST_TO_ANALYSE = 3000
MOST_IMAGES = 20_000
# The features of one image take ten kilobytes, a point two. So the features of this many images
# become points before those of others are computed.
IMAGES_AT_ONCE = 256
LEAST_SHARE_OF_VARIANCE = 1e-6
EMPTY_OF_EACH_KIND = 20

FeaturesOf = Callable[[Images | Concatenated, np.ndarray], np.ndarray]


class Remembered(NamedTuple):
    """What :func:`remember` keeps of images.

    Attributes
    ----------
    known : KnownImages or None
        For the model file, at most 4 MB. None if the network has no features.
    indices : numpy.ndarray
        int, shape (M,), sorted: the images that have points.
    points : numpy.ndarray
        float32, shape (M, D), as :func:`pyimagesearch.artifacts.known_images.points` makes them. D
        is 0 if the network has no features.
    """

    known: KnownImages | None
    indices: np.ndarray
    points: np.ndarray


def some_indices(count: int, test: np.ndarray) -> np.ndarray:
    """Choose the images whose features are computed: all, or ``MOST_IMAGES`` of them.

    Parameters
    ----------
    count : int
        How many images there are.
    test : numpy.ndarray
        int: which of them the network is tested on. Some are chosen, and some of the others.

    Returns
    -------
    numpy.ndarray
        int, sorted.
    """
    if count <= MOST_IMAGES:
        return np.arange(count)
    rng = np.random.default_rng(0)
    tested = rng.permutation(test)[: MOST_IMAGES // 5]
    learned = rng.permutation(np.setdiff1d(np.arange(count), test))[: MOST_IMAGES - len(tested)]
    return np.sort(np.concatenate([tested, learned]))


def feature_function(model: keras.Model) -> FeaturesOf:
    """Make a function that computes features.

    Parameters
    ----------
    model : keras.Model
        One that has features.

    Returns
    -------
    callable
        Takes images, uint8 of shape (N, height, width, 3), BGR, and the indices of M of them, an
        array of int. Returns their features, float32 of shape (M, F).
    """
    both = with_features(model)
    forward = tf.function(lambda images: both(images, training=False)[1], reduce_retracing=True)
    count = sum(feature_counts_of_model(model).values())

    def features_of(images: Images | Concatenated, indices: np.ndarray) -> np.ndarray:
        features = np.empty((len(indices), count), np.float32)
        # Rows are filled in place: a list of batches would take the memory of all once more.
        for rows in _parts(len(indices), BATCH_SIZE):
            features[rows] = forward(scale(images[indices[rows]]))
        return features

    return features_of


def _parts(count: int, most: int) -> list[slice]:
    """Divide rows into as few parts as possible, of nearly equal size and of at most `most`."""
    edges = np.linspace(0, count, -(-count // most) + 1).astype(int).tolist()
    return [slice(*pair) for pair in itertools.pairwise(edges)]


def remember(model: keras.Model, images: Images | Concatenated, *, test: np.ndarray) -> Remembered:
    """Condense what a network knows to what its model file keeps.

    Parameters
    ----------
    model : keras.Model
        Trained.
    images : numpy.ndarray, StoredImages or Concatenated
        uint8, shape (N, height, width, 3), BGR.
    test : numpy.ndarray
        int: which of them the network is tested on. It was trained on the others.

    Returns
    -------
    Remembered
        With the points of all images, or of ``MOST_IMAGES`` of them.
    """
    indices = some_indices(images.shape[0], test)
    if not (sizes := list(feature_counts_of_model(model).values())):
        return Remembered(None, indices, np.empty((len(indices), 0), np.float32))
    features_of = feature_function(model)
    is_tested = np.isin(indices, test)
    learned = np.random.default_rng(0).permutation(np.flatnonzero(~is_tested))
    analysed = np.sort(learned[:MOST_TO_ANALYSE])
    known, placed = _place(features_of, images, indices, analysed=analysed, sizes=sizes)
    empty = np.stack(empty_images(model.input_shape[1], EMPTY_OF_EACH_KIND))
    of_empty = as_kept(points(features_of(empty, np.arange(len(empty))), known))
    room = MOST_KNOWN_NUMBERS - known.basis.size - of_empty.size
    kept = np.sort(learned[: max(1, room // of_empty.shape[1])])
    of_learned, of_tested = as_kept(placed[kept]), placed[is_tested]
    near = [
        nearness_of_points(of_tested[part], of_learned, of_empty)
        for part in _parts(len(of_tested), IMAGES_AT_ONCE)
    ]
    quantiles = np.quantile(np.concatenate(near), SHARES).astype(np.float32)
    known = known._replace(known=of_learned, empty=of_empty, quantiles=quantiles)
    return Remembered(known, indices, placed)


def _place(
    features_of: FeaturesOf,
    images: Images | Concatenated,
    indices: np.ndarray,
    *,
    analysed: np.ndarray,
    sizes: Sequence[int],
) -> tuple[KnownImages, np.ndarray]:
    """Learn axes from the images at some rows of `indices`, and turn all images into points.

    The result knows no images yet.
    """
    features = features_of(images, indices[analysed])
    known = _learn_axes(features, sizes)
    placed = np.empty((len(indices), known.axes.sum()), np.float32)
    for part in _parts(len(analysed), IMAGES_AT_ONCE):
        placed[analysed[part]] = points(features[part], known)
    others = np.setdiff1d(np.arange(len(indices)), analysed)
    for part in _parts(len(others), IMAGES_AT_ONCE):
        rows = others[part]
        placed[rows] = points(features_of(images, indices[rows]), known)
    return known, placed


def _learn_axes(features: np.ndarray, sizes: Sequence[int]) -> KnownImages:
    """Find the axes of each block of features along which some images differ."""
    means, bases = [], []
    for position, stop in enumerate(np.cumsum(sizes)):
        columns = slice(stop - sizes[position], stop)
        means.append(features[:, columns].mean(axis=0))
        # A copy of one block at a time takes less memory than one of all features.
        centred = features[:, columns] - means[-1]
        is_sums = position == len(sizes) - 2 and sizes[-2] == sizes[-1]
        bases.append(_principal_axes(centred, AXES_OF_SUMS if is_sums else AXES))
    none = np.empty((0, 0), np.float32)
    return KnownImages(
        np.array(sizes, np.int32),
        np.array([basis.shape[1] for basis in bases], np.int32),
        np.concatenate(means),
        as_kept(np.concatenate([basis.ravel() for basis in bases])),
        none,
        none,
        np.zeros(len(SHARES), np.float32),
    )


def _principal_axes(centred: np.ndarray, most: int) -> np.ndarray:
    """Return a matrix of shape (features, at most `most`) that weights the principal axes."""
    covariances = centred.T @ centred / len(centred)
    count = len(covariances)
    wanted = [max(0, count - most), count - 1]
    variances, vectors = scipy.linalg.eigh(covariances, subset_by_index=wanted, overwrite_a=True)
    variances, vectors = variances[::-1], vectors[:, ::-1]  # largest first
    # Directions in which nothing varies would be weighted beyond all others.
    is_used = variances > LEAST_SHARE_OF_VARIANCE * variances[0]
    is_used[0] = True
    # The scale of a block does not matter, and this one keeps to what float16 can hold.
    variances = np.maximum(variances[is_used], TINY)
    return vectors[:, is_used] * (variances[0] / variances) ** (WHITENING / 2)


def empty_images(size: int, count: int) -> Sequence[np.ndarray]:
    """Make images that show nothing.

    Parameters
    ----------
    size : int
        Height and width in pixels.
    count : int
        How many of each kind: plain colours, gradients, coarse, fine and grey noise.

    Returns
    -------
    sequence of numpy.ndarray
        uint8, shape (size, size, 3).
    """
    random = np.random.default_rng(0)
    shape = (size, size, 3)
    images = []
    for number in range(count):
        color, other = random.integers(0, 256, (2, 3))
        along = np.linspace(0, 1, size)[:, None, None]
        gradient = np.broadcast_to(color * (1 - along) + other * along, shape)
        coarse = random.integers(0, 256, (random.integers(2, 24),) * 2 + (3,), np.uint8)
        grey = random.normal(random.uniform(50, 200), random.uniform(5, 60), (size, size, 1))
        images += [
            np.broadcast_to(color, shape),
            gradient.transpose(1, 0, 2) if number % 2 else gradient,
            cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC),
            random.integers(0, 256, shape),
            np.broadcast_to(np.clip(grey, 0, 255), shape),
        ]
    return [np.ascontiguousarray(image, np.uint8) for image in images]
