import pytest
from hostile import services
from hypothesis import given
from hypothesis import strategies as st
from misbehaving_results import Item
from stand_in_services import KEY, Request
from stand_in_services import SERVICES as STAND_INS

from pyimagesearch.command_lines.search import PROVIDERS
from pyimagesearch.errors import UserError
from pyimagesearch.search.errors import BusyError, RefusedError
from pyimagesearch.search.services import (
    MOST_RESULTS,
    NOT_A_PAGE,
    OPEN_LICENCES,
    licence_with_url,
    open_licences,
    results_in,
)

SERVICES = services("http://api.test/", KEY)


def test_the_scripts_flag_names_every_service():
    assert [service.name for service in SERVICES] == list(PROVIDERS) == list(STAND_INS)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_search_without_a_licence_does_not_mention_one(service):
    asked = service.parameters("q", None, cursor=service.first_cursor, count=1)
    assert not any("license" in name for name in asked)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_licence_is_refused_or_asked_for_or_looked_for_in_the_results(service):
    start, count = service.first_cursor, service.fewest_per_page
    try:
        asked = service.parameters("q", "by-nc", cursor=start, count=count)
    except UserError:
        return
    if "by-nc" in asked.values():
        return
    # What the stand-in finds is under the licence CC BY.
    headers = {"User-Agent": "tests (mail@images.test)", **service.headers}
    parameters = {name: str(value) for name, value in asked.items()}
    request = Request(parameters, headers, [Item("http://images.test/", "", b"", "")])
    status, _, document = STAND_INS[service.name](request)
    assert status == 200
    assert len(service.read_page(document, start, "by").results) == 1
    assert service.read_page(document, start, "by-nc").results == []


@pytest.mark.parametrize(
    "licence", ["nonsense", "by,nonsense", "by,", " ", "by\nby-sa", "by-nonsense", "CC", "CC BY 4"]
)
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_licence_that_a_service_does_not_know_is_refused_with_those_that_it_knows(
    service, licence
):
    with pytest.raises(UserError, match=r"choose .*(by-nc-nd|ShareCommercially)|without a licence"):
        service.parameters("q", licence, cursor=service.first_cursor, count=50)


def test_open_licences_are_read_as_people_write_them():
    assert open_licences("cc0, BY-SA") == ["cc0", "by-sa"]
    assert open_licences(",".join(OPEN_LICENCES)) == list(OPEN_LICENCES)


def test_open_licences_are_read_as_the_pages_of_images_spell_them():
    spelled = "CC BY-SA 4.0, CC BY 3.0 de,cc-by-nc-2.5,CC0 1.0, CC0"
    assert open_licences(spelled) == ["by-sa", "by", "by-nc", "cc0", "cc0"]
    public_domain = "PDM 1.0, Public domain, Public Domain Mark 1.0, CC-PD-Mark"
    assert open_licences(public_domain) == ["pdm"] * 4


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_page_has_at_least_one_result_and_no_more_than_are_read_of_one(service):
    assert 1 <= service.fewest_per_page <= service.most_per_page <= MOST_RESULTS


def test_no_more_results_are_read_than_services_give():
    assert len(results_in([0] * 9_000)) == MOST_RESULTS


@pytest.mark.parametrize("value", [None, {}, "[]", 7])
def test_results_that_are_not_a_list_are_refused(value):
    with pytest.raises(TypeError):
        results_in(value)


def test_a_licence_is_named_with_its_text_if_that_is_known():
    assert licence_with_url("by", "http://a/") == "by (http://a/)"
    assert licence_with_url("by", "") == "by"


KEYS = ["value", "totalEstimatedMatches", "nextOffset", "results", "page_count", "result_count"]
KEYS += ["page_size", "query", "pages", "continue", "error", "batchcomplete", "code", "lag", "info"]
KEYS += ["imageinfo", "extmetadata", "url", "thumburl", "mime", "index", "properties", "Artist"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(json_values)
def test_any_json_is_a_page_or_refused_in_a_known_way(document):
    for service in SERVICES:
        try:
            page = service.read_page(document, service.first_cursor, "by")
        except (*NOT_A_PAGE, BusyError, RefusedError):
            continue
        assert all(isinstance(text, str) for result in page.results for text in result)
