from unittest.mock import Mock

import numpy as np
import pytest

from pyimagesearch.errors import UserError
from pyimagesearch.recoloring import color_part
from pyimagesearch.recoloring.color_part import ColorPart, choose_recoloring, find_color_part

# No two differ in the colour alone.
THREE_COMBINATIONS = [("blue", "dress"), ("blue", "jeans"), ("red", "shirt")]


def find(images, labels):
    return find_color_part(images, labels, np.arange(len(labels)))


def choose(images, labels, *, wanted="auto", part=None):
    return choose_recoloring(images, labels, np.arange(len(labels)), wanted=wanted, part=part)


def drawn_shapes(first, second, *, paint, count=10):
    """Images of a figure in the middle of a noisy background, for every pair but the last."""
    rng = np.random.default_rng(0)
    labels = [(one, other) for one in first for other in second][:-1]
    images = []
    for label in labels:
        for _ in range(count):
            image = rng.integers(180, 240, (32, 32, 3)).astype(np.uint8)
            paint(image, *label, rng)
            images.append(image)
    return np.stack(images), [label for label in labels for _ in range(count)]


def paint_car(image, color, type_, rng):
    bgr = {"yellow": (30, 200, 210), "green": (60, 150, 40)}[color]
    height = {"van": 16, "sports": 8}[type_]
    image[24 - height : 24, 4:28] = np.array(bgr) + rng.integers(-20, 20)


def paint_texture(image, pattern, type_, rng):
    """Figures of all colours: neither the pattern nor the type is a colour."""
    bgr = rng.integers(0, 255, 3)
    rows = slice(4, 28) if type_ == "tall" else slice(12, 20)
    step = 2 if pattern == "striped" else 1
    image[rows, 4:28:step] = bgr


@pytest.mark.parametrize(("order", "part"), [(1, 0), (-1, 1)])
def test_the_colour_is_found_in_either_part(photographs, order, part):
    images, labels, _ = photographs
    found = find(images, [label[::order] for label in labels])
    assert (found.likeliest, found.is_clear) == (part, True)
    assert 0.95 < found.shares[part] <= 1


def test_colours_tell_half_of_the_images_apart_where_none_differ():
    labels = [(color, type_) for color in "ab" for type_ in "cd"] * 4
    found = find(np.full((16, 32, 32, 3), 128, np.uint8), labels)
    assert found.shares == (0.5, 0.5)


@pytest.mark.parametrize(("order", "part"), [(1, 0), (-1, 1)])
def test_the_names_need_not_be_of_clothes(order, part):
    images, labels = drawn_shapes(["green", "yellow"], ["sports", "van"], paint=paint_car)
    found = find(images, [label[::order] for label in labels])
    assert (found.likeliest, found.is_clear) == (part, True)


def test_labels_that_are_no_colours_are_not_taken_for_any():
    images, labels = drawn_shapes(["plain", "striped"], ["flat", "tall"], paint=paint_texture)
    assert not find(images, labels).is_clear
    chosen = choose(images, labels)
    assert chosen.per_combination == 0
    assert chosen.reason == "neither part of the names is clearly a colour"
    longer = [(*label, age) for label, age in zip(labels, ["new", "old"] * 15, strict=True)]
    assert choose(images, longer).reason == "no part of the names is clearly a colour"


def test_only_the_images_at_the_indices_count(photographs):
    images, labels, _ = photographs
    black_or_blue = [i for i, label in enumerate(labels) if label[1] == "jeans"]
    found = find_color_part(images, labels, np.array(black_or_blue))
    assert found.shares[0] > 0.95
    assert np.isnan(found.shares[1])


def test_folders_that_differ_in_both_parts_tell_nothing(photographs):
    images, labels, _ = photographs
    two = [i for i, label in enumerate(labels) if label in [("black", "jeans"), ("red", "dress")]]
    found = find_color_part(images, labels, np.array(two))
    assert np.isnan(found.shares).all()
    assert not found.is_clear
    assert found.likeliest == 0
    chosen = choose_recoloring(images, labels, np.array(two), wanted="auto", part=None)
    assert chosen.per_combination == 0
    assert chosen.reason.endswith("some part has no two folders that differ in it alone")


