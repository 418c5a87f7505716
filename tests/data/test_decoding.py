import contextlib
import logging
import subprocess
import sys
import threading
import warnings
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import (
    HEIGHT,
    WAYS,
    WIDTH,
    jpeg_of_size,
    pillow_image,
    png,
    rendered_by_pillow,
    smooth_pixels,
    tiled_tiff,
    written,
)
from PIL import Image

from pyimagesearch.data import decoding, image_header
from pyimagesearch.data.decoding import UnreadableImageError, decode_image, fitted

GREY, COLOR = 0, 2  # types of PNG images
CASES = [(way, mode) for way, (_, _, modes) in WAYS.items() for mode in modes]


def file_of(way, mode, **options):
    """A file, or a skip where this release of Pillow cannot write it."""
    file_format, common_options, _ = WAYS[way]
    try:
        data = written(pillow_image(mode), file_format, **common_options, **options)
        rendered_by_pillow(data)
    except (OSError, ValueError) as error:
        pytest.skip(f"Pillow does not write and read this: {error}")
    return data


def tolerance(way):
    return 8 if "jpeg" in way else 2


@pytest.mark.parametrize(("way", "mode"), CASES)
def test_looks_as_pillow_shows_it_on_white(way, mode):
    data = file_of(way, mode)
    decoded = decode_image(data)
    assert decoded.dtype == np.uint8
    assert decoded.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(decoded, rendered_by_pillow(data), atol=tolerance(way))


@pytest.mark.parametrize("fit", decoding.FITS)
@pytest.mark.parametrize(("way", "mode"), [case for case in CASES if case[1] != "1"])
def test_looks_the_same_when_fitted(way, mode, fit):
    data = file_of(way, mode)
    small = decode_image(data, 16, fit=fit)
    assert small.dtype == np.uint8
    expected = fitted(rendered_by_pillow(data), 16, fit)
    np.testing.assert_allclose(small, expected, atol=tolerance(way))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "way", [way for way in WAYS if way not in ("bmp", "gif", "tiff-fax", "tiff-jpeg")]
)
def test_exif_orientation_is_applied(way, orientation):
    exif = Image.Exif()
    exif[image_header.ORIENTATION] = orientation
    data = file_of(way, "RGB", exif=exif)
    expected = rendered_by_pillow(data)
    decoded = decode_image(data)
    assert decoded.shape == ((HEIGHT, WIDTH, 3) if orientation < 5 else (WIDTH, HEIGHT, 3))
    np.testing.assert_allclose(decoded, expected, atol=tolerance(way))
    small = fitted(expected, 16, "pad")
    np.testing.assert_allclose(decode_image(data, 16), small, atol=tolerance(way))


def test_exif_orientation_behind_the_pixels_of_a_png_is_applied():
    exif = Image.Exif()
    exif[image_header.ORIENTATION] = 6
    pixels = smooth_pixels(3)
    data = png(pixels, 8, COLOR, after=[(b"eXIf", exif.tobytes()[len(b"Exif\0\0") :])])
    np.testing.assert_array_equal(decode_image(data), np.rot90(pixels[:, :, ::-1], -1))


