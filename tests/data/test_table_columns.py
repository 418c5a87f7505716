from hypothesis import given, settings
from tables import LABEL_SETS, NAMES, labels_of, read


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
