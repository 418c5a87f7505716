"""Decode image files into 8-bit pixels: the one way in which pixels enter the system.

OpenCV decodes what it decodes correctly, because it is faster. Pillow decodes the rest.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

import cv2
import numpy as np
from PIL import Image

from pyimagesearch.data.float_samples import white_of
from pyimagesearch.data.image_header import (
    END_OF_IMAGE,
    START_OF_SCAN,
    Header,
    JpegHeader,
    UnreadableImageError,
    bytes_to_decode,
    damage_refused,
    orientation,
    pillow_warnings_ignored,
    png_bits,
    png_chunks,
    read_header,
)

__all__ = ["FITS", "Fit", "UnreadableImageError", "decode_image", "fitted", "read_header", "scale"]

# How an image becomes a square; see `fitted`.
Fit = Literal["pad", "squeeze"]
FITS: tuple[Fit, ...] = get_args(Fit)

# For all images that are being decoded at a time. It is enough for a JPEG image of 67 million
# pixels, a PNG image of 50 million, or an AVIF image of 26 million.
MAX_BYTES = 384 * 2**20

JPEG_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}

# Pixels are converted in bands of this many, because copies of the whole image take memory.
BAND_PIXELS = 2**18

# The orientations (EXIF 2.32, tag 274) in which rows are columns, and how OpenCV flips the image
# after rows and columns have changed places: 1 left to right, 0 upside down, -1 both.
TRANSPOSED = (5, 6, 7, 8)
FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}


class _MemoryBudget:
    """Memory that threads share: who asks for more than is left waits until others are done."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._queue = threading.Lock()
        self._changed = threading.Condition()

    @contextmanager
    def reserved(self, size: int) -> Iterator[None]:
        # Only the first of the queue waits for memory. Otherwise a large image would never get its
        # share as long as small ones come.
        with self._queue, self._changed:
            self._changed.wait_for(lambda: size <= self._left)
            self._left -= size
        try:
            yield
        finally:
            with self._changed:
                self._left += size
                self._changed.notify()


_memory = _MemoryBudget(MAX_BYTES)


def decode_image(
    data: bytes, size: int | None = None, *, fit: Fit = "pad", require_whole: bool = False
) -> np.ndarray:
    """Decode an image, for training, classification and search alike.

    Transparent pixels become white, the EXIF orientation is applied, and an animation gives its
    first frame. Samples of 16 bits are scaled to 8 bits, and floating-point ones from 0 to 1, 255
    or 65,535, whichever they fit. Integers of 32 bits, for which no format defines white, are
    clipped to [0, 255] as in Pillow. A JPEG file that was cut off is used if at least half of its
    rows are there.

    There is one limit for all uses: an image that takes more than ``MAX_BYTES`` of memory to decode
    is refused. Only a JPEG image can be decoded at a half, a quarter or an eighth of its width and
    height. Where it must be because of the limit, it is smaller than its header says.

    Parameters
    ----------
    data : bytes
        The content of a JPEG, PNG, BMP, TIFF, WebP, GIF or AVIF file. AVIF needs Pillow 11.3.
    size : int, optional
        Width and height in pixels of the square that the image becomes. By default the image keeps
        its size.
    fit : {"pad", "squeeze"}
        How it becomes a square; see :func:`fitted`.
    require_whole : bool
        Whether to refuse a JPEG file that was cut off, however much of it is there.

    Returns
    -------
    numpy.ndarray
        uint8, shape (size, size, 3) or (height, width, 3), BGR.

    Raises
    ------
    UnreadableImageError
        If the data is not an image, is damaged beyond use, or takes too much memory.
    ValueError
        If there is a `size`, and `fit` is neither of the two.
    """
    header = read_header(data)
    reduction, needed = _reduction(header, data, size, fit=fit)
    with _memory.reserved(needed):
        image = _decode(header, data, reduction, require_whole=require_whole)
        image = _oriented(image, orientation(header))
        return _on_white(image if size is None else fitted(image, size, fit))


