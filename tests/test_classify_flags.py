"""What classify.py does with its flags: runs without a network, each flag with a value."""

import cv2
import numpy as np
import pytest
from recorder import record

import classify
from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.command_lines.classify import parse_arguments
from pyimagesearch.inference.backend import MANY_IMAGES
from pyimagesearch.inference.classification import Choice, Prediction
from pyimagesearch.inference.classifier import Classifier

# A flag, the function that it has to reach, and what arrives there as which argument.
ARRIVALS = [
    ("--image a.png b.png", "classify_files", "paths", ["a.png", "b.png"]),
    ("--image a.png b.png", "load_classifier", "images", 2),
    ("--model our.model", "load_classifier", "model", "our.model"),
    ("--labelbin our.pickle", "load_classifier", "labelbin", "our.pickle"),
    ("--device gpu", "load_classifier", "device", "gpu"),
    ("--top 3", "load_classifier", "top", 3),
    ("--threshold 0.3", "load_classifier", "threshold", 0.3),
    ("--reject 0.1", "load_classifier", "reject", 0.1),
    ("--reject 0.1", "classify_files", "reject", 0.1),
    ("--json", "reporter", "form", "json"),
    ("--explain maps", "output_paths", "output", "maps"),
]
CHOICE = Choice([("blue", 0.9)])
TRAINED = TrainedModel(lambda images: images, 24, 1, {"fit": "squeeze"})
LOADED = Classifier(TRAINED, ["blue"], lambda probabilities: CHOICE, [])
IMAGE = np.zeros((8, 8, 3), np.uint8)
INFERENCE = "pyimagesearch.inference"
CALLED = [f"{INFERENCE}.output_formats.reporter", f"{INFERENCE}.paths.output_paths"]
# What labels clips, shows images or draws heat maps has a value in its place.
NOT_CALLED = {
    f"{INFERENCE}.video.label_videos": 0,
    f"{INFERENCE}.window.show": True,
    "pyimagesearch.light_imports.import_numpy_for_threads": None,
    "pyimagesearch.reports.heat_maps.explainer": lambda prediction, labels: IMAGE,
}


@pytest.fixture
def classify_with(tmp_path, monkeypatch):
    """Return a function that classifies with flags and returns what functions were given."""

    def run(flags, loaded=LOADED):
        images = [path for path in ("a.png", "b.png") if path in flags]
        predictions = [Prediction(path, {"blue": 0.9}, None, IMAGE, IMAGE) for path in images]
        stand_ins = NOT_CALLED | {
            f"{INFERENCE}.classifier.load_classifier": loaded,
            f"{INFERENCE}.classification.classify_files": predictions,
        }
        with monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["classify.py", *flags.split()])
            calls = record(patch, [*CALLED, *stand_ins], stand_ins)
            assert classify.main() == 0
        return calls

    monkeypatch.chdir(tmp_path)
    for path in ("a.png", "b.png"):
        cv2.imwrite(path, IMAGE)
    return run


def test_each_flag_reaches_what_it_is_about(classify_with):
    calls = classify_with(" ".join(dict.fromkeys(flag for flag, *_ in ARRIVALS)))
    for _, function, argument, value in ARRIVALS:
        assert calls[function].arguments[argument] == value, argument


def test_heat_maps_are_of_the_network_and_of_images_as_it_was_trained_on_them(classify_with):
    calls = classify_with("--image a.png --model our.model --explain map.png")
    assert [*calls["explainer"].arguments.values()] == ["our.model", "squeeze"]


@pytest.mark.parametrize("platform", ["win32", "linux"])
def test_patterns_are_expanded_on_windows_whose_shells_leave_that_to_programs(
    tmp_path, monkeypatch, platform
):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.chdir(tmp_path)
    for name in ("b.png", "a.png", "a[1].png", "a1.png", "c.jpg"):
        (tmp_path / name).touch()
    given = ["*.png", "a[1].png", "*.gif", "camera:0", "-"]
    monkeypatch.setattr("sys.argv", ["classify.py", "--image", *given])
    expanded = ["a.png", "a1.png", "a[1].png", "b.png"] if platform == "win32" else ["*.png"]
    assert parse_arguments(None).image == [*expanded, "a[1].png", "*.gif", "camera:0", "-"]


@pytest.mark.parametrize("flag", ["", "--no-display"])
def test_one_image_or_clip_is_shown_in_a_window_unless_the_user_wants_none(classify_with, flag):
    assert ("show" in classify_with(f"--image a.png {flag}")) is (not flag)
    calls = classify_with(f"--image camera:0 {flag}")
    assert calls["label_videos"].arguments["shows_window"] is (not flag)


@pytest.mark.parametrize(("flag", "is_told"), [("", True), ("--json", False)])
def test_a_person_is_told_what_is_odd_about_the_labels_of_a_single_image(
    classify_with, capsys, flag, is_told
):
    note = "this combination was not in the training images (composed)"
    noted = LOADED._replace(choose=lambda probabilities: CHOICE._replace(note=note))
    classify_with(f"--image a.png {flag}", noted)
    assert (f"[INFO] {note}" in capsys.readouterr().out.splitlines()) is is_told


@pytest.mark.parametrize(("flag", "seconds"), [("", 60), ("--json", 1), ("--csv", 1)])
def test_of_labels_that_stay_a_person_hears_every_minute_and_a_program_every_second(
    classify_with, flag, seconds
):
    calls = classify_with(f"--image camera:0 {flag}")
    assert calls["label_videos"].arguments["every"] == seconds


def test_a_clip_is_classified_by_the_network_that_flags_name_as_many_images(classify_with):
    network = "--model our.model --device gpu --top 3 --threshold 0.3 --reject 0.1"
    calls = classify_with(f"--image camera:0 {network}")
    assert calls["load_classifier"].arguments == {
        "model": "our.model",
        "labelbin": None,
        "device": "gpu",
        "images": MANY_IMAGES,
        "top": 3,
        "threshold": 0.3,
        "reject": 0,  # frames are never called unknown
    }
