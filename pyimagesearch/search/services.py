"""Image search services, each described by a small class.

To add a service, write a class with the attributes and methods of :class:`Service` and have
:func:`pyimagesearch.search.service_choice.choose_service` return it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

BING_KEY, OPENVERSE_TOKEN = "BING_SEARCH_API_KEY", "OPENVERSE_TOKEN"

# The most results of one page. Services give fewer or ignore the rest of what they are asked for.
MOST_RESULTS = 500
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
    total : int
        How many results the service claims to have on all pages.
    next_cursor : int or None
        Where the next page starts; None if this is the last.
    """

    results: list[SearchResult]
    total: int
    next_cursor: int | None


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
    first_cursor : int
        Where the first page starts.
    most_per_page : int
        The most results that the service puts on a page.
    pause_seconds : float
        The shortest time between two requests.
    advice : str
        What to do if the service refuses the key.
    """

    name: str
    endpoint: str
    headers: Mapping[str, str]
    first_cursor: int
    most_per_page: int
    pause_seconds: float
    advice: str

    def parameters(
        self, query: str, licence: str | None, *, cursor: int, count: int
    ) -> dict[str, Any]:
        """Return the parameters of a request for `count` results from `cursor` on."""

    def read_page(self, document: Any, cursor: int) -> Page:
        """Read a page from a JSON document; raise one of ``NOT_A_PAGE`` if it is none."""


class Bing:
    """The Bing Image Search v7 protocol.

    Described at https://learn.microsoft.com/bing/search-apis/bing-image-search/reference/.
    Microsoft retired Bing's own service on 11 August 2025; compatible services remain.

    Parameters
    ----------
    key : str
        Sent in the header ``Ocp-Apim-Subscription-Key``.
    endpoint : str, optional
        That of a compatible service.
    """

    name = "bing"
    first_cursor = 0
    most_per_page = 150
    pause_seconds = 0.0
    advice = (
        "Microsoft retired the Bing Search APIs on 11 August 2025; set the endpoint of a "
        "compatible service, or use the provider openverse, which needs no key"
    )

    def __init__(self, key: str, endpoint: str | None = None) -> None:
        self.endpoint = endpoint or "https://api.bing.microsoft.com/v7.0/images/search"
        self.headers: Mapping[str, str] = {"Ocp-Apim-Subscription-Key": key}

    def parameters(
        self, query: str, licence: str | None, *, cursor: int, count: int
    ) -> dict[str, Any]:
        """See :class:`Service`."""
        asked = {"q": query, "offset": cursor, "count": count}
        return asked | ({"license": licence} if licence else {})

    def read_page(self, document: Any, cursor: int) -> Page:
        """See :class:`Service`."""
        found = _results(document["value"])
        total = int(document.get("totalEstimatedMatches", cursor + len(found)))
        following = int(document.get("nextOffset", cursor + len(found)))
        # The last page may name itself as the next one.
        has_more = bool(found) and cursor < following < total
        results = [
            SearchResult(
                url=_text(item, "contentUrl"),
                page=_text(item, "hostPageUrl"),
                licence=_text(item, "license"),
                creator=_bing_creator(item),
                title=_text(item, "name"),
            )
            for item in found
        ]
        return Page(results, total, following if has_more else None)


class Openverse:
    """Images under open licences, described at https://api.openverse.org/v1/.

    Parameters
    ----------
    token : str, optional
        Lifts the limits for anonymous users: 20 results a page, one request a second.
    endpoint : str, optional
        That of another installation.
    """

    name = "openverse"
    first_cursor = 1
    advice = f"the environment variable {OPENVERSE_TOKEN} must hold a valid token, or be unset"

    def __init__(self, token: str | None = None, endpoint: str | None = None) -> None:
        self.endpoint = endpoint or "https://api.openverse.org/v1/images/"
        self.headers: Mapping[str, str] = {"Authorization": f"Bearer {token}"} if token else {}
        self.most_per_page = MOST_RESULTS if token else 20
        self.pause_seconds = 0.0 if token else 1.0

    def parameters(
        self, query: str, licence: str | None, *, cursor: int, count: int
    ) -> dict[str, Any]:
        """See :class:`Service`."""
        asked = {"q": query, "page": cursor, "page_size": count}
        return asked | ({"license": licence} if licence else {})

    def read_page(self, document: Any, cursor: int) -> Page:
        """See :class:`Service`."""
        results = [
            SearchResult(
                url=_text(item, "url"),
                page=_text(item, "foreign_landing_url"),
                licence=_openverse_licence(item),
                creator=_text(item, "creator"),
                title=_text(item, "title"),
            )
            for item in _results(document["results"])
        ]
        has_more = bool(results) and cursor < int(document["page_count"])
        return Page(results, int(document["result_count"]), cursor + 1 if has_more else None)


def _results(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, not {type(value)}")
    return value[:MOST_RESULTS]


def _text(item: Any, name: str) -> str:
    """Return a text of a result; empty if there is none of that name, or something else."""
    value = item.get(name) if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""


def _bing_creator(item: Any) -> str:
    creator = item.get("creator") if isinstance(item, dict) else None
    return _text(creator, "name") if isinstance(creator, dict) else _text(item, "creator")


def _openverse_licence(item: Any) -> str:
    licence = f"{_text(item, 'license')} {_text(item, 'license_version')}".strip()
    url = _text(item, "license_url")
    return f"{licence} ({url})" if url else licence
