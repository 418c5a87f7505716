import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch import files
from pyimagesearch.errors import UserError
from pyimagesearch.inference import classification

CLASSES = ["blue", "green", "red"]


class MeanColor:
    """Stands in for a network: the probability of a label is how much of its colour there is."""

    input_shape = (None, 8, 8, 3)

    def __init__(self):
        self.batches = []

    def predict_on_batch(self, images):
        self.batches.append(len(images))
        return images.mean(axis=(1, 2))


@pytest.fixture
def folder(tmp_path):
    """Seventy-one images of one colour each; the eleventh cannot be read."""
    for number in range(71):
        image = np.full((20, 10, 3), (0, number, 200), np.uint8)
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), image)
    (tmp_path / "10.png").write_bytes(b"bad")
    return tmp_path


@pytest.fixture
def reads(monkeypatch):
    """The files that are read, in order."""
    paths = []
    real = files.read_file
    monkeypatch.setattr(classification, "read_file", lambda path: paths.append(path) or real(path))
    return paths


def test_every_file_is_classified_in_order_a_batch_at_a_time(folder):
    model = MeanColor()
    paths = classification.expand([str(folder)])
    predictions = list(classification.classify_files(model, CLASSES, paths))
    assert [prediction.path for prediction in predictions] == paths
    greens = [each.probabilities["green"] for each in predictions if not each.error]
    assert greens == pytest.approx([n / 255 for n in range(71) if n != 10])
    assert [each.path for each in predictions if each.error] == [str(folder / "10.png")]
    assert all(each.image is None for each in predictions)
    assert model.batches == [31, 32, 7]


def test_no_file_is_read_more_than_a_batch_ahead(folder, reads):
    paths = classification.expand([str(folder)])
    predictions = classification.classify_files(MeanColor(), CLASSES, paths)
    next(predictions)
    predictions.close()
    assert len(reads) <= 2 * classification.BATCH_SIZE


def test_no_file_is_classified_without_paths():
    assert list(classification.classify_files(MeanColor(), CLASSES, [])) == []


def test_a_batch_of_nothing_but_unreadable_files_has_a_prediction_for_each(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"bad")
    paths = [str(tmp_path / "bad.png"), str(tmp_path / "missing.png")]
    predictions = list(classification.classify_files(MeanColor(), CLASSES, paths))
    assert [bool(prediction.error) for prediction in predictions] == [True, True]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_image_that_is_kept_is_read_once_and_gets_the_same_prediction(tmp_path, reads, suffix):
    path = str(tmp_path / f"image{suffix}")
    smooth = np.linspace(0, 255, 96 * 64 * 3).reshape(96, 64, 3).astype(np.uint8)
    cv2.imwrite(path, smooth)
    (plain,) = classification.classify_files(MeanColor(), CLASSES, [path])
    reads.clear()
    (kept,) = classification.classify_files(MeanColor(), CLASSES, [path], keep=lambda image: image)
    assert reads == [path]
    assert kept.image.shape == smooth.shape
    level = 1 / 255
    assert kept.probabilities == pytest.approx(plain.probabilities, abs=level)


def test_the_likeliest_labels_come_first():
    probabilities = {"a": 0.2, "b": 0.9, "c": 0.6}
    assert classification.choose(probabilities, 2) == [("b", 0.9), ("c", 0.6)]
    assert classification.choose(probabilities, 9)[-1] == ("a", 0.2)


def test_all_labels_can_be_chosen():
    assert classification.choose({"a": 0.2, "b": 0.9}, None) == [("b", 0.9), ("a", 0.2)]


def test_thresholds_replace_the_number_of_labels():
    probabilities = {"a": 0.2, "b": 0.9, "c": 0.6}
    same = classification.thresholds_of(0.6, "abc", {})
    assert classification.choose(probabilities, 1, same) == [("b", 0.9), ("c", 0.6)]
    by_label = {"a": 0.1, "b": 0.95, "c": 0.7}
    assert classification.choose(probabilities, 1, by_label) == [("a", 0.2)]


def test_thresholds_can_come_from_the_model_if_it_has_any():
    stored = {"a": 0.3, "b": 0.6}
    assert classification.thresholds_of("auto", ["a", "b"], {"thresholds": stored}) == stored
    assert classification.thresholds_of(None, ["a", "b"], {"thresholds": stored}) is None
    with pytest.raises(UserError, match="no thresholds"):
        classification.thresholds_of("auto", ["a", "b"], {})


def test_an_address_is_refused_with_the_command_to_fetch_it():
    with pytest.raises(UserError, match=r"curl -LO https://example\.org/a\.jpg"):
        classification.expand(["https://example.org/a.jpg"])


def test_the_standard_input_is_classified(monkeypatch):
    data = cv2.imencode(".png", np.full((4, 4, 3), 255, np.uint8))[1].tobytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert classification.expand(["-"]) == ["-"]
    (prediction,) = classification.classify_files(MeanColor(), CLASSES, ["-"])
    assert prediction.probabilities["red"] == 1


@pytest.mark.parametrize("stdin", [None, io.TextIOWrapper(io.BytesIO())])
def test_a_closed_or_empty_standard_input_is_an_unreadable_file(monkeypatch, stdin):
    monkeypatch.setattr("sys.stdin", stdin)
    (prediction,) = classification.classify_files(MeanColor(), CLASSES, ["-"])
    assert "nothing on the standard input" in prediction.error


