"""A program that shows the frames on its standard input, at their own speed, in a window.

Each frame is a header, which ``HEADER`` describes, and its pixels: uint8, BGR. The program ends
when there are no more frames, when the window is closed, or when q or Esc is pressed. It imports
nothing of the package, so that it can be started by its path.
"""

import struct
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

import cv2
import numpy as np

# Height and width in pixels, and the time of the frame in seconds.
HEADER = struct.Struct("<IId")

ESCAPE = 27
# Keys and the closing of the window are noticed after this many milliseconds.
PATIENCE = 50


def read_frames(stream: BinaryIO) -> Iterator[tuple[float, np.ndarray]]:
    """Read frames until there are no more, or one is not whole.

    Parameters
    ----------
    stream : binary file
        Read from as described above.

    Yields
    ------
    seconds : float
        The time of the frame.
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    """
    while len(header := stream.read(HEADER.size)) == HEADER.size:
        height, width, seconds = HEADER.unpack(header)
        pixels = stream.read(height * width * 3)
        if len(pixels) < height * width * 3:
            return
        yield seconds, np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def show(title: str, stream: BinaryIO) -> None:
    """Show frames, each at its time after the first, or at once if it comes late.

    Parameters
    ----------
    title : str
        The title of the window.
    stream : binary file
        As for :func:`read_frames`.
    """
    cv2.namedWindow(title)
    began: float | None = None
    for seconds, image in read_frames(stream):
        if began is None:
            began = time.monotonic() - seconds
        while (wait := began + seconds - time.monotonic()) > 0:
            if not _is_open(title, min(PATIENCE, wait * 1000)):
                return
        cv2.imshow(title, image)
        if not _is_open(title, 1):
            return


def _is_open(title: str, milliseconds: float) -> bool:
    """Let the window live for a time; tell whether it is to stay open."""
    key = cv2.waitKey(max(1, int(milliseconds))) & 0xFF
    if key in (ESCAPE, ord("q")):
        return False
    if sys.platform == "darwin":  # Its windows cannot be closed, and are invisible in the Dock.
        return True
    try:
        return cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) >= 1
    except cv2.error:
        return False  # OpenCV 5 knows nothing of a closed window; OpenCV 4 calls it invisible.


if __name__ == "__main__":
    show(sys.argv[1], sys.stdin.buffer)
