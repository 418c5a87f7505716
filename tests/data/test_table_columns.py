import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import LABEL_SETS, NAMES, by_name, labels_of, read, write_images

from pyimagesearch.data.table_columns import SAMPLE
from pyimagesearch.errors import UserError


@given(LABEL_SETS)
def test_columns_of_0_and_1_are_read_and_texts_beside_them_left_out(folder, label_sets):
    labels = ["clear", "haze", "Sci-Fi", "été"]
    lines = ["Id,Plot," + ",".join(labels)]
    for name, each in zip(NAMES, label_sets, strict=True):
        lines.append(f"{name},\"['x', 'y']\"," + ",".join(str(int(x in each)) for x in labels))
    table = read(folder, "\n".join(lines), "latin-1")
    assert sorted(labels_of(table).values()) == sorted(tuple(sorted(each)) for each in label_sets)
    assert "columns left out: Plot" in table.notes


@pytest.mark.parametrize("words", [("x", ""), ("X", ""), ("Y", "N"), ("y", "n"), ("yes", "No")])
def test_crosses_and_yes_and_no_are_read_as_0_and_1(folder, words):
    yes, no = words
    table = read(folder, f"image,cat,dog,cow\na,{yes},{yes},{no}\n000005,{no},{yes},{no}\n")
    assert labels_of(table) == {"a.jpg": ("cat", "dog"), "000005.png": ("dog",)}


def test_a_space_may_stand_behind_0_and_1(folder):
    table = read(folder, "image,cat,dog\na,1 ,0 \n000005,0,1\n")
    assert labels_of(table) == {"a.jpg": ("cat",), "000005.png": ("dog",)}


def test_letters_in_a_text_do_not_keep_crosses_from_being_read(folder):
    table = read(folder, "image,cat,dog,grade\na,x,,y\n000005,x,x,b\n")
    assert labels_of(table) == {"a.jpg": ("cat",), "000005.png": ("cat", "dog")}


@pytest.mark.parametrize(("yes", "no"), [("y", "n"), ("Y", "N")])
def test_an_empty_cell_among_yes_and_no_is_no(folder, yes, no):
    table = read(folder, f"image,cat,dog\na,{yes},{no}\n000005,,{yes}\n")
    assert labels_of(table) == {"a.jpg": ("cat",), "000005.png": ("dog",)}


def test_an_empty_column_called_class_does_not_hide_columns_of_0_and_1(folder):
    table = read(folder, "image,cat,dog,class\na,1,0,\n000005,1,1,\n")
    assert labels_of(table) == {"a.jpg": ("cat",), "000005.png": ("cat", "dog")}


def test_an_empty_column_is_no_label(folder):
    table = read(folder, "image,cat,dog,remarks\na,1,0,\n000005,0,1,\n")
    assert "columns left out: remarks" in table.notes


@pytest.mark.parametrize("cells", ["xx xx", "xx yx", "xy yx", "xn ny", "yy yy", "x1 0x"])
def test_letters_that_may_be_labels_are_no_0_and_1(folder, cells):
    one, other = (",".join(row) for row in cells.split())
    with pytest.raises(UserError, match="call only that one labels, or write 0 and 1"):
        read(folder, f"image,cat,dog\na,{one}\n000005,{other}\n")


