"""The standard streams: silenced for a while, or protected, so that printing never fails."""

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from pyimagesearch.shared_block import SharedBlock


@contextmanager
def _stderr_silenced() -> Iterator[None]:
    if sys.stderr is None:  # The descriptor may belong to another file.
        yield
        return
    sys.stderr.flush()
    saved, devnull = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    os.close(devnull)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


# The descriptor belongs to the whole process.
_silence = SharedBlock(_stderr_silenced)


def quiet_stderr() -> SharedBlock:
    """Silence stderr within a block, also for C libraries that bypass Python.

    Blocks in several threads may overlap; stderr speaks again when the last one ends.
    """
    return _silence


def silence_stdout() -> None:
    """Discard whatever this process prints on stdout from now on."""
    sys.stdout = _opened_null("w")


def _opened_null(mode: str) -> IO[str]:
    """Open the null device for text with any letters, which the system's encoding may lack."""
    return open(os.devnull, mode, encoding="utf-8", errors="backslashreplace")  # noqa: PTH123


class _Output(io.FileIO):
    """A standard stream that keeps its first error to itself and discards what comes after."""

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        if self.error is None:
            try:
                # The program that started this one may have made a pipe that does not wait.
                while (count := super().write(data)) is None:
                    select.select([], [self], [])
                return count
            except OSError as error:
                self.error = error
        return memoryview(data).nbytes


def is_output_lost() -> bool:
    """Tell whether stdout has failed, because its reader has gone or the disk is full."""
    return output_error() is not None


def output_error() -> OSError | None:
    """Return the first error of stdout, after :func:`protect_streams`; None if there was none."""
    return getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "error", None)


def protect_streams() -> None:
    """Let no printing fail, so that work is finished even if its output is lost."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        buffer = getattr(stream, "buffer", None)  # Notebooks and IDLE have streams without one.
        if stream is None:
            # It was closed before Python started. Otherwise the next file that is opened would get
            # its number, and with it what C libraries print.
            setattr(sys, name, _opened_null(mode))
        elif mode == "w" and type(getattr(buffer, "raw", buffer)) is io.FileIO:
            stream.flush()
            protected = io.TextIOWrapper(
                io.BufferedWriter(_Output(stream.fileno(), "wb", closefd=False)),
                stream.encoding,
                "backslashreplace",
                line_buffering=stream.line_buffering or stream.write_through,
            )
            setattr(sys, name, protected)
