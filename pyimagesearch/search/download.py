"""Fetching what strangers' URLs point to, without harm: where a request may go, how much it brings.

A URL from a search may name any host, and the answer may be anything. So only http and https are
spoken; a host's name is resolved once, every address it has must be a public one, and the
connection goes to the very address that was checked; redirects pass the same gate, hop by hop;
a body is cut at its limit while it streams, and everything at its deadline.
"""

import http.client
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple
from urllib.parse import urljoin

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.response import HTTPResponse
from urllib3.util import Retry, Url, parse_url

MOST_REDIRECTS = 5
CHUNK_BYTES = 2**16
DEFAULT_PORTS = {"http": 80, "https": 443}
REDIRECTS = (301, 302, 303, 307, 308)
# Too early, too many requests, and the server's own troubles: another try may succeed.
TRANSIENT_STATUSES = (408, 425, 429, *range(500, 600))

GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
TRANSLATED_IPV4 = ipaddress.ip_network("64:ff9b::/96")

# Images are compressed already; an answer in another encoding is decoded all the same.
HEADERS = {
    "User-Agent": "pyimagesearch (multi-label image classification; builds a data set)",
    "Accept": "image/*, application/json;q=0.9, */*;q=0.1",
    "Accept-Encoding": "identity",
    "Connection": "close",
}

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Limits(NamedTuple):
    """What a request may cost, and where it may go.

    Attributes
    ----------
    seconds : float
        For a whole file, from the first connection through all redirects to its last byte.
    connect_seconds : float
        For one connection.
    max_bytes : int
        Of a body, after decoding.
    allow_loopback : bool
        Whether 127.0.0.1 and ::1 may be reached, for tests with a server on this machine.
    """

    seconds: float = 30
    connect_seconds: float = 10
    max_bytes: int = 2**25
    allow_loopback: bool = False


class FetchError(Exception):
    """Nothing came of a request; the message says why, without the URL.

    Attributes
    ----------
    is_transient : bool
        Whether another run may fare better.
    is_worth_retrying : bool
        Whether another try in the same run may.
    status : int or None
        That the server answered with.
    retry_after : float
        Seconds that the server asks to wait for.
    is_unresolved : bool
        Whether the host's name does not resolve.
    """

    def __init__(
        self,
        reason: str,
        is_transient: bool = False,
        is_worth_retrying: bool = False,
        status: int | None = None,
        retry_after: float = 0.0,
        is_unresolved: bool = False,
    ) -> None:
        super().__init__(reason)
        self.is_transient = is_transient
        self.is_worth_retrying = is_worth_retrying
        self.status = status
        self.retry_after = retry_after
        self.is_unresolved = is_unresolved


