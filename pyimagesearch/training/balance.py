"""A loss in which rare labels count more.

A network that never predicts a label of one image in a hundred is right for the other ninety-nine.
Cui, Jia, Lin, Song and Belongie, "Class-Balanced Loss Based on Effective Number of Samples" (2019),
divide the weight of each image by how much its class has to show: the n-th image shows less that is
new than the first, and after 1 / (1 - beta) images hardly anything.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from pyimagesearch.data.batches import Examples

# A thousand images show nearly all that there is to see of a label.
BETA = 0.999

# Takes float targets and probabilities of shape (N, L), and gives the loss of each image.
Loss = Callable[[Any, Any], Any]


def label_weights(examples: Examples) -> np.ndarray:
    """Weigh each label, where an image has it and where it does not, by how rare that is.

    Parameters
    ----------
    examples : Examples
        The images to train on. Of those that take turns, the share counts that an epoch shows.

    Returns
    -------
    numpy.ndarray
        float64, shape (2, L), positive: the weights of each label's absence, and those of its
        presence. Their mean over the targets of an epoch is 1.
    """
    targets, turns = examples.targets, examples.turns
    present = targets[examples.indices].sum(axis=0, dtype=float)
    present += targets[turns.indices].sum(axis=0, dtype=float) / turns.epochs
    images = len(examples.indices) + len(turns.indices) / turns.epochs
    counts = np.stack([images - present, present])
    # A count of 0 is taken for 1, so that its weight is finite. The weight makes no difference,
    # because no target of the training has it.
    weights = 1 / _effective_number(np.maximum(counts, 1))
    return weights * counts.sum() / (weights * counts).sum()


def weight_in_loss(counts: np.ndarray) -> np.ndarray:
    """Return how much all images of a label together weigh in the loss, up to a factor.

    Parameters
    ----------
    counts : numpy.ndarray
        float, above 0: numbers of images.

    Returns
    -------
    numpy.ndarray
        float64 of the same shape: nearly 1 for a few images, and nearly ``(1 - BETA) * count`` for
        very many.
    """
    return counts / _effective_number(counts)


def _effective_number(counts: np.ndarray) -> np.ndarray:
    """Return the effective number of images of Cui et al."""
    return (1 - BETA**counts) / (1 - BETA)


def balanced_crossentropy(weights: np.ndarray) -> Loss:
    """Make a binary cross-entropy in which each label has its own weights.

    Parameters
    ----------
    weights : numpy.ndarray
        From :func:`label_weights`.

    Returns
    -------
    callable
        A loss as ``keras.Model.compile`` takes it: the mean over the labels. Where all weights are
        1, it is Keras's ``"binary_crossentropy"``.
    """

    def loss(targets: Any, probabilities: Any) -> Any:
        dtype = probabilities.dtype
        absent, present = (keras.ops.convert_to_tensor(row, dtype=dtype) for row in weights)
        targets = keras.ops.cast(targets, dtype)
        weight = absent + (present - absent) * targets
        losses = keras.ops.binary_crossentropy(targets, probabilities)
        return keras.ops.mean(weight * losses, axis=-1)

    return loss
