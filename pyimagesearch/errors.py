"""Errors that a user can put right, and the exit codes of the scripts."""

WORK_FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
READER_GONE = 141  # 128 + SIGPIPE, for output that nobody reads to its end

LONGEST_SHOWN = 300  # characters


def exit_code(unreadable: int, total: int) -> int:
    """Return the exit code after some of the user's files could not be read.

    Parameters
    ----------
    unreadable, total : int
        How many could not be read, and how many there are.

    Returns
    -------
    int
        ``BAD_INPUT`` if none could be read, ``WORK_FAILED`` if only some could, otherwise 0.
    """
    if unreadable == total:
        return BAD_INPUT
    return WORK_FAILED if unreadable else 0


class UserError(ValueError):
    """Something that the user can put right.

    Parameters
    ----------
    message : str
        One line: what is wrong, with what, and what to do.
    exit_code : int
        ``BAD_INPUT`` for a bad argument or bad input, ``WORK_FAILED`` for work that failed.
    """

    def __init__(self, message: str, exit_code: int = BAD_INPUT) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UnreadableFileError(UserError):
    """A file cannot be read. The message gives the reason without the file's name."""


def beginning(text: str) -> str:
    """Return a text, cut to ``LONGEST_SHOWN`` characters if it is longer."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def first_line(error: Exception) -> str:
    """Return the beginning of what a library's exception says, or its type if it says nothing."""
    line = " ".join(str(error).strip().partition("\n")[0].split())
    return beginning(line) or type(error).__name__


def reason_of(error: Exception) -> str:
    """Say why the system refused something, in its own words, which do not name the file.

    An OSError that Python raises by itself, and a ValueError for an odd path, have no such words:
    then it is the first line of the message.
    """
    return getattr(error, "strerror", None) or first_line(error)
