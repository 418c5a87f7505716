from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest

from pyimagesearch.shared_block import SharedBlock


def test_the_first_thread_enters_and_the_last_leaves_whichever_that_is():
    seen = []

    @contextmanager
    def block():
        seen.append("entered")
        yield
        seen.append("left")

    shared = SharedBlock(block)
    inside, may_leave = Event(), Event()

    def stay_until_told():
        with shared:
            inside.set()
            assert may_leave.wait(60)

    with ThreadPoolExecutor() as pool:
        for _ in range(2):  # It can be entered again.
            seen.clear()
            inside.clear()
            may_leave.clear()
            with shared:
                other = pool.submit(stay_until_told)
                assert inside.wait(60)
            assert seen == ["entered"]
            may_leave.set()
            other.result(60)
            assert seen == ["entered", "left"]


def test_what_could_not_be_entered_is_not_left():
    def fail():
        raise OSError("no descriptor is left")

    shared = SharedBlock(fail)
    for _ in range(2):
        with pytest.raises(OSError, match="no descriptor"), shared:
            pass
