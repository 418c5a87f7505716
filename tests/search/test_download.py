import gzip
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from hostile import hostile_answers, read_answer
from misbehaving_results import plan

from pyimagesearch.search import download
from pyimagesearch.search.courtesy import Courtesy
from pyimagesearch.search.download import Downloader, Limits
from pyimagesearch.search.errors import FetchError

PUBLIC, OTHER_PUBLIC, PRIVATE = "93.184.215.14", "151.101.1.6", "10.1.2.3"
LIMITS = Limits(seconds=20, connect_seconds=5, max_bytes=2**20, allow_loopback=True)


def offer(server, kind):
    """Have the server answer with results of some kind, and return one of them."""
    item = plan(server.base, 15, ["good", "good", kind])[-1]
    server.offer([item])
    return item


def failure(url, limits=LIMITS, **named):
    with pytest.raises(FetchError) as caught:
        Downloader(limits).fetch(url, **named)
    return caught.value


def start_fetching(downloader, url):
    """Fetch in a thread; return it, and a list for the file, or for why there is none."""
    ended = []

    def fetch():
        try:
            ended.append(downloader.fetch(url))
        except FetchError as error:
            ended.append((str(error), error.is_transient))

    thread = threading.Thread(target=fetch, daemon=True)
    thread.start()
    return thread, ended


# --- where a request may go ---


@pytest.mark.parametrize("addresses", [[PRIVATE], [PUBLIC, PRIVATE], ["127.0.0.1"]])
def test_a_host_with_an_address_that_is_not_public_is_never_connected_to(network, addresses):
    network.answers["images.test"] = [addresses]
    assert "not a public address" in str(failure("http://images.test/a.jpg", Limits()))
    assert network.connected == []


def test_a_name_is_resolved_once_and_the_connection_goes_to_the_checked_address(network):
    network.answers["images.test"] = [[PUBLIC], ["127.0.0.1"]]
    assert "connection failed" in str(failure("http://images.test/a.jpg", Limits(), tries=1))
    assert network.looked_up == ["images.test"]
    assert network.connected == [PUBLIC]


def test_an_answer_that_changes_between_two_tries_is_checked_again(network):
    network.answers["images.test"] = [[PUBLIC], [PRIVATE]]
    error = failure("http://images.test/a.jpg", Limits(), backoff_seconds=0)
    assert "10.1.2.3 is not a public address" in str(error)
    assert network.connected == [PUBLIC]


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/a", "file:///etc/passwd", "=1+1"])
def test_what_is_not_an_http_url_is_not_looked_up(network, url):
    assert "URL" in str(failure(url))
    assert network.looked_up == []


@pytest.mark.parametrize(
    ("host", "is_told"), [("upload.wikimedia.org", True), ("images.test", False)]
)
def test_wikimedia_alone_learns_who_runs_the_program(network, server, host, is_told):
    network.port = server.server_port
    network.answers[host] = [[PUBLIC]]
    item = offer(server, "good")
    url = item.url.replace(server.base, f"http://{host}")
    assert Downloader(LIMITS, "ann@example.org").fetch(url) == item.body
    assert ("ann@example.org" in server.requests[0][1]["User-Agent"]) == is_told


def test_the_server_is_asked_for_the_name_and_not_for_the_address(network, server):
    network.port = server.server_port
    network.answers["images.test"] = [[PUBLIC]]
    item = offer(server, "good")
    path = item.url.removeprefix(server.base)
    assert Downloader(Limits()).fetch(f"http://user:word@IMAGES.test:81{path}#top") == item.body
    asked, headers = server.requests[0]
    assert asked == path
    assert headers["Host"] == "images.test:81"
    assert "Authorization" not in headers


@pytest.mark.parametrize("kind", ["to-private", "to-metadata", "to-mapped", "to-other-loopback"])
def test_a_redirect_to_an_address_that_is_not_public_is_not_followed(network, server, kind):
    network.port = server.server_port
    network.answers |= {address: [[address]] for address in (PRIVATE, "127.0.0.1", "127.0.0.2")}
    network.answers |= {address: [[address]] for address in ("10.0.0.1", "169.254.169.254")}
    network.answers["::ffff:10.0.0.1"] = [["::ffff:10.0.0.1"]]
    assert "not a public address" in str(failure(offer(server, kind).url))
    assert network.connected == ["127.0.0.1"]


