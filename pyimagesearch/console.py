"""What the scripts share in speaking to a person: information, errors, exit codes."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from pyimagesearch.errors import INTERRUPTED, WORK_FAILED, UserError

T = TypeVar("T")

# How to install what OpenCV's wheels expect of the system, by the ID of /etc/os-release.
LIBRARY_COMMANDS = {
    "debian": "apt-get install -y libgl1 libglib2.0-0",
    "fedora": "dnf install -y mesa-libGL glib2",
    "rhel": "dnf install -y mesa-libGL glib2",
    "suse": "zypper install -y Mesa-libGL1 libglib-2_0-0",
    "arch": "pacman -S --noconfirm libglvnd glib2",
    "alpine": "apk add mesa-gl glib",
}
COLORS = {"sure": 32, "unsure": 33}


def printable(text: str | os.PathLike) -> str:
    r"""Make text from outside, such as a file's name, harmless to print on a terminal.

    Parameters
    ----------
    text : str or path
        Any text, with control characters or with bytes that are no UTF-8 (surrogate escapes).

    Returns
    -------
    str
        The same in one line, what cannot be printed written as ``\x1b`` is here.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in os.fspath(text)
    )


def highlighted(text: str, mood: str) -> str:
    """Colour text for a terminal: green for "sure", yellow for "unsure".

    Parameters
    ----------
    text : str
        Without control characters.
    mood : {"sure", "unsure"}
        What it is about.

    Returns
    -------
    str
        The text as it is where stdout is no terminal, or where ``NO_COLOR`` is set
        (https://no-color.org).
    """
    plain = (
        not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    )
    return text if plain else f"\x1b[{COLORS[mood]}m{text}\x1b[0m"


def info(*messages: str) -> None:
    """Print messages on stdout in the tutorial's style, each on a line of its own."""
    for message in messages:
        print(f"[INFO] {message}", flush=True)


def progress(items: Iterable[T], total: int, unit: str = "image") -> Iterable[T]:
    """Show how far a loop has come, on a terminal that the loop's own output does not go to.

    Parameters
    ----------
    items : iterable
        What the loop goes through.
    total : int
        How many there are.
    unit : str
        What they are.

    Returns
    -------
    iterable
        The same items.
    """
    if sys.stdout.isatty() or not sys.stderr.isatty():
        return items
    from tqdm import tqdm

    return tqdm(items, total=total, unit=unit)


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
        For example ``"a, b, c and 7 more"``, fit to be printed.
    """
    named = ", ".join(printable(item) for item in items[:most])
    return named if len(items) <= most else f"{named} and {len(items) - most:,} more"


def complain(message: str) -> None:
    """Print a line on stderr that begins with the name of the script."""
    program = os.path.basename(sys.argv[0])  # noqa: PTH119 (pathlib costs start-up time here)
    print(f"{program}: {printable(message)}", file=sys.stderr, flush=True)


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep what C libraries write to stderr, past Python, off the screen."""
    sys.stderr.flush()
    saved, devnull = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(devnull, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(devnull)


def missing_library_cure(error: ImportError, release: str | None = None) -> str | None:
    """Say how to install the system's libraries that OpenCV needs, where they are missing.

    Parameters
    ----------
    error : ImportError
        What an import has failed with.
    release : str, optional
        The content of ``/etc/os-release``, which by default is read.

    Returns
    -------
    str or None
        One line with the command for this distribution; None for any other failure.
    """
    library, found, _ = str(error).partition(": cannot open shared object file")
    if not found:
        return None
    release = _read_release() if release is None else release
    lines = (line.partition("=") for line in release.splitlines())
    values = {name: value.strip('"').split() for name, _, value in lines}
    families = [*values.get("ID", []), *values.get("ID_LIKE", [])]
    commands = [LIBRARY_COMMANDS[family] for family in families if family in LIBRARY_COMMANDS]
    install = commands[0] if commands else "the package that holds it (often libgl1 or mesa-libGL)"
    return f"the system lacks {library}, which OpenCV needs: install it with {install}"


def _read_release() -> str:
    try:
        with open("/etc/os-release", encoding="utf-8") as file:  # noqa: PTH123 (start-up time)
            return file.read()
    except OSError:
        return ""


def run(main: Callable[[], int | None]) -> int:
    """Run a script's main function and turn what the user can put right into one line.

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
        cure = missing_library_cure(error)
        if cure is None:
            raise
        complain(cure)
        return WORK_FAILED
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone (`classify.py ... | head`): nothing is left to say, and
        # the interpreter must not try to flush what is still buffered.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WORK_FAILED
