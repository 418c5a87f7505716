import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from misbehaving_server import MisbehavingServer

from pyimagesearch.search.download import Downloader

CONNECT = socket.socket.connect


class Network:
    """Stands in for name resolution and for connections, so that nothing leaves this machine.

    Attributes
    ----------
    answers : dict of str to list of list of str
        What names resolve to: the first list at the first look-up, and so on.
    looked_up, connected : list of str
        The names that were looked up, and the addresses that were connected to.
    port : int or None
        Where all connections really go on this machine; without one they are refused.
    """

    def __init__(self):
        self.answers, self.looked_up, self.connected = {}, [], []
        self.port = None

    def getaddrinfo(self, host, port, *arguments, flags=0, **named):
        if flags & socket.AI_NUMERICHOST:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        self.looked_up.append(host)
        answers = self.answers.get(host)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    def connect(self, open_socket, address):
        self.connected.append(address[0])
        if self.port is None:
            raise ConnectionRefusedError
        CONNECT(open_socket, ("127.0.0.1", self.port))


@pytest.fixture
def network(monkeypatch):
    stand_in = Network()
    monkeypatch.setattr(socket, "getaddrinfo", stand_in.getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", lambda *arguments: stand_in.connect(*arguments))
    return stand_in


@pytest.fixture
def waits(monkeypatch):
    """What downloads and searches wait for, in seconds; time passes in these waits only."""
    waited = []

    def pause(downloader, seconds):
        waited.append(seconds)

    monkeypatch.setattr(Downloader, "pause", pause)
    monkeypatch.setattr(time, "monotonic", lambda: float(sum(waited)))
    return waited


@pytest.fixture
def wait_until():
    """Return a function that waits until something is so, and fails where that takes too long."""

    def wait(is_so):
        for _ in range(2000):
            if is_so():
                return
            time.sleep(0.01)
        pytest.fail("waited in vain")

    return wait


@pytest.fixture
def server():
    with MisbehavingServer() as server:
        yield server


@pytest.fixture
def scripted():
    """A server that gives prepared answers (status, headers, body), the last one repeatedly."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((self.path, dict(self.headers)))
            answers = self.server.answers
            status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.answers = [], []
        server.url = f"http://127.0.0.1:{server.server_port}/search"
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()
