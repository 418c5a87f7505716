import json
import socket
import time
import tracemalloc
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest
from hostile import hostile_pages, read_page
from misbehaving_server import KEY, MisbehavingServer

from pyimagesearch.search import paging
from pyimagesearch.search.download import Downloader, Limits
from pyimagesearch.search.errors import SearchError
from pyimagesearch.search.paging import MOST_DEPTH, MOST_OBJECTS, PAGE_BYTES, parse_page
from pyimagesearch.search.services import MOST_RESULTS, Bing, Openverse

URL = "http://images.test/"


@pytest.fixture
def waits(monkeypatch):
    """What the search would have waited for, in seconds."""
    waited = []
    monkeypatch.setattr(Downloader, "pause", lambda downloader, seconds: waited.append(seconds))
    return waited


@pytest.fixture
def web():
    """A server with 95 results."""
    with MisbehavingServer(count=95) as server:
        yield server


def search(service, max_results=400, group_size=50, licence=None, limits=None):
    found = paging.search(
        service,
        "blue jeans",
        Downloader(limits or Limits()),
        max_results=max_results,
        group_size=group_size,
        licence=licence,
    )
    return found.total, list(found.results)


def document(**named):
    return 200, {}, json.dumps(named).encode()


def asked_parameters(server):
    return [
        {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        for path, _ in server.asked
    ]


def test_bing_pages_through_all_results(web):
    total, found = search(Bing(KEY, f"{web.base}/bing"), group_size=20)
    assert total == 95
    assert [result.url for result in found] == [item.url for item in web.items]
    assert found[0].page == f"{found[0].url}.html"
    assert len(web.requests) == 5


def test_openverse_pages_through_all_results_and_pauses(web, waits):
    total, found = search(Openverse(endpoint=f"{web.base}/openverse"))
    assert total == 95
    assert [result.url for result in found] == [item.url for item in web.items]
    assert len(web.requests) == 5
    assert waits == [1.0] * 4


def test_a_token_makes_for_larger_pages_without_pauses(web, waits):
    _, found = search(Openverse(KEY, f"{web.base}/openverse"))
    assert len(found) == 95
    assert len(web.requests) == 2
    assert waits == [0.0]


@pytest.mark.parametrize("most", [1, 20, 21, 40, 94, 96])
def test_there_are_no_more_results_than_wanted(web, most):
    total, found = search(Bing(KEY, f"{web.base}/bing"), max_results=most, group_size=20)
    assert total == len(found) == min(most, 95)
    assert len(web.requests) == -(-len(found) // 20)


def test_a_page_is_requested_only_when_its_results_are_needed(web):
    found = paging.search(
        Bing(KEY, f"{web.base}/bing"), "q", Downloader(Limits()), max_results=95, group_size=20
    )
    for _ in range(20):
        next(found.results)
    assert len(web.requests) == 1


def test_the_request_holds_the_parameters_and_the_key(scripted):
    first = document(value=[{"contentUrl": "http://a/1"}], nextOffset=37, totalEstimatedMatches=90)
    last = document(value=[{"contentUrl": "http://a/2"}], nextOffset=37, totalEstimatedMatches=90)
    scripted.answers = [first, last]
    _, found = search(Bing("key", scripted.url), licence="Public")
    assert [result.url for result in found] == ["http://a/1", "http://a/2"]
    assert [asked["offset"] for asked in asked_parameters(scripted)] == ["0", "37"]
    assert asked_parameters(scripted)[0] == {
        "q": "blue jeans", "offset": "0", "count": "50", "license": "Public"
    }  # fmt: skip
    assert scripted.asked[0][1]["Ocp-Apim-Subscription-Key"] == "key"


def test_an_endless_promise_of_further_pages_ends_with_the_first_empty_one(scripted):
    full = document(value=[{"contentUrl": "http://a/1"}], nextOffset=9, totalEstimatedMatches=10**9)
    scripted.answers = [full, document(value=[], nextOffset=10, totalEstimatedMatches=10**9)]
    assert len(search(Bing("key", scripted.url))[1]) == 1
    assert len(scripted.asked) == 2


def test_an_endpoint_may_have_parameters_of_its_own(scripted):
    scripted.answers = [document(results=[], page_count=0, result_count=0)]
    assert search(Openverse(endpoint=f"{scripted.url}?source=a"), licence="cc0,by") == (0, [])
    expected = {"source": "a", "q": "blue jeans", "page": "1", "page_size": "20"}
    assert asked_parameters(scripted)[0] == expected | {"license": "cc0,by"}
    assert "Authorization" not in scripted.asked[0][1]


def test_an_endpoint_may_have_a_fragment_which_is_not_sent(scripted):
    scripted.answers = [document(results=[], page_count=0, result_count=0)]
    search(Openverse(endpoint=f"{scripted.url}#top"))
    assert scripted.asked[0][0] == "/search?q=blue+jeans&page=1&page_size=20"


# --- services that fail ---


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_service_is_asked_again_after_the_time_that_it_names(scripted, waits, status):
    answer = document(value=[{"contentUrl": "http://a/1"}], totalEstimatedMatches=1)
    scripted.answers = [(status, {"Retry-After": "7"}, b""), (status, {}, b""), answer]
    assert len(search(Bing("key", scripted.url))[1]) == 1
    assert waits == [7, 2]


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "does not accept the key (401)"),
        (403, "its quota is used up"),
        (410, "no longer offers this service (410)"),
        (404, "the server answered 404"),
    ],
)
def test_a_refusal_says_what_to_do_and_not_the_key(scripted, status, advice):
    scripted.answers = [(status, {}, b"s3cret is wrong")]
    with pytest.raises(SearchError) as caught:
        search(Bing("s3cret", scripted.url))
    assert advice in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.exit_code == 1
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("status", [401, 410])
def test_the_advice_names_the_end_of_bing_or_the_token_of_openverse(scripted, status):
    scripted.answers = [(status, {}, b"")]
    with pytest.raises(SearchError, match=r"11 August 2025.* provider openverse"):
        search(Bing("key", scripted.url))
    with pytest.raises(SearchError, match="OPENVERSE_TOKEN"):
        search(Openverse("token", scripted.url))


