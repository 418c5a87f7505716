"""Remember the images that a network was trained on, so that it can tell others from them."""

from collections.abc import Sequence

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
MOST_TO_ANALYSE = 6000
# The features of one image take ten kilobytes, so those of a million would not fit in memory.
MOST_IMAGES = 20_000
LEAST_SHARE_OF_VARIANCE = 1e-6
EMPTY_OF_EACH_KIND = 20


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


def features_of(
    model: keras.Model, images: Images | Concatenated, indices: np.ndarray | None = None
) -> np.ndarray:
    """Compute the features of images.

    Parameters
    ----------
    model : keras.Model
        Any.
    images : numpy.ndarray, StoredImages or Concatenated
        uint8, shape (N, height, width, 3), BGR.
    indices : numpy.ndarray, optional
        int, shape (M,): which of them; by default all.

    Returns
    -------
    numpy.ndarray
        float32, shape (M, F). F is 0 if the network has no features.
    """
    chosen = np.arange(images.shape[0]) if indices is None else indices
    counts = feature_counts_of_model(model)
    features = np.empty((len(chosen), sum(counts.values())), np.float32)
    if not counts:
        return features
    both = with_features(model)
    forward = tf.function(lambda images: both(images, training=False)[1], reduce_retracing=True)
    # Rows are filled in place: a list of batches would take the memory of all features once more.
    for rows in np.array_split(np.arange(len(chosen)), -(-len(chosen) // BATCH_SIZE)):
        features[rows] = forward(scale(images[chosen[rows]]))
    return features


def remember(model: keras.Model, features: np.ndarray, *, tested: np.ndarray) -> KnownImages | None:
    """Condense what a network knows to what its model file keeps.

    Parameters
    ----------
    model : keras.Model
        Trained.
    features : numpy.ndarray
        float32, shape (N, F): those of all images.
    tested : numpy.ndarray
        int: which of them it is tested on. It was trained on the others.

    Returns
    -------
    KnownImages or None
        At most 4 MB. None if the network has no features.
    """
    if not (sizes := list(feature_counts_of_model(model).values())):
        return None
    learned = np.random.default_rng(0).permutation(np.setdiff1d(np.arange(len(features)), tested))
    known = _learn_axes(features, learned[:MOST_TO_ANALYSE], sizes)
    empty = np.stack(empty_images(model.input_shape[1], EMPTY_OF_EACH_KIND))
    of_empty = as_kept(points(features_of(model, empty), known))
    room = MOST_KNOWN_NUMBERS - known.basis.size - of_empty.size
    kept = np.sort(learned[: max(1, room // of_empty.shape[1])])
    placed = points(features, known)
    of_learned = as_kept(placed[kept])
    near = nearness_of_points(placed[tested], of_learned, of_empty)
    quantiles = np.quantile(near, SHARES).astype(np.float32)
    return known._replace(known=of_learned, empty=of_empty, quantiles=quantiles)


def _learn_axes(features: np.ndarray, learned: np.ndarray, sizes: Sequence[int]) -> KnownImages:
    """Find the axes of each block of features along which some images differ.

    The result knows no images yet.
    """
    means, bases = [], []
    for position, stop in enumerate(np.cumsum(sizes)):
        # A copy of one block at a time takes less memory than one of all features.
        block = features[learned, stop - sizes[position] : stop]
        means.append(block.mean(axis=0))
        block -= means[-1]
        is_sums = position == len(sizes) - 2 and sizes[-2] == sizes[-1]
        bases.append(_principal_axes(block, AXES_OF_SUMS if is_sums else AXES))
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
