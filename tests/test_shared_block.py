from contextlib import contextmanager

import pytest

from pyimagesearch.shared_block import SharedBlock


def test_the_first_enters_and_the_last_leaves_whoever_that_is_and_again_later():
    seen = []

    @contextmanager
    def block():
        seen.append("entered")
        yield
        seen.append("left")

    shared = SharedBlock(block)
    for _ in range(2):
        seen.clear()
        shared.__enter__()
        shared.__enter__()
        shared.__exit__(None, None, None)
        assert seen == ["entered"]
        shared.__exit__(None, None, None)
        assert seen == ["entered", "left"]


def test_what_could_not_be_entered_is_not_left():
    def fail():
        raise OSError("no descriptor is left")

    shared = SharedBlock(fail)
    for _ in range(2):
        with pytest.raises(OSError, match="no descriptor"), shared:
            pass