def test_damaged_exif_metadata_are_ignored():
    exif = b"Exif\0\0MM\0*\0\0\xff\xff\xff\xff"
    data = written(pillow_image("RGB"), "JPEG", exif=exif)
    assert decode_image(data).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_transparent_sample_of_a_grey_png_becomes_white(bits):
    largest = 2**bits - 1
    samples = np.array([[0, largest, largest // 2, largest // 3]] * 4)
    data = png(samples, bits, GREY, before=[(b"tRNS", (0).to_bytes(2, "big"))])
    expected = np.round(samples * (255 / largest))
    expected[samples == 0] = 255
    decoded = decode_image(data)
    np.testing.assert_array_equal(decoded, np.repeat(expected[:, :, None], 3, axis=2))


@pytest.mark.parametrize("bits", [8, 16])
def test_the_transparent_colour_of_a_png_becomes_white(bits):
    samples = np.full((4, 4, 3), 2**bits * 3 // 4)
    samples[0, 0, 2] += 1  # another colour, which 8 of 16 bits do not tell from the first
    key = samples[3, 3].astype(">u2").tobytes()
    decoded = decode_image(png(samples, bits, COLOR, before=[(b"tRNS", key)]))
    assert np.all(decoded.reshape(16, 3)[1:] == 255)
    assert np.all(decoded[0, 0] < 200)


@pytest.mark.parametrize("way", ["png", "gif"])
def test_a_transparent_colour_of_a_palette_becomes_white(way):
    image = Image.fromarray(np.repeat([[0, 1]], 8, axis=0).astype(np.uint8), "P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    decoded = decode_image(written(image, WAYS[way][0], transparency=0))
    assert decoded[0].tolist() == [[255, 255, 255], [50, 100, 200]]


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("size", [None, 20])
def test_colours_of_transparent_pixels_leave_no_trace(file_format, size):
    pixels = smooth_pixels(4, 40, 40)
    pixels[:, :20, 3], pixels[:, 20:, 3] = 0, 255
    options = {"exact": True, "lossless": True} if file_format == "WEBP" else {}
    decoded = decode_image(written(Image.fromarray(pixels), file_format, **options), size)
    middle = decoded.shape[1] // 2
    assert np.all(decoded[:, :middle] == 255)
    assert np.all(decoded[:, middle:].std(axis=(0, 1)) > 10)


@pytest.mark.parametrize("file_format", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_become_eight(file_format, channels):
    pixels = smooth_pixels(channels).reshape(HEIGHT, WIDTH, channels)
    if channels == 4:
        pixels[:, :, 3] = 255
    data = cv2.imencode(file_format, pixels.astype(np.uint16) * 257)[1].tobytes()
    np.testing.assert_array_equal(
        decode_image(data), np.broadcast_to(pixels[:, :, :3], (HEIGHT, WIDTH, 3))
    )


@pytest.mark.parametrize(
    ("file_format", "options"),
    [("PNG", {"default_image": True}), ("PNG", {}), ("WEBP", {"lossless": True}), ("GIF", {})],
)
def test_an_animation_gives_its_first_frame(file_format, options):
    first, second = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 255))
    data = written(first, file_format, save_all=True, append_images=[second], **options)
    assert np.all(decode_image(data) == (0, 0, 255))


@pytest.mark.parametrize("fit", decoding.FITS)
@pytest.mark.parametrize("enlarged", [1, 3, 10, 40])
def test_a_jpeg_decoded_small_looks_like_one_decoded_whole(enlarged, fit):
    size = (WIDTH * enlarged, HEIGHT * enlarged)
    large = cv2.resize(smooth_pixels(3), size, interpolation=cv2.INTER_CUBIC)
    small = decode_image(written(Image.fromarray(large), "JPEG", quality=95), 32, fit=fit)
    expected = fitted(np.ascontiguousarray(large[:, :, ::-1]), 32, fit)
    assert np.abs(small.astype(float) - expected).mean() < 4


@pytest.mark.parametrize("shape", [(400, 40, 3), (40, 400, 3)], ids=["tall", "wide"])
def test_a_jpeg_that_is_squeezed_keeps_the_details_of_its_shorter_side(shape):
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    data = written(Image.fromarray(noise), "JPEG", quality=95)
    expected = fitted(decode_image(data), 32, "squeeze")
    np.testing.assert_array_equal(decode_image(data, 32, fit="squeeze"), expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_with_most_of_its_rows_is_used(mode):
    data = written(pillow_image(mode), "JPEG", quality=95)
    whole = decode_image(data)
    decoded = decode_image(data[: len(data) * 9 // 10])
    np.testing.assert_array_equal(decoded[: HEIGHT // 2], whole[: HEIGHT // 2])


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_with_few_of_its_rows_is_refused(mode):
    data = written(pillow_image(mode, smooth_pixels(4, 400, 400)), "JPEG", quality=95)
    with pytest.raises(UnreadableImageError, match="cut off"):
        decode_image(data[: len(data) * 4 // 10])


def test_a_jpeg_without_its_last_rows_is_refused_where_it_has_to_be_whole():
    data = written(pillow_image("RGB"), "JPEG")
    assert decode_image(data, require_whole=True).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(UnreadableImageError, match="cut off"):
        decode_image(data[:-20], require_whole=True)


def test_a_jpeg_is_whole_whatever_a_camera_appends_to_it():
    grey = written(Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128)), "JPEG")
    decoded = decode_image(grey + bytes(5000), require_whole=True)
    assert np.all(decoded == 128)


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (60_000, 2_000)])
def test_a_png_that_claims_too_many_pixels_is_refused(width, height):
    data = bytearray(png(np.zeros((4, 4, 3)), 8, COLOR))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(UnreadableImageError, match="pixels"):
        decode_image(bytes(data))


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
    data = file_of(way, WAYS[way][2][0])
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


@pytest.mark.slow
def test_memory_stays_within_the_limit_whatever_a_few_bytes_claim(tmp_path):
    for name, data in bombs().items():
        (tmp_path / name).write_bytes(data)
        assert len(data) < 2**20
    script = (
        "import re, resource, sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from pathlib import Path\n"
        "from pyimagesearch.data.decoding import UnreadableImageError, decode_image\n"
        "def decode(path):\n"
        "    try:\n"
        "        decode_image(path.read_bytes(), 96)\n"
        "    except UnreadableImageError as error:\n"
        "        return f'{path.name}: {error}'\n"
        "def peak():\n"
        "    if sys.platform != 'linux':\n"
        "        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    # There, that begins with the peak of the process that started this one.\n"
        "    status = Path('/proc/self/status').read_text()\n"
        "    return int(re.search(r'VmHWM:\\s*(\\d+) kB', status)[1])\n"
        "start = peak()\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    print(list(pool.map(decode, sorted(Path(sys.argv[1]).iterdir()))))\n"
        "print(peak() - start)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    peak = int(result.stdout.splitlines()[-1]) * (1 if sys.platform == "darwin" else 1024)
    assert peak < decoding.MAX_BYTES * 1.1, result.stdout


def bombs():
    """Small files of many pixels, each of them close to the limit, below or above it."""
    color, grey = Image.new("RGB", (16, 16), "red"), Image.new("L", (16, 16), 99)
    baseline = written(color, "JPEG")
    one_scan = baseline.index(b"\xff\xda")
    one_of_three = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0"
    several_scans = baseline[:one_scan] + one_of_three + baseline[one_scan + 14 :]
    side = 6000
    flat = np.zeros((side, side), np.uint8)
    transparent = Image.new("RGBA", (side, side), (1, 2, 3, 4))
    files = {
        "baseline.jpg": jpeg_of_size(baseline, 9000, 9000),
        "progressive.jpg": jpeg_of_size(written(color, "JPEG", progressive=True), 9000, 9000),
        "grey.jpg": jpeg_of_size(written(grey, "JPEG", progressive=True), 16000, 16000),
        "several.jpg": jpeg_of_size(several_scans, 9000, 9000),
        "key.png": png(flat, 8, GREY, before=[(b"tRNS", b"\0\0")]),
        "deep.png": png(np.zeros((4000, 4000, 4), np.uint8), 16, 6),
        "a.webp": written(transparent, "WEBP", lossless=True, quality=0, method=0),
        "strip.tif": written(transparent, "TIFF", compression="tiff_deflate", strip_size=2**30),
        "tile.tif": tiled_tiff(16, 8000),
        "a.gif": written(Image.fromarray(flat), "GIF"),
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


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", b"\xff\xd8\xff\xe0", b"GIF89a"])
def test_what_is_not_an_image_is_refused(data):
    with pytest.raises(UnreadableImageError):
        decode_image(data)


def test_an_avif_image_that_pillow_cannot_read_yet_says_what_to_install(monkeypatch):
    monkeypatch.setattr(image_header, "READS_AVIF", False)
    monkeypatch.setattr(image_header, "PILLOW_FORMATS", ("PNG",))
    with pytest.raises(UnreadableImageError, match=r"pip install .pillow>=11\.3"):
        decode_image(b"\0\0\0 ftypavif\0\0\0\0avifmif1miafMA1B" + bytes(100))


def test_nothing_is_warned_of_or_printed(capfd, monkeypatch):
    # Without pytest's handler, what is logged goes to stderr.
    monkeypatch.setattr(logging.root, "handlers", [])
    exif = Image.Exif()
    exif[image_header.ORIENTATION] = 6
    jpeg = written(pillow_image("RGB"), "JPEG", exif=exif)
    tiff = written(pillow_image("RGB"), "TIFF", description="x" * 100)
    palette = written(pillow_image("P"), "PNG", transparency=bytes(range(64)))
    large = bytearray(png(np.zeros((4, 4)), 1, GREY))
    large[16:24] = (10_000).to_bytes(4, "big") * 2  # Pillow warns of more than 89 million pixels.
    large[29:33] = zlib.crc32(large[12:29]).to_bytes(4, "big")
    samples = tiff.replace(b"\x15\x01\x03\0\x01\0\0\0\x03", b"\x15\x01\x03\0\x01\0\0\0\x09")
    files = [bytes(large), palette, samples]
    files += [jpeg.replace(b"MM\0*\0\0\0\x08\0\x01", b"MM\0*\0\0\0\x08\0\x09")]
    files += [tiff[:-1], tiff.replace(b"x" * 100, b""), tiff[: len(tiff) // 2]]
    filters = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for data in files:
            with contextlib.suppress(UnreadableImageError):
                decode_image(data)
    assert [str(warning.message) for warning in caught] == []
    assert capfd.readouterr() == ("", "")
    assert list(warnings.filters) == filters


def damaged(data, flips, kept):
    changed = bytearray(data)
    for place, bit in flips:
        changed[int(place * (len(changed) - 1))] ^= 1 << bit
    return bytes(changed[: int(len(changed) * kept)])


@pytest.mark.slow
@settings(max_examples=200)
@given(
    case=st.sampled_from(CASES),
    flips=st.lists(st.tuples(st.floats(0, 1) | st.floats(0, 0.05), st.integers(0, 7)), max_size=8),
    kept=st.just(1.0) | st.floats(0, 1),
    size=st.sampled_from([None, 16]),
)
def test_damaged_data_are_decoded_or_refused(case, flips, kept, size):
    way, mode = case
    try:
        data = written(pillow_image(mode), WAYS[way][0], **WAYS[way][1])
    except (OSError, ValueError):
        return
    try:
        decoded = decode_image(damaged(data, flips, kept), size)
    except UnreadableImageError as error:
        assert str(error)
        assert "\n" not in str(error)
        return
    assert decoded.dtype == np.uint8
    assert decoded.shape[2:] == (3,)
    assert size is None or decoded.shape == (size, size, 3)


def test_squeezing_fills_the_square_with_the_whole_image():
    pixels = smooth_pixels(3)
    assert fitted(pixels, 16, "squeeze").shape == (16, 16, 3)
    np.testing.assert_allclose(
        fitted(pixels, 10, "squeeze").mean(axis=(0, 1)), pixels.mean(axis=(0, 1)), atol=1
    )


@pytest.mark.parametrize("shape", [(40, 20), (20, 40), (30, 30), (1, 50), (500, 3)])
def test_padding_keeps_proportions_and_repeats_the_border(shape):
    pixels = smooth_pixels(3, *shape[::-1]).reshape(*shape, 3)
    square = fitted(pixels, 20, "pad")
    rows, columns = decoding.inner_rectangle(shape, 20)
    inner = square[rows, columns]
    width, height = inner.shape[1::-1]
    assert max(width, height) == 20
    assert abs(min(width, height) - max(1, 20 * min(shape) / max(shape))) <= 0.5
    expected = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(inner, expected)
    assert np.all(square[: rows.start] == square[rows.start])
    assert np.all(square[rows.stop :] == square[rows.stop - 1])
    assert np.all(square[:, : columns.start] == square[:, [columns.start]])
    assert np.all(square[:, columns.stop :] == square[:, [columns.stop - 1]])
    assert abs(rows.start - (20 - rows.stop)) <= 1
    assert abs(columns.start - (20 - columns.stop)) <= 1


def test_another_way_to_make_a_square_is_refused():
    data = written(pillow_image("RGB"), "JPEG")
    with pytest.raises(ValueError, match="fit is 'squeese', but must be one of pad, squeeze"):
        decode_image(data, 16, fit="squeese")


def test_scales_to_one():
    scaled = decoding.scale(np.array([0, 51, 255], np.uint8))
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, [0, 0.2, 1])
