import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import LABEL_SETS, NAMES, labels_of, read, write_images

from pyimagesearch.data import label_table, table_columns
from pyimagesearch.errors import UserError


@given(LABEL_SETS, st.sampled_from(" ,|"), st.sampled_from(",;\t"))
def test_one_column_of_labels_is_read_however_it_is_separated(folder, label_sets, mark, delimiter):
    file = io.StringIO()
    rows = csv.writer(file, delimiter=delimiter)
    rows.writerow(["image_name", "tags"])
    rows.writerows([name, mark.join(each)] for name, each in zip(NAMES, label_sets, strict=True))
    table = read(folder, file.getvalue(), "utf-8-sig")
    assert labels_of(table) == {
        name: tuple(sorted(each))
        for name, each in zip(["a.jpg", "000005.png", "tt0151137.JPG"], label_sets, strict=True)
    }


def test_split_and_group_are_read(folder):
    table = read(folder, "fname,labels,split,group\na.jpg,x y,train,1\n000005.png,,test,2\n")
    assert dict(zip(table.paths, zip(table.is_test, table.groups, strict=True), strict=True)) == {
        f"{folder}/a.jpg": (False, "1"),
        f"{folder}/000005.png": (True, "2"),
    }


def test_what_is_tested_on_may_be_called_dev(folder):
    table = read(folder, "fname,labels,split\na.jpg,x y,train\n000005.png,,dev\n")
    assert sorted(zip(table.paths, table.is_test, strict=True)) == [
        (f"{folder}/000005.png", True),
        (f"{folder}/a.jpg", False),
    ]


def test_a_table_that_is_no_regular_file_is_refused(folder):
    # A pipe would wait for a writer.
    with pytest.raises(UserError, match="not a regular file"):
        label_table.read_label_table("/dev/null", folder)


@pytest.fixture
def long_table(folder):
    """As many rows of one kind as are looked at first."""
    lines = ["tt0151137,red,train"] * table_columns.SAMPLE
    return "\n".join(["file,labels,split", *lines, ""])


def test_a_split_is_read_to_the_last_row(folder, long_table):
    table = read(folder, long_table + "a.jpg,blue,holdout\n000005.png,blue,train\n")
    assert dict(zip(table.paths, table.is_test, strict=True)) == {
        f"{folder}/a.jpg": True,
        f"{folder}/000005.png": False,
        f"{folder}/Images/tt0151137.JPG": False,
    }


@pytest.mark.parametrize("word", ["monday", "1", "train/test"])
def test_a_split_with_a_word_that_is_no_side_is_refused_with_its_line(folder, long_table, word):
    with pytest.raises(UserError, match=rf"'{word}' on line 1002\b.* write train or test"):
        read(folder, long_table + f"a.jpg,blue,{word}\n")


def test_an_is_valid_with_a_word_that_is_none_is_refused_with_its_line(folder):
    with pytest.raises(UserError, match=r"'maybe' on line 3\b.* write True or False"):
        read(folder, "fname,labels,is_valid\n000005.png,x,True\na.jpg,x y,maybe\n")


@pytest.mark.parametrize("title", ["split", "is_valid"])
def test_an_image_without_a_side_is_trained_on(folder, title):
    table = read(folder, f"fname,labels,{title}\n000005,x,\na,y,{title == 'is_valid' or 'test'}\n")
    assert dict(zip(table.paths, table.is_test, strict=True)) == {
        f"{folder}/a.jpg": True,
        f"{folder}/000005.png": False,
    }


def test_a_split_that_is_empty_is_left_out(folder):
    table = read(folder, "fname,labels,split\n000005,x,\na,y,\n")
    assert table.is_test == []
    assert "columns left out: split" in table.notes


@pytest.mark.parametrize(
    ("delimiter", "name"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs")]
)
def test_cells_that_need_quotes_are_said_to_need_them(folder, delimiter, name):
    rows = ["image,labels", "", "a.jpg,black,jeans", "000005.png,red,long,dress"]
    says = f"line 3 of .* has 3 cells and the heading 2, .* quotes around cells that hold {name}"
    with pytest.raises(UserError, match=says) as caught:
        read(folder, "\n".join(rows).replace(",", delimiter))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "heading",
    [
        '"Image\nname",Labels',
        'Image,"Labels\r\n(all; also, some)"',
        "sep=,\r\nimage,labels",
        '"sep=,"\nimage;no,labels',
        "\n\r\nimage,labels",
        ",,\nimage,labels",
        'image 5" wide,labels',
    ],
)
def test_a_heading_is_found_as_spreadsheets_write_it(folder, heading):
    table = read(folder, f"{heading}\na.jpg,red dress\n000005.png,blue\n")
    assert labels_of(table) == {"a.jpg": ("dress", "red"), "000005.png": ("blue",)}
    assert not any("\n" in note or "\r" in note for note in table.notes)


