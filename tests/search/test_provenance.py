import csv
import io
import os
from contextlib import closing

import pytest
from full_disk import full_disk
from hostile import hostile_records, read_record
from hypothesis import given, settings
from hypothesis import strategies as st
from watched_search import rows

from pyimagesearch.errors import BAD_INPUT, WORK_FAILED, UserError
from pyimagesearch.search import provenance
from pyimagesearch.search.provenance import Row, Sources
from pyimagesearch.search.services import SearchResult
from pyimagesearch.spreadsheets import escaped_cell

RESULT = SearchResult("http://a/1", "http://a/", "by", "Ann", 'Blue, "very" blue jeans')
HEADER = ",".join(Row._fields) + "\n"


def write(folder, *results, **known):
    with closing(Sources(folder)) as sources:
        for result in results:
            sources.add(result, **known)


def row_of(folder, url):
    with closing(Sources(folder)) as sources:
        return sources.row_of(url)


def test_a_row_is_there_as_soon_as_it_is_added(tmp_path):
    with closing(Sources(tmp_path)) as sources:
        sources.add(RESULT, file="00000000.jpg", sha256="ab")
        expected = RESULT._asdict() | {"file": "00000000.jpg", "sha256": "ab", "reason": ""}
        assert rows(tmp_path) == [expected]
        assert sources.row_of(RESULT.url)._asdict() == expected
        assert sources.row_of("http://a/2") is None
        assert sources.has_file("00000000.jpg")
        assert not sources.has_file("00000001.jpg")


def test_what_a_killed_run_has_left_of_the_file_is_removed(tmp_path):
    (tmp_path / f".sources.csv.{'0' * 16}.partial.csv").touch()
    Sources(tmp_path).close()
    assert [path.name for path in tmp_path.iterdir()] == ["sources.csv"]


def test_rows_are_found_again_and_the_file_stays_as_it_is(tmp_path):
    write(tmp_path, RESULT, reason="failed: gone")
    before = (tmp_path / "sources.csv").read_bytes()
    assert row_of(tmp_path, RESULT.url).reason == "failed: gone"
    assert (tmp_path / "sources.csv").read_bytes() == before


def test_a_row_whose_file_has_gone_is_dropped(tmp_path):
    write(tmp_path, RESULT, file="00000000.jpg")
    assert row_of(tmp_path, RESULT.url) is None
    assert rows(tmp_path) == []


@pytest.mark.parametrize("name", ["-1.jpg", "=1.png", "a;=1.jpg", "\x1b[31m.jpg"])
def test_a_file_whose_name_has_to_be_escaped_is_found_again(tmp_path, name):
    (tmp_path / name).touch()
    write(tmp_path, RESULT, file=name)
    with closing(Sources(tmp_path)) as sources:
        assert sources.has_file(name)


@pytest.mark.parametrize(
    "name", ["../secret.jpg", "{outside}", "..", ".", "sources.csv", "sub/a.jpg", ".hidden.jpg"]
)
def test_a_file_cell_that_names_no_image_of_the_folder_is_no_file(tmp_path, name):
    folder = tmp_path / "blue_jeans"
    (folder / "sub").mkdir(parents=True)
    for path in (tmp_path / "secret.jpg", folder / "sub" / "a.jpg", folder / ".hidden.jpg"):
        path.touch()
    write(folder, RESULT, file=name.format(outside=tmp_path / "secret.jpg"))
    assert row_of(folder, RESULT.url) is None


# --- damaged files, and files of others ---


