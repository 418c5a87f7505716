"""Files in, labels out: what classify.py does between the model and the answer."""

import functools
import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from pyimagesearch.data.decoding import UnreadableFileError, decode_image, scale
from pyimagesearch.data.folders import list_images
from pyimagesearch.errors import UserError
from pyimagesearch.files import MAX_FILE_BYTES, did_you_mean, read_file

BATCH_SIZE = 32
STANDARD_INPUT = "-"


class Answer(NamedTuple):
    """What the network says of one file.

    Attributes
    ----------
    path : str
        The file.
    probabilities : dict of str to float
        Of every label, in [0, 1]; empty if the file could not be read.
    error : str or None
        Why the file could not be read.
    """

    path: str
    probabilities: dict[str, float]
    error: str | None


def expand(inputs: Sequence[str]) -> list[str]:
    """Replace folders by the images below them.

    Parameters
    ----------
    inputs : sequence of str
        Files and folders; ``-`` is the standard input.

    Returns
    -------
    list of str
        Files; whether each can be read is seen when its turn comes.

    Raises
    ------
    UserError
        If there is no such file or folder, or a folder holds no images.
    """
    files: list[str] = []
    for given in inputs:
        if os.path.isdir(given):  # noqa: PTH112 (a string may hold what a Path refuses)
            found = list_images(given)
            if not found:
                raise UserError(f"there are no images below {given}")
            files.extend(found)
        elif given.startswith(("http://", "https://")):
            raise UserError(f"{given} is not a file: fetch it first, with curl -LO {given}")
        elif given != STANDARD_INPUT and not os.path.lexists(given):
            raise UserError(f"there is no image {given}{did_you_mean(given)}")
        else:
            files.append(given)
    return files


def read(path: str) -> bytes:
    """Read an image file, or the standard input for ``-``; raise UnreadableFileError."""
    return _standard_input() if path == STANDARD_INPUT else read_file(path)


