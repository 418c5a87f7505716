import keras
import numpy as np
import pytest
from keras.layers import BatchNormalization
from scipy.sparse import csr_array

from pyimagesearch.data.batches import Examples
from pyimagesearch.data.image_arrays import Turns
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
    return Examples(images, csr_array((40, 2), dtype=np.float32), np.arange(30))


@pytest.fixture
def measure(network, examples):
    def measure(examples=examples, network=network):
        normalization.measure_normalization(network, examples, seed=1)
        return [each for each in network.layers if isinstance(each, BatchNormalization)]

    return measure


def activations_before(layer, network, images):
    """Compute what reaches a layer in training, but for dropout, and its mean and variance."""
    activations = images / np.float32(255)
    for each in network.layers[: network.layers.index(layer)]:
        activations = each(activations, training=isinstance(each, BatchNormalization))
    axes = tuple(range(len(activations.shape) - 1))
    return np.mean(activations, axes), np.var(activations, axes)


@pytest.mark.parametrize("position", [0, 3, -1])
def test_the_averages_become_the_moments_of_the_training_images_without_dropout(
    network, examples, measure, position
):
    layer = measure()[position]
    measured = np.array(layer.moving_mean), np.array(layer.moving_variance)
    mean, variance = activations_before(layer, network, examples.images[:30])
    np.testing.assert_allclose(measured[0], mean, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(measured[1], variance, rtol=1e-3, atol=1e-5)


def test_batches_are_averaged(network, examples, measure, monkeypatch):
    monkeypatch.setattr(normalization, "LARGEST_BATCH", 10)
    first = measure()[0]
    mean, _ = activations_before(first, network, examples.images[:30])
    np.testing.assert_allclose(first.moving_mean, mean, rtol=1e-4, atol=1e-6)


def test_images_that_take_turns_have_the_part_that_they_have_of_an_epoch(examples):
    some = examples._replace(indices=np.arange(10), turns=Turns(np.arange(10, 40), 3))
    (batch,) = normalization._batches(some, 1)
    assert sum(batch < 10) == sum(batch >= 10) == 10


@pytest.mark.parametrize(("side", "sizes"), [(96, [10]), (192, [5, 5]), (960, [4, 3, 3])])
def test_few_large_images_are_in_a_batch(side, sizes):
    images = np.broadcast_to(np.uint8(0), (10, side, side, 3))
    examples = Examples(images, csr_array((10, 2), dtype=np.float32), np.arange(10))
    assert [len(batch) for batch in normalization._batches(examples, 1)] == sizes


def test_so_many_images_are_measured_as_are_needed(examples, monkeypatch):
    monkeypatch.setattr(normalization, "MOST_IMAGES", 12)
    assert sum(map(len, normalization._batches(examples, 1))) == 12


def test_nothing_but_the_averages_changes(network, measure):
    before = [np.array(value) for value in network.trainable_variables]
    assert {layer.momentum for layer in measure()} == {0.95}
    for value, expected in zip(network.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_layers_inside_others_stay_as_they_are_and_networks_may_have_none(measure):
    inner = keras.Sequential([keras.layers.Dense(4), BatchNormalization()])
    layers = [keras.layers.Flatten(), inner, keras.layers.Dense(2)]
    network = keras.Sequential([keras.Input((12, 12, 3)), *layers])
    before = network.get_weights()
    assert measure(network=network) == []
    for value, expected in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, expected)
