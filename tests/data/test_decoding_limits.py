import sys
import threading

import cv2
import numpy as np
import pytest
from image_files import (
    COLOR,
    GREY,
    HEIGHT,
    WAYS,
    WIDTH,
    jpeg_of_several_scans,
    jpeg_of_size,
    pillow_image,
    png,
    png_of_size,
    smooth_pixels,
    tiled_tiff,
    written,
)
from PIL import Image
from running import run_python

from pyimagesearch.data import decoding, image_header
from pyimagesearch.data.decoding import UnreadableImageError, decode_image


@pytest.mark.parametrize(
    ("width", "height", "complaint"),
    [
        (100_000, 100_000, "header claims too many pixels"),
        (60_000, 2_000, "60000 x 2000 pixels would take"),
    ],
)
def test_a_png_that_claims_too_many_pixels_is_refused(width, height, complaint):
    data = png_of_size(png(np.zeros((4, 4, 3)), 8, COLOR), width, height)
    with pytest.raises(UnreadableImageError, match=complaint):
        decode_image(data)


def test_a_jpeg_above_the_limit_shrinks_while_it_is_decoded(monkeypatch):
    data = written(pillow_image("RGB", smooth_pixels(4, 400, 300)), "JPEG")
    whole = decode_image(data)
    monkeypatch.setattr(decoding, "MAX_BYTES", 400 * 300 * 6 - 1)
    half = decode_image(data)
    assert half.shape == (150, 200, 3)
    expected = cv2.resize(whole, (200, 150), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(half, expected, atol=8)


@pytest.mark.parametrize("way", WAYS)
def test_the_limit_is_the_same_at_every_size(way, monkeypatch):
    file_format, options, modes = WAYS[way]
    data = written(pillow_image(modes[0]), file_format, **options)
    monkeypatch.setattr(decoding, "MAX_BYTES", 10)
    for size in (None, 8, 1000):
        with pytest.raises(UnreadableImageError, match=f"{WIDTH} x {HEIGHT} pixels"):
            decode_image(data, size)


def test_the_limit_is_the_documented_one():
    assert decoding.MAX_BYTES == 384 * 2**20


def test_a_jpeg_of_very_many_scans_is_refused():
    data = written(pillow_image("L"), "JPEG", progressive=True)
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    assert decode_image(data[:-2] + last_scan * 50 + data[-2:]).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(UnreadableImageError, match="scans"):
        decode_image(data[:-2] + last_scan * 100 + data[-2:])


# Decodes the files of a folder, and prints what became of them and by how much the memory grew.
DECODE_ALL = """
import re, resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from pyimagesearch.data.decoding import UnreadableImageError, decode_image

def decode(path):
    try:
        decode_image(path.read_bytes(), 96)
    except UnreadableImageError as error:
        return f"{path.name}: {error}"

def peak():
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # There, that begins with the peak of the process that started this one.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1])

start = peak()
with ThreadPoolExecutor(4) as pool:
    print(list(pool.map(decode, sorted(Path(sys.argv[1]).iterdir()))))
print(peak() - start)
"""


@pytest.mark.slow
def test_memory_stays_within_the_limit_whatever_a_few_bytes_claim(tmp_path):
    for name, data in bombs().items():
        (tmp_path / name).write_bytes(data)
        assert len(data) < 2**20
    result = run_python("-c", DECODE_ALL, tmp_path)
    assert result.returncode == 0, result.stderr
    peak = int(result.stdout.splitlines()[-1]) * (1 if sys.platform == "darwin" else 1024)
    assert peak < decoding.MAX_BYTES * 1.1, result.stdout


def moving_webp(width, height):
    """A WebP file of two frames of 16 pixels on a canvas of this size."""
    still, other = (Image.new("RGB", (16, 16), color) for color in ("red", "blue"))
    data = written(still, "WEBP", save_all=True, append_images=[other])
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return data[:24] + size + data[30:]


def bombs():
    """Small files of many pixels, each of them close to the limit, below or above it."""
    color, grey = Image.new("RGB", (16, 16), "red"), Image.new("L", (16, 16), 99)
    baseline = written(color, "JPEG")
    side = 6000
    flat = np.zeros((side, side), np.uint8)
    transparent = Image.new("RGBA", (side, side), (1, 2, 3, 4))
    deep = np.zeros((6300, 6300, 4), np.uint16)
    files = {
        "baseline.jpg": jpeg_of_size(baseline, 9000, 9000),
        "progressive.jpg": jpeg_of_size(written(color, "JPEG", progressive=True), 9000, 9000),
        "grey.jpg": jpeg_of_size(written(grey, "JPEG", progressive=True), 16000, 16000),
        "several.jpg": jpeg_of_size(jpeg_of_several_scans(baseline), 9000, 9000),
        "key.png": png(flat, 8, GREY, before=[(b"tRNS", b"\0\0")]),
        "deep.png": png(np.zeros((4000, 4000, 4), np.uint8), 16, 6),
        "a.webp": written(transparent, "WEBP", lossless=True, quality=0, method=0),
        "strip.tif": written(transparent, "TIFF", compression="tiff_deflate", strip_size=2**30),
        "tile.tif": tiled_tiff(16, 8000),
        "a.gif": written(Image.fromarray(flat), "GIF"),
        "moving.webp": moving_webp(5300, 5300),
        "deep.tif": cv2.imencode(".tif", deep, [cv2.IMWRITE_TIFF_ROWSPERSTRIP, len(deep)])[1],
    }
    if image_header.READS_AVIF:
        files["a.avif"] = written(transparent.resize((4000, 4000)), "AVIF", speed=10)
    return files


def test_large_images_wait_for_memory_but_not_for_ever():
    budget = decoding._MemoryBudget(10)
    order, inside = [], threading.Event()

    def take(size):
        with budget.reserved(size):
            order.append(size)
            inside.wait(10)

    threads = []
    for size in (6, 10, 1):
        threads.append(threading.Thread(target=take, args=(size,)))
        threads[-1].start()
        while size == 6 and not order:
            pass
    assert order == [6]  # the small one waits its turn, too
    inside.set()
    for thread in threads:
        thread.join(10)
    assert sorted(order) == [1, 6, 10]


def test_an_image_that_cannot_be_decoded_gives_its_memory_back():
    budget = decoding._MemoryBudget(10)
    with pytest.raises(UnreadableImageError), budget.reserved(10):
        raise UnreadableImageError("damaged")
    again = threading.Thread(target=budget.reserved(10).__enter__, daemon=True)
    again.start()
    again.join(10)
    assert not again.is_alive()
