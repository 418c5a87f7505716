"""Adam in one pass over the weights, on TensorFlow.

Keras 3 computes an update as ten element-wise operations, each of which reads and writes arrays as
large as the weights; TensorFlow's own kernel does it in one. The mathematics is the same (Kingma
and Ba, "Adam: A Method for Stochastic Optimization", 2014, in the form before section 2.1, where
epsilon is added to the root of the uncorrected second moment).
"""

import keras
import tensorflow as tf


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
