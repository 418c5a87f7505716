"""Whether a download is an image worth keeping."""

import hashlib
from typing import NamedTuple

import numpy as np

from pyimagesearch.data.decoding import decode_image, read_header
from pyimagesearch.data.duplicates import perceptual_hash
from pyimagesearch.errors import UnreadableFileError
from pyimagesearch.search.outcomes import NO_IMAGE, TOO_SMALL, Rejection

# Suffixes by content, as Pillow names it. Training reads files of these kinds only.
SUFFIXES = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "GIF": ".gif",
    "AVIF": ".avif",
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
    perceptual_hash : numpy.uint64
        Of `small`, to find such images fast.
    """

    suffix: str
    sha256: str
    small: np.ndarray
    perceptual_hash: np.uint64


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
        header = read_header(data)
        # Training accepts half an image; a new one has to be complete.
        small = decode_image(data, COMPARED_SIZE, fit="squeeze", require_whole=True)
    except UnreadableFileError as error:
        raise Rejection(NO_IMAGE, str(error)) from error
    if min(header.width, header.height) < min_size:
        raise Rejection(TOO_SMALL, f"{header.width} x {header.height} pixels")
    return Judged(
        suffix=SUFFIXES[str(header.format)],
        sha256=hashlib.sha256(data).hexdigest(),
        small=small,
        perceptual_hash=perceptual_hash(small),
    )
