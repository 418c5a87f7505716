import json
import time
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest
from counting import traced_memory
from hostile import hostile_pages, read_page, services
from misbehaving_server import MisbehavingServer
from stand_in_services import KEY

from pyimagesearch.search import paging
from pyimagesearch.search.bing import Bing
from pyimagesearch.search.brave import Brave
from pyimagesearch.search.download import Downloader, Limits
from pyimagesearch.search.errors import LimitSpentError, SearchError
from pyimagesearch.search.openverse import Openverse
from pyimagesearch.search.paging import (
    MOST_DEPTH,
    MOST_EMPTY_PAGES,
    MOST_OBJECTS,
    PAGE_BYTES,
    Query,
    pace,
    parse_page,
    search_in_turn,
)
from pyimagesearch.search.services import MOST_RESULTS
from pyimagesearch.search.wikimedia import Wikimedia

URL = "http://images.test/"


@pytest.fixture
def web():
    """A server with 95 results."""
    with MisbehavingServer(count=95) as server:
        yield server


def search(service, max_results=400, group_size=50, licence=None, limits=None):
    query = Query("blue jeans", max_results, group_size, licence)
    found = paging.search(service, query, Downloader(limits or Limits()))
    return found.total, list(found.results)


def search_both(web, max_results=400):
    """Search with Openverse, then with Wikimedia; return what was found and what was said."""
    said = []
    both = [Openverse(endpoint=f"{web.base}/openverse"), Wikimedia(f"{web.base}/wikimedia")]
    query = Query("blue jeans", max_results, 50)
    found = search_in_turn(both, query, Downloader(Limits()), say=said.append)
    return found, list(found.results), said


def requests_to(web, name):
    return [path for path, _ in web.requests if path.startswith(f"/{name}?")]


def document(**named):
    return 200, {}, json.dumps(named).encode()


