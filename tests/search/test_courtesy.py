import threading
from contextlib import ExitStack

import pytest

from pyimagesearch.search.courtesy import MOST_AT_ONCE, Courtesy, is_wikimedia

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


def test_wikimedia_is_asked_for_few_files_at_once():
    courtesy, entered = Courtesy(None), threading.Semaphore(0)
    with courtesy.turn(HOST):
        for _ in range(MOST_AT_ONCE - 1):
            start(courtesy, HOST, entered)
            assert entered.acquire(timeout=20)
        with ExitStack() as turns:
            for _ in range(MOST_AT_ONCE - 1):
                turns.enter_context(courtesy.turn(HOST))
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