def _reduction(header: Header, data: bytes, size: int | None, *, fit: Fit) -> tuple[int, int]:
    """Choose by how much the decoder shrinks an image; return how much memory that takes, too."""
    # Decoding a JPEG image at a half, a quarter or an eighth saves most of the inverse transform.
    reductions = (1, 2, 4, 8) if isinstance(header, JpegHeader) else (1,)
    # An image that keeps its proportions fills the square with its longer side alone.
    side = (max if fit == "pad" else min)(header.width, header.height)
    wanted = max((r for r in reductions if size and side >= r * size), default=1)
    for reduction in (r for r in reductions if r >= wanted):
        needed = bytes_to_decode(header, data, reduction)
        if needed <= MAX_BYTES:
            return reduction, needed
    raise UnreadableImageError(
        f"decoding {header.width} x {header.height} pixels would take {needed >> 20:,} MiB, more "
        f"than the limit of {MAX_BYTES >> 20}"
    )


def _decode(header: Header, data: bytes, reduction: int, *, require_whole: bool) -> np.ndarray:
    """Return the pixels as BGR or as premultiplied BGRA, not turned yet."""
    if isinstance(header, JpegHeader):
        return _decode_jpeg(header, data, reduction, require_whole=require_whole)
    if _is_for_opencv(header, data):
        return _decode_with_opencv(data, is_transparent=header.has_transparency_data)
    return _decode_with_pillow(header, data)


def _decode_jpeg(
    header: JpegHeader, data: bytes, reduction: int, *, require_whole: bool
) -> np.ndarray:
    # Cameras append data of their own to an image. Neither marker can occur within a scan.
    is_cut_off = END_OF_IMAGE not in data[-1024:] and (
        data.rfind(END_OF_IMAGE) < data.rfind(START_OF_SCAN)
    )
    if is_cut_off and require_whole:
        raise UnreadableImageError("cut off")
    # OpenCV refuses a file without the end marker. With it, libjpeg decodes what there is and
    # leaves the rest grey.
    image = _imdecode(data + END_OF_IMAGE if is_cut_off else data, JPEG_FLAGS[reduction])
    grey = 64 if header.components == 4 else 128
    lower_half = image[(len(image) - 1) // 2 :]
    if is_cut_off and cv2.inRange(lower_half, (grey - 1,) * 3, (grey + 1,) * 3).all():
        raise UnreadableImageError("cut off before half of it was stored")
    return image


def _imdecode(data: bytes, flags: int) -> np.ndarray:
    with damage_refused():
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise UnreadableImageError("damaged, or of a kind that is not read")
    return image


def _is_for_opencv(header: Image.Image, data: bytes) -> bool:
    if header.format == "WEBP":
        return not getattr(header, "is_animated", False)
    if header.format != "PNG":
        return False
    chunks = png_chunks(data)
    # OpenCV may give another frame of an animation than the first.
    is_animated = b"acTL" in chunks
    # Metadata behind the pixels are known only after Pillow has decoded these.
    has_late_metadata = b"eXIf" in chunks and "exif" not in header.info
    # OpenCV makes these opaque.
    has_transparent_grey = header.mode in ("1", "L", "I", "I;16") and b"tRNS" in chunks
    # OpenCV would take twice the memory.
    has_16_bit_alpha = header.mode in ("LA", "RGBA") and png_bits(data) == 16
    return not (is_animated or has_late_metadata or has_transparent_grey or has_16_bit_alpha)


def _decode_with_opencv(data: bytes, *, is_transparent: bool) -> np.ndarray:
    if not is_transparent:
        return _imdecode(data, cv2.IMREAD_COLOR)
    image = _as_8_bit(_imdecode(data, cv2.IMREAD_UNCHANGED))
    if image.ndim == 2 or image.shape[2] == 3:  # The transparency was damaged.
        return _imdecode(data, cv2.IMREAD_COLOR)
    for rows in _bands(image):
        image[rows] = cv2.cvtColor(image[rows], cv2.COLOR_RGBA2mRGBA)
    return image


def _decode_with_pillow(source: Image.Image, data: bytes) -> np.ndarray:
    with pillow_warnings_ignored, damage_refused():
        source.load()
        white = white_of(source) if source.mode == "F" else None
        bits = png_bits(data) if source.format == "PNG" else None
        image = np.empty((source.height, source.width, 3), np.uint8)
        for rows in _bands(image):
            band = source.crop((0, rows.start, source.width, rows.stop))
            if white:
                band = band.point(lambda sample: sample * (255 / white) + 0.5)
            image[rows] = _pillow_pixels(band, bits)
    return image


def _pillow_pixels(image: Image.Image, bits_of_png: int | None) -> np.ndarray:
    """Lay a Pillow image on white; return its pixels as BGR."""
    is_grey_png = bits_of_png is not None and image.mode in ("1", "L", "I", "I;16")
    if is_grey_png or image.mode.startswith("I;16"):
        grey = _grey_on_white(image, bits_of_png or 16)
        return cv2.cvtColor(_as_8_bit(grey), cv2.COLOR_GRAY2BGR)
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        premultiplied = cv2.cvtColor(rgba, cv2.COLOR_RGBA2mRGBA)
        return _on_white(cv2.cvtColor(premultiplied, cv2.COLOR_RGBA2BGRA))
    return cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR)


