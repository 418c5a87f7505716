import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import LABEL_SETS, NAMES, by_name, labels_of, read, write_images

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


@pytest.mark.parametrize("titles", ["split,group", "Split,GROUP"])
def test_split_and_group_are_read(folder, titles):
    table = read(folder, f"fname,labels,{titles}\na.jpg,x y,train,1\n000005.png,,test,2\n")
    assert by_name(table, table.is_test) == {"a.jpg": False, "000005.png": True}
    assert by_name(table, table.groups) == {"a.jpg": "1", "000005.png": "2"}


def test_a_space_behind_a_group_makes_no_other(folder):
    table = read(folder, "fname,labels,group\na,x,1 \n000005,y,1\n")
    assert table.groups == ["1", "1"]


def test_what_was_found_out_about_a_table_is_noted(folder):
    table = read(folder, "fname,labels,split,group,\na.jpg,x y,train,1,7\n000005.png,,test,2,8\n")
    assert table.notes == [
        "the table has images in the column fname and labels in the column labels, separated by "
        "spaces",
        "the column split says which images to test on",
        "images with the same group stay on one side of the split",
        "columns left out: (no name)",
        "1 image not in the table",
    ]


def test_what_is_tested_on_may_be_called_dev(folder):
    table = read(folder, "fname,labels,split\na.jpg,x y,train\n000005.png,,dev\n")
    assert by_name(table, table.is_test) == {"a.jpg": False, "000005.png": True}


def test_a_table_that_is_no_regular_file_is_refused(folder):
    # A pipe would wait for a writer.
    with pytest.raises(UserError, match="not a regular file"):
        label_table.read_label_table("/dev/null", folder)


def test_a_table_that_is_too_large_is_refused(folder, monkeypatch):
    monkeypatch.setattr(label_table, "MOST_BYTES", 20)
    read(folder, "file,labels\na.jpg,x\n"[:20])
    with pytest.raises(UserError, match="not a regular file of at most"):
        read(folder, "file,labels\na.jpg,xy\n")


@pytest.fixture
def long_table(folder):
    """As many rows of one kind as are looked at first."""
    lines = ["tt0151137,red,train"] * table_columns.SAMPLE
    return "\n".join(["file,labels,split", *lines, ""])


def test_a_split_is_read_to_the_last_row(folder, long_table):
    table = read(folder, long_table + "a.jpg,blue,holdout\n000005.png,blue,train\n")
    sides = {"a.jpg": True, "000005.png": False, "tt0151137.JPG": False}
    assert by_name(table, table.is_test) == sides


def test_the_last_row_of_a_long_table_may_name_no_image(folder, long_table):
    assert labels_of(read(folder, long_table + "gone,blue,train\n")) == {"tt0151137.JPG": ("red",)}


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
    assert by_name(table, table.is_test) == {"a.jpg": True, "000005.png": False}


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
    with pytest.raises(UserError, match=says):
        read(folder, "\n".join(rows).replace(",", delimiter))


@pytest.mark.parametrize(
    "heading",
    [
        '"Image\nname",Labels',
        'Image,"Labels\r\n(all; also, some)"',
        "sep=,\r\nimage,labels",
        '"sep=,"\nimage;no;colour,labels',
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


def test_a_space_may_stand_behind_a_cell(folder):
    assert labels_of(read(folder, "image ,labels \na.jpg , x \n")) == {"a.jpg": ("x",)}


@pytest.mark.parametrize(
    "cell", ["['red', 'light blue']", "('red', 'light blue',)", "{red, light blue}"]
)
def test_a_cell_of_labels_may_be_a_list_as_python_writes_it(folder, cell):
    table = read(folder, f'image,labels\na,"{cell}"\n000005,[]\n')
    assert labels_of(table) == {"a.jpg": ("light blue", "red"), "000005.png": ()}


def test_quotes_outside_a_list_belong_to_the_label(folder):
    table = read(folder, "image,labels\na,'90s|kids'\n000005,kids'\n")
    assert labels_of(table) == {"a.jpg": ("'90s", "kids'"), "000005.png": ("kids'",)}


def test_a_separator_is_found_wherever_it_stands(folder, long_table):
    table = read(folder, long_table + "a.jpg,red|dress,test\n")
    assert labels_of(table) == {"a.jpg": ("dress", "red"), "tt0151137.JPG": ("red",)}


def test_each_row_that_is_left_out_has_its_reason(folder):
    rows = ["a.jpg,x", "a.jpg,x", "000005,x", "000005,y", "gone.jpg,x"]
    rows += ["../../etc/passwd,x", "/etc/passwd,x", "a"]
    table = read(folder, "\n".join(["file,labels", *rows]))
    assert labels_of(table) == {"a.jpg": ("x",)}
    assert [reason for _, reason in table.skipped_rows] == [
        "it is on line 2 already",
        "it is on line 4 already, with other labels",
        f"there is no such image below {folder}",
        *[f"it lies outside {folder}, or does not exist"] * 2,
        "it has 1 cell and the heading 2",
    ]


def test_of_a_long_cell_messages_show_the_beginning(folder):
    data = "data:image/jpeg;base64" + "A" * 5_000
    table = read(folder, f"file,labels,{data}\na.jpg,x,1\n000005,y,2\n{data},x,3\n")
    (name, _), notes = table.skipped_rows[0], table.notes
    assert name.startswith(f"{data[:297]}... (line 4 of ")
    assert f"columns left out: {data[:297]}..." in notes
    with pytest.raises(UserError, match=r"no column of .* names images") as caught:
        read(folder, f"file,labels\n{data},x\n")
    assert len(str(caught.value)) < 1_000


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
    ("text", "complaint"),
    [
        ("", "has 0 columns"),
        ("only\na\n", "has 1 column:"),
        ("file,labels\n", "a heading and no rows"),
        ("file,labels\na\n", "has 1 cell and the heading 2"),
        ("file,labels\nnone.jpg,x\n", "no column of .* names images"),
        ("file,labels\na,x\na,y\n", r"no row of .*; the first is a \(line 3 .* with other labels"),
        ("file,x,x\na,0,1\n000005,1,0\n", "several columns of one name: x"),
        ("file,one,two\na,red,dress\n", r"not clear which column .* \(one, two\)"),
        ("file,labels\na,\x00" + "x" * 200_000, "field larger than field limit"),
        ("file" + ",x" * 200_000, "200,001 columns"),
    ],
    ids=lambda value: value[:20],
)
def test_a_table_that_gives_no_labels_is_refused(folder, text, complaint):
    with pytest.raises(UserError, match=complaint):
        read(folder, text)


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"cannot read the table .*none\.csv: No such file"):
        label_table.read_label_table(tmp_path / "none.csv", tmp_path)