@pytest.mark.parametrize("length", range(0, 120, 7))
def test_a_file_cut_off_anywhere_is_repaired(tmp_path, length):
    write(tmp_path, RESULT, RESULT._replace(url="http://a/2"), reason="failed: gone")
    record = tmp_path / "sources.csv"
    whole_lines = record.read_bytes()[:length].count(b"\n")
    record.write_bytes(record.read_bytes()[:length])
    write(tmp_path, RESULT._replace(url="http://a/3"), reason="failed: gone")
    expected = ["http://a/1", "http://a/2"][: max(0, whole_lines - 1)] + ["http://a/3"]
    assert [row["url"] for row in rows(tmp_path)] == expected
    assert record.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    "text",
    [
        b"a,b,c\n1,2,3\n",
        b"file,url\n",
        b"\xff\xfe\n",
        HEADER.encode() + b"x" * 5000 + b".jpg,u,p,l,c,t,s,\n",
        HEADER.encode() + b"x" * 200_000 + b"\n",
        b"my own notes",
        HEADER.replace("\n", "\r").encode() + b"a.jpg,u,p,l,c,t,s,\r",
    ],
    ids=[
        *("other columns", "fewer columns", "no text", "a long name", "a longer name"),
        *("no line end", "line ends of an old Macintosh"),
    ],
)
def test_a_file_that_no_search_wrote_is_left_alone(tmp_path, text):
    (tmp_path / "sources.csv").write_bytes(text)
    with pytest.raises(UserError, match="move it away") as caught:
        Sources(tmp_path)
    assert caught.value.exit_code == BAD_INPUT
    assert str(caught.value).isprintable()
    assert (tmp_path / "sources.csv").read_bytes() == text


@pytest.mark.parametrize(
    "make",
    [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")],
    ids=["folder", "pipe", "link to a device"],
)
def test_what_is_no_regular_file_in_the_place_of_the_file_is_reported(tmp_path, make):
    make(tmp_path / "sources.csv")
    expected = r"cannot read .*sources\.csv \(not a regular file\): move it away"
    with pytest.raises(UserError, match=expected):
        Sources(tmp_path)


def test_a_huge_file_is_reported_and_not_read(tmp_path):
    with (tmp_path / "sources.csv").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UserError, match="larger than 32 MiB"):
        Sources(tmp_path)


def test_a_file_of_very_many_rows_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "MOST_ROWS", 3)
    (tmp_path / "sources.csv").write_text(HEADER + ",,,,,,,\n" * 4)
    with pytest.raises(UserError, match="more than 3 rows"):
        Sources(tmp_path)


def test_rows_of_the_users_own_images_are_kept_though_they_have_no_url_or_a_remark(tmp_path):
    own = ["a.jpg,,,CC0,me,,,", "b.jpg,,,CC BY,you,,,", "c.jpg,,,CC0,me,,,,a remark"]
    for row in own:
        (tmp_path / row[:5]).touch()
    (tmp_path / "sources.csv").write_text("".join(line + "\n" for line in [HEADER.strip(), *own]))
    Sources(tmp_path).close()
    assert [(row["file"], row["creator"]) for row in rows(tmp_path)] == [
        *(("a.jpg", "me"), ("b.jpg", "you"), ("c.jpg", "me")),
    ]


def test_the_last_row_of_a_url_without_a_file_is_kept(tmp_path):
    write(tmp_path, RESULT, reason="failed: gone")
    write(tmp_path, RESULT, reason="failed: gone again")
    Sources(tmp_path).close()
    assert [row["reason"] for row in rows(tmp_path)] == ["failed: gone again"]


def test_a_row_with_a_file_is_kept_instead_of_those_of_its_url_without_one(tmp_path):
    (tmp_path / "0.jpg").touch()
    write(tmp_path, RESULT, reason="failed: gone")
    write(tmp_path, RESULT, file="0.jpg")
    write(tmp_path, RESULT, reason="failed: gone again")
    Sources(tmp_path).close()
    assert [row["file"] for row in rows(tmp_path)] == ["0.jpg"]


def test_the_last_row_of_a_file_is_kept(tmp_path):
    (tmp_path / "0.jpg").touch()
    write(tmp_path, RESULT, RESULT._replace(url="http://a/2"), file="0.jpg")
    Sources(tmp_path).close()
    assert [row["url"] for row in rows(tmp_path)] == ["http://a/2"]


