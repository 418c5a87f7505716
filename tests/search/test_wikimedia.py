import pytest

from pyimagesearch.search.errors import BusyError, RefusedError
from pyimagesearch.search.wikimedia import Wikimedia

LICENCE_URL = "https://creativecommons.org/licenses/by-sa/4.0"


def file_page(number=1, code="cc-by-sa-4.0", **changes):
    metadata = {
        "LicenseShortName": {"value": "CC BY-SA 4.0", "source": "commons-desc-page"},
        "License": {"value": code, "source": "commons-templates"},
        "LicenseUrl": {"value": LICENCE_URL},
        "Artist": {"value": '<a href="//x">Ann</a> &amp; <b>Bob</b>'},
    }
    info = {
        "url": f"http://a/{number}.jpg",
        "descriptionurl": f"http://a/File:{number}.jpg",
        "mime": "image/jpeg",
        "extmetadata": metadata,
    } | changes
    return {"pageid": 90 - number, "title": f"File:{number}.jpg", "index": number} | {
        "imageinfo": [info]
    }


def read(*pages, cursor=None, licence=None, **others):
    document = {"batchcomplete": True, "query": {"pages": list(pages)}} | others
    return Wikimedia().read_page(document, cursor or {}, licence)


def urls(page):
    return [result.url for result in page.results]


def test_wikimedia_is_asked_for_files_and_their_credit():
    asked = Wikimedia().parameters("blue jeans", "cc0", cursor={}, count=50)
    expected = {
        "action": "query",
        "format": "json",
        "formatversion": 2,
        "generator": "search",
        "gsrsearch": "blue jeans filetype:bitmap",
        "gsrnamespace": 6,
        "gsrlimit": 50,
        "prop": "imageinfo",
        "iiprop": "url|size|mime|extmetadata",
        "iiurlwidth": 960,
        "maxlag": 5,
    }
    assert expected.items() <= asked.items()


def test_wikimedia_commons_is_searched_unless_another_wiki_is_named():
    assert Wikimedia().endpoint == "https://commons.wikimedia.org/w/api.php"
    assert Wikimedia("http://here/api.php").endpoint == "http://here/api.php"


def test_the_next_page_repeats_what_the_service_says_to_go_on_with():
    following = {"gsroffset": 50, "continue": "gsroffset||"}
    assert read(file_page(), **{"continue": following}).next_cursor == following
    asked = Wikimedia().parameters("q", None, cursor=following, count=50)
    assert following.items() <= asked.items()
    assert read(file_page()).next_cursor is None


def test_what_the_service_says_to_go_on_with_changes_nothing_that_was_asked():
    asked = Wikimedia().parameters("q", None, cursor={"action": "logout"}, count=50)
    assert asked["action"] == "query"


@pytest.mark.parametrize(
    "following", [[], "x", 7, {"gsroffset": None}, {"gsroffset": [1], "continue": "-||"}]
)
def test_what_nobody_can_go_on_with_is_not_a_page(following):
    with pytest.raises(TypeError):
        read(file_page(), **{"continue": following})


def test_credit_is_plain_text():
    assert read(file_page()).results == [
        (
            "http://a/1.jpg",
            "http://a/File:1.jpg",
            f"CC BY-SA 4.0 ({LICENCE_URL})",
            "Ann & Bob",
            "1.jpg",
        )
    ]


def test_results_are_in_the_order_of_the_search():
    assert urls(read(*map(file_page, (3, 1, 2)))) == [f"http://a/{n}.jpg" for n in (1, 2, 3)]


def test_pages_by_number_are_read_as_well():
    pages = {"89": file_page(1), "88": file_page(2)}
    document = {"batchcomplete": "", "query": {"pages": pages}}
    assert len(Wikimedia().read_page(document, {}).results) == 2


def test_an_original_is_left_alone_where_there_is_a_smaller_size():
    assert urls(read(file_page(thumburl="http://a/960px-1.jpg"))) == ["http://a/960px-1.jpg"]


def test_a_search_that_finds_nothing_has_no_query_in_the_answer():
    assert Wikimedia().read_page({"batchcomplete": True}, {}) == ([], 0, None)


