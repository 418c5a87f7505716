import os

import pytest

from pyimagesearch.data import folder_hints


def test_a_label_folder_given_as_the_data_set_is_met_with_the_folder_above(tmp_path):
    for name in ("blue_jeans", "red_dress", ".cache"):
        (tmp_path / "dataset" / name).mkdir(parents=True)
    (tmp_path / "dataset" / "notes.txt").touch()
    folder = tmp_path / "dataset" / "blue_jeans"
    assert folder_hints.layout_hint(folder) == (
        f" (did you mean {tmp_path / 'dataset'}, which holds 2 folders?)"
    )


def test_the_folder_above_is_named_for_dot_too(tmp_path, monkeypatch):
    for name in ("blue_jeans", "red_dress"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "blue_jeans")
    assert str(tmp_path) in folder_hints.layout_hint(os.curdir)


def test_a_folder_alone_is_no_label_folder(tmp_path):
    (tmp_path / "images").mkdir()
    assert folder_hints.layout_hint(tmp_path / "images") == ""


def test_label_folders_at_different_depths_are_called_out():
    paths = ["all/examples/1.jpg", "all/dataset/red_dress/1.jpg", "all/dataset/red_dress/2.jpg"]
    (line,) = folder_hints.depth_hints("all", paths)
    assert "is all/dataset the dataset" in line
    assert folder_hints.depth_hints("all/dataset", paths[1:]) == []


def test_a_label_folder_inside_another_is_not_taken_for_the_dataset():
    sound = ["all/red_dress/1.jpg", "all/blue_dress/2.jpg"]
    (line,) = folder_hints.depth_hints("all", [*sound, "all/blue_dress/more/3.jpg"])
    assert "such as all/blue_dress/more in all/blue_dress: " in line
    assert "meant" not in line
    assert folder_hints.depth_hints("all", sound) == []


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("Blue", "blue", "Blue and blue differ only in capitals and are"),
        ("dress", "dress ", "'dress' and 'dress ' differ only in spaces at their ends and are"),
        (
            "caf\u00e9",
            "cafe\u0301",
            "caf\u00e9 ('caf\\xe9') and cafe\u0301 ('cafe\\u0301') differ only in how accents are",
        ),
        ("Dress", " dress", "differ only in capitals and in spaces at their ends and are"),
        ("Caf\u00e9", "cafe\u0301", "differ only in capitals and in how accents are stored"),
        ("\u01f0", "j\u030c", "differ only in how accents are stored"),
    ],
)
def test_labels_that_look_alike_are_called_out_with_what_they_differ_in(one, other, told):
    (line,) = folder_hints.look_alike_hints([one, "jeans", other])
    assert told in line
    assert line.endswith("rename the folders if one was meant")


def test_labels_that_look_different_are_not_called_out():
    assert folder_hints.look_alike_hints(["blue", "dress", "cafe", "caf\u00e9"]) == []


def test_the_same_labels_in_another_order_are_called_out():
    pairs = [("black", "jeans"), ("red", "dress"), ("jeans", "black"), ("black", "jeans")]
    (line,) = folder_hints.order_hints(pairs)
    assert line.startswith("black_jeans and jeans_black are the same labels in another order")
    assert folder_hints.order_hints(pairs[:2]) == []
