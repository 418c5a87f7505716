import keras
import numpy as np
import pytest

from pyimagesearch.errors import UserError
from pyimagesearch.training import checkpoints


@pytest.fixture
def run(tmp_path):
    description = {"--epochs": 4, "--seed": 1, "images": [2, 3, 4]}
    return checkpoints.Run(tmp_path / "model.checkpoint", description)


def compiled_network():
    """A small network with all that a checkpoint must hold: averages, dropout, an optimizer."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.layers.Input((3,)),
            keras.layers.Dense(4),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 40)
    network.compile(keras.optimizers.Adam(schedule), "binary_crossentropy", jit_compile=False)
    return network


def trained(network, epochs, *callbacks):
    random = np.random.default_rng(0)
    inputs, targets = random.normal(size=(40, 3)), random.integers(0, 2, (40, 1))
    return network.fit(
        inputs,
        targets,
        initial_epoch=epochs.start,
        epochs=epochs.stop,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    ).history


def test_a_run_taken_up_again_ends_as_one_that_was_not_interrupted(run):
    whole = compiled_network()
    losses = trained(whole, range(6))["loss"]

    history = {}
    trained(compiled_network(), range(3), checkpoints.SaveCheckpoint(run, history))
    resumed = compiled_network()
    history = checkpoints.load(run, resumed)
    trained(resumed, range(3, 6), checkpoints.SaveCheckpoint(run, history))
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-6)
    for expected, found in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_an_epoch_that_was_not_finished_is_not_saved(run):
    class StopInTheMiddle(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    history = {}
    save = checkpoints.SaveCheckpoint(run, history)
    trained(compiled_network(), range(2), StopInTheMiddle(), save)
    assert not run.checkpoint.exists()
    assert len(history["loss"]) == 1


def test_another_run_is_refused_by_what_differs(run):
    trained(compiled_network(), range(1), checkpoints.SaveCheckpoint(run, {}))
    changes = {"--seed": 2, "images": [2, 3, 5]}
    other = run._replace(description=run.description | changes)
    with pytest.raises(UserError, match="other --seed, images"):
        checkpoints.load(other, compiled_network())


def test_a_missing_or_damaged_checkpoint_is_one_line(run):
    with pytest.raises(UserError, match="no checkpoint"):
        checkpoints.load(run, compiled_network())
    trained(compiled_network(), range(1), checkpoints.SaveCheckpoint(run, {}))
    for kept in (0, 10, 1000, -1):
        run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:kept])
        with pytest.raises(UserError, match="damaged"):
            checkpoints.load(run, compiled_network())


def test_a_run_is_told_by_its_settings_its_files_and_its_pixels():
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    paths = ["data/a_b/0.png", "data/a_b/1.png"]

    def describe(seed, paths, images):
        return checkpoints.describe_run("fashion.model", {"seed": seed}, paths, images)

    run = describe(1, paths, images)
    assert run == describe(1, ["x/a_b/0.png", "x/a_b/1.png"], images)
    assert run != describe(2, paths, images)
    assert run != describe(1, ["data/a_b/0.png", "data/c_d/1.png"], images)
    changed = images.copy()
    changed[1, 2, 3, 0] += 1
    assert run != describe(1, paths, changed)
    assert run.checkpoint.name == "fashion.model.checkpoint"
