"""Files written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyimagesearch.console import WORK_FAILED, UserError


def check_writable(path: str | os.PathLike) -> None:
    """Make sure, before hours of work, that a file can be written afterwards.

    Parameters
    ----------
    path : path
        The file that is going to be written.

    Raises
    ------
    UserError
        If its folder does not exist or nothing can be written there, or if it is a folder itself.
    """
    path = Path(path)
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


def _flush_folder(folder: Path) -> None:
    """Have a new name in a folder survive a power failure, where the system knows how to."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def written_whole(path: str | os.PathLike, suffix: str | None = None) -> Iterator[Path]:
    """Write a file so that a reader sees the old one or the new one, never half of it.

    Parameters
    ----------
    path : path
        The file to write.
    suffix : str, optional
        How the temporary file's name must end, where that is not how `path` ends.

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
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot write {path}: {reason}", WORK_FAILED) from error
    finally:
        partial.unlink(missing_ok=True)
