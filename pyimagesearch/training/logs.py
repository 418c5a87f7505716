"""Logs of a training run: the metrics of each epoch, as CSV and for TensorBoard."""

import contextlib
from collections.abc import Iterator, Mapping

import keras
import tensorflow as tf

from pyimagesearch.errors import WORK_FAILED, UserError, reason_of
from pyimagesearch.files import AnyPath

Metrics = Mapping[str, float] | None


def loggers(
    csv_path: AnyPath | None, tensorboard_folder: AnyPath | None, *, append: bool
) -> list[keras.callbacks.Callback]:
    """Make the callbacks that write the metrics of each epoch as soon as it is done.

    Parameters
    ----------
    csv_path : path or None
        A file that gets one line an epoch.
    tensorboard_folder : path or None
        A folder for TensorBoard.
    append : bool
        Whether to continue the file instead of beginning it anew.

    Returns
    -------
    list of keras.callbacks.Callback
        One for each that was given. They raise a UserError if they cannot write.
    """
    callbacks: list[keras.callbacks.Callback] = []
    if csv_path is not None:
        callbacks.append(_EpochLog(csv_path, append=append))
    if tensorboard_folder is not None:
        callbacks.append(_TensorBoard(tensorboard_folder, write_graph=False))
    return callbacks


class _EpochLog(keras.callbacks.CSVLogger):
    """Leaves out an epoch that was ended early: a resumed run trains it again, and whole."""

    def on_train_begin(self, logs: Metrics = None) -> None:
        with _failure_named(self.filename):
            super().on_train_begin(logs)

    def on_epoch_end(self, epoch: int, logs: Metrics = None) -> None:
        if not self.model.stop_training:
            with _failure_named(self.filename):
                try:
                    super().on_epoch_end(epoch, logs)
                except OSError:
                    # Python would write what is in the buffer later, and report that it failed.
                    with contextlib.suppress(OSError):
                        self.csv_file.close()
                    raise


class _TensorBoard(keras.callbacks.TensorBoard):
    """Fails in one line, wherever it makes, fills or closes a file."""

    def on_train_begin(self, logs: Metrics = None) -> None:
        with _failure_named(self.log_dir):
            super().on_train_begin(logs)

    def on_test_begin(self, logs: Metrics = None) -> None:
        with _failure_named(self.log_dir):
            super().on_test_begin(logs)

    def on_test_end(self, logs: Metrics = None) -> None:
        with _failure_named(self.log_dir):
            super().on_test_end(logs)

    def on_epoch_end(self, epoch: int, logs: Metrics = None) -> None:
        with _failure_named(self.log_dir):
            super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs: Metrics = None) -> None:
        with _failure_named(self.log_dir):
            super().on_train_end(logs)


@contextlib.contextmanager
def _failure_named(path: AnyPath) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason_of(error)}", WORK_FAILED) from error
    except tf.errors.OpError as error:
        # Its first line is the operation, the file and, after a semicolon, the system's reason.
        reason = error.message.partition("\n")[0].rpartition("; ")[2]
        raise UserError(f"cannot write {path}: {reason}", WORK_FAILED) from error
