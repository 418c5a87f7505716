import os

import pytest

from pyimagesearch import files
from pyimagesearch.data import folders


@pytest.mark.parametrize(
    ("given", "meant"),
    [("Dataset", "dataset"), ("datasets", "dataset"), ("fashion.modl", "fashion.model")],
)
def test_a_slip_in_a_name_is_met_with_the_name_beside_it(tmp_path, given, meant):
    (tmp_path / "dataset").mkdir()
    (tmp_path / "fashion.model").touch()
    assert files.did_you_mean(tmp_path / given) == f" (did you mean {tmp_path / meant}?)"


def test_nothing_is_guessed_where_no_name_is_similar(tmp_path):
    (tmp_path / "dataset").mkdir()
    assert files.did_you_mean(tmp_path / "photographs") == ""
    assert files.did_you_mean(tmp_path / "missing" / "dataset") == ""


def test_a_label_folder_given_as_the_data_set_is_met_with_the_folder_above(tmp_path):
    for name in ("blue_jeans", "red_dress", ".cache"):
        (tmp_path / "dataset" / name).mkdir(parents=True)
    folder = tmp_path / "dataset" / "blue_jeans"
    assert folders.layout_hint(folder) == (
        f" (did you mean {tmp_path / 'dataset'}, which holds 2 folders?)"
    )


def test_the_folder_above_is_named_for_dot_too(tmp_path, monkeypatch):
    for name in ("blue_jeans", "red_dress"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "blue_jeans")
    assert str(tmp_path) in folders.layout_hint(os.curdir)


def test_a_folder_alone_is_no_label_folder(tmp_path):
    (tmp_path / "images").mkdir()
    assert folders.layout_hint(tmp_path / "images") == ""


def test_label_folders_at_different_depths_are_called_out():
    paths = ["all/examples/1.jpg", "all/dataset/red_dress/1.jpg", "all/dataset/red_dress/2.jpg"]
    (line,) = folders.depth_hints("all", paths)
    assert "is all/dataset the data set" in line
    assert folders.depth_hints("all/dataset", paths[1:]) == []


def test_labels_that_differ_in_capitals_are_called_out():
    (line,) = folders.capital_hints(["Blue", "blue", "dress"])
    assert "Blue and blue" in line
    assert folders.capital_hints(["blue", "dress"]) == []
