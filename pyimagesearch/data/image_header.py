"""What the header of an image file says, and how much memory its pixels would take.

JPEG headers are read here, because that takes a fifth of the time. Pillow reads all others.
"""

import io
import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from PIL import (
    BmpImagePlugin,  # noqa: F401 (a format that is not imported here is not read)
    GifImagePlugin,  # noqa: F401
    Image,
    PngImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)
from PIL.TiffImagePlugin import TiffImageFile

from pyimagesearch.errors import UnreadableFileError
from pyimagesearch.shared_block import SharedBlock

try:
    from PIL.AvifImagePlugin import SUPPORTED as READS_AVIF
except ImportError:  # Pillow before 11.3
    READS_AVIF = False

PILLOW_FORMATS = ("PNG", "BMP", "TIFF", "WEBP", "GIF", *(["AVIF"] if READS_AVIF else []))

# Markers in JPEG files (ITU-T T.81, table B.1).
JPEG_START = b"\xff\xd8\xff"
START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
PROGRESSIVE_FRAMES = {0xC2, 0xC6, 0xCA, 0xCE}
EXIF_SEGMENT, PADDING = 0xE1, 0xFF
MARKERS_WITHOUT_LENGTH = {0x00, 0x01, *range(0xD0, 0xDA)}

PNG_START = b"\x89PNG\r\n\x1a\n"

# Phones take photographs of 200 million pixels.
MAX_JPEG_PIXELS = 2**28
# A progressive JPEG file has about ten scans. Each takes time for every pixel, even if it consists
# of a few bytes.
MAX_SCANS = 100

# Tags in TIFF files (TIFF 6.0, section 8) and in EXIF metadata, which have the same layout.
BITS_PER_SAMPLE, ORIENTATION, SAMPLES_PER_PIXEL, TILE_WIDTH, TILE_LENGTH = 258, 274, 277, 322, 323

# Freed blocks of Pillow's usual size, 16 MiB, stay with the thread. Larger ones go back to the
# system (Pillow's documentation, "Block allocator").
Image.core.set_block_size(2**26)

# Without a handler, Python prints what Pillow logs about damaged files.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class UnreadableImageError(UnreadableFileError):
    """A file is not an image that can be decoded. The message gives the reason, not the name."""


@contextmanager
def _without_pillow_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


# Filters belong to the whole process, and a block restores those that it found.
pillow_warnings_ignored = SharedBlock(_without_pillow_warnings)


@contextmanager
def damage_refused() -> Iterator[None]:
    """Turn every error of an image library into an UnreadableImageError.

    Damaged files make Pillow raise OSError, SyntaxError, struct.error, KeyError and many others.
    """
    try:
        yield
    except UnreadableImageError:
        raise
    except MemoryError as error:
        raise UnreadableImageError("there is not enough memory to decode it") from error
    except Exception as error:
        raise UnreadableImageError(f"damaged, or of a kind that is not read ({error})") from error


class JpegHeader(NamedTuple):
    """What the header of a JPEG file says.

    Attributes
    ----------
    width, height : int
        In pixels, before the orientation is applied.
    components : int
        1 for grey, 3 for colour, 4 for CMYK.
    has_several_scans : bool
        Whether the pixels are spread over several passes, as in a progressive file.
    exif : bytes
        The EXIF metadata; empty if there are none.
    format : str
        The format, by Pillow's name.
    """

    width: int
    height: int
    components: int
    has_several_scans: bool
    exif: bytes
    format: str = "JPEG"


Header = JpegHeader | Image.Image


def read_header(data: bytes) -> Header:
    """Find out what an image is, without decoding its pixels.

    Parameters
    ----------
    data : bytes
        The content of a file.

    Returns
    -------
    JpegHeader or PIL.Image.Image
        Both have the attributes ``format``, ``width`` and ``height``.

    Raises
    ------
    UnreadableImageError
        If the data is not an image in one of the formats, or if its header is damaged or claims too
        many pixels.
    """
    if data.startswith(JPEG_START):
        return _read_jpeg_header(data)
    with pillow_warnings_ignored, damage_refused():
        try:
            return Image.open(io.BytesIO(data), formats=PILLOW_FORMATS)
        except UnidentifiedImageError as error:
            raise UnreadableImageError(_why_unidentified(data)) from error
        except Image.DecompressionBombError as error:
            raise UnreadableImageError("the header claims too many pixels") from error


def _why_unidentified(data: bytes) -> str:
    # An AVIF file begins with the brands that it complies with (ISO/IEC 14496-12, section 4.3).
    if not READS_AVIF and data[4:8] == b"ftyp" and b"avif" in data[8:64]:
        return 'Pillow is too old for AVIF images: pip install "pillow>=11.3"'
    return f"not an image of a kind that is read (JPEG, {', '.join(PILLOW_FORMATS)})"