def test_a_redirect_to_a_file_is_not_followed(server):
    assert "neither an http nor an https URL" in str(failure(offer(server, "to-a-file").url))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_kind_of_redirect_is_followed(scripted, status):
    scripted.answers = [(status, {"Location": "/b.jpg"}, b"moved"), (200, {}, b"image")]
    assert Downloader(LIMITS).fetch(scripted.url) == b"image"
    assert [path for path, _ in scripted.asked] == ["/search", "/b.jpg"]


@pytest.mark.parametrize("status", [300, 304, 305])
def test_an_answer_that_leads_nowhere_by_itself_is_not_followed(scripted, status):
    scripted.answers = [(status, {"Location": "/b.jpg"}, b""), (200, {}, b"image")]
    assert failure(scripted.url).status == status
    assert len(scripted.asked) == 1


def test_five_redirects_in_a_row_are_followed_each_from_where_the_last_led_and_a_sixth_is_not(
    scripted,
):
    onward = [(302, {"Location": f"{number}/"}, b"") for number in range(6)]
    scripted.answers = [*onward[:5], (200, {}, b"image")]
    assert Downloader(LIMITS).fetch(scripted.url) == b"image"
    assert scripted.asked[-1][0] == "/0/1/2/3/4/"
    scripted.answers = [*onward, (200, {}, b"image")]
    assert str(failure(scripted.url)) == "more than 5 redirects"


@pytest.mark.parametrize("location", ["/gr\xc3\xbcn.jpg", "/gr\xfcn.jpg"])
def test_a_redirect_to_a_name_in_utf_8_or_latin_1_is_followed_as_browsers_follow_it(
    scripted, location
):
    scripted.answers = [(302, {"Location": location}, b""), (200, {}, b"image")]
    assert Downloader(LIMITS).fetch(scripted.url) == b"image"
    assert scripted.asked[1][0] == "/gr%C3%BCn.jpg"


def test_a_redirect_takes_its_turn_at_the_host_that_it_leads_to(scripted, monkeypatch):
    hosts = []

    @contextmanager
    def turn(self, host):
        hosts.append(host)
        yield
        hosts.append("left")

    monkeypatch.setattr(Courtesy, "turn", turn)
    scripted.answers = [(302, {"Location": "/b.jpg"}, b""), (200, {}, b"image")]
    Downloader(LIMITS).fetch(scripted.url)
    assert hosts == ["127.0.0.1", "left", "127.0.0.1", "left"]


def test_waiting_for_a_turn_takes_no_time_from_the_file(scripted, monkeypatch):
    clock = [0.0]

    @contextmanager
    def turn(self, host):
        clock[0] += 1000
        yield

    monkeypatch.setattr(Courtesy, "turn", turn)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    scripted.answers = [(302, {"Location": "/b.jpg"}, b""), (200, {}, b"image")]
    assert Downloader(LIMITS).fetch(scripted.url) == b"image"


def test_the_body_of_a_redirect_is_not_waited_for(server):
    item = offer(server, "good-but-moved")
    assert Downloader(LIMITS).fetch(item.url) == item.body


@pytest.mark.parametrize(
    ("target", "is_sent"),
    [
        ("http://search.test/end.jpg", True),
        ("http://other.test/end.jpg", False),
        ("http://search.test:81/end.jpg", False),
    ],
    ids=["same host", "another host", "another port"],
)
def test_private_headers_stay_with_their_host(network, scripted, target, is_sent):
    network.port = scripted.server_port
    network.answers |= {"search.test": [[PUBLIC]], "other.test": [[PUBLIC]]}
    scripted.answers = [(302, {"Location": target}, b""), (200, {}, b"image")]
    private = {"X-Key": "secret"}
    Downloader(Limits()).fetch("http://search.test/start.jpg", private_headers=private)
    first, second = (headers for _, headers in scripted.asked)
    assert first["X-Key"] == "secret"
    assert ("X-Key" in second) == is_sent


def test_an_own_url_may_have_any_address_but_not_what_it_redirects_to(network, server):
    network.port = server.server_port
    network.answers |= {"search.test": [[PRIVATE]], "10.0.0.1": [["10.0.0.1"]]}
    item = offer(server, "to-private")
    url = item.url.replace("127.0.0.1", "search.test")
    assert "10.0.0.1 is not a public address" in str(failure(url, Limits(), is_own=True))
    assert network.connected == [PRIVATE]


def test_neither_proxies_nor_passwords_are_taken_from_the_environment(
    server, monkeypatch, tmp_path
):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    item = offer(server, "good")
    assert Downloader(LIMITS).fetch(item.url) == item.body
    assert "Authorization" not in server.requests[0][1]