def test_a_service_that_asks_for_hours_is_not_waited_for(scripted, waits):
    scripted.answers = [(429, {"Retry-After": "3600"}, b"")]
    with pytest.raises(SearchError, match="wait 3600 seconds"):
        search(Bing("key", scripted.url))
    assert waits == []


def test_a_service_whose_name_does_not_resolve_says_what_to_do(monkeypatch):
    def getaddrinfo(*arguments, **named):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(SearchError, match=r"api\.bing\.microsoft\.com does not resolve.*retired"):
        search(Bing("key"))
    with pytest.raises(SearchError, match=r"api\.openverse\.org does not resolve: check"):
        search(Openverse())


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"{}", b'{"value": {}}', b'{"value": 1, "results": 1}']
    + [b'{"value": [], "totalEstimatedMatches": "x"}', b'{"results": [], "page_count": null}']
    + [b"[" * 100_000, b"\xff\xfe", b'{"value": [], "totalEstimatedMatches": Infinity}'],
    ids=lambda body: repr(body[:40]),
)
def test_an_answer_that_is_not_a_page_of_results_is_refused(scripted, body):
    scripted.answers = [(200, {}, body)]
    for service in (Bing("key", scripted.url), Openverse(endpoint=scripted.url)):
        if b'"value": []' in body and service.name == "openverse":
            continue
        with pytest.raises(SearchError, match="something other than search results"):
            search(service)


# --- services that answer with anything ---


@pytest.mark.parametrize(
    "service", [Bing("key", URL), Openverse("token", URL)], ids=lambda s: s.name
)
def test_whatever_a_service_answers_is_results_or_one_line(service):
    outcomes = set()
    for page in hostile_pages(seed=1, count=500):
        try:
            outcomes.add(type(read_page(page, service)))
        except SearchError as error:
            outcomes.add(SearchError)
            assert str(error).isprintable()
    assert outcomes == {list, SearchError}


SMALLEST_RESULTS = {"[]": 3, "{}": 3, "0": 2, '""': 3, '{"":[]}': 8, "[[[[]]]]": 9}


@pytest.mark.slow
@pytest.mark.parametrize("text", SMALLEST_RESULTS)
def test_a_page_of_very_many_values_costs_little(text):
    count = PAGE_BYTES // SMALLEST_RESULTS[text] - 10
    body = b'{"value": [' + ",".join([text] * count).encode() + b"]}"
    tracemalloc.start()
    with suppress(ValueError):
        parse_page(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150 * 2**20


def test_a_page_of_more_bytes_than_allowed_is_refused(scripted):
    head, tail = b'{"value": [{"contentUrl": "http://a/1"}]', b"}"
    body = head + b" " * (PAGE_BYTES - len(head) - len(tail)) + tail
    scripted.answers = [(200, {}, body)]
    assert len(search(Bing("key", scripted.url))[1]) == 1
    scripted.answers = [(200, {}, body + b" ")]
    with pytest.raises(SearchError, match=r"more than 4,194,304 bytes\): check the endpoint"):
        search(Bing("key", scripted.url))


@pytest.mark.parametrize("depth", [MOST_DEPTH + 1, 900, 50_000])
@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_a_page_that_is_nested_too_deep_is_refused(start, end, depth):
    with pytest.raises(ValueError, match="nested"):
        parse_page((start * depth + "1" + end * depth).encode())


def test_a_page_of_too_many_lists_and_objects_is_refused():
    with pytest.raises(ValueError, match="lists and objects"):
        parse_page(b"[" + b"{}," * MOST_OBJECTS + b"{}]")


@pytest.mark.parametrize("text", ["[[[[[", r"\"[[[[[", "\\\\", "]]]", '{"a"'])
def test_brackets_within_texts_do_not_count(text):
    page = [text] * 1000
    assert parse_page(json.dumps(page).encode()) == page


@pytest.mark.parametrize("text", ['"' * 100_000, '\\"' * 100_000, '"\\' * 100_000, '"[' * 100_000])
def test_texts_that_do_not_end_are_refused_soon(text):
    start = time.monotonic()
    with pytest.raises(ValueError):
        parse_page(text.encode())
    assert time.monotonic() - start < 5


def test_no_page_has_more_results_than_services_give(scripted):
    scripted.answers = [document(value=[{"contentUrl": "http://a/1"}] * 9_000, nextOffset=0)]
    assert len(search(Bing("key", scripted.url), max_results=10_000)[1]) == MOST_RESULTS


@pytest.mark.parametrize("delay", ["9" * 20, "9" * 400])
def test_an_absurd_delay_is_one_line(scripted, waits, delay):
    scripted.answers = [(429, {"Retry-After": delay}, b"")]
    with pytest.raises(SearchError, match=r"wait \d{2,5} seconds or more"):
        search(Bing("key", scripted.url))


def test_a_redirect_does_not_take_the_key_to_another_host(scripted, server):
    scripted.answers = [(302, {"Location": f"{server.base}/bing?offset=0&count=1"}, b"")]
    with pytest.raises(SearchError, match="not a public address"):
        search(Bing(KEY, scripted.url))
    assert server.requests == []
    with pytest.raises(SearchError, match="does not accept the key"):
        search(Bing(KEY, scripted.url), limits=Limits(allow_loopback=True))
    assert "Ocp-Apim-Subscription-Key" not in server.requests[0][1]
