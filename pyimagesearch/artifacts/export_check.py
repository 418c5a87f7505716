"""Compare an exported network with the one that it comes from."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from pyimagesearch.artifacts.label_choice import chooser
from pyimagesearch.console import counted
from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.files import AnyPath

IMAGES = 20
TOLERANCE = 1e-4  # the greatest difference of a probability
# The step from one number to the next, between 1 and 2. A network that computes in 16 bits rounds
# in each layer, and some processors, with AVX512-FP16, round elsewhere than others: four steps are
# allowed.
HALF_PRECISIONS = {"float16": 2**-10, "bfloat16": 2**-7}
STEPS_OF_HALF_PRECISION = 4
# With 8-bit weights, the greatest difference for a label that only one of the networks chooses.
# Such close calls are frequent in images that show nothing that the network knows.
TOLERANCE_OF_CHOICE = 0.05


def choosing(
    classes: Sequence[str], metadata: Mapping[str, Any]
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what chooses labels as ``classify.py`` does by default.

    Parameters
    ----------
    classes : sequence of str
        All L labels, in the order of the network's outputs.
    metadata : mapping
        What the model file says about the training.

    Returns
    -------
    callable
        Takes probabilities of shape (N, L), and returns the labels that images get: bool, of the
        same shape.
    """
    choose = chooser(None, None, classes=classes, metadata=metadata)

    def chosen(probabilities: np.ndarray) -> np.ndarray:
        rows = [dict(choose(dict(zip(classes, row, strict=True)))) for row in probabilities]
        return np.array([[label in row for label in classes] for row in rows])

    return chosen


def tolerance_of(dtypes: Iterable[str]) -> float:
    """Return the greatest difference of a probability that rounding explains.

    Parameters
    ----------
    dtypes : iterable of str
        What the layers of a network compute in.

    Returns
    -------
    float
        More for a network of half precision than for others.
    """
    steps = [HALF_PRECISIONS.get(dtype, 0) for dtype in dtypes]
    return max(TOLERANCE, STEPS_OF_HALF_PRECISION * max(steps, default=0))


def compared(
    path: AnyPath,
    expected: np.ndarray,
    found: np.ndarray,
    *,
    choose: Callable[[np.ndarray], np.ndarray] | None = None,
    tolerance: float = TOLERANCE,
) -> str:
    """Compare the probabilities that an exported network predicts with the original ones.

    Parameters
    ----------
    path : path
        The exported file.
    expected, found : numpy.ndarray
        float32, shape (N, L).
    choose : callable, optional
        From :func:`choosing`. Of weights with 8 bits it is enough that the labels that it chooses
        are the same, close calls aside.
    tolerance : float
        From :func:`tolerance_of`.

    Returns
    -------
    str
        How close they are, in words.

    Raises
    ------
    UserError
        If they are not close enough.
    """
    images = counted(len(expected), "image")
    if found.shape != expected.shape or not np.isfinite(found).all():
        is_close, result = False, "it predicts no probability for each label"
    else:
        differences = np.abs(expected - found)
        if choose is None:
            greatest = float(differences.max())
            is_close = greatest <= tolerance
            result = f"probabilities differ by at most {greatest:.1e} in {images}"
        else:
            is_other = choose(expected) != choose(found)
            same = len(expected) - int(is_other.any(axis=1).sum())
            is_close = not (is_other & (differences > TOLERANCE_OF_CHOICE)).any()
            close_calls = ", close calls in the others" if is_close and same < len(expected) else ""
            result = f"the same labels in {same:,} of {images}{close_calls}"
    if not is_close:
        raise UserError(f"{path} is not written, because {result}", WORK_FAILED)
    return result


def drawn_images(size: int) -> np.ndarray:
    """Draw images to compare on where there are none: soft patches of many colours.

    Parameters
    ----------
    size : int
        Width and height in pixels.

    Returns
    -------
    numpy.ndarray
        uint8, shape (IMAGES, size, size, 3).
    """
    patches = np.random.default_rng(0).integers(0, 256, (IMAGES, 4, 4, 3), np.uint8)
    shape = (size, size)
    return np.stack([cv2.resize(patch, shape, interpolation=cv2.INTER_CUBIC) for patch in patches])