def asked_parameters(server):
    return [
        {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        for path, _ in server.asked
    ]


def test_bing_pages_through_all_results(web):
    _, found = search(Bing(KEY, f"{web.base}/bing"), group_size=20)
    assert [result.url for result in found] == [item.url for item in web.items]
    assert found[0].page == f"{found[0].url}.html"
    assert len(web.requests) == 5


def test_openverse_pages_through_all_results_and_pauses(web, waits):
    total, found = search(Openverse(endpoint=f"{web.base}/openverse"))
    assert total == 95
    assert [result.url for result in found] == [item.url for item in web.items]
    assert len(web.requests) == 5
    assert waits == [3.0] * 4


def test_a_token_makes_for_larger_pages_and_shorter_pauses(web, waits):
    _, found = search(Openverse(KEY, f"{web.base}/openverse"))
    assert len(found) == 95
    assert len(web.requests) == 2
    assert waits == [0.6]


@pytest.mark.parametrize(("token", "requests"), [(None, 12), (KEY, 5)])
def test_openverse_gives_240_results_and_is_not_asked_for_more(waits, token, requests):
    with MisbehavingServer(count=250) as web:
        total, found = search(Openverse(token, f"{web.base}/openverse"))
        assert total == len(found) == 240
        assert len(web.requests) == requests


def test_no_request_is_wasted_on_a_small_group_where_requests_are_scarce(web, waits):
    search(Openverse(endpoint=f"{web.base}/openverse"), group_size=1)
    assert len(web.requests) == 5


def test_wikimedia_pages_through_all_results_in_their_order(web, waits):
    total, found = search(Wikimedia(f"{web.base}/wikimedia"), max_results=60)
    assert total == 60
    assert [result.url for result in found] == [item.url for item in web.items[:60]]
    assert found[0].licence == "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)"
    assert found[0].creator == "Ann & Bob"
    assert len(web.requests) == 2
    assert waits == [1.0]


def test_a_search_of_wikimedia_ends_with_its_last_page(web, waits):
    assert len(search(Wikimedia(f"{web.base}/wikimedia"))[1]) == 95


def test_wikimedia_filters_licences_and_gives_up_where_it_has_none(waits):
    with MisbehavingServer(count=1_000) as web:
        service = Wikimedia(f"{web.base}/wikimedia")
        assert len(search(service, licence="cc0,by")[1]) == 400
        web.forget()
        assert search(service, licence="by-nc")[1] == []
        assert len(web.requests) == 1 + MOST_EMPTY_PAGES


def test_brave_gives_all_results_at_once(web, waits):
    total, found = search(Brave(KEY, f"{web.base}/brave"), group_size=10)
    assert total == len(found) == 95
    assert [result.url for result in found] == [item.url for item in web.items]
    assert len(web.requests) == 1


# --- several services ---


def test_wikimedia_is_not_asked_if_openverse_has_enough(web, waits):
    found, results, said = search_both(web, max_results=40)
    assert (found.total, found.is_total_known) == (40, True)
    assert len(results) == 40
    assert requests_to(web, "wikimedia") == []
    assert said == []


def test_wikimedia_gives_what_openverse_does_not_have(waits):
    with MisbehavingServer(count=300) as web:
        found, results, said = search_both(web)
        items = [item.url for item in web.items]
    assert (found.total, found.is_total_known) == (400, False)
    assert [result.url for result in results] == items[:240] + items[:160]
    assert said == ["openverse gave 240 results: wikimedia may have 160 more"]


def test_wikimedia_takes_over_where_the_limit_of_openverse_is_spent(waits):
    with MisbehavingServer(count=300) as web:
        web.searched_before(200)
        _, results, said = search_both(web, max_results=70)
        assert len(results) == 70
        assert len(requests_to(web, "openverse")) == 1
    assert len(said) == 1
    assert "the limit of 127.0.0.1 for a day is spent" in said[0]
    assert said[0].endswith("searching with wikimedia instead")


def test_wikimedia_gives_the_rest_where_the_limit_of_openverse_ends_in_between(waits):
    with MisbehavingServer(count=300) as web:
        web.searched_before(198)
        _, results, said = search_both(web, max_results=70)
        items = [item.url for item in web.items]
    assert [result.url for result in results] == items[:40] + items[:30]
    assert "for a day is spent" in said[0]
    assert said[1] == "openverse gave 40 results: wikimedia may have 30 more"


def test_a_failure_that_is_no_limit_does_not_change_the_service(web, scripted):
    scripted.answers = [(401, {}, b"")]
    both = [Openverse("wrong", scripted.url), Wikimedia(f"{web.base}/wikimedia")]
    with pytest.raises(SearchError, match="OPENVERSE_TOKEN"):
        search_in_turn(both, Query("q", 10, 10), Downloader(Limits()), say=print)
    assert web.requests == []


# --- what is requested, and what is to be expected ---


def test_how_long_a_search_takes_is_said_where_requests_are_limited():
    assert pace(Openverse(), Query("q", 400, 50)) == (
        "openverse answers 20 requests a minute and 200 a day without a token in OPENVERSE_TOKEN: "
        "12 of them for 240 results take about 33 seconds"
    )
    assert pace(Openverse(), Query("q", 20, 50)).endswith(": one is enough for 20 results")
    assert pace(Openverse(), Query("q", 1, 50)).endswith(": one is enough for 1 result")
    assert ": 5 of them for 240 results" in pace(Openverse("token"), Query("q", 400, 50))
    for service in (Bing("key"), Brave("key"), Wikimedia()):
        assert pace(service, Query("q", 400, 50)) is None


@pytest.mark.parametrize("most", [1, 20, 21, 40, 94, 96])
def test_there_are_no_more_results_than_wanted(web, most):
    total, found = search(Bing(KEY, f"{web.base}/bing"), max_results=most, group_size=20)
    assert total == most
    assert len(found) == min(most, 95)
    assert len(web.requests) == -(-len(found) // 20)


def test_more_results_than_bing_estimates_are_not_more_than_were_to_be_expected(scripted):
    pages = [
        document(value=[{"contentUrl": "u"}] * 50, nextOffset=50 * n, totalEstimatedMatches=most)
        for n, most in ((1, 60), (2, 200), (3, 200))
    ]
    scripted.answers = pages
    found = paging.search(Bing("key", scripted.url), Query("q", 150, 50), Downloader(Limits()))
    assert (found.total, found.is_total_known) == (150, False)
    assert len(list(found.results)) == 150


def test_the_total_of_bing_is_known_if_the_first_page_is_the_last(web):
    bing = Bing(KEY, f"{web.base}/bing")
    found = paging.search(bing, Query("q", 400, 150), Downloader(Limits()))
    assert (found.total, found.is_total_known) == (95, True)


def test_a_page_is_requested_only_when_its_results_are_needed(web):
    bing = Bing(KEY, f"{web.base}/bing")
    found = paging.search(bing, Query("q", 95, 20), Downloader(Limits()))
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
def test_whoever_searches_bing_itself_is_told_of_its_end_and_of_openverse(scripted, status):
    scripted.answers = [(status, {}, b"")]
    bing = Bing("key")
    bing.endpoint = scripted.url
    with pytest.raises(SearchError, match=r"11 August 2025.* provider openverse"):
        search(bing)


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "OPENVERSE_TOKEN"), (410, "search with another provider")]
)
def test_openverse_that_refuses_the_token_or_is_gone_says_what_to_do(scripted, status, advice):
    scripted.answers = [(status, {}, b"")]
    with pytest.raises(SearchError, match=advice):
        search(Openverse("token", scripted.url))


