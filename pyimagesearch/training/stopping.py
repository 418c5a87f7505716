"""A training run that a signal ends after the current step."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import keras

from pyimagesearch.interruption import receives_signals


class StopOnSignal(keras.callbacks.Callback):
    """Ends training after the current step when SIGINT or SIGTERM asks for it.

    Parameters
    ----------
    alone : bool
        Whether no other process takes part in the training. Otherwise the others would wait for
        this one if it stopped training on its own, so a signal ends it with a KeyboardInterrupt.
        That, too, is raised after a step: within TensorFlow's own code it can crash the process,
        because ``tf.constant`` goes on without a context if reading the context raises. Without
        this callback, SIGTERM would not end a worker: TensorFlow catches it and does nothing.

    Attributes
    ----------
    requested_by : str or None
        The name of the signal.
    """

    def __init__(self, *, alone: bool = True) -> None:
        super().__init__()
        self.alone = alone
        self.requested_by: str | None = None

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        """Stop if a signal has come; see ``keras.callbacks.Callback``."""
        if self.requested_by:
            self._end_worker()
            self.model.stop_training = True

    def on_test_batch_end(self, batch: int, logs: object = None) -> None:
        """End a worker if a signal has come; see ``keras.callbacks.Callback``."""
        if self.requested_by:
            self._end_worker()

    def _end_worker(self) -> None:
        if not self.alone:
            raise KeyboardInterrupt

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Catch the first signal within the block. A second one does what it usually does.

        Outside the main thread, which alone may ask for signals, both do what they usually do.
        """
        if not receives_signals():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        usual = {number: signal.getsignal(number) for number in signals}

        def request(number: int, frame: FrameType | None) -> None:
            self.requested_by = signal.Signals(number).name
            restore()

        def restore() -> None:
            for number, handler in usual.items():
                signal.signal(number, handler)

        for number in signals:
            signal.signal(number, request)
        try:
            yield
        finally:
            restore()
