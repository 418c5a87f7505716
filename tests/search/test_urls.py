import pytest
from hostile import URL_PIECES
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.search.errors import FetchError
from pyimagesearch.search.urls import check_port, follow, parse

hostile_urls = st.lists(st.sampled_from(URL_PIECES), max_size=8).map("".join)


def test_a_url_is_taken_apart():
    target = parse("https://user:word@IMAGES.test:81/a b?c=d#top")
    assert target.url == "https://images.test:81/a%20b?c=d"
    assert target.origin == ("https", "images.test", 81)
    assert (target.authority, target.path) == ("images.test:81", "/a%20b?c=d")


@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
def test_a_url_without_a_port_has_the_port_of_its_scheme(scheme, port):
    assert parse(f"{scheme}://images.test").port == port


def test_an_ipv6_host_has_no_brackets_and_its_authority_has():
    target = parse("http://[2606:2800::1]:81/")
    assert (target.host, target.authority) == ("2606:2800::1", "[2606:2800::1]:81")


def test_international_names_are_in_ascii():
    assert parse("http://bücher.test/").host == "xn--bcher-kva.test"


@pytest.mark.parametrize(
    "url",
    ["", "a.jpg", "//host/a.jpg", "ftp://host/a", "file:///etc/passwd", "http://", "http:///a"]
    + ["javascript:1", "data:image/png;base64,AAAA", "http://[::1", "http://host:port/", "=1+1"],
)
def test_what_is_not_an_http_url_is_refused(url):
    with pytest.raises(FetchError, match="URL"):
        parse(url)


def is_whole(target):
    return target.scheme in ("http", "https") and target.host and 0 <= target.port < 2**16


@given(hostile_urls | st.text() | st.builds("http://{}/{}".format, hostile_urls, st.text()))
def test_any_text_is_a_url_with_a_host_or_refused(text):
    try:
        assert is_whole(parse(text))
    except FetchError:
        return


@given(hostile_urls | st.text())
def test_any_redirect_leads_to_a_url_with_a_host_or_is_refused(location):
    try:
        assert is_whole(follow(parse("http://images.test/dir/a"), location))
    except FetchError:
        return


@pytest.mark.parametrize("location", ["http://[", "//[x", "http://[::1", "http://x]", "//[x]/"])
def test_a_redirect_that_cannot_be_parsed_is_refused(location):
    with pytest.raises(FetchError, match="not a usable URL"):
        follow(parse("http://images.test/a"), location)


@pytest.mark.parametrize("host", ["[fe80::1%25eth0]", "[fe80::1%eth0]", "[2606:2800::1%252]"])
def test_a_host_with_a_scope_is_refused(host):
    with pytest.raises(FetchError, match="scope"):
        parse(f"http://{host}/")


@pytest.mark.parametrize("port", [0, 1, 22, 25, 53, 143, 587, 993, 2049, 6000, 6379, 6667, 10080])
def test_a_port_that_browsers_block_is_refused(port):
    with pytest.raises(FetchError, match=f"port {port} is for another protocol"):
        check_port(parse(f"http://images.test:{port}/"))


@pytest.mark.parametrize("url", ["http://a/", "https://a/", "http://a:8080/", "http://a:65535/"])
def test_any_other_port_is_allowed(url):
    check_port(parse(url))


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "http://images.test/b"),
        ("b?c", "http://images.test/dir/b?c"),
        ("//other.test/b", "http://other.test/b"),
        ("https://other.test/b", "https://other.test/b"),
    ],
)
def test_a_redirect_may_be_relative(location, url):
    assert follow(parse("http://images.test/dir/a"), location).url == url


def test_a_redirect_to_a_file_is_refused():
    with pytest.raises(FetchError, match="neither an http nor an https URL"):
        follow(parse("http://images.test/a"), "file:///etc/passwd")