def test_whoever_has_set_an_endpoint_is_not_told_to_set_one_but_that_the_key_is_wrong(scripted):
    scripted.answers = [(401, {}, b"")]
    with pytest.raises(
        SearchError, match=r"\(401\): BING_SEARCH_API_KEY or the key file"
    ) as caught:
        search(Bing("key", scripted.url))
    assert "set the endpoint" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "another-key"])
def test_brave_refuses_a_wrong_key_with_another_status(web, key):
    with pytest.raises(
        SearchError, match=r"does not accept the key or the query \(422\)"
    ) as caught:
        search(Brave(key, f"{web.base}/brave"))
    assert "BRAVE_SEARCH_API_KEY" in str(caught.value)
    assert "another-key" not in str(caught.value)


def test_the_advice_for_a_service_that_stays_busy_names_the_quota_of_the_key(scripted, waits):
    scripted.answers = [(429, {}, b"")]
    with pytest.raises(SearchError, match="the quota of the key is used up"):
        search(Brave("key", scripted.url))


def test_a_daily_limit_that_is_spent_is_named_and_not_waited_for(scripted, waits):
    scripted.answers = [(429, {"Retry-After": "18000"}, b"")]
    with pytest.raises(LimitSpentError) as caught:
        search(Openverse(endpoint=scripted.url))
    assert str(caught.value) == (
        "the limit of 127.0.0.1 for a day is spent (20 requests a minute and 200 a day without a "
        "token in OPENVERSE_TOKEN): run the same command again in 5 hours"
    )
    assert waits == []


@pytest.mark.parametrize(
    ("seconds", "duration"),
    [(61, "1 minute"), (3000, "50 minutes"), (7140, "119 minutes"), (43200, "12 hours")],
)
def test_a_daily_limit_says_when_to_go_on(scripted, waits, seconds, duration):
    scripted.answers = [(429, {"Retry-After": str(seconds)}, b"")]
    with pytest.raises(LimitSpentError, match=f"again in {duration}$"):
        search(Openverse(endpoint=scripted.url))


def test_the_limit_of_a_minute_is_waited_for(scripted, waits):
    answer = document(results=[{"url": "http://a/1"}], page_count=1, result_count=1)
    scripted.answers = [(429, {"Retry-After": "41"}, b""), answer]
    assert len(search(Openverse(endpoint=scripted.url))[1]) == 1
    assert waits == [41]


@pytest.mark.parametrize(("delay", "kind"), [("60", SearchError), ("61", LimitSpentError)])
def test_only_a_wait_of_more_than_a_minute_is_for_the_limit_of_a_day(scripted, waits, delay, kind):
    scripted.answers = [(429, {"Retry-After": delay}, b"")]
    with pytest.raises(SearchError) as caught:
        search(Openverse(endpoint=scripted.url))
    assert type(caught.value) is kind
    assert waits == [int(delay)] * 5


LAGGING = document(error={"code": "maxlag", "info": "Waiting for a database", "lag": 7.5})


