import csv
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyimagesearch.errors import UserError
from pyimagesearch.search.provenance import COLUMNS, Sources
from pyimagesearch.search.services import SearchResult

RESULT = SearchResult("http://a/1", "http://a/", "by", "Ann", 'Blue, "very" blue jeans')


def write(folder, *results, **known):
    with closing(Sources(folder)) as sources:
        for result in results:
            sources.add(result, **known)


def rows(folder):
    with (folder / "sources.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def row_of(folder, url):
    with closing(Sources(folder)) as sources:
        return sources.row_of(url)


def test_a_row_is_there_as_soon_as_it_is_added(tmp_path):
    with closing(Sources(tmp_path)) as sources:
        sources.add(RESULT, file="00000000.jpg", sha256="ab")
        expected = RESULT._asdict() | {"file": "00000000.jpg", "sha256": "ab", "reason": ""}
        assert rows(tmp_path) == [expected]
        assert sources.row_of(RESULT.url) == expected
        assert sources.row_of("http://a/2") is None
        assert sources.has_file("00000000.jpg")
        assert not sources.has_file("00000001.jpg")


def test_rows_are_found_again_and_the_record_stays_as_it_is(tmp_path):
    write(tmp_path, RESULT, reason="failed: gone")
    before = (tmp_path / "sources.csv").read_bytes()
    assert row_of(tmp_path, RESULT.url)["reason"] == "failed: gone"
    assert (tmp_path / "sources.csv").read_bytes() == before


def test_a_row_whose_file_has_gone_is_dropped(tmp_path):
    write(tmp_path, RESULT, file="00000000.jpg")
    assert row_of(tmp_path, RESULT.url) is None
    assert rows(tmp_path) == []


@pytest.mark.parametrize("length", range(0, 120, 7))
def test_a_record_torn_anywhere_is_repaired(tmp_path, length):
    write(tmp_path, RESULT, RESULT._replace(url="http://a/2"), reason="failed: gone")
    record = tmp_path / "sources.csv"
    whole_lines = record.read_bytes()[:length].count(b"\n")
    record.write_bytes(record.read_bytes()[:length])
    write(tmp_path, RESULT._replace(url="http://a/3"), reason="failed: gone")
    expected = ["http://a/1", "http://a/2"][: max(0, whole_lines - 1)] + ["http://a/3"]
    assert [row["url"] for row in rows(tmp_path)] == expected
    assert record.read_bytes().endswith(b"\n")


@pytest.mark.parametrize("text", [b"a,b,c\n1,2,3\n", b"file,url\n", b"\xff\xfe\n"])
def test_a_record_of_another_kind_is_left_alone(tmp_path, text):
    (tmp_path / "sources.csv").write_bytes(text)
    with pytest.raises(UserError, match="move it away"):
        Sources(tmp_path)
    assert (tmp_path / "sources.csv").read_bytes() == text


def test_rows_with_too_few_or_too_many_cells_are_dropped(tmp_path):
    write(tmp_path, RESULT, reason="failed: gone")
    with (tmp_path / "sources.csv").open("a") as record:
        record.write(f"too,few\n{',' * len(COLUMNS)}too many\n")
    assert row_of(tmp_path, RESULT.url) is not None
    assert len(rows(tmp_path)) == 1


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula_and_its_row_is_found_again(tmp_path, text):
    write(tmp_path, SearchResult(text, text, text, text, text), reason=text)
    cells = rows(tmp_path)[0].values()
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)
    assert row_of(tmp_path, text) is not None


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_categories=[])))
def test_any_text_makes_one_line_and_is_found_again(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("label")
    write(folder, SearchResult(text, text, text, text, text), reason="failed: gone")
    assert (folder / "sources.csv").read_bytes().count(b"\n") == 2
    assert row_of(folder, text) is not None


def test_a_very_long_text_is_cut_and_its_row_found_again(tmp_path):
    url = "http://a/" + "x" * 200_000
    write(tmp_path, SearchResult(url), reason="failed: gone")
    assert row_of(tmp_path, url) is not None
    assert (tmp_path / "sources.csv").stat().st_size < 10_000
