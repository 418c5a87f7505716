import signal
import sys
from contextlib import contextmanager
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from scipy.sparse import csr_array

from pyimagesearch.data.batches import Examples
from pyimagesearch.errors import INTERRUPTED, WORK_FAILED, UserError
from pyimagesearch.smallervggnet import SmallerVGGNet
from pyimagesearch.training import fitting
from pyimagesearch.training.balance import label_weights
from pyimagesearch.training.checkpoints import Run
from pyimagesearch.training.devices import TrainingDevice
from pyimagesearch.training.fast_layers import FusedBatchNormalization
from pyimagesearch.training.workers import InStep

pytestmark = pytest.mark.slow


def build():
    keras.utils.set_random_seed(0)
    return SmallerVGGNet.build(12, 12, 3, 2, finalAct="sigmoid")


@pytest.fixture
def examples():
    """Bright and dark images, whose two labels say which they are."""
    is_bright = np.arange(40) % 2 == 0
    images = np.where(is_bright, 200, 50)[:, None, None, None]
    images = np.broadcast_to(images, (40, 12, 12, 3)).astype(np.uint8)
    targets = np.stack([is_bright, ~is_bright], axis=1).astype(np.float32)
    return Examples(images, csr_array(targets), np.arange(30))


@pytest.fixture
def make_trainer(tmp_path, examples):
    def make(examples=examples, *, build=build, balance=False):
        device = TrainingDevice(tf.distribute.get_strategy(), "CPU", is_chief=True)
        run = Run(tmp_path / "m.checkpoint", {"--seed": 1})
        settings = fitting.Settings(3, 10, 1e-3, 1, balance)
        return fitting.Trainer(build, device, run, examples=examples, settings=settings)

    return make