def test_lines_are_counted_from_the_first_of_the_file(folder):
    table = read(folder, '\nsep=;\n"image\nname";labels\na;x\n000005;y\ngone;x\n')
    assert [row for row, _ in table.skipped_rows] == [f"gone (line 7 of {folder}/t.csv)"]


def test_a_row_without_a_name_is_called_by_its_line(folder):
    table = read(folder, "image,labels\na,x\n ,y\n000005,z\n")
    assert table.skipped_rows == [(f"line 3 of {folder}/t.csv", "it names no image")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_encodings_that_spreadsheets_write(folder, encoding):
    table = read(folder, "image,labels\na,größe “s”\n000005,x\n", encoding)
    assert labels_of(table)["a.jpg"] == ("größe", "“s”")


def test_what_no_windows_code_holds_is_latin_1(folder):
    table = read(folder, "image,labels\na,é\x81\n000005,x\n", "latin-1")
    assert labels_of(table)["a.jpg"] == ("é\x81",)


@pytest.mark.parametrize(
    "row", ['a.jpg, "red, dress"', ' "a.jpg","red, dress"', " a.jpg, red dress"]
)
def test_a_space_may_stand_before_a_cell(folder, row):
    assert labels_of(read(folder, f'"image", "labels"\n{row}\n')) == {"a.jpg": ("dress", "red")}


def test_a_separator_is_found_wherever_it_stands(folder, long_table):
    table = read(folder, long_table + "a.jpg,red|dress,test\n")
    assert labels_of(table) == {"a.jpg": ("dress", "red"), "tt0151137.JPG": ("red",)}


def test_what_is_missing_twice_or_outside_is_named(folder):
    rows = ["a.jpg,x", "a.jpg,x", "000005,x", "000005,y", "gone.jpg,x", "../../etc/passwd,x", "a"]
    table = read(folder, "\n".join(["file,labels", *rows]))
    assert labels_of(table) == {"a.jpg": ("x",)}
    reasons = [reason for _, reason in table.skipped_rows]
    for word in ("already", "with other labels", "no such image", "outside", "1 cell "):
        assert any(word in reason for reason in reasons), word


def test_rows_that_repeat_an_image_are_skipped_and_images_with_contradictory_rows(folder):
    rows = ["file,labels", "a.jpg,x y", "a.jpg,y x", "000005,x", "000005,y", "tt0151137,x"]
    table = read(folder, "\n".join(rows))
    assert set(labels_of(table)) == {"a.jpg", "tt0151137.JPG"}
    assert [path.rpartition("/")[2] for path, _ in table.skipped] == ["000005.png"]
    assert len(table.skipped_rows) == 2
    assert not any("not in the table" in note for note in table.notes)


def test_an_ambiguous_name_is_not_guessed(tmp_path):
    write_images(tmp_path, ["one/b.jpg", "two/b.jpg", "c.jpg"])
    table = read(tmp_path, "file,labels\nb,x\none/b,y\nc,z\n")
    assert sorted(table.labels) == [("y",), ("z",)]
    assert "may be" in table.skipped_rows[0][1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "only\na\n",
        "file,labels\n",
        "file,labels\na\n",
        "file,labels\nnone.jpg,x\n",
        "file,x,x\na,0,1\n000005,1,0\n",
        "file,one,two\na,red,dress\n",
        "file,labels\na,\x00" + "x" * 200_000,
        "file" + ",x" * 200_000,
    ],
)
def test_a_table_that_gives_no_labels_ends_in_one_line(folder, text):
    with pytest.raises(UserError) as caught:
        read(folder, text)
    assert "\n" not in str(caught.value)


def test_no_table_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot read the table"):
        label_table.read_label_table(tmp_path / "none.csv", tmp_path)