def test_wikimedia_is_asked_again_when_its_databases_have_caught_up(scripted, waits):
    pages = [{"imageinfo": [{"url": "http://a/1"}]}]
    scripted.answers = [LAGGING, LAGGING, document(query={"pages": pages}, batchcomplete=True)]
    assert len(search(Wikimedia(scripted.url))[1]) == 1
    assert waits == [7.5, 7.5]


def test_databases_that_never_catch_up_end_the_search(scripted, waits):
    scripted.answers = [LAGGING]
    with pytest.raises(SearchError, match="is busy: try again later"):
        search(Wikimedia(scripted.url))
    assert len(scripted.asked) == 6
    assert len(waits) == 5


def test_nobody_waits_for_a_lag_of_days(scripted, waits):
    scripted.answers = [document(error={"code": "maxlag", "lag": 1e300})]
    with pytest.raises(SearchError):
        search(Wikimedia(scripted.url))
    assert max(waits) == 120


def test_what_wikimedia_says_about_a_search_that_it_refuses_is_one_line(scripted):
    info = "\x1b[31m<b>too\n long</b>" + "x" * 5_000
    scripted.answers = [document(error={"code": "badvalue", "info": info})]
    with pytest.raises(SearchError, match=r"refuses this search \(badvalue: ") as caught:
        search(Wikimedia(scripted.url))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_wikimedia_has_no_key_to_blame(scripted):
    scripted.answers = [(403, {}, b"")]
    with pytest.raises(SearchError, match=r"\(403\): .*WIKIMEDIA_CONTACT") as caught:
        search(Wikimedia(scripted.url))
    assert "key" not in str(caught.value)


def test_whoever_waits_for_a_service_is_told_why_and_for_how_long(scripted, waits):
    answer = document(query={"pages": []}, batchcomplete=True)
    scripted.answers = [(429, {"Retry-After": "40"}, b""), (503, {}, b""), LAGGING, answer]
    said = []
    downloader = Downloader(Limits(), say=said.append)
    paging.search(Wikimedia(scripted.url), Query("q", 10, 10), downloader)
    assert said == [
        "127.0.0.1: the server answered 429; trying again in 40 seconds",
        "127.0.0.1: the server answered 503; trying again in 2 seconds",
        "127.0.0.1 is busy; trying again in 8 seconds",
    ]


def test_a_service_that_asks_for_hours_is_not_waited_for(scripted, waits):
    scripted.answers = [(429, {"Retry-After": "3600"}, b"")]
    with pytest.raises(SearchError, match="wait 3600 seconds"):
        search(Bing("key", scripted.url))
    assert waits == []


@pytest.mark.usefixtures("network")
def test_a_service_whose_name_does_not_resolve_says_what_to_do():
    with pytest.raises(SearchError, match=r"api\.bing\.microsoft\.com does not resolve.*retired"):
        search(Bing("key"))
    with pytest.raises(SearchError, match=r"api\.openverse\.org does not resolve: check"):
        search(Openverse())


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"{}", b'{"value": {}}', b'{"value": 1, "results": 1}']
    + [b"[" * 100_000, b"\xff\xfe"],
    ids=lambda body: repr(body[:40]),
)
def test_an_answer_that_is_not_a_page_of_results_is_refused(scripted, body):
    scripted.answers = [(200, {}, body)]
    for service in services(scripted.url):
        with pytest.raises(SearchError, match="something other than search results"):
            search(service)


@pytest.mark.parametrize(
    ("service", "body"),
    [
        (Bing, b'{"value": [], "totalEstimatedMatches": "x"}'),
        (Bing, b'{"value": [], "totalEstimatedMatches": Infinity}'),
        (Openverse, b'{"results": [], "page_count": null}'),
    ],
)
def test_a_page_whose_count_is_no_number_is_refused(scripted, service, body):
    scripted.answers = [(200, {}, body)]
    with pytest.raises(SearchError, match="something other than search results"):
        search(service("key", scripted.url))


# --- services that answer with anything ---


@pytest.mark.slow
@pytest.mark.parametrize("service", services(URL), ids=lambda service: service.name)
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
    with traced_memory() as memory, suppress(ValueError):
        parse_page(body)
    assert memory.peak < 150 * 2**20


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
    start = time.process_time()
    with pytest.raises(ValueError):
        parse_page(text.encode())
    assert time.process_time() - start < 5


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
