import contextlib
import logging
import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import (
    COLOR,
    GREY,
    HEIGHT,
    WAYS,
    WIDTH,
    exif_of,
    pillow_image,
    png,
    png_of_size,
    rendered_by_pillow,
    smooth_pixels,
    written,
)
from PIL import Image

from pyimagesearch.data import decoding, image_header
from pyimagesearch.data.decoding import UnreadableImageError, decode_image, fitted

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


@pytest.mark.parametrize(("way", "mode"), [case for case in CASES if case[1] != "1"])
def test_looks_the_same_when_fitted(way, mode):
    data = file_of(way, mode)
    small = decode_image(data, 16)
    assert small.dtype == np.uint8
    expected = fitted(rendered_by_pillow(data), 16, "pad")
    np.testing.assert_allclose(small, expected, atol=tolerance(way))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "way", [way for way in WAYS if way not in ("bmp", "gif", "tiff-fax", "tiff-jpeg")]
)
def test_exif_orientation_is_applied(way, orientation):
    data = file_of(way, "RGB", exif=exif_of(orientation))
    expected = rendered_by_pillow(data)
    decoded = decode_image(data)
    assert decoded.shape == ((HEIGHT, WIDTH, 3) if orientation < 5 else (WIDTH, HEIGHT, 3))
    np.testing.assert_allclose(decoded, expected, atol=tolerance(way))
    small = fitted(expected, 16, "pad")
    np.testing.assert_allclose(decode_image(data, 16), small, atol=tolerance(way))


def test_exif_orientation_behind_the_pixels_of_a_png_is_applied():
    pixels, exif = smooth_pixels(3), exif_of(6).tobytes().removeprefix(b"Exif\0\0")
    data = png(pixels, 8, COLOR, after=[(b"eXIf", exif)])
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


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", b"GIF89a"])
def test_what_is_not_an_image_is_refused(data):
    with pytest.raises(UnreadableImageError, match="not an image"):
        decode_image(data)


def test_an_avif_image_that_pillow_cannot_read_yet_says_what_to_install(monkeypatch):
    monkeypatch.setattr(image_header, "READS_AVIF", False)
    monkeypatch.setattr(image_header, "PILLOW_FORMATS", ("PNG",))
    with pytest.raises(UnreadableImageError, match=r"pip install .pillow>=11\.3"):
        decode_image(b"\0\0\0 ftypavif\0\0\0\0avifmif1miafMA1B" + bytes(100))


def test_nothing_is_warned_of_or_printed(capfd, monkeypatch):
    # Without pytest's handler, what is logged goes to stderr.
    monkeypatch.setattr(logging.root, "handlers", [])
    jpeg = written(pillow_image("RGB"), "JPEG", exif=exif_of(6))
    tiff = written(pillow_image("RGB"), "TIFF", description="x" * 100)
    palette = written(pillow_image("P"), "PNG", transparency=bytes(range(64)))
    # Pillow warns of more than 89 million pixels.
    large = png_of_size(png(np.zeros((4, 4)), 1, GREY), 10_000, 10_000)
    samples = tiff.replace(b"\x15\x01\x03\0\x01\0\0\0\x03", b"\x15\x01\x03\0\x01\0\0\0\x09")
    files = [large, palette, samples]
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
