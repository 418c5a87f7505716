"""Functions that page through the results of any search service."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from typing import Any, NamedTuple
from urllib.parse import urlencode

from pyimagesearch.console import counted, printable
from pyimagesearch.search.download import Downloader
from pyimagesearch.search.errors import (
    BusyError,
    FetchError,
    LimitSpentError,
    RefusedError,
    SearchError,
)
from pyimagesearch.search.services import NOT_A_PAGE, Page, SearchResult, Service
from pyimagesearch.search.urls import parse

# A search deserves more patience than a single image: six tries in half a minute, and up to two
# minutes between them where the service asks for that.
TRIES, BACKOFF_SECONDS, LONGEST_WAIT_SECONDS = 6, 1.0, 120.0
# Some services limit the requests of a minute and of a day. If one of them asks for a longer wait
# than this, the limit of the day is spent.
MINUTE = 60.0
# At most this many pages in a row may have no result under the licences that are wanted.
MOST_EMPTY_PAGES = 10

# Limits of one page. A result takes a few kilobytes and, for its tags, some dozens of objects.
PAGE_BYTES = 2**22
MOST_DEPTH = 32
MOST_OBJECTS = 200_000
LONGEST_MESSAGE = 200
# In JSON: a text, even one that does not end, or anything but brackets.
NOT_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[^][{}"]++', re.DOTALL)


class Query(NamedTuple):
    """What to search for.

    Attributes
    ----------
    text : str
        Usually some words.
    max_results : int
        The most results to return.
    group_size : int
        How many results to request at once, if the service has pages of that size.
    licence : str or None
        Return only results under these licences, as the service spells them.
    """

    text: str
    max_results: int
    group_size: int
    licence: str | None = None


class Found(NamedTuple):
    """What a search found.

    Attributes
    ----------
    total : int
        How many results to expect at most.
    is_total_known : bool
        Whether the service says that it has so many.
    results : iterator of SearchResult
        Requests further pages as it goes.
    """

    total: int
    is_total_known: bool
    results: Iterator[SearchResult]


def pace(service: Service, query: Query) -> str | None:
    """Say how long a search takes at least, if the service limits its requests.

    Parameters
    ----------
    service : Service
        Where to search.
    query : Query
        What to search for.

    Returns
    -------
    str or None
        One line.
    """
    if not service.limits:
        return None
    most = min(query.max_results, service.most_results or query.max_results)
    requests = -(-most // _page_size(service, query))
    answers = f"{service.name} answers {service.limits}"
    if requests == 1:
        return f"{answers}: one is enough for {counted(most, 'result')}"
    seconds = (requests - 1) * service.pause_seconds
    took = counted(round(seconds), "second")
    return f"{answers}: {requests} of them for {counted(most, 'result')} take about {took}"


def search_in_turn(
    services: Sequence[Service],
    query: Query,
    downloader: Downloader,
    *,
    say: Callable[[str], None],
) -> Found:
    """Search with a service, and with the next ones for the results that are missing then.

    Parameters
    ----------
    services : sequence of Service
        Where to search. A service whose limit for the day is spent gives its place to the next.
    query : Query
        What to search for.
    downloader : Downloader
        Makes the requests.
    say : callable
        Is told which service comes next, and why.

    Returns
    -------
    Found
        The results, see :func:`search`.

    Raises
    ------
    SearchError, UserError
        See :func:`search`.
    """
    service, *others = services
    if not others:
        return search(service, query, downloader)
    try:
        found = search(service, query, downloader)
    except LimitSpentError as error:
        say(f"{error}; searching with {others[0].name} instead")
        return search_in_turn(others, query, downloader, say=say)

    def results() -> Iterator[SearchResult]:
        count = 0
        try:
            for result in found.results:
                count += 1
                yield result
        except LimitSpentError as error:
            say(str(error))
        missing = query.max_results - count
        if missing:
            gave = f"{service.name} gave {counted(count, 'result')}"
            say(f"{gave}: {others[0].name} may have {missing:,} more")
            rest = query._replace(max_results=missing)
            yield from search_in_turn(others, rest, downloader, say=say).results

    is_enough = found.is_total_known and found.total == query.max_results
    return Found(query.max_results, is_enough, results())


def search(service: Service, query: Query, downloader: Downloader) -> Found:
    """Search: request the first page now, and each further one when its results are needed.

    Parameters
    ----------
    service : Service
        Where to search.
    query : Query
        What to search for.
    downloader : Downloader
        Makes the requests.

    Returns
    -------
    Found
        The results.

    Raises
    ------
    SearchError
        If the service does not answer, refuses, or answers with something else. Taking the results
        raises it, too.
    UserError
        If the service cannot search for that text, or under that licence.
    """

    def ask(cursor: Any) -> Page:
        return _ask(service, query, cursor, downloader=downloader)

    def results(page: Page) -> Iterator[SearchResult]:
        yield from page.results
        empty_pages = 0
        while page.next_cursor is not None and empty_pages < MOST_EMPTY_PAGES:
            downloader.pause(service.pause_seconds)
            page = ask(page.next_cursor)
            empty_pages = 0 if page.results else empty_pages + 1
            yield from page.results

    first = ask(service.first_cursor)
    is_total_known = first.total is not None
    total = query.max_results if first.total is None else max(first.total, len(first.results))
    if service.most_results is not None:
        total = min(total, service.most_results)
    return Found(
        min(total, query.max_results), is_total_known, islice(results(first), query.max_results)
    )


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


def _page_size(service: Service, query: Query) -> int:
    return min(max(query.group_size, service.fewest_per_page), service.most_per_page)


def _ask(service: Service, query: Query, cursor: Any, *, downloader: Downloader) -> Page:
    """Request a page, again and again as long as the service asks for patience in its answer."""
    parameters = service.parameters(
        query.text, query.licence, cursor=cursor, count=_page_size(service, query)
    )
    host = parse(service.endpoint).host
    for tries_left in reversed(range(TRIES)):
        document = _document(service, parameters, downloader)
        try:
            return service.read_page(document, cursor, query.licence)
        except BusyError as error:
            wait = min(error.seconds, LONGEST_WAIT_SECONDS)
        except RefusedError as error:
            message = printable(str(error))[:LONGEST_MESSAGE]
            raise SearchError(f"{host} refuses this search ({message}): change it") from error
        except NOT_A_PAGE as error:
            raise SearchError(_not_results(service)) from error
        if tries_left:
            downloader.pause_for(f"{host} is busy", wait)
    raise SearchError(f"{host} is busy: try again later")


def _document(service: Service, parameters: Mapping[str, Any], downloader: Downloader) -> Any:
    endpoint = parse(service.endpoint)
    separator = "&" if "?" in endpoint.path else "?"
    try:
        body = downloader.fetch(
            endpoint.url + separator + urlencode(parameters, errors="surrogateescape"),
            tries=TRIES,
            backoff_seconds=BACKOFF_SECONDS,
            longest_wait_seconds=LONGEST_WAIT_SECONDS,
            max_bytes=PAGE_BYTES,
            private_headers=service.headers,
            is_own=True,
        )
        return parse_page(body)
    except FetchError as error:
        raise _explained(service, error) from error
    except ValueError as error:
        raise SearchError(_not_results(service)) from error


def _explained(service: Service, error: FetchError) -> SearchError:
    """Say what to do about a search that failed."""
    host = parse(service.endpoint).host
    if error.is_unresolved:
        advice = f" ({service.advice})" if service.is_retired else ""
        return SearchError(
            f"the name {host} does not resolve: check the connection and the endpoint{advice}"
        )
    wait = max(MINUTE, error.retry_after)
    if error.status == 429 and service.limits and error.retry_after > MINUTE:
        return LimitSpentError(
            f"the limit of {host} for a day is spent ({service.limits}): run the same command "
            f"again in {_duration(wait)}"
        )
    has_key = bool(service.headers)
    why = "the key is not meant for it, or its quota is used up; " if has_key else ""
    quota = "; if that does not help, the quota of the key is used up" if has_key else ""
    elsewhere = service.advice if service.is_retired else "search with another provider"
    refusals = {
        401: f"{host} does not accept the key (401): {service.advice}",
        403: f"{host} forbids this search (403): {why}{service.advice}",
        410: f"{host} no longer offers this service (410): {elsewhere}",
        422: f"{host} does not accept the key or the query (422): {service.advice}",
        429: f"{host} asks for more patience (429): wait {wait:.0f} seconds or more, then run the "
        f"same command again{quota}",
    }
    if error.status in refusals:
        return SearchError(refusals[error.status])
    if error.is_transient:
        return SearchError(f"{host} does not answer the search ({error}): try again later")
    return SearchError(f"{host} does not answer the search ({error}): check the endpoint")


def _duration(seconds: float) -> str:
    minutes = round(seconds / MINUTE)
    return counted(minutes, "minute") if minutes < 120 else counted(round(minutes / 60), "hour")


def _not_results(service: Service) -> str:
    return (
        f"{parse(service.endpoint).host} answered with something other than search results as "
        f"{service.name} gives them: check the endpoint and the provider"
    )