def test_a_line_break_in_a_url_does_not_become_a_header(server):
    item = offer(server, "good")
    failure(f"{item.url}%0d%0a?a\r\nX-Evil: 1\r\n\r\n")
    ((_, headers),) = server.requests
    assert "X-Evil" not in headers


@pytest.mark.parametrize("port", [22, 25, 6379])
def test_a_port_that_browsers_block_is_not_connected_to(network, port):
    network.answers["images.test"] = [[PUBLIC]]
    error = failure(f"http://images.test:{port}/a.jpg", Limits())
    assert str(error) == f"port {port} is for another protocol than HTTP"
    assert network.looked_up == network.connected == []


def test_a_redirect_to_a_port_that_browsers_block_is_not_followed():
    with pytest.raises(FetchError, match="port 25 is for another protocol"):
        read_answer(b"HTTP/1.1 302 Found\r\nLocation: http://images.test:25/\r\n\r\n")


def test_an_own_url_may_have_any_port(network):
    network.answers["search.test"] = [[PRIVATE]]
    assert "connection failed" in str(
        failure("http://search.test:25/", is_own=True, backoff_seconds=0)
    )
    assert network.connected == [PRIVATE] * 3


# --- what it may answer ---


@pytest.mark.slow
def test_whatever_a_server_answers_is_a_file_or_a_failed_download():
    outcomes = set()
    for answer in hostile_answers(seed=1, count=1000):
        try:
            outcomes.add(type(read_answer(answer)))
        except FetchError as error:
            outcomes.add(FetchError)
            assert str(error).isprintable()
            assert 0 <= error.retry_after <= download.LONGEST_RETRY_AFTER
    assert outcomes == {bytes, FetchError}


@pytest.mark.parametrize(
    "location",
    [b"http://[", b"//[x", b"http://[fe80::1%25eth0]/", b"\xff\xfe", b"http://\xff/", b""],
)
def test_a_redirect_that_leads_nowhere_is_a_failed_download(location):
    with pytest.raises(FetchError):
        read_answer(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\n\r\n")


def test_a_negative_chunk_length_is_a_failed_download():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert read_answer(head + b"5\r\nhello\r\n0\r\n\r\n") == b"hello"
    with pytest.raises(FetchError, match="cannot be read"):
        read_answer(head + b"-5\r\nhello\r\n0\r\n\r\n")


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, br", b"compress", b"x", b"\xff"])
def test_an_encoding_that_was_not_asked_for_is_a_failed_download(encoding):
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding + b"\r\n\r\n"
    with pytest.raises(FetchError, match="encoded in a way that was not asked for"):
        read_answer(head + b"hello")


@pytest.mark.parametrize("encoding", [b"identity", b"", b"IDENTITY"])
def test_a_body_that_is_not_encoded_may_say_so(encoding):
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding + b"\r\n\r\n"
    assert read_answer(head + b"hello") == b"hello"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
def test_a_body_may_be_compressed_by_each_name_that_http_has_for_it(encoding):
    body = zlib.compress(b"hello") if encoding == "deflate" else gzip.compress(b"hello")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n"
    assert read_answer(head.encode() + body) == b"hello"


# --- how much it may bring ---


@pytest.mark.parametrize(
    ("kind", "seconds", "words"),
    [
        ("trickle", 0.5, "0.5 seconds"),
        ("trickling-header", 0.5, "0.5 seconds"),
        ("silence", 1, "1 second"),
    ],
)
def test_a_file_that_takes_too_long_is_given_up_and_not_requested_again(
    server, kind, seconds, words
):
    error = failure(offer(server, kind).url, LIMITS._replace(seconds=seconds))
    assert str(error) == f"took longer than {words}"
    assert error.is_transient
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["endless", "explosion"])
def test_a_body_is_cut_at_the_limit(server, kind):
    assert str(failure(offer(server, kind).url)) == "more than 1,048,576 bytes"


def test_a_body_as_long_as_the_limit_is_whole(server):
    item = offer(server, "good")
    exactly = LIMITS._replace(max_bytes=len(item.body))
    assert Downloader(exactly).fetch(item.url) == item.body
    less = exactly._replace(max_bytes=len(item.body) - 1)
    assert str(failure(item.url, less)) == f"more than {less.max_bytes:,} bytes"


def test_a_download_may_have_a_limit_of_its_own(server):
    item = offer(server, "good")
    small = LIMITS._replace(max_bytes=10)
    assert Downloader(small).fetch(item.url, max_bytes=len(item.body)) == item.body
    assert str(failure(item.url, max_bytes=10)) == "more than 10 bytes"