def test_rows_with_too_few_cells_or_nothing_in_them_are_dropped(tmp_path):
    write(tmp_path, RESULT, reason="failed: gone")
    with (tmp_path / "sources.csv").open("a") as record:
        record.write(f"too,few\n{',' * (len(Row._fields) - 1)}\n")
    assert row_of(tmp_path, RESULT.url) is not None
    assert len(rows(tmp_path)) == 1


def test_formulas_that_others_wrote_are_escaped(tmp_path):
    (tmp_path / "sources.csv").write_text(HEADER + ",http://a/1,,,a;=1+1,=1+1,,x\n")
    assert row_of(tmp_path, "http://a/1") is not None
    assert rows(tmp_path)[0]["title"] == "'=1+1"
    assert rows(tmp_path)[0]["creator"] == "a;'=1+1"


def test_whatever_the_file_holds_it_is_repaired_or_refused():
    outcomes = set()
    for record in hostile_records(seed=1, count=400):
        try:
            header, *left = read_record(record)
        except UserError as error:
            outcomes.add(UserError)
            assert str(error).isprintable()
            continue
        outcomes.add(list)
        assert tuple(header) == Row._fields
        for row in left:
            assert row[0] in ("", "00000000.jpg")
            assert list(map(escaped_cell, row)) == row
    assert outcomes == {list, UserError}


# --- a file that is full ---


@pytest.mark.parametrize(("limit", "most"), [("MOST_BYTES", 1000), ("MOST_ROWS", 5)])
def test_no_row_is_added_that_the_next_run_would_refuse(tmp_path, monkeypatch, limit, most):
    monkeypatch.setattr(provenance, limit, most)
    urls = [f"http://a/{number}" for number in range(20)]
    with (
        closing(Sources(tmp_path)) as sources,
        pytest.raises(UserError, match=r"sources\.csv is full: ") as caught,
    ):
        for url in urls:
            sources.add(RESULT._replace(url=url, title="t" * 50), reason="failed: gone")
    assert caught.value.exit_code == WORK_FAILED
    found = [row["url"] for row in rows(tmp_path)]
    assert 0 < len(found) < len(urls)
    with closing(Sources(tmp_path)) as sources:
        assert [url for url in urls if sources.row_of(url)] == found
        with pytest.raises(UserError, match="is full"):
            sources.add(RESULT._replace(url=urls[-1], title="t" * 50), reason="failed: gone")


def test_a_file_can_be_filled_to_its_last_byte(tmp_path, monkeypatch):
    write(tmp_path, RESULT, RESULT._replace(url="http://a/2"), reason="failed: gone")
    record = tmp_path / "sources.csv"
    expected = record.read_bytes()
    record.unlink()
    monkeypatch.setattr(provenance, "MOST_BYTES", len(expected))
    write(tmp_path, RESULT, RESULT._replace(url="http://a/2"), reason="failed: gone")
    assert record.read_bytes() == expected


# --- a disk that is full, or cannot be written to ---


def test_a_full_disk_is_reported_in_one_line(tmp_path):
    with (
        pytest.raises(UserError, match=r"cannot write .*: File too large") as caught,
        closing(Sources(tmp_path)) as sources,
        full_disk(300),
    ):
        for number in range(10):
            sources.add(RESULT._replace(url=f"http://a/{number}"), reason="failed: gone")
    assert caught.value.exit_code == WORK_FAILED
    urls = [row["url"] for row in rows(tmp_path) if row["reason"]]
    assert urls == [f"http://a/{number}" for number in range(len(urls))]
    assert 0 < len(urls) < 10
    write(tmp_path, RESULT._replace(url="http://a/last"), reason="failed: gone")
    assert [row["url"] for row in rows(tmp_path)] == [*urls, "http://a/last"]


