"""What hosts ask of programs that download from them.

They want to know who runs the program, few requests at once, and patience while they are busy.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3

WIKIMEDIA_CONTACT = "WIKIMEDIA_CONTACT"

PROGRAM = "pyimagesearch-multilabel/2"
PURPOSE = "multi-label image classification; builds a dataset"
# https://wikitech.wikimedia.org/wiki/Robot_policy
MOST_AT_ONCE = 2

# Too many requests, and service unavailable.
BUSY_STATUSES = (429, 503)
# Seconds for which a busy host that asks for none is left alone, doubled until it answers well.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 3600.0


class Courtesy:
    """Keeps to Wikimedia's robot and User-Agent policies on its hosts; other hosts ask for less.

    https://foundation.wikimedia.org/wiki/Policy:Wikimedia_Foundation_User-Agent_Policy

    Parameters
    ----------
    contact : str or None
        Mail address or web page of whoever runs this program. Only Wikimedia's hosts learn it.
    """

    def __init__(self, contact: str | None) -> None:
        self._contact = contact
        self._turns = threading.BoundedSemaphore(MOST_AT_ONCE)

    def headers(self, host: str) -> dict[str, str]:
        """Return the headers that tell a host which program asks."""
        is_told = self._contact and is_wikimedia(host)
        about = f"{PURPOSE}; {self._contact}" if is_told else PURPOSE
        return {"User-Agent": f"{PROGRAM} ({about}) urllib3/{urllib3.__version__}"}

    @contextmanager
    def turn(self, host: str) -> Iterator[None]:
        """Wait until another request to a host is welcome, and hold its place within the block."""
        if not is_wikimedia(host):
            yield
            return
        with self._turns:
            yield


class Rests:
    """Remembers, for all threads, until when busy hosts are to be left alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[str, float] = {}
        self._next_pauses: dict[str, float] = {}

    def seconds_left(self, host: str) -> float:
        """Return how long a host is still to be left alone; 0 if it may be asked."""
        with self._lock:
            now = time.monotonic()
            return max(0.0, self._ends.get(host, now) - now)

    def learn(self, host: str, status: int, retry_after: float) -> None:
        """Learn from an answer whether its host is busy.

        Parameters
        ----------
        host : str
            Who answered, in lower case.
        status : int
            HTTP status of the answer.
        retry_after : float
            Seconds that the host asks to be left alone; 0 if it does not say.
        """
        with self._lock:
            if status not in BUSY_STATUSES:
                self._next_pauses.pop(host, None)
                return
            now = time.monotonic()
            seconds = retry_after
            # Several requests may have been under way; only the first answer doubles the pause.
            if now >= self._ends.get(host, now):
                pause = self._next_pauses.get(host, FIRST_PAUSE)
                self._next_pauses[host] = min(2 * pause, LONGEST_PAUSE)
                seconds = retry_after or pause
            self._ends[host] = max(self._ends.get(host, now), now + seconds)


def is_wikimedia(host: str) -> bool:
    """Tell whether a host, in lower case, is one of Wikimedia's."""
    return host == "wikimedia.org" or host.endswith(".wikimedia.org")