@pytest.mark.parametrize("kind", ["good-in-chunks", "good-gzipped"])
def test_a_body_is_put_together_and_decompressed(server, kind):
    item = offer(server, kind)
    assert Downloader(LIMITS).fetch(item.url) == item.body


# --- trying again ---


@pytest.mark.parametrize("kind", ["truncated", "hangs-up"])
def test_a_connection_that_breaks_is_tried_again(server, kind):
    error = failure(offer(server, kind).url, backoff_seconds=0)
    assert "connection failed" in str(error)
    assert error.is_transient
    assert len(server.requests) == 3


def test_the_server_gets_the_time_that_it_asks_for(server, waits):
    item = offer(server, "good-but-busy")
    assert Downloader(LIMITS).fetch(item.url) == item.body
    assert waits == [1]


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("Tue, 14 Nov 2023 22:13:50 GMT", 30), ("soon", 0), ("999999999", 86_400)],
)
def test_retry_after_may_be_a_date_or_seconds_up_to_a_day_and_anything_else_is_ignored(
    scripted, monkeypatch, retry_after, seconds
):
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    scripted.answers = [(429, {"Retry-After": retry_after}, b"")]
    error = failure(scripted.url, tries=1)
    assert (error.status, error.retry_after) == (429, seconds)


def test_a_server_that_asks_for_too_much_time_is_left_alone(server):
    assert failure(offer(server, "good-but-busy").url, longest_wait_seconds=0.5).status == 429
    assert len(server.requests) == 1


def test_waits_double(server, waits):
    failure(offer(server, "hangs-up").url, tries=4, backoff_seconds=0.5)
    assert waits == [0.5, 1, 2]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 504, 599])
def test_a_host_that_cannot_answer_now_is_asked_again(scripted, waits, status):
    scripted.answers = [(status, {}, b""), (200, {}, b"image")]
    assert Downloader(LIMITS).fetch(scripted.url) == b"image"


@pytest.mark.parametrize(("kind", "status"), [("not-found", 404), ("forbidden", 403)])
def test_a_refusal_is_final(server, kind, status):
    error = failure(offer(server, kind).url)
    assert error.status == status
    assert not error.is_transient
    assert len(server.requests) == 1


# --- hosts that ask for patience ---


def test_a_host_that_asks_for_too_much_patience_is_not_asked_for_other_files(scripted, waits):
    scripted.answers = [(429, {"Retry-After": "3600"}, b"")]
    downloader = Downloader(LIMITS)
    with pytest.raises(FetchError, match="answered 429"):
        downloader.fetch(f"{scripted.url}/1.jpg")
    with pytest.raises(FetchError, match="asked for patience") as caught:
        downloader.fetch(f"{scripted.url}/2.jpg")
    assert caught.value.is_transient
    assert len(scripted.asked) == 1
    assert waits == []


@pytest.mark.parametrize("status", [429, 503])
def test_other_files_of_a_host_wait_as_long_as_it_asks_for(scripted, waits, status):
    scripted.answers = [(status, {"Retry-After": "7"}, b""), (200, {}, b"image")]
    downloader = Downloader(LIMITS)
    with pytest.raises(FetchError):
        downloader.fetch(f"{scripted.url}/1.jpg", tries=1)
    assert downloader.fetch(f"{scripted.url}/2.jpg") == b"image"
    assert waits == [7]


def test_a_host_that_asks_for_more_time_again_and_again_is_given_up(scripted, waits, monkeypatch):
    scripted.answers = [(429, {"Retry-After": "7"}, b"")]
    downloader = Downloader(LIMITS)

    def ask_as_another(downloader):
        with pytest.raises(FetchError, match="answered 429"):
            downloader.fetch(f"{scripted.url}/1.jpg", tries=1)

    def pause(downloader, seconds, pause=Downloader.pause):
        pause(downloader, seconds)
        assert len(waits) < 9  # a wait without end fails
        ask_as_another(downloader)

    ask_as_another(downloader)
    monkeypatch.setattr(Downloader, "pause", pause)
    with pytest.raises(FetchError, match="asked for patience"):
        downloader.fetch(f"{scripted.url}/2.jpg", longest_wait_seconds=20)
    assert waits == [7, 7]


def test_a_host_that_does_not_say_how_long_is_left_alone_longer_each_time(scripted, waits):
    scripted.answers = [(503, {}, b"")]
    downloader = Downloader(LIMITS)
    for number in range(9):
        with pytest.raises(FetchError):
            downloader.fetch(f"{scripted.url}/{number}.jpg", tries=1)
    assert waits == [0.25, 0.5, 1, 2, 4, 8, 16]
    assert len(scripted.asked) == 8


