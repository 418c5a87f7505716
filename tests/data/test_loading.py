import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pyimagesearch.data import decoding, folders, loading
from pyimagesearch.errors import UserError


@pytest.fixture
def picture():
    """A smooth colourful image, uint8 (60, 90, 3), BGR."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 9), None, 0, 255, cv2.NORM_MINMAX)


def encoded(picture, file_format="PNG", mode="RGB", **options):
    buffer = io.BytesIO()
    image = Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)).convert(mode)
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def png_header(width, height):
    def chunk(kind, content):
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 999))


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "JPEG", "WEBP", "GIF"])
def test_decodes_every_format(picture, file_format):
    decoded = decoding.decode_image(encoded(picture, file_format))
    assert decoded.dtype == np.uint8
    assert decoded.shape == picture.shape
    assert np.abs(decoded.astype(int) - picture).mean() < 6


def test_grey_becomes_three_equal_channels(picture):
    decoded = decoding.decode_image(encoded(picture, mode="L"))
    assert decoded.shape == picture.shape
    assert (decoded == decoded[:, :, :1]).all()


def test_cmyk_becomes_bgr(picture):
    decoded = decoding.decode_image(encoded(picture, "JPEG", mode="CMYK"))
    assert np.abs(decoded.astype(int) - picture).mean() < 6


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_become_eight(picture, suffix):
    data = cv2.imencode(suffix, picture.astype(np.uint16) * 257)[1].tobytes()
    np.testing.assert_array_equal(decoding.decode_image(data), picture)


def test_sixteen_bits_with_alpha_become_eight(picture):
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    data = cv2.imencode(".png", opaque.astype(np.uint16) * 257)[1].tobytes()
    np.testing.assert_array_equal(decoding.decode_image(data), picture)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_transparent_pixels_come_out_white_whatever_they_hide(picture, file_format):
    rgba = cv2.cvtColor(picture, cv2.COLOR_BGR2RGBA)
    rgba[:, :45, 3] = 0
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(
        buffer, file_format, **({"exact": True, "lossless": True} if file_format == "WEBP" else {})
    )
    decoded = decoding.decode_image(buffer.getvalue())
    assert (decoded[:, :45] == 255).all()
    np.testing.assert_array_equal(decoded[:, 45:], picture[:, 45:])


def test_a_palette_with_a_transparent_colour_comes_out_white_there():
    image = Image.fromarray(np.repeat([[0, 1]], 8, axis=0).astype(np.uint8), "P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=0)
    decoded = decoding.decode_image(buffer.getvalue())
    assert decoded[0].tolist() == [[255, 255, 255], [50, 100, 200]]


def test_exif_orientation_is_applied(picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate by 90 degrees clockwise to display"
    decoded = decoding.decode_image(encoded(picture, "JPEG", exif=exif, quality=95))
    expected = cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE)
    assert np.abs(decoded.astype(int) - expected).mean() < 6


@pytest.mark.parametrize("enlarged", [1, 3, 10, 40])
def test_a_jpeg_decoded_small_looks_like_one_decoded_whole(picture, enlarged):
    large = cv2.resize(picture, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC)
    small = decoding.decode_image(encoded(large, "JPEG", quality=95), 32)
    expected = cv2.resize(large, (32, 32), interpolation=cv2.INTER_AREA)
    assert small.shape == (32, 32, 3)
    assert np.abs(small.astype(int) - expected).mean() < 4


def test_a_jpeg_with_most_of_its_rows_is_used(picture):
    data = encoded(picture, "JPEG")
    decoded = decoding.decode_image(data[: len(data) * 9 // 10])
    assert np.abs(decoded[:30].astype(int) - picture[:30]).mean() < 6


def test_a_jpeg_with_few_of_its_rows_is_refused(picture):
    data = encoded(picture, "JPEG", quality=95)
    with pytest.raises(decoding.UnreadableImageError, match="cut off"):
        decoding.decode_image(data[: len(data) * 4 // 10])


@pytest.mark.parametrize("width, height", [(100_000, 100_000), (60_000, 2_000)])
def test_enormous_dimensions_are_refused_by_the_header(width, height):
    with pytest.raises(decoding.UnreadableImageError, match="pixels"):
        decoding.decode_image(png_header(width, height))


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", b"\xff\xd8\xff\xe0", b"GIF89a"])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(decoding.UnreadableImageError):
        decoding.decode_image(data)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    file_format=st.sampled_from(["PNG", "BMP", "TIFF", "JPEG", "WEBP", "GIF"]),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), max_size=8),
    kept=st.floats(0, 1),
)
def test_damaged_data_is_decoded_or_refused_but_never_ends_the_run(
    picture, file_format, flips, kept
):
    data = bytearray(encoded(picture, file_format))
    for place, bit in flips:
        data[int(place * (len(data) - 1))] ^= 1 << bit
    try:
        decoded = decoding.decode_image(bytes(data[: int(len(data) * kept)]), 16)
    except decoding.UnreadableImageError:
        return
    assert decoded.shape == (16, 16, 3)
    assert decoded.dtype == np.uint8


def test_labels_are_the_parts_of_the_folders_name():
    assert folders.folder_labels("data/blue_jeans/0.jpg") == ("blue", "jeans")
    assert folders.folder_labels("data/jeans/0.jpg") == ("jeans",)
    assert folders.folder_labels("data/dark_blue_jeans/0.jpg") == ("dark", "blue", "jeans")
    assert folders.folder_labels("data/синие_джинсы/0.jpg") == ("синие", "джинсы")
    assert folders.folder_labels("data/_blue__jeans_/0.jpg") == ("blue", "jeans")


def test_lists_images_of_all_suffixes_sorted_and_nothing_hidden(tmp_path):
    for name in ("b/1.JPG", "b/2.gif", "a/3.webp", "a/4.tIfF", "a/5.jpe", "a/notes.txt"):
        write(tmp_path / name, b"x")
    for name in (".cache/6.png", "a/.7.png", "a/.thumbnails/8.png"):
        write(tmp_path / name, b"x")
    (tmp_path / "a" / "folder.png").mkdir()
    listed = [os.path.relpath(path, tmp_path) for path in folders.list_images(tmp_path)]
    assert listed == ["a/3.webp", "a/4.tIfF", "a/5.jpe", "b/1.JPG", "b/2.gif"]


def test_a_dataset_below_a_hidden_folder_is_found(tmp_path):
    write(tmp_path / ".data" / "blue_jeans" / "1.png", b"x")
    assert len(folders.list_images(tmp_path / ".data")) == 1


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        folders.list_images(tmp_path / "nowhere")


def test_loads_in_order_and_names_what_it_skips(tmp_path, picture):
    good = encoded(picture)
    other = encoded(255 - picture)
    write(tmp_path / "blue_jeans" / "0 ä 图.PNG", good)
    write(tmp_path / "blue_jeans" / "1.jpg", b"")
    write(tmp_path / "red_dress" / "2.jpg", b"not an image")
    write(tmp_path / "red_dress" / "3.png", other)
    write(tmp_path / "cover.png", good)
    os.mkfifo(tmp_path / "red_dress" / "4.png")
    (tmp_path / "red_dress" / "5.png").symlink_to("5.png")
    (tmp_path / "red_dress" / "6.png").symlink_to("/dev/zero")
    with (tmp_path / "red_dress" / "7.png").open("wb") as sparse:
        sparse.truncate(2**31)

    loaded = loading.load_dataset(tmp_path, 16)
    assert loaded.labels == [("blue", "jeans"), ("red", "dress")]
    np.testing.assert_array_equal(loaded.images[0], decoding.decode_image(good, 16))
    np.testing.assert_array_equal(loaded.images[1], decoding.decode_image(other, 16))
    assert [Path(path).name for path in loaded.paths] == ["0 ä 图.PNG", "3.png"]
    skipped = {Path(path).name: reason for path, reason in loaded.skipped}
    assert sorted(skipped) == ["1.jpg", "2.jpg", "4.png", "5.png", "6.png", "7.png", "cover.png"]
    assert "empty" in skipped["1.jpg"]
    assert "not an image" in skipped["2.jpg"]
    assert "regular" in skipped["4.png"]
    assert "larger" in skipped["7.png"]
    assert "label folder" in skipped["cover.png"]


def test_images_keep_their_places_when_many_before_them_are_skipped(tmp_path):
    for number in range(100):
        image = np.full((8, 8, 3), number, np.uint8)
        good = number % 3 == 0
        write(tmp_path / "a_b" / f"{number:03}.png", encoded(image) if good else b"bad")
    loaded = loading.load_images(folders.list_images(tmp_path), 8)
    assert loaded.images[:, 0, 0, 0].tolist() == list(range(0, 100, 3))
    assert [int(Path(path).name[:3]) for path in loaded.paths] == list(range(0, 100, 3))
    assert len(loaded.skipped) == 66


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "no images"),
        ({"notes.txt": True}, "no images"),
        ({"0.png": True, "1.png": True}, "not in label folders"),
        ({"blue_jeans/0.png": False}, "none of the 1 images"),
        ({"blue_jeans/0.png": True, "more/blue_jeans/0.png": True}, "same labels"),
    ],
)
def test_a_folder_that_cannot_be_learnt_from_ends_in_one_line(tmp_path, picture, files, complaint):
    for name, is_readable in files.items():
        write(tmp_path / name, encoded(picture) if is_readable else b"bad")
    with pytest.raises(UserError, match=complaint) as caught:
        loading.load_dataset(tmp_path, 16)
    assert "\n" not in str(caught.value)


def test_scales_to_one():
    scaled = decoding.scale(np.array([0, 51, 255], np.uint8))
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, [0, 0.2, 1])
