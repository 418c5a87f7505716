"""A server on 127.0.0.1 that speaks both search protocols and misbehaves in every way it can.

The tests and benchmarks/search.py share it, and the way to run a script so that it reaches no
other address.
"""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
KEY = "s3cret-key-that-nobody-may-see"
TIMEOUT = 3.0
MAX_BYTES = 2**20
MIN_SIZE = 64
PAGE_SECONDS = 0.05


class Item(NamedTuple):
    """One search result: where it is, what it holds, and what should become of it."""

    url: str
    kind: str
    body: bytes
    expected: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def pattern(seed: int, width: int = 120, height: int = 100) -> np.ndarray:
    """Draw smooth colours, uint8 (height, width, 3), different for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(image: np.ndarray, suffix: str = ".jpg", quality: int = 92) -> bytes:
    """Encode an image in the format that a suffix names."""
    if suffix == ".gif":
        file = io.BytesIO()
        Image.fromarray(image[:, :, ::-1]).save(file, "GIF")
        return file.getvalue()
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    return cv2.imencode(suffix, image, settings)[1].tobytes()


def bomb_png() -> bytes:
    """Make a PNG file whose header claims 60,000 x 60,000 pixels."""
    image = bytearray(encoded(pattern(0), ".png"))
    image[16:24] = (60_000).to_bytes(4, "big") * 2
    image[29:33] = zlib.crc32(image[12:29]).to_bytes(4, "big")
    return bytes(image)


# --- how results behave: each of these answers one request ---


def plainly(handler: "Handler", item: Item) -> None:
    handler.answer(item.body)


def chunked(handler: "Handler", item: Item) -> None:
    handler.head(200, {"Transfer-Encoding": "chunked"})
    for start in range(0, len(item.body), 1000):
        part = item.body[start : start + 1000]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    handler.wfile.write(b"0\r\n\r\n")


def gzipped(handler: "Handler", item: Item) -> None:
    handler.answer(gzip.compress(item.body), {"Content-Encoding": "gzip"})


def named_by_server(handler: "Handler", item: Item) -> None:
    handler.answer(item.body, {"Content-Disposition": 'attachment; filename="../../evil.jpg"'})


def busy_at_first(handler: "Handler", item: Item) -> None:
    if handler.times_asked == 1:
        handler.server.count_seconds(1)
        handler.answer(b"", {"Retry-After": "1"}, status=429)
    else:
        handler.answer(item.body)


def broken_at_first(handler: "Handler", item: Item) -> None:
    handler.answer(*((b"", {}, 503) if handler.times_asked == 1 else (item.body,)))


def redirecting_well(handler: "Handler", item: Item) -> None:
    if handler.path.endswith("/moved"):
        handler.answer(item.body)
    else:
        handler.redirect(f"{urlsplit(item.url).path}/moved")


def slowly(handler: "Handler", item: Item) -> None:
    handler.head(200, {"Content-Length": str(len(item.body))})
    handler.trickle(item.body)


def slowly_from_the_start(handler: "Handler", item: Item) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Patience: ")
    handler.trickle(b"x" * 60_000)


def silently(handler: "Handler", item: Item) -> None:
    handler.trickle(b"")


def endlessly(handler: "Handler", item: Item) -> None:
    handler.head(200, {})
    handler.wfile.write(item.body)
    for _ in range(64 * MAX_BYTES // 2**16):
        handler.wfile.write(b"\0" * 2**16)


def exploding(handler: "Handler", item: Item) -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * (64 * MAX_BYTES)))
    handler.answer(bomb, {"Content-Encoding": "gzip, gzip"})


def promising_too_much(handler: "Handler", item: Item) -> None:
    handler.head(200, {"Content-Length": str(len(item.body) * 3)})
    handler.wfile.write(item.body)


def promising_too_little(handler: "Handler", item: Item) -> None:
    handler.head(200, {"Content-Length": str(len(item.body) * 3 // 4)})
    handler.wfile.write(item.body)


def hanging_up(handler: "Handler", item: Item) -> None:
    return


def redirecting_in_circles(handler: "Handler", item: Item) -> None:
    handler.redirect(urlsplit(item.url).path)


def redirecting_to(location: str) -> Callable:
    def answer(handler: "Handler", item: Item) -> None:
        handler.redirect(location.format(port=handler.server.server_port))

    return answer


def refusing(status: int) -> Callable:
    return lambda handler, item: handler.answer(b"no", status=status)


def duplicate(originals: list[Item]) -> bytes:
    return originals[0].body


def near_duplicate(originals: list[Item]) -> bytes:
    image = cv2.imdecode(np.frombuffer(originals[1].body, np.uint8), cv2.IMREAD_COLOR)
    return encoded(image, quality=60)


HTML = b"<!DOCTYPE html><html><title>Not found</title>" + b" " * 2000 + b"</html>"
SIBLING_SEED = 10**6

# What comes of each kind, how it answers, and what it holds: bytes, or a suffix for an image of
# its own, or a function of the good images before it.
KINDS: dict[str, tuple[str, Callable, bytes | str | Callable]] = {
    "good": ("kept", plainly, ".jpg"),
    "good-as-png": ("kept", plainly, ".png"),
    "good-as-webp": ("kept", plainly, ".webp"),
    "good-as-gif": ("kept", plainly, ".gif"),
    "good-in-chunks": ("kept", chunked, ".jpg"),
    "good-gzipped": ("kept", gzipped, ".jpg"),
    "good-but-named": ("kept", named_by_server, ".jpg"),
    "good-but-busy": ("kept", busy_at_first, ".jpg"),
    "good-but-broken-at-first": ("kept", broken_at_first, ".jpg"),
    "good-but-moved": ("kept", redirecting_well, ".jpg"),
    "html": ("not an image", plainly, HTML),
    "nothing": ("not an image", plainly, b""),
    "bomb": ("not an image", plainly, bomb_png()),
    "cut-off": ("not an image", promising_too_little, ".jpg"),
    "too-small": ("too small", plainly, encoded(pattern(10**7, 40, 30))),
    "duplicate": ("duplicate", plainly, duplicate),
    "near-duplicate": ("duplicate", plainly, near_duplicate),
    "sibling": ("in another folder", plainly, encoded(pattern(SIBLING_SEED), quality=70)),
    "trickle": ("failed", slowly, ".jpg"),
    "trickling-header": ("failed", slowly_from_the_start, b""),
    "silence": ("failed", silently, b""),
    "endless": ("failed", endlessly, ".jpg"),
    "explosion": ("failed", exploding, b""),
    "truncated": ("failed", promising_too_much, ".jpg"),
    "hangs-up": ("failed", hanging_up, b""),
    "circle": ("failed", redirecting_in_circles, b""),
    "to-private": ("failed", redirecting_to("http://10.0.0.1/private.jpg"), b""),
    "to-metadata": ("failed", redirecting_to("http://169.254.169.254/latest/meta-data/"), b""),
    "to-mapped": ("failed", redirecting_to("http://[::ffff:10.0.0.1]/private.jpg"), b""),
    "to-other-loopback": ("failed", redirecting_to("http://127.0.0.2:{port}/secret.jpg"), b""),
    "to-a-file": ("failed", redirecting_to("file:///etc/passwd"), b""),
    "not-found": ("failed", refusing(404), b""),
    "forbidden": ("failed", refusing(403), b""),
}
# Results that lead somewhere else from the start.
ELSEWHERE = {
    "private": "http://192.168.0.1/{n}.jpg",
    "number": "http://167772161/{n}.jpg",
    "ftp": "ftp://127.0.0.1/{n}.jpg",
    "file": "file:///etc/hostname?{n}",
    "formula": '=HYPERLINK("http://127.0.0.1/{n}.jpg")',
}
AWKWARD = [kind for kind in KINDS if kind != "good"] + list(ELSEWHERE)


def plan(base: str, count: int, kinds: list[str] = AWKWARD) -> list[Item]:
    """List search results, one in five of them misbehaving, the first two good."""
    items: list[Item] = []
    for n in range(count):
        kind = kinds[n // 5 % len(kinds)] if n % 5 == 4 else "good"
        if kind in ELSEWHERE:
            items.append(Item(ELSEWHERE[kind].format(n=n), kind, b"", "failed"))
            continue
        expected, _, content = KINDS[kind]
        if isinstance(content, str):
            content = encoded(pattern(n + 1), content)
        elif not isinstance(content, bytes):
            content = content([item for item in items if item.kind == "good"])
        items.append(Item(f"{base}/images/{kind}/{n}.jpg", kind, content, expected))
    return items


class Handler(BaseHTTPRequestHandler):
    """Answers searches and results."""

    server: "MisbehavingServer"
    timeout = 30

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self.times_asked = self.server.remember(self.path, dict(self.headers))
        parameters = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path in ("/bing", "/openverse"):
            self.server.count_seconds(PAGE_SECONDS)
            time.sleep(PAGE_SECONDS)
            search = self.bing if address.path == "/bing" else self.openverse
            search(parameters)
            return
        item = self.server.items_by_path.get(address.path.removesuffix("/moved"))
        if item is None:
            self.answer(b"no such thing", status=404)
            return
        self.server.count_seconds(self.server.delay)
        time.sleep(self.server.delay)
        with suppress(ConnectionError, TimeoutError):
            KINDS[item.kind][1](self, item)

    def bing(self, parameters: dict[str, str]) -> None:
        if self.headers.get("Ocp-Apim-Subscription-Key") != KEY:
            self.answer(b"{}", status=401)
            return
        offset, count = int(parameters["offset"]), int(parameters["count"])
        found = self.server.items[offset : offset + count]
        value = [
            {"contentUrl": item.url, "hostPageUrl": f"{item.url}.html", "name": "=1+1"}
            for item in found
        ]
        self.answer_json(
            {
                "_type": "Images",
                "totalEstimatedMatches": len(self.server.items),
                "nextOffset": offset + len(found),
                "value": value,
            }
        )

    def openverse(self, parameters: dict[str, str]) -> None:
        page, size = int(parameters["page"]), int(parameters["page_size"])
        is_anonymous = self.headers.get("Authorization") != f"Bearer {KEY}"
        if is_anonymous and size > 20:
            self.answer(b"{}", status=401)
            return
        results = [
            {
                "url": item.url,
                "foreign_landing_url": f"{item.url}.html",
                "creator": "Ann",
                "license": "by",
                "license_version": "4.0",
                "license_url": "https://creativecommons.org/licenses/by/4.0/",
                "title": None,
            }
            for item in self.server.items[(page - 1) * size : page * size]
        ]
        total = len(self.server.items)
        pages = -(-total // size)
        self.answer_json({"result_count": total, "page_count": pages, "results": results})

    def answer_json(self, document: object) -> None:
        self.answer(json.dumps(document).encode(), {"Content-Type": "application/json"})

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
        # A body without end, which nobody should wait for.
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
    delay : float
        Seconds before each answer to a request for a result.
    requests : list of (str, dict)
        Path and headers of each request.
    seconds : float
        How long all answers together had to take, by delays, timeouts and Retry-After.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, count: int = 0, delay: float = 0.0, kinds: list[str] = AWKWARD) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server_port}"
        self.delay = delay
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.seconds = 0.0
        self.is_closing = threading.Event()
        self._times_asked: Counter[str] = Counter()
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
            self.seconds = 0.0

    def remember(self, path: str, headers: dict[str, str]) -> int:
        with self._lock:
            self.requests.append((path, headers))
            self._times_asked[path] += 1
            return self._times_asked[path]

    def count_seconds(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds

    def asked_for(self) -> list[str]:
        """List the paths of the results that were requested."""
        with self._lock:
            return [path for path, _ in self.requests if path.startswith("/images/")]

    def handle_error(self, request: object, client_address: object) -> None:
        pass

    def __enter__(self) -> "MisbehavingServer":
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.is_closing.set()
        self.shutdown()
        self.server_close()


# --- a script that reaches nothing else ---

# An audit hook sees every connection and every look-up that Python makes, whichever library asks
# for it, and forbids those that would leave this machine: a broken check shows, and does no harm.
WATCHED = """
import os, runpy, socket, sys

