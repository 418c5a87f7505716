import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from image_files import (
    HEIGHT,
    WAYS,
    WIDTH,
    exif_of,
    jpeg_of_several_scans,
    jpeg_of_size,
    pillow_image,
    png,
    tiled_tiff,
    written,
)
from PIL import Image

from pyimagesearch.data import image_header
from pyimagesearch.data.image_header import (
    UnreadableImageError,
    bytes_to_decode,
    orientation,
    read_header,
)


@pytest.mark.parametrize("way", WAYS)
def test_reads_format_and_size(way):
    file_format, options, modes = WAYS[way]
    header = read_header(written(pillow_image(modes[0]), file_format, **options))
    assert (header.format, header.width, header.height) == (file_format, WIDTH, HEIGHT)


@pytest.mark.parametrize(("mode", "components"), [("L", 1), ("RGB", 3), ("CMYK", 4)])
@pytest.mark.parametrize("is_progressive", [False, True])
def test_reads_how_a_jpeg_is_stored(mode, components, is_progressive):
    header = read_header(written(pillow_image(mode), "JPEG", progressive=is_progressive))
    assert header.components == components
    assert header.has_several_scans == is_progressive


def test_a_jpeg_of_a_component_a_scan_has_several_scans():
    data = written(pillow_image("RGB"), "JPEG")
    assert read_header(jpeg_of_several_scans(data)).has_several_scans


def test_thumbnails_fillings_and_markers_without_length_do_not_hide_a_jpeg():
    exif = b"Exif\0\0" + written(Image.new("L", (8, 8)), "JPEG", progressive=True)
    data = written(pillow_image("RGB"), "JPEG", exif=exif)
    start = data.index(b"\xff\xe1")
    header = read_header(data[:start] + b"\xff\xff\xff\x01\xff" + data[start:])
    assert (header.width, header.height, header.components) == (WIDTH, HEIGHT, 3)
    assert not header.has_several_scans
    assert header.exif == exif


def test_other_metadata_than_exif_do_not_hide_a_jpegs_orientation():
    data = written(pillow_image("RGB"), "JPEG", exif=exif_of(6))
    start, xmp = data.index(b"\xff\xdb"), b"http://ns.adobe.com/xap/1.0/\0<x/>"
    segment = b"\xff\xe1" + (2 + len(xmp)).to_bytes(2, "big") + xmp
    assert orientation(read_header(data[:start] + segment + data[start:])) == 6


def test_a_jpeg_without_a_whole_header_is_refused():
    data = written(pillow_image("RGB"), "JPEG")
    for kept in range(3, data.index(b"\xff\xda") + 5):
        with pytest.raises(UnreadableImageError, match="the header is damaged"):
            read_header(data[:kept])


@pytest.mark.parametrize("size", [(0, HEIGHT), (WIDTH, 0)])
def test_a_jpeg_without_pixels_is_refused(size):
    with pytest.raises(UnreadableImageError, match="the header is damaged"):
        read_header(jpeg_of_size(written(pillow_image("RGB"), "JPEG"), *size))


def test_a_jpeg_of_more_pixels_than_any_camera_takes_is_refused():
    data = written(pillow_image("RGB"), "JPEG")
    assert read_header(jpeg_of_size(data, 16384, 16384)).width == 16384
    with pytest.raises(UnreadableImageError, match="16385 x 16384 pixels"):
        read_header(jpeg_of_size(data, 16385, 16384))


def test_a_format_that_is_not_listed_is_not_an_image():
    with pytest.raises(UnreadableImageError, match="not an image"):
        read_header(written(pillow_image("RGB"), "PPM"))


def test_a_chunk_longer_than_the_png_file_is_refused():
    data = bytearray(png(np.zeros((4, 4, 3)), 8, 2))
    assert image_header.png_chunks(bytes(data)) == [b"IHDR", b"IDAT", b"IEND"]
    data[33] = 0x7F
    with pytest.raises(UnreadableImageError, match="damaged"):
        image_header.png_chunks(bytes(data))


def test_what_follows_the_end_of_a_png_is_no_chunk():
    data = png(np.zeros((4, 4, 3)), 8, 2) + b"\xff" * 20
    assert image_header.png_chunks(data) == [b"IHDR", b"IDAT", b"IEND"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnreadableImageError("cut off"), "cut off"),
        (MemoryError(), "there is not enough memory to decode it"),
        (KeyError(1), "damaged, or of a kind that is not read (1)"),
    ],
)
def test_an_image_library_that_fails_gives_the_reason(error, reason):
    with pytest.raises(UnreadableImageError) as caught, image_header.damage_refused():
        raise error
    assert str(caught.value) == reason


@pytest.mark.parametrize("length", [1, 2, 3, 1000, 1001])
def test_scans_are_counted(length):
    data = np.random.default_rng(length).choice([0xFF, 0xDA], length).astype(np.uint8).tobytes()
    assert image_header._count_scans(data) == data.count(b"\xff\xda")


@pytest.mark.parametrize(
    "metadata", [b"", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x01x\0\0\0\0\0\0\0", b"MM\0*\xff"]
)
def test_orientation_is_upright_if_the_metadata_are_damaged(metadata):
    data = written(pillow_image("RGB"), "JPEG", exif=b"Exif\0\0" + metadata)
    assert orientation(read_header(data)) == 1


@pytest.mark.parametrize("value", [0, 9, 77, 2**16 - 1])
def test_orientation_is_upright_if_exif_knows_no_such_one(value):
    data = written(pillow_image("RGB"), "JPEG", exif=exif_of(value))
    assert orientation(read_header(data)) == 1


def test_several_scans_take_memory_for_the_coefficients():
    pixels = WIDTH * HEIGHT
    baseline = written(pillow_image("RGB"), "JPEG")
    progressive = written(pillow_image("RGB"), "JPEG", progressive=True)
    assert bytes_to_decode(read_header(baseline), baseline) == 6 * pixels
    assert bytes_to_decode(read_header(baseline), baseline, 2) == 6 * pixels // 4
    assert (
        bytes_to_decode(read_header(progressive), progressive, 8) == 6 * pixels // 64 + 6 * pixels
    )


def test_a_tile_of_a_tiff_takes_memory_even_if_it_is_larger_than_the_image():
    data = tiled_tiff(16, 8192)
    assert bytes_to_decode(read_header(data), data) >= 8192**2


def test_warnings_of_pillow_alone_are_ignored_and_only_meanwhile():
    filters = list(warnings.filters)

    def warn(module):
        with image_header.pillow_warnings_ignored:
            warnings.warn_explicit("large", UserWarning, "a.py", 1, module)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(warn, ["PIL.Image"] * 50 + ["other"] * 2))
    assert [str(warning.message) for warning in caught] == ["large"] * 2
    assert list(warnings.filters) == filters
