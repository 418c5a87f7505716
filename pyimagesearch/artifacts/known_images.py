"""What a model file keeps of the images that a network knows, to tell how near others are to them.

An image that resembles none of them is unknown: the network predicts labels for it, without having
learned any image like it. The features of an image are the statistics of the last stages of
convolutions and what comes out of the hidden dense layer, before and after its activation. Nearness
is similarity to the nearest known images (Sun et al., "Out-of-Distribution Detection with Deep
Nearest Neighbors", 2022).
"""

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pyimagesearch.artifacts import keras3
from pyimagesearch.artifacts.network_description import NetworkDescription

if TYPE_CHECKING:
    import keras

MOST_BYTES = 2**22
# Quantiles of nearness are kept at these shares of the test images.
SHARES = np.linspace(0, 1, 101)
# One near image may be a stray itself.
NEIGHBOURS, EMPTY_NEIGHBOURS = 5, 3
# Some noise is as near to clothes as odd clothes are, but nearer still to other noise.
EMPTY_WEIGHT = 0.4
LEAST_VARIANCE = 1e-6
TINY = 1e-9
# Some networks have as many features; none has as many stages.
MOST_FEATURES, MOST_BLOCKS = 2**16, 64
# Four such blocks leave room for known images in a file of MOST_BYTES, and finding the axes of one
# takes seconds.
MOST_OF_BLOCK = 2**11
# Training keeps 20,000 at most. A batch of images takes 4 MB to compare with these.
MOST_POINTS = 2**15


class KnownImagesError(ValueError):
    """What a file keeps of known images is not what it should be; says what is wrong."""


class KnownImages(NamedTuple):
    """The images that a network knows, as points.

    A file keeps the basis and the points as float16. They are float32 here, because converting them
    takes as long as comparing a batch of images with them.

    Attributes
    ----------
    sizes : numpy.ndarray
        int32, shape (B,): how many features each of the B blocks has; F in all.
    axes : numpy.ndarray
        int32, shape (B,): how many numbers of a point each block becomes; D in all.
    mean : numpy.ndarray
        float32, shape (F,): the mean of each feature.
    basis : numpy.ndarray
        float32, one-dimensional: for each block a matrix of shape (features, axes).
    known : numpy.ndarray
        float32, shape (P, D): the known images, of unit length.
    empty : numpy.ndarray
        float32, shape (M, D): noise and plain colours, which show nothing; of unit length.
    quantiles : numpy.ndarray
        float32, shape (101,), ascending, in [0, 1]: the nearness of the test images.
    """

    sizes: np.ndarray
    axes: np.ndarray
    mean: np.ndarray
    basis: np.ndarray
    known: np.ndarray
    empty: np.ndarray
    quantiles: np.ndarray


# How a file keeps each array: its type, and how many dimensions it has.
KEPT = {
    "sizes": ("i4", 1),
    "axes": ("i4", 1),
    "mean": ("f4", 1),
    "basis": ("f2", 1),
    "known": ("f2", 2),
    "empty": ("f2", 2),
    "quantiles": ("f4", 1),
}


def feature_layers(
    kinds: Sequence[str], input_shape: Callable[[int], tuple[int, ...]]
) -> dict[int, int]:
    """Find the layers whose inputs are features.

    Parameters
    ----------
    kinds : sequence of str
        The name of each layer's class in Keras.
    input_shape : callable
        Takes the position of a layer and returns the shape of its input, for one image.

    Returns
    -------
    dict of int to int
        Positions, in order, and how many features each input has: the last two poolings, which end
        stages of convolutions, what follows the hidden dense layer, and the last dense layer. An
        input that is neither an image nor a row of numbers is left out, and so is one of more
        features than ``MOST_OF_BLOCK``.
    """
    dense = [position for position, kind in enumerate(kinds) if kind == "Dense"]
    pooling = [position for position, kind in enumerate(kinds) if kind == "MaxPooling2D"]
    found = sorted({*pooling[-2:], *(hidden + 1 for hidden in dense[-2:-1]), *dense[-1:]})
    counts = {position: _count(input_shape(position)) for position in found}
    return {position: count for position, count in counts.items() if 0 < count <= MOST_OF_BLOCK}


