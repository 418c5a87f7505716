import socket
import ssl
import threading
import time
from ipaddress import ip_address

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from misbehaving_server import KINDS, Item, MisbehavingServer, plan, redirecting_to

from pyimagesearch.search import download
from pyimagesearch.search.download import Downloader, FetchError, Limits

PUBLIC, OTHER_PUBLIC, PRIVATE = "93.184.215.14", "151.101.1.6", "10.1.2.3"
LIMITS = Limits(seconds=20, connect_seconds=5, max_bytes=2**20, allow_loopback=True)

# A certificate for images.test that signs itself, until 2126, and its key, for these tests only.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdEp2CS/rCnPut6eE
2lfCeC7lHk/5zZhyHAkrZp3ABk+hRANCAASVqklZ3i39Ahojfqb96vFWpvHD6BUR
I6U7OMBny5kynTYTSEp9+quRs0ms999Cwp+48ttC98hGNou8J7/pqO29
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUW+xzes0z0OpL3d6kB2oBHdoknxcwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLaW1hZ2VzLnRlc3QwIBcNMjYxMTIzMTYzODE3WhgPMjEyNjEw
MzAxNjM4MTdaMBYxFDASBgNVBAMMC2ltYWdlcy50ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAElapJWd4t/QIaI36m/erxVqbxw+gVESOlOzjAZ8uZMp02E0hK
ffqrkbNJrPffQsKfuPLbQvfIRjaLvCe/6ajtvaNrMGkwHQYDVR0OBBYEFGjTtkwn
jgoY7g0KslHeFgHsohbYMB8GA1UdIwQYMBaAFGjTtkwnjgoY7g0KslHeFgHsohbY
MBYGA1UdEQQPMA2CC2ltYWdlcy50ZXN0MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI
zj0EAwIDSAAwRQIhAJ5lUnveXDfOPE6e8qPBOy+zDMv/h0Ym7x5zkgmNaPICAiAb
Qm19jndjIIDVx4sYaWi07vXy1nLpQ1vZC0e574v+RQ==
-----END CERTIFICATE-----
"""


@pytest.fixture
def server():
    with MisbehavingServer() as server:
        yield server


@pytest.fixture
def network(monkeypatch):
    """Stands in for name resolution and for connections: nothing leaves this machine."""

    class Network:
        def __init__(self):
            self.answers, self.looked_up, self.connected = {}, [], []
            self.port = None

        def getaddrinfo(self, host, port, *arguments, **named):
            self.looked_up.append(host)
            answers = self.answers.get(host)
            if not answers:
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            addresses = answers.pop(0) if len(answers) > 1 else answers[0]
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in addresses
            ]

        def create_connection(self, address, *arguments, **named):
            self.connected.append(address[0])
            if self.port is None:
                raise ConnectionRefusedError
            local = socket.socket()
            local.settimeout(20)
            local.connect(("127.0.0.1", self.port))
            return local

    stand_in = Network()
    monkeypatch.setattr(socket, "getaddrinfo", stand_in.getaddrinfo)
    monkeypatch.setattr("urllib3.util.connection.create_connection", stand_in.create_connection)
    return stand_in


def offer(server, kind):
    """Have the server answer with results of some kind, and give the URL of one."""
    item = plan(server.base, 15, ["good", "good", kind])[-1]
    server.offer([item])
    return item


def reason(url, limits=LIMITS, **named):
    with pytest.raises(FetchError) as caught:
        Downloader(limits).fetch(url, **named)
    return caught.value


NOT_PUBLIC = """
0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.1.2.3 169.254.169.254 172.16.0.1 192.0.0.1 192.168.1.1
198.18.0.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 64:ff9b::10.0.0.1 64:ff9b:1::1 100::1 2001::1
2001:db8::1 2002:a00:1::1 2002:808:808::1 fc00::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1
"""


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_addresses_that_are_not_public_are_recognised(address):
    assert not download.is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", PUBLIC, "2606:2800:21f:cb07::1", "64:ff9b::808:808"]
)
def test_public_addresses_are_recognised(address):
    assert download.is_public(ip_address(address))


def test_the_loopback_switch_allows_two_addresses_and_no_more():
    download.check_addresses([ip_address("127.0.0.1"), ip_address("::1")], allow_loopback=True)
    for address in ("127.0.0.2", "10.0.0.1", "::ffff:127.0.0.1", "0.0.0.0"):
        with pytest.raises(FetchError, match="not a public address"):
            download.check_addresses([ip_address(address)], allow_loopback=True)
    with pytest.raises(FetchError, match="not a public address"):
        download.check_addresses([ip_address("127.0.0.1")], allow_loopback=False)


@pytest.mark.parametrize("addresses", [[PRIVATE], [PUBLIC, PRIVATE], ["127.0.0.1"]])
def test_a_name_with_an_address_that_is_not_public_is_never_connected_to(network, addresses):
    network.answers["images.test"] = [addresses]
    assert "not a public address" in str(reason("http://images.test/a.jpg", Limits()))
    assert network.connected == []


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to(network):
    network.answers["images.test"] = [[PUBLIC], ["127.0.0.1"]]
    assert "connection failed" in str(reason("http://images.test/a.jpg", Limits(), tries=1))
    assert network.looked_up == ["images.test"]
    assert network.connected == [PUBLIC]


def test_an_answer_that_changes_between_two_tries_is_checked_again(network):
    network.answers["images.test"] = [[PUBLIC], [PRIVATE]]
    error = reason("http://images.test/a.jpg", Limits(), backoff=0)
    assert "10.1.2.3 is not a public address" in str(error)
    assert network.connected == [PUBLIC]


def test_each_address_of_a_name_is_tried(network):
    network.answers["images.test"] = [[PUBLIC, OTHER_PUBLIC]]
    reason("http://images.test/a.jpg", Limits(), tries=1)
    assert network.connected == [PUBLIC, OTHER_PUBLIC]


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
    assert "not a public address" in str(reason(offer(server, kind).url))
    assert network.connected == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("kind", "why"),
    [("to-a-file", "neither an http nor an https URL"), ("circle", "more than 5 redirects")],
)
def test_redirects_stay_within_http_and_end(server, kind, why):
    assert why in str(reason(offer(server, kind).url))


def test_a_redirect_within_the_server_is_followed(server):
    item = offer(server, "good-but-moved")
    assert Downloader(LIMITS).fetch(item.url) == item.body


def test_private_headers_stay_with_their_host(network, server):
    network.port = server.server_port
    network.answers |= {"search.test": [[PUBLIC]], "other.test": [[PUBLIC]]}
    for name, target in (
        ("stays", "http://search.test/images/stays/end.jpg"),
        ("leaves", "http://other.test/images/leaves/end.jpg"),
        ("port", "http://search.test:81/images/port/end.jpg"),
    ):
        KINDS[name] = ("kept", redirecting_to(target), b"")
        server.offer(
            [
                Item(f"{server.base}/images/{name}/start.jpg", name, b"", "kept"),
                Item(f"{server.base}/images/{name}/end.jpg", "good", b"image", "kept"),
            ]
        )
        server.forget()
        Downloader(Limits()).fetch(
            f"http://search.test/images/{name}/start.jpg", private_headers={"X-Key": "secret"}
        )
        del KINDS[name]
        sent = [headers.get("X-Key") for _, headers in server.requests]
        assert sent == ["secret", "secret" if name == "stays" else None], name


def test_an_own_url_may_have_any_address_but_what_it_redirects_to_may_not(network, server):
    network.port = server.server_port
    network.answers |= {"search.test": [[PRIVATE]], "10.0.0.1": [["10.0.0.1"]]}
    item = offer(server, "to-private")
    url = item.url.replace("127.0.0.1", "search.test")
    assert "10.0.0.1 is not a public address" in str(reason(url, Limits(), is_own=True))
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


@pytest.mark.parametrize("kind", ["trickle", "trickling-header", "silence"])
def test_a_file_that_takes_too_long_is_given_up_and_not_asked_for_again(server, kind):
    error = reason(offer(server, kind).url, LIMITS._replace(seconds=0.5))
    assert str(error) == "took longer than 0.5 seconds"
    assert error.is_transient
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["endless", "explosion"])
def test_a_body_is_cut_at_the_limit(server, kind):
    assert str(reason(offer(server, kind).url)) == "more than 1,048,576 bytes"


def test_a_body_as_long_as_the_limit_is_whole(server):
    item = offer(server, "good")
    exactly = LIMITS._replace(max_bytes=len(item.body))
    assert Downloader(exactly).fetch(item.url) == item.body
    assert "bytes" in str(reason(item.url, exactly._replace(max_bytes=len(item.body) - 1)))


@pytest.mark.parametrize("kind", ["good-in-chunks", "good-gzipped"])
def test_a_body_is_put_together_and_decoded(server, kind):
    item = offer(server, kind)
    assert Downloader(LIMITS).fetch(item.url) == item.body


@pytest.mark.parametrize("kind", ["truncated", "hangs-up"])
def test_a_connection_that_breaks_is_tried_again(server, kind):
    error = reason(offer(server, kind).url, backoff=0)
    assert "connection failed" in str(error)
    assert error.is_transient
    assert len(server.requests) == 3


def test_what_the_server_says_in_retry_after_is_waited_for(server, monkeypatch):
    waits = []
    monkeypatch.setattr(Downloader, "pause", lambda downloader, seconds: waits.append(seconds))
    item = offer(server, "good-but-busy")
    assert Downloader(LIMITS).fetch(item.url) == item.body
    assert waits == [1]


def test_retry_after_may_be_a_date(server, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    response = type("", (), {"headers": {"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT"}})
    assert download._retry_after(response) == 30
    response.headers["Retry-After"] = "soon"
    assert download._retry_after(response) == 0


def test_a_server_that_asks_for_more_patience_than_there_is_is_left_alone(server):
    assert reason(offer(server, "good-but-busy").url, longest_wait=0.5).status == 429
    assert len(server.requests) == 1


def test_waits_double(server, monkeypatch):
    waits = []
    monkeypatch.setattr(Downloader, "pause", lambda downloader, seconds: waits.append(seconds))
    reason(offer(server, "hangs-up").url, tries=4, backoff=0.5)
    assert waits == [0.5, 1, 2]


@pytest.mark.parametrize(("kind", "status"), [("not-found", 404), ("forbidden", 403)])
def test_a_refusal_is_final(server, kind, status):
    error = reason(offer(server, kind).url)
    assert error.status == status
    assert not error.is_transient
    assert len(server.requests) == 1


def test_a_name_that_does_not_resolve_is_said_to(network):
    error = reason("http://nowhere.test/a.jpg")
    assert error.is_unresolved
    assert error.is_transient


@pytest.mark.parametrize(
    "url",
    ["", "a.jpg", "//host/a.jpg", "ftp://host/a", "file:///etc/passwd", "http://", "http:///a"]
    + ["javascript:1", "data:image/png;base64,AAAA", "http://[::1", "http://host:port/", "=1+1"],
)
def test_what_is_no_http_url_is_refused(network, url):
    assert "URL" in str(reason(url))
    assert network.looked_up == []


@given(st.text() | st.builds("http://{}/{}".format, st.text(), st.text()))
def test_any_text_is_a_url_with_a_host_or_refused(text):
    try:
        parsed = download.parse(text)
    except FetchError:
        return
    assert parsed.scheme in ("http", "https")
    assert parsed.host
    assert parsed.auth is None


def test_a_line_break_in_a_url_does_not_become_a_header(server):
    item = offer(server, "good")
    reason(f"{item.url}%0d%0a?a\r\nX-Evil: 1\r\n\r\n")
    assert all("X-Evil" not in headers for _, headers in server.requests)


def test_stopping_ends_requests_under_way_and_those_to_come(server):
    downloader, errors = Downloader(LIMITS), []

    def fetch():
        try:
            downloader.fetch(url)
        except FetchError as error:
            errors.append(str(error))

    url = offer(server, "silence").url
    thread = threading.Thread(target=fetch)
    thread.start()
    while not server.requests:
        time.sleep(0.01)
    downloader.stop()
    thread.join(10)
    assert errors == ["stopped"]
    fetch()
    assert errors == ["stopped", "stopped"]
    assert len(server.requests) == 1


@pytest.fixture
def tls_server(network, server, monkeypatch, tmp_path):
    """The server behind TLS, with a certificate for images.test that is trusted here."""
    (tmp_path / "certificate.pem").write_text(CERTIFICATE)
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "certificate.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem")
    server.names_asked_for = []
    context.sni_callback = lambda connection, name, _: server.names_asked_for.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    network.port = server.server_port
    network.answers |= {"images.test": [[PUBLIC]], "other.test": [[PUBLIC]]}
    return server


def test_tls_verifies_the_name_although_the_connection_goes_to_the_address(tls_server, network):
    item = offer(tls_server, "good")
    path = item.url.removeprefix(tls_server.base)
    assert Downloader(Limits()).fetch(f"https://images.test{path}") == item.body
    assert tls_server.names_asked_for == ["images.test"]
    assert network.connected == [PUBLIC]


def test_a_certificate_for_another_name_is_refused(tls_server):
    item = offer(tls_server, "good")
    path = item.url.removeprefix(tls_server.base)
    assert "SSL" in str(reason(f"https://other.test{path}", Limits(), tries=1))
    assert tls_server.requests == []


def test_an_untrusted_certificate_is_refused(tls_server, monkeypatch, tmp_path):
    monkeypatch.undo()
    # The stand-in for the network is undone as well: an address on this machine takes its place.
    item = offer(tls_server, "good")
    url = item.url.replace("http://", "https://")
    assert "SSL" in str(reason(url, tries=1))
    assert tls_server.requests == []
