"""Write frames into an MP4 file, whole or not at all."""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.files import remove_litter, written_whole
from pyimagesearch.inference.video_reading import Frame, Video
from pyimagesearch.streams import quiet_stderr

# MPEG-4 Part 2, which every build of FFmpeg encodes.
CODEC = "mp4v"


@contextmanager
def recording(path: Path, video: Video) -> Iterator[Callable[[Frame], None]]:
    """Write an MP4 file; make its folder if there is none.

    Parameters
    ----------
    path : pathlib.Path
        The file. It is there when the block has succeeded.
    video : Video
        Has the size and the rate that the file gets. MPEG-4 needs an even width and height: an odd
        one loses a pixel. The frames of a camera come at times of their own: they are repeated or
        left out, so that the file lasts as long as the recording did.

    Yields
    ------
    callable
        Writes a frame.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    remove_litter(path)
    height, width = video.shape
    with quiet_stderr(), written_whole(path, makes_folder=True) as temporary:
        codec = cv2.VideoWriter.fourcc(*CODEC)
        # Bytes, because a name that is not UTF-8 ends the process.
        writer = cv2.VideoWriter(
            os.fsencode(temporary),  # type: ignore[call-overload]
            cv2.CAP_FFMPEG,
            codec,
            video.rate,
            (width, height),
        )
        if not writer.isOpened():
            raise UserError(
                f"cannot write {path}: MPEG-4 holds no {width} x {height} pixels at "
                f"{video.rate:g} frames a second, or is the disk full?",
                WORK_FAILED,
            )
        written = 0

        def write(frame: Frame) -> None:
            nonlocal written
            image = frame.image
            if image.shape[:2] != video.shape:
                # The frames of a clip may change their size midway, but not those of a file.
                image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            due = math.floor(frame.seconds * video.rate) + 1 if video.is_live else written + 1
            for _ in range(written, due):
                writer.write(image)
            written = max(written, due)

        try:
            yield write
        finally:
            writer.release()
        # OpenCV tells no errors. Ctrl-C may leave a frame in the file that is not counted here.
        if _count_frames(temporary) < written:
            raise UserError(f"cannot write {path}: is the disk full?", WORK_FAILED)


def _count_frames(path: Path) -> int:
    capture = cv2.VideoCapture(os.fsencode(path), cv2.CAP_FFMPEG)  # type: ignore[call-overload]
    try:
        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    finally:
        capture.release()
