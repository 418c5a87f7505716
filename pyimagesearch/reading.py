"""Read files from strangers, of any kind and size, up to a limit; guess what a wrong name meant."""

import difflib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyimagesearch.errors import UnreadableFileError, reason_of
from pyimagesearch.files import BINARY, AnyPath

MAX_FILE_BYTES = 2**28


def read_file(path: AnyPath, *, most_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Read a regular file of a limited size.

    Parameters
    ----------
    path : path
        The file. A link is followed.
    most_bytes : int
        The largest size that is read.

    Returns
    -------
    bytes
        The whole content, at least one byte.

    Raises
    ------
    UnreadableFileError
        If there is no such file, no permission, nothing in it or too much, or if it is not a
        regular file and might never end (a pipe, a device).
    """
    with _regular_file(path) as descriptor:
        size = os.fstat(descriptor).st_size
        with open(descriptor, "rb", closefd=False) as file:
            # Reading reserves memory for all that is asked for.
            content = file.read(size + 1) if size <= most_bytes else b""
            if len(content) > size:  # It is growing, or has no size, as in /proc.
                content += file.read(most_bytes - size)
    if max(size, len(content)) > most_bytes:
        raise UnreadableFileError(f"the file is larger than {_size(most_bytes)}")
    if not content:
        raise UnreadableFileError("the file is empty")
    return content


def read_start(path: AnyPath, count: int) -> bytes:
    """Read the first bytes of a regular file, which tell its kind.

    Parameters
    ----------
    path : path
        The file. A link is followed.
    count : int
        How many bytes.

    Returns
    -------
    bytes
        So many, or all that there are.

    Raises
    ------
    UnreadableFileError
        If there is no such file, no permission, or it is not a regular file.
    """
    with _regular_file(path) as descriptor:
        return os.read(descriptor, count)


def did_you_mean(path: AnyPath) -> str:
    """Suggest a path with nearly the same name as one that does not exist.

    Parameters
    ----------
    path : path
        As the user gave it.

    Returns
    -------
    str
        For example ``" (did you mean dataset?)"``; empty if nothing beside it has a similar name,
        or if it exists and is something else.
    """
    path = Path(path)
    if os.path.lexists(path):
        return ""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return ""
    # Ignoring case, Dataset is closer to dataset than to Datasets.
    by_folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(path.name.casefold(), by_folded, n=1, cutoff=0.75)
    return f" (did you mean {path.with_name(by_folded[close[0]])}?)" if close else ""


@contextmanager
def _regular_file(path: AnyPath) -> Iterator[int]:
    """Open a regular file; whatever fails until it is closed is an UnreadableFileError."""
    try:
        # Without O_NONBLOCK, opening a pipe waits for somebody who writes to it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | BINARY)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnreadableFileError("not a regular file")
            yield descriptor
        finally:
            os.close(descriptor)
    except UnreadableFileError:
        raise
    except (OSError, ValueError) as error:
        raise UnreadableFileError(reason_of(error)) from error


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >= 2**20 else f"{count >> 10} KiB"
