"""What batch normalisation normalises by, measured once the weights are final."""

import keras
import numpy as np
import tensorflow as tf

from pyimagesearch.data.batches import Examples
from pyimagesearch.data.decoding import scale

# A thousand images tell each channel's mean and variance to a few per cent.
MOST_IMAGES = 1000
BATCH_SIZE = 32


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
        each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)
    ]
    momenta = [layer.momentum for layer in normalizing]
    trained_on = np.concatenate([examples.indices, examples.rotation.indices])
    shown = np.random.default_rng(seed).permutation(trained_on)[:MOST_IMAGES]
    for number, batch in enumerate(np.array_split(shown, max(1, len(shown) // BATCH_SIZE))):
        for layer in normalizing:
            layer.momentum = number / (number + 1)  # makes the moving average a plain one
        activations = tf.convert_to_tensor(scale(examples.images[batch]))
        for layer in model.layers:
            activations = layer(activations, training=layer in normalizing)
    for layer, momentum in zip(normalizing, momenta, strict=True):
        layer.momentum = momentum
