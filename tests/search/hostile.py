"""What strangers may send to a search, drawn at random, and functions that read it.

Each function that reads takes bytes and returns what the search makes of them, or raises FetchError
or UserError. Nothing is sent anywhere, and no name is looked up.
"""

import csv
import gzip
import json
import os
import random
import socket
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from pyimagesearch.search.bing import Bing
from pyimagesearch.search.brave import Brave
from pyimagesearch.search.download import Downloader, Limits
from pyimagesearch.search.openverse import Openverse
from pyimagesearch.search.paging import Query, search
from pyimagesearch.search.provenance import Row, Sources
from pyimagesearch.search.services import SearchResult, Service
from pyimagesearch.search.wikimedia import Wikimedia

# Pieces of URLs that parsers stumble over, to be put together in any order.
URL_PIECES = [
    *("http:", "https:", "//", "/", "[", "]", "[::1]", "[fe80::1%25eth0]", "[::ffff:7f00:1]"),
    *("%", "%25", "%00", "@", ":", ":80", ":99999", ":-1", "?", "#", "..", "x", "images.test"),
    *("\xff", "\u0130", "\u2100", "\uff0e", "\udcff", "\x00", "\r\n", "\\", " ", "\t", "xn--"),
    *("xn--a", "a" * 64, "1.2.3.4", "0x7f.1", "10.0.0.1"),
]
STATUS_LINES = [
    *([b"HTTP/1.1 200 OK"] * 4 + [b"HTTP/1.1 302 Found"] * 4),
    *(b"HTTP/1.1 204 No", b"HTTP/1.1 429 Busy", b"HTTP/1.1 503 Busy", b"HTTP/1.1 100 Go on"),
    *(b"HTTP/1.0 200", b"HTTP/1.1 -1 X", b"HTTP/1.1 99999 X", b"HTTP/9.9 200 OK", b"", b"\xff\xfe"),
]
LENGTHS = [b"0", b"5", b"-5", b"99999999999999999999", b"5, 5", b"5, 6", b"five", b"\xb2", b""]
ENCODINGS = [
    b"gzip",
    b"deflate",
    b"br",
    b"zstd",
    b"identity",
    b"gzip, gzip",
    b"gzip," * 20,
    b"\xff",
]
DELAYS = [b"7", b"-7", b"9" * 5000, b"1e999", b"nan", b"Tue, 14 Nov 99999 22:13:50 GMT", b"\xb2"]
CHUNK_LENGTHS = [
    b"5",
    b"-5",
    b"-1",
    b"0",
    b"fffffffffffffffff",
    b"5;a=b",
    b"x",
    b"",
    b"\xff",
    b" 5",
]
CELLS = [
    *("", "00000000.jpg", "http://images.test/a.jpg", "not an image: x", "a" * 64, "../../passwd"),
    *("/etc/passwd", "..", ".", "sources.csv", "a/b.jpg", "x" * 5000, "=1+1", "a;=1+1", "\t=1"),
    *('"', '""', '"a,b"', '"a\nb"', "'", "\x00", "\x1b[31m", "\u202e", "\uff1d1"),
]
SEPARATORS = [",", ",", ",", ",", ",", ",", ";", "\t"]
# Pieces of JSON, to be put together in any order.
JSON_PIECES = [
    *("{", "}", "[", "]", ",", ":", '"', "\\", "null", "true", "-1", "1e999", "NaN", "9" * 5000),
    *('"value":', '"results":', '"page_count":', '"result_count":', '"totalEstimatedMatches":'),
    *('"nextOffset":', '{"contentUrl":"http://images.test/"}', '{"url":7}', "\ufeff", "\x00"),
    *('"query":', '"pages":', '"continue":', '"error":', '"batchcomplete":', '"imageinfo":'),
    *('"code":', '"maxlag"', '"badvalue"', '"info":', '"extmetadata":', '"properties":'),
]
PAGES = [
    {"value": [{"contentUrl": "http://images.test/1"}], "totalEstimatedMatches": 1},
    {"results": [{"url": "http://images.test/1"}], "page_count": 1, "result_count": 1},
    {"query": {"pages": [{"imageinfo": [{"url": "http://images.test/1"}]}]}, "continue": {"a": 1}},
    {"error": {"code": "badvalue", "info": "<b>no \x1b[31m</b>"}},
]
OTHER_LINES = [
    b"no colon",
    b": no name",
    b" folded",
    b"X: \0",
    b"X:" + b"y" * 70_000,
    b"X: y\n" * 150,
]
GZIPPED = gzip.compress(b"hello", mtime=0)
BODIES = [b"", b"hello", GZIPPED, GZIPPED[:-9], zlib.compress(b"hello")]


def hostile_url(draw: random.Random) -> str:
    """Draw a text that looks like a URL, more or less."""
    start = draw.choice(["", "", "http://", "//"])
    return start + "".join(draw.choices(URL_PIECES, k=draw.randint(0, 5)))


