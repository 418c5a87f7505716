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


def test_other_models_give_two():
    assert chosen(None, None, {}) == ["cat", "dog"]
