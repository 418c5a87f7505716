import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyimagesearch.interruption import interruption_postponed


def test_ctrl_c_within_the_block_takes_effect_after_it(press_ctrl_c):
    done = []
    with pytest.raises(KeyboardInterrupt), interruption_postponed():
        press_ctrl_c()
        press_ctrl_c()
        done.append("all")
    assert done == ["all"]


def test_ctrl_c_after_the_block_takes_effect_at_once(press_ctrl_c):
    with interruption_postponed():
        pass
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()


def test_ctrl_c_that_is_ignored_before_the_block_is_ignored_after_it(press_ctrl_c):
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruption_postponed():
            press_ctrl_c()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, usual)


def test_other_threads_which_no_ctrl_c_reaches_may_use_the_block():
    def work():
        with interruption_postponed():
            return "done"

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result(20) == "done"
