"""Image search services, each a small class, and one function that pages through any of them.

A further service is a class with the attributes and methods of :class:`Service`, and a line in
``SERVICES``.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode, urlsplit

from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.search.download import Downloader, FetchError

BING_KEY, OPENVERSE_TOKEN = "BING_SEARCH_API_KEY", "OPENVERSE_TOKEN"

# A search is worth more patience than a single image: six tries within a good minute, and as long
# as two minutes where the service asks for them.
TRIES, BACKOFF_SECONDS, LONGEST_WAIT_SECONDS = 6, 1.0, 120.0

# What reading a page raises if it is none.
NO_PAGE = (KeyError, TypeError, ValueError, OverflowError)


class SearchResult(NamedTuple):
    """One image that a service found.

    Attributes
    ----------
    url : str
        Of the image itself.
    page : str
        The web page that shows it.
    licence, creator, title : str
        For credit; empty where the service does not say.
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
        How many results the service says there are on all pages.
    next_cursor : int or None
        Where the next page begins; None if this is the last.
    """

    results: list[SearchResult]
    total: int
    next_cursor: int | None


class Found(NamedTuple):
    """What a search has found.

    Attributes
    ----------
    total : int
        How many results there should be.
    results : iterator of SearchResult
        Fetches further pages as it goes.
    """

    total: int
    results: Iterator[SearchResult]


class Service(Protocol):
    """What a search service has to tell about itself.

    Attributes
    ----------
    name : str
        As --provider has it.
    endpoint : str
        URL that answers searches.
    headers : mapping of str to str
        Sent to the endpoint's host only; they may hold a key.
    first_cursor : int
        Where the first page begins.
    most_per_page : int
        Results that the service gives at once.
    pause_seconds : float
        Least time between two requests.
    advice : str
        What to do where the service refuses a key, or does without one no longer.
    """

    name: str
    endpoint: str
    headers: Mapping[str, str]
    first_cursor: int
    most_per_page: int
    pause_seconds: float
    advice: str

    def parameters(self, query: str, licence: str | None, cursor: int, count: int) -> dict:
        """Say which parameters ask for `count` results from `cursor` on."""

    def read_page(self, document: dict, cursor: int) -> Page:
        """Take a page from a JSON document; one of ``NO_PAGE`` is raised if it is none."""


class Bing:
    """The Bing Image Search v7 protocol, which compatible services speak as well.

    Described at https://learn.microsoft.com/bing/search-apis/bing-image-search/reference/; Bing
    itself was retired on 11 August 2025.

    Parameters
    ----------
    key : str
        Sent in the header ``Ocp-Apim-Subscription-Key``.
    endpoint : str, optional
        Of a compatible service.
    """

    name = "bing"
    first_cursor = 0
    most_per_page = 150
    pause_seconds = 0.0
    advice = (
        "Microsoft retired the Bing Search APIs on 11 August 2025; --endpoint names a compatible "
        "service, --provider openverse needs no key"
    )

    def __init__(self, key: str, endpoint: str | None = None) -> None:
        self.endpoint = endpoint or "https://api.bing.microsoft.com/v7.0/images/search"
        self.headers = {"Ocp-Apim-Subscription-Key": key}

    def parameters(self, query: str, licence: str | None, cursor: int, count: int) -> dict:
        """See :class:`Service`."""
        asked = {"q": query, "offset": cursor, "count": count}
        return asked | ({"license": licence} if licence else {})

    def read_page(self, document: dict, cursor: int) -> Page:
        """See :class:`Service`."""
        found = _list(document["value"])
        total = int(document.get("totalEstimatedMatches", cursor + len(found)))
        following = int(document.get("nextOffset", cursor + len(found)))
        # The last page may name itself as the next one.
        has_more = bool(found) and cursor < following < total
        results = [
            SearchResult(
                url=_text(item, "contentUrl"),
                page=_text(item, "hostPageUrl"),
                licence=_text(item, "license"),
                creator=_creator(item),
                title=_text(item, "name"),
            )
            for item in found
        ]
        return Page(results, total, following if has_more else None)


class Openverse:
    """Images under open licences, from https://api.openverse.org/v1/.

    Parameters
    ----------
    token : str, optional
        Lifts the limits for anonymous users: 20 results a page, one request a second.
    endpoint : str, optional
        Of another installation.
    """

    name = "openverse"
    first_cursor = 1
    advice = f"the environment variable {OPENVERSE_TOKEN} must hold a valid token, or be unset"

    def __init__(self, token: str | None = None, endpoint: str | None = None) -> None:
        self.endpoint = endpoint or "https://api.openverse.org/v1/images/"
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.most_per_page = 500 if token else 20
        self.pause_seconds = 0.0 if token else 1.0

    def parameters(self, query: str, licence: str | None, cursor: int, count: int) -> dict:
        """See :class:`Service`."""
        asked = {"q": query, "page": cursor, "page_size": count}
        return asked | ({"license": licence} if licence else {})

    def read_page(self, document: dict, cursor: int) -> Page:
        """See :class:`Service`."""
        results = [
            SearchResult(
                url=_text(item, "url"),
                page=_text(item, "foreign_landing_url"),
                licence=_openverse_licence(item),
                creator=_text(item, "creator"),
                title=_text(item, "title"),
            )
            for item in _list(document["results"])
        ]
        has_more = bool(results) and cursor < int(document["page_count"])
        return Page(results, int(document["result_count"]), cursor + 1 if has_more else None)


SERVICES: dict[str, Callable[..., Service]] = {"bing": Bing, "openverse": Openverse}


class SearchError(UserError):
    """A search failed; the message says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, WORK_FAILED)


