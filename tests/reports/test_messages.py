from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.data.batches import make_targets
from pyimagesearch.recoloring.color_part import ColorPart, Recoloring
from pyimagesearch.recoloring.composition import Composition
from pyimagesearch.reports import messages
from pyimagesearch.reports.training_report import Predictions, training_report

LABELS = [("black", "jeans"), ("blue", "dress"), ("blue", "jeans")]


def test_an_ended_run_can_be_continued_once_there_is_a_checkpoint():
    assert "--resume" in messages.ended_lines("SIGINT", epoch=2)[0]
    assert messages.ended_lines("SIGINT", epoch=1) == [
        "ended by SIGINT in epoch 1, before any checkpoint"
    ]
    (kept,) = messages.ended_lines("SIGINT", epoch=1, stays="a.model")
    assert kept.endswith(": a.model stays as it is")
    assert messages.ended_lines(None, epoch=2) == []


def test_skipped_files_are_counted_and_the_first_few_named(make_dataset):
    skipped = [(f"d/blue_jeans/{n}.jpg", "the file is empty") for n in range(9)]
    images, files = messages.loaded_lines(make_dataset(LABELS, skipped=skipped))
    assert images.startswith("3 images")
    assert files.startswith("9 files skipped: d/blue_jeans/0.jpg (the file is empty), ")
    assert files.endswith("and 4 more")
    assert len(messages.loaded_lines(make_dataset(LABELS))) == 1


def test_skipped_rows_of_a_table_are_counted_apart_from_files(make_dataset):
    dataset = make_dataset(LABELS, skipped=[("d/0.jpg", "the file is empty")])
    dataset = dataset._replace(skipped_rows=[("a.jpg (line 3 of t.csv)", "why")] * 2)
    _, files, rows = messages.loaded_lines(dataset)
    assert files == "1 file skipped: d/0.jpg (the file is empty)"
    assert rows.startswith("2 rows skipped: a.jpg (line 3 of t.csv) (why), ")


def test_classes_are_numbered_and_missing_combinations_named():
    classes, table, missing = messages.label_lines(LABELS, ["black", "blue", "dress", "jeans"])
    assert classes.splitlines() == ["class labels:", "1. black", "2. blue", "3. dress", "4. jeans"]
    assert "black" in table
    assert missing == "no folder holds black dress"


def test_nothing_is_called_missing_if_every_combination_has_images():
    assert len(messages.label_lines([*LABELS, ("black", "dress")], ["black"])) == 2


def test_copies_are_counted_and_contradictory_labels_named(make_dataset):
    count, contradiction = messages.duplicate_lines(make_dataset(LABELS, groups=[0, 1, 1]))
    assert count.startswith("1 copy of other images")
    assert contradiction.endswith(": d/blue_dress/1.png, d/blue_jeans/2.png")


def test_images_that_a_table_wants_trained_on_but_are_tested_on_are_counted(make_dataset):
    dataset, train, test = make_dataset(LABELS), np.array([0]), np.array([1, 2])
    sides = "1 image to train on, 2 to test on"
    assert messages.split_lines(dataset, train, test) == [sides]
    by_table = dataset._replace(is_test=np.array([False, True, True]))
    assert messages.split_lines(by_table, train, test) == [sides]
    copied = dataset._replace(is_test=np.array([False, False, True]))
    assert messages.split_lines(copied, train, test)[0] == sides
    assert messages.split_lines(copied, train, test)[1] == (
        "of those to test on, the table puts 1 on the training side, but copies and groups stay "
        "together"
    )


def test_all_that_is_known_about_a_dataset_is_said(make_dataset):
    dataset = make_dataset([*LABELS, ("Blue", "jeans")], groups=[0, 1, 2, 2])
    told = "\n".join(messages.dataset_lines("d", dataset))
    for part in ("4 images", "class labels", "only in capitals", "no folder holds", "1 copy"):
        assert part in told


def test_labels_of_a_table_that_look_alike_are_to_be_mended_in_its_cells(make_dataset):
    dataset = make_dataset([("Blue",), ("blue", "dress"), ("dress", "red")])
    told = "\n".join(messages.dataset_lines("d", dataset._replace(has_free_labels=True)))
    assert "Blue and blue differ only in capitals" in told
    assert "correct the cells of the table" in told


def test_folders_with_the_same_labels_in_another_order_are_named(make_dataset):
    told = "\n".join(messages.dataset_lines("d", make_dataset([*LABELS, ("jeans", "blue")])))
    assert "blue_jeans and jeans_blue are the same labels" in told


