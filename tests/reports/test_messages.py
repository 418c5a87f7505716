import pytest

from pyimagesearch.reports import messages

LABELS = [("black", "jeans"), ("blue", "dress"), ("blue", "jeans")]


def test_skipped_files_are_counted_and_the_first_few_named(make_dataset):
    skipped = [(f"d/blue_jeans/{n}.jpg", "the file is empty") for n in range(9)]
    images, files = messages.loaded_lines(make_dataset(LABELS, skipped=skipped))
    assert images.startswith("3 images")
    assert files.startswith("9 files skipped: d/blue_jeans/0.jpg (the file is empty), ")
    assert files.endswith("and 4 more")
    assert len(messages.loaded_lines(make_dataset(LABELS))) == 1


def test_classes_are_numbered_and_missing_combinations_named():
    classes, table, missing = messages.label_lines(LABELS, ["black", "blue", "dress", "jeans"])
    assert classes.splitlines() == ["class labels:", "1. black", "2. blue", "3. dress", "4. jeans"]
    assert "black" in table
    assert missing.startswith("no folder holds black dress:")


def test_nothing_is_called_missing_if_every_combination_has_images():
    assert len(messages.label_lines([*LABELS, ("black", "dress")], ["black"])) == 2


def test_copies_are_counted_and_contradictory_labels_named(make_dataset):
    count, contradiction = messages.duplicate_lines(make_dataset(LABELS, groups=[0, 1, 1]))
    assert count.startswith("1 images are copies")
    assert contradiction.endswith(": d/blue_dress/1.png, d/blue_jeans/2.png")


def test_all_that_is_known_about_a_dataset_is_said(make_dataset):
    dataset = make_dataset([*LABELS, ("Blue", "jeans")], groups=[0, 1, 2, 2])
    told = "\n".join(messages.dataset_lines("d", dataset))
    for part in ("4 images", "class labels", "only in capitals", "no folder holds", "copies"):
        assert part in told


def test_composed_combinations_are_named_if_images_were_asked_for():
    composed = [("black", "dress")] * 6 + [("red", "jeans")] * 6
    assert messages.composed_lines(2, composed, None) == [
        "12 images composed of black dress, red jeans, 4 for each epoch"
    ]
    assert messages.composed_lines(2, [], "because") == ["no images composed: because"]
    assert messages.composed_lines(0, [], "because") == []


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