def test_a_single_column_of_yes_and_no_holds_labels(folder):
    table = read(folder, "image,sold\na,Y\n000005,N\n")
    assert labels_of(table) == {"a.jpg": ("Y",), "000005.png": ("N",)}


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ("tags", "labels"),
        ("label_count", "labels"),
        ("class_id", "class_name"),
        ("Category Index", "category.text"),
        ("image_label", "Label"),
        ("colour", "main_genre"),
        ("colour", "label_score"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_the_title_that_says_more_surely_that_labels_are_below_it_is_taken(
    folder, worse, better, is_first
):
    titles, cells = ("better", "worse"), {"better": ("haze", "sun"), "worse": ("3", "4")}
    titles = titles if is_first else titles[::-1]
    lines = [f"image,{','.join({'better': better, 'worse': worse}[each] for each in titles)}"]
    for row, name in enumerate(("a.jpg", "000005.png")):
        lines.append(",".join([name, *(cells[each][row] for each in titles)]))
    table = read(folder, "\n".join(lines))
    assert labels_of(table) == {"a.jpg": ("haze",), "000005.png": ("sun",)}


@pytest.mark.parametrize("title", ["labels", "Tags", "class", "genre"])
@pytest.mark.parametrize("cells", [("haze", "sun"), ("0", "1"), ("yes", "no")])
def test_a_title_that_is_a_word_for_labels_comes_before_columns_of_0_and_1(folder, title, cells):
    rows = [f"image,blurry,{title},cropped", f"a.jpg,1,{cells[0]},0", f"000005,0,{cells[1]},1"]
    table = read(folder, "\n".join(rows))
    assert labels_of(table) == {"a.jpg": (cells[0],), "000005.png": (cells[1],)}


@pytest.mark.parametrize("title", ["Genre", "tags"])
def test_a_text_that_lists_the_titles_of_columns_of_0_and_1_is_left_out(folder, title):
    rows = [f"Id,{title},Drama,Sci-Fi,News", "a,\"['Drama', 'Sci-Fi']\",1,1,0"]
    table = read(folder, "\n".join([*rows, "000005,['Sci-Fi'],0,1,0"]))
    assert labels_of(table) == {"a.jpg": ("Drama", "Sci-Fi"), "000005.png": ("Sci-Fi",)}
    assert f"columns left out: {title}" in table.notes


def test_texts_that_are_left_out_may_share_a_title(folder):
    table = read(folder, "image,cat,dog,note,note\na,1,0,old,wet\n000005,0,1,new,dry\n")
    assert "columns left out: note, note" in table.notes


def test_a_title_that_ends_in_a_bracket_is_recognised_in_a_text(folder):
    rows = ["image,tags,cat,dog (big)", "a,cat|dog (big),1,1", "000005,dog (big),0,1"]
    table = read(folder, "\n".join(rows))
    assert labels_of(table) == {"a.jpg": ("cat", "dog (big)"), "000005.png": ("dog (big)",)}
    assert "columns left out: tags" in table.notes


@pytest.mark.parametrize(
    "rows",
    [
        ["image,labels,cat,dog", "a,cat dog,1,1", "000005,cat,1,0"],
        ["image,tags,cat,dog", "a,big cat,1,0", "000005,dog,0,1"],
        ["image,tags,cat,blurry,new", "a,cat,1,1,0", "000005,cat,1,0,1"],
        ["image,tags,cat,dog," + "n" * 9, "a,cat,1,0,2", *["000005,dog,0,1,1"] * 30],
    ],
    ids=["called labels", "lists another", "most are not listed", "a slip"],
)
def test_another_text_comes_before_columns_of_0_and_1(folder, rows):
    table = read(folder, "\n".join(rows))
    assert any("labels in the column " in note for note in table.notes)
    assert labels_of(table)["a.jpg"] == tuple(rows[1].split(",")[1].split())


@pytest.mark.parametrize("titles", ["tags,genre", "labels,Labels", "label_a,label_b", "a,b"])
def test_two_titles_that_say_so_equally_surely_are_refused(folder, titles):
    shown = titles.replace(",", ", ")
    with pytest.raises(UserError, match=rf"\({shown}\): call .* labels"):
        read(folder, f"image,{titles}\na.jpg,x,y\n")


@pytest.mark.parametrize("rest", ["split", "group", "", "Unnamed: 0"])
def test_a_table_without_a_column_that_may_hold_labels_is_refused(folder, rest):
    with pytest.raises(UserError, match=r"holds the labels \(none may\)"):
        read(folder, f"image,{rest}\na.jpg,train\n000005.png,test\n")


@pytest.mark.parametrize("title", ["label", "Class", "labels", "target"])
@pytest.mark.parametrize("cells", [("0", "1"), ("yes", "no"), ("-1", "1")])
def test_a_column_of_two_classes_holds_labels_if_its_title_is_a_word_for_them(folder, title, cells):
    table = read(folder, f"image,{title}\na.jpg,{cells[0]}\n000005.png,{cells[1]}\n")
    assert labels_of(table) == {"a.jpg": (cells[0],), "000005.png": (cells[1],)}


@pytest.mark.parametrize("title", ["cat", "is_label"])
def test_another_column_of_0_and_1_that_is_alone_is_refused(folder, title):
    with pytest.raises(UserError, match=f"column for each label.* called labels.*{title}"):
        read(folder, f"image,{title}\na.jpg,0\n000005.png,1\n")


def marked_rows(heading, *, odd, rows=40, others=("1", "0"), marks=("1", "0")):
    """Write a table whose first column after the images is 0 and 1, but for one cell."""
    marks = [*marks] * (rows // 2)
    marks[11] = odd
    lines = [f"{row}.jpg,{mark},{','.join(others)}" for row, mark in enumerate(marks)]
    return "\n".join([heading, *lines])


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    write_images(folder, [f"{number}.jpg" for number in range(40)])
    return folder


@pytest.mark.parametrize(
    ("heading", "others"),
    [
        ("image,cat,dog,cow", ("1", "0")),
        ("image,cat,dog", ("1",)),
        ("image,cat,dog,Plot", ("1", "A cat.")),
        ("image,cat,dog,cow,class_name", ("1", "0", "pets")),
    ],
    ids=["two others", "one other", "beside a text", "beside a title with others"],
)
@pytest.mark.parametrize("odd", ["2", "?", "NaN", "yes?"])
def test_an_odd_cell_among_0_and_1_is_refused_with_its_line_and_column(many, heading, others, odd):
    says = rf"column cat of .*t.csv says '{re.escape(odd)}' on line 13\b.* or marks: correct it"
    with pytest.raises(UserError, match=says):
        read(many, marked_rows(heading, odd=odd, others=others))


@pytest.mark.parametrize(
    ("heading", "others"),
    [
        ("image,label_cat,label_dog,label_cow", ("1", "0")),
        ("image,label_cat,label_dog", ("1",)),
        ("image,cat label,dog label,cow label", ("1", "0")),
    ],
)
def test_an_odd_cell_is_refused_where_all_titles_speak_of_labels(many, heading, others):
    with pytest.raises(UserError, match=r"cat.* says '2' on line 13"):
        read(many, marked_rows(heading, odd="2", others=others))


@pytest.mark.parametrize(
    ("heading", "others", "marks", "odd", "labels"),
    [
        ("image,verified,cat,dog", ("1", "0"), ("y", "n"), "?", {("cat",)}),
        ("image,kind,blurry", ("0",), ("x", "x"), "z", {("x",), ("z",)}),
        ("image,kind,blurry", ("0",), ("x", ""), "z", {("x",), ("z",), ()}),
    ],
)
def test_an_odd_cell_among_letters_that_are_no_marks_changes_nothing(
    many, heading, others, marks, odd, labels
):
    table = read(many, marked_rows(heading, odd=odd, others=others, marks=marks))
    assert set(labels_of(table).values()) == labels


def test_an_odd_cell_among_marks_is_refused(many):
    text = marked_rows("image,cat,dog,cow", odd="?", others=("y", "n"), marks=("y", "n"))
    with pytest.raises(UserError, match=r"column cat of .* says '\?' on line 13"):
        read(many, text)


def test_the_first_odd_cell_is_named_though_it_is_in_a_late_row(many):
    usual = ["3.jpg,1,0"] * 2 * SAMPLE
    rows = ["image,cat,dog", *usual, "4.jpg,2,1", "5.jpg,3,1", *usual, "6.jpg,4,1"]
    with pytest.raises(UserError, match=f"says '2' on line {2 * SAMPLE + 2}"):
        read(many, "\n".join(rows))


@pytest.mark.parametrize(
    ("heading", "others", "labels"),
    [
        ("image,persons,labels", ("haze",), ("haze",)),
        ("image,persons,class_name,blurry", ("haze", "0"), ("haze",)),
        ("image,label,blurry", ("0",), ("2",)),
        ("image,class_id,blurry", ("0",), ("2",)),
        ("image,class_count,label_a,label_b,label_text", ("1", "0", "haze"), ("label_a",)),
        ("image,rating", (), ("2",)),
    ],
)
def test_an_odd_cell_that_is_no_slip_changes_nothing(many, heading, others, labels):
    text = marked_rows(heading, odd="2", others=others).replace(",\n", "\n").rstrip(",")
    assert labels_of(read(many, text))["11.jpg"] == labels


def test_a_column_of_many_numbers_beside_0_and_1_is_left_out(many):
    rows = [f"{row}.jpg,{row % 2},{1 - row % 2},{row % 3}" for row in range(40)]
    table = read(many, "\n".join(["image,cat,dog,persons", *rows]))
    assert set(labels_of(table).values()) == {("cat",), ("dog",)}
    assert "columns left out: persons" in table.notes


@pytest.mark.parametrize("marks", ["01", "ny"])
def test_a_column_that_nearly_always_says_no_and_never_yes_is_left_out(many, marks):
    no, yes = marks
    rows = [f"{row}.jpg,{marks[row % 2]},{marks[1 - row % 2]},no" for row in range(39)]
    last = f"39.jpg,{yes},{no},a hidden face"
    table = read(many, "\n".join(["image,cat,dog,remarks", *rows, last]))
    assert "columns left out: remarks" in table.notes


def test_is_valid_is_a_split(folder):
    table = read(folder, "fname,labels,is_valid\n000005.png,x,True\na.jpg,x y,False\n")
    assert table.is_test == [True, False]


def test_an_is_valid_beside_a_split_is_left_out(folder):
    table = read(folder, "image,cat,dog,is_valid,split\na,1,0,1,train\n000005,0,1,0,test\n")
    assert labels_of(table) == {"a.jpg": ("cat",), "000005.png": ("dog",)}
    assert by_name(table, table.is_test) == {"a.jpg": False, "000005.png": True}


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


@given(NUMBERS, st.sampled_from(["", "Unnamed: 0", "row", "image"]), st.integers(9, 13))
def test_a_row_number_is_no_image_where_another_column_has_suffixes(
    numbered, names, title, highest
):
    names = [name if name < 11 else highest for name in names]  # one may name no file
    table = read(numbered, numbered_rows(f"{title},filename,labels", names, ".jpg"))
    assert all(labels == (f"is_{name[:-4]}",) for name, labels in labels_of(table).items())


def test_a_row_number_is_no_image_beside_a_column_in_which_only_some_have_suffixes(numbered):
    names = [f"{name}.jpg" if name % 2 else f"{name}" for name in range(1, 12)]
    table = read(numbered, numbered_rows("row,filename,labels", names))
    expected = {name.removesuffix(".jpg") + ".jpg": (f"is_{name}",) for name in names}
    assert labels_of(table) == expected


@given(NUMBERS, st.sampled_from(["", "Unnamed: 0"]))
def test_a_row_number_without_a_title_is_no_image_where_another_column_has_one(
    numbered, names, title
):
    table = read(numbered, numbered_rows(f"{title},id,labels", names))
    assert labels_of(table) == {f"{name}.jpg": (f"is_{name}",) for name in range(12)}


@pytest.mark.parametrize("shift", [1, 3])
def test_two_columns_that_name_different_images_are_refused(numbered, shift):
    text = numbered_rows("row,id,labels", range(shift, 12 + shift))
    with pytest.raises(UserError, match=r"not clear which column .* \(row, id\)"):
        read(numbered, text)


@pytest.mark.parametrize("title", ["image", "Image"])
def test_of_two_such_columns_the_one_called_image_is_taken(numbered, title):
    table = read(numbered, numbered_rows(f"row,{title},labels", range(1, 13)))
    assert labels_of(table) == {f"{name}.jpg": (f"is_{name}",) for name in range(1, 12)}


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_columns_that_name_the_same_images_the_one_that_names_more_is_taken(
    folder, is_first
):
    fewer, more = ("old", "./a.jpg", "gone/000005.png"), ("new", "a.jpg", "000005.png")
    columns = (more, fewer) if is_first else (fewer, more)
    table = read(folder, "\n".join(map(",".join, zip(*columns, ("labels", "x", "y"), strict=True))))
    assert labels_of(table) == {"a.jpg": ("x",), "000005.png": ("y",)}


def test_two_columns_that_name_different_images_in_a_late_row_are_refused(numbered):
    rows = ["row,id,labels", *["3,3,x"] * SAMPLE, "4,5 ,y"]
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
