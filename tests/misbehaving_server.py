"""A server on 127.0.0.1 that speaks all search protocols and serves results that misbehave."""

import json
import threading
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from misbehaving_results import AWKWARD, KINDS, Item, plan
from stand_in_services import SERVICES, Request

# Seconds that a file may take in the tests.
TIMEOUT = 3.0


class Handler(BaseHTTPRequestHandler):
    """Answers searches and results."""

    server: "MisbehavingServer"
    timeout = 30

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self.times_asked = self.server.remember(self.path, dict(self.headers))
        parameters = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path[1:] in SERVICES:
            self.server.count_seconds(self.server.page_delay)
            time.sleep(self.server.page_delay)
            self.search(address.path[1:], parameters)
            return
        item = self.server.items_by_path.get(address.path.removesuffix("/moved"))
        if item is None:
            self.answer(b"no such thing", status=404)
            return
        self.server.count_seconds(self.server.delay)
        time.sleep(self.server.delay)
        with suppress(ConnectionError, TimeoutError):
            KINDS[item.kind][1](self, item)

    def search(self, name: str, parameters: dict[str, str]) -> None:
        request = Request(parameters, self.headers, self.server.items, self.server.times_searched)
        status, headers, document = SERVICES[name](request)
        body = json.dumps(document).encode()
        self.answer(body, {"Content-Type": "application/json"} | headers, status)

    def answer(self, body: bytes, headers: dict | None = None, status: int = 200) -> None:
        self.head(status, {"Content-Length": str(len(body))} | (headers or {}))
        with suppress(ConnectionError):
            self.wfile.write(body)

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def redirect(self, location: str) -> None:
        # The body is endless, and nobody should wait for it.
        self.head(302, {"Location": location, "Content-Length": str(2**40)})

    def trickle(self, data: bytes) -> None:
        """Send a byte now and then until the other side has had enough."""
        self.server.count_seconds(TIMEOUT)
        self.connection.settimeout(0.1)
        for position in range(600):
            if self.server.is_closing.is_set():
                return
            self.wfile.write(data[position : position + 1])
            with suppress(TimeoutError):
                if self.connection.recv(1) == b"":
                    return

    def log_message(self, *arguments: object) -> None:
        pass


class MisbehavingServer(ThreadingHTTPServer):
    """Serves a plan of results; use it with ``with``.

    Attributes
    ----------
    items : list of Item
        What a search finds.
    delay, page_delay : float
        Seconds before each answer to a request for a result, and for a page of results.
    requests : list of (str, dict)
        Path and headers of each request.
    seconds : float
        How long all answers together had to take, by delays and timeouts.
    rest_seconds : float
        How long the server asked to be left alone, by Retry-After.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        count: int = 0,
        delay: float = 0.0,
        kinds: list[str] = AWKWARD,
        *,
        page_delay: float = 0.0,
    ) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server_port}"
        self.delay, self.page_delay = delay, page_delay
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.seconds = self.rest_seconds = 0.0
        self.is_closing = threading.Event()
        self._times_asked: Counter[str] = Counter()
        self._earlier_searches = 0
        self._lock = threading.Lock()
        self.offer(plan(self.base, count, kinds))

    def offer(self, items: list[Item]) -> None:
        """Have searches find these results."""
        self.items = items
        self.items_by_path = {urlsplit(item.url).path: item for item in items}

    def forget(self) -> None:
        """Behave as if nothing had been asked for."""
        with self._lock:
            self.requests.clear()
            self._times_asked.clear()
            self.seconds = self.rest_seconds = 0.0

    def remember(self, path: str, headers: dict[str, str]) -> int:
        with self._lock:
            self.requests.append((path, headers))
            self._times_asked[path] += 1
            return self._times_asked[path]

    def count_seconds(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds

    def count_rest(self, seconds: float) -> None:
        with self._lock:
            self.rest_seconds += seconds

    def searched_before(self, count: int) -> None:
        """Behave as if there had been so many searches today."""
        self._earlier_searches = count

    @property
    def times_searched(self) -> int:
        """How many searches there have been today."""
        with self._lock:
            paths = [urlsplit(path).path[1:] for path, _ in self.requests]
            return self._earlier_searches + sum(path in SERVICES for path in paths)

    def asked_for(self) -> list[str]:
        """List the paths of the results that were requested."""
        with self._lock:
            return [path for path, _ in self.requests if path.startswith("/images/")]

    def handle_error(self, request: object, client_address: object) -> None:
        pass

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.is_closing.set()
        self.shutdown()
        self.server_close()
