import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import LABEL_SETS, NAMES, labels_of, read, write_images

from pyimagesearch.data.table_columns import SAMPLE
from pyimagesearch.errors import UserError


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


def test_is_valid_is_a_split(folder):
    table = read(folder, "fname,labels,is_valid\n000005.png,x,True\na.jpg,x y,False\n")
    assert table.is_test == [True, False]


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """Twelve files that are called images and have numbers for names."""
    folder = tmp_path_factory.mktemp("numbered")
    write_images(folder, [f"{number}.jpg" for number in range(12)])
    return folder


def numbered_rows(title, names, suffix=""):
    """Write a table with the number of each row before an image; labels tell the image."""
    rows = [f"{row},{name}{suffix},is_{name}" for row, name in enumerate(names)]
    return "\n".join([title, *rows])


NUMBERS = st.permutations(range(12))


@settings(deadline=None)
@given(NUMBERS, st.sampled_from(["", "Unnamed: 0", "row"]), st.integers(9, 13))
def test_a_row_number_is_no_image_where_another_column_has_suffixes(
    numbered, names, title, highest
):
    names = [name if name < 11 else highest for name in names]  # one may name no file
    table = read(numbered, numbered_rows(f"{title},filename,labels", names, ".jpg"))
    assert all(labels == (f"is_{name[:-4]}",) for name, labels in labels_of(table).items())


@settings(deadline=None)
@given(NUMBERS, st.sampled_from(["", "Unnamed: 0"]))
def test_a_row_number_without_a_title_is_no_image_where_another_column_has_one(
    numbered, names, title
):
    table = read(numbered, numbered_rows(f"{title},id,labels", names))
    assert labels_of(table) == {f"{name}.jpg": (f"is_{name}",) for name in range(12)}


@pytest.mark.parametrize("shift", [1, 3])
def test_two_columns_that_name_different_images_are_refused_in_one_line(numbered, shift):
    text = numbered_rows("row,id,labels", range(shift, 12 + shift))
    with pytest.raises(UserError, match=r"not clear which column .* \(row, id\)") as caught:
        read(numbered, text)
    assert "\n" not in str(caught.value)


def test_of_two_such_columns_the_one_called_image_is_taken(numbered):
    table = read(numbered, numbered_rows("row,image,labels", range(1, 13)))
    assert labels_of(table) == {f"{name}.jpg": (f"is_{name}",) for name in range(1, 12)}


def test_of_two_columns_that_name_the_same_images_the_one_that_names_more_is_taken(folder):
    rows = ["old,image,labels", "./a.jpg,a.jpg,x", "gone/000005.png,000005.png,y"]
    assert labels_of(read(folder, "\n".join(rows))) == {"a.jpg": ("x",), "000005.png": ("y",)}


def test_two_columns_that_name_different_images_in_a_late_row_are_refused(numbered):
    rows = ["row,id,labels", *["3,3,x"] * SAMPLE, "4,5,y"]
    with pytest.raises(UserError, match=r"not clear which column .* \(row, id\)"):
        read(numbered, "\n".join(rows))


def test_a_column_that_names_few_images_is_not_the_one(numbered):
    rows = [f"{name},{'3.jpg' if name == 5 else ''},is_{name}" for name in range(12)]
    table = read(numbered, "\n".join(["id,copy_of,labels", *rows]))
    assert labels_of(table) == {f"{name}.jpg": (f"is_{name}",) for name in range(12)}


def test_a_column_of_0_and_1_is_no_image_beside_two_others(numbered):
    table = read(numbered, "id,cat,dog\n0,1,1\n1,0,1\n2,0,0\n")
    assert labels_of(table) == {"0.jpg": ("cat", "dog"), "1.jpg": ("dog",), "2.jpg": ()}


def test_a_column_of_images_without_a_title_is_said_to_have_none(folder):
    table = read(folder, ",labels\na.jpg,x\n000005.png,y\n")
    assert "images in the column (no name)" in table.notes[0]
