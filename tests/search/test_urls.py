import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.search.errors import FetchError
from pyimagesearch.search.urls import follow, parse


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


@given(st.text() | st.builds("http://{}/{}".format, st.text(), st.text()))
def test_any_text_is_a_url_with_a_host_or_refused(text):
    try:
        target = parse(text)
    except FetchError:
        return
    assert target.scheme in ("http", "https")
    assert target.host


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
