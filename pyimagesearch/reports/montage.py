"""Montages: many small images in rows, each above a caption."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from pyimagesearch.files import AnyPath
from pyimagesearch.image_files import save_image
from pyimagesearch.reports.picture_text import fitted, fitted_labels, text_width, write_text

# Width and height of an image in pixels, the height of its caption, and its font.
CELL_WIDTH, CAPTION_HEIGHT, FONT_SIZE = 176, 56, 0.4
LINE_HEIGHT, FIRST_BASELINE, MARGIN = 16, 15, 4
LINE_WIDTH = CELL_WIDTH - 2 * MARGIN
ROW_WIDTH = 6 * CELL_WIDTH


def path_line(path: AnyPath) -> str:
    """Name an image by its file and the folder that holds it, or by the end of that."""
    short = "/".join(Path(path).parts[-2:])
    return fitted(short, LINE_WIDTH, size=FONT_SIZE, cut="start")


def label_line(
    labels: Sequence[str],
    *,
    before: str,
    after: str = "",
    write: Callable[[Sequence[str]], str] = " ".join,
) -> str:
    """Write labels in a line of a caption, the long ones shortened so that all are named.

    Parameters
    ----------
    labels : sequence of str
        The most important first.
    before, after : str
        What the line begins and ends with, however long the labels are.
    write : callable
        Joins the labels.

    Returns
    -------
    str
        A line that fits.
    """
    room = LINE_WIDTH - text_width(before, FONT_SIZE) - text_width(after, FONT_SIZE)
    return before + fitted_labels(labels, room, size=FONT_SIZE, write=write) + after


def captioned(image: np.ndarray, lines: Sequence[str]) -> np.ndarray:
    """Put an image above its caption.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR. It becomes a square.
    lines : sequence of str
        At most three. A line that is too long is shortened in the middle.

    Returns
    -------
    numpy.ndarray
        uint8, shape (``CELL_WIDTH + CAPTION_HEIGHT``, ``CELL_WIDTH``, 3), BGR.
    """
    caption = np.full((CAPTION_HEIGHT, CELL_WIDTH, 3), 255, np.uint8)
    for number, line in enumerate(lines):
        position = (MARGIN, FIRST_BASELINE + LINE_HEIGHT * number)
        write_text(caption, fitted(line, LINE_WIDTH, size=FONT_SIZE), position, size=FONT_SIZE)
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
