import keras
import numpy as np
import pytest
from scipy.sparse import csr_array

from pyimagesearch.data.batches import Examples, make_targets
from pyimagesearch.data.image_arrays import Turns
from pyimagesearch.recoloring.composition import TURNS
from pyimagesearch.recoloring.prior import logit_offsets
from pyimagesearch.training.balance import (
    balanced_crossentropy,
    label_weights,
    weight_in_loss,
)

IMAGES = np.zeros((0, 1, 1, 3), np.uint8)


def examples_with(*counts, images, indices=None):
    """Examples of which so many have each label."""
    targets = csr_array(np.arange(images)[:, None] < counts, dtype=np.float32)
    return Examples(IMAGES, targets, np.arange(images) if indices is None else indices)


def mean_weight(weights, targets):
    return (weights[0] * (1 - targets) + weights[1] * targets).mean()


def test_weights_are_those_of_the_effective_number_of_images():
    absent, present = label_weights(examples_with(10, 500, images=1000))
    effective = {n: (1 - 0.999**n) / (1 - 0.999) for n in (10, 500, 990)}
    assert present[0] / present[1] == pytest.approx(effective[500] / effective[10])
    assert present[0] / absent[0] == pytest.approx(effective[990] / effective[10])
    assert present[1] == pytest.approx(absent[1])


@pytest.mark.parametrize("counts", [(10, 500), (0, 30), (1000, 999), (0, 1000), (1, 2)])
def test_weights_are_finite_and_their_mean_over_the_targets_is_one(counts):
    examples = examples_with(*counts, images=1000)
    weights = label_weights(examples)
    assert np.isfinite(weights).all()
    assert (weights > 0).all()
    assert mean_weight(weights, examples.targets.toarray()) == pytest.approx(1)


def test_only_images_that_an_epoch_shows_count():
    shown = label_weights(examples_with(3, 5, images=10))
    # Every fourth of 40 images is one of ten, of which three and five have the labels.
    more = examples_with(12, 20, images=40, indices=np.arange(0, 40, 4))
    np.testing.assert_allclose(label_weights(more), shown)


def test_images_that_take_turns_count_as_often_as_an_epoch_shows_them():
    targets = np.zeros((50, 2), np.float32)
    targets[:10, 0] = targets[10:50, 1] = 1
    targets = csr_array(targets)
    taking_turns = Examples(IMAGES, targets, np.arange(10), Turns(np.arange(10, 50), 4))
    all_fixed = Examples(IMAGES, targets, np.arange(20))
    np.testing.assert_allclose(label_weights(taking_turns), label_weights(all_fixed))


def test_with_weights_of_one_the_loss_is_the_binary_cross_entropy():
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, (8, 3)).astype(np.float32)
    probabilities = random.random((8, 3), np.float32)
    loss = balanced_crossentropy(np.ones((2, 3)))(targets, probabilities)
    expected = keras.losses.binary_crossentropy(targets, probabilities)
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_each_label_is_weighed_by_whether_the_image_has_it():
    weights = np.array([[2.0, 3.0], [5.0, 7.0]])
    targets, probabilities = np.float32([[1, 0]]), np.float32([[0.25, 0.25]])
    (loss,) = balanced_crossentropy(weights)(targets, probabilities)
    assert float(loss) == pytest.approx((5 * np.log(4) + 3 * np.log(4 / 3)) / 2)


def log_odds(weights, examples):
    """The log odds with which the loss sees each label."""
    turns, targets = examples.turns, examples.targets
    present = targets[examples.indices].sum(axis=0)
    present = present + targets[turns.indices].sum(axis=0) / turns.epochs
    images = len(examples.indices) + len(turns.indices) / turns.epochs
    return np.log(weights[1] * present / (weights[0] * (images - present)))


@pytest.mark.parametrize("rare", [10, 96, 700])
def test_the_correction_for_composed_images_leaves_out_what_balancing_has_undone(rare):
    labels = [("black", "jeans")] * rare + [("blue", "jeans"), ("blue", "dress")] * 350
    composed = [("black", "dress")] * TURNS * 350
    classes = ["black", "blue", "dress", "jeans"]
    targets = make_targets(labels + composed, classes)
    known = np.arange(len(labels))
    alone = Examples(IMAGES, targets, known)
    both = Examples(IMAGES, targets, known, Turns(np.arange(len(labels), targets.shape[0]), TURNS))
    shift = log_odds(label_weights(both), both) - log_odds(label_weights(alone), alone)
    offsets = logit_offsets(labels, composed, classes, part=0, weigh=weight_in_loss)
    np.testing.assert_allclose(offsets[:2], shift[:2], atol=0.02)
    plain = logit_offsets(labels, composed, classes, part=0)
    assert plain[0] > 2 * offsets[0]
