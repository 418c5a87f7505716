"""One function that pages through the results of any search service."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from pyimagesearch.search.download import Downloader
from pyimagesearch.search.errors import FetchError, SearchError
from pyimagesearch.search.services import NOT_A_PAGE, Page, SearchResult, Service

# A search deserves more patience than a single image: six tries in about a minute, and up to two
# minutes before each where the service asks for them.
TRIES, BACKOFF_SECONDS, LONGEST_WAIT_SECONDS = 6, 1.0, 120.0


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
        raise SearchError(_advice(service, error)) from error
    except (ValueError, RecursionError) as error:
        raise SearchError(_not_results(service)) from error


def _advice(service: Service, error: FetchError) -> str:
    """Say what to do about a search that failed."""
    host = urlsplit(service.endpoint).hostname or service.endpoint
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
    return f"{host} does not answer the search: {error}; try again later"


def _not_results(service: Service) -> str:
    return (
        f"{urlsplit(service.endpoint).hostname} answered with something other than search results "
        f"as {service.name} gives them: check the endpoint and the provider"
    )
