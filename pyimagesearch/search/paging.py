"""One function that pages through the results of any search service."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import accumulate, islice
from typing import Any, NamedTuple
from urllib.parse import urlencode

from pyimagesearch.search.download import Downloader
from pyimagesearch.search.errors import FetchError, SearchError
from pyimagesearch.search.services import NOT_A_PAGE, Page, SearchResult, Service
from pyimagesearch.search.urls import parse

# A search deserves more patience than a single image: six tries in about a minute, and up to two
# minutes before each where the service asks for them.
TRIES, BACKOFF_SECONDS, LONGEST_WAIT_SECONDS = 6, 1.0, 120.0

# Limits of one page. A result takes a few kilobytes and, for its tags, some dozens of objects.
PAGE_BYTES = 2**22
MOST_DEPTH = 32
MOST_OBJECTS = 200_000
# In JSON: a text, even one that does not end, or anything but brackets.
NOT_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[^][{}"]++', re.DOTALL)


class Found(NamedTuple):
    """What a search found.

    Attributes
    ----------
    total : int
        How many results to expect.
    results : iterator of SearchResult
        Requests further pages as it goes.
    """

    total: int
    results: Iterator[SearchResult]


def search(
    service: Service,
    query: str,
    downloader: Downloader,
    *,
    max_results: int,
    group_size: int,
    licence: str | None = None,
) -> Found:
    """Search: request the first page now, and each further one when its results are needed.

    Parameters
    ----------
    service : Service
        Where to search.
    query : str
        What to search for.
    downloader : Downloader
        Makes the requests.
    max_results : int
        The most results to return.
    group_size : int
        How many results to request at once, if the service has pages of that size.
    licence : str, optional
        Return only results under these licences, as the service spells them.

    Returns
    -------
    Found
        The results.

    Raises
    ------
    SearchError
        If the service does not answer, refuses, or answers with something else. Taking the results
        raises it, too.
    """
    count = min(group_size, service.most_per_page)

    def ask(cursor: int) -> Page:
        parameters = service.parameters(query, licence, cursor=cursor, count=count)
        document = _ask(service, parameters, downloader)
        try:
            return service.read_page(document, cursor)
        except NOT_A_PAGE as error:
            raise SearchError(_not_results(service)) from error

    def results(page: Page) -> Iterator[SearchResult]:
        yield from page.results
        while page.next_cursor is not None:
            downloader.pause(service.pause_seconds)
            page = ask(page.next_cursor)
            yield from page.results

    first = ask(service.first_cursor)
    total = max(first.total, len(first.results))
    return Found(min(total, max_results), islice(results(first), max_results))


def parse_page(body: bytes) -> Any:
    """Parse JSON from a stranger, if that takes little time and memory.

    Parameters
    ----------
    body : bytes
        Anything, at most ``PAGE_BYTES`` bytes.

    Returns
    -------
    object
        What the JSON stands for.

    Raises
    ------
    ValueError
        If it is not JSON in UTF-8, is nested deeper than ``MOST_DEPTH``, or has more than
        ``MOST_OBJECTS`` lists and objects, each of which takes much more memory than bytes.
    """
    text = body.decode("utf-8-sig")
    if text.count("[") + text.count("{") > MOST_OBJECTS:
        raise ValueError(f"more than {MOST_OBJECTS:,} lists and objects")
    steps = (1 if bracket in "[{" else -1 for bracket in NOT_BRACKETS.sub("", text))
    if max(accumulate(steps), default=0) > MOST_DEPTH:
        raise ValueError(f"nested deeper than {MOST_DEPTH}")
    return json.loads(text)


def _ask(service: Service, parameters: Mapping[str, Any], downloader: Downloader) -> Any:
    endpoint = parse(service.endpoint)
    separator = "&" if "?" in endpoint.path else "?"
    try:
        body = downloader.fetch(
            endpoint.url + separator + urlencode(parameters, errors="surrogateescape"),
            tries=TRIES,
            backoff=BACKOFF_SECONDS,
            longest_wait=LONGEST_WAIT_SECONDS,
            max_bytes=PAGE_BYTES,
            private_headers=service.headers,
            is_own=True,
        )
        return parse_page(body)
    except FetchError as error:
        raise SearchError(_advice(service, error)) from error
    except ValueError as error:
        raise SearchError(_not_results(service)) from error


def _advice(service: Service, error: FetchError) -> str:
    """Say what to do about a search that failed."""
    host = parse(service.endpoint).host
    if error.is_unresolved:
        advice = f" ({service.advice})" if service.name == "bing" else ""
        return f"the name {host} does not resolve: check the connection and the endpoint{advice}"
    refusals = {
        401: f"{host} does not accept the key (401): {service.advice}",
        403: f"{host} forbids this search (403): the key is not meant for it, or its quota is used "
        f"up; {service.advice}",
        410: f"{host} no longer offers this service (410): {service.advice}",
        429: f"{host} asks for more patience (429): wait {max(60, error.retry_after):.0f} seconds "
        "or more, then run the same command again",
    }
    if error.status in refusals:
        return refusals[error.status]
    if error.is_transient:
        return f"{host} does not answer the search ({error}): try again later"
    return f"{host} does not answer the search ({error}): check the endpoint"


def _not_results(service: Service) -> str:
    return (
        f"{parse(service.endpoint).host} answered with something other than search results as "
        f"{service.name} gives them: check the endpoint and the provider"
    )
