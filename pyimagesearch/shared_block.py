"""Blocks of a `with` statement that threads share, for what belongs to the whole process."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack


class SharedBlock:
    """A block that threads share, in any order: the first enters it, the last leaves it.

    Parameters
    ----------
    make : callable
        Makes the context manager that is entered.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[None]]) -> None:
        self._make, self._entered = make, ExitStack()
        self._lock, self._threads = threading.Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if self._threads == 0:
                self._entered.enter_context(self._make())
            self._threads += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._threads -= 1
            if self._threads == 0:
                self._entered.close()
