"""Batch normalisation in one pass, for training on TensorFlow.

Keras 3 computes batch normalisation as a dozen element-wise operations, each of which reads and
writes all of the activations; TensorFlow's fused kernel does it in one. The mathematics is the
same, so a network trains with fused layers that share their weights with the plain ones that are
saved.
"""

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.Layer):
    """Keras's BatchNormalization, computed by TensorFlow's fused kernel.

    Parameters
    ----------
    plain : keras.layers.BatchNormalization
        Built. Its weights are used and trained.
    """

    def __init__(self, plain: keras.layers.BatchNormalization) -> None:
        super().__init__(name=plain.name)
        self.plain = plain

    def call(self, inputs, training=None, mask=None):
        """Normalise over all axes but the channels'; see ``keras.layers.BatchNormalization``."""
        plain = self.plain
        is_image = inputs.shape.rank == 4
        # The kernel takes images; a row of features is an image of one pixel.
        images = inputs if is_image else inputs[:, None, None, :]
        channels_first = is_image and plain.axis in (1, -3)
        in_training = bool(training) and plain.trainable
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
            # The kernel returns the variance of the population the batch was drawn from (divided
            # by n - 1); Keras keeps that of the batch itself (divided by n).
            count = tf.cast(tf.size(images) / tf.size(mean), variance.dtype)
            self._move(plain.moving_mean, mean)
            self._move(plain.moving_variance, variance * (count - 1) / count)
        return normalized if is_image else normalized[:, 0, 0, :]

    def _move(self, average: keras.Variable, batch_statistic: tf.Tensor) -> None:
        momentum = self.plain.momentum
        average.assign(average * momentum + batch_statistic * (1 - momentum))


def with_fused_normalization(model: keras.Sequential) -> keras.Sequential:
    """Compute a network's batch normalisation in fused layers.

    Parameters
    ----------
    model : keras.Sequential
        Built of plain layers.

    Returns
    -------
    keras.Sequential
        Shares all weights with `model`: training the one trains the other.
    """
    return keras.Sequential(
        [
            keras.Input(model.input_shape[1:]),
            *(
                FusedBatchNormalization(layer)
                if isinstance(layer, keras.layers.BatchNormalization)
                else layer
                for layer in model.layers
            ),
        ]
    )
