"""Decode image files: JPEG, PNG, BMP, TIFF, WebP and GIF to 8-bit BGR pixels."""

import io

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from pyimagesearch.errors import UnreadableFileError

# A header may claim any size. More pixels than these would take more memory than an image is
# worth, and are refused before anything is allocated.
MAX_PIXELS = 2**26


class UnreadableImageError(UnreadableFileError):
    """A file is not an image that can be decoded; the message says why, without the file's name."""


def decode_image(data: bytes, size: int | None = None) -> np.ndarray:
    """Decode an image: the one way pixels enter the system, in training and in classification.

    Transparent pixels come out white, EXIF orientation is applied, grey, CMYK and 16-bit images
    become 8-bit colour, and of an animation the first frame is taken. A JPEG file that was cut off
    is used if at least half of its rows are there.

    Parameters
    ----------
    data : bytes
        The content of a JPEG, PNG, BMP, TIFF, WebP or GIF file.
    size : int, optional
        Width and height, in pixels, to which the image is resized, its proportions given up as in
        the tutorial. By default it keeps the size it has.

    Returns
    -------
    numpy.ndarray
        uint8, shape (size, size, 3) or (height, width, 3), BGR.

    Raises
    ------
    UnreadableImageError
        If the data is no image, is damaged beyond use, or would decode to more than
        ``MAX_PIXELS`` pixels.
    """
    header = _read_header(data)
    reduction = _jpeg_reduction(header, size)
    is_progressive = bool(header.info.get("progressive"))
    decoded_pixels = header.width * header.height // (1 if is_progressive else reduction**2)
    if decoded_pixels > MAX_PIXELS:
        raise UnreadableImageError(
            f"{header.width} x {header.height} pixels are more than the limit of {MAX_PIXELS:,}"
        )

    if header.format == "JPEG":
        image = _decode_jpeg(data, reduction)
    elif header.has_transparency_data:
        image = _decode(data, cv2.IMREAD_UNCHANGED)
    else:
        image = _decode(data, cv2.IMREAD_COLOR)
    is_transparent = image.ndim == 3 and image.shape[2] == 4
    if is_transparent:
        # Colours weigh as much as they are opaque, so that what is invisible leaves no trace in the
        # resized image, and the white can wait until the image is small.
        image = cv2.cvtColor(image, cv2.COLOR_RGBA2mRGBA)
    if size is not None:
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return _on_white(image) if is_transparent else image


def _read_header(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data))
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not an image") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(str(error)) from error
    # A damaged header makes Pillow's parsers fail in ways of their own (struct.error, SyntaxError,
    # KeyError, ...); whichever it is, the file cannot be read.
    except Exception as error:
        raise UnreadableImageError(f"damaged header ({error})") from error


def _jpeg_reduction(header: Image.Image, size: int | None) -> int:
    """Say by how much a JPEG may shrink while it is decoded and still be no smaller than `size`.

    Decoding at a half, a quarter or an eighth skips most of the inverse cosine transform.
    """
    if header.format != "JPEG" or size is None:
        return 1
    fitting = (reduction for reduction in (8, 4, 2) if min(header.size) >= size * reduction)
    return next(fitting, 1)


def _decode(data: bytes, flags: int) -> np.ndarray:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise UnreadableImageError("damaged") from error
    if image is None:
        raise UnreadableImageError("damaged, or of a kind that OpenCV does not decode")
    if image.dtype != np.uint8:
        image = cv2.convertScaleAbs(image, alpha=255 / np.iinfo(image.dtype).max)
    return image


def _decode_jpeg(data: bytes, reduction: int) -> np.ndarray:
    flags = {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }
    end_of_image = b"\xff\xd9"
    is_cut_off = end_of_image not in data[-1024:]
    # OpenCV gives up on a file without the end marker; with one, libjpeg decodes what there is and
    # leaves the rest grey.
    image = _decode(data + end_of_image if is_cut_off else data, flags[reduction])
    if is_cut_off:
        is_grey_row = (np.abs(image.astype(np.int16) - 128) <= 1).all(axis=(1, 2))
        rows_missing = int(np.argmin(is_grey_row[::-1])) if not is_grey_row.all() else len(image)
        if rows_missing * 2 > len(image):
            raise UnreadableImageError("cut off before half of it was stored")
    return image


def _on_white(premultiplied: np.ndarray) -> np.ndarray:
    white = cv2.cvtColor(cv2.bitwise_not(premultiplied[:, :, 3]), cv2.COLOR_GRAY2BGR)
    return cv2.add(premultiplied[:, :, :3], white)


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """Resize an image to a square.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3).
    size : int
        Width and height of the result in pixels. As in the tutorial, proportions are not kept.

    Returns
    -------
    numpy.ndarray
        uint8, shape (size, size, 3).
    """
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)


def scale(images: np.ndarray) -> np.ndarray:
    """Scale pixels as the network takes them: the one place where this happens.

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
