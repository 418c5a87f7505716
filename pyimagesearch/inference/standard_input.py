"""Read an image file, or the standard input in its place."""

import sys
from collections.abc import Callable, Sequence

from pyimagesearch.errors import UnreadableFileError, reason_of
from pyimagesearch.inference.paths import STANDARD_INPUT
from pyimagesearch.reading import MAX_FILE_BYTES, read_file


def reader(paths: Sequence[str]) -> Callable[[str], bytes]:
    """Return what reads a file; read the standard input now, if it is one of them.

    Ctrl-C interrupts this thread, but none that waits for the standard input in a pool.

    Parameters
    ----------
    paths : sequence of str
        The files that are going to be read; ``-`` is the standard input.

    Returns
    -------
    callable
        Takes one of the paths and returns the content. It raises an UnreadableFileError if the file
        cannot be read, or could not.
    """
    if STANDARD_INPUT not in paths:
        return read_file
    try:
        given: bytes | UnreadableFileError = _read_standard_input()
    except UnreadableFileError as error:
        given = error

    def read(path: str) -> bytes:
        if path != STANDARD_INPUT:
            return read_file(path)
        if isinstance(given, UnreadableFileError):
            raise given
        return given

    return read


def _read_standard_input() -> bytes:
    try:
        data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1) if sys.stdin else b""
    except OSError as error:
        raise UnreadableFileError(reason_of(error)) from error
    if not data:
        raise UnreadableFileError("there is nothing on the standard input")
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableFileError(f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
    return data