def test_how_many_results_there_are_is_known_only_if_the_first_page_is_the_last():
    assert read(file_page()).total == 1
    assert read(file_page(), **{"continue": {"gsroffset": 1}}).total is None
    assert read(file_page(), cursor={"gsroffset": 1}).total is None


def test_files_without_an_image_on_this_page_are_passed_over():
    others = [7, {}, {"imageinfo": []}, {"imageinfo": [7]}, {"imageinfo": [{"url": 7}]}]
    others += [file_page(2, mime="application/pdf"), file_page(3, mime=7)]
    assert urls(read(*others, file_page(4))) == ["http://a/4.jpg"]


def test_a_file_whose_kind_is_not_told_is_taken_for_an_image():
    found = file_page()
    del found["imageinfo"][0]["mime"]
    assert urls(read(found)) == ["http://a/1.jpg"]


@pytest.mark.parametrize(
    "metadata",
    [None, 7, [], {}, {"Artist": 7, "License": []}, {"Artist": {"value": {"en": "x"}}}],
    ids=str,
)
def test_credit_of_another_kind_is_empty(metadata):
    result = read(file_page(extmetadata=metadata)).results[0]
    assert (result.licence, result.creator) == ("", "")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("cc-by-4.0", "by"),
        ("cc-by-3.0-de", "by"),
        ("cc-by-sa-2.5", "by-sa"),
        ("cc-by-sa-4.0,3.0,2.5,2.0,1.0", "by-sa"),
        ("cc0", "cc0"),
        ("cc-zero", "cc0"),
        ("pd", "pdm"),
    ],
)
def test_licences_are_spelled_as_openverse_spells_them(code, name):
    found = file_page(code=code)
    found["imageinfo"][0]["extmetadata"]["LicenseShortName"] = {}
    assert len(read(found, licence=f"by-nd, {name.upper()}").results) == 1
    others = {"by", "by-sa", "cc0", "pdm", "by-nc"} - {name}
    assert read(found, licence=",".join(others)).results == []


def test_without_a_code_the_name_of_the_licence_tells():
    found = file_page()
    del found["imageinfo"][0]["extmetadata"]["License"]
    assert len(read(found, licence="by-sa").results) == 1
    found["imageinfo"][0]["extmetadata"]["LicenseShortName"] = {"value": "Public domain"}
    assert len(read(found, licence="pdm").results) == 1


def test_an_unknown_licence_is_kept_only_if_any_licence_will_do():
    found = file_page(code="gfdl", extmetadata={"License": {"value": "gfdl"}})
    assert len(read(found).results) == 1
    assert read(found, licence="by,cc0").results == []


@pytest.mark.parametrize(("lag", "seconds"), [(None, 5), (0.2, 5), (17.5, 17.5), ("long", 5)])
def test_a_service_that_lags_behind_is_given_the_time_it_asks_for(lag, seconds):
    error = {"code": "maxlag", "info": "Waiting for 10.64: 17.5 seconds lagged", "lag": lag}
    with pytest.raises(BusyError) as caught:
        Wikimedia().read_page({"error": error}, {})
    assert caught.value.seconds == seconds


@pytest.mark.parametrize("code", ["maxlag", "ratelimited", "readonly"])
def test_a_service_that_is_busy_asks_for_patience(code):
    with pytest.raises(BusyError) as caught:
        Wikimedia().read_page({"error": {"code": code, "info": "Try again later"}}, {})
    assert caught.value.seconds == 5


def test_another_error_is_repeated_without_its_html():
    error = {"code": "search-error", "info": "<p>An <b>error</b> has occurred</p>"}
    with pytest.raises(RefusedError, match=r"^search-error: An error has occurred$"):
        Wikimedia().read_page({"error": error}, {})


@pytest.mark.parametrize("document", [{}, [], "error", None, 7, {"query": 7}, {"query": {}}])
def test_what_is_not_an_answer_of_the_api_is_not_a_page(document):
    with pytest.raises((KeyError, TypeError)):
        Wikimedia().read_page(document, {})
