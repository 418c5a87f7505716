"""Keras's layers computed faster, and the same on however many replicas, for TensorFlow.

The mathematics is the same, so a network trains with these layers, which share their weights with
the plain ones that are saved. Where several replicas share a batch (`tf.distribute`), they compute
what one would from all of it.
"""

import keras
import tensorflow as tf

from pyimagesearch.training.workers import InStep


class FusedBatchNormalization(keras.layers.Layer):
    """Keras's BatchNormalization, computed by TensorFlow's fused kernel.

    Keras 3 computes it as a dozen element-wise operations, each of which reads and writes all of
    the activations; the fused kernel does it in one. Replicas that share a batch normalise by the
    mean and the variance of all of it.

    Parameters
    ----------
    plain : keras.layers.BatchNormalization
        Built. Its weights are used and trained.
    """

    def __init__(self, plain: keras.layers.BatchNormalization) -> None:
        super().__init__(name=plain.name, dtype=plain.dtype_policy)
        self.plain = plain

    def call(self, inputs, training=None, mask=None):
        """Normalise over all axes but the channels'; see ``keras.layers.BatchNormalization``."""
        plain = self.plain
        in_training = bool(training) and plain.trainable
        # The kernel does not compute in double precision.
        in_double = inputs.dtype == tf.float64
        if in_training and (_replicas() > 1 or in_double):
            return self._normalize_together(inputs)
        if in_double:
            return plain(inputs, training=False)
        is_image = inputs.shape.rank == 4
        # The kernel takes images; a row of features is an image of one pixel.
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
            # The kernel returns the variance of the population the batch was drawn from (divided
            # by n - 1); Keras keeps that of the batch itself (divided by n).
            count = tf.cast(tf.size(images) / tf.size(mean), variance.dtype)
            self._move(plain.moving_mean, mean)
            self._move(plain.moving_variance, variance * (count - 1) / count)
        return normalized if is_image else normalized[:, 0, 0, :]

    def _normalize_together(self, inputs):
        plain = self.plain
        axes = [axis for axis in range(inputs.shape.rank) if axis != plain.axis % inputs.shape.rank]
        moments = [tf.reduce_mean(values, axes, True) for values in (inputs, tf.square(inputs))]
        # Each replica has an equal part of the batch, so that the mean of the means is the mean.
        together = tf.distribute.get_replica_context().all_reduce(
            tf.distribute.ReduceOp.MEAN, moments
        )
        mean, variance = together[0], together[1] - tf.square(together[0])
        self._move(plain.moving_mean, tf.reshape(mean, [-1]))
        self._move(plain.moving_variance, tf.reshape(variance, [-1]))
        scale, offset = (
            tf.reshape(weight.value, tf.shape(mean)) for weight in (plain.gamma, plain.beta)
        )
        return tf.nn.batch_normalization(inputs, mean, variance, offset, scale, plain.epsilon)

    def _move(self, average: keras.Variable, batch_statistic: tf.Tensor) -> None:
        momentum = self.plain.momentum
        average.assign(average * momentum + batch_statistic * (1 - momentum))


class SharedDropout(keras.layers.Layer):
    """Keras's Dropout, which drops the same whoever computes which part of a batch.

    Parameters
    ----------
    plain : keras.layers.Dropout
        Its rate and its seed are used.
    """

    def __init__(self, plain: keras.layers.Dropout) -> None:
        super().__init__(name=plain.name, dtype=plain.dtype_policy)
        self.rate = plain.rate
        self.seed = int(plain.seed_generator.state.numpy()[0])
        self.step = self.add_weight(
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )

    def call(self, inputs, training=None):
        """Drop some of the inputs in training, and scale the others so that the sum stays."""
        if not training or not self.rate:
            return inputs
        seed = tf.stack([tf.constant(self.seed, tf.int64), self.step.value])
        self.step.assign(self.step.value + 1)
        count, replica = tf.shape(inputs)[0], _replica()
        shape = tf.concat([[count * _replicas()], tf.shape(inputs)[1:]], axis=0)
        draws = tf.random.stateless_uniform(shape, seed, dtype=inputs.dtype)
        own_draws = draws[replica * count : (replica + 1) * count]
        return tf.where(own_draws >= self.rate, inputs / (1 - self.rate), 0.0)


class FastDense(keras.layers.Layer):
    """Keras's Dense, whose gradient is computed by TensorFlow's product of batches of matrices.

    On a processor, the product of two matrices takes three times as long as that of two batches of
    one matrix, if the second is a large one to be transposed.

    Parameters
    ----------
    plain : keras.layers.Dense
        Built, without an activation. Its weights are used and trained.
    """

    def __init__(self, plain: keras.layers.Dense) -> None:
        super().__init__(name=plain.name, dtype=plain.dtype_policy)
        self.plain = plain

    def call(self, inputs):
        """Multiply by the kernel and add the bias."""
        return tf.nn.bias_add(_product(inputs, self.plain.kernel.value), self.plain.bias.value)


@tf.custom_gradient
def _product(inputs: tf.Tensor, kernel: tf.Tensor):
    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        for_inputs = tf.raw_ops.BatchMatMulV2(x=upstream, y=kernel, adj_y=True)
        return for_inputs, tf.matmul(inputs, upstream, transpose_a=True)

    return tf.matmul(inputs, kernel), gradient


def _replicas() -> int:
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def _replica() -> int | tf.Tensor:
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group if context else 0


def _fast(layer: keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(layer, keras.layers.BatchNormalization):
        return FusedBatchNormalization(layer)
    if isinstance(layer, keras.layers.Dense) and layer.activation is keras.activations.linear:
        return FastDense(layer)
    if isinstance(layer, keras.layers.Dropout):
        return SharedDropout(layer)
    return layer


def with_fast_layers(model: keras.Sequential) -> keras.Sequential:
    """Build a network that computes the same faster.

    Parameters
    ----------
    model : keras.Sequential
        Built of plain layers.

    Returns
    -------
    keras.Sequential
        Shares all weights with `model`: training the one trains the other.
    """
    return InStep([keras.Input(model.input_shape[1:]), *map(_fast, model.layers)])


class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam, computed by TensorFlow's fused kernel."""

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
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
