import pytest

from pyimagesearch.errors import UserError
from pyimagesearch.search.brave import Brave


def parameters(query="blue jeans", licence=None):
    return Brave("key").parameters(query, licence, cursor=0, count=200)


def test_brave_is_asked_for_all_its_results_at_once():
    assert parameters() == {"q": "blue jeans", "count": 200}
    assert Brave("key").headers == {"X-Subscription-Token": "key"}
    assert Brave("key").fewest_per_page == 200


def test_the_image_and_not_its_page_or_its_thumbnail_is_the_result():
    item = {
        "type": "image_result",
        "title": "t",
        "url": "http://a/page",
        "thumbnail": {"src": "http://a/small"},
        "properties": {"url": "http://a/1.jpg", "placeholder": "http://a/blurred"},
    }
    page = Brave("key").read_page({"type": "images", "results": [item]}, 0)
    assert page == ([("http://a/1.jpg", "http://a/page", "", "", "t")], 1, None)


@pytest.mark.parametrize("value", [None, 7, {}, {"properties": 7}, {"properties": {"url": []}}])
def test_a_result_without_a_url_has_an_empty_one(value):
    assert Brave("key").read_page({"results": [value]}, 0).results[0].url == ""


def test_a_licence_is_refused_because_brave_knows_none():
    with pytest.raises(UserError, match=r"does not know the licences .* openverse or wikimedia"):
        parameters(licence="cc0")


@pytest.mark.parametrize("query", ["", " ", "x" * 401, "x " * 51])
def test_a_query_that_brave_would_refuse_is_not_sent(query):
    with pytest.raises(UserError, match="at most 400 characters and 50 words"):
        parameters(query)


@pytest.mark.parametrize("query", ["x" * 400, "x " * 50])
def test_the_longest_query_is_sent(query):
    assert parameters(query)["q"] == query