def choose_service(
    provider: str | None, endpoint: str | None, key_file: str | None
) -> tuple[Service, str]:
    """Choose a service: Bing's protocol where there is a key for it, otherwise Openverse.

    Parameters
    ----------
    provider : {"bing", "openverse"} or None
        What the user asks for, if anything.
    endpoint : str or None
        Instead of the service's own.
    key_file : str or None
        File that holds the key; without it the environment variable ``BING_SEARCH_API_KEY`` is
        looked at.

    Returns
    -------
    service : Service
        Ready to search.
    reason : str
        Why this one.

    Raises
    ------
    UserError
        If a key is missing, cannot be read or is no key, or if the endpoint is no URL.
    """
    if endpoint is not None and urlsplit(endpoint).scheme not in ("http", "https"):
        raise UserError(f"{endpoint} is not a URL: give --endpoint one that begins with https://")
    asked = "as --provider asks"
    if provider == "openverse":
        return Openverse(_environment(OPENVERSE_TOKEN), endpoint), asked
    key, where = _environment(BING_KEY), f"{BING_KEY} holds a key"
    if key_file:
        key, where = _read_key(key_file), f"{key_file} holds a key"
    if key:
        return Bing(key, endpoint), asked if provider else where
    if provider == "bing":
        raise UserError(
            f"bing needs a key: put it into a file for --key-file or into {BING_KEY}, or use "
            "--provider openverse, which needs none"
        )
    reason = f"there is no key for bing in --key-file or {BING_KEY}"
    return Openverse(_environment(OPENVERSE_TOKEN), endpoint), reason


def search(
    service: Service,
    query: str,
    most: int,
    group_size: int,
    downloader: Downloader,
    licence: str | None = None,
) -> Found:
    """Search: the first page now, each further one when its results are asked for.

    Parameters
    ----------
    service : Service
        Where to search.
    query : str
        What for.
    most : int
        How many results to return in all.
    group_size : int
        How many to ask for at once, if the service gives as many.
    downloader : Downloader
        Makes the requests.
    licence : str, optional
        Only results under these licences, as the service spells them.

    Returns
    -------
    Found
        The results.

    Raises
    ------
    SearchError
        If the service does not answer, or refuses, or answers with something else; later, while
        the results are taken, as well.
    """
    count = min(group_size, service.most_per_page)

    def ask(cursor: int) -> Page:
        parameters = service.parameters(query, licence, cursor, count)
        document = _ask(service, parameters, downloader)
        try:
            return service.read_page(document, cursor)
        except NO_PAGE as error:
            raise SearchError(_not_results(service)) from error

    def results(page: Page) -> Iterator[SearchResult]:
        yield from page.results
        while page.next_cursor is not None:
            downloader.pause(service.pause_seconds)
            page = ask(page.next_cursor)
            yield from page.results

    first = ask(service.first_cursor)
    return Found(min(max(first.total, len(first.results)), most), islice(results(first), most))


def _ask(service: Service, parameters: Mapping[str, Any], downloader: Downloader) -> Any:
    separator = "&" if urlsplit(service.endpoint).query else "?"
    try:
        body = downloader.fetch(
            service.endpoint + separator + urlencode(parameters, errors="surrogateescape"),
            tries=TRIES,
            backoff=BACKOFF_SECONDS,
            longest_wait=LONGEST_WAIT_SECONDS,
            private_headers=service.headers,
            is_own=True,
        )
        return json.loads(body)
    except FetchError as error:
        raise SearchError(_explain(service, error)) from error
    except (ValueError, RecursionError) as error:
        raise SearchError(_not_results(service)) from error


def _explain(service: Service, error: FetchError) -> str:
    """Say what to do about a search that failed."""
    host = urlsplit(service.endpoint).hostname or service.endpoint
    if error.is_unresolved:
        advice = "" if service.name != "bing" else f" ({service.advice})"
        return f"the name {host} does not resolve: check the connection and --endpoint{advice}"
    refusals = {
        401: f"{host} does not accept the key (401): {service.advice}",
        403: f"{host} forbids this search (403): the key is not meant for it, or its quota is used "
        f"up; {service.advice}",
        410: f"{host} no longer offers this service (410): {service.advice}",
        429: f"{host} asks for more patience (429): wait {max(60, error.retry_after):.0f} seconds "
        "or more, then run the same command again",
    }
    otherwise = f"{host} does not answer the search: {error}; try again later"
    return refusals.get(error.status, otherwise)


def _not_results(service: Service) -> str:
    return (
        f"{urlsplit(service.endpoint).hostname} answered with something other than search results "
        f"as {service.name} gives them: check --endpoint and --provider"
    )


def _list(value: object) -> list:
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, not {type(value)}")
    return value


def _text(item: dict, name: str) -> str:
    """Take a text from a result, if it is there and is one."""
    value = item.get(name) if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""


def _creator(item: dict) -> str:
    creator = item.get("creator") if isinstance(item, dict) else None
    return _text(creator, "name") if isinstance(creator, dict) else _text(item, "creator")


def _openverse_licence(item: dict) -> str:
    licence = f"{_text(item, 'license')} {_text(item, 'license_version')}".strip()
    url = _text(item, "license_url")
    return f"{licence} ({url})" if url else licence


def _environment(name: str) -> str | None:
    return _checked_key(os.environ.get(name, ""), name) or None


def _read_key(path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UserError(f"cannot read the key from {path}: {reason}") from error
    key = _checked_key(text, path)
    if not key:
        raise UserError(f"{path} is empty: --key-file needs a file that holds the key")
    return key


def _checked_key(text: str, source: str) -> str:
    # An error further down would repeat the header that it cannot send, and the key with it.
    key = text.strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(f"{source} does not hold a key: it must be one word of ASCII characters")
    return key
