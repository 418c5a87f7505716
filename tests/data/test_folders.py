import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import write_images
from unnumbered_files import number_no_files

from pyimagesearch.data import folders
from pyimagesearch.errors import UserError


def test_labels_are_the_parts_of_the_folders_name():
    assert folders.folder_labels("data/blue_jeans/0.jpg") == ("blue", "jeans")
    assert folders.folder_labels("data/jeans/0.jpg") == ("jeans",)
    assert folders.folder_labels("data/dark_blue_jeans/0.jpg") == ("dark", "blue", "jeans")
    assert folders.folder_labels("data/синие_джинсы/0.jpg") == ("синие", "джинсы")
    assert folders.folder_labels("data/_blue__jeans_/0.jpg") == ("blue", "jeans")
    assert folders.folder_labels("data/new_york_new_york/0.jpg") == ("new", "york")
    assert folders.folder_labels("data/__/0.jpg") == ()


def test_lists_images_of_all_suffixes_sorted_and_nothing_hidden(tmp_path):
    names = ("b/1.JPG", "b/2.gif", "a/3.webp", "a/4.tIfF", "a/5.jpe", "a/6.HEIC", "a/notes.txt")
    write_images(tmp_path, [*names, ".cache/6.png", "a/.7.png", "a/.thumbnails/8.png"])
    (tmp_path / "a" / "folder.png").mkdir()
    listed = [os.path.relpath(path, tmp_path) for path in folders.list_images(tmp_path).paths]
    assert listed == ["a/3.webp", "a/4.tIfF", "a/5.jpe", "a/6.HEIC", "b/1.JPG", "b/2.gif"]


def test_a_dataset_below_a_hidden_folder_is_found(tmp_path):
    write_images(tmp_path, [".data/blue_jeans/1.png"])
    assert len(folders.list_images(tmp_path / ".data").paths) == 1


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        folders.list_images(tmp_path / "nowhere")


def test_missing_combinations_are_those_no_image_has():
    present = [("black", "jeans"), ("blue", "dress"), ("blue", "jeans")]
    assert folders.missing_combinations(present) == [("black", "dress")]
    assert folders.missing_combinations([*present, ("black", "dress")]) == []


def test_a_label_in_both_parts_is_not_missing_beside_itself():
    present = [("red", "rose"), ("rose", "shirt")]
    assert folders.missing_combinations(present) == [("red", "shirt")]
    assert folders.count_missing_combinations(present) == 1


def test_a_combination_is_not_missing_if_a_folder_has_its_labels_in_another_order():
    present = [("blue", "jeans"), ("jeans", "red"), ("red", "dress")]
    assert folders.missing_combinations(present) == [
        ("blue", "dress"),
        ("blue", "red"),
        ("jeans", "dress"),
    ]
    assert folders.count_missing_combinations(present) == 3


@given(st.sets(st.permutations("abcd").map(lambda letters: tuple(letters[:2])), min_size=1))
def test_missing_combinations_are_counted_as_they_are_listed(present):
    missing = folders.missing_combinations(present)
    assert folders.count_missing_combinations(present) == len(missing)
    assert len(set(map(frozenset, missing))) == len(missing)
    assert not set(map(frozenset, missing)) & set(map(frozenset, present))


def test_labels_in_another_order_are_one_combination_named_as_the_first():
    labels = [("blue", "jeans"), ("red", "dress"), ("jeans", "blue"), ("blue", "jeans")]
    assert folders.in_one_order(labels) == [
        ("blue", "jeans"),
        ("red", "dress"),
        ("blue", "jeans"),
        ("blue", "jeans"),
    ]


@pytest.mark.parametrize("labels", [("jeans",), ("dark", "blue", "jeans")])
def test_names_of_one_or_three_parts_have_no_missing_combinations(labels):
    assert folders.missing_combinations([labels, ("red", "dress")]) == []
    assert folders.count_missing_combinations([labels, ("red", "dress")]) == 0


def test_links_to_folders_and_files_are_followed_and_each_real_file_is_listed_once(tmp_path):
    dataset, store = tmp_path / "dataset", tmp_path / "store"
    write_images(tmp_path, ["dataset/blue_jeans/0.jpg", "store/1.jpg", "store/2.jpg", "3.jpg"])
    (dataset / "red_dress").symlink_to(store)
    (dataset / "red_gown").symlink_to(store)
    (dataset / "blue_jeans" / "again.jpg").symlink_to(dataset / "blue_jeans" / "0.jpg")
    (dataset / "blue_jeans" / "elsewhere.jpg").symlink_to(tmp_path / "3.jpg")
    link = tmp_path / "link"
    link.symlink_to(dataset)

    paths, skipped, _ = folders.list_images(link)
    assert [str(Path(path).relative_to(link)) for path in paths] == [
        "blue_jeans/0.jpg",
        "blue_jeans/elsewhere.jpg",
        "red_dress/1.jpg",
        "red_dress/2.jpg",
    ]
    assert [str(Path(path).relative_to(link)) for path, _ in skipped] == [
        "blue_jeans/again.jpg",
        "red_gown",
    ]


def test_a_loop_of_links_ends_and_is_named(tmp_path):
    write_images(tmp_path, ["blue_jeans/0.jpg"])
    (tmp_path / "blue_jeans" / "loop").symlink_to(tmp_path)
    (tmp_path / "blue_jeans" / "self.jpg").symlink_to("self.jpg")
    paths, skipped, _ = folders.list_images(tmp_path)
    # A link to itself is listed, so that reading it gives the reason.
    assert [Path(path).name for path in paths] == ["0.jpg", "self.jpg"]
    assert skipped == [
        (str(tmp_path / "blue_jeans" / "loop"), f"it is the folder {tmp_path} once more")
    ]


def test_on_a_drive_that_numbers_no_files_each_folder_is_listed(tmp_path, monkeypatch):
    write_images(tmp_path, ["blue_jeans/0.jpg", "red_dress/0.jpg"])
    (tmp_path / "red_dress" / "loop").symlink_to(tmp_path)
    number_no_files(monkeypatch)
    paths, skipped, _ = folders.list_images(tmp_path)
    assert [Path(path).parent.name for path in paths] == ["blue_jeans", "red_dress"]
    assert [Path(path).name for path, _ in skipped] == ["loop"]


def test_missing_combinations_are_counted_and_listed_without_making_them_all():
    labels = [(f"color{number}", f"type{number}") for number in range(3000)]
    assert folders.count_missing_combinations(labels) == 3000 * 3000 - 3000
    assert folders.missing_combinations(labels, most=2) == [
        ("color0", "type1"),
        ("color0", "type10"),
    ]


def test_the_positions_of_each_key_are_sorted_and_the_first_key_comes_first():
    positions = folders.positions_of(iter(["red", "blue", "red", "red", "green", "blue"]))
    assert list(positions.items()) == [("red", [0, 2, 3]), ("blue", [1, 5]), ("green", [4])]
