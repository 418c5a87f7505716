"""Count what a function does, which does not depend on the clock as its time does."""

import sys


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