def _grey_on_white(image: Image.Image, bits: int) -> np.ndarray:
    """Make the samples white that a PNG image declares transparent.

    Pillow compares 8-bit samples with the declared one, which has as many bits as in the file.
    """
    samples = np.array(image if bits == 16 else image.convert("L"))
    samples = samples.astype(np.uint16 if bits == 16 else np.uint8)
    transparent = image.info.get("transparency")
    if transparent is not None:
        white, largest = np.iinfo(samples.dtype).max, 2**bits - 1
        samples[samples == (transparent & largest) * (white // largest)] = white
    return samples


def _as_8_bit(samples: np.ndarray) -> np.ndarray:
    return cv2.convertScaleAbs(samples, alpha=1 / 257) if samples.dtype == np.uint16 else samples


def _on_white(image: np.ndarray) -> np.ndarray:
    """Lay premultiplied BGRA on white; leave BGR as it is."""
    if image.shape[2] == 3:
        return image
    opaque = np.empty((*image.shape[:2], 3), np.uint8)
    for rows in _bands(image):
        white = cv2.bitwise_not(cv2.extractChannel(image[rows], 3))
        color = cv2.cvtColor(image[rows], cv2.COLOR_BGRA2BGR)
        opaque[rows] = cv2.add(color, cv2.cvtColor(white, cv2.COLOR_GRAY2BGR))
    return opaque


def _bands(image: np.ndarray) -> Iterator[slice]:
    height, width = image.shape[:2]
    rows = max(1, BAND_PIXELS // width)
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def _oriented(image: np.ndarray, orientation: int) -> np.ndarray:
    if orientation in TRANSPOSED:
        image = cv2.transpose(image)
    return cv2.flip(image, FLIPS[orientation]) if orientation in FLIPS else image


def fitted(image: np.ndarray, size: int, fit: Fit) -> np.ndarray:
    """Make a square of an image.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, channels) with 3 or 4 channels.
    size : int
        Width and height of the square in pixels.
    fit : {"pad", "squeeze"}
        ``"pad"`` keeps the proportions and repeats the pixels of the border to fill the square, so
        that a long dress stays long. ``"squeeze"`` is the tutorial's way: it fills the square with
        the image alone, whatever becomes of its proportions.

    Returns
    -------
    numpy.ndarray
        uint8, shape (size, size, channels).

    Raises
    ------
    ValueError
        If `fit` is neither.
    """
    if fit not in FITS:
        raise ValueError(f"fit is {fit!r}, but must be one of {', '.join(FITS)}")
    if fit == "squeeze":
        return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    rows, columns = inner_rectangle(image.shape[:2], size)
    shape = columns.stop - columns.start, rows.stop - rows.start
    inner = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
    borders = rows.start, size - rows.stop, columns.start, size - columns.stop
    return cv2.copyMakeBorder(inner, *borders, cv2.BORDER_REPLICATE)


def inner_rectangle(shape: tuple[int, ...], size: int) -> tuple[slice, slice]:
    """Find where in a padded square the image itself lies.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.
    size : int
        Width and height of the square in pixels.

    Returns
    -------
    rows, columns : slice
        In the middle of the square; at least one pixel of each.
    """
    lengths = [max(1, round(length * size / max(shape))) for length in shape]
    starts = [(size - length) // 2 for length in lengths]
    rows, columns = (slice(start, start + n) for start, n in zip(starts, lengths, strict=True))
    return rows, columns


def scale(images: np.ndarray) -> np.ndarray:
    """Scale pixels to what the network takes: the one place where this happens.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, any shape.

    Returns
    -------
    numpy.ndarray
        float32 in [0, 1], the same shape.
    """
    return images.astype(np.float32) / np.float32(255)
