import keras
import numpy as np
import pytest
import tensorflow as tf

from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.smallervggnet import SmallerVGGNet
from pyimagesearch.training import fitting
from pyimagesearch.training.checkpoints import Run
from pyimagesearch.training.fast_layers import FusedBatchNormalization


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.layers.Input((2, 2, 1)),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="sigmoid"),
        ]
    )


def batches(count, value=1.0):
    random = np.random.default_rng(0)
    images = random.normal(size=(count * 4, 2, 2, 1)).astype(np.float32) * value
    targets = (images.reshape(-1, 4)[:, :2] > 0).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((images, targets)).batch(4)


def fitted(network, tmp_path, value=1.0):
    return fitting.fit(
        network,
        batches(15, value),
        batches(2),
        steps=5,
        epochs=range(3),
        history={},
        run=Run(tmp_path / "m.checkpoint", {}),
    )


def log_odds(probabilities):
    return np.log(probabilities / (1 - probabilities))


def test_the_learning_rate_rises_to_three_times_its_start_and_falls_to_zero(model):
    rate = fitting.compile_network(model, 1e-3, 100).optimizer._learning_rate
    rates = [float(rate(step)) for step in range(101)]
    assert rates[0] == pytest.approx(1e-3)
    assert rates[25] == pytest.approx(3e-3) == pytest.approx(max(rates))
    assert rates[100] == pytest.approx(0, abs=1e-9)
    assert np.all(np.diff(rates[:26]) > 0)
    assert np.all(np.diff(rates[25:]) < 0)


def test_training_is_binary_and_fused(model):
    network = fitting.compile_network(model, 1e-3, 100)
    assert network.loss == "binary_crossentropy"
    assert isinstance(network.layers[0], FusedBatchNormalization)


def test_the_history_of_all_epochs_is_returned(model, tmp_path):
    outcome = fitted(fitting.compile_network(model, 1e-1, 15), tmp_path)
    assert outcome.ended_by is None
    assert {name: len(values) for name, values in outcome.history.items()} == {
        "binary_accuracy": 3,
        "loss": 3,
        "val_binary_accuracy": 3,
        "val_loss": 3,
    }
    assert outcome.history["loss"][-1] < outcome.history["loss"][0]


def test_offsets_are_subtracted_from_the_logits_of_the_trained_network():
    model = SmallerVGGNet.build(12, 12, 3, 2, finalAct="sigmoid")
    network = fitting.compile_network(model, 1e-3, 100)
    images = np.random.default_rng(0).random((3, 12, 12, 3)).astype(np.float32)
    before = log_odds(model.predict(images, verbose=0))
    fitting.subtract_from_logits(model, np.array([0.5, -2.0]))
    for changed in (model, network):
        after = log_odds(changed.predict(images, verbose=0))
        np.testing.assert_allclose(before - after, [[0.5, -2.0]] * 3, atol=1e-4)


def test_a_loss_that_is_no_number_fails_in_one_line_and_saves_nothing(model, tmp_path):
    network = fitting.compile_network(model, 1e-3, 15)
    with pytest.raises(UserError, match="loss became nan in epoch 1") as caught:
        fitted(network, tmp_path, value=np.nan)
    assert caught.value.exit_code == WORK_FAILED
    assert list(tmp_path.iterdir()) == []
