"""Clips that tests draw: one scene after the other, each of one colour."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

BLUE, GREEN, RED = (220, 0, 0), (0, 220, 0), (0, 0, 220)


def write_clip(
    path: Path,
    colors: Sequence[tuple[int, int, int]],
    *,
    seconds: float = 1,
    rate: float = 10,
    size: tuple[int, int] = (64, 48),
    codec: str = "mp4v",
) -> Path:
    """Write a clip with a scene of each colour (BGR), and return its path.

    `seconds` is the length of a scene, `size` the width and the height.
    """
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), rate, size)
    for color in colors:
        for _ in range(round(seconds * rate)):
            writer.write(np.full((size[1], size[0], 3), color, np.uint8))
    writer.release()
    return path


def read_clip(path: Path) -> tuple[list[np.ndarray], float]:
    """Return the frames of a clip and how many of them there are a second."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    return frames, capture.get(cv2.CAP_PROP_FPS)


class StandInCamera:
    """Stand in for ``cv2.VideoCapture``: a camera that gives some frames and then no more."""

    def __init__(self, frames: Sequence[np.ndarray], rate: float = 30) -> None:
        self.frames = list(frames)
        self.rate = rate
        self.is_released = False

    def __call__(self, index: int) -> "StandInCamera":
        """Take the place of the class, which is called with the number of a camera."""
        self.index = index
        return self

    def isOpened(self) -> bool:
        return True

    def get(self, name: int) -> float:
        return self.rate if name == cv2.CAP_PROP_FPS else 0

    def read(self) -> tuple[bool, np.ndarray | None]:
        return (True, self.frames.pop(0)) if self.frames else (False, None)

    def release(self) -> None:
        self.is_released = True
