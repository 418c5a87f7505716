import keras
import numpy as np
import pytest
from full_disk import full_disk

from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.training import logs

pytestmark = pytest.mark.slow


class EndAtSecondEpoch(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            self.model.stop_training = True


@pytest.fixture
def fit():
    """Train a small network for three epochs."""
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    network.compile("sgd", "mse")
    examples = np.zeros((8, 4), np.float32), np.zeros((8, 2), np.float32)

    def fit(callbacks, **more):
        network.fit(
            *examples, epochs=3, verbose=0, validation_data=examples, callbacks=callbacks, **more
        )

    return fit


def test_the_log_of_a_run_that_was_ended_early_and_resumed_has_each_epoch_once(fit, tmp_path):
    log = tmp_path / "log.csv"
    fit([EndAtSecondEpoch(), *logs.loggers(log, None, append=False)])
    assert len(log.read_text().splitlines()) == 1 + 1
    fit(logs.loggers(log, None, append=True), initial_epoch=1)
    epochs = [line.partition(",")[0] for line in log.read_text().splitlines()]
    assert epochs == ["epoch", "0", "1", "2"]


def test_a_log_that_cannot_be_written_is_one_line(fit, tmp_path):
    log = logs.loggers(tmp_path / "missing" / "log.csv", None, append=False)
    with pytest.raises(UserError, match=r"cannot write .*log\.csv: No such file") as caught:
        fit(log)
    assert caught.value.exit_code == WORK_FAILED


def test_a_disk_that_fills_leaves_nothing_of_a_log_to_write_later(fit, tmp_path):
    log = logs.loggers(tmp_path / "log.csv", None, append=False)
    with full_disk(10), pytest.raises(UserError, match=r"log\.csv: File too large$"):
        fit(log)
    assert log[0].csv_file.closed


def test_tensorboard_gets_a_file_of_the_training_and_one_of_the_tests(fit, tmp_path):
    fit(logs.loggers(None, tmp_path / "runs", append=False))
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["train", "validation"]


@pytest.mark.parametrize("most_bytes", range(0, 500, 100))
def test_a_disk_that_fills_while_tensorboards_files_are_written_is_one_line(
    fit, tmp_path, most_bytes
):
    log = logs.loggers(None, tmp_path, append=False)
    with (
        full_disk(most_bytes),
        pytest.raises(UserError, match=f"cannot write {tmp_path}: File too large$") as caught,
    ):
        fit(log)
    assert caught.value.exit_code == WORK_FAILED
