import pytest

from pyimagesearch.errors import UserError
from pyimagesearch.recoloring.name_parts import (
    Pair,
    count_missing_pairs,
    missing_pairs,
    split_names,
)


def combinations(*folders):
    return [tuple(folder.split("_")) for folder in folders]


def told(*folders, part=0):
    """Return the colour and the type of each folder, each joined to one word."""
    names = split_names(combinations(*folders), part=part)
    assert names.reason is None
    return {"_".join(labels): pair.joined for labels, pair in names.pairs.items()}


def missing(*folders, part=0):
    names = split_names(combinations(*folders), part=part)
    assert count_missing_pairs(names, most=10**6) == len(missing_pairs(names))
    assert count_missing_pairs(names, most=1) == bool(missing_pairs(names))
    return ["_".join(labels) for labels in missing_pairs(names)]


def reason(*folders, part=0):
    line = split_names(combinations(*folders), part=part).reason
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("part", "pair"),
    [(0, ("old", "blue_dress")), (1, ("blue", "old_dress")), (2, ("dress", "old_blue"))],
)
def test_all_parts_but_the_colour_are_the_type(part, pair):
    assert told("old_blue_dress", "old_red_dress", part=part)["old_blue_dress"] == pair


def test_the_missing_combinations_have_their_labels_in_the_order_of_the_folders():
    folders = ["old_blue_dress", "new_red_dress", "old_blue_jeans"]
    assert missing(*folders, part=1) == ["new_blue_dress", "old_red_dress", "old_red_jeans"]
    names = split_names(combinations(*folders), part=1)
    assert missing_pairs(names)["old", "red", "jeans"] == Pair(("red",), ("old", "jeans"))


def test_labels_that_no_folder_has_together_are_no_type():
    assert "new_red_jeans" not in missing("old_blue_jeans", "new_red_dress", part=1)


def test_the_type_of_a_shorter_name_tells_the_colour_of_a_longer_one():
    folders = ["blue_jeans", "blue_dress", "dark_blue_jeans"]
    assert told(*folders)["dark_blue_jeans"] == ("dark_blue", "jeans")
    assert missing(*folders) == ["dark_blue_dress"]


def test_the_colour_of_a_shorter_name_tells_the_type_of_a_longer_one():
    folders = ["blue_jeans", "red_jeans", "blue_evening_dress"]
    assert told(*folders)["blue_evening_dress"] == ("blue", "evening_dress")
    assert missing(*folders) == ["red_evening_dress"]


def test_the_colour_may_be_last():
    folders = ["jeans_blue", "dress_blue", "jeans_dark_red", "evening_coat_blue"]
    pairs = told(*folders, part=1)
    assert pairs["jeans_dark_red"] == ("dark_red", "jeans")
    assert pairs["evening_coat_blue"] == ("blue", "evening_coat")
    assert missing(*folders, part=1) == ["dress_dark_red", "evening_coat_dark_red"]


def test_names_may_have_more_than_two_lengths():
    folders = ["blue_jeans", "dark_blue_jeans", "dark_blue_evening_dress"]
    assert told(*folders)["dark_blue_evening_dress"] == ("dark_blue", "evening_dress")


def test_names_of_equal_length_do_not_explain_each_other():
    folders = ["blue_coat", "dark_blue_coat", "dark_blue_jeans"]
    assert "dark_blue_jeans cannot be told" in reason(*folders)


def test_a_longer_name_that_no_shorter_one_explains_is_named():
    line = reason("blue_jeans", "red_dress", "light_green_coat")
    assert "light_green_coat cannot be told: no shorter name has either" in line


def test_a_longer_name_that_may_be_split_in_two_places_is_named():
    line = reason("blue_jeans", "red_dress", "blue_evening_dress")
    assert "blue_evening_dress cannot be told" in line
    assert "blue and evening_dress or blue_evening and dress" in line


def test_one_place_that_both_the_colour_and_the_type_tell_is_no_contradiction():
    folders = ["blue_jeans", "blue_dress", "dark_blue_jeans", "dark_blue_dress"]
    assert told(*folders)["dark_blue_dress"] == ("dark_blue", "dress")


def test_a_colour_in_the_middle_takes_names_of_equal_length():
    line = reason("old_blue_dress", "old_dark_blue_dress", part=1)
    assert "old_blue_dress has 3 and old_dark_blue_dress has 4" in line


def test_a_name_of_one_part_is_named():
    assert "two parts or more, a colour and a type, and jeans has 1" in reason("jeans", "red_dress")


def test_a_colour_that_is_a_type_too_is_not_combined_with_itself():
    assert missing("red_rose", "rose_shirt") == ["red_shirt"]
    assert missing("red_old_rose", "rose_new_shirt") == ["red_new_shirt"]


def test_a_part_that_the_shortest_name_lacks_is_refused():
    with pytest.raises(UserError, match=r"part 3 .* blue_jeans has only 2 parts"):
        split_names(combinations("blue_jeans", "dark_red_dress"), part=2)
