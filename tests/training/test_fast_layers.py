import keras
import numpy as np
import pytest
import tensorflow as tf

from pyimagesearch.smallervggnet import SmallerVGGNet
from pyimagesearch.training.fast_layers import (
    FusedAdam,
    FusedBatchNormalization,
    fast_layers,
    moments_shared,
)

pytestmark = pytest.mark.slow


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
def test_normalisation_equals_keras_forward_backward_and_in_its_moving_averages(
    shape,
):
    inputs = np.random.default_rng(0).normal(2, 3, shape).astype(np.float32)
    plain, fused = (trained_one_step(fused, inputs) for fused in (False, True))
    for expected, found in zip(plain, fused, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_training_the_fast_network_trains_the_plain_one():
    plain = SmallerVGGNet.build(24, 24, 3, 4, finalAct="sigmoid")
    fast = keras.Sequential([keras.Input((24, 24, 3)), *fast_layers(plain, synchronized=False)])
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


@pytest.mark.parametrize(("synchronized", "count"), [(False, 6), (True, 0)])
def test_normalisation_is_fused_unless_replicas_share_a_batch(synchronized, count):
    plain = SmallerVGGNet.build(24, 24, 3, 4)
    layers = fast_layers(plain, synchronized=synchronized)
    assert sum(isinstance(layer, FusedBatchNormalization) for layer in layers) == count
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in layers) == 6 - count


@pytest.mark.parametrize("synchronized", [False, True])
def test_moments_are_shared_while_replicas_train_and_not_in_what_is_saved(synchronized):
    model = SmallerVGGNet.build(24, 24, 3, 4)
    layers = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    with moments_shared(model, synchronized=synchronized):
        assert {layer.synchronized for layer in layers} == {synchronized}
    assert {layer.get_config()["synchronized"] for layer in layers} == {False}


@pytest.mark.parametrize(
    "settings",
    [{"scale": False}, {"center": False}, {"axis": 2}, {"dtype": "float64"}, {"renorm": True}],
    ids=str,
)
def test_normalisation_that_the_kernel_does_not_compute_is_kerass_own(settings):
    if "renorm" in settings and not hasattr(keras.layers.BatchNormalization(), "renorm"):
        pytest.skip("this Keras has no renormalisation")
    outputs = []
    for is_fast in (False, True):
        normalising = keras.layers.BatchNormalization(**settings)
        plain = keras.Sequential([keras.Input((4, 4, 4)), normalising])
        layers = fast_layers(plain, synchronized=False) if is_fast else plain.layers
        network = keras.Sequential([keras.Input((4, 4, 4)), *layers])
        inputs = np.random.default_rng(0).normal(2, 3, (6, 4, 4, 4))
        outputs += [[network(inputs, training=True), *plain.get_weights()]]
    for expected, found in zip(*outputs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_normalisation_of_the_channels_of_volumes_is_kerass_own():
    plain = keras.Sequential([keras.Input((2, 3, 4, 5)), keras.layers.BatchNormalization()])
    assert fast_layers(plain, synchronized=False) == plain.layers


def trained_by(optimizer_type, epochs=5):
    """Weights of a small network after some steps."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    schedule = keras.optimizers.schedules.CosineDecay(0.05, 40)
    network.compile(optimizer_type(schedule), "mse", jit_compile=False)
    random = np.random.default_rng(0)
    inputs, targets = random.normal(size=(32, 3)), random.normal(size=(32, 2))
    network.fit(inputs, targets, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return network.get_weights() + [np.asarray(value) for value in network.optimizer.variables]


def test_weights_and_moments_are_those_of_keras_adam():
    expected, found = trained_by(keras.optimizers.Adam), trained_by(FusedAdam)
    assert len(expected) == len(found)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)
    assert not np.allclose(found[0], trained_by(FusedAdam, epochs=1)[0], atol=1e-3)


def test_gradients_are_still_clipped_where_that_is_asked_for():
    clipped = FusedAdam(0.1, clipvalue=1e-9)
    variable = keras.Variable(np.ones(3, np.float32))
    clipped.build([variable])
    clipped.apply_gradients([(keras.ops.ones(3) * 1e6, variable)])
    # A gradient far below epsilon hardly moves anything.
    assert np.asarray(variable) == pytest.approx(np.ones(3), abs=2e-2)