class Downloader:
    """Fetches, in any number of threads at once, until it is told to stop.

    Nothing of the environment is used: a proxy would resolve names itself, so that no address
    could be checked, and credentials from a .netrc file are nothing that strangers should get.
    For the same reason there are no cookies, and each request has a connection of its own.

    Parameters
    ----------
    limits : Limits
        For every request.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._open_sockets: set[socket.socket] = set()

    def stop(self) -> None:
        """End all requests now, those under way included; they raise :class:`FetchError`."""
        with self._lock:
            self._stopped.set()
            for open_socket in self._open_sockets:
                _cut(open_socket)

    def fetch(
        self,
        url: str,
        tries: int = 3,
        backoff: float = 0.25,
        longest_wait: float | None = None,
        private_headers: Mapping[str, str] | None = None,
        is_own: bool = False,
    ) -> bytes:
        """Fetch a file.

        Parameters
        ----------
        url : str
            Where it is.
        tries : int
            How often to try where the failure may pass.
        backoff : float
            Seconds to wait before the second try, doubled before each further one. What the
            server asks for in its Retry-After header (RFC 9110, section 10.2.3) is waited for.
        longest_wait : float, optional
            If the server asks for more seconds than these, give up; by default those that a whole
            file may take.
        private_headers : mapping of str to str, optional
            Headers for this host alone: a redirect to another does not take them along.
        is_own : bool
            Whether the user has chosen this URL: its host may then have any address.

        Returns
        -------
        bytes
            The body.

        Raises
        ------
        FetchError
            If nothing came of it.
        """
        longest_wait = self._limits.seconds if longest_wait is None else longest_wait
        for attempt in range(tries):
            try:
                return self._fetch_once(url, private_headers or {}, is_own)
            except FetchError as error:
                wait = max(error.retry_after, backoff * 2**attempt)
                is_last = attempt == tries - 1
                if is_last or not error.is_worth_retrying or wait > longest_wait:
                    raise
                self.pause(wait)
        raise ValueError(f"{tries} tries are none")

    def pause(self, seconds: float) -> None:
        """Wait, unless told to stop.

        Parameters
        ----------
        seconds : float
            For so long.

        Raises
        ------
        FetchError
            If told to stop.
        """
        if self._stopped.wait(seconds):
            raise FetchError("stopped", is_transient=True)

    def _fetch_once(self, url: str, private_headers: Mapping[str, str], is_own: bool) -> bytes:
        deadline = time.monotonic() + self._limits.seconds
        first_origin = _origin(parse(url))
        for _ in range(MOST_REDIRECTS + 1):
            target = parse(url)
            is_first_origin = _origin(target) == first_origin
            headers = HEADERS | (dict(private_headers) if is_first_origin else {})
            with self._requested(target, headers, deadline, is_own and is_first_origin) as response:
                if response.status not in REDIRECTS:
                    return self._read_body(response)
                url = urljoin(target.url, _location(response))
        raise FetchError(f"more than {MOST_REDIRECTS} redirects")

    @contextmanager
    def _requested(
        self, target: Url, headers: Mapping[str, str], deadline: float, is_own: bool
    ) -> Iterator[HTTPResponse]:
        """Request a URL; whatever fails in the block that reads the answer is a FetchError."""
        cut_by_deadline = threading.Event()
        try:
            with self._connected(target, deadline, is_own, cut_by_deadline) as connection:
                _send_request(connection, target, headers)
                yield connection.getresponse()
            # A body without a length ends where the connection does, even if we ended it.
            if cut_by_deadline.is_set() or self._stopped.is_set():
                raise ConnectionAbortedError
        except (OSError, HTTPError, http.client.HTTPException) as error:
            if self._stopped.is_set():
                raise FetchError("stopped", is_transient=True) from error
            if cut_by_deadline.is_set() or time.monotonic() >= deadline:
                reason = f"took longer than {self._limits.seconds:g} seconds"
                raise FetchError(reason, is_transient=True) from error
            reason = f"the connection failed ({type(error).__name__})"
            raise FetchError(reason, is_transient=True, is_worth_retrying=True) from error

    @contextmanager
    def _connected(
        self, target: Url, deadline: float, is_own: bool, cut_by_deadline: threading.Event
    ) -> Iterator[HTTPConnection]:
        """Connect to a checked address; the connection is cut when time is up, or by `stop`."""
        addresses = resolve(target.host.strip("[]"), _port(target))
        if not is_own:
            check_addresses(addresses, self._limits.allow_loopback)
        connection = self._first_connection(target, addresses, deadline)
        # A timeout of the socket starts anew with each byte that trickles in, so that only
        # somebody else can end a read at the deadline.
        open_socket = connection.sock

        def cut() -> None:
            cut_by_deadline.set()
            _cut(open_socket)

        timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
        timer.daemon = True
        try:
            with self._lock:
                self._open_sockets.add(open_socket)
            timer.start()
            if self._stopped.is_set():
                raise ConnectionAbortedError
            yield connection
        finally:
            timer.cancel()
            with self._lock:
                self._open_sockets.discard(open_socket)
            connection.close()

    def _first_connection(
        self, target: Url, addresses: list[IPAddress], deadline: float
    ) -> HTTPConnection:
        for address in addresses:
            left = deadline - time.monotonic()
            if self._stopped.is_set() or left <= 0:
                raise TimeoutError
            connection = _connection(target, address, min(left, self._limits.connect_seconds))
            try:
                connection.connect()
            except (OSError, HTTPError):
                connection.close()
                if address == addresses[-1]:
                    raise
            else:
                connection.timeout = max(0.001, deadline - time.monotonic())
                return connection
        raise FetchError("the host has no address")

    def _read_body(self, response: HTTPResponse) -> bytes:
        if response.status != http.client.OK:
            is_transient = response.status in TRANSIENT_STATUSES
            raise FetchError(
                f"the server answered {response.status}",
                is_transient=is_transient,
                is_worth_retrying=is_transient,
                status=response.status,
                retry_after=_retry_after(response),
            )
        body = bytearray()
        while chunk := response.read(CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > self._limits.max_bytes:
                raise FetchError(f"more than {self._limits.max_bytes:,} bytes")
        return bytes(body)


def parse(url: str) -> Url:
    """Take a URL apart, if it is one that may be fetched.

    Parameters
    ----------
    url : str
        From anywhere.

    Returns
    -------
    urllib3.util.Url
        Normalised, the host's name in ASCII (IDNA), without credentials and fragment.

    Raises
    ------
    FetchError
        If it is not an http or https URL with a host.
    """
    try:
        parsed = parse_url(url)
    except (ValueError, HTTPError) as error:
        raise FetchError("not a usable URL") from error
    if parsed.scheme not in DEFAULT_PORTS or not parsed.host:
        raise FetchError("neither an http nor an https URL")
    return parsed._replace(auth=None, fragment=None)


def resolve(host: str, port: int) -> list[IPAddress]:
    """Resolve a name to all its addresses.

    Parameters
    ----------
    host : str
        A name, or an address however it is spelt.
    port : int
        That it will be used with.

    Returns
    -------
    list of ipaddress.IPv4Address or ipaddress.IPv6Address
        In the order the system prefers them.

    Raises
    ------
    FetchError
        If it does not resolve.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        reason = "the host's name does not resolve"
        raise FetchError(reason, is_transient=True, is_unresolved=True) from error
    except UnicodeError as error:  # a part of the name is too long
        raise FetchError("not a usable URL") from error
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    return list(dict.fromkeys(addresses))


