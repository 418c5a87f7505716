"""Files written whole or not at all."""

import difflib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from pyimagesearch.errors import WORK_FAILED, UnreadableFileError, UserError


def check_writable(*paths: str | os.PathLike | None) -> None:
    """Make sure, before hours of work, that files can be written afterwards.

    Parameters
    ----------
    *paths : path or None
        The files that are going to be written; None stands for one that is not.

    Raises
    ------
    UserError
        If its folder does not exist or nothing can be written there, or if it is a folder itself.
    """
    for path in (Path(path) for path in paths if path is not None):
        if path.is_dir():
            raise UserError(f"{path} is a folder: give the name of a file to write")
        if not path.parent.is_dir():
            raise UserError(f"cannot write {path}: the folder {path.parent} does not exist")
        try:
            with _partial_path(path).open("ab"):
                pass
            _partial_path(path).unlink()
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error


def _partial_path(path: Path) -> Path:
    # The name is always the same, so that what a killed run left is overwritten by the next one;
    # and it keeps the suffix, by which Keras and matplotlib choose a format.
    return path.with_name(f".{path.stem}.partial{path.suffix}")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def written_whole(
    path: str | os.PathLike, suffix: str | None = None, flushed: bool = True
) -> Iterator[Path]:
    """Write a file so that a reader sees the old one or the new one, never half of it.

    Parameters
    ----------
    path : path
        The file to write.
    suffix : str, optional
        How the temporary file's name must end, where that is not how `path` ends.
    flushed : bool
        Whether to wait until the file would survive a power failure.

    Yields
    ------
    pathlib.Path
        A temporary file in the same folder, for the caller to write. It takes the place of `path`
        if the block ends well and is removed if it does not.

    Raises
    ------
    UserError
        If the file cannot be written, for example because the disk is full.
    """
    path = Path(path)
    partial = _partial_path(path)
    if suffix is not None:
        partial = partial.with_name(partial.name + suffix)
    try:
        yield partial
        if flushed:
            _flush(partial)
        partial.replace(path)
        if flushed and os.name == "posix":
            _flush(path.parent)  # so that its new name survives, too
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot write {path}: {reason}", WORK_FAILED) from error
    finally:
        partial.unlink(missing_ok=True)


def save_image(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write an image, its folder made where there is none.

    Parameters
    ----------
    path : path
        Its suffix names the format; JPEG, PNG, BMP, TIFF and WebP at least.
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.

    Raises
    ------
    UserError
        If the suffix names no format that images can be written in, or the file cannot be written.
    """
    path = Path(path)
    if not cv2.haveImageWriter(path.name):
        raise UserError(f"cannot write {path}: use a name that ends in .jpg or .png")
    encoded = cv2.imencode(path.suffix, image)[1]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}", WORK_FAILED) from error
    with written_whole(path) as partial:
        partial.write_bytes(encoded)


def did_you_mean(path: str | os.PathLike) -> str:
    """Look beside a path that does not exist for one with nearly the same name.

    Parameters
    ----------
    path : path
        As the user gave it.

    Returns
    -------
    str
        For example ``" (did you mean dataset?)"``, empty if nothing there has a similar name.
    """
    path = Path(path)
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    # Capitals count for little: Dataset is closer to dataset than to Datasets.
    by_folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(path.name.casefold(), by_folded, n=1, cutoff=0.75)
    return f" (did you mean {path.with_name(by_folded[close[0]])}?)" if close else ""


MAX_FILE_BYTES = 2**28


def read_file(path: str | os.PathLike) -> bytes:
    """Read a regular file of at most ``MAX_FILE_BYTES`` bytes.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    UnreadableFileError
        If there is nothing to read: no such file, no permission, an empty or an enormous file, or
        something that is not a regular file and might never end (a pipe, a device).
    """
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFileError("not a regular file")
        if status.st_size == 0:
            raise UnreadableFileError("the file is empty")
        if status.st_size > MAX_FILE_BYTES:
            raise UnreadableFileError(f"the file is larger than {MAX_FILE_BYTES >> 20} MiB")
        return Path(path).read_bytes()
    except OSError as error:
        raise UnreadableFileError(error.strerror or str(error)) from error