def _count(shape: tuple[int, ...]) -> int:
    """Count the features of a layer's input: two for each channel of images."""
    return {1: 1, 3: 2}.get(len(shape), 0) * shape[-1]


def feature_counts_of_network(network: NetworkDescription) -> dict[int, int]:
    """Return what :func:`feature_layers` finds in a network."""
    shapes = [network.input_shape, *(layer.output_shape for layer in network.layers)]
    return feature_layers([layer.kind for layer in network.layers], shapes.__getitem__)


def feature_counts_of_model(model: "keras.Model") -> dict[int, int]:
    """Return what :func:`feature_layers` finds in a Keras model.

    Nothing unless the model is a sequence of layers.
    """
    import keras

    if not isinstance(model, keras.Sequential):
        return {}
    kinds = [type(layer).__name__ for layer in model.layers]
    return feature_layers(kinds, lambda position: model.layers[position].input.shape[1:])


def with_features(model: "keras.Model") -> "keras.Model":
    """Let a Keras model return features beside its output.

    Parameters
    ----------
    model : keras.Model
        A sequence of layers, of which :func:`feature_counts_of_model` finds some.

    Returns
    -------
    keras.Model
        Returns the output of `model` and float32 features of shape (N, F). It shares the weights.
    """
    import keras
    from keras import ops

    parts = []
    for position in feature_counts_of_model(model):
        values = ops.cast(model.layers[position].input, "float32")
        if len(values.shape) == 4:
            mean = ops.mean(values, axis=(1, 2))
            variance = ops.mean(ops.square(values), axis=(1, 2)) - ops.square(mean)
            parts += [mean, 0.5 * ops.log(ops.maximum(variance, LEAST_VARIANCE))]
        else:
            parts.append(values)
    # Keras warns of images where a list of them is expected.
    return keras.Model(model.inputs[0], [model.outputs[0], ops.concatenate(parts, axis=-1)])


def points(features: np.ndarray, known: KnownImages) -> np.ndarray:
    """Turn features into points whose scalar products are similarities.

    Parameters
    ----------
    features : numpy.ndarray
        float32, shape (N, F).
    known : KnownImages
        Its first four arrays count.

    Returns
    -------
    numpy.ndarray
        float32, shape (N, D), of unit length, and 0 where they are no numbers.
    """
    blocks = []
    feature = number = 0
    for size, axes in zip(known.sizes.tolist(), known.axes.tolist(), strict=True):
        basis = known.basis[number : number + size * axes].reshape(size, axes)
        columns = slice(feature, feature + size)
        # What a network of huge weights computes is no number.
        with np.errstate(over="ignore", invalid="ignore"):
            block = (features[:, columns] - known.mean[columns]) @ basis
            blocks.append(block / np.maximum(np.linalg.norm(block, axis=1, keepdims=True), TINY))
        feature, number = feature + size, number + size * axes
    placed = np.concatenate(blocks, axis=1) / np.sqrt(np.float32(len(blocks)))
    return np.nan_to_num(placed, copy=False, nan=0, posinf=0, neginf=0)


def nearness(features: np.ndarray, known: KnownImages) -> np.ndarray:
    """Tell how near images are to those that a network knows.

    Parameters
    ----------
    features : numpy.ndarray
        float32, shape (N, F).
    known : KnownImages
        From the model file.

    Returns
    -------
    numpy.ndarray
        float32, shape (N,), in [0, 1]: the mean cosine similarity to the nearest known images, less
        0.4 of that to the nearest empty ones. 0 is far from all, 1 is known.
    """
    placed = points(features, known)
    return nearness_of_points(placed, known.known, known.empty)


