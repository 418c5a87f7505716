"""Let the stages that frames go through overlap, each in a thread of its own."""

import contextlib
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from pyimagesearch.interruption import interruption_postponed

T = TypeVar("T")

_END: Any = object()


def ahead(items: Generator[T, None, None]) -> Generator[T, None, None]:
    """Let a thread produce the next item while the one before it is used.

    Parameters
    ----------
    items : generator
        Runs in the thread. It is closed with this one.

    Yields
    ------
    object
        The same items in the same order. What `items` raises is raised here.
    """
    with contextlib.closing(items), _own_thread() as pool:
        # One item waits to be used, and another one is being produced.
        waiting: deque[Future[T]] = deque(pool.submit(next, items, _END) for _ in range(2))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(pool.submit(next, items, _END))
            yield item


def newest(items: Generator[T, None, None]) -> Generator[T, None, None]:
    """Let a thread take items as they come, and give the newest one whenever asked.

    Parameters
    ----------
    items : generator
        Runs in the thread, for example to read a camera. It is closed with this one.

    Yields
    ------
    object
        Some of the items, in order. An item is dropped if a newer one comes before it is asked
        for, so the last one never is. What `items` raises is raised here.
    """
    newest_item: deque[T] = deque(maxlen=1)
    changed = threading.Condition()
    is_over = threading.Event()

    def take_all() -> None:
        for item in items:
            if is_over.is_set():
                break
            with changed:
                newest_item.append(item)
                changed.notify()

    def wake(_: Future[None]) -> None:
        with changed:
            changed.notify()

    with contextlib.closing(items), _own_thread() as pool:
        taking = pool.submit(take_all)
        taking.add_done_callback(wake)
        try:
            while True:
                with changed:
                    changed.wait_for(lambda: newest_item or taking.done())
                    if not newest_item:
                        break
                    item = newest_item.pop()
                yield item
        finally:
            is_over.set()
        taking.result()


@contextlib.contextmanager
def _own_thread() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(1)
    try:
        yield pool
    finally:
        # A generator that the thread still runs cannot be closed, nor what it reads from.
        with interruption_postponed():
            pool.shutdown(cancel_futures=True)
