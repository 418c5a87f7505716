import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from closed_folders import close_folder
from image_files import smooth_pixels

from pyimagesearch.data import decoding, folders, loading, split
from pyimagesearch.errors import UserError

PICTURE = smooth_pixels(3)


def as_png(image):
    return cv2.imencode(".png", image)[1].tobytes()


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def load_table(folder, text):
    """Load the images of a folder with the labels of a table."""
    (folder / "t.csv").write_text(text)
    return loading.load_dataset(folder, 16, label_table=folder / "t.csv")


def test_loads_in_order_and_names_what_it_skips(tmp_path):
    good = as_png(PICTURE)
    other = as_png(255 - PICTURE)
    write(tmp_path / "blue_jeans" / "0 ä 图.PNG", good)
    write(tmp_path / "blue_jeans" / "1.jpg", b"")
    write(tmp_path / "red_dress" / "2.jpg", b"not an image")
    write(tmp_path / "red_dress" / "3.png", other)
    write(tmp_path / "cover.png", good)
    os.mkfifo(tmp_path / "red_dress" / "4.png")
    (tmp_path / "red_dress" / "5.png").symlink_to("5.png")
    (tmp_path / "red_dress" / "6.png").symlink_to("/dev/zero")
    with (tmp_path / "red_dress" / "7.png").open("wb") as sparse:
        sparse.truncate(2**31)

    loaded = loading.load_dataset(tmp_path, 16)
    assert loaded.labels == [("blue", "jeans"), ("red", "dress")]
    np.testing.assert_array_equal(loaded.images[0], decoding.decode_image(good, 16))
    np.testing.assert_array_equal(loaded.images[1], decoding.decode_image(other, 16))
    assert [Path(path).name for path in loaded.paths] == ["0 ä 图.PNG", "3.png"]
    skipped = {Path(path).name: reason for path, reason in loaded.skipped}
    assert sorted(skipped) == ["1.jpg", "2.jpg", "4.png", "5.png", "6.png", "7.png", "cover.png"]
    assert "empty" in skipped["1.jpg"]
    assert "not an image" in skipped["2.jpg"]
    assert "regular" in skipped["4.png"]
    assert "larger" in skipped["7.png"]
    assert "label folder" in skipped["cover.png"]


def test_images_keep_their_places_when_many_before_them_are_skipped(tmp_path):
    for number in range(100):
        image = np.full((8, 8, 3), number, np.uint8)
        good = number % 3 == 0
        write(tmp_path / "a_b" / f"{number:03}.png", as_png(image) if good else b"bad")
    loaded = loading.load_images(folders.list_images(tmp_path).paths, 8)
    assert loaded.images[:, 0, 0, 0].tolist() == list(range(0, 100, 3))
    assert [int(Path(path).name[:3]) for path in loaded.paths] == list(range(0, 100, 3))
    assert len(loaded.skipped) == 66


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "no images"),
        ({"notes.txt": True}, "no images"),
        ({"0.png": True, "1.png": True}, "not in label folders"),
        (
            {"a_b/0.HEIC": False, "a_c/1.HEIC": False},
            "of 2 images .* none can be read; .* of a kind that is read",
        ),
        ({"blue_jeans/0.png": False}, "of 1 image below"),
        ({"blue_jeans/0.png": True, "more/blue_jeans/0.png": True}, "same labels"),
        ({"blue_jeans/0.png": True, "jeans_blue/0.png": True}, "same labels"),
        ({"blue/0.png": True, "_/0.png": True}, "same labels"),
        ({"_/0.png": True}, "not in label folders"),
    ],
)
def test_a_folder_that_cannot_be_learnt_from_ends_in_one_line(tmp_path, files, complaint):
    for name, is_readable in files.items():
        write(tmp_path / name, as_png(PICTURE) if is_readable else b"bad")
    with pytest.raises(UserError, match=complaint):
        loading.load_dataset(tmp_path, 16)