def test_a_row_that_did_not_fit_leaves_no_part_of_itself_and_is_not_known(tmp_path):
    for name in ("0.jpg", "1.jpg"):
        (tmp_path / name).touch()
    lost, later = (RESULT._replace(url=f"http://a/{name}") for name in ("lost", "later"))
    with closing(Sources(tmp_path)) as sources:
        sources.add(RESULT, file="0.jpg")
        with (
            pytest.raises(UserError, match="cannot write"),
            full_disk((tmp_path / "sources.csv").stat().st_size + 30),
        ):
            sources.add(lost, file="1.jpg")
        assert sources.row_of(lost.url) is None
        assert not sources.has_file("1.jpg")
        sources.add(later, file="1.jpg")
    assert [(row["file"], row["url"]) for row in rows(tmp_path)] == [
        *(("0.jpg", RESULT.url), ("1.jpg", later.url)),
    ]


# --- a file that another program changes meanwhile ---


def saved_by_renaming(record):
    record.with_name("new").write_bytes(record.read_bytes())
    record.with_name("new").replace(record)


def saved_in_place(record):
    record.write_bytes(record.read_bytes()[:-1])


@pytest.mark.parametrize("change", [saved_by_renaming, saved_in_place, os.unlink])
def test_a_file_that_another_program_has_changed_gets_no_more_rows(tmp_path, change):
    record = tmp_path / "sources.csv"
    with closing(Sources(tmp_path)) as sources:
        sources.add(RESULT, reason="failed: gone")
        change(record)
        left = record.read_bytes() if record.exists() else None
        with pytest.raises(UserError, match=r"another program has changed .*: close it") as caught:
            sources.add(RESULT._replace(url="http://a/2"), reason="failed: gone")
    assert caught.value.exit_code == WORK_FAILED
    assert (record.read_bytes() if record.exists() else None) == left


def test_a_file_that_is_a_link_gets_its_rows(tmp_path):
    target = tmp_path / "elsewhere.csv"
    target.touch()
    folder = tmp_path / "blue_jeans"
    folder.mkdir()
    (folder / "sources.csv").symlink_to(target)
    write(folder, RESULT, RESULT._replace(url="http://a/2"), reason="failed: gone")
    assert len(rows(folder)) == 2
    assert (folder / "sources.csv").is_symlink()


class Sip(io.FileIO):
    """A file on a disk that takes seven bytes at a time."""

    def write(self, data):
        return super().write(data[:7])


def test_a_disk_that_takes_a_row_in_parts_gets_all_of_it(tmp_path):
    with closing(Sources(tmp_path)) as sources:
        sources.close()
        sources._file = Sip(tmp_path / "sources.csv", "ab")
        sources.add(RESULT, reason="failed: gone")
    assert rows(tmp_path) == [
        RESULT._asdict() | {"file": "", "sha256": "", "reason": "failed: gone"}
    ]


def test_a_folder_that_cannot_be_written_to_is_reported(tmp_path):
    with pytest.raises(UserError, match=r"cannot use .*: No such file"):
        Sources(tmp_path / "nowhere")


# --- texts of strangers ---


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "a;=1+1"])
def test_no_cell_is_a_formula_and_its_row_is_found_again(tmp_path, text):
    write(tmp_path, SearchResult(text, text, text, text, text), reason=text)
    record = (tmp_path / "sources.csv").read_text()
    for separator in ",;\t":
        for row in csv.reader(record.splitlines(), delimiter=separator):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    assert row_of(tmp_path, text) is not None


@settings(max_examples=60)
@given(text=st.text(st.characters(exclude_categories=[])))
def test_any_text_makes_one_line_and_is_found_again(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("label")
    write(folder, SearchResult(text, text, text, text, text), reason="failed: gone")
    assert (folder / "sources.csv").read_bytes().count(b"\n") == 2
    assert row_of(folder, text) is not None


@pytest.mark.parametrize("filling", ["x", ";=", "\x00", "\U0001f456"])
def test_a_very_long_text_is_cut_and_its_row_found_again(tmp_path, filling):
    url = "http://a/" + filling * 100_000
    write(tmp_path, SearchResult(url), reason="failed: gone")
    assert row_of(tmp_path, url) is not None
    assert (tmp_path / "sources.csv").stat().st_size < 20_000
