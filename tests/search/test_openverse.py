import pytest

from pyimagesearch.search.openverse import Openverse


def test_openverse_is_asked_for_a_page_and_licences():
    asked = Openverse().parameters("blue jeans", "cc0,by", cursor=2, count=20)
    assert asked == {"q": "blue jeans", "page": 2, "page_size": 20, "license": "cc0,by"}


def test_without_a_token_there_are_20_requests_a_minute_and_small_pages():
    anonymous = Openverse()
    assert anonymous.headers == {}
    assert 60 / anonymous.pause_seconds == 20
    # A page that is not full would waste one of the few requests.
    assert (anonymous.fewest_per_page, anonymous.most_per_page) == (20, 20)
    assert "20 requests a minute and 200 a day" in anonymous.limits


def test_a_token_raises_the_limits():
    known = Openverse("token")
    assert known.headers == {"Authorization": "Bearer token"}
    assert 60 / known.pause_seconds == pytest.approx(100)
    assert known.most_per_page > 20
    assert "100 requests a minute and 10,000 a day" in known.limits


def test_openverse_counts_pages():
    page = {"results": [{"url": "http://a/1"}], "page_count": 2, "result_count": 30}
    assert Openverse().read_page(page, 1).next_cursor == 2
    assert Openverse().read_page(page, 2).next_cursor is None


def test_an_empty_page_of_openverse_is_the_last():
    page = {"results": [], "page_count": 9, "result_count": 180}
    assert Openverse().read_page(page, 1).next_cursor is None


@pytest.mark.parametrize(("size", "last"), [(20, 12), (48, 5), (50, 4), (240, 1)])
def test_no_page_is_asked_for_that_ends_after_the_240th_result(size, last):
    page = {"results": [{}], "page_count": 99, "result_count": 9_999, "page_size": size}
    cursor = 1
    while (following := Openverse().read_page(page, cursor).next_cursor) is not None:
        cursor = following
    assert cursor == last


def test_credit_is_taken_from_openverse():
    item = {
        "url": "u",
        "foreign_landing_url": "p",
        "license": "by",
        "license_version": "4.0",
        "license_url": "https://creativecommons.org/licenses/by/4.0/",
        "creator": "Ann",
        "title": None,
    }
    page = Openverse().read_page({"results": [item], "page_count": 1, "result_count": 1}, 1)
    licence = "by 4.0 (https://creativecommons.org/licenses/by/4.0/)"
    assert page.results == [("u", "p", licence, "Ann", "")]
