"""Downloads from URLs that strangers chose: where a request may go, and how much it may bring.

A URL from a search may name any host, and the answer may be anything. So only http and https are
spoken. A host's name is resolved once, all its addresses must be public, and the connection goes to
an address that was checked. Redirects pass the same checks, hop by hop. A body is cut at its limit
while it streams, and everything at its deadline.
"""

import http.client
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from pyimagesearch.console import counted, say_nothing
from pyimagesearch.search.addresses import IPAddress, check_addresses, resolve
from pyimagesearch.search.connections import Brake, Deadline, connected
from pyimagesearch.search.courtesy import Courtesy, Rests
from pyimagesearch.search.errors import FetchError
from pyimagesearch.search.urls import Target, check_port, follow, parse

MOST_REDIRECTS = 5
CHUNK_BYTES = 2**16
REDIRECTS = (301, 302, 303, 307, 308)
# Request timeout, too early, too many requests, and errors of the server itself.
TRANSIENT_STATUSES = (408, 425, 429, *range(500, 600))
# Servers may ask for any number of seconds; more than a day makes no difference.
LONGEST_RETRY_AFTER = 86_400

# Images are compressed already, so no encoding is asked for. Some servers use gzip all the same.
ENCODINGS = {"", "identity", "gzip", "x-gzip", "deflate"}
HEADERS = {
    "Accept": "image/*, application/json;q=0.9, */*;q=0.1",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


class Limits(NamedTuple):
    """What a download may cost, and where it may go.

    Attributes
    ----------
    seconds : float
        For one try of a whole file, from the first connection through all redirects to the last
        byte.
    connect_seconds : float
        For a connection to one address.
    max_bytes : int
        Of a body after decoding.
    allow_loopback : bool
        Whether 127.0.0.1 and ::1 may be reached, for tests with a server on this machine.
    """

    seconds: float = 30
    connect_seconds: float = 10
    max_bytes: int = 2**25
    allow_loopback: bool = False


class Downloader:
    """Downloads files, in any number of threads at once, until it is stopped.

    Nothing is taken from the environment: a proxy would resolve names itself, so that no address
    could be checked, and strangers get no credentials from a .netrc file. For the same reason there
    are no cookies, and each request has its own connection.

    Parameters
    ----------
    limits : Limits
        For each download.
    contact : str, optional
        Address of whoever runs this program, for the hosts that ask for it; see :class:`Courtesy`.
    say : callable, optional
        Is told what keeps a download waiting between two tries, and for how long.
    """

    def __init__(
        self,
        limits: Limits,
        contact: str | None = None,
        *,
        say: Callable[[str], None] = say_nothing,
    ) -> None:
        self._limits = limits
        self._brake = Brake()
        self._courtesy = Courtesy(contact)
        self._rests = Rests()
        self._say = say

    def stop(self) -> None:
        """End all downloads, those under way included; they raise :class:`FetchError`."""
        self._brake.pull()

    def fetch(
        self,
        url: str,
        *,
        tries: int = 3,
        backoff_seconds: float = 0.25,
        longest_wait_seconds: float | None = None,
        max_bytes: int | None = None,
        private_headers: Mapping[str, str] | None = None,
        is_own: bool = False,
    ) -> bytes:
        """Download a file.

        If its host has answered another download that it is busy, wait until it may be asked again,
        unless the user chose the URL.

        Parameters
        ----------
        url : str
            Where it is.
        tries : int
            How often to try where another try may succeed; at least 1.
        backoff_seconds : float
            How long to wait before the second try, doubled before each further one. If the server
            asks for more in the header Retry-After (RFC 9110, section 10.2.3), it gets it.
        longest_wait_seconds : float, optional
            Give up if the server asks for more than this, in its answer to this download or to
            another one; by default the time limit of a file.
        max_bytes : int, optional
            Limit of the body, instead of that for all downloads.
        private_headers : mapping of str to str, optional
            Headers for this host alone: a redirect to another host does not take them along.
        is_own : bool
            Whether the user chose this URL. Its host may then have any address and port.

        Returns
        -------
        bytes
            The body.

        Raises
        ------
        FetchError
            If the download failed.
        """
        if longest_wait_seconds is None:
            longest_wait_seconds = self._limits.seconds
        fetch_once = partial(
            self._fetch_once,
            url,
            max_bytes=self._limits.max_bytes if max_bytes is None else max_bytes,
            private_headers=private_headers or {},
            is_own=is_own,
            longest_wait_seconds=longest_wait_seconds,
        )
        for attempt in range(tries - 1):
            try:
                return fetch_once()
            except FetchError as error:
                wait = max(error.retry_after, backoff_seconds * 2**attempt)
                if not error.is_worth_retrying or wait > longest_wait_seconds:
                    raise
                reason = f"{parse(url).host}: {error}"
            self.pause_for(reason, wait)
        return fetch_once()

    def pause_for(self, reason: str, seconds: float) -> None:
        """Wait before another try, and say so.

        Parameters
        ----------
        reason : str
            Why, in words.
        seconds : float
            How long.

        Raises
        ------
        FetchError
            If the downloader is stopped.
        """
        self._say(f"{reason}; trying again in {counted(round(seconds), 'second')}")
        self.pause(seconds)

    def pause(self, seconds: float) -> None:
        """Wait.

        Parameters
        ----------
        seconds : float
            How long.

        Raises
        ------
        FetchError
            If the downloader is stopped.
        """
        if self._brake.wait(seconds):
            raise FetchError("stopped", is_transient=True)

    def _fetch_once(
        self,
        url: str,
        *,
        max_bytes: int,
        private_headers: Mapping[str, str],
        is_own: bool,
        longest_wait_seconds: float,
    ) -> bytes:
        first = target = parse(url)
        deadline = Deadline(self._limits.seconds)
        for _ in range(MOST_REDIRECTS + 1):
            is_at_home = target.origin == first.origin
            is_own_server = is_own and is_at_home
            headers = HEADERS | self._courtesy.headers(target.host)
            headers |= private_headers if is_at_home else {}
            began = time.monotonic()
            with self._courtesy.turn(target.host):
                if not is_own_server:
                    self._wait_while_busy(target.host, longest_wait_seconds)
                # Waiting for the host takes no time from the file.
                deadline.postpone(time.monotonic() - began)
                with self._requested(target, headers, deadline, is_own=is_own_server) as response:
                    if response.status not in REDIRECTS:
                        return _read_body(response, max_bytes)
                    target = follow(target, _location(response))
        raise FetchError(f"more than {MOST_REDIRECTS} redirects")

    def _wait_while_busy(self, host: str, longest_wait_seconds: float) -> None:
        """Wait until a host may be asked; give up at once if that takes too long."""
        # Others may ask as soon as the host may be asked, and learn that it is still busy.
        while seconds := self._rests.seconds_left(host):
            if seconds > longest_wait_seconds:
                raise FetchError("the server has asked for patience", is_transient=True)
            self.pause(seconds)
            longest_wait_seconds -= seconds

    @contextmanager
    def _requested(
        self, target: Target, headers: Mapping[str, str], deadline: Deadline, *, is_own: bool
    ) -> Iterator[BaseHTTPResponse]:
        """Request a URL; whatever fails in the block that reads the answer is a FetchError."""
        try:
            if self._brake.is_pulled:
                raise ConnectionAbortedError
            addresses = self._checked_addresses(target, is_own=is_own)
            with connected(
                target,
                addresses,
                deadline,
                connect_seconds=self._limits.connect_seconds,
                brake=self._brake,
            ) as connection:
                _send_request(connection, target, headers)
                response = connection.getresponse()
                self._rests.learn(target.host, response.status, _retry_after(response))
                yield response
            # A body without a length ends where the connection does, even if we cut it.
            if deadline.is_over or self._brake.is_pulled:
                raise ConnectionAbortedError
        except FetchError:
            raise
        except Exception as error:  # A malformed answer may raise anything in the libraries.
            raise self._explained(error, deadline) from error

    def _checked_addresses(self, target: Target, *, is_own: bool) -> list[IPAddress]:
        if is_own:
            return resolve(target.host, target.port)
        check_port(target)
        addresses = resolve(target.host, target.port)
        check_addresses(addresses, allow_loopback=self._limits.allow_loopback)
        return addresses

    def _explained(self, error: Exception, deadline: Deadline) -> FetchError:
        if self._brake.is_pulled:
            return FetchError("stopped", is_transient=True)
        if deadline.is_over:
            unit = "second" if deadline.seconds == 1 else "seconds"
            return FetchError(f"took longer than {deadline.seconds:g} {unit}", is_transient=True)
        name = type(error).__name__
        if not isinstance(error, (OSError, HTTPError, http.client.HTTPException)):
            return FetchError(f"the answer cannot be read ({name})")
        reason = f"the connection failed ({name})"
        return FetchError(reason, is_transient=True, is_worth_retrying=True)


def _send_request(connection: HTTPConnection, target: Target, headers: Mapping[str, str]) -> None:
    try:
        connection.request(
            "GET",
            target.path,
            headers={"Host": target.authority, **headers},
            preload_content=False,
        )
    except ValueError as error:  # What is not HTTP is not sent.
        raise FetchError("not a usable URL") from error


def _read_body(response: BaseHTTPResponse, max_bytes: int) -> bytes:
    if response.status != http.client.OK:
        is_transient = response.status in TRANSIENT_STATUSES
        raise FetchError(
            f"the server answered {response.status}",
            is_transient=is_transient,
            is_worth_retrying=is_transient,
            status=response.status,
            retry_after=_retry_after(response),
        )
    encodings = response.headers.get("Content-Encoding", "").lower().split(",")
    if not ENCODINGS.issuperset(encoding.strip() for encoding in encodings):
        raise FetchError("encoded in a way that was not asked for")
    body = bytearray()
    while chunk := response.read(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            raise FetchError(f"more than {max_bytes:,} bytes")
    return bytes(body)


def _location(response: BaseHTTPResponse) -> str:
    location = response.headers.get("Location")
    if not location:
        raise FetchError("a redirect to nowhere", status=response.status)
    # http.client takes each byte for a character of Latin-1; browsers take them for UTF-8.
    with suppress(UnicodeError):
        return location.encode("latin-1").decode("utf-8")
    return location


def _retry_after(response: BaseHTTPResponse) -> float:
    parser = Retry()
    parser.retry_after_max = LONGEST_RETRY_AFTER
    with suppress(InvalidHeader, ValueError, OverflowError):
        return parser.parse_retry_after(response.headers.get("Retry-After", "0"))
    return 0.0
