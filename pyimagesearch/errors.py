"""Errors that a user can put right, and the exit codes of the scripts."""

WORK_FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
READER_GONE = 141  # 128 + SIGPIPE, for output that nobody reads to its end


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
