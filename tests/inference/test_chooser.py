import pytest

from pyimagesearch.inference.chooser import chooser

CLASSES = ["cat", "dog", "fox"]
FREE = {
    "labels": CLASSES,
    "free_labels": True,
    "thresholds": {"cat": 0.9, "dog": 0.2, "fox": 0.1},
}
LIKELY = {"cat": 0.8, "dog": 0.3, "fox": 0.25}


def chosen(top, threshold, metadata, probabilities=LIKELY):
    choose = chooser(top, threshold, classes=CLASSES, metadata=metadata)
    return [label for label, _ in choose(probabilities)]


def test_free_labels_are_those_above_their_thresholds():
    assert chosen(None, None, FREE) == ["dog", "fox"]


def test_at_least_the_likeliest_is_chosen():
    assert chosen(None, None, FREE, {"cat": 0.05, "dog": 0.04, "fox": 0.0}) == ["cat"]


def test_what_the_user_says_goes_first():
    assert chosen(1, None, FREE) == ["cat"]
    assert chosen("all", None, FREE) == ["cat", "dog", "fox"]
    assert chosen(None, 0.5, FREE) == ["cat"]


def test_models_that_do_not_say_what_they_were_trained_on_give_two():
    assert chosen(None, None, {}) == ["cat", "dog"]


OLD_DRESS = {"red": 0.7, "blue": 0.6, "dress": 0.5, "shirt": 0.4, "new": 0.1, "old": 0.3}


@pytest.mark.parametrize(
    ("combinations", "expected"),
    [
        ([["dress"], ["shirt"], ["red"], ["blue"], ["new"], ["old"]], ["red"]),
        ([["new", "red", "dress"], ["old", "blue", "shirt"]], ["red", "dress", "old"]),
        ([["new", "red", "dress"], ["red", "blue", "shirt"]], ["red", "blue", "dress"]),
        ([["red", "dress"], ["blue", "shirt"], ["old", "red", "dress"]], ["red", "blue"]),
        ([["dress"], ["shirt"], ["red", "dress"]], ["red"]),
        ([["old", "red", "dress"], ["red", "dress"]], ["red", "blue"]),
    ],
    ids=[
        "one part",
        "three parts",
        "parts that share a label: the likeliest",
        "names that differ in length: as many as most have",
        "most have one",
        "in doubt the fewer",
    ],
)
def test_by_default_an_image_gets_as_many_labels_as_folder_names_have_parts(combinations, expected):
    metadata = {"labels": list(OLD_DRESS), "combinations": combinations}
    assert chosen(None, None, metadata, OLD_DRESS) == expected


def test_of_as_many_labels_as_there_are_parts_each_is_the_likeliest_of_its_part():
    combinations = [["new", "red", "dress"], ["old", "blue", "shirt"]]
    metadata = {"labels": list(OLD_DRESS), "combinations": combinations}
    assert chosen(3, None, metadata, OLD_DRESS) == ["red", "dress", "old"]
    assert chosen(2, None, metadata, OLD_DRESS) == ["red", "blue"]
