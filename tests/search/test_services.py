import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.search.services import NOT_A_PAGE, Bing, Openverse


def test_bing_is_asked_for_an_offset_and_a_licence():
    asked = Bing("key").parameters("blue jeans", "Public", cursor=37, count=50)
    assert asked == {"q": "blue jeans", "offset": 37, "count": 50, "license": "Public"}
    assert Bing("key").headers == {"Ocp-Apim-Subscription-Key": "key"}


def test_openverse_is_asked_for_a_page_and_licences():
    asked = Openverse().parameters("blue jeans", "cc0,by", cursor=2, count=20)
    assert asked == {"q": "blue jeans", "page": 2, "page_size": 20, "license": "cc0,by"}


@pytest.mark.parametrize("service", [Bing("key"), Openverse()], ids=lambda service: service.name)
def test_a_search_without_a_licence_does_not_mention_one(service):
    assert "license" not in service.parameters("q", None, cursor=1, count=1)


def test_an_openverse_token_lifts_the_limits():
    anonymous, known = Openverse(), Openverse("token")
    assert (anonymous.most_per_page, anonymous.pause_seconds) == (20, 1.0)
    assert anonymous.headers == {}
    assert (known.most_per_page, known.pause_seconds) == (500, 0.0)
    assert known.headers == {"Authorization": "Bearer token"}


def test_bing_goes_on_where_the_service_says():
    page = {"value": [{"contentUrl": "http://a/1"}], "nextOffset": 37, "totalEstimatedMatches": 90}
    assert Bing("key").read_page(page, 0).next_cursor == 37
    assert Bing("key").read_page(page, 37).next_cursor is None


def test_openverse_counts_pages():
    page = {"results": [{"url": "http://a/1"}], "page_count": 2, "result_count": 30}
    assert Openverse().read_page(page, 1).next_cursor == 2
    assert Openverse().read_page(page, 2).next_cursor is None


def test_credit_is_taken_from_bing():
    item = {"contentUrl": "u", "hostPageUrl": "p", "license": "l", "name": "n"}
    page = Bing("key").read_page({"value": [item | {"creator": {"name": "Ann"}}]}, 0)
    assert page.results == [("u", "p", "l", "Ann", "n")]


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


@pytest.mark.parametrize(
    "value",
    [None, 7, {}, {"contentUrl": 7}, {"contentUrl": None, "creator": {"name": []}}],
    ids=str,
)
def test_a_result_without_a_url_has_an_empty_one(value):
    assert Bing("key").read_page({"value": [value]}, 0).results[0].url == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
KEYS = ["value", "totalEstimatedMatches", "nextOffset", "results", "page_count", "result_count"]


@given(st.dictionaries(st.sampled_from(KEYS), json_values) | json_values)
def test_any_json_is_a_page_or_refused_in_a_known_way(document):
    for service in (Bing("key"), Openverse()):
        try:
            page = service.read_page(document, service.first_cursor)
        except NOT_A_PAGE:
            continue
        assert all(isinstance(text, str) for result in page.results for text in result)
