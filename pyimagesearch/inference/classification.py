"""From image files to predictions."""

import functools
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np

from pyimagesearch.artifacts.known_images import least_nearness, nearness
from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.data.decoding import Fit, decode_image, fitted, read_header, scale
from pyimagesearch.data.image_header import JpegHeader
from pyimagesearch.errors import UnreadableFileError
from pyimagesearch.inference.standard_input import reader

T = TypeVar("T")
R = TypeVar("R")

# Larger batches are a few per cent faster, but take more memory, for each core.
BATCH_SIZE = 32
BATCH_PIXELS = BATCH_SIZE * 96 * 96


class Prediction(NamedTuple):
    """What the network predicts for one file.

    Attributes
    ----------
    path : str
        The file.
    probabilities : dict of str to float
        The probability of each label, in [0, 1]; empty if the file could not be read.
    error : str or None
        Why the file could not be read.
    image : numpy.ndarray or None
        What :func:`classify_files` was asked to keep of the image.
    input_image : numpy.ndarray or None
        What the network was shown, uint8 of shape (image_size, image_size, 3), BGR; kept if
        anything is to be kept of the image.
    nearness : float or None
        How near the image is to those that the network knows, in [0, 1]; None if the model does not
        say which those are.
    is_unknown : bool
        Whether it is too far from all of them.
    """

    path: str
    probabilities: dict[str, float]
    error: str | None
    image: np.ndarray | None = None
    input_image: np.ndarray | None = None
    nearness: float | None = None
    is_unknown: bool = False


def no_image_error(prediction: Prediction, purpose: str) -> ValueError:
    """Make the error for a prediction that lacks the image it is wanted for."""
    reason = prediction.error or "give classify_files `keep`"
    return ValueError(f"{prediction.path} has no image {purpose}: {reason}")


class Choice(NamedTuple):
    """What is chosen of the probabilities of an image's labels.

    Attributes
    ----------
    labels : list of (str, float)
        The labels and their probabilities, in [0, 1], in the order of
        :func:`pyimagesearch.artifacts.label_choice.choose`.
    note : str or None
        What a user should know of them together.
    """

    labels: list[tuple[str, float]]
    note: str | None = None


class _Decoded(NamedTuple):
    path: str
    input_image: np.ndarray | None
    image: np.ndarray | None
    error: str | None


def classify_files(
    trained: TrainedModel,
    classes: Sequence[str],
    paths: Sequence[str],
    *,
    keep: Callable[[np.ndarray], np.ndarray] | None = None,
    reject: float = 0,
) -> Iterator[Prediction]:
    """Classify files in batches, as many at the same time as the processor has cores.

    Parameters
    ----------
    trained : TrainedModel
        From :func:`pyimagesearch.inference.network.load_network`.
    classes : sequence of str
        The labels, in the order of the network's outputs.
    paths : sequence of str
        The files. However many there are, only a few batches are in memory.
    keep : callable, optional
        Makes of each full-size image (uint8, shape (height, width, 3), BGR) what its prediction
        carries, for example a smaller one. Without it, predictions carry no images, and no JPEG
        file is decoded at its full size, which takes longer.
    reject : float
        Sets the nearness below which an image is unknown, so that this share of the test images
        would be, in [0, 1]; 0 calls none unknown.

    Yields
    ------
    Prediction
        One for each file, in order, also for files that cannot be read.

    Raises
    ------
    UserError
        If the network returns what is no probability.
    ValueError
        If there are more or fewer labels than outputs of the network, or `reject` is not in [0, 1].
    RuntimeError
        If this process was forked after the network was loaded.
    """
    cores = os.cpu_count() or 1
    # Of few files, batches are smaller, so that every core has some.
    share = math.ceil(len(paths) / cores)
    size = max(1, min(BATCH_SIZE, BATCH_PIXELS // trained.image_size**2, share))
    least = least_nearness(trained.known, reject)
    read = reader(paths)
    classify = functools.partial(
        _classify_batch, trained, classes, read=read, keep=keep, least=least
    )
    batches = (paths[start : start + size] for start in range(0, len(paths), size))
    for predictions in _in_threads(classify, batches, threads=cores):
        yield from predictions


def _in_threads(function: Callable[[T], R], items: Iterable[T], *, threads: int) -> Iterator[R]:
    """Call a function for each item in threads, and yield what it returns in the items' order.

    Unlike ``ThreadPoolExecutor.map``, it takes only as many items as keep the threads busy.
    """
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _classify_batch(
    trained: TrainedModel,
    classes: Sequence[str],
    paths: Sequence[str],
    *,
    read: Callable[[str], bytes],
    keep: Callable[[np.ndarray], np.ndarray] | None,
    least: float | None,
) -> list[Prediction]:
    size, fit = trained.image_size, trained.fit
    batch = [_decode(path, size, fit, read=read, keep=keep) for path in paths]
    readable = [decoded.input_image for decoded in batch if decoded.input_image is not None]
    rows = iter(_predict(trained, scale(np.stack(readable))) if readable else ())
    predictions = []
    for decoded in batch:
        if decoded.input_image is None:
            predictions.append(Prediction(decoded.path, {}, decoded.error))
            continue
        row, near = next(rows)
        predictions.append(
            Prediction(
                decoded.path,
                dict(zip(classes, row, strict=True)),
                error=None,
                image=decoded.image,
                input_image=None if keep is None else decoded.input_image,
                nearness=near,
                is_unknown=near is not None and least is not None and near < least,
            )
        )
    return predictions


def _predict(
    trained: TrainedModel, images: np.ndarray
) -> Iterator[tuple[list[float], float | None]]:
    """Yield each image's probabilities and nearness."""
    if trained.known is None or trained.predict_both is None:
        yield from ((row, None) for row in trained.predict(images).tolist())
        return
    probabilities, features = trained.predict_both(images)
    near = nearness(features, trained.known)
    yield from zip(probabilities.tolist(), near.tolist(), strict=True)


def _decode(
    path: str,
    size: int,
    fit: Fit,
    *,
    read: Callable[[str], bytes],
    keep: Callable[[np.ndarray], np.ndarray] | None,
) -> _Decoded:
    try:
        data = read(path)
        if keep is None:
            return _Decoded(path, decode_image(data, size, fit=fit), None, None)
        if isinstance(read_header(data), JpegHeader):
            # It is decoded at a reduced scale, as for training, so that its labels do not depend on
            # whether it is drawn. That comes first, so that no thread holds a large image while it
            # waits for memory.
            square, image = decode_image(data, size, fit=fit), decode_image(data)
        else:
            image = decode_image(data)
            square = fitted(image, size, fit)
        return _Decoded(path, square, keep(image), None)
    except UnreadableFileError as error:
        return _Decoded(path, None, None, str(error))
