"""Text in pictures: in letters of every script, and shortened to the room that there is."""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from pyimagesearch.console import printable
from pyimagesearch.reports.shortening import Cut, shortened

FONT = cv2.FONT_HERSHEY_SIMPLEX
# A label that is shortened beside others keeps at least this many characters.
FEWEST_CHARACTERS = 5


def _drawable(text: str) -> str:
    """Return text as OpenCV draws it: one line, whose accents are parts of their letters."""
    return printable(unicodedata.normalize("NFC", text))


def write_text(image: np.ndarray, text: str, corner: tuple[int, int], *, size: float) -> None:
    """Write black text on an image.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3). It is changed.
    text : str
        One line. OpenCV writes a question mark for a letter that its font lacks; the font of
        OpenCV 4 has ASCII alone.
    corner : (int, int)
        x and y of the lower left corner in pixels.
    size : float
        Of the font: 0.4 makes small letters 9 pixels high.
    """
    cv2.putText(image, _drawable(text), corner, FONT, size, (0, 0, 0), 1, cv2.LINE_AA)


def text_width(text: str, size: float, weight: int = 1) -> int:
    """Measure how many pixels wide a line of text is.

    Parameters
    ----------
    text : str
        One line.
    size : float
        As for :func:`write_text`.
    weight : int
        Of the lines that letters are made of, in pixels.

    Returns
    -------
    int
        Pixels.
    """
    return cv2.getTextSize(_drawable(text), FONT, size, weight)[0][0]


def fitted(text: str, width: float, *, size: float, weight: int = 1, cut: Cut = "middle") -> str:
    """Shorten a line of text to the room that there is.

    Parameters
    ----------
    text : str
        One line.
    width : float
        How many pixels wide it may be. With 0 or fewer, nothing is left.
    size, weight
        As for :func:`text_width`.
    cut : {"start", "middle", "end"}
        Where dots may replace a part of it. Names that begin alike differ when the middle is cut.

    Returns
    -------
    str
        The text, drawable, and as much of it as fits.
    """
    text = _drawable(text)

    def width_of(most: int) -> int:
        return text_width(shortened(text, most, cut=cut), size, weight)

    return shortened(text, _most(range(1, len(text) + 1), width, width_of), cut=cut)


def fitted_labels(
    labels: Sequence[str],
    width: float,
    *,
    size: float,
    write: Callable[[Sequence[str]], str],
) -> str:
    """Name labels in one line, the long ones shortened so that all are named.

    Parameters
    ----------
    labels : sequence of str
        The most important first: of more than can be named, the last are left out.
    width, size
        As for :func:`fitted`.
    write : callable
        Makes a line of the labels.

    Returns
    -------
    str
        A line that fits.
    """
    names = [_drawable(label) for label in labels]

    def line_of(most: int) -> str:
        return write([shortened(name, most) for name in names])

    longest = max(map(len, names), default=0)
    lengths = range(FEWEST_CHARACTERS, longest + 1)
    most = _most(lengths, width, lambda length: text_width(line_of(length), size))
    return fitted(line_of(max(most, FEWEST_CHARACTERS)), width, size=size, cut="end")


def _most(lengths: range, width: float, width_of: Callable[[int], int]) -> int:
    """Return the greatest of some lengths whose width fits, or one less than the smallest."""
    return lengths.start - 1 + bisect_right(lengths, width, key=width_of)