@functools.cache
def _standard_input() -> bytes:
    # It can be read once only, and is needed twice where the labels are drawn on the image.
    data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if not data:
        raise UnreadableFileError("there is nothing on the standard input")
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableFileError(f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
    return data


def classify_files(
    model: keras.Model, labels: Sequence[str], files: Sequence[str]
) -> Iterator[Answer]:
    """Classify files a batch at a time, the next batch decoded while the network is busy.

    Parameters
    ----------
    model : keras.Model
        Takes float32 images of shape (N, size, size, 3) in [0, 1].
    labels : sequence of str
        Names of its outputs.
    files : sequence of str
        However many: memory stays that of two batches.

    Yields
    ------
    Answer
        One a file, in order, also for a file that cannot be read.
    """
    size = model.input_shape[1]

    def decode(path: str) -> np.ndarray | UnreadableFileError:
        try:
            return decode_image(read(path), size)
        except UnreadableFileError as error:
            return error

    batches = [files[start : start + BATCH_SIZE] for start in range(0, len(files), BATCH_SIZE)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        decoded_ahead = [pool.map(decode, batch) for batch in batches[:1]]
        for batch, upcoming in itertools.zip_longest(batches, batches[1:], fillvalue=()):
            decoded = list(decoded_ahead.pop())
            decoded_ahead.append(pool.map(decode, upcoming))
            yield from _classify_decoded(model, labels, batch, decoded)


def _classify_decoded(
    model: keras.Model,
    labels: Sequence[str],
    files: Sequence[str],
    decoded: Sequence[np.ndarray | UnreadableFileError],
) -> Iterator[Answer]:
    images = [image for image in decoded if isinstance(image, np.ndarray)]
    rows = iter(predict(model, np.stack(images)) if images else ())
    for path, image in zip(files, decoded, strict=True):
        if isinstance(image, UnreadableFileError):
            yield Answer(path, {}, str(image))
        else:
            yield Answer(path, dict(zip(labels, map(float, next(rows)), strict=True)), None)


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Predict the labels' probabilities.

    Parameters
    ----------
    model : keras.Model
        The network.
    images : numpy.ndarray
        uint8, shape (N, height, width, 3), BGR.

    Returns
    -------
    numpy.ndarray
        float32, shape (N, L).
    """
    return np.asarray(model.predict_on_batch(scale(images)))


def thresholds_of(
    wanted: float | str | None, labels: Sequence[str], metadata: Mapping[str, Any]
) -> dict[str, float] | None:
    """Say from which probability on each label is in the answer.

    Parameters
    ----------
    wanted : float, "auto" or None
        The same for all labels, the values that served best on the test images, or no thresholds.
    labels : sequence of str
        Names of all outputs.
    metadata : mapping
        What the model file says of the training.

    Returns
    -------
    dict of str to float, or None
        By label.

    Raises
    ------
    UserError
        If "auto" is wanted and the model file holds no thresholds.
    """
    if wanted is None:
        return None
    if wanted != "auto":
        return dict.fromkeys(labels, wanted)
    thresholds = metadata.get("thresholds", {})
    if set(thresholds) != set(labels):
        raise UserError(
            "the model holds no thresholds for --threshold auto: train it with train.py, or give a "
            "number"
        )
    return thresholds


def choose(
    probabilities: Mapping[str, float],
    top: int | None,
    thresholds: Mapping[str, float] | None = None,
) -> list[tuple[str, float]]:
    """Choose the labels to answer with, the likeliest first.

    Parameters
    ----------
    probabilities : mapping
        Of every label.
    top : int or None
        How many labels to answer with, where no thresholds are given; None for all.
    thresholds : mapping, optional
        Answer with the labels at least as likely as this, however many they are.

    Returns
    -------
    list of (str, float)
        Label and probability.
    """
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    if thresholds is None:
        return ranked[:top]
    return [(label, likely) for label, likely in ranked if likely >= thresholds[label]]


def combination_note(chosen: Sequence[str], metadata: Mapping[str, Any]) -> str | None:
    """Say where the network knows an answer's combination from, unless it was trained on it.

    Parameters
    ----------
    chosen : sequence of str
        The labels of the answer.
    metadata : mapping
        What the model file says of the training: ``combinations`` that images showed, and
        ``composed`` ones, each a list of labels.

    Returns
    -------
    str or None
        None for a combination that training images showed, for an answer with more or fewer labels
        than any image had, and for a model that says nothing of its training.
    """
    shown = [set(combination) for combination in metadata.get("combinations", [])]
    composed = [set(combination) for combination in metadata.get("composed", [])]
    answer = set(chosen)
    if answer in shown or len(answer) not in {len(combination) for combination in shown}:
        return None
    if answer in composed:
        return "this combination was not in the training images (composed)"
    return "this combination was never trained"


def annotated_paths(
    inputs: Sequence[str], files: Sequence[str], output: str | None
) -> list[Path | None]:
    """Decide where each annotated image goes.

    Parameters
    ----------
    inputs : sequence of str
        Files and folders as the user gave them.
    files : sequence of str
        What :func:`expand` made of them.
    output : str or None
        A file for a single image, otherwise a folder.

    Returns
    -------
    list of (pathlib.Path or None)
        A path for each of `files`. Below an output folder, images keep the place they have below
        the input folder, and become JPEG files, their old suffix kept in their name.

    Raises
    ------
    UserError
        If `output` is a file where a folder is needed.
    """
    if output is None:
        return [None] * len(files)
    folder = Path(output)
    if list(files) == list(inputs) and len(files) == 1 and not folder.is_dir():
        return [folder]
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{output} is a file: several images need a folder to be written to")
    folders = [given for given in inputs if os.path.isdir(given)]  # noqa: PTH112

    def below_output(path: str) -> Path:
        root = next((given for given in folders if Path(path).is_relative_to(given)), None)
        place = Path(path).relative_to(root) if root else Path(Path(path).name)
        is_jpeg = place.suffix.lower() in (".jpg", ".jpeg")
        return folder / (place if is_jpeg else place.with_name(place.name + ".jpg"))

    return [below_output(path) for path in files]
