import io

import cv2
import numpy as np
import pytest

from pyimagesearch import files
from pyimagesearch.errors import UserError
from pyimagesearch.inference import classification

LABELS = ["blue", "green", "red"]


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
    """Seventy-one images of a colour each, the eleventh of which cannot be read."""
    for number in range(71):
        image = np.full((20, 10, 3), (0, number, 200), np.uint8)
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), image)
    (tmp_path / "10.png").write_bytes(b"bad")
    return tmp_path


def test_every_file_is_answered_in_order_a_batch_at_a_time(folder):
    model = MeanColor()
    files = classification.expand([str(folder)])
    answers = list(classification.classify_files(model, LABELS, files))
    assert [answer.path for answer in answers] == files
    greens = [answer.probabilities["green"] for answer in answers if not answer.error]
    assert greens == pytest.approx([n / 255 for n in range(71) if n != 10])
    assert [answer.path for answer in answers if answer.error] == [str(folder / "10.png")]
    assert model.batches == [31, 32, 7]


def test_no_file_is_read_more_than_a_batch_ahead(folder, monkeypatch):
    read = []
    real = files.read_file
    monkeypatch.setattr(classification, "read_file", lambda path: read.append(path) or real(path))
    answers = classification.classify_files(
        MeanColor(), LABELS, classification.expand([str(folder)])
    )
    next(answers)
    answers.close()
    assert len(read) <= 2 * classification.BATCH_SIZE


def test_a_batch_of_unreadable_files_alone_is_answered(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"bad")
    files = [str(tmp_path / "bad.png"), str(tmp_path / "missing.png")]
    answers = list(classification.classify_files(MeanColor(), LABELS, files))
    assert [bool(answer.error) for answer in answers] == [True, True]


def test_the_likeliest_labels_come_first():
    probabilities = {"a": 0.2, "b": 0.9, "c": 0.6}
    assert classification.choose(probabilities, 2) == [("b", 0.9), ("c", 0.6)]
    assert classification.choose(probabilities, 9)[-1] == ("a", 0.2)


def test_all_labels_may_be_asked_for():
    assert classification.choose({"a": 0.2, "b": 0.9}, None) == [("b", 0.9), ("a", 0.2)]


def test_thresholds_take_the_place_of_a_number():
    probabilities = {"a": 0.2, "b": 0.9, "c": 0.6}
    same = classification.thresholds_of(0.6, "abc", {})
    assert classification.choose(probabilities, 1, same) == [("b", 0.9), ("c", 0.6)]
    by_label = {"a": 0.1, "b": 0.95, "c": 0.7}
    assert classification.choose(probabilities, 1, by_label) == [("a", 0.2)]


def test_thresholds_may_be_those_of_the_model_and_a_model_without_is_refused():
    stored = {"a": 0.3, "b": 0.6}
    assert classification.thresholds_of("auto", ["a", "b"], {"thresholds": stored}) == stored
    assert classification.thresholds_of(None, ["a", "b"], {"thresholds": stored}) is None
    with pytest.raises(UserError, match="no thresholds"):
        classification.thresholds_of("auto", ["a", "b"], {})


def test_an_address_is_refused_with_the_command_that_fetches_it():
    with pytest.raises(UserError, match=r"curl -LO https://example\.org/a\.jpg"):
        classification.expand(["https://example.org/a.jpg"])


def test_the_standard_input_is_an_image_that_can_be_read_twice(monkeypatch):
    data = cv2.imencode(".png", np.full((4, 4, 3), 255, np.uint8))[1].tobytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    classification._standard_input.cache_clear()
    assert classification.expand(["-"]) == ["-"]
    (answer,) = classification.classify_files(MeanColor(), LABELS, ["-"])
    assert answer.probabilities["red"] == 1
    assert classification.read("-") == data


def test_what_is_not_there_is_named(tmp_path):
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


def test_images_of_a_folder_keep_their_places(tmp_path):
    (tmp_path / "in" / "b").mkdir(parents=True)
    folder = str(tmp_path / "in")
    files = [f"{folder}/b/1.JPG", f"{folder}/b/1.png"]
    paths = classification.annotated_paths([folder], files, str(tmp_path / "out"))
    assert paths == [tmp_path / "out" / "b" / "1.JPG", tmp_path / "out" / "b" / "1.png.jpg"]


def test_several_images_need_a_folder(tmp_path):
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
def test_an_answer_says_whether_its_combination_was_trained(chosen, note):
    metadata = {"combinations": [["black", "jeans"]], "composed": [["black", "dress"]]}
    said = classification.combination_note(chosen, metadata)
    assert said is None if note is None else note in said


def test_nothing_is_said_of_a_model_that_does_not_tell():
    assert classification.combination_note(["black", "dress"], {}) is None
