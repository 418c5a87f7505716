"""What a network looks at while it is still a Keras model: the exact gradient of its logits."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from pyimagesearch.artifacts.receptive_fields import Cells

CONVOLUTIONS = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)
POOLINGS = (layers.MaxPooling2D, layers.AveragePooling2D)


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
        convolution among the layers, or if it is not known how one before the last moves pixels.
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
        moved = _cells_after(layer, cells, taken=taken.shape, returned=features.shape)
        if moved is None:
            return None
        cells = moved
    with tf.GradientTape() as tape:
        tape.watch(features)
        logits = features
        for layer in hidden[end:]:
            logits = layer(logits, training=False)
        chosen = tf.gather(logits, labels, axis=1, batch_dims=1)
    return features.numpy(), tape.gradient(chosen, features).numpy(), cells


def _cells_after(
    layer: layers.Layer, cells: Cells, *, taken: tf.TensorShape, returned: tf.TensorShape
) -> Cells | None:
    """Follow cells through a layer, or return None if it is not known how it moves pixels."""
    if isinstance(layer, (*CONVOLUTIONS, *POOLINGS)):
        window = getattr(layer, "kernel_size", None) or layer.pool_size
        gaps = getattr(layer, "dilation_rate", (1, 1))
        dilated = tuple((width - 1) * gap + 1 for width, gap in zip(window, gaps, strict=True))
        return cells.after(dilated, layer.strides, taken=taken[1:3], returned=returned[1:3])
    if isinstance(layer, layers.ZeroPadding2D):
        (top, _), (left, _) = layer.padding
        return cells.cropped(-top, -left)
    if isinstance(layer, layers.Cropping2D):
        (top, _), (left, _) = layer.cropping
        return cells.cropped(top, left)
    stay = taken[:3] == returned[:3] and len(taken) == len(returned) == 4
    return cells if stay and not isinstance(layer, layers.Permute) else None