log = os.open(os.environ["ADDRESS_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def watch(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        os.write(log, f"{address[0]}\\n".encode() if isinstance(address, tuple) else b"other\\n")
        if not isinstance(address, tuple) or address[0] != "127.0.0.1":
            raise ConnectionRefusedError("tests stay on this machine")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        # Only what is an address already, in any notation, is answered without asking anybody.
        try:
            socket.inet_aton(arguments[0])
        except OSError:
            try:
                socket.inet_pton(socket.AF_INET6, arguments[0])
            except OSError:
                raise socket.gaierror(socket.EAI_NONAME, "tests look nothing up") from None
    elif event in ("socket.sendto", "socket.sendmsg"):
        raise ConnectionRefusedError("tests send no datagrams")

sys.addaudithook(watch)
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def start_search(
    output: Path,
    endpoint: str,
    *arguments: object,
    provider: str = "bing",
    key: str = KEY,
    allow_loopback: bool = True,
) -> subprocess.Popen:
    """Start search_bing_api.py with a key in the environment; see :func:`addresses_reached`."""
    # A proxy that nothing must be sent to.
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    variables = dict.fromkeys(names, "http://10.0.0.2:3128")
    variables |= {"BING_SEARCH_API_KEY": "", "OPENVERSE_TOKEN": ""}
    variables["BING_SEARCH_API_KEY" if provider == "bing" else "OPENVERSE_TOKEN"] = key
    variables["ADDRESS_LOG"] = str(address_log(output))
    options = ["-q", "blue jeans", "-o", output, "--endpoint", endpoint]
    options += ["--timeout", TIMEOUT, "--max-bytes", MAX_BYTES, "--min-size", MIN_SIZE]
    options += ["--allow-loopback"] * allow_loopback
    return subprocess.Popen(
        [sys.executable, "-c", WATCHED, str(ROOT / "search_bing_api.py")]
        + [str(option) for option in (*options, *arguments)],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def address_log(output: Path) -> Path:
    """Say where the addresses are listed that a search into some folder connected to."""
    return output.parents[1] / f"{output.parent.name}-{output.name}-addresses.txt"


def addresses_reached(output: Path) -> set[str]:
    """Tell all addresses that searches into some folder connected to, or tried to."""
    log = address_log(output)
    return set(log.read_text().split()) if log.exists() else set()


def content(folder: Path, names: str = "*") -> dict[str, str]:
    """Map the names of all in a folder, but the record, to the SHA-256 of their bytes."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob(names)
        if path.name != "sources.csv"
    }


def write_sibling(dataset: Path) -> None:
    """Put the image that one of the results is a copy of into another label's folder."""
    (dataset / "red_dress").mkdir(parents=True)
    (dataset / "red_dress" / "photo.jpg").write_bytes(encoded(pattern(SIBLING_SEED)))