def _read_jpeg_header(data: bytes) -> JpegHeader:
    """Go through the segments of a JPEG file as libjpeg does, up to the first scan."""
    width = height = components = frame = place = 0
    exif = b""
    while (place := data.find(b"\xff", place)) >= 0 and place + 4 < len(data):
        marker = data[place + 1]
        if marker == PADDING or marker in MARKERS_WITHOUT_LENGTH:
            place += 1
            continue
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == START_OF_SCAN[1]:
            has_several_scans = frame in PROGRESSIVE_FRAMES or data[place + 4] != components
            return _checked(JpegHeader(width, height, components, has_several_scans, exif), data)
        if marker in FRAMES and place + 10 <= len(data):
            frame = marker
            height, width, components = struct.unpack(">HHB", data[place + 5 : place + 10])
        elif marker == EXIF_SEGMENT and data.startswith(b"Exif\0\0", place + 4):
            exif = data[place + 4 : end]
        place = end
    raise UnreadableImageError("the header is damaged")


def _checked(header: JpegHeader, data: bytes) -> JpegHeader:
    if not header.width * header.height:
        raise UnreadableImageError("the header is damaged")
    if header.width * header.height > MAX_JPEG_PIXELS:
        raise UnreadableImageError(
            f"{header.width} x {header.height} pixels are more than the limit of "
            f"{MAX_JPEG_PIXELS:,} for JPEG images"
        )
    if header.has_several_scans and _count_scans(data) > MAX_SCANS:
        raise UnreadableImageError(f"it has more than {MAX_SCANS} scans")
    return header


def _count_scans(data: bytes) -> int:
    """Do what ``data.count(START_OF_SCAN)`` does, in a tenth of the time."""
    marker = int.from_bytes(START_OF_SCAN, "little")
    at_even, at_odd = (
        np.frombuffer(data, "<u2", (len(data) - offset) // 2, offset) == marker for offset in (0, 1)
    )
    return int(np.count_nonzero(at_even) + np.count_nonzero(at_odd))


def png_bits(data: bytes) -> int:
    """Return the bits of one sample of a PNG image: 1, 2, 4, 8 or 16."""
    return data[24]


def png_chunks(data: bytes) -> list[bytes]:
    """List the types of the chunks of a PNG file, in order.

    Raises
    ------
    UnreadableImageError
        If a chunk is longer than what is left of the file. OpenCV would allocate its length, of up
        to 2 GiB, before finding out.
    """
    chunks: list[bytes] = []
    place = len(PNG_START)
    while b"IEND" not in chunks[-1:]:
        chunks.append(data[place + 4 : place + 8])
        place += 12 + int.from_bytes(data[place : place + 4], "big")
        if place > len(data):
            raise UnreadableImageError("cut off, or damaged")
    return chunks


def orientation(header: Header) -> int:
    """Return how an image has to be turned.

    Parameters
    ----------
    header : JpegHeader or PIL.Image.Image
        From :func:`read_header`. The pixels of a TIFF image must have been decoded since: Pillow
        turns them then.

    Returns
    -------
    int
        The orientation as in EXIF, from 1 (upright) to 8. It is 1 if the metadata are damaged, or
        name one that EXIF does not have.
    """
    if isinstance(header, JpegHeader) and not header.exif:
        return 1
    try:
        with pillow_warnings_ignored:
            if isinstance(header, JpegHeader):
                exif = Image.Exif()
                exif.load(header.exif)
            else:
                # PngImageFile.getexif would decode the pixels, to look for metadata behind them.
                exif = Image.Image.getexif(header)
            found = int(exif.get(ORIENTATION, 1))
            return found if 1 <= found <= 8 else 1
    except Exception:  # Pillow raises many kinds of errors, and the pixels can still be used.
        return 1


def bytes_to_decode(header: Header, data: bytes, reduction: int = 1) -> int:
    """Estimate how much memory decoding an image takes at its peak, without the file.

    The estimates agree with measurements of Pillow 10.1 and 13.0 and OpenCV 4.12 and 5.0. Usually
    the decoder's pixels and a copy of them are in memory at once.

    Parameters
    ----------
    header : JpegHeader or PIL.Image.Image
        From :func:`read_header`.
    data : bytes
        The content of the file.
    reduction : int
        By how much a JPEG image shrinks, in width and in height, while it is decoded.

    Returns
    -------
    int
        Bytes.

    Raises
    ------
    UnreadableImageError
        If the header is damaged.
    """
    pixels = header.width * header.height
    if isinstance(header, JpegHeader):
        # libjpeg keeps the coefficients of all pixels until it has read the last scan.
        coefficients = header.components * pixels if header.has_several_scans else 0
        return 6 * pixels // reduction**2 + 2 * coefficients
    if not isinstance(header, TiffImageFile):
        return _bytes_per_pixel(header, data) * pixels
    with damage_refused():
        # libtiff decodes a tile or a strip at a time, which may be the whole image.
        tile = int(header.tag_v2.get(TILE_WIDTH, 1)) * int(header.tag_v2.get(TILE_LENGTH, 1))
        bits = max(header.tag_v2.get(BITS_PER_SAMPLE, (1,)))
        stored = -(-bits // 8) * int(header.tag_v2.get(SAMPLES_PER_PIXEL, 1))
        return max(8, 4 + stored) * max(pixels, tile)


def _bytes_per_pixel(header: Image.Image, data: bytes) -> int:
    if header.format == "WEBP":
        return 17 if getattr(header, "is_animated", False) else 9
    if header.format == "PNG":
        return 16 if png_bits(data) == 16 and "transparency" in header.info else 8
    if header.format == "AVIF":
        return 17 if header.mode == "RGBA" else 15
    return 8
