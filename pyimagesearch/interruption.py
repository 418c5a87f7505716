"""A stretch of work that Ctrl-C does not cut in two."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruption_postponed() -> Iterator[None]:
    """Have Ctrl-C take effect after the block, which is short or has to end in any case."""
    # Ctrl-C reaches the main thread alone, and no other thread may ask for it.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        received.append(number)

    usual = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if received and callable(usual):
            usual(signal.SIGINT, None)
        elif received and usual != signal.SIG_IGN:
            signal.raise_signal(signal.SIGINT)
