"""A window that shows a video, in a process of its own, for the reason that `window` gives."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from pyimagesearch.inference import video_player
from pyimagesearch.inference.video_reading import Frame
from pyimagesearch.inference.window import may_have_display

# Larger frames are shown smaller, so that they fit on most screens.
LARGEST_SIZE = (1280, 720)
NO_DISPLAY = "no display to show the frames on"


@contextmanager
def opened(title: str, say: Callable[[str], None]) -> Iterator[Callable[[Frame], bool] | None]:
    """Open a window; it closes with the block.

    Parameters
    ----------
    title : str
        The title of the window.
    say : callable
        Takes the message that there is no display.

    Yields
    ------
    callable or None
        Shows a frame at its time, and returns False if someone has closed the window or pressed q
        or Esc in it. None if there is no display.
    """
    if not may_have_display():
        say(NO_DISPLAY)
        yield None
        return
    # Without -P, modules in the folder of that file would come before all others of their names.
    command = [sys.executable, "-P", video_player.__file__, title]
    null = subprocess.DEVNULL
    player = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=null, stderr=null)
    assert player.stdin is not None
    pipe = player.stdin

    has_display = True

    def show(frame: Frame) -> bool:
        nonlocal has_display
        if not has_display:
            return True
        image = _shrunk(frame.image)
        try:
            pipe.write(video_player.HEADER.pack(*image.shape[:2], frame.seconds))
            pipe.write(np.ascontiguousarray(image).data)
            pipe.flush()
        except OSError:
            if player.wait() == 0:
                return False
            has_display = False
            say(NO_DISPLAY)
        return True

    try:
        yield show
    finally:
        with contextlib.suppress(OSError):
            pipe.close()
        player.wait()


def _shrunk(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    scale = min(LARGEST_SIZE[0] / width, LARGEST_SIZE[1] / height)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