def nearness_of_points(placed: np.ndarray, known: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Compute what :func:`nearness` does for images that are points already."""
    near = largest_of(placed @ known.T, NEIGHBOURS).mean(axis=1)
    nothing = largest_of(placed @ empty.T, EMPTY_NEIGHBOURS).mean(axis=1)
    return np.clip(near - EMPTY_WEIGHT * np.maximum(nothing, 0), 0, 1)


def largest_of(similarities: np.ndarray, count: int) -> np.ndarray:
    """Return the largest few numbers of each row of an array of shape (N, M), in any order."""
    count = min(count, similarities.shape[1])
    return np.partition(similarities, -count, axis=1)[:, -count:]


def least_nearness(known: KnownImages | None, share: float) -> float | None:
    """Return the nearness below which an image is unknown.

    Parameters
    ----------
    known : KnownImages or None
        From the model file.
    share : float
        The share of the test images that may be called unknown, in [0, 1]; 0 for none.

    Returns
    -------
    float or None
        In [0, 1]; None if no image is unknown.

    Raises
    ------
    ValueError
        If `share` is not in [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share that may be called unknown is {share}, not from 0 to 1")
    if known is None or share == 0:
        return None
    return float(np.interp(share, SHARES, known.quantiles))


def to_bytes(known: KnownImages) -> bytes:
    """Write known images as NumPy's .npz format."""
    buffer = io.BytesIO()
    np.savez(buffer, **_converted(known, np.float16)._asdict())
    return buffer.getvalue()


def from_bytes(data: bytes, *, features: int) -> KnownImages:
    """Read and check what :func:`to_bytes` wrote.

    Parameters
    ----------
    data : bytes
        Anything.
    features : int
        How many the network has.

    Returns
    -------
    KnownImages
        Consistent and finite.

    Raises
    ------
    KnownImagesError
        If they are damaged, or belong to another network.
    """
    try:
        archive = keras3.open_archive(data)
        known = KnownImages(*(_array(archive, f"{name}.npy") for name in KnownImages._fields))
    except Exception as error:  # NumPy raises anything for a header that it did not write.
        raise KnownImagesError("it is damaged") from error
    if not _is_consistent(known):
        raise KnownImagesError("its arrays do not fit together")
    if len(known.mean) != features:
        raise KnownImagesError(f"it has {len(known.mean):,} features, the network {features:,}")
    return _converted(known, np.float32)


def as_kept(array: np.ndarray) -> np.ndarray:
    """Round float32 numbers to those that a file can keep."""
    return array.astype(np.float16).astype(np.float32)


def _converted(known: KnownImages, dtype: type[np.floating]) -> KnownImages:
    """Convert the arrays that a file keeps as float16."""
    halves = [name for name, (kind, _) in KEPT.items() if kind == "f2"]
    return known._replace(**{name: getattr(known, name).astype(dtype) for name in halves})


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Read an array whose header claims what there is; raise ValueError if it does not."""
    content = bytes(keras3.read_entry(archive, name, most_bytes=MOST_BYTES))
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("not of the version that NumPy writes")
    shape, is_transposed, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in "if" or is_transposed:
        raise ValueError("not numbers in rows")
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape)


def _is_consistent(known: KnownImages) -> bool:
    for name, (kind, rank) in KEPT.items():
        array = getattr(known, name)
        if array.dtype != np.dtype(kind) or array.ndim != rank or array.size == 0:
            return False
        if not np.isfinite(array).all():
            return False
    sizes, axes, mean, basis, images, empty, quantiles = known
    if len(sizes) != len(axes) or len(sizes) > MOST_BLOCKS or len(mean) > MOST_FEATURES:
        return False
    if min(sizes.min(), axes.min()) < 1 or sum(axes.tolist()) > MOST_FEATURES:
        return False
    if max(len(images), len(empty)) > MOST_POINTS:
        return False
    return (
        sum(sizes.tolist()) == len(mean)
        and int(sizes.astype(np.int64) @ axes.astype(np.int64)) == len(basis)
        and images.shape[1] == empty.shape[1] == sum(axes.tolist())
        and quantiles.shape == SHARES.shape
        and bool((np.diff(quantiles) >= 0).all() and quantiles[0] >= 0 and quantiles[-1] <= 1)
    )
