"""Search results that misbehave in every way that a server can, and what should become of them."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import cv2
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from misbehaving_server import Handler

MAX_BYTES = 2**20


class Item(NamedTuple):
    """A search result: where it is, how it behaves, what it holds, and what should become of it."""

    url: str
    kind: str
    body: bytes
    expected: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def pattern(seed: int, width: int = 120, height: int = 100) -> np.ndarray:
    """Draw smooth colours, uint8, shape (height, width, 3), different for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(image: np.ndarray, suffix: str = ".jpg", quality: int = 92) -> bytes:
    """Encode an image in the format that a suffix names."""
    if suffix in (".gif", ".avif"):
        file = io.BytesIO()
        Image.fromarray(image[:, :, ::-1]).save(file, suffix[1:])
        return file.getvalue()
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    return cv2.imencode(suffix, image, settings)[1].tobytes()


def bomb_png() -> bytes:
    """Make a PNG file whose header claims 60,000 x 60,000 pixels."""
    image = bytearray(encoded(pattern(0), ".png"))
    image[16:24] = (60_000).to_bytes(4, "big") * 2
    image[29:33] = zlib.crc32(image[12:29]).to_bytes(4, "big")
    return bytes(image)


# --- how results behave: each function answers one request ---


def plainly(handler: "Handler", item: Item) -> None:
    handler.answer(item.body)


def chunked(handler: "Handler", item: Item) -> None:
    handler.head(200, {"Transfer-Encoding": "chunked"})
    for start in range(0, len(item.body), 1000):
        part = item.body[start : start + 1000]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    handler.wfile.write(b"0\r\n\r\n")


def chunked_backwards(handler: "Handler", item: Item) -> None:
    handler.head(200, {"Transfer-Encoding": "chunked"})
    handler.wfile.write(b"-5\r\n%s\r\n0\r\n\r\n" % item.body)


def brotli(handler: "Handler", item: Item) -> None:
    handler.answer(item.body, {"Content-Encoding": "br"})


def gzipped(handler: "Handler", item: Item) -> None:
    handler.answer(gzip.compress(item.body), {"Content-Encoding": "gzip"})


def named_by_server(handler: "Handler", item: Item) -> None:
    handler.answer(item.body, {"Content-Disposition": 'attachment; filename="../../evil.jpg"'})


def busy_at_first(handler: "Handler", item: Item) -> None:
    if handler.times_asked == 1:
        handler.server.count_rest(1)
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

# By kind: what should become of a result, how the server answers, and what it holds (bytes, the
# suffix of an image of its own, or a function that takes the good images before it).
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
    "in-negative-chunks": ("failed", chunked_backwards, ".jpg"),
    "in-brotli": ("failed", brotli, ".jpg"),
    "truncated": ("failed", promising_too_much, ".jpg"),
    "hangs-up": ("failed", hanging_up, b""),
    "circle": ("failed", redirecting_in_circles, b""),
    "to-private": ("failed", redirecting_to("http://10.0.0.1/private.jpg"), b""),
    "to-metadata": ("failed", redirecting_to("http://169.254.169.254/latest/meta-data/"), b""),
    "to-mapped": ("failed", redirecting_to("http://[::ffff:10.0.0.1]/private.jpg"), b""),
    "to-other-loopback": ("failed", redirecting_to("http://127.0.0.2:{port}/secret.jpg"), b""),
    "to-no-url": ("failed", redirecting_to("http://["), b""),
    "to-a-scope": ("failed", redirecting_to("http://[fe80::1%25eth0]/secret.jpg"), b""),
    "to-a-mail-server": ("failed", redirecting_to("http://127.0.0.1:25/secret.jpg"), b""),
    "to-a-file": ("failed", redirecting_to("file:///etc/passwd"), b""),
    "not-found": ("failed", refusing(404), b""),
    "forbidden": ("failed", refusing(403), b""),
}
# Results that lead away from the server from the start.
ELSEWHERE = {
    "private": "http://192.168.0.1/{n}.jpg",
    "number": "http://167772161/{n}.jpg",
    "ftp": "ftp://127.0.0.1/{n}.jpg",
    "file": "file:///etc/hostname?{n}",
    "formula": '=HYPERLINK("http://127.0.0.1/{n}.jpg")',
}
AWKWARD = [kind for kind in KINDS if kind != "good"] + list(ELSEWHERE)


def plan(base: str, count: int, kinds: list[str] = AWKWARD) -> list[Item]:
    """List search results: the first two are good, and every fifth misbehaves."""
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
