"""A window that shows an image, in a process of its own.

Without a display, OpenCV's Qt does not raise an exception but aborts the process (exit code 134).
This way only the window's process is lost. This module is also the program that runs in it, so it
imports nothing of the package.
"""

import os
import subprocess
import sys

import cv2
import numpy as np


def show(title: str, image: np.ndarray) -> bool:
    """Show an image until a key is pressed.

    Parameters
    ----------
    title : str
        The title of the window.
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.

    Returns
    -------
    bool
        False if there is no display to show it on.
    """
    if not may_have_display():
        return False
    encoded = cv2.imencode(".png", image)[1].tobytes()
    # Without -P, modules in the folder of that file would come before all others of their names.
    command = [sys.executable, "-P", __file__, title]
    window = subprocess.run(command, input=encoded, stderr=subprocess.DEVNULL, check=False)
    return window.returncode == 0


def may_have_display() -> bool:
    """Tell whether there may be a display. Only opening a window shows whether there is one."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _show_encoded(title: str, encoded: bytes) -> None:
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    cv2.imshow(title, np.asarray(image))
    cv2.waitKey(0)


if __name__ == "__main__":
    _show_encoded(sys.argv[1], sys.stdin.buffer.read())