@pytest.mark.parametrize(
    ("shares", "likeliest", "is_clear"),
    [
        ((0.97, 0.83), 0, True),
        ((0.83, 0.97), 1, True),
        ((0.86, 0.80), 0, True),
        ((0.86, np.nan), 0, True),
        ((np.nan, 0.86), 1, True),
        ((0.97, 0.96), 0, False),
        ((0.80, 0.60), 0, False),
        ((np.nan, 0.60), 1, False),
        ((0.5, 0.5), 0, False),
        ((np.nan, 0.97, 0.83), 1, True),
        ((0.5, 0.83, 0.97), 2, True),
        ((0.5, 0.96, 0.97), 2, False),
        ((0.96, np.nan, 0.97), 2, False),
    ],
)
def test_a_part_is_a_colour_if_colours_tell_it_apart_and_the_other_less_well(
    shares, likeliest, is_clear
):
    found = ColorPart(shares, (3,) * len(shares), is_hidden=False)
    assert (found.likeliest, found.is_clear) == (likeliest, is_clear)


@pytest.mark.parametrize(
    ("share", "fewest", "is_clear"),
    [(0.91, 50, True), (0.89, 50, False), (1.0, 49, False)],
)
def test_where_another_part_cannot_be_compared_more_is_needed(share, fewest, is_clear):
    assert ColorPart((np.nan, share), (0, fewest), is_hidden=True).is_clear == is_clear
    assert ColorPart((share, np.nan), (fewest, 0), is_hidden=True).is_clear == is_clear


def test_a_type_is_not_taken_for_the_colour_where_no_two_folders_differ_in_the_colour_alone(
    photographs,
):
    images, labels, _ = photographs
    some = [i for i, label in enumerate(labels) if label in THREE_COMBINATIONS]
    found = find_color_part(images, labels, np.array(some))
    assert np.isnan(found.shares[0])
    assert found.is_hidden
    surely = found._replace(shares=(np.nan, 1.0))
    assert surely.fewest[1] < color_part.LEAST_IMAGES_ALONE
    assert not surely.is_clear


@pytest.mark.parametrize(("of_jeans", "fewest"), [(2, 2), (7, 7), (1, 0)])
def test_the_fewest_images_that_were_compared_are_counted(photographs, of_jeans, fewest):
    images, labels, _ = photographs
    dresses, jeans, shirts = (
        [i for i, label in enumerate(labels) if label == each] for each in THREE_COMBINATIONS
    )
    found = find_color_part(images, labels, np.array(dresses + jeans[:of_jeans] + shirts))
    assert found.fewest == (0, fewest)  # a single image is compared with none


def test_of_each_combination_so_many_images_are_compared_at_most(photographs, monkeypatch):
    images, labels, _ = photographs
    monkeypatch.setattr(color_part, "MOST_IMAGES", 5)
    assert find(images, labels).fewest == (5, 5)


@pytest.mark.parametrize(("most", "compared"), [(4, 3 + 4), (3, 3 + 3), (1, 1 + 1)])
def test_of_each_part_so_many_pairs_are_compared_at_most(photographs, monkeypatch, most, compared):
    images, labels, _ = photographs
    everything = find(images, labels)
    told_apart = Mock(side_effect=color_part._told_apart)
    monkeypatch.setattr(color_part, "_told_apart", told_apart)
    monkeypatch.setattr(color_part, "MOST_PAIRS", most)
    found = find(images, labels)
    assert told_apart.call_count == compared
    assert not any(one is other for one, other in (call.args for call in told_apart.mock_calls))
    assert found.likeliest == 0
    assert (found == everything) == (most == 4)


def test_of_many_pairs_any_may_be_compared_and_no_image_of_the_others_is_read(monkeypatch):
    monkeypatch.setattr(color_part, "MOST_PAIRS", 20)
    # Three pairs of each type; no two types have a colour in common.
    labels = [(f"colour {i} of {j}", f"type {j}") for i in range(3) for j in range(40)] * 2
    read = []

    class Images:
        def __getitem__(self, index):
            read.append(labels[index])
            return np.zeros((8, 8, 3), np.uint8)

    find(Images(), labels)
    assert 20 < len(read) <= 20 * 2 * 2  # two images of each of two combinations
    assert len({type_ for _, type_ in read}) > 10


