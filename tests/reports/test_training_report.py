import json

import numpy as np
import pytest

from pyimagesearch.artifacts.label_choice import chooser
from pyimagesearch.reports import training_report

CLASSES = ["blue", "dress", "jeans", "red"]
LABELS = [("blue", "jeans"), ("red", "dress"), ("blue", "jeans"), ("red", "dress")]
PATHS = ["d/blue_jeans/0.png", "d/red_dress/0.png", "d/blue_jeans/1.png", "d/red_dress/1.png"]


def report_of(dataset, predictions):
    history = {"loss": [1.0]}
    return training_report.training_report(
        {}, dataset, predictions, composed_labels=[], history=history
    )


@pytest.fixture
def predictions():
    targets = np.array([[1, 0, 1, 0], [0, 1, 0, 1]], np.float32)
    probabilities = np.array([[0.9, 0.1, 0.8, 0.2], [0.8, 0.9, 0.1, 0.3]], np.float32)
    return training_report.Predictions(np.array([2, 3]), probabilities, targets)


@pytest.fixture
def report(make_dataset, predictions):
    skipped = [("d/blue_jeans/x.jpg", "not an image")]
    dataset = make_dataset(LABELS, paths=PATHS, groups=[0, 1, 1, 2], skipped=skipped)
    dataset = dataset._replace(notes=("3 images are not in the table",))
    composed, history = [("blue", "dress")] * 3, {"loss": [0.5, 0.25]}
    return training_report.training_report(
        {"epochs": 2}, dataset, predictions, composed_labels=composed, history=history
    )


def test_everything_is_written_as_json(report, tmp_path):
    training_report.write(tmp_path / "report.json", report)
    read = json.loads((tmp_path / "report.json").read_text())
    assert read["settings"] == {"epochs": 2}
    assert read["images"] == {"training": 2, "composed": 3, "test": 2}
    assert read["skipped"] == [{"path": "d/blue_jeans/x.jpg", "reason": "not an image"}]
    assert read["notes"] == ["3 images are not in the table"]
    assert read["duplicates"] == 1
    assert read["contradictions"] == [["d/red_dress/0.png", "d/blue_jeans/1.png"]]
    assert read["labels"] == CLASSES
    assert read["coverage"][0] == {"combination": ["blue", "jeans"], "images": 2}
    assert read["coverage_count"] == 2
    assert read["missing"] == [["blue", "dress"], ["red", "jeans"]]
    assert read["history"] == {"loss": [0.5, 0.25]}
    assert read["test_accuracies"] == {"binary": 6 / 8, "exact": 1 / 2, "likeliest": 1 / 2}
    assert read["label_scores"]["red"]["recall"] == 0
    assert "keras" in read["versions"]


def test_composed_combinations_are_listed_once_and_in_order(make_dataset, predictions):
    composed = [(color, "dress") for color in "hgfedcba"] * 2
    report = training_report.training_report(
        {}, make_dataset(LABELS), predictions, composed_labels=composed, history={}
    )
    assert report["composed"] == [(color, "dress") for color in "abcdefgh"]


def test_with_free_labels_no_combination_is_missing_and_they_have_scores_of_their_own(
    make_dataset, predictions
):
    report = report_of(make_dataset(LABELS)._replace(has_free_labels=True), predictions)
    assert (report["missing"], report["missing_count"]) == ([], 0)
    scores = {"binary", "exact", "micro_f1", "macro_f1", "mean_average_precision"}
    assert set(report["test_accuracies"]) == scores


def test_what_the_report_counts_as_right_is_what_classification_chooses(make_dataset):
    labels = [("new", "red", "dress"), ("old", "blue", "jeans")]
    dataset = make_dataset(labels)
    targets = np.array([[0, 1, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0]], np.float32)
    two_colors, wrong_age = [0.8, 0.4, 0.2, 0.3, 0.1, 0.9], [0.9, 0.1, 0.8, 0.7, 0.6, 0.2]
    probabilities = np.array([two_colors, wrong_age], np.float32)
    tested = training_report.Predictions(np.arange(2), probabilities, targets)
    report = report_of(dataset, tested)
    metadata = training_report.model_metadata(report)
    choose = chooser(None, None, classes=dataset.classes, metadata=metadata)
    chosen = [
        {label for label, _ in choose(dict(zip(dataset.classes, row, strict=True)))}
        for row in probabilities.tolist()
    ]
    is_right = [found == set(own) for found, own in zip(chosen, labels, strict=True)]
    assert report["test_accuracies"]["likeliest"] == np.mean(is_right) == 1 / 2


def test_the_worst_image_comes_first_with_its_predicted_probabilities(report):
    assert [error["path"] for error in report["worst"]] == ["d/red_dress/1.png", PATHS[2]]
    worst = report["worst"][0]
    assert worst["labels"] == ("red", "dress")
    assert worst["probabilities"]["red"] == pytest.approx(0.3)
    assert worst["loss"] > report["worst"][1]["loss"] > 0


def test_no_more_images_are_called_the_worst_than_fit_into_a_picture(predictions, monkeypatch):
    monkeypatch.setattr(training_report, "WORST_IMAGES", 1)
    assert len(training_report.worst_rows(predictions)) == 1


def test_the_model_file_gets_what_classification_needs_and_no_paths(report):
    metadata = training_report.model_metadata(report)
    assert metadata["labels"] == CLASSES
    assert metadata["combinations"] == [("blue", "jeans"), ("red", "dress")]
    assert metadata["composed"] == [("blue", "dress")]
    assert metadata["image_size"] == 8
    assert set(metadata["thresholds"]) == set(CLASSES)
    assert ".png" not in json.dumps(metadata)


def test_without_a_path_no_report_is_written(report, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    training_report.write(None, report)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("has_free_labels", "listed"), [(True, 1000), (False, 1500)])
def test_of_many_combinations_of_free_labels_the_most_frequent_are_listed_and_all_counted(
    make_dataset, predictions, has_free_labels, listed
):
    labels = [(f"label{n:04}",) for n in range(1500)] + [("label1499",), ("label1498",)]
    dataset = make_dataset(labels)._replace(classes=CLASSES, has_free_labels=has_free_labels)
    report = report_of(dataset, predictions)
    assert len(report["coverage"]) == listed
    assert report["coverage"][-1] == {"combination": ("label1499",), "images": 2}
    assert report["coverage_count"] == 1500


def test_of_many_missing_combinations_the_first_are_listed_and_all_counted(
    make_dataset, predictions
):
    labels = [(f"color{n:04}", f"type{n:04}") for n in range(2000)]
    report = report_of(make_dataset(labels)._replace(classes=CLASSES), predictions)
    assert report["missing"][0] == ("color0000", "type0001")
    assert len(report["missing"]) == training_report.MOST_MISSING
    assert report["missing_count"] == 2000 * 2000 - 2000


def test_the_report_names_each_package_as_it_is_called_where_it_is_installed(tmp_path, monkeypatch):
    for name in ("opencv_python_headless", "numpy"):
        folder = tmp_path / f"{name}-5.1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: {name.replace('_', '-')}\nVersion: 5.1\n")
        (folder / "top_level.txt").write_text("cv2\n" if "opencv" in name else "numpy\n")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    found = training_report._versions()
    assert found == {"numpy": "5.1", "opencv-python-headless": "5.1"}
