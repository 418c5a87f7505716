import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from misbehaving_server import KEY, MisbehavingServer

from pyimagesearch.errors import UserError
from pyimagesearch.search import download, services
from pyimagesearch.search.download import Downloader, FetchError, Limits
from pyimagesearch.search.services import Bing, Openverse, SearchError


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    monkeypatch.delenv("BING_SEARCH_API_KEY", raising=False)
    monkeypatch.delenv("OPENVERSE_TOKEN", raising=False)


@pytest.fixture
def waits(monkeypatch):
    """What the search would have waited for, in seconds."""
    waited = []
    monkeypatch.setattr(Downloader, "pause", lambda downloader, seconds: waited.append(seconds))
    return waited


@pytest.fixture
def server():
    with MisbehavingServer(count=95) as server:
        yield server


@pytest.fixture
def scripted():
    """A server that gives prepared answers (status, headers, body) one after another."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((self.path, dict(self.headers)))
            answers = self.server.answers
            status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.answers = [], []
        server.url = f"http://127.0.0.1:{server.server_port}/search"
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def search(service, most=400, group_size=50, **named):
    found = services.search(service, "blue jeans", most, group_size, Downloader(Limits()), **named)
    return found.total, list(found.results)


def document(**named):
    return 200, {}, json.dumps(named).encode()


def asked_parameters(server):
    return [
        {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        for path, _ in server.asked
    ]


def test_bing_pages_through_all_results(server):
    total, found = search(Bing(KEY, f"{server.base}/bing"), group_size=20)
    assert total == 95
    assert [result.url for result in found] == [item.url for item in server.items]
    assert found[0].page == f"{found[0].url}.html"
    assert len(server.requests) == 5


def test_openverse_pages_through_all_results_and_takes_its_time(server, waits):
    total, found = search(Openverse(endpoint=f"{server.base}/openverse"))
    assert total == 95
    assert [result.url for result in found] == [item.url for item in server.items]
    assert found[0].licence == "by 4.0 (https://creativecommons.org/licenses/by/4.0/)"
    assert (found[0].creator, found[0].title) == ("Ann", "")
    assert len(server.requests) == 5
    assert waits == [1.0] * 4


def test_an_openverse_token_lifts_the_limits(server, waits):
    _, found = search(Openverse(KEY, f"{server.base}/openverse"))
    assert len(found) == 95
    assert len(server.requests) == 2
    assert waits == [0.0]


@pytest.mark.parametrize("most", [1, 20, 21, 40, 94, 96])
def test_no_more_results_than_asked_for(server, most):
    total, found = search(Bing(KEY, f"{server.base}/bing"), most=most, group_size=20)
    assert total == len(found) == min(most, 95)
    assert len(server.requests) == -(-len(found) // 20)


def test_a_page_is_asked_for_only_once_its_results_are_wanted(server):
    endpoint = f"{server.base}/bing"
    found = services.search(Bing(KEY, endpoint), "q", 95, 20, Downloader(Limits()))
    for _ in range(20):
        next(found.results)
    assert len(server.requests) == 1


def test_bing_goes_on_where_the_service_says(scripted):
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


def test_openverse_is_asked_for_licences_and_sent_no_header_without_a_token(scripted):
    scripted.answers = [document(results=[], page_count=0, result_count=0)]
    assert search(Openverse(endpoint=f"{scripted.url}?source=a"), licence="cc0,by") == (0, [])
    expected = {"source": "a", "q": "blue jeans", "page": "1", "page_size": "20"}
    assert asked_parameters(scripted)[0] == expected | {"license": "cc0,by"}
    assert "Authorization" not in scripted.asked[0][1]


@pytest.mark.parametrize(
    "value",
    [None, 7, {}, {"contentUrl": 7}, {"contentUrl": None, "creator": {"name": []}}],
    ids=str,
)
def test_a_result_without_a_url_has_an_empty_one(scripted, value):
    scripted.answers = [document(value=[value], totalEstimatedMatches=1)]
    assert search(Bing("key", scripted.url))[1][0].url == ""


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_service_is_asked_again_after_the_time_it_names(scripted, waits, status):
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
    with pytest.raises(SearchError, match=r"11 August 2025.*--provider openverse"):
        search(Bing("key", scripted.url))
    with pytest.raises(SearchError, match="OPENVERSE_TOKEN"):
        search(Openverse("token", scripted.url))


def test_a_service_that_asks_for_hours_is_not_waited_for(scripted, waits):
    scripted.answers = [(429, {"Retry-After": "3600"}, b"")]
    with pytest.raises(SearchError, match="wait 3600 seconds"):
        search(Bing("key", scripted.url))
    assert waits == []


def test_a_name_that_does_not_resolve_says_what_to_do(monkeypatch):
    def resolve(host, port):
        raise FetchError("the host's name does not resolve", is_unresolved=True)

    monkeypatch.setattr(download, "resolve", resolve)
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
def test_an_answer_that_is_no_page_of_results_is_one_line(scripted, body):
    scripted.answers = [(200, {}, body)]
    for service in (Bing("key", scripted.url), Openverse(endpoint=scripted.url)):
        if b'"value": []' in body and service.name == "openverse":
            continue
        with pytest.raises(SearchError, match="something other than search results"):
            search(service)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
KEYS = ["value", "totalEstimatedMatches", "nextOffset", "results", "page_count", "result_count"]


@given(st.dictionaries(st.sampled_from(KEYS), json_values))
def test_any_json_is_read_as_a_page_or_refused_in_a_known_way(answer):
    for service in (Bing("key"), Openverse()):
        try:
            page = service.read_page(answer, service.first_cursor)
        except services.NO_PAGE:
            continue
        assert all(isinstance(text, str) for result in page.results for text in result)


def test_a_redirect_does_not_take_the_key_to_another_host(scripted):
    with MisbehavingServer() as other:
        scripted.answers = [(302, {"Location": f"{other.base}/bing?offset=0&count=1"}, b"")]
        with pytest.raises(SearchError, match="not a public address"):
            search(Bing(KEY, scripted.url))
        assert other.requests == []
        found = services.search
        with pytest.raises(SearchError, match="does not accept the key"):
            found(Bing(KEY, scripted.url), "q", 1, 1, Downloader(Limits(allow_loopback=True)))
        assert "Ocp-Apim-Subscription-Key" not in other.requests[0][1]


def test_bing_is_the_default_where_there_is_a_key(monkeypatch, tmp_path):
    service, reason = services.choose_service(None, None, None)
    assert service.name == "openverse"
    assert "no key for bing" in reason
    monkeypatch.setenv("BING_SEARCH_API_KEY", "from-environment")
    service, reason = services.choose_service(None, None, None)
    assert service.headers == {"Ocp-Apim-Subscription-Key": "from-environment"}
    assert reason == "BING_SEARCH_API_KEY holds a key"
    (tmp_path / "key.txt").write_text("from-file\n")
    service, reason = services.choose_service(None, None, str(tmp_path / "key.txt"))
    assert service.headers == {"Ocp-Apim-Subscription-Key": "from-file"}
    assert reason.endswith("key.txt holds a key")


def test_a_provider_that_is_asked_for_is_taken(monkeypatch):
    monkeypatch.setenv("BING_SEARCH_API_KEY", "key")
    monkeypatch.setenv("OPENVERSE_TOKEN", "token")
    service, reason = services.choose_service("openverse", "http://here/", None)
    assert (service.name, service.endpoint) == ("openverse", "http://here/")
    assert service.headers == {"Authorization": "Bearer token"}
    assert reason == "as --provider asks"
    assert services.choose_service("bing", None, None)[0].name == "bing"


def test_bing_without_a_key_says_what_to_do():
    with pytest.raises(UserError, match=r"bing needs a key: .*--provider openverse"):
        services.choose_service("bing", None, None)


@pytest.mark.parametrize("content", ["", " \n", "two words", "lïne", "a\nb", "a\x00b"])
def test_what_is_no_key_is_refused_and_not_repeated(tmp_path, content):
    (tmp_path / "key.txt").write_text(content)
    with pytest.raises(UserError) as caught:
        services.choose_service(None, None, str(tmp_path / "key.txt"))
    assert "key.txt" in str(caught.value)
    assert not content.strip() or content.strip() not in str(caught.value)


def test_a_key_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.txt: No such file"):
        services.choose_service(None, None, str(tmp_path / "nowhere.txt"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="it is no text"):
        services.choose_service(None, None, str(tmp_path / "binary"))


def test_an_endpoint_that_is_no_url_is_refused():
    with pytest.raises(UserError, match="begins with https://"):
        services.choose_service("openverse", "api.openverse.org", None)
