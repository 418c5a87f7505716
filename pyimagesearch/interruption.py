"""A polite end of training: the first Ctrl-C, or a request to terminate, keeps what was learnt."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import keras


class StopOnRequest(keras.callbacks.Callback):
    """Ends training after the current step once :attr:`requested_by` has been set.

    Attributes
    ----------
    requested_by : str or None
        Name of the signal that asked for the end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.requested_by: str | None = None

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        """Stop where it was asked for; see ``keras.callbacks.Callback``."""
        if self.requested_by:
            self.model.stop_training = True


@contextmanager
def stopping_on_signals(stop: StopOnRequest) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into requests to stop, for as long as the block.

    Parameters
    ----------
    stop : StopOnRequest
        Told of the first signal. A second one does what it would have done without us.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    usual = {number: signal.getsignal(number) for number in signals}

    def request(number: int, frame: FrameType | None) -> None:
        stop.requested_by = signal.Signals(number).name
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
