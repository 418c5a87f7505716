"""Montages: many small images in rows, each above a caption."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pyimagesearch.files import AnyPath, save_image
from pyimagesearch.reports.pictures import plain, write_text

# Width and height of an image in pixels, the height of its caption, and how many characters fit.
CELL_WIDTH, CAPTION_HEIGHT, CAPTION_CHARACTERS = 176, 56, 26
LINE_HEIGHT, FIRST_BASELINE = 16, 15
ROW_WIDTH = 6 * CELL_WIDTH


def short_path(path: AnyPath) -> str:
    """Name an image by its file and the folder that holds it."""
    return "/".join(Path(path).parts[-2:])


def captioned(image: np.ndarray, lines: Sequence[str]) -> np.ndarray:
    """Put an image above its caption.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR. It becomes a square.
    lines : sequence of str
        At most three. Of a line that is too long, the end is shown.

    Returns
    -------
    numpy.ndarray
        uint8, shape (``CELL_WIDTH + CAPTION_HEIGHT``, ``CELL_WIDTH``, 3), BGR.
    """
    caption = np.full((CAPTION_HEIGHT, CELL_WIDTH, 3), 255, np.uint8)
    for number, line in enumerate(lines):
        position = (4, FIRST_BASELINE + LINE_HEIGHT * number)
        write_text(caption, plain(line)[-CAPTION_CHARACTERS:], position, size=0.4)
    return np.vstack([cv2.resize(image, (CELL_WIDTH, CELL_WIDTH)), caption])


def save_montage(path: AnyPath, cells: Sequence[np.ndarray]) -> None:
    """Write cells of one shape in rows of at most ``ROW_WIDTH`` pixels.

    Parameters
    ----------
    path : path
        The picture; its suffix names the format.
    cells : sequence of numpy.ndarray
        uint8, shape (height, width, 3), BGR; at least one.

    Raises
    ------
    UserError
        If the picture cannot be written.
    """
    from imutils import build_montages

    height, width = cells[0].shape[:2]
    columns = min(ROW_WIDTH // width, len(cells))
    rows = -(-len(cells) // columns)
    save_image(path, build_montages(cells, (width, height), (columns, rows))[0])
