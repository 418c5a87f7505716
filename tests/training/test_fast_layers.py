import keras
import numpy as np
import pytest
import tensorflow as tf

from pyimagesearch.smallervggnet import SmallerVGGNet
from pyimagesearch.training.fast_layers import (
    FastDense,
    FusedBatchNormalization,
    SharedDropout,
    with_fast_layers,
)


def trained_one_step(fused, inputs):
    """Outputs, gradients and moving averages of a layer after one step in training mode."""
    plain = keras.layers.BatchNormalization(momentum=0.7, dtype=inputs.dtype.name)
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


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-12)])
@pytest.mark.parametrize("shape", [(6, 5, 4, 3), (16, 7)], ids=["images", "features"])
def test_normalisation_equals_keras_forward_backward_and_in_its_moving_averages(
    shape, dtype, tolerance
):
    inputs = np.random.default_rng(0).normal(2, 3, shape).astype(dtype)
    plain, fused = (trained_one_step(fused, inputs) for fused in (False, True))
    for expected, found in zip(plain, fused, strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_dense_equals_keras_forward_and_backward():
    random = np.random.default_rng(0)
    inputs = tf.constant(random.normal(0, 1, (5, 7)).astype(np.float32))
    plain = keras.layers.Dense(4, bias_initializer="normal")
    plain.build(inputs.shape)
    results = []
    for layer in (plain, FastDense(plain)):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
            loss = tf.reduce_sum(tf.sin(outputs))
        gradients = tape.gradient(loss, [inputs, plain.kernel.value, plain.bias.value])
        results.append([outputs, *gradients])
    for expected, found in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_training_the_fast_network_trains_the_plain_one():
    plain = SmallerVGGNet.build(24, 24, 3, 4, finalAct="sigmoid")
    fast = with_fast_layers(plain)
    images = np.random.default_rng(0).random((5, 24, 24, 3))
    np.testing.assert_allclose(
        fast.predict(images, verbose=0), plain.predict(images, verbose=0), atol=1e-5
    )
    fast.compile("adam", "binary_crossentropy", jit_compile=False)
    before = plain.predict(images, verbose=0)
    fast.fit(images, np.ones((5, 4)), epochs=2, verbose=0)
    assert np.abs(plain.predict(images, verbose=0) - before).max() > 0.01
    np.testing.assert_allclose(
        plain.predict(images, verbose=0), fast.predict(images, verbose=0), atol=1e-5
    )


def test_a_dense_layer_with_an_activation_keeps_it():
    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="sigmoid")])
    inputs = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_allclose(
        with_fast_layers(plain).predict(inputs, verbose=0), plain.predict(inputs, verbose=0)
    )


def test_dropout_drops_its_share_and_keeps_the_sum():
    plain = keras.layers.Dropout(0.25, seed=1)
    layer = SharedDropout(plain)
    ones = tf.ones((50, 40, 10))
    first, second = (layer(ones, training=True).numpy() for _ in range(2))
    assert (first == 0).mean() == pytest.approx(0.25, abs=0.02)
    assert first.mean() == pytest.approx(1, abs=0.03)
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (first != second).any()
    np.testing.assert_array_equal(layer(ones, training=False), ones)
    again = SharedDropout(plain)
    np.testing.assert_array_equal(again(ones, training=True), first)


@pytest.mark.parametrize(
    ("kind", "count"), [(FusedBatchNormalization, 6), (FastDense, 2), (SharedDropout, 4)]
)
def test_all_layers_of_the_network_that_can_be_fast_are(kind, count):
    fast = with_fast_layers(SmallerVGGNet.build(24, 24, 3, 4))
    assert sum(isinstance(layer, kind) for layer in fast.layers) == count