def test_the_standard_input_cannot_be_given_twice():
    with pytest.raises(UserError, match="only once"):
        classification.expand(["-", "-"])


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no image .*missing"):
        classification.expand([str(tmp_path / "missing.png")])
    with pytest.raises(UserError, match="no images below"):
        classification.expand([str(tmp_path / "empty")])


def test_one_image_is_annotated_to_a_file_or_into_a_folder(tmp_path):
    inputs = ["in/a.png"]
    assert classification.annotated_paths(inputs, inputs, None) == [None]
    out = str(tmp_path / "out.jpg")
    assert [str(path) for path in classification.annotated_paths(inputs, inputs, out)] == [out]
    into = classification.annotated_paths(inputs, inputs, str(tmp_path))
    assert into == [tmp_path / "a.png.jpg"]


def test_annotated_images_keep_their_places_below_the_folder(tmp_path):
    (tmp_path / "in" / "b").mkdir(parents=True)
    folder = str(tmp_path / "in")
    paths = [f"{folder}/b/1.JPG", f"{folder}/b/1.png"]
    outputs = classification.annotated_paths([folder], paths, str(tmp_path / "out"))
    assert outputs == [tmp_path / "out" / "b" / "1.JPG", tmp_path / "out" / "b" / "1.png.jpg"]


def test_several_images_cannot_be_annotated_into_one_file(tmp_path):
    (tmp_path / "out.jpg").touch()
    with pytest.raises(UserError, match="folder"):
        classification.annotated_paths(["a", "b"], ["a", "b"], str(tmp_path / "out.jpg"))


@pytest.mark.parametrize(
    ("chosen", "note"),
    [
        (["jeans", "black"], None),
        (["dress", "black"], "composed"),
        (["red", "jeans"], "never trained"),
        (["black"], None),
        ([], None),
    ],
)
def test_a_combination_that_was_never_shown_gets_a_note(chosen, note):
    metadata = {"combinations": [["black", "jeans"]], "composed": [["black", "dress"]]}
    known = classification.known_combinations(metadata)
    said = classification.combination_note(chosen, known)
    assert said is None if note is None else note in said


def test_without_metadata_there_is_no_note():
    known = classification.known_combinations({})
    assert classification.combination_note(["black", "dress"], known) is None


def test_an_annotated_image_never_replaces_an_image_that_is_classified(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"precious")
    (tmp_path / "link").symlink_to("photos")
    photos, photo = str(tmp_path / "photos"), str(tmp_path / "photos" / "a.jpg")
    for inputs, output in [
        ([photos], photos),
        ([photos], str(tmp_path / "link")),
        ([photo], photos),
        ([photo], photo),
        ([str(tmp_path)], str(tmp_path)),
    ]:
        with pytest.raises(UserError, match="itself an image to classify"):
            classification.annotated_paths(inputs, [photo], output)


def test_no_two_images_are_annotated_into_one_file(tmp_path):
    for paths in (["a/x.jpg", "b/x.jpg"], ["a/x.png", "a/x.png.jpg"]):
        with pytest.raises(UserError, match=f"{paths[0]} and {paths[1]} would both be written"):
            classification.annotated_paths(paths, paths, str(tmp_path))


def test_an_image_that_is_given_twice_is_annotated_twice(tmp_path):
    outputs = classification.annotated_paths(["a.jpg"] * 2, ["a.jpg"] * 2, str(tmp_path))
    assert outputs == [tmp_path / "a.jpg"] * 2


FOLDERS = st.lists(st.sampled_from(["a", "b", "out", "..", "."]), max_size=3)
NAMES = st.sampled_from(["x.jpg", "x.JPG", "x.png", "x.png.jpg", "x"])


@given(st.lists(st.builds(lambda folders, name: "/".join([*folders, name]), FOLDERS, NAMES)))
def test_annotated_images_go_to_places_of_their_own_below_the_output(inputs):
    try:
        outputs = classification.annotated_paths(inputs, inputs, "/nowhere/out")
    except UserError:
        return
    sources = {}
    for path, output in zip(inputs, outputs, strict=True):
        assert os.path.realpath(output).startswith("/nowhere/out")
        assert sources.setdefault(os.path.realpath(output), path) == path


def png_header(width, height):
    """A PNG file that claims a size and holds no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.slow
def test_a_huge_image_that_can_be_classified_can_be_drawn_and_one_that_cannot_is_one_failed_file(
    tmp_path,
):
    large, bomb, small = (str(tmp_path / name) for name in ("large.jpg", "bomb.png", "small.jpg"))
    cv2.imwrite(large, np.zeros((8200, 8400, 3), np.uint8))
    Path(bomb).write_bytes(png_header(30000, 30000))
    cv2.imwrite(small, np.zeros((20, 20, 3), np.uint8))
    paths = [large, bomb, small]
    for keep in (None, lambda image: image[:400, :400]):
        predictions = classification.classify_files(MeanColor(), CLASSES, paths, keep=keep)
        assert [bool(each.error) for each in predictions] == [False, True, False]
