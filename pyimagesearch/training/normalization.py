"""What batch normalisation normalises by, measured once the weights are final."""

import keras
import numpy as np
import tensorflow as tf

from pyimagesearch.data.batches import Examples
from pyimagesearch.data.decoding import scale

# Twice as many images give the same accuracy.
MOST_IMAGES = 500
# Large images take much memory; the moments of few say little of a dense layer's features.
LEAST_BATCH, LARGEST_BATCH = 4, 32
BATCH_PIXELS = LARGEST_BATCH * 96 * 96


def measure_normalization(model: keras.Sequential, examples: Examples, *, seed: int) -> None:
    """Measure the means and variances of batch normalisation on training images.

    The averages that training leaves behind belong to weights that were still changing, and to
    activations that dropout had spread. A network that was trained for few steps is far from such
    averages. So the images pass through the network once more, without dropout and augmentation,
    each batch normalised by its own moments, and the moments of all batches are averaged (Wu and
    Johnson, "Rethinking 'Batch' in BatchNorm", 2021; Li et al., "Understanding the Disharmony
    between Dropout and Batch Normalization by Variance Shift", 2019).

    Parameters
    ----------
    model : keras.Sequential
        Trained. Only its ``BatchNormalization`` layers change; those inside other layers do not.
    examples : Examples
        What it was trained on.
    seed : int
        Seed of the choice and the order of the images.
    """
    normalizing = [
        position
        for position, layer in enumerate(model.layers)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not normalizing:
        return
    layers = model.layers[: normalizing[-1] + 1]
    momenta = {position: layers[position].momentum for position in normalizing}
    for number, batch in enumerate(_batches(examples, seed)):
        for position in normalizing:
            layers[position].momentum = number / (number + 1)  # makes each a plain average
        activations = tf.convert_to_tensor(scale(examples.images[batch]))
        for position, layer in enumerate(layers):
            activations = layer(activations, training=position in momenta)
    for position, momentum in momenta.items():
        layers[position].momentum = momentum


def _batches(examples: Examples, seed: int) -> list[np.ndarray]:
    """Draw images as an epoch shows them: of those that take turns, an equal part."""
    rng = np.random.default_rng(seed)
    turns = examples.turns
    turn = rng.permutation(turns.indices)[: turns.images_per_epoch]
    shown = rng.permutation(np.concatenate([examples.indices, turn]))[:MOST_IMAGES]
    height, width = examples.images.shape[1:3]
    size = min(max(LEAST_BATCH, BATCH_PIXELS // (height * width)), LARGEST_BATCH)
    return np.array_split(shown, -(-len(shown) // size))