@pytest.mark.parametrize(
    ("labels", "has_free_labels", "told"),
    [
        ([("blue", "jeans"), ("red", "dress")], False, "likeliest of each part: 100.00%"),
        ([("new", "blue", "jeans"), ("old", "red", "dress")], False, "of each part: 100.00%"),
        ([("blue",), ("red",)], False, "all labels right: 50.00%, likeliest label right: 100.00%"),
        ([("blue",), ("red", "dress")], False, "all labels right: 50.00%"),
        ([("blue", "jeans"), ("red", "dress")], True, "macro F1"),
    ],
)
def test_the_results_are_those_that_suit_the_labels(make_dataset, labels, has_free_labels, told):
    dataset = make_dataset(labels)._replace(has_free_labels=has_free_labels)
    targets = make_targets(dataset.labels, dataset.classes).toarray()
    # No red is likely enough, but no other colour is likelier.
    likely = np.where(np.array(dataset.classes) == "red", 0.4, 0.9) * targets
    predictions = Predictions(np.arange(2), likely, targets)
    history = {"binary_accuracy": [0.5]}
    report = training_report({}, dataset, predictions, composed_labels=[], history=history)
    lines = messages.result_lines(report, predictions)
    assert lines[0] == "training accuracy: 50.00%"
    assert told in "\n".join(lines[1:3])
    assert ("of each part" in lines[1]) == ("of each part" in told)
    assert ("likeliest label" in lines[1]) == ("likeliest label" in told)


def composition_of(labels, reason=None):
    none = np.zeros(0, int)
    return Composition(np.zeros((0, 8, 8, 3), np.uint8), labels, none, none, reason)


FOUND = ColorPart((0.97, np.nan), (9, 0), is_hidden=False)


def test_composed_combinations_are_named_and_which_part_is_the_colour():
    composed = composition_of([("black", "dress")] * 6 + [("red", "jeans")] * 6)
    first = "composed 12 images of black dress, red jeans: 4 for each epoch"
    assert messages.composed_lines(Recoloring(2, 0), composed) == [first]
    lines = messages.composed_lines(Recoloring(2, 0, FOUND), composed)
    assert lines[0] == first
    assert "part 1 of the folders' names is taken for the colour" in lines[1]
    assert "colours alone tell" in lines[1]
    assert "--no-recolor" in lines[1]
    many = composition_of([("black", "dress")] * 6000)
    (line,) = messages.composed_lines(Recoloring(2000, 0), many)
    assert line == "composed 6,000 images of black dress: 2,000 for each epoch"


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ((0.984, 0.742), "98% for part 1, 74% for part 2)"),
        ((np.nan, 0.97), "none to compare for part 1, 97% for part 2)"),
        ((0.5, 0.97, np.nan), "50% for part 1, 97% for part 2, none to compare for part 3)"),
    ],
)
def test_each_part_is_told_apart_in_a_share_of_the_images_or_was_not_compared(shares, told):
    found = ColorPart(shares, (9,) * len(shares), is_hidden=False)
    composed = composition_of([("old", "red", "dress")] * 6)
    line = messages.composed_lines(Recoloring(2, 1, found), composed)[1]
    assert "part 2 of the folders' names is taken for the colour" in line
    assert f"colours alone tell the labels apart in this share of the images: {told}" in line


def test_it_is_said_why_nothing_was_composed():
    nothing = composition_of([])
    lines = messages.composed_lines(Recoloring(0, 0, reason="because"), nothing)
    assert lines == ["no images composed: because"]
    lines = messages.composed_lines(Recoloring(2, 0), composition_of([], "too small"))
    assert lines == ["no images composed: too small"]
    (line,) = messages.composed_lines(Recoloring(0, 0, FOUND, "no colour"), nothing)
    assert line.startswith("no images composed: no colour (colours alone")
    assert "--recolor-part" in line
    assert messages.composed_lines(Recoloring(0, 0), nothing) == []


def test_pairs_are_counted_in_a_table_with_dashes_for_those_without_images():
    assert messages.coverage_table([*LABELS, ("blue", "jeans")]).splitlines() == [
        "        dress   jeans",
        "black       -       1",
        "blue        1       2",
    ]


@pytest.mark.parametrize("other", [("red",), ("dark", "red", "shirt")])
def test_other_combinations_are_counted_in_a_line_each(other):
    lines = messages.coverage_table([*LABELS, other, other]).splitlines()
    counts = {tuple(words): int(count) for *words, count in map(str.split, lines)}
    assert counts == {**dict.fromkeys(LABELS, 1), other: 2}