class InterruptSecondEpoch(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def log_odds(probabilities):
    return np.log(probabilities / (1 - probabilities))


def test_the_learning_rate_rises_to_twice_its_start_and_falls_to_zero():
    rate = fitting.compile_network(build(), 1e-3, 100).optimizer._learning_rate
    rates = [float(rate(step)) for step in range(101)]
    assert rates[0] == pytest.approx(1e-3)
    assert rates[25] == pytest.approx(2e-3) == pytest.approx(max(rates))
    assert rates[100] == pytest.approx(0, abs=1e-9)
    assert np.all(np.diff(rates[:26]) > 0)
    assert np.all(np.diff(rates[25:]) < 0)


@pytest.mark.parametrize("steps", [2, 3])
def test_the_learning_rate_of_the_shortest_runs_rises_from_its_start(steps):
    rate = fitting.compile_network(build(), 1e-3, steps).optimizer._learning_rate
    rates = [float(rate(step)) for step in range(steps + 1)]
    assert rates[:2] == pytest.approx([1e-3, 2e-3])
    assert rates[steps] == pytest.approx(0, abs=1e-9)


def test_adam_remembers_the_gradients_of_a_hundred_steps():
    optimizer = fitting.compile_network(build(), 1e-3, 100).optimizer
    assert 1 / (1 - optimizer.beta_2) == pytest.approx(100)


def test_training_is_binary_and_fused():
    network = fitting.compile_network(build(), 1e-3, 100)
    assert network.loss == "binary_crossentropy"
    assert any(isinstance(layer, FusedBatchNormalization) for layer in network.layers)


def test_the_training_step_is_traced_once(make_trainer, examples, monkeypatch):
    traces = []
    train_step = InStep.train_step
    monkeypatch.setattr(
        InStep, "train_step", lambda self, data: traces.append(0) or train_step(self, data)
    )
    make_trainer().fit(examples)
    assert len(traces) == 1


def test_training_learns_and_keeps_the_metrics_of_all_epochs(make_trainer, examples):
    trainer = make_trainer()
    assert trainer.fit(examples) is None
    assert {name: len(values) for name, values in trainer.history.items()} == {
        "binary_accuracy": 3,
        "loss": 3,
        "val_binary_accuracy": 3,
        "val_loss": 3,
    }
    assert trainer.history["loss"][-1] < trainer.history["loss"][0]


def test_training_alone_has_fast_products(make_trainer, examples, monkeypatch):
    happened = []

    @contextmanager
    def fast_products(device):
        happened.append("begins")
        yield
        happened.append("ends")

    monkeypatch.setattr(TrainingDevice, "fast_products", fast_products)
    trained = keras.callbacks.LambdaCallback(on_train_end=lambda logs: happened.append("trained"))
    trainer = make_trainer()
    trainer.fit(examples, log=[trained])
    trainer.predict(examples)
    assert happened == ["begins", "trained", "ends"]


@pytest.mark.parametrize("balance", [False, True])
def test_a_run_that_is_resumed_trains_only_the_epochs_left(make_trainer, examples, balance):
    whole = make_trainer(balance=balance)
    whole.fit(examples)
    assert make_trainer(balance=balance).resume() == 3
    with pytest.raises(KeyboardInterrupt):
        make_trainer(balance=balance).fit(examples, log=[InterruptSecondEpoch()])
    resumed = make_trainer(balance=balance)
    assert resumed.resume() == 1
    resumed.fit(examples)
    assert resumed.history == whole.history


def test_a_run_is_not_resumed_with_another_network(make_trainer, examples):
    def build_with(rate=0.5, activation="sigmoid", units=4):
        inner = [layers.Flatten(), layers.Dense(units), layers.Dropout(rate), layers.Dense(2)]
        last = layers.Activation(activation)
        return keras.Sequential([keras.Input((12, 12, 3)), *inner, last])

    with pytest.raises(KeyboardInterrupt):
        make_trainer(build=build_with).fit(examples, log=[InterruptSecondEpoch()])
    assert make_trainer(build=build_with).resume() == 1  # Keras gives its layers other names.
    for change in ({"rate": 0.1}, {"activation": "softmax"}, {"units": 8}):
        trainer = make_trainer(build=partial(build_with, **change))
        with pytest.raises(UserError, match="is of a run with other network layers: train without"):
            trainer.resume()


def test_a_worker_whose_chief_has_trained_all_epochs_has_nothing_left_to_do(
    make_trainer, examples, monkeypatch
):
    monkeypatch.setattr(fitting.workers, "share_state", lambda strategy, state, done: 3)
    worker = make_trainer()
    before = [np.array(value) for value in worker.model.trainable_variables]
    assert worker.fit(examples) is None
    for value, expected in zip(worker.model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_a_short_run_recognises_the_images_that_it_was_trained_on(make_trainer, examples):
    trainer = make_trainer()
    trainer.fit(examples)
    targets = examples.targets[:30].toarray()
    np.testing.assert_array_equal(trainer.predict(examples) > 0.5, targets == 1)


def test_a_long_run_keeps_the_averages_of_training(make_trainer, examples, monkeypatch):
    measured = []
    monkeypatch.setattr(
        fitting, "measure_normalization", lambda *_, **__: measured.append("measured")
    )
    monkeypatch.setattr(fitting, "SHORT_RUN", 9)  # three epochs of three steps
    make_trainer().fit(examples)
    assert measured == ["measured"]
    monkeypatch.setattr(fitting, "SHORT_RUN", 8)
    make_trainer().fit(examples)
    assert measured == ["measured"]


@pytest.mark.parametrize(("epoch", "ended_by"), [(1, "SIGINT"), (2, None)])
def test_a_signal_after_the_last_training_step_ends_nothing_early(
    make_trainer, examples, epoch, ended_by
):
    class SignalInTest(keras.callbacks.Callback):
        def on_epoch_begin(self, number, logs=None):
            self.epoch = number

        def on_test_begin(self, logs=None):
            if self.epoch == epoch:
                signal.raise_signal(signal.SIGINT)

    trainer = make_trainer()
    assert trainer.fit(examples, log=[SignalInTest()]) == ended_by
    assert len(trainer.history["loss"]) == 3


def test_labels_are_weighed_only_where_the_run_is_to_balance_them(make_trainer, examples):
    # One image in 30 has the first label.
    targets = np.zeros(examples.targets.shape, np.float32)
    targets[0, 0] = targets[:15, 1] = 1
    rare = examples._replace(targets=csr_array(targets))
    batch = rare.images[:1] / np.float32(255), targets[:1]
    plain, balanced = (
        make_trainer(rare, balance=balance)._network.evaluate(*batch, verbose=0)[0]
        for balance in (False, True)
    )
    # Before training, the network is as unsure of one label as of the other.
    absent, present = label_weights(rare)
    assert present[0] > 10 * absent[0]
    assert balanced == pytest.approx(plain * (present[0] + present[1]) / 2, rel=0.2)


def test_the_checkpoint_stays_only_where_the_run_was_ended_early(make_trainer, examples, tmp_path):
    trainer = make_trainer()
    trainer.fit(examples)
    assert trainer.end("SIGINT") == INTERRUPTED
    assert [path.name for path in tmp_path.iterdir()] == ["m.checkpoint"]
    assert trainer.end(None) == 0
    assert list(tmp_path.iterdir()) == []


def test_where_the_checkpoint_is_a_link_the_file_that_it_leads_to_is_removed(
    make_trainer, examples, tmp_path
):
    link = tmp_path / "m.checkpoint"
    link.symlink_to(tmp_path / "elsewhere")
    trainer = make_trainer()
    trainer.fit(examples)
    assert trainer.end(None) == 0
    assert list(tmp_path.iterdir()) == [link]


def test_a_checkpoint_that_cannot_be_removed_is_named_in_one_line(make_trainer, tmp_path):
    (tmp_path / "m.checkpoint").mkdir()
    with pytest.raises(UserError, match=r"cannot remove .*m\.checkpoint"):
        make_trainer().end(None)


def test_offsets_are_subtracted_from_the_logits_of_both_networks(make_trainer, examples):
    trainer = make_trainer()
    images = examples.images[:30] / np.float32(255)
    before = log_odds(trainer.model.predict(images, verbose=0))
    trainer.subtract_from_logits(np.array([0.5, -2.0]))
    for probabilities in (trainer.model.predict(images, verbose=0), trainer.predict(examples)):
        np.testing.assert_allclose(before - log_odds(probabilities), [[0.5, -2.0]] * 30, atol=1e-4)


@pytest.mark.parametrize(
    "last",
    [
        [layers.Dense(2, use_bias=False), layers.Activation("sigmoid")],
        [layers.Dense(2), layers.BatchNormalization(), layers.Activation("sigmoid")],
        [layers.Activation("sigmoid")],
        [layers.Dense(2, activation="sigmoid")],
        [layers.Dense(2, activation="relu"), layers.Activation("sigmoid")],
        [layers.Reshape((12, 12, 3)), layers.Conv2D(2, 12), layers.Flatten()],
    ],
    ids=["no bias", "normalised", "no weights", "one layer", "two activations", "convolution"],
)
def test_a_network_whose_logits_cannot_be_found_is_refused_before_it_is_trained(make_trainer, last):
    model = keras.Sequential([keras.Input((12, 12, 3)), layers.Flatten(), *last])
    with pytest.raises(TypeError, match="must end in a Dense layer with a bias and no activation"):
        make_trainer(build=lambda: model)


@pytest.mark.parametrize(
    "begin",
    [
        lambda end: keras.Model(image := keras.Input((3,)), end(image)),
        lambda end: keras.Sequential([end]),
    ],
    ids=["functional", "without input"],
)
def test_a_network_that_is_no_sequence_of_built_layers_is_refused_before_it_is_trained(
    make_trainer, begin
):
    end = keras.Sequential([layers.Dense(2), layers.Activation("sigmoid")])
    with pytest.raises(TypeError, match="Sequential that begins with an Input"):
        make_trainer(build=lambda: begin(end))


@pytest.mark.parametrize(
    "change",
    [
        {"images": np.zeros((40, 12, 12, 3), np.float32)},
        {"targets": csr_array((40, 3), dtype=np.float32)},
        {"indices": np.arange(40) % 2 == 0},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("balance", [False, True])
def test_examples_that_would_train_or_test_nonsense_are_refused_at_once(
    make_trainer, examples, change, balance
):
    wrong = examples._replace(**change)
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be"):
        make_trainer(wrong, balance=balance)
    trainer = make_trainer(balance=balance)
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be"):
        trainer.fit(wrong)
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be"):
        trainer.predict(wrong)
    assert trainer.history == {"loss": []}


def test_a_loss_that_is_no_number_fails_in_one_line_and_saves_nothing(
    make_trainer, examples, tmp_path
):
    broken = examples._replace(targets=examples.targets * np.float32(np.nan))
    with pytest.raises(UserError, match="loss became nan in epoch 1") as caught:
        make_trainer(broken).fit(broken)
    assert caught.value.exit_code == WORK_FAILED
    assert list(tmp_path.iterdir()) == []


def test_a_service_without_stdout_can_train(make_trainer, examples, monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    trainer = make_trainer()
    trainer.fit(examples)
    assert len(trainer.history["loss"]) == 3
    broken = examples._replace(targets=examples.targets * np.float32(np.nan))
    with pytest.raises(UserError, match="loss became nan"):
        make_trainer(broken).fit(broken)
    assert sys.stdout is None
