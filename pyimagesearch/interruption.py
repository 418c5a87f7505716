"""Which thread Ctrl-C reaches, and a stretch of work that it does not cut in two."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def receives_signals() -> bool:
    """Tell whether this is the main thread, which alone receives signals and may ask for them."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def interruption_postponed() -> Iterator[None]:
    """Have Ctrl-C take effect after the block, which is short or has to end in any case."""
    if not receives_signals():
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
