import socket
import ssl
import threading
import time
from contextlib import suppress
from ipaddress import ip_address

import certifi
import pytest

from pyimagesearch.search.connections import Brake, Deadline, connected
from pyimagesearch.search.errors import FetchError
from pyimagesearch.search.urls import parse

PUBLIC, OTHER_PUBLIC = ip_address("93.184.215.14"), ip_address("151.101.1.6")
LOOPBACK = ip_address("127.0.0.1")

# A certificate for images.test that signs itself, valid until 2126, and its key, for these tests.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdEp2CS/rCnPut6eE
2lfCeC7lHk/5zZhyHAkrZp3ABk+hRANCAASVqklZ3i39Ahojfqb96vFWpvHD6BUR
I6U7OMBny5kynTYTSEp9+quRs0ms999Cwp+48ttC98hGNou8J7/pqO29
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUW+xzes0z0OpL3d6kB2oBHdoknxcwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLaW1hZ2VzLnRlc3QwIBcNMjYxMTIzMTYzODE3WhgPMjEyNjEw
MzAxNjM4MTdaMBYxFDASBgNVBAMMC2ltYWdlcy50ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAElapJWd4t/QIaI36m/erxVqbxw+gVESOlOzjAZ8uZMp02E0hK
ffqrkbNJrPffQsKfuPLbQvfIRjaLvCe/6ajtvaNrMGkwHQYDVR0OBBYEFGjTtkwn
jgoY7g0KslHeFgHsohbYMB8GA1UdIwQYMBaAFGjTtkwnjgoY7g0KslHeFgHsohbY
MBYGA1UdEQQPMA2CC2ltYWdlcy50ZXN0MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI
zj0EAwIDSAAwRQIhAJ5lUnveXDfOPE6e8qPBOy+zDMv/h0Ym7x5zkgmNaPICAiAb
Qm19jndjIIDVx4sYaWi07vXy1nLpQ1vZC0e574v+RQ==
-----END CERTIFICATE-----
"""


def connect(url, addresses, seconds=20, brake=None):
    return connected(
        parse(url), addresses, Deadline(seconds), connect_seconds=5, brake=brake or Brake()
    )


def test_each_address_is_tried_until_one_answers(network):
    with (
        pytest.raises(ConnectionRefusedError),
        connect("http://images.test/", [PUBLIC, OTHER_PUBLIC]),
    ):
        pass
    assert network.connected == [str(PUBLIC), str(OTHER_PUBLIC)]
    assert network.looked_up == []


def test_a_host_without_an_address_is_refused(network):
    with pytest.raises(FetchError, match="no address"), connect("http://images.test/", []):
        pass


def test_the_deadline_cuts_a_connection(network, server, monkeypatch):
    ends = []

    class Timer(threading.Timer):
        """Ends when the test says so."""

        def start(self):
            ends.append(self.function)

    network.port = server.server_port
    monkeypatch.setattr(threading, "Timer", Timer)
    with connect("http://images.test/", [PUBLIC]) as connection:
        for end in ends:
            end()
        assert connection.sock.recv(1) == b""
    assert network.connected == [str(PUBLIC)]


def test_the_brake_cuts_open_connections_and_refuses_new_ones(network, server):
    network.port = server.server_port
    brake = Brake()
    with connect("http://images.test/", [PUBLIC], brake=brake) as connection:
        brake.pull()
        assert connection.sock.recv(1) == b""
    with pytest.raises(TimeoutError), connect("http://images.test/", [PUBLIC], brake=brake):
        pass


def connecting(url, brake):
    """Connect in a thread, which has ten minutes; return an event that is set when it failed."""
    failed = threading.Event()

    def attempt():
        patient = {"connect_seconds": 600, "brake": brake}
        with suppress(OSError), connected(parse(url), [LOOPBACK], Deadline(600), **patient):
            return
        failed.set()

    threading.Thread(target=attempt, daemon=True).start()
    return failed


def test_the_brake_cuts_a_connection_that_is_being_made(monkeypatch):
    begun, brake = threading.Event(), Brake()

    def connect(own, address, connect=socket.socket.connect):
        begun.set()
        connect(own, address)

    # A queue for one that is full: the system leaves the next one without an answer.
    with (
        socket.create_server((str(LOOPBACK), 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
    ):
        monkeypatch.setattr(socket.socket, "connect", connect)
        failed = connecting(f"http://127.0.0.1:{full.getsockname()[1]}/", brake)
        assert begun.wait(20)
        brake.pull()
        assert failed.wait(20)


def test_the_brake_cuts_a_tls_handshake():
    brake = Brake()
    with socket.create_server((str(LOOPBACK), 0)) as silent:
        failed = connecting(f"https://127.0.0.1:{silent.getsockname()[1]}/", brake)
        accepted, _ = silent.accept()
        with accepted:
            assert accepted.recv(1)
            brake.pull()
            assert failed.wait(20)


def test_a_brake_that_is_pulled_just_before_the_connection_is_made_ends_it(server, monkeypatch):
    brake = Brake()

    def connect(own, address, connect=socket.socket.connect):
        brake.pull()
        connect(own, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    with (
        pytest.raises(OSError),
        connected(
            parse(f"{server.base}/"), [LOOPBACK], Deadline(20), connect_seconds=5, brake=brake
        ),
    ):
        pass


def test_a_wait_ends_when_the_brake_is_pulled():
    brake = Brake()
    assert not brake.wait(0)
    brake.pull()
    start = time.monotonic()
    assert brake.wait(60)
    assert time.monotonic() - start < 10


# --- TLS ---


@pytest.fixture
def tls_server(network, server, monkeypatch, tmp_path):
    """The server behind TLS, with a certificate for images.test that is trusted here."""
    (tmp_path / "certificate.pem").write_text(CERTIFICATE)
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "certificate.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem")
    server.names_asked_for = []
    context.sni_callback = lambda connection, name, _: server.names_asked_for.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    network.port = server.server_port
    return server


def test_tls_verifies_the_name_although_the_connection_goes_to_the_address(tls_server, network):
    with connect("https://images.test/", [PUBLIC]) as connection:
        assert connection.is_verified
    assert tls_server.names_asked_for == ["images.test"]
    assert network.connected == [str(PUBLIC)]


def test_a_certificate_for_another_name_is_refused(tls_server):
    with pytest.raises(ssl.SSLError), connect("https://other.test/", [PUBLIC]):
        pass
    assert tls_server.requests == []


def test_a_certificate_that_nobody_trusts_is_refused(tls_server, monkeypatch):
    monkeypatch.undo()
    # The stand-in for the network has gone as well, so this connects to an address of this machine.
    url = f"https://127.0.0.1:{tls_server.server_port}/"
    with pytest.raises(ssl.SSLError), connect(url, [LOOPBACK]):
        pass
    assert tls_server.requests == []
