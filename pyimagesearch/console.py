"""How the scripts talk to a person: information, progress, colours and one-line errors."""

import errno
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Literal, TypeVar

from pyimagesearch.errors import INTERRUPTED, READER_GONE, WORK_FAILED, UserError, reason_of
from pyimagesearch.streams import output_error, protect_streams

T = TypeVar("T")

# Shows how far a loop has come: takes its items and their number, and returns the items.
Progress = Callable[[Iterable[Any], int], Iterable[Any]]

COLORS = {"sure": 32, "unsure": 33}
# A flag of Windows' consoles ("GetConsoleMode" in Microsoft's documentation).
ENABLE_VIRTUAL_TERMINAL_PROCESSING = 4


def printable(text: str | os.PathLike[str]) -> str:
    r"""Escape what must not reach a terminal.

    Parameters
    ----------
    text : str or path
        Any text, such as a file's name, with control characters or surrogate escapes in it.

    Returns
    -------
    str
        One line. A character that cannot be printed is written as ``\x1b`` is here.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in os.fspath(text)
    )


def highlighted(text: str, mood: Literal["sure", "unsure"]) -> str:
    """Colour text on a terminal: green for "sure", yellow for "unsure".

    Parameters
    ----------
    text : str
        Printable text.
    mood : {"sure", "unsure"}
        Chooses the colour.

    Returns
    -------
    str
        The text unchanged where stdout is no terminal or ``NO_COLOR`` is set
        (https://no-color.org).
    """
    is_terminal = sys.stdout and sys.stdout.isatty() and _obeys_escapes()
    plain = not is_terminal or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{COLORS[mood]}m{text}\x1b[0m"


def _obeys_escapes() -> bool:
    """Tell whether the terminal obeys escape sequences: a console of Windows may print them."""
    if sys.platform != "win32":
        return True
    import ctypes
    import msvcrt

    mode = ctypes.c_ulong(0)
    with suppress(OSError):  # IDLE calls its window a terminal.
        handle = msvcrt.get_osfhandle(sys.stdout.fileno())
        ctypes.windll.kernel32.GetConsoleMode(handle, ctypes.byref(mode))
    return bool(mode.value & ENABLE_VIRTUAL_TERMINAL_PROCESSING)


def info(*messages: str) -> None:
    """Print messages on stdout in the tutorial's style, one a line."""
    for message in messages:
        print(f"[INFO] {message}", flush=True)


def progress(
    items: Iterable[T],
    total: int,
    *,
    unit: str = "image",
    title: str | None = None,
    prints_rows: bool = False,
) -> Iterable[T]:
    """Show a progress bar on a terminal while a loop runs.

    The bar is on stdout; if that is no terminal, it is on stderr, even if :func:`quiet_stderr`
    silences that later.

    Parameters
    ----------
    items : iterable
        What the loop goes through.
    total : int
        How many items there are.
    unit : str
        What an item is.
    title : str, optional
        Stands before the bar.
    prints_rows : bool
        Whether the loop prints a row for each item. On a terminal these rows show the progress,
        so there is no bar.

    Returns
    -------
    iterable
        The same items.
    """
    # A service may have neither stream.
    terminals = [stream for stream in (sys.stdout, sys.stderr) if stream and stream.isatty()]
    if not terminals or (prints_rows and terminals[0] is sys.stdout):
        return items
    try:
        descriptor = os.dup(terminals[0].fileno())
    except OSError:  # IDLE calls its window a terminal.
        return items
    return _with_bar(items, descriptor, desc=title, total=total, unit=unit)


def no_progress(items: Iterable[Any], total: int) -> Iterable[Any]:
    """Return the items and show nothing."""
    return items


def say_nothing(message: str) -> None:
    """Say nothing."""


def _with_bar(items: Iterable[T], descriptor: int, **settings: Any) -> Iterator[T]:
    from tqdm import tqdm

    stream = os.fdopen(descriptor, "w")
    try:
        yield from tqdm(items, file=stream, **settings)
    finally:
        # If the terminal is lost, tqdm falls silent, but its text is still in the buffer.
        with suppress(OSError):
            stream.close()


def first_few(items: Sequence[str], most: int = 5, *, total: int | None = None) -> str:
    """Name the first few of many things.

    Parameters
    ----------
    items : sequence of str
        All of them, or at least the first ones.
    most : int
        How many to name.
    total : int, optional
        How many there are, if `items` are only the first ones.

    Returns
    -------
    str
        Printable text, for example ``"a, b, c and 7 more"``.
    """
    named = [printable(item) for item in items[:most]]
    others = (len(items) if total is None else total) - len(named)
    return ", ".join(named) + (f" and {others:,} more" if others else "")


def shell_command(*words: str) -> str:
    """Write a command for a person to type, with quotes where the system's shell needs them."""
    if sys.platform != "win32":
        return shlex.join(words)
    # cmd.exe knows no single quotes, and a backslash needs none.
    return " ".join(f'"{word}"' if {" ", "&"} & set(word) else word for word in words)


def counted(count: int, one: str, many: str = "") -> str:
    """Write a number with its noun.

    Parameters
    ----------
    count : int
        How many there are.
    one, many : str
        The noun for one, and for any other number: by default, that for one with an s.

    Returns
    -------
    str
        For example ``"1 image"`` or ``"1,830 images"``.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def excerpt(lines: Sequence[str], most: int) -> list[str]:
    """Shorten a long list to its beginning and its end.

    Parameters
    ----------
    lines : sequence of str
        All lines.
    most : int
        How many to keep, an even number.

    Returns
    -------
    list of str
        The lines; if there are more, half of `most` from each end, and between them a line that
        counts the others.
    """
    if len(lines) <= most:
        return list(lines)
    half = most // 2
    return [*lines[:half], f"... {len(lines) - most:,} more", *lines[-half:]]


def complain(message: str) -> None:
    """Print a line on stderr that begins with the name of the script."""
    folder, program = os.path.split(sys.argv[0])
    if program == "__main__.py":  # of a package
        program = os.path.basename(folder)  # noqa: PTH119 (importing pathlib takes time)
    print(f"{program}: {printable(message)}", file=sys.stderr, flush=True)


def run(main: Callable[[], int | None]) -> int:
    """Run a script's main function and report the user's errors in one line each.

    Printing never fails: what can no longer be written is discarded, and the work goes on.

    Parameters
    ----------
    main : callable
        Returns an exit code, or None for success.

    Returns
    -------
    int
        The exit code for :func:`sys.exit`: ``READER_GONE`` or ``WORK_FAILED`` if all went well but
        the output was lost. Programming errors keep their traceback.
    """
    protect_streams()
    code = _exit_code(main)
    sys.stdout.flush()
    error = output_error()
    if code or error is None:
        return code
    # Windows may call it an invalid argument (https://github.com/python/cpython/issues/79935).
    is_misnamed = sys.platform == "win32" and error.errno == errno.EINVAL
    if isinstance(error, BrokenPipeError) or is_misnamed:
        return READER_GONE
    complain(f"cannot write to the standard output: {reason_of(error)}")
    return WORK_FAILED


def _exit_code(main: Callable[[], int | None]) -> int:
    try:
        return main() or 0
    except SystemExit as ended:
        # A help text has been printed, or else the command line is wrong.
        if ended.code:
            raise
        return 0
    except UserError as error:
        complain(str(error))
        return error.exit_code
    except ImportError as error:
        # Ctrl-C while a library is imported can reach us as the cause of an ImportError.
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            return _interrupted()
        # Imported only here, because nearly all runs do without it.
        from pyimagesearch.missing_libraries import missing_library_message

        message = missing_library_message(error)
        if message is None:
            raise
        complain(message)
        return WORK_FAILED
    except KeyboardInterrupt:
        return _interrupted()


def _interrupted() -> int:
    # Pressed again, Ctrl-C ends what little is left at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    complain("interrupted")
    return INTERRUPTED
