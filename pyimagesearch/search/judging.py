"""Whether a download is an image worth keeping."""

import hashlib
import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from pyimagesearch.data.decoding import MAX_PIXELS, decode_image
from pyimagesearch.errors import UnreadableFileError
from pyimagesearch.search.outcomes import NO_IMAGE, TOO_SMALL, Rejection

# Suffixes by content, as Pillow names it. Training reads files of these kinds only.
SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "GIF": ".gif",
}
# Width and height, in pixels, at which images are compared.
COMPARED_SIZE = 96


class Judged(NamedTuple):
    """An image worth keeping.

    Attributes
    ----------
    suffix : str
        What its content asks for, such as ``".jpg"``.
    sha256 : str
        Of the file, in hexadecimal.
    small : numpy.ndarray
        uint8, shape (96, 96, 3), BGR, for comparing it with other images.
    """

    suffix: str
    sha256: str
    small: np.ndarray


def judge(data: bytes, min_size: int) -> Judged:
    """Decide whether a download is worth keeping.

    Parameters
    ----------
    data : bytes
        Anything.
    min_size : int
        Pixels that the shorter side must have.

    Returns
    -------
    Judged
        What the collection needs to know about the image.

    Raises
    ------
    Rejection
        If it is not an image that decodes whole, or if it is too small.
    """
    try:
        small = decode_image(data, COMPARED_SIZE)
    except UnreadableFileError as error:
        raise Rejection(NO_IMAGE, str(error)) from error
    image = Image.open(io.BytesIO(data))
    size = f"{image.width} x {image.height} pixels"
    if image.format not in SUFFIXES:
        raise Rejection(NO_IMAGE, f"training does not read {image.format} files")
    if image.width * image.height > MAX_PIXELS:
        raise Rejection(NO_IMAGE, f"{size} are more than the limit of {MAX_PIXELS:,}")
    if min(image.size) < min_size:
        raise Rejection(TOO_SMALL, size)
    _require_whole(image)
    return Judged(SUFFIXES[image.format], hashlib.sha256(data).hexdigest(), small)


def _require_whole(image: Image.Image) -> None:
    # Training accepts half an image; a new one has to be complete. Pillow insists on that, and its
    # decoders fail in ways of their own (OSError, SyntaxError, struct.error, ...).
    try:
        image.load()
    except Exception as error:
        raise Rejection(NO_IMAGE, "cut off, or damaged") from error
