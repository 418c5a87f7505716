import numpy as np

from pyimagesearch.data.loading import LabelledImages
from pyimagesearch.reports import messages

LABELS = [("black", "jeans"), ("blue", "dress"), ("blue", "jeans")]
PATHS = ["d/black_jeans/0.png", "d/blue_dress/1.png", "d/blue_jeans/2.png"]


def loaded(skipped=()):
    return LabelledImages(np.zeros((3, 8, 8, 3), np.uint8), PATHS, LABELS, list(skipped))


def test_skipped_files_are_counted_and_the_first_few_named():
    skipped = [(f"d/blue_jeans/{n}.jpg", "the file is empty") for n in range(9)]
    images, files = messages.loaded_lines(loaded(skipped))
    assert images.startswith("3 images")
    assert files.startswith("9 files skipped: d/blue_jeans/0.jpg (the file is empty), ")
    assert files.endswith("and 4 more")
    assert len(messages.loaded_lines(loaded())) == 1


def test_labels_are_numbered_and_what_is_missing_called_out():
    classes, table, missing = messages.label_lines(LABELS, ["black", "blue", "dress", "jeans"])
    assert classes.splitlines() == ["class labels:", "1. black", "2. blue", "3. dress", "4. jeans"]
    assert "black" in table
    assert "black dress" in missing


def test_nothing_is_called_missing_where_nothing_is():
    assert len(messages.label_lines([*LABELS, ("black", "dress")], ["black"])) == 2


def test_copies_are_counted_and_contradictions_named():
    count, contradiction = messages.duplicate_lines(np.array([0, 1, 1]), loaded())
    assert count.startswith("1 images are copies")
    assert contradiction.endswith(": d/blue_dress/1.png, d/blue_jeans/2.png")


def test_what_was_composed_is_said_where_it_was_asked_for():
    composed = [("black", "dress")] * 6 + [("red", "jeans")] * 6
    assert messages.composed_lines(2, composed, None) == [
        "12 images composed of black dress, red jeans, 4 for each epoch"
    ]
    assert messages.composed_lines(2, [], "because") == ["no images composed: because"]
    assert messages.composed_lines(0, [], "because") == []
