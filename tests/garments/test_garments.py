import subprocess
import sys
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest

from pyimagesearch.console import run
from pyimagesearch.errors import UserError
from pyimagesearch.garments import __main__, people, scenes, writing
from pyimagesearch.garments.jeans import jeans
from pyimagesearch.garments.painting import View, paint

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ["black_jeans", "blue_dress", "blue_jeans", "blue_shirt", "red_dress", "red_shirt"]
EVERY_PAIR = list(product(("black", "blue", "red"), scenes.KINDS))
MOST_BYTES = 5_000_000


def draw(color="red", kind="dress", seed=0, size=96):
    return scenes.draw_garment(color, kind, np.random.default_rng(seed), size)


@pytest.fixture
def command(monkeypatch, capfd):
    """Call the command in this process; return its exit code, its output and its complaints."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["garments.py", *map(str, arguments)])
        try:
            code = run(__main__.main)
        except SystemExit as left:
            code = left.code
        return code, *capfd.readouterr()

    return call


@pytest.mark.parametrize(("color", "kind"), EVERY_PAIR)
def test_the_same_seed_draws_the_same_image_and_another_seed_another(color, kind):
    first = draw(color, kind, seed=3)
    assert np.array_equal(first, draw(color, kind, seed=3))
    assert not np.array_equal(first, draw(color, kind, seed=4))


@pytest.mark.parametrize("size", [16, 96, 200])
@pytest.mark.parametrize(("color", "kind"), EVERY_PAIR)
def test_images_are_bgr_bytes_with_the_wanted_longest_side(color, kind, size):
    for seed in range(5):
        image = draw(color, kind, seed, size)
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3
        assert max(image.shape) == size


@pytest.mark.parametrize(("color", "kind"), EVERY_PAIR)
def test_the_garment_has_the_wanted_color(color, kind):
    for seed in range(30):
        rng = np.random.default_rng(seed)
        image, mask = scenes.draw_garment_and_mask(color, kind, rng, 128)
        assert mask.shape == image.shape[:2]
        blue, green, red = np.median(image[mask > 200], axis=0)
        if color == "black":
            assert max(blue, green, red) < 130
            assert max(blue, green, red) - min(blue, green, red) < 40
        elif color == "blue":
            assert blue > red + 8
        else:
            assert red > max(blue, green) + 20


@pytest.mark.parametrize(("color", "kind"), EVERY_PAIR)
def test_the_garment_fills_a_fair_part_of_the_image(color, kind):
    shares = []
    for seed in range(30):
        _, mask = scenes.draw_garment_and_mask(color, kind, np.random.default_rng(seed), 96)
        shares.append((mask > 127).mean())
    assert min(shares) > 0.02
    assert 0.1 < np.mean(shares) < 0.8


@pytest.mark.parametrize("height", [0.6, 0.7])
def test_the_legs_of_jeans_are_told_apart_even_where_they_touch(height):
    view, pixels = View(-0.25, 0.0, 0.5, 1.0), 400
    for seed in range(40):
        rng = np.random.default_rng(seed)
        layers = jeans(people.laid_out("jeans", False, rng), (120, 70, 40), True, rng)
        backdrop = np.full((pixels, pixels // 2, 3), 255, np.float32)
        row = paint(layers, backdrop, view, rng)[1][int(height * pixels)]
        cloth = np.flatnonzero(row == 255)
        assert row[cloth[0] : cloth[-1]].min() < 128, seed


@pytest.mark.parametrize(("color", "kind"), [("mauve", "dress"), ("red", "hat")])
def test_an_unknown_color_or_kind_is_refused_by_name(color, kind):
    with pytest.raises(ValueError, match=r"mauve|hat"):
        draw(color, kind)


def test_a_data_set_has_a_folder_a_combination_and_the_files_asked_for(tmp_path):
    combinations = [("black", "dress"), ("red", "jeans")]
    writing.write_dataset(tmp_path / "set", combinations, per_combination=3, seed=1, size=40)
    written = sorted(path.relative_to(tmp_path / "set") for path in tmp_path.rglob("*.jpg"))
    names = ["00000000.jpg", "00000001.jpg", "00000002.jpg"]
    assert written == [Path(f) / n for f in ("black_dress", "red_jeans") for n in names]
    assert all(max(cv2.imread(str(tmp_path / "set" / path)).shape) == 40 for path in written)


def test_what_a_folder_holds_depends_on_the_seed_and_not_on_the_other_folders(tmp_path):
    pair, other = ("red", "dress"), ("blue", "jeans")
    writing.write_dataset(tmp_path / "a", [pair], 2, seed=5, size=40)
    writing.write_dataset(tmp_path / "b", [other, pair], 1, seed=5, size=40)
    writing.write_dataset(tmp_path / "c", [pair], 1, seed=6, size=40)
    first = Path("red_dress", "00000000.jpg")
    a, b, c = ((tmp_path / folder / first).read_bytes() for folder in "abc")
    assert a == b != c
    assert a != (tmp_path / "a" / "red_dress" / "00000001.jpg").read_bytes()


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        writing.write_dataset(tmp_path, per_combination=1)
    with pytest.raises(UserError, match="not empty"):
        writing.write_examples(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UserError, match="file"):
        writing.write_dataset(tmp_path / "file" / "set", per_combination=1)
    with pytest.raises(UserError, match="file"):
        writing.write_dataset(tmp_path / "file", per_combination=1)


def test_the_command_writes_the_six_folders(tmp_path):
    output = tmp_path / "dataset"
    options = ["--output", output, "--per-combination", "2", "--seed", "9", "--size", "48"]
    done = subprocess.run(
        [sys.executable, "-m", "pyimagesearch.garments", *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert sorted(path.name for path in output.iterdir()) == FOLDERS
    assert [len(list(path.iterdir())) for path in output.iterdir()] == [2] * 6
    writing.write_dataset(tmp_path / "same", per_combination=2, seed=9, size=48)
    for path in output.rglob("*.jpg"):
        assert path.read_bytes() == (tmp_path / "same" / path.relative_to(output)).read_bytes()


def test_the_command_writes_the_examples(command, tmp_path):
    code, output, complaints = command("--examples", tmp_path / "x", "--seed", 3, "--size", 32)
    assert (code, complaints) == (0, "")
    assert "7 examples" in output
    assert len(list((tmp_path / "x").glob("example_0?.jpg"))) == 7


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--output"),
        (("--output", "x", "--per-combination", "none"), "'none'"),
        (("--output", "x", "--per-combination", "0"), "'0'"),
        (("--output", "x", "--seed", "-1"), "'-1'"),
        (("--output", "x", "--size", "3"), "'3'"),
        (("--output", "x", "--examples", "y"), "--examples"),
        (("--output", ROOT), "not empty"),
        (("--output", ROOT / "pyproject.toml" / "x"), "pyproject.toml"),
    ],
)
def test_what_the_command_cannot_do_is_said_in_one_line(command, arguments, told):
    code, output, complaints = command(*arguments)
    assert (code, output) == (2, "")
    assert len(complaints.splitlines()) == 1
    assert told in complaints


def test_help_names_every_option(command):
    code, output, _ = command("--help")
    assert code == 0
    for option in ("--output", "--examples", "--per-combination", "--seed", "--size"):
        assert option in output


def test_the_shipped_data_set_is_small_and_complete():
    folders = sorted(path for path in (ROOT / "dataset").iterdir() if path.is_dir())
    assert [folder.name for folder in folders] == FOLDERS
    assert all(len(list(folder.glob("*.jpg"))) == writing.DATASET_IMAGES for folder in folders)
    assert sum(path.stat().st_size for path in (ROOT / "dataset").rglob("*")) < MOST_BYTES


def test_the_shipped_images_are_what_the_documented_commands_draw(tmp_path):
    # JPEG encoders may differ by a little from one machine to the next.
    writing.write_dataset(tmp_path / "dataset", per_combination=2, seed=writing.DATASET_SEED)
    writing.write_examples(tmp_path / "examples", seed=writing.EXAMPLES_SEED)
    drawn = sorted(tmp_path.rglob("*.jpg"))
    assert len(drawn) == 12 + 7
    for path in drawn:
        expected = cv2.imread(str(path)).astype(float)
        shipped = cv2.imread(str(ROOT / path.relative_to(tmp_path)))
        assert shipped.shape == expected.shape
        assert np.abs(shipped - expected).mean() < 2


def test_the_documented_commands_are_those_of_the_shipped_images():
    count, seed = writing.DATASET_IMAGES, writing.DATASET_SEED
    assert f"--output dataset --per-combination {count} --seed {seed}" in scenes.__doc__
    assert f"--examples examples --seed {writing.EXAMPLES_SEED}" in scenes.__doc__


def test_no_example_is_a_training_image():
    def small(path):
        image = cv2.resize(cv2.imread(str(path)), (24, 24), interpolation=cv2.INTER_AREA)
        return image.astype(np.float32)

    training = np.stack([small(path) for path in sorted((ROOT / "dataset").rglob("*.jpg"))])
    examples = sorted((ROOT / "examples").glob("*.jpg"))
    assert [path.name for path in examples] == [f"example_{i:02}.jpg" for i in range(1, 8)]
    for path in examples:
        assert np.abs(training - small(path)).mean(axis=(1, 2, 3)).min() > 5