def test_a_table_whose_labels_are_all_empty_is_said_to_give_none(tmp_path):
    for name in ("0.png", "1.png"):
        write(tmp_path / name, as_png(PICTURE))
    with pytest.raises(UserError, match=r"t\.csv gives no image a label: .* empty or 0$"):
        load_table(tmp_path, "image,labels\n0.png,\n1.png,\n")


def test_a_table_must_not_give_all_images_the_same_labels(tmp_path):
    for name in ("0.png", "1.png"):
        write(tmp_path / name, as_png(PICTURE))
    with pytest.raises(
        UserError, match=r"same labels \(x\), .*: give some images other labels in .*t\.csv"
    ):
        load_table(tmp_path, "image,labels\n0.png,x\n1.png,x\n")


def test_a_table_with_one_label_alone_is_refused(tmp_path):
    for name in ("0.png", "1.png"):
        write(tmp_path / name, as_png(PICTURE))
    with pytest.raises(UserError, match=r"the only label in .*t\.csv is x:"):
        load_table(tmp_path, "image,labels\n0.png,x\n1.png,\n")


def load_nine(folder, column, cells):
    """Load nine different images, of which 3.png cannot be read, with a column of a table."""
    random, rows = np.random.default_rng(0), []
    for number, cell in enumerate(cells):
        image = random.integers(0, 256, (16, 16, 3), np.uint8)
        write(folder / f"{number}.png", b"bad" if number == 3 else as_png(image))
        rows.append(f"{number}.png,{'xy'[number % 2]},{cell}\n")
    loaded = load_table(folder, f"image,labels,{column}\n{''.join(rows)}")
    assert len(set(loaded.groups)) == len(loaded.paths) == 8
    return loaded


def names_tested_on(loaded):
    _, test = split.split_dataset(loaded, test_size=0.3, seed=0)
    return {Path(loaded.paths[index]).name for index in test}


def test_images_after_an_unreadable_one_are_on_the_side_that_the_table_gives_them(tmp_path):
    sides = ["train", "test", "train", "test", "test", "train", "test", "train", "train"]
    loaded = load_nine(tmp_path, "split", sides)
    assert names_tested_on(loaded) == {"1.png", "4.png", "6.png"}


def test_images_after_an_unreadable_one_stay_with_the_group_that_the_table_gives_them(tmp_path):
    loaded = load_nine(tmp_path, "group", ["a", "", "", "b", "a", "a", "a", "", "a"])
    assert loaded.together.tolist() == loaded.together[[0, 1, 2, 0, 0, 0, 6, 0]].tolist()
    together = {"0.png", "4.png", "5.png", "6.png", "8.png"}
    assert names_tested_on(loaded) & together in (set(), together)


def test_rows_of_a_table_that_are_left_out_are_kept_apart_from_files(tmp_path):
    write(tmp_path / "0.png", as_png(PICTURE))
    write(tmp_path / "1.png", b"bad")
    write(tmp_path / "2.png", as_png(255 - PICTURE))
    loaded = load_table(tmp_path, "image,labels\n0.png,x\n1.png,y\n2.png,y\n0.png,x\n")
    assert [Path(path).name for path, _ in loaded.skipped] == ["1.png"]
    assert [reason for _, reason in loaded.skipped_rows] == ["it is on line 2 already"]


def test_a_folder_that_cannot_be_opened_is_listed_with_what_is_missing(tmp_path, monkeypatch):
    for name in ("blue_jeans", "red_dress", "red_shirt"):
        (tmp_path / name).mkdir()
        cv2.imwrite(f"{tmp_path}/{name}/1.png", np.zeros((4, 4, 3), np.uint8))
    close_folder(monkeypatch, "red_shirt")
    loaded = loading.load_dataset(tmp_path, 16)
    reason = "a folder that cannot be opened: Permission denied"
    assert loaded.skipped == [(f"{tmp_path}/red_shirt", reason)]
    assert set(loaded.labels) == {("blue", "jeans"), ("red", "dress")}
