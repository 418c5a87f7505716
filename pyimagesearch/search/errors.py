"""What goes wrong with a download and with a search."""

from pyimagesearch.errors import WORK_FAILED, UserError


class FetchError(Exception):
    """A request failed. The message gives the reason without the URL.

    Attributes
    ----------
    is_transient : bool
        Whether another run may succeed.
    is_worth_retrying : bool
        Whether another try in the same run may succeed.
    status : int or None
        HTTP status that the server answered with.
    retry_after : float
        Seconds that the server asks to wait.
    is_unresolved : bool
        Whether the host's name could not be resolved.
    """

    def __init__(
        self,
        reason: str,
        *,
        is_transient: bool = False,
        is_worth_retrying: bool = False,
        status: int | None = None,
        retry_after: float = 0.0,
        is_unresolved: bool = False,
    ) -> None:
        super().__init__(reason)
        self.is_transient = is_transient
        self.is_worth_retrying = is_worth_retrying
        self.status = status
        self.retry_after = retry_after
        self.is_unresolved = is_unresolved


class BusyError(Exception):
    """A service answered, and asks for patience.

    Attributes
    ----------
    seconds : float
        How long to wait before the next try.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"busy for {seconds} seconds")
        self.seconds = seconds


class RefusedError(Exception):
    """A service answered that it does not search for this. The message is its own."""


class SearchError(UserError):
    """A search failed. The message says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, WORK_FAILED)


class LimitSpentError(SearchError):
    """A service has answered as many requests as it does in a day."""
