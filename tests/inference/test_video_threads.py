import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyimagesearch.inference.video_threads import ahead, newest


def counted(log, number=5):
    """Numbers, with a log of which were produced and of the end of the generator."""
    try:
        for item in range(number):
            log.append(item)
            yield item
    finally:
        log.append("closed")


def failing():
    yield 1
    raise ValueError("no more")


@pytest.mark.parametrize("through", [ahead, newest])
def test_what_a_generator_raises_is_raised_by_whoever_takes_its_items(through):
    with pytest.raises(ValueError, match="no more"):
        list(through(failing()))


def test_items_stay_in_order():
    assert list(ahead(counted([], 100))) == list(range(100))


def test_only_two_items_are_produced_ahead():
    log = []
    items = ahead(counted(log))
    next(items)
    items.close()
    assert log[-1] == "closed"
    assert len(log) <= 1 + 3


def test_an_item_is_produced_while_the_one_before_it_is_used():
    is_produced = threading.Event()

    def items():
        yield 1
        is_produced.set()
        yield 2

    taken = ahead(items())
    assert next(taken) == 1
    assert is_produced.wait(timeout=60)
    taken.close()


def test_items_that_newer_ones_overtook_are_dropped_but_not_the_last():
    may_go_on, are_all_there = threading.Event(), threading.Event()

    def items():
        yield 1
        may_go_on.wait(timeout=60)
        yield 2
        yield 3
        yield 4
        are_all_there.set()

    taken = newest(items())
    assert next(taken) == 1
    may_go_on.set()
    assert are_all_there.wait(timeout=60)
    assert list(taken) == [4]


def test_a_closed_generator_ends_its_thread():
    threads = threading.active_count()
    for through in (ahead, newest):
        log = []
        items = through(counted(log, 10**9))
        next(items)
        items.close()
        assert log[-1] == "closed"
    assert threading.active_count() == threads


@pytest.mark.parametrize("through", [ahead, newest])
def test_ctrl_c_while_a_thread_ends_takes_effect_after_it(through, monkeypatch, press_ctrl_c):
    is_busy, may_end, log = threading.Event(), threading.Event(), []

    def items():
        try:
            yield 1
            is_busy.set()
            may_end.wait(timeout=60)
            yield 2
        finally:
            log.append("closed")

    def interrupted(pool, **settings):
        press_ctrl_c()
        may_end.set()
        shutdown(pool, **settings)

    shutdown = ThreadPoolExecutor.shutdown
    taken = through(items())
    next(taken)
    assert is_busy.wait(timeout=60)
    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            taken.close()
    finally:
        may_end.set()
    assert log == ["closed"]