def hostile_answers(seed: int, count: int) -> Iterator[bytes]:
    """Draw HTTP answers, most of them wrong somewhere."""
    draw = random.Random(seed)
    for _ in range(count):
        lines = [draw.choice(STATUS_LINES)]
        if draw.random() < 0.6:
            lines.append(b"Location: " + hostile_url(draw).encode("utf-8", "surrogatepass"))
        if draw.random() < 0.4:
            lines.append(b"Content-Length: " + draw.choice(LENGTHS))
        if draw.random() < 0.3:
            lines.append(b"Content-Encoding: " + draw.choice(ENCODINGS))
        if draw.random() < 0.2:
            lines.append(b"Retry-After: " + draw.choice(DELAYS))
        if draw.random() < 0.2:
            lines.append(draw.choice(OTHER_LINES))
        body = draw.choice(BODIES)
        if draw.random() < 0.3:
            lines.append(b"Transfer-Encoding: chunked")
            body = b"".join(draw.choice(CHUNK_LENGTHS) + b"\r\n" + body + b"\r\n" for _ in "ab")
        yield damaged(b"\r\n".join([*lines, b"", body]), draw)


def hostile_records(seed: int, count: int) -> Iterator[bytes]:
    """Draw files that pass for sources.csv, most of them wrong somewhere."""
    draw = random.Random(seed)
    for _ in range(count):
        header = draw.choice([",".join(Row._fields)] * 9 + ["file;url", "", "\ufeff"])
        lines = [
            draw.choice(SEPARATORS).join(draw.choices(CELLS, k=draw.choice([8, 8, 8, 8, 7, 9])))
            for _ in range(draw.randint(0, 4))
        ]
        text = draw.choice(["\n", "\n", "\r\n", "\r"]).join([header, *lines, ""])
        yield damaged(text.encode(), draw)


def hostile_pages(seed: int, count: int) -> Iterator[bytes]:
    """Draw answers of a search service, most of them wrong somewhere."""
    draw = random.Random(seed)
    for _ in range(count):
        if draw.random() < 0.4:
            yield damaged(json.dumps(draw.choice(PAGES)).encode(), draw)
        else:
            pieces = draw.choices(JSON_PIECES, k=draw.randint(0, 12))
            yield damaged("".join(pieces).encode(draw.choice(["utf-8"] * 3 + ["utf-16"])), draw)


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Change nothing, or a few bytes, or cut the end off."""
    changed = bytearray(data)
    for _ in range(draw.choice([0, 0, 0, 1, 4])):
        if changed:
            changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed[: draw.randrange(len(changed) + 1)] if draw.random() < 0.1 else changed)


def services(endpoint: str, key: str = "key") -> list[Service]:
    """Make one of each service."""
    return [
        Bing(key, endpoint),
        Brave(key, endpoint),
        Openverse(key, endpoint),
        Wikimedia(endpoint),
    ]


def read_page(data: bytes, service: Service) -> list[SearchResult]:
    """Search, without a pause, with a service that answers every request with these bytes."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n"
    no_pause = patch.object(Downloader, "pause")
    with answering(head.encode() + data), no_pause:
        downloader = Downloader(Limits(seconds=5, connect_seconds=5))
        return list(search(service, Query("blue jeans", 20, 20), downloader).results)


def read_record(data: bytes) -> list[list[str]]:
    """Open a label folder with this sources.csv and one image; return the rows that are left."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sources.csv").write_bytes(data)
        (folder / "00000000.jpg").touch()
        Sources(folder).close()
        with (folder / "sources.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))


def read_answer(data: bytes) -> bytes:
    """Download a file from a server that answers every request with these bytes."""
    with answering(data):
        downloader = Downloader(Limits(seconds=5, connect_seconds=5, max_bytes=2**16))
        return downloader.fetch("http://images.test/a.jpg", tries=1)


@contextmanager
def answering(data: bytes) -> Iterator[None]:
    """Have every connection bring these bytes; names that end in .test resolve, others do not."""
    others = []

    def getaddrinfo(
        host: str, port: int, *arguments: object, **named: object
    ) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        if host.endswith(".test"):
            host = "93.184.215.14"
        try:
            socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
        except OSError:
            raise socket.gaierror(socket.EAI_NONAME, "no such name") from None
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]

    def connect(open_socket: socket.socket, address: object) -> None:
        own, other = socket.socketpair()
        others.append(other)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
        other.sendall(data)
        other.shutdown(socket.SHUT_WR)
        with own:
            own.settimeout(open_socket.gettimeout())
            os.dup2(own.fileno(), open_socket.fileno())

    try:
        with (
            patch("socket.getaddrinfo", getaddrinfo),
            patch("socket.socket.connect", connect),
        ):
            yield
    finally:
        for other in others:
            other.close()
