"""Image search services: what there is to know about one, and what their results have in common.

Each service is a small class in a module of its own (`bing`, `brave`, `openverse`, `wikimedia`). To
add one, write a class with the attributes and methods of :class:`Service`; CONTRIBUTING.md says
what else it takes.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from pyimagesearch.errors import UserError

# The most results of one page. Services give fewer or ignore the rest of what they are asked for.
MOST_RESULTS = 500
# The licences that openverse and wikimedia can be asked for, as Openverse spells them.
OPEN_LICENCES = ("cc0", "pdm", "by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd")
# What Wikimedia Commons and the pages of images call some of them.
OPENVERSE_NAMES = {"zero": "cc0"} | dict.fromkeys(
    ("pd", "pd-mark", "public-domain", "public-domain-mark"), "pdm"
)
# The end of a code such as by-sa-4.0 or by-3.0-de.
VERSION = re.compile(r"-\d\.\d(?:-[a-z]+)?$")
# What reading a page raises if the document is not a page of results.
NOT_A_PAGE = (KeyError, TypeError, ValueError, OverflowError)


class SearchResult(NamedTuple):
    """An image that a service found.

    Attributes
    ----------
    url : str
        The image itself.
    page : str
        The web page that shows it.
    licence, creator, title : str
        What is needed to give credit; empty where the service does not say.
    """

    url: str
    page: str = ""
    licence: str = ""
    creator: str = ""
    title: str = ""


class Page(NamedTuple):
    """One page of results.

    Attributes
    ----------
    results : list of SearchResult
        In the service's order.
    total : int or None
        How many results the service claims to have on all pages; None if it does not say, or only
        estimates.
    next_cursor : object
        Where the next page starts, as the service names it; None if this is the last.
    """

    results: list[SearchResult]
    total: int | None
    next_cursor: Any


class Service(Protocol):
    """What there is to know about a search service.

    Attributes
    ----------
    name : str
        What users call it.
    endpoint : str
        URL that answers searches.
    headers : mapping of str to str
        Sent to the endpoint's host only. They may hold a key.
    first_cursor : object
        Where the first page starts.
    fewest_per_page, most_per_page : int
        How many results to ask for at once. Where requests are scarce, small pages waste them.
    most_results : int or None
        The most results that the service gives for one query.
    pause_seconds : float
        The shortest time between two requests.
    limits : str
        How many requests the service answers, in words, such as ``"20 requests a minute"``; empty
        if there is nothing to wait for.
    advice : str
        What to do if the service refuses the key.
    is_retired : bool
        Whether the service's own endpoint no longer exists, so that its name may not resolve.
    """

    name: str
    endpoint: str
    headers: Mapping[str, str]
    first_cursor: Any
    fewest_per_page: int
    most_per_page: int
    most_results: int | None
    pause_seconds: float
    limits: str
    advice: str
    is_retired: bool

    def parameters(
        self, query: str, licence: str | None, *, cursor: Any, count: int
    ) -> dict[str, Any]:
        """Return the parameters of a request for `count` results from `cursor` on.

        Raise :class:`UserError` if the service cannot search for that.
        """

    def read_page(self, document: Any, cursor: Any, licence: str | None = None) -> Page:
        """Read a page from a JSON document; raise one of ``NOT_A_PAGE`` if it is none.

        A service that cannot be asked for licences leaves out results under others here. If the
        document is a message, raise :class:`BusyError` or :class:`RefusedError`.
        """


def results_in(value: Any) -> list[Any]:
    """Return the results of a page, which have to be a list, at most ``MOST_RESULTS`` of them."""
    if not isinstance(value, list):
        raise TypeError(f"expected a list, not {type(value)}")
    return value[:MOST_RESULTS]


def value_in(item: Any, name: str) -> Any:
    """Return a value of a result; None if there is none of that name, or no result at all."""
    return item.get(name) if isinstance(item, dict) else None


def text_in(item: Any, name: str) -> str:
    """Return a text of a result; empty if there is none of that name, or something else."""
    value = value_in(item, name)
    return value if isinstance(value, str) else ""


def open_licences(wanted: str) -> list[str]:
    """Read licences as a user writes them, or copies them from the page of an image.

    Parameters
    ----------
    wanted : str
        For example ``"cc0, BY"`` or ``"CC BY-SA 4.0"``. Versions are left out.

    Returns
    -------
    list of str
        Names in ``OPEN_LICENCES``.

    Raises
    ------
    UserError
        If it names anything else, under which nothing would be found.
    """
    licences = []
    for written in wanted.split(","):
        code = VERSION.sub("", licence_code(written)).removeprefix("cc-")
        name = OPENVERSE_NAMES.get(code, code)
        if name not in OPEN_LICENCES:
            known = ", ".join(OPEN_LICENCES)
            raise UserError(
                f"openverse and wikimedia know no licence {written.strip()!r}: choose among {known}"
            )
        licences.append(name)
    return licences


def licence_code(name: str) -> str:
    """Spell a licence as codes are spelled: ``cc-by-sa-4.0`` for ``CC BY-SA 4.0``."""
    return "-".join(name.lower().split())


def licence_with_url(licence: str, url: str) -> str:
    """Name a licence, and say where it stands."""
    return f"{licence} ({url})" if url else licence
