"""Write images in the formats that their names ask for."""

from pathlib import Path

import cv2
import numpy as np

from pyimagesearch.errors import UserError
from pyimagesearch.files import AnyPath, written_whole
from pyimagesearch.streams import quiet_stderr

# JPEG 2000 holds nothing much smaller.
TRIAL_SHAPE = (64, 64, 3)


def save_image(path: AnyPath, image: np.ndarray) -> None:
    """Write an image; make its folder if there is none.

    Parameters
    ----------
    path : path
        Its suffix names the format: JPEG, PNG, BMP, TIFF, WebP and whatever else OpenCV writes.
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.

    Raises
    ------
    UserError
        If the suffix names no such format, or the file cannot be written.
    """
    encoded = _encoded(Path(path), image)
    with written_whole(path, makes_folder=True) as temporary:
        temporary.write_bytes(encoded)


def check_image_names(*paths: AnyPath | None) -> None:
    """Make sure, before hours of work, that the formats which names ask for can be written.

    Parameters
    ----------
    *paths : path or None
        Of pictures for :func:`save_image`; None stands for one that is not written.

    Raises
    ------
    UserError
        If a suffix names no such format.
    """
    for path in paths:
        if path is not None:
            with quiet_stderr():  # OpenCV complains of what a format cannot hold.
                _encoded(Path(path), np.zeros(TRIAL_SHAPE, np.uint8))


def _encoded(path: Path, image: np.ndarray) -> bytes:
    # OpenCV ends the process over a name that is not UTF-8, so it gets the suffix alone.
    if path.suffix.isascii() and path.suffix and cv2.haveImageWriter(f"image{path.suffix}"):
        # Formats of grey images alone, such as .pgm, refuse one in colour.
        is_done, encoded = cv2.imencode(path.suffix, image)
        if is_done:
            return encoded.tobytes()
    raise UserError(f"cannot write {path}: use a name that ends in .jpg or .png")
