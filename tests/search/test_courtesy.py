import threading
from contextlib import ExitStack

import pytest

from pyimagesearch.search.courtesy import (
    LONGEST_PAUSE,
    Courtesy,
    Rests,
    is_wikimedia,
)

HOST = "upload.wikimedia.org"


@pytest.mark.parametrize("host", ["wikimedia.org", HOST, "commons.wikimedia.org"])
def test_all_hosts_of_wikimedia_are_known(host):
    assert is_wikimedia(host)


@pytest.mark.parametrize("host", ["", "notwikimedia.org", "wikimedia.org.example.com"])
def test_others_are_not_taken_for_wikimedia(host):
    assert not is_wikimedia(host)


def test_only_wikimedia_learns_who_runs_the_program():
    courtesy = Courtesy("ann@example.org")
    assert "; ann@example.org) " in courtesy.headers(HOST)["User-Agent"]
    assert "ann@example.org" not in courtesy.headers("example.org")["User-Agent"]


def test_a_program_without_a_contact_still_says_what_it_is():
    agent = Courtesy(None).headers(HOST)["User-Agent"]
    assert agent.startswith("pyimagesearch-multilabel/2 (multi-label image classification;")
    assert "None" not in agent


def start(courtesy, host, entered):
    def request():
        with courtesy.turn(host):
            entered.release()

    threading.Thread(target=request, daemon=True).start()


def test_wikimedia_is_asked_for_two_files_at_once():
    courtesy, entered = Courtesy(None), threading.Semaphore(0)
    with courtesy.turn(HOST):
        start(courtesy, HOST, entered)
        assert entered.acquire(timeout=20)
        with courtesy.turn(HOST):
            start(courtesy, HOST, entered)
            assert not entered.acquire(timeout=0.2)
        assert entered.acquire(timeout=20)


def test_other_hosts_are_asked_for_as_many_as_there_are_workers():
    courtesy, entered = Courtesy(None), threading.Semaphore(0)
    with ExitStack() as turns:
        for _ in range(5):
            turns.enter_context(courtesy.turn("example.org"))
        start(courtesy, "example.org", entered)
        assert entered.acquire(timeout=20)


# --- hosts that ask for patience ---


@pytest.fixture
def clock(monkeypatch):
    """The time, in seconds, which the test sets."""
    time = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: time[0])
    return time


def test_a_host_rests_as_long_as_it_asks_for_and_others_do_not(clock):
    rests = Rests()
    rests.learn("busy.test", 429, retry_after=7)
    assert rests.seconds_left("busy.test") == 7
    assert rests.seconds_left("other.test") == 0
    clock[0] = 5.0
    assert rests.seconds_left("busy.test") == 2
    clock[0] = 7.0
    assert rests.seconds_left("busy.test") == 0


@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_an_answer_that_asks_for_no_patience_begins_no_rest(status):
    rests = Rests()
    rests.learn("a.test", status, retry_after=7)
    assert rests.seconds_left("a.test") == 0


def test_answers_to_requests_that_were_under_way_make_no_rest_longer(clock):
    rests = Rests()
    for _ in range(8):
        rests.learn("busy.test", 503, retry_after=0)
    assert rests.seconds_left("busy.test") == 0.25
    rests.learn("busy.test", 200, retry_after=0)
    assert rests.seconds_left("busy.test") == 0.25


def test_the_longest_of_the_rests_that_a_host_asks_for_counts(clock):
    rests = Rests()
    for seconds in (7, 60, 20):
        rests.learn("busy.test", 429, retry_after=seconds)
    assert rests.seconds_left("busy.test") == 60


def test_no_rest_that_a_host_does_not_ask_for_is_longer_than_an_hour(clock):
    rests = Rests()
    for _ in range(2000):
        rests.learn("busy.test", 503, retry_after=0)
        clock[0] += rests.seconds_left("busy.test")
    rests.learn("busy.test", 503, retry_after=0)
    assert rests.seconds_left("busy.test") == LONGEST_PAUSE == 3600
