"""Read frames from clips and cameras."""

import contextlib
import os
import time
from collections.abc import Generator, Iterator
from typing import NamedTuple

import cv2
import numpy as np

from pyimagesearch.data.image_header import damage_refused
from pyimagesearch.errors import UnreadableFileError, UserError
from pyimagesearch.inference.video_paths import camera_number, is_camera
from pyimagesearch.reading import read_start
from pyimagesearch.streams import quiet_stderr

# Frames of 8K video (7680 x 4320) have nearly this many pixels.
MOST_PIXELS = 2**25
# Frames a second of a clip or a camera that does not say, or says what cannot be.
USUAL_RATE, LARGEST_RATE = 30.0, 1000.0

# What MP4 and MOV files begin with, after four bytes of length (ISO/IEC 14496-12 and Apple's
# QuickTime File Format), and Matroska and WebM files (RFC 8794).
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
EBML = b"\x1a\x45\xdf\xa3"


class Frame(NamedTuple):
    """A picture of a video.

    Attributes
    ----------
    seconds : float
        Its time since the first frame.
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    """

    seconds: float
    image: np.ndarray


class Video(NamedTuple):
    """An open clip or camera.

    Attributes
    ----------
    frames : generator of Frame
        At least one. Those of a camera come as they are taken, and never end.
    shape : tuple of int
        Height and width of the first frame.
    rate : float
        Frames a second.
    claimed_frames : float
        How many frames a clip says it has; 0 if it does not say.
    is_live : bool
        Whether it is a camera.
    """

    frames: Generator[Frame, None, None]
    shape: tuple[int, int]
    rate: float
    claimed_frames: float
    is_live: bool


@contextlib.contextmanager
def opened(path: str) -> Iterator[Video]:
    """Open a clip or a camera.

    Nothing is printed on stderr meanwhile, because FFmpeg complains there of damaged frames.

    Parameters
    ----------
    path : str
        A file, or a camera such as ``camera:0``.

    Yields
    ------
    Video
        Read it, in any thread, before the block ends.

    Raises
    ------
    UserError
        If there is no such camera, or it gives no picture.
    UnreadableFileError
        If a clip cannot be read, or not one frame of it. The message does not name the file.
    """
    with quiet_stderr():
        is_live = is_camera(path)
        capture = _open_camera(path) if is_live else _open_clip(path)
        try:
            rate = capture.get(cv2.CAP_PROP_FPS)
            rate = rate if 0 < rate <= LARGEST_RATE else USUAL_RATE
            frames = _taken(capture) if is_live else _decoded(capture, rate)
            first = next(frames, None)
            if first is None:
                raise _no_frame(path)
            height, width = first.image.shape[:2]
            count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
            yield Video(_beginning_with(first, frames), (height, width), rate, count, is_live)
        finally:
            capture.release()


def _beginning_with(
    first: Frame, others: Generator[Frame, None, None]
) -> Generator[Frame, None, None]:
    yield first
    yield from others


def _no_frame(path: str) -> UserError:
    if is_camera(path):
        return UserError(f"{path} gives no picture: is another program using it?")
    return UnreadableFileError("damaged, or of a kind that is not read")


def _open_camera(path: str) -> cv2.VideoCapture:
    number = camera_number(path)
    with contextlib.suppress(cv2.error):
        capture = cv2.VideoCapture(number)
        if capture.isOpened():
            return capture
    raise UserError(f"there is no camera {number}")


def _open_clip(path: str) -> cv2.VideoCapture:
    _check_container(path)
    with damage_refused():
        # FFmpeg takes what stands before a colon for a protocol, but not in an absolute path. A
        # name that is not UTF-8 ends the process unless OpenCV gets its bytes.
        name = os.fsencode(os.path.abspath(path))  # noqa: PTH100
        capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG)  # type: ignore[call-overload]
    if not capture.isOpened():
        raise UnreadableFileError("damaged, or of a kind that is not read")
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if width * height > MOST_PIXELS:
        capture.release()
        raise UnreadableFileError(
            f"its frames have {width:.0f} x {height:.0f} pixels, more than {MOST_PIXELS:,} in all"
        )
    return capture


def _check_container(path: str) -> None:
    """Make sure that a file is of a kind that FFmpeg reads without opening others.

    Among the kinds that FFmpeg finds out by the content are playlists, which name other files.
    """
    start = read_start(path, 12)
    if not start:
        raise UnreadableFileError("the file is empty")
    is_avi = start[:4] == b"RIFF" and start[8:] == b"AVI "
    if not (is_avi or start[:4] == EBML or start[4:8] in MP4_BOXES):
        raise UnreadableFileError("not a clip of a kind that is read (MP4, MOV, AVI, MKV, WebM)")


def _decoded(capture: cv2.VideoCapture, rate: float) -> Generator[Frame, None, None]:
    seconds = -1 / rate
    while (image := _read(capture)) is not None:
        told = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        # Some clips do not tell the time, or one that goes back.
        seconds = told if told > seconds else seconds + 1 / rate
        yield Frame(seconds, image)


def _taken(capture: cv2.VideoCapture) -> Generator[Frame, None, None]:
    image = _read(capture)
    began = time.monotonic()
    while image is not None:
        yield Frame(time.monotonic() - began, image)
        image = _read(capture)


def _read(capture: cv2.VideoCapture) -> np.ndarray | None:
    with damage_refused():
        is_read, image = capture.read()
    return image if is_read else None