def test_by_default_images_are_composed_where_a_part_is_the_colour(photographs):
    images, labels, _ = photographs
    chosen = choose(images, [label[::-1] for label in labels])
    assert (chosen.per_combination, chosen.part, chosen.reason) == (None, 1, None)
    assert chosen.found.is_clear


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_colour_is_found_in_each_of_three_parts(photographs, place):
    images, labels, _ = photographs
    ages = ["new", "old"] * (len(labels) // 2)
    longer = [
        (type_, age)[:place] + (color,) + (type_, age)[place:]
        for (color, type_), age in zip(labels, ages, strict=True)
    ]
    chosen = choose(images, longer)
    assert (chosen.per_combination, chosen.part, chosen.reason) == (None, place, None)
    assert len(chosen.found.shares) == 3


@pytest.mark.parametrize(("place", "part"), [(0, 1), (1, 0)])
def test_a_part_that_all_names_share_hides_no_colour(photographs, place, part):
    images, labels, _ = photographs
    longer = [(*label[:place], "old", *label[place:]) for label in labels]
    chosen = choose(images, longer)
    assert (chosen.per_combination, chosen.part) == (None, part)
    assert np.isnan(chosen.found.shares[place])


def test_the_colour_is_found_where_names_differ_in_length(photographs):
    images, labels, _ = photographs
    longer = [("dark", *label) if label[0] == "blue" else label for label in labels]
    chosen = choose(images, longer)
    assert (chosen.per_combination, chosen.part, chosen.reason) == (None, 0, None)


def test_a_part_in_the_middle_of_names_of_different_length_is_not_compared(photographs):
    images, labels, _ = photographs
    dark = [("dark", *label) if label[0] == "blue" else label for label in labels]
    found = find(images, [(*label, "old") for label in dark])
    assert found.likeliest == 0
    assert np.isnan(found.shares[1])


def test_a_name_that_cannot_be_split_is_the_reason(photographs):
    images, labels, _ = photographs
    longer = [("dark", "red", "coat") if label == ("red", "dress") else label for label in labels]
    chosen = choose(images, longer)
    assert chosen.per_combination == 0
    assert "dark_red_coat cannot be told" in chosen.reason


def test_a_part_that_the_names_lack_is_refused_if_anything_is_composed(photographs):
    images, labels, _ = photographs
    with pytest.raises(UserError, match=r"part 3 .* only 2 parts"):
        choose(images, labels, part=2)
    assert choose(images, labels, wanted=0, part=2).reason is None


def test_the_users_choice_is_not_questioned(photographs, monkeypatch):
    images, labels, _ = photographs
    monkeypatch.setattr(color_part, "find_color_part", None)
    assert choose(images, labels, wanted=7, part=1) == color_part.Recoloring(7, 1)
    assert choose(images, labels, wanted=0) == color_part.Recoloring(0, 0)
    assert choose(images, labels, wanted=0, part=1) == color_part.Recoloring(0, 1)


def test_images_are_composed_on_demand_even_if_no_part_is_clearly_a_colour():
    images, labels = drawn_shapes(["plain", "striped"], ["flat", "tall"], paint=paint_texture)
    chosen = choose(images, labels, wanted=None)
    assert chosen.per_combination is None
    assert chosen.reason is None


def test_nothing_is_composed_where_folders_have_the_same_labels_in_another_order(photographs):
    images, labels, _ = photographs
    mixed = [label[::-1] if i < 3 else label for i, label in enumerate(labels)]
    chosen = choose(images, mixed)
    assert chosen.per_combination == 0
    assert "one order of labels" in chosen.reason


def test_nothing_is_composed_where_every_combination_has_a_folder(photographs):
    images, labels = photographs.images[:4], [("a", "b"), ("a", "c"), ("d", "b"), ("d", "c")]
    chosen = choose(images, labels)
    assert (chosen.per_combination, chosen.reason) == (0, "every combination has a folder")


def test_a_part_that_the_user_chose_is_kept_with_the_reason_why_nothing_is_composed():
    labels = [("jeans", "blue"), ("dress", "blue")]
    images = np.zeros((2, 8, 8, 3), np.uint8)
    chosen = choose_recoloring(images, labels, np.arange(2), wanted=5, part=1)
    assert (chosen.per_combination, chosen.part) == (0, 1)
    assert "at least two colours, and the folders have only blue" in chosen.reason
