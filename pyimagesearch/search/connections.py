"""Connections that go to a checked address and end when they should, whatever the server does."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from pyimagesearch.search.addresses import IPAddress
from pyimagesearch.search.errors import FetchError
from pyimagesearch.search.urls import Target


class Brake:
    """Stops all connections at once, in whatever threads they are used."""

    def __init__(self) -> None:
        self._pulled = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()

    @property
    def is_pulled(self) -> bool:
        """Whether connections have to stop."""
        return self._pulled.is_set()

    def pull(self) -> None:
        """Cut all connections, and those to come."""
        with self._lock:
            self._pulled.set()
            for open_socket in self._sockets:
                _cut(open_socket)

    def wait(self, seconds: float) -> bool:
        """Wait, at most until the brake is pulled; return whether it is."""
        return self._pulled.wait(seconds)

    @contextmanager
    def on(self, open_socket: socket.socket) -> Iterator[None]:
        """Have the brake cut a socket as well, within the block."""
        with self._lock:
            self._sockets.add(open_socket)
        try:
            if self.is_pulled:
                raise ConnectionAbortedError
            yield
        finally:
            with self._lock:
                self._sockets.discard(open_socket)


class Deadline:
    """The moment by which a file must have arrived.

    Parameters
    ----------
    seconds : float
        From now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._has_cut = threading.Event()

    def postpone(self, seconds: float) -> None:
        """Give the file more time."""
        self._end += seconds

    @property
    def seconds_left(self) -> float:
        """How much time is left, at least 0."""
        return max(0.0, self._end - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self._has_cut.is_set() or not self.seconds_left

    @contextmanager
    def on(self, open_socket: socket.socket) -> Iterator[None]:
        """Cut a socket when the time is up, within the block.

        A timeout of the socket itself would start anew with each byte that trickles in.
        """

        def cut() -> None:
            self._has_cut.set()
            _cut(open_socket)

        timer = threading.Timer(self.seconds_left, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


@contextmanager
def connected(
    target: Target,
    addresses: Sequence[IPAddress],
    deadline: Deadline,
    *,
    connect_seconds: float,
    brake: Brake,
) -> Iterator[HTTPConnection]:
    """Connect to the first address that answers.

    Parameters
    ----------
    target : Target
        Names the scheme, the port and, for TLS, the host that the certificate must be for.
    addresses : sequence of ipaddress.IPv4Address or ipaddress.IPv6Address
        The host's addresses, checked. Nothing is resolved any more.
    deadline : Deadline
        Cuts the connection.
    connect_seconds : float
        How long one address may take to answer.
    brake : Brake
        Cuts the connection, too.

    Yields
    ------
    urllib3.connection.HTTPConnection
        Closed when the block ends.

    Raises
    ------
    FetchError
        If there is no address.
    OSError, urllib3.exceptions.HTTPError
        If no address answers, or if the connection is cut.
    """
    with ExitStack() as stack:
        yield _first_that_answers(
            stack,
            target,
            addresses,
            deadline=deadline,
            connect_seconds=connect_seconds,
            brake=brake,
        )


class _Connection(HTTPConnection):
    """A connection over a socket that is connected already."""

    connected_socket: socket.socket

    def _new_conn(self) -> socket.socket:
        # urllib3 would keep a socket of its own to itself until it is connected. It has no public
        # hook for another one; its support for SOCKS overrides this method, too.
        return self.connected_socket


class _TLSConnection(_Connection, HTTPSConnection):
    """The same with TLS."""


def _first_that_answers(
    stack: ExitStack,
    target: Target,
    addresses: Sequence[IPAddress],
    *,
    deadline: Deadline,
    connect_seconds: float,
    brake: Brake,
) -> HTTPConnection:
    for address in addresses:
        if brake.is_pulled or deadline.is_over:
            raise TimeoutError
        timeout = min(deadline.seconds_left, connect_seconds)
        attempt = _connected_to(address, target, deadline, timeout=timeout, brake=brake)
        try:
            connection = stack.enter_context(attempt)
        except (OSError, HTTPError):
            if address == addresses[-1]:
                raise
        else:
            # The time limit for connecting must not cut short a read, which the deadline limits.
            connection.timeout = max(0.001, deadline.seconds_left)
            return connection
    raise FetchError("the host has no address")


@contextmanager
def _connected_to(
    address: IPAddress, target: Target, deadline: Deadline, *, timeout: float, brake: Brake
) -> Iterator[HTTPConnection]:
    """Connect to one address; deadline and brake cut this as well."""
    # An address stands for itself: there is one answer, and nothing is looked up. It also tells the
    # scope of the address.
    family, kind, protocol, _, socket_address = socket.getaddrinfo(
        str(address), target.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )[0]
    with (
        socket.socket(family, kind, protocol) as new_socket,
        # TLS takes the connection away from the first socket, but not from a second one.
        new_socket.dup() as second_socket,
        deadline.on(second_socket),
        brake.on(second_socket),
        closing(_connection(target, address, timeout=timeout)) as connection,
    ):
        new_socket.settimeout(timeout)
        new_socket.connect(socket_address)
        # A socket that is cut before it connects may connect all the same.
        if brake.is_pulled:
            raise ConnectionAbortedError
        connection.connected_socket = new_socket
        connection.connect()
        yield connection


def _connection(target: Target, address: IPAddress, *, timeout: float) -> _Connection:
    if target.scheme == "http":
        return _Connection(str(address), target.port, timeout=timeout)
    return _TLSConnection(
        str(address),
        target.port,
        timeout=timeout,
        server_hostname=target.host,
        cert_reqs="CERT_REQUIRED",
        ca_certs=certifi.where(),
    )


def _cut(open_socket: socket.socket) -> None:
    # The other side, or the thread that uses the socket, may have closed it already.
    with suppress(OSError):
        open_socket.shutdown(socket.SHUT_RDWR)
