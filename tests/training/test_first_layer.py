import keras
import numpy as np
import pytest

from pyimagesearch.data.batches import Examples
from pyimagesearch.smallervggnet import SmallerVGGNet
from pyimagesearch.training.first_layer import (
    draw_patches,
    whiten_first_layer,
    whitening_filters,
)


@pytest.fixture
def examples():
    """Images of soft random colours; the last one is white, and not among those used."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 200, (10, 4, 4, 3)).astype(np.uint8)
    images = coarse.repeat(6, 1).repeat(6, 2)
    images = images + random.integers(0, 30, images.shape).astype(np.uint8)
    images[-1] = 255
    return Examples(images, np.zeros((10, 2), np.float32), np.arange(9))


def test_responses_to_patches_are_uncorrelated_and_vary_alike(examples):
    patches = draw_patches(examples, (3, 3), np.random.default_rng(1))
    responses = (patches - patches.mean(axis=0)) @ whitening_filters(patches, 5)
    covariance = np.cov(responses, rowvar=False)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-3)
    assert np.diag(covariance).min() > 0.5
    assert np.diag(covariance).max() <= 1


def test_patches_come_from_the_images_used_row_by_row(examples):
    patches = draw_patches(examples, (3, 2), np.random.default_rng(1)).reshape(-1, 3, 2, 3)
    assert patches.max() < 1
    # Within a square of colour, a patch is the colour and a little noise.
    images = examples.images / 255
    is_there = [
        np.isclose(images[:9, row : row + 22, column : column + 23], patches[0, row, column])
        for row in range(3)
        for column in range(2)
    ]
    assert np.all(is_there, axis=(0, -1)).any()


def test_the_first_layer_whitens_and_the_others_stay(examples):
    keras.utils.set_random_seed(0)
    model = SmallerVGGNet.build(24, 24, 3, 2, finalAct="sigmoid")
    before = model.get_weights()
    whiten_first_layer(model, examples, 1)
    after = model.get_weights()
    for old, new in zip(before[2:], after[2:], strict=True):
        np.testing.assert_array_equal(new, old)
    np.testing.assert_allclose(after[0][..., :16], -after[0][..., 16:])
    inputs = examples.images[:9].astype(np.float32) / 255
    responses = np.asarray(model.layers[0](inputs))[:, 1:-1, 1:-1]
    np.testing.assert_allclose(responses.mean(axis=(0, 1, 2)), 0, atol=0.1)
    assert responses.std(axis=(0, 1, 2)).min() > 0.5


def test_filters_that_patches_do_not_determine_stay_as_they_were(examples):
    plain = np.broadcast_to(examples.images[:, :1, :1], examples.images.shape)
    keras.utils.set_random_seed(0)
    model = SmallerVGGNet.build(24, 24, 3, 2, finalAct="sigmoid")
    before = model.layers[0].get_weights()[0]
    whiten_first_layer(model, examples._replace(images=plain), 1)
    after = model.layers[0].get_weights()[0]
    assert not np.isclose(after[..., :6], before[..., :6]).all()
    np.testing.assert_array_equal(after[..., 6:], before[..., 6:])


def test_images_that_are_all_the_same_leave_the_filters_alone(examples):
    model = SmallerVGGNet.build(24, 24, 3, 2, finalAct="sigmoid")
    before = model.layers[0].get_weights()[0]
    whiten_first_layer(model, examples._replace(images=np.full_like(examples.images, 7)), 1)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], before)


def test_a_network_that_begins_otherwise_stays_as_it_is(examples):
    model = keras.Sequential([keras.Input((24, 24, 3)), keras.layers.Flatten()])
    whiten_first_layer(model, examples, 1)
    assert model.get_weights() == []
