"""Count what a function does and what memory it takes: neither depends on the clock."""

import sys
import tracemalloc
from contextlib import contextmanager
from types import SimpleNamespace


def count_events(kind, function, *given, **named):
    """Count what runs in Python: each "line", or each "call" of a function.

    Each item that is taken from a generator is a call, too.
    """
    count = 0

    def trace(frame, event, _):
        nonlocal count
        count += event == kind
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*given, **named)
    finally:
        sys.settrace(before)
    return count


@contextmanager
def traced_memory():
    """Yield something whose `peak` says, after the block, how many bytes Python took at most."""
    memory = SimpleNamespace(peak=None)
    tracemalloc.start()
    try:
        yield memory
        memory.peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