def test_control_characters_in_labels_never_reach_the_terminal():
    hostile = [("\x1b[2J", "jeans"), ("blue\n", "dress"), ("blue\n", "jeans")]
    told = messages.label_lines(hostile, ["\x1b[2J", "blue\n", "dress", "jeans"])
    assert not {"\x1b", "\r"} & set("".join(told))
    assert "3. dress" in told[0].splitlines()


@pytest.mark.parametrize("folders", [50, 400, 2000])
def test_what_is_said_about_a_grown_dataset_stays_readable(make_dataset, folders):
    labels = [(f"first{n}", f"second{n}") for n in range(folders) for _ in range(1 + n % 7)]
    lines = "\n".join(messages.dataset_lines("d", make_dataset(labels))).splitlines()
    assert len(lines) < 150
    assert max(map(len, lines)) <= 200
    missing = f"and {folders**2 - folders - 5:,} more"
    assert any(missing in line for line in lines)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=300))
def test_no_coverage_table_is_longer_than_the_number_of_images_needs(pairs):
    labels = [(f"color{first}", f"type{second}") for first, second in pairs]
    lines = messages.coverage_table(labels).splitlines()
    assert len(lines) <= messages.MOST_LINES + 1
    assert all(len(line) <= messages.MOST_WIDTH for line in lines)


def test_of_many_combinations_the_largest_and_the_smallest_are_shown():
    labels = [(f"label{n}",) for n in range(1, 101) for _ in range(n)]
    lines = messages.coverage_table(labels).splitlines()
    assert lines[0].split() == ["label100", "100"]
    assert lines[-1].split() == ["label1", "1"]
    half = messages.MOST_LINES // 2
    assert lines[half] == f"... {100 - 2 * half} more"


def test_a_single_hint_or_label_that_is_not_shown_is_no_plural(make_dataset):
    most = 2 * messages.MOST_HINTS + 2
    labels = [("blue", "jeans"), ("red", "jeans")] * (most // 2)
    dataset = make_dataset(labels, groups=[n // 2 for n in range(most)])
    assert messages.duplicate_lines(dataset)[-1] == "1 more image has different labels"
    names = [f"label {n}" for n in range(messages.MOST_TOGETHER + 1)]
    table = messages.together_table([tuple(names)], Counter(names))
    assert table.splitlines()[-1] == "... 1 more label"


def test_labels_that_no_image_has_together_have_a_dash():
    labels = [("red", "dress"), ("red", "dress"), ("blue",)]
    table = messages.together_table(labels, Counter(label for each in labels for label in each))
    assert [row.split() for row in table.splitlines()] == [
        ["red", "dress", "blue"],
        ["red", "2", "2", "-"],
        ["dress", "2", "2", "-"],
        ["blue", "-", "-", "1"],
    ]


def test_of_many_contradictions_the_first_are_named_and_the_rest_counted(make_dataset):
    labels = [("blue", "jeans"), ("red", "jeans")] * 300
    groups = [n // 2 for n in range(600)]
    lines = messages.duplicate_lines(make_dataset(labels, groups=groups))
    assert len(lines) < 20
    assert lines[-1] == "290 more images have different labels"


def test_of_free_labels_those_that_occur_together_are_shown_and_none_is_missing(make_dataset):
    dataset = make_dataset([("a", "b"), ("a", "c"), (), ("b",)])._replace(
        has_free_labels=True, notes=["the table has a note"]
    )
    told = "\n".join(messages.dataset_lines("d", dataset))
    assert "1 image without any" in told
    assert "a       2       1       1" in told
    assert "the table has a note" in told
    assert "no folder holds" not in told


def test_of_thousands_of_free_labels_the_table_stays_small():
    labels = [(f"label {n:04}", f"label {n + 1:04}") for n in range(3000)]
    lines = "\n".join(messages.free_label_lines(labels, [f"label {n:04}" for n in range(3001)]))
    assert "... 2,989 more labels" in lines
    assert len(lines.splitlines()) < 70
    assert max(map(len, lines.splitlines())) <= messages.MOST_WIDTH


def test_labels_that_begin_alike_have_columns_of_their_own():
    labels = [(f"A very long label {n}",) for n in range(9)]
    table = messages.together_table(labels, Counter(label for each in labels for label in each))
    rows = table.splitlines()[1:]
    assert len({row[: messages.MOST_NAME] for row in rows}) == 9
    assert rows[0].startswith("A ver...el 0")
