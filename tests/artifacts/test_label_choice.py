import pytest

from pyimagesearch.artifacts import label_choice
from pyimagesearch.artifacts.label_choice import chooser
from pyimagesearch.errors import UserError

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


@pytest.mark.parametrize("top", [0, -1, "-1", "some", float("inf")])
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_fewer_labels_than_one_are_refused(top, threshold):
    with pytest.raises(ValueError, match=f"^top is {top!r}, but must be at least 1"):
        chosen(top, threshold, {})


@pytest.mark.parametrize("threshold", [-0.1, 1.01, 50, float("nan"), "50", "often"])
def test_a_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises(ValueError, match=f"^threshold is {threshold!r}, but must be from 0 to 1"):
        chosen(None, threshold, {})


def test_models_that_do_not_say_what_they_were_trained_on_give_two():
    assert chosen(None, None, {}) == ["cat", "dog"]


OLD_DRESS = {"red": 0.7, "blue": 0.6, "dress": 0.5, "shirt": 0.4, "new": 0.1, "old": 0.3}


@pytest.mark.parametrize(
    ("combinations", "expected"),
    [
        ([["dress"], ["shirt"], ["red"], ["blue"], ["new"], ["old"]], ["red"]),
        ([["new", "red", "dress"], ["old", "blue", "shirt"]], ["old", "red", "dress"]),
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
    assert chosen(3, None, metadata, OLD_DRESS) == ["old", "red", "dress"]
    assert chosen(2, None, metadata, OLD_DRESS) == ["red", "blue"]


def test_the_likeliest_labels_come_first():
    probabilities = {"a": 0.2, "b": 0.9, "c": 0.6}
    assert label_choice.choose(probabilities, 2) == [("b", 0.9), ("c", 0.6)]
    assert label_choice.choose(probabilities, 9)[-1] == ("a", 0.2)


def test_all_labels_can_be_chosen():
    assert label_choice.choose({"a": 0.2, "b": 0.9}, None) == [("b", 0.9), ("a", 0.2)]


def test_thresholds_replace_the_number_of_labels():
    probabilities = {"a": 0.2, "b": 0.9, "c": 0.6}
    same = label_choice.thresholds_of(0.6, "abc", {})
    assert label_choice.choose(probabilities, 1, same) == [("b", 0.9), ("c", 0.6)]
    by_label = {"a": 0.1, "b": 0.95, "c": 0.7}
    assert label_choice.choose(probabilities, 1, by_label) == [("a", 0.2)]


def test_thresholds_can_come_from_the_model_if_it_has_any():
    stored = {"a": 0.3, "b": 0.6}
    assert label_choice.thresholds_of("auto", ["a", "b"], {"thresholds": stored}) == stored
    assert label_choice.thresholds_of(None, ["a", "b"], {"thresholds": stored}) is None
    with pytest.raises(UserError, match="no thresholds"):
        label_choice.thresholds_of("auto", ["a", "b"], {})


COMBINATIONS = [["black", "jeans"], ["red", "dress"]]
FOUR_LABELS = ["black", "dress", "jeans", "red"]


def test_an_image_gets_one_label_of_each_part():
    parts = label_choice.label_parts({"labels": FOUR_LABELS, "combinations": COMBINATIONS})
    probabilities = {"black": 0.9, "dress": 0.1, "jeans": 0.2, "red": 0.8}
    chosen = label_choice.choose(probabilities, 2, parts=parts)
    assert chosen == [("black", 0.9), ("jeans", 0.2)]
    assert label_choice.choose(probabilities, 3, parts=parts)[1] == ("red", 0.8)
    assert label_choice.choose(probabilities, 1, parts=parts) == [("black", 0.9)]


def test_a_combination_is_called_the_same_whichever_label_is_likelier():
    parts = label_choice.label_parts({"labels": FOUR_LABELS, "combinations": COMBINATIONS})
    for likely in ({"black": 0.8, "jeans": 0.9}, {"black": 0.9, "jeans": 0.8}):
        probabilities = {"dress": 0.1, "red": 0.2, **likely}
        chosen = label_choice.choose(probabilities, 2, parts=parts)
        assert chosen == [("black", likely["black"]), ("jeans", likely["jeans"])]


@pytest.mark.parametrize(
    ("combinations", "parts"),
    [
        ([["black"], ["dress"], ["jeans"], ["red"]], [{"black", "dress", "jeans", "red"}]),
        (COMBINATIONS, [{"black", "red"}, {"dress", "jeans"}]),
        (
            [["red", "dress", "black"], ["red", "jeans", "black"]],
            [{"red"}, {"dress", "jeans"}, {"black"}],
        ),
    ],
    ids=["one part", "two parts", "three parts"],
)
def test_the_labels_of_each_part_exclude_each_other(combinations, parts):
    metadata = {"labels": FOUR_LABELS, "combinations": combinations}
    assert label_choice.label_parts(metadata) == parts


@pytest.mark.parametrize(
    "other",
    [
        {"combinations": []},
        {"combinations": [["black", "jeans"], ["red", "black"], ["red", "dress"]]},
        {"combinations": [["black", "jeans"], ["red", "dress", "jeans"]]},
        {"labels": [*FOUR_LABELS, "shirt"]},
        {"free_labels": True},
    ],
    ids=[
        *("no combination", "a label of both parts", "names of two lengths", "a label of no part"),
        "free labels",
    ],
)
def test_labels_that_do_not_come_in_parts_do_not_exclude_each_other(other):
    metadata = {"labels": FOUR_LABELS, "combinations": COMBINATIONS} | other
    assert label_choice.label_parts(metadata) == []


def test_nothing_is_chosen_of_an_image_that_cannot_be_read():
    assert label_choice.choose({}, 2, parts=[{"black", "red"}, {"dress", "jeans"}]) == []


def test_a_model_that_says_nothing_has_no_parts():
    assert label_choice.label_parts({}) == []
