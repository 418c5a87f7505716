import pytest

from pyimagesearch.search.bing import Bing


def test_bing_is_asked_for_an_offset_and_a_licence():
    asked = Bing("key").parameters("blue jeans", "Public", cursor=37, count=50)
    assert asked == {"q": "blue jeans", "offset": 37, "count": 50, "license": "Public"}
    assert Bing("key").headers == {"Ocp-Apim-Subscription-Key": "key"}


def test_the_licences_of_bing_are_its_own_words_in_any_case():
    asked = Bing("key").parameters("q", "sharecommercially", cursor=0, count=50)
    assert asked["license"] == "ShareCommercially"


def test_bing_goes_on_where_the_service_says():
    page = {"value": [{"contentUrl": "http://a/1"}], "nextOffset": 37, "totalEstimatedMatches": 90}
    assert Bing("key").read_page(page, 0).next_cursor == 37
    assert Bing("key").read_page(page, 37).next_cursor is None


def test_bing_goes_on_behind_the_results_where_the_service_does_not_say():
    page = {"value": [{"contentUrl": "http://a/1"}] * 2, "totalEstimatedMatches": 90}
    assert Bing("key").read_page(page, 4).next_cursor == 6


@pytest.mark.parametrize("creator", [{"name": "Ann"}, "Ann"])
def test_credit_is_taken_from_bing(creator):
    item = {"contentUrl": "u", "hostPageUrl": "p", "license": "l", "name": "n"}
    page = Bing("key").read_page({"value": [item | {"creator": creator}]}, 0)
    assert page.results == [("u", "p", "l", "Ann", "n")]


@pytest.mark.parametrize(
    "value",
    [None, 7, {}, {"contentUrl": 7}, {"contentUrl": None, "creator": {"name": []}}],
    ids=str,
)
def test_a_result_without_a_url_has_an_empty_one(value):
    assert Bing("key").read_page({"value": [value]}, 0).results[0].url == ""
