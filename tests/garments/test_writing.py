from pathlib import Path

import cv2
import numpy as np
import pytest

from pyimagesearch.errors import UserError
from pyimagesearch.garments import writing
from pyimagesearch.garments.writing import write_dataset, write_examples

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ["black_jeans", "blue_dress", "blue_jeans", "blue_shirt", "red_dress", "red_shirt"]
MOST_BYTES = 5_000_000


def test_a_dataset_has_a_folder_for_each_combination_with_the_given_number_of_images(tmp_path):
    write_dataset(tmp_path / "set", [("black", "dress"), ("red", "jeans")], 3, seed=1, size=40)
    written = sorted(path.relative_to(tmp_path / "set") for path in tmp_path.rglob("*.jpg"))
    names = ["00000000.jpg", "00000001.jpg", "00000002.jpg"]
    assert written == [Path(f) / n for f in ("black_dress", "red_jeans") for n in names]
    assert all(max(cv2.imread(str(tmp_path / "set" / path)).shape) == 40 for path in written)


def test_an_image_depends_on_the_seed_and_its_number_but_not_on_other_folders(tmp_path):
    pair, other = ("red", "dress"), ("blue", "jeans")
    write_dataset(tmp_path / "a", [pair], 2, seed=5, size=40)
    write_dataset(tmp_path / "b", [other, pair], 1, seed=5, size=40)
    write_dataset(tmp_path / "c", [pair], 1, seed=6, size=40)
    first = Path("red_dress", "00000000.jpg")
    a, b, c = ((tmp_path / folder / first).read_bytes() for folder in "abc")
    assert a == b != c
    assert a != (tmp_path / "a" / "red_dress" / "00000001.jpg").read_bytes()


def test_progress_sees_every_image_and_their_number(tmp_path):
    seen = []

    def progress(items, total):
        seen.append(total)
        for item in items:
            yield item
            seen.append(len(list(tmp_path.rglob("*.jpg"))))

    write_dataset(tmp_path, [("red", "dress"), ("blue", "jeans")], 2, size=16, progress=progress)
    assert seen == [4, 1, 2, 3, 4]


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        write_dataset(tmp_path, per_combination=1)
    with pytest.raises(UserError, match="not empty"):
        write_examples(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_made_is_named_in_the_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    for folder in (tmp_path / "file" / "set", tmp_path / "file"):
        with pytest.raises(UserError, match=f"cannot use {folder} as the output folder"):
            write_dataset(folder, per_combination=1)


def test_the_shipped_dataset_is_small_and_complete():
    folders = sorted(path for path in (ROOT / "dataset").iterdir() if path.is_dir())
    assert [folder.name for folder in folders] == FOLDERS
    assert all(len(list(folder.glob("*.jpg"))) == writing.DATASET_IMAGES for folder in folders)
    assert sum(path.stat().st_size for path in (ROOT / "dataset").rglob("*")) < MOST_BYTES


def test_the_default_arguments_draw_the_shipped_images(tmp_path):
    write_dataset(tmp_path / "dataset", per_combination=2)
    write_examples(tmp_path / "examples")
    drawn = sorted(tmp_path.rglob("*.jpg"))
    assert len(drawn) == 12 + 7
    for path in drawn:
        expected = cv2.imread(str(path)).astype(float)
        shipped = cv2.imread(str(ROOT / path.relative_to(tmp_path)))
        assert shipped.shape == expected.shape
        # JPEG encoders may differ a little from machine to machine.
        assert np.abs(shipped - expected).mean() < 2


def test_the_documented_commands_use_the_default_numbers_and_seeds():
    count, seed = writing.DATASET_IMAGES, writing.DATASET_SEED
    assert f"--output dataset --per-combination {count} --seed {seed}" in writing.__doc__
    assert f"--examples examples --seed {writing.EXAMPLES_SEED}" in writing.__doc__


def test_no_example_is_a_training_image():
    def small(path):
        image = cv2.resize(cv2.imread(str(path)), (24, 24), interpolation=cv2.INTER_AREA)
        return image.astype(np.float32)

    training = np.stack([small(path) for path in sorted((ROOT / "dataset").rglob("*.jpg"))])
    examples = sorted((ROOT / "examples").glob("*.jpg"))
    assert [path.name for path in examples] == [f"example_{i:02}.jpg" for i in range(1, 8)]
    for path in examples:
        assert np.abs(training - small(path)).mean(axis=(1, 2, 3)).min() > 5
