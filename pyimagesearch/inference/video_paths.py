"""Which inputs are clips or cameras, and where their labelled frames are written."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from pyimagesearch.errors import UserError
from pyimagesearch.inference.paths import output_paths
from pyimagesearch.reading import did_you_mean

SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")
CAMERA = "camera:"


def is_camera(path: str) -> bool:
    """Tell whether a name stands for a camera: ``camera:0``."""
    return path.startswith(CAMERA)


def _is_clip(path: str) -> bool:
    """Tell by its suffix whether a file is a clip."""
    is_file = not (path.startswith(("http://", "https://")) or os.path.isdir(path))  # noqa: PTH112
    return is_file and path.lower().endswith(SUFFIXES)


def videos_among(inputs: Sequence[str]) -> list[str]:
    """Find the clips, or the camera, in what is to be classified.

    Parameters
    ----------
    inputs : sequence of str
        Files, folders and cameras. A folder is one of images, whatever else it holds.

    Returns
    -------
    list of str
        All inputs if they are clips or one camera; an empty list if they are images.

    Raises
    ------
    UserError
        If images and videos are mixed, or a camera and anything else, a camera has no number, or
        there is no such clip.
    """
    videos = [given for given in inputs if is_camera(given) or _is_clip(given)]
    cameras = list(filter(is_camera, videos))
    for camera in cameras:
        camera_number(camera)
    if cameras and len(inputs) > 1:
        raise UserError(f"{cameras[0]} has no end: classify it by itself")
    image = next((given for given in inputs if given not in videos), None)
    if videos and image is not None:
        raise UserError(f"{videos[0]} is a clip and {image} is not: classify them separately")
    for clip in videos:
        if not (is_camera(clip) or os.path.lexists(clip)):
            raise UserError(f"there is no clip {clip}{did_you_mean(clip)}")
    return videos


def camera_number(path: str) -> int:
    """Return the number in a camera's name.

    Raises
    ------
    UserError
        If there is none.
    """
    number = path.removeprefix(CAMERA)
    if not re.fullmatch("[0-9]{1,3}", number):
        raise UserError(f"{path} is not a camera: give its number, such as camera:0")
    return int(number)


def video_output_paths(
    inputs: Sequence[str], videos: Sequence[str], output: str | None
) -> Sequence[Path | None]:
    """Decide where each labelled clip is written.

    Parameters
    ----------
    inputs, videos, output
        As for :func:`pyimagesearch.inference.paths.output_paths`.

    Returns
    -------
    sequence of (pathlib.Path or None)
        A path for each video; in a folder, other suffixes stay in the name: ``clip.avi.mp4``.

    Raises
    ------
    UserError
        If the name of a file does not end in ``.mp4``, or as in ``output_paths``.
    """
    outputs = output_paths(inputs, videos, output, suffixes=[".mp4"])
    for path in outputs:
        if path is not None and path.suffix.lower() != ".mp4":
            raise UserError(f"cannot write {path}: use a name that ends in .mp4")
    return outputs