def check_addresses(addresses: list[IPAddress], allow_loopback: bool) -> None:
    """Refuse a host unless all its addresses are public.

    Parameters
    ----------
    addresses : list of ipaddress.IPv4Address or ipaddress.IPv6Address
        Of one host.
    allow_loopback : bool
        Whether 127.0.0.1 and ::1 are allowed as well.

    Raises
    ------
    FetchError
        If one of them is private, loopback, link-local, multicast, reserved or leads to such a
        one.
    """
    loopback = ("127.0.0.1", "::1") if allow_loopback else ()
    for address in addresses:
        if not is_public(address) and str(address) not in loopback:
            raise FetchError(f"{address} is not a public address")


def is_public(address: IPAddress) -> bool:
    """Say whether an address belongs to the public internet.

    IPv6 addresses must be global unicast ones (RFC 4291, section 2.4); those that wrap an IPv4
    address for a tunnel (6to4, Teredo) or as a notation (IPv4-mapped) are not, whereas one for a
    translator (NAT64, RFC 6052) is as public as the IPv4 address in it.

    Parameters
    ----------
    address : ipaddress.IPv4Address or ipaddress.IPv6Address
        Any.

    Returns
    -------
    bool
        Whether a stranger may send us there.
    """
    if address.version == 4:
        return address.is_global and not address.is_multicast and not address.is_reserved
    if address in TRANSLATED_IPV4:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    is_tunnel = address.sixtofour is not None or address.teredo is not None
    has_scope = address.scope_id is not None
    return address in GLOBAL_UNICAST and address.is_global and not is_tunnel and not has_scope


def _connection(target: Url, address: IPAddress, timeout: float) -> HTTPConnection:
    """Make a connection to an address that speaks, and for TLS verifies, the host's name."""
    if target.scheme == "http":
        return HTTPConnection(str(address), _port(target), timeout=timeout)
    host = target.host.strip("[]")
    return HTTPSConnection(
        str(address),
        _port(target),
        timeout=timeout,
        server_hostname=host,
        cert_reqs="CERT_REQUIRED",
        ca_certs=certifi.where(),
    )


def _send_request(connection: HTTPConnection, target: Url, headers: Mapping[str, str]) -> None:
    try:
        connection.request(
            "GET",
            target.request_uri,
            headers={"Host": target.netloc, **headers},
            preload_content=False,
        )
    except ValueError as error:  # what is no HTTP is not sent
        raise FetchError("not a usable URL") from error


def _port(target: Url) -> int:
    return target.port or DEFAULT_PORTS[target.scheme]


def _origin(target: Url) -> tuple[str, str, int]:
    return target.scheme, target.host, _port(target)


def _location(response: HTTPResponse) -> str:
    location = response.headers.get("Location")
    if not location:
        raise FetchError("a redirect to nowhere", status=response.status)
    return location


def _retry_after(response: HTTPResponse) -> float:
    with suppress(InvalidHeader, ValueError, OverflowError):
        return Retry().parse_retry_after(response.headers.get("Retry-After", "0"))
    return 0.0


def _cut(open_socket: socket.socket) -> None:
    # It may have been closed in the meantime, by the other side or by the thread that uses it.
    with suppress(OSError):
        open_socket.shutdown(socket.SHUT_RDWR)
