import keras
import numpy as np
import pytest
import tensorflow as tf

from pyimagesearch.fused_normalization import FusedBatchNormalization, with_fused_normalization
from pyimagesearch.smallervggnet import SmallerVGGNet


def trained_one_step(fused, inputs):
    """Outputs, gradients and moving averages of a layer after one step in training mode."""
    plain = keras.layers.BatchNormalization(momentum=0.7)
    plain.build(inputs.shape)
    random = np.random.default_rng(1)
    plain.set_weights([random.normal(1, 0.3, weight.shape) ** 2 for weight in plain.weights])
    layer = FusedBatchNormalization(plain) if fused else plain
    inputs = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        loss = tf.reduce_sum(tf.sin(outputs))
    gradients = tape.gradient(loss, [inputs, plain.gamma.value, plain.beta.value])
    return [outputs, *gradients, *plain.get_weights(), layer(inputs, training=False)]


@pytest.mark.parametrize("shape", [(6, 5, 4, 3), (16, 7)], ids=["images", "features"])
def test_equals_keras_forward_backward_and_in_its_moving_averages(shape):
    inputs = np.random.default_rng(0).normal(2, 3, shape).astype(np.float32)
    plain, fused = (trained_one_step(fused, inputs) for fused in (False, True))
    for expected, found in zip(plain, fused, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_training_the_fused_network_trains_the_plain_one():
    plain = SmallerVGGNet.build(24, 24, 3, 4, finalAct="sigmoid")
    fused = with_fused_normalization(plain)
    images = np.random.default_rng(0).random((5, 24, 24, 3))
    np.testing.assert_allclose(
        fused.predict(images, verbose=0), plain.predict(images, verbose=0), atol=1e-5
    )
    fused.compile("adam", "binary_crossentropy", jit_compile=False)
    before = plain.predict(images, verbose=0)
    fused.fit(images, np.ones((5, 4)), epochs=2, verbose=0)
    assert np.abs(plain.predict(images, verbose=0) - before).max() > 0.01
    np.testing.assert_allclose(
        plain.predict(images, verbose=0), fused.predict(images, verbose=0), atol=1e-5
    )


def test_all_normalisation_of_the_network_is_fused():
    fused = with_fused_normalization(SmallerVGGNet.build(24, 24, 3, 4))
    assert sum(isinstance(layer, FusedBatchNormalization) for layer in fused.layers) == 6
