"""What hosts ask of programs that download from them: who runs them, and few requests at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3

WIKIMEDIA_CONTACT = "WIKIMEDIA_CONTACT"

PROGRAM = "pyimagesearch-multilabel/2"
PURPOSE = "multi-label image classification; builds a dataset"
# https://wikitech.wikimedia.org/wiki/Robot_policy
MOST_AT_ONCE = 2


class Courtesy:
    """Keeps to Wikimedia's robot and User-Agent policies on its hosts; other hosts ask for less.

    https://foundation.wikimedia.org/wiki/Policy:Wikimedia_Foundation_User-Agent_Policy

    Parameters
    ----------
    contact : str, optional
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


def is_wikimedia(host: str) -> bool:
    """Tell whether a host, in lower case, is one of Wikimedia's."""
    return host == "wikimedia.org" or host.endswith(".wikimedia.org")