def test_a_host_that_answers_well_again_is_no_longer_left_alone(scripted, waits):
    scripted.answers = [(503, {}, b""), (503, {}, b""), (200, {}, b"image"), (503, {}, b"")]
    downloader = Downloader(LIMITS)
    for number in range(4):
        with suppress(FetchError):
            downloader.fetch(f"{scripted.url}/{number}.jpg", tries=1)
    with pytest.raises(FetchError):
        downloader.fetch(scripted.url, tries=1)
    assert waits == [0.25, 0.5, 0.25]


def test_a_host_that_is_to_be_left_alone_is_not_asked_after_a_redirect_either(
    network, scripted, waits
):
    network.port = scripted.server_port
    network.answers = {"busy.test": [[PUBLIC]], "other.test": [[OTHER_PUBLIC]]}
    scripted.answers = [
        (429, {"Retry-After": "3600"}, b""),
        (302, {"Location": "http://busy.test/2.jpg"}, b""),
    ]
    downloader = Downloader(LIMITS)
    with pytest.raises(FetchError, match="answered 429"):
        downloader.fetch("http://busy.test/1.jpg")
    with pytest.raises(FetchError, match="asked for patience"):
        downloader.fetch("http://other.test/2.jpg")
    assert [path for path, _ in scripted.asked] == ["/1.jpg", "/2.jpg"]


def test_an_own_url_is_requested_although_its_host_is_busy_elsewhere(scripted, waits):
    scripted.answers = [(429, {"Retry-After": "3600"}, b""), (200, {}, b"page")]
    downloader = Downloader(LIMITS)
    with pytest.raises(FetchError, match="answered 429"):
        downloader.fetch(scripted.url)
    assert downloader.fetch(scripted.url, is_own=True) == b"page"
    assert waits == []


def test_workers_that_ask_a_busy_host_at_once_ask_it_once_each(scripted):
    scripted.answers = [(429, {"Retry-After": "3600"}, b"")]
    downloader = Downloader(LIMITS)

    def fetch(number):
        with pytest.raises(FetchError):
            downloader.fetch(f"{scripted.url}/{number}.jpg")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fetch, range(40)))
    assert len(scripted.asked) <= 4


def test_stopping_ends_the_wait_for_a_busy_host(scripted, monkeypatch):
    waiting = threading.Event()

    def pause(downloader, seconds, pause=Downloader.pause):
        waiting.set()
        pause(downloader, seconds)

    monkeypatch.setattr(Downloader, "pause", pause)
    scripted.answers = [(503, {"Retry-After": "3600"}, b"")]
    downloader = Downloader(LIMITS._replace(seconds=7200))
    with pytest.raises(FetchError):
        downloader.fetch(f"{scripted.url}/1.jpg", tries=1)
    thread, ended = start_fetching(downloader, f"{scripted.url}/2.jpg")
    assert waiting.wait(20)
    downloader.stop()
    thread.join(20)
    assert ended == [("stopped", True)]
    assert len(scripted.asked) == 1


# --- stopping ---


def test_a_stopped_downloader_looks_no_name_up(network):
    downloader = Downloader(LIMITS)
    downloader.stop()
    with pytest.raises(FetchError, match="stopped"):
        downloader.fetch("http://images.test/a.jpg")
    assert network.looked_up == []


def test_stopping_ends_downloads_under_way_and_those_to_come(server, wait_until):
    downloader, url = Downloader(LIMITS), offer(server, "silence").url
    thread, ended = start_fetching(downloader, url)
    wait_until(lambda: server.requests)
    downloader.stop()
    thread.join(10)
    assert ended == [("stopped", True)]
    thread, ended = start_fetching(downloader, url)
    thread.join(10)
    assert ended == [("stopped", True)]
    assert len(server.requests) == 1


def test_a_body_without_a_length_that_stopping_cuts_is_no_file(monkeypatch):
    downloader, reading = Downloader(LIMITS), threading.Event()

    def read_body(response, max_bytes, read_body=download._read_body):
        reading.set()
        return read_body(response, max_bytes)

    monkeypatch.setattr(download, "_read_body", read_body)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.jpg"
        thread, ended = start_fetching(downloader, url)
        with server.accept()[0] as connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf of an image")
            assert reading.wait(20)
            downloader.stop()
            thread.join(20)
    assert ended == [("stopped", True)]
