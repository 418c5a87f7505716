"""How the scripts talk to a person: information, progress, colours and one-line errors."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, TypeVar

from pyimagesearch.errors import INTERRUPTED, WORK_FAILED, UserError

T = TypeVar("T")

COLORS = {"sure": 32, "unsure": 33}


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
    plain = (
        not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    )
    return text if plain else f"\x1b[{COLORS[mood]}m{text}\x1b[0m"


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
    """Show a progress bar on stderr while a loop runs, if stderr is a terminal.

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
    if not sys.stderr.isatty() or (prints_rows and sys.stdout.isatty()):
        return items
    from tqdm import tqdm

    return tqdm(items, desc=title, total=total, unit=unit)


def examples(items: Sequence[str], most: int = 5) -> str:
    """Name the first few of many things.

    Parameters
    ----------
    items : sequence of str
        All of them.
    most : int
        How many to name.

    Returns
    -------
    str
        Printable text, for example ``"a, b, c and 7 more"``.
    """
    named = ", ".join(printable(item) for item in items[:most])
    return named if len(items) <= most else f"{named} and {len(items) - most:,} more"


def complain(message: str) -> None:
    """Print a line on stderr that begins with the name of the script."""
    program = os.path.basename(sys.argv[0])  # noqa: PTH119 (importing pathlib takes time)
    print(f"{program}: {printable(message)}", file=sys.stderr, flush=True)


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Silence stderr within the block, also for C libraries that bypass Python."""
    sys.stderr.flush()
    saved, devnull = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(devnull, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(devnull)


def silence_stdout() -> None:
    """Discard whatever this process prints on stdout from now on."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 (stays open until the process ends)


def run(main: Callable[[], int | None]) -> int:
    """Run a script's main function and report the user's errors in one line each.

    Parameters
    ----------
    main : callable
        Returns an exit code, or None for success.

    Returns
    -------
    int
        The exit code for :func:`sys.exit`. Programming errors keep their traceback.
    """
    try:
        return main() or 0
    except UserError as error:
        complain(str(error))
        return error.exit_code
    except ImportError as error:
        message = missing_library_message(error)
        if message is None:
            raise
        complain(message)
        return WORK_FAILED
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`classify.py ... | head`). Python would try to flush the rest when it
        # exits, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WORK_FAILED


def missing_library_message(error: ImportError) -> str | None:
    """Say which system library OpenCV lacks, if that is why an import failed; otherwise None."""
    library, found, _ = str(error).partition(": cannot open shared object file")
    if not found:
        return None
    return (
        f"the system lacks {library}, which OpenCV needs: install the package that holds it "
        "(on Debian and Ubuntu: apt-get install libgl1 libglib2.0-0)"
    )
