"""Batch normalisation in one pass, for training on TensorFlow.

Keras 3 computes batch normalisation as a dozen element-wise operations, each of which reads and
writes all of the activations; TensorFlow's fused kernel does it in one. The mathematics is the
same, so a network trains with fused layers and is saved with plain ones, weights carried over.
"""

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's BatchNormalization, computed by TensorFlow's fused kernel."""

    def call(self, inputs, training=None, mask=None):
        """Normalise over all axes but the channels'; see ``keras.layers.BatchNormalization``."""
        is_image = inputs.shape.rank == 4
        # The kernel takes images; a row of features is an image of one pixel.
        images = inputs if is_image else inputs[:, None, None, :]
        channels_first = is_image and self.axis in (1, -3)
        in_training = bool(training) and self.trainable
        normalized, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=[] if in_training else self.moving_mean.value,
            variance=[] if in_training else self.moving_variance.value,
            epsilon=self.epsilon,
            data_format="NCHW" if channels_first else "NHWC",
            is_training=in_training,
        )
        if in_training:
            # The kernel returns the variance of the population the batch was drawn from (divided
            # by n - 1); Keras keeps that of the batch itself (divided by n).
            count = tf.cast(tf.size(images) / tf.size(mean), variance.dtype)
            self._move(self.moving_mean, mean)
            self._move(self.moving_variance, variance * (count - 1) / count)
        return normalized if is_image else normalized[:, 0, 0, :]

    def _move(self, average: keras.Variable, batch_statistic: tf.Tensor) -> None:
        average.assign(average * self.momentum + batch_statistic * (1 - self.momentum))


def with_fused_normalization(model: keras.Sequential) -> keras.Sequential:
    """Copy a network, its batch normalisation fused.

    Parameters
    ----------
    model : keras.Sequential
        Built of plain layers.

    Returns
    -------
    keras.Sequential
        The same layers and weights in the same order, so that ``model.set_weights`` takes what the
        copy's ``get_weights`` returns.
    """

    def fuse(layer: keras.layers.Layer) -> keras.layers.Layer:
        if type(layer) is keras.layers.BatchNormalization:
            return FusedBatchNormalization.from_config(layer.get_config())
        return layer.__class__.from_config(layer.get_config())

    fused = keras.models.clone_model(model, clone_function=fuse)
    fused.set_weights(model.get_weights())
    return fused
