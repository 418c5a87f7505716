import csv
import io
import ntpath
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyimagesearch.data import label_table
from pyimagesearch.data.folders import Listing
from pyimagesearch.errors import UserError

NAMES = ["a", "000005", "tt0151137"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three files that are called images, one of them in a sub-folder."""
    folder = tmp_path_factory.mktemp("table")
    (folder / "Images").mkdir()
    for name in ("a.jpg", "000005.png", "Images/tt0151137.JPG"):
        (folder / name).write_bytes(b"-")
    return folder


def read(folder, text, encoding="utf-8"):
    (folder / "t.csv").write_bytes(text.encode(encoding))
    return label_table.read_label_table(folder / "t.csv", folder)


def labels_of(table):
    return {path.rpartition("/")[2]: labels for path, labels in zip(*table[:2], strict=True)}


LABEL_SETS = st.lists(
    st.sets(st.sampled_from(["clear", "haze", "Sci-Fi", "été"])), min_size=3, max_size=3
)


@settings(deadline=None)
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


@settings(deadline=None)
@given(LABEL_SETS)
def test_columns_of_0_and_1_are_read_and_texts_beside_them_left_out(folder, label_sets):
    labels = ["clear", "haze", "Sci-Fi", "été"]
    lines = ["Id,Genre," + ",".join(labels)]
    for name, each in zip(NAMES, label_sets, strict=True):
        lines.append(f"{name},\"['x', 'y']\"," + ",".join(str(int(x in each)) for x in labels))
    table = read(folder, "\n".join(lines), "latin-1")
    assert sorted(labels_of(table).values()) == sorted(tuple(sorted(each)) for each in label_sets)
    assert any("left out: Genre" in note for note in table.notes)


def test_a_column_called_labels_holds_them_whatever_else_is_0_or_1(folder):
    rows = ["image,labels,verified,crowd", "a.jpg,haze,1,0", "000005.png,clear,0,1"]
    table = read(folder, "\n".join(rows))
    assert labels_of(table) == {"a.jpg": ("haze",), "000005.png": ("clear",)}


def test_images_in_subfolders_are_found_on_windows_too(monkeypatch):
    monkeypatch.setattr(label_table, "os", SimpleNamespace(path=ntpath, sep="\\", fspath=str))
    found = Listing([r"data\sub\a.jpg", r"data\b.jpg"], [])
    monkeypatch.setattr(label_table, "list_images", lambda _: found)
    index = label_table._ImageIndex("data")
    for cell in ("sub/a.jpg", r"sub\a.jpg", "SUB/A", "a.jpg", "a"):
        assert index.find(cell) == r"data\sub\a.jpg"
    assert index.find("b.jpg") == r"data\b.jpg"


def test_split_and_group_are_read(folder):
    table = read(folder, "fname,labels,split,group\na.jpg,x y,train,1\n000005.png,,test,2\n")
    assert dict(zip(table.paths, zip(table.is_test, table.groups, strict=True), strict=True)) == {
        f"{folder}/a.jpg": (False, "1"),
        f"{folder}/000005.png": (True, "2"),
    }


@pytest.fixture
def long_table(folder):
    """As many rows of one kind as are looked at first."""
    lines = ["tt0151137,red,train"] * label_table.SAMPLE
    return "\n".join(["file,labels,split", *lines, ""])


def test_a_split_is_read_to_the_last_row(folder, long_table):
    table = read(folder, long_table + "a.jpg,blue,holdout\n000005.png,blue,train\n")
    assert dict(zip(table.paths, table.is_test, strict=True)) == {
        f"{folder}/a.jpg": True,
        f"{folder}/000005.png": False,
        f"{folder}/Images/tt0151137.JPG": False,
    }


def test_a_split_with_a_side_that_is_none_is_left_out_wherever_it_stands(folder, long_table):
    table = read(folder, long_table + "a.jpg,blue,monday\n")
    assert table.is_test == []
    assert "columns left out: split" in table.notes


def test_a_separator_is_found_wherever_it_stands(folder, long_table):
    table = read(folder, long_table + "a.jpg,red|dress,test\n")
    assert labels_of(table) == {"a.jpg": ("dress", "red"), "tt0151137.JPG": ("red",)}


def test_is_valid_is_a_split(folder):
    table = read(folder, "fname,labels,is_valid\n000005.png,x,True\na.jpg,x y,False\n")
    assert table.is_test == [True, False]


def test_what_is_missing_twice_or_outside_is_named(folder):
    rows = ["a.jpg,x", "a.jpg,x", "000005,x", "000005,y", "gone.jpg,x", "../../etc/passwd,x", "a"]
    table = read(folder, "\n".join(["file,labels", *rows]))
    assert labels_of(table) == {"a.jpg": ("x",)}
    reasons = [reason for _, reason in table.skipped]
    words = ("already", "with other labels", "no such image", "outside", "1 cells", "different")
    for word in words:
        assert any(word in reason for reason in reasons), word


def test_an_ambiguous_name_is_not_guessed(folder, tmp_path):
    for name in ("one/b.jpg", "two/b.jpg", "c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"-")
    table = read(tmp_path, "file,labels\nb,x\none/b,y\nc,z\n")
    assert sorted(table.labels) == [("y",), ("z",)]
    assert "may be" in table.skipped[0][1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "only\na\n",
        "file,labels\n",
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
