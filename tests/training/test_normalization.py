import keras
import numpy as np
import pytest

from pyimagesearch.data.batches import Examples
from pyimagesearch.data.image_arrays import Rotation
from pyimagesearch.smallervggnet import SmallerVGGNet
from pyimagesearch.training import normalization

pytestmark = pytest.mark.slow


@pytest.fixture
def network():
    keras.utils.set_random_seed(0)
    return SmallerVGGNet.build(12, 12, 3, 2, finalAct="sigmoid")


@pytest.fixture
def examples():
    """Forty noisy images, of which all but the last ten are trained on."""
    images = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 3), np.uint8)
    return Examples(images, np.zeros((40, 2), np.float32), np.arange(30))


def first_moments(network, images):
    """Compute what reaches the first layer that normalises, and its moments."""
    activations = keras.Sequential(network.layers[:2]).predict(images / np.float32(255), verbose=0)
    return activations.mean((0, 1, 2)), activations.var((0, 1, 2))


def normalizing_layers(network):
    return [each for each in network.layers if isinstance(each, keras.layers.BatchNormalization)]


def test_the_averages_become_the_moments_of_the_training_images(network, examples):
    normalization.measure_normalization(network, examples, seed=1)
    first = normalizing_layers(network)[0]
    mean, variance = first_moments(network, examples.images[:30])
    np.testing.assert_allclose(first.moving_mean, mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(first.moving_variance, variance, rtol=1e-4)


def test_images_that_take_turns_are_measured_too_and_batches_are_averaged(
    network, examples, monkeypatch
):
    monkeypatch.setattr(normalization, "BATCH_SIZE", 8)
    some = examples._replace(indices=np.arange(10), rotation=Rotation(np.arange(10, 40), 3))
    normalization.measure_normalization(network, some, seed=1)
    mean, _ = first_moments(network, examples.images)
    np.testing.assert_allclose(normalizing_layers(network)[0].moving_mean, mean, rtol=1e-3)


def test_nothing_but_the_averages_changes(network, examples):
    before = [np.array(value) for value in network.trainable_variables]
    normalization.measure_normalization(network, examples, seed=1)
    for value, expected in zip(network.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(value, expected)
    assert {layer.momentum for layer in normalizing_layers(network)} == {0.95}


def test_a_network_without_batch_normalisation_stays_as_it_is(examples):
    layers = [keras.layers.Flatten(), keras.layers.Dense(2), keras.layers.Activation("sigmoid")]
    network = keras.Sequential([keras.Input((12, 12, 3)), *layers])
    before = network.get_weights()
    normalization.measure_normalization(network, examples, seed=1)
    for value, expected in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, expected)
