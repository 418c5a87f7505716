"""What a network looks at while it is still a Keras model: the exact gradient of its logits."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from pyimagesearch.artifacts.receptive_fields import Cells

CONVOLUTIONS = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)


def feature_gradients(
    model: keras.Sequential, images: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Cells] | None:
    """Compute how the logit of one label of each image depends on the last convolution.

    Parameters
    ----------
    model : keras.Sequential
        Ends in an activation that turns logits into probabilities.
    images : numpy.ndarray
        float32, shape (N, height, width, 3), in [0, 1]: a small batch.
    labels : numpy.ndarray
        int, shape (N,): positions among the outputs of the network.

    Returns
    -------
    features, gradients : numpy.ndarray
        float32, shape (N, height, width, channels): the feature maps of the last convolution after
        its activation, and the gradient with respect to them.
    cells : Cells
        Where in the images their cells lie. Instead of the three, None is returned if there is no
        convolution among the layers.
    """
    *hidden, _ = model.layers
    convolutions = [n for n, layer in enumerate(hidden, 1) if isinstance(layer, CONVOLUTIONS)]
    if not convolutions:
        return None
    end = convolutions[-1]
    end += end < len(hidden) and isinstance(hidden[end], layers.Activation)
    features, cells = tf.constant(images), Cells()
    for layer in hidden[:end]:
        taken, features = features, layer(features, training=False)
        if window := getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None):
            shapes = {"taken": taken.shape[1:3], "returned": features.shape[1:3]}
            cells = cells.after(window, layer.strides, **shapes)
    with tf.GradientTape() as tape:
        tape.watch(features)
        logits = features
        for layer in hidden[end:]:
            logits = layer(logits, training=False)
        chosen = tf.gather(logits, labels, axis=1, batch_dims=1)
    return features.numpy(), tape.gradient(chosen, features).numpy(), cells
