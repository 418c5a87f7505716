import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_images import odd_images

from pyimagesearch.data.image_arrays import StoredImages
from pyimagesearch.errors import UserError
from pyimagesearch.recoloring import composition as module
from pyimagesearch.recoloring.color_statistics import to_lab
from pyimagesearch.recoloring.segmentation import learn_appearance
from pyimagesearch.reports.pictures import preview

MISSING = [("black", "dress"), ("black", "shirt"), ("red", "jeans")]


def compose(photographs, indices=None, **settings):
    images, labels, _ = photographs
    settings = {"per_combination": 4, "part": 0, "seed": 1, **settings}
    indices = np.arange(len(images)) if indices is None else indices
    return module.compose_missing(images, labels, indices, **settings)


@pytest.fixture(scope="module")
def composition(photographs):
    """Twelve images each of a black dress, a black shirt and red jeans."""
    return compose(photographs)


def garment_colors(photographs, composition):
    """Return the mean L*a*b* of each composed garment and of the one that its colour is from."""
    images, _, regions = photographs
    composed = [
        to_lab(image)[regions[i]["garment"]].mean(axis=0)
        for image, i in zip(composition.images, composition.type_sources, strict=True)
    ]
    wanted = [
        to_lab(images[i])[regions[i]["garment"]].mean(axis=0) for i in composition.color_sources
    ]
    return np.array(composed), np.array(wanted)


def test_every_missing_combination_is_composed(photographs, composition):
    shape = photographs.images.shape[1:]
    assert composition.labels == [label for label in MISSING for _ in range(4 * module.TURNS)]
    assert composition.images.shape == (len(composition.labels), *shape)
    assert composition.images.dtype == np.uint8


def test_the_progress_counts_the_garments_that_get_colours(photographs):
    counted = []

    def progress(items, total):
        for item in items:
            counted.append(total)
            yield item

    composed = compose(photographs, progress=progress)
    garments = len(set(composed.type_sources.tolist()))
    assert counted == [garments] * garments


def test_the_sources_have_the_type_and_the_colour_of_the_composed_image(photographs, composition):
    labels = photographs.labels
    colors = [labels[i][0] for i in composition.color_sources]
    types = [labels[i][1] for i in composition.type_sources]
    assert list(zip(colors, types, strict=True)) == composition.labels


def test_the_colour_may_be_the_second_label(photographs):
    swapped = photographs._replace(labels=[label[::-1] for label in photographs.labels])
    composed = compose(swapped, part=1)
    assert set(composed.labels) == {label[::-1] for label in MISSING}
    jeans = [label == ("jeans", "red") for label in composed.labels]
    assert {photographs.labels[i][0] for i in composed.color_sources[jeans]} == {"red"}


def test_only_the_images_at_the_indices_are_used(photographs):
    train = np.flatnonzero(np.arange(len(photographs.images)) % 4)
    noise = photographs.images.copy()
    noise[::4] = np.random.default_rng(5).integers(0, 256, noise[::4].shape)
    composed = compose(photographs, train)
    composed_beside_noise = compose(photographs._replace(images=noise), train)
    assert set(composed.type_sources) | set(composed.color_sources) <= set(train)
    np.testing.assert_array_equal(composed.images, composed_beside_noise.images)


def test_the_same_seed_composes_the_same_images(photographs, composition):
    same = compose(photographs)
    np.testing.assert_array_equal(same.images, composition.images)
    np.testing.assert_array_equal(same.color_sources, composition.color_sources)


def test_another_seed_composes_other_images(photographs, composition):
    other = compose(photographs, seed=2)
    assert not np.array_equal(other.images, composition.images)
    assert not np.array_equal(other.color_sources, composition.color_sources)


def test_images_may_stay_in_a_file(photographs, composition, tmp_path):
    photographs.images.tofile(tmp_path / "images")
    with (tmp_path / "images").open("r+b") as file:
        stored = StoredImages(file, photographs.images.shape)
        composed = compose(photographs._replace(images=stored), np.arange(len(stored)))
    np.testing.assert_array_equal(composed.images, composition.images)


def test_composed_images_that_would_take_too_much_memory_go_to_a_file(
    photographs, composition, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    composed = compose(photographs, memory_limit=composition.images.nbytes)
    assert isinstance(composed.images, StoredImages)
    np.testing.assert_array_equal(composed.images[:], composition.images)
    preview(photographs.images, composed)


def test_no_source_is_used_twice_before_all_are_used_once(composition):
    black_dresses = composition.type_sources[:12]
    assert len(set(black_dresses)) == 12


def test_by_default_an_epoch_shows_as_many_images_as_an_average_folder_has(photographs):
    composed = compose(photographs, np.arange(0, 72, 2), per_combination=None)
    assert composed.labels == [label for label in MISSING for _ in range(6 * module.TURNS)]
    assert composed.per_combination == 6


def test_by_default_an_epoch_shows_only_so_many_images_of_a_combination(photographs, monkeypatch):
    monkeypatch.setattr(module, "MOST_BY_DEFAULT", 2)
    assert compose(photographs, per_combination=None).per_combination == 2


def test_by_default_an_epoch_shows_no_more_composed_images_than_others(photographs):
    # Four types of one image each: more combinations are missing than there are folders.
    few = [photographs.labels.index(label) for label in sorted(set(photographs.labels))]
    labels = [*photographs.labels]
    for name, index in zip("abcd", few, strict=False):
        labels[index] = (labels[index][0], name)
    missing = set(product({a for a, _ in labels}, {b for _, b in labels})) - set(labels)
    indices = np.arange(len(labels))
    composed = compose(photographs._replace(labels=labels), indices, per_combination=None)
    assert len(composed.labels) == len(missing) * module.TURNS * (len(labels) // len(missing))
    assert len(labels) // len(missing) < len(labels) // len(set(labels))


def test_nothing_is_composed_by_default_if_more_combinations_are_missing_than_there_are_images(
    photographs,
):
    labels = [(f"colour {i}", f"type {i}") for i in range(72)]
    several = photographs._replace(labels=labels)
    composed = compose(several, np.arange(72), per_combination=None)
    assert len(composed.images) == composed.per_combination == 0
    assert "more combinations have no folder" in composed.reason


def test_all_images_are_not_searched_for_those_of_each_garment_or_combination(
    photographs, monkeypatch
):
    looked_at = []

    class Watched(np.ndarray):
        def __eq__(self, other):
            looked_at.append(len(self))
            return super().__eq__(other)

    def plan(sources, pairs, **settings):
        watched = {name: getattr(sources, name).view(Watched) for name in ("colors", "types")}
        plan = make_plan(sources._replace(**watched), pairs, **settings)
        return plan._replace(type_sources=plan.type_sources.view(Watched))

    make_plan = module._plan
    monkeypatch.setattr(module, "_plan", plan)
    compose(photographs)
    assert looked_at == []


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_a_garment_that_fills_too_little_or_too_much_is_not_used(photographs, monkeypatch, share):
    red_dresses = [i for i, label in enumerate(photographs.labels) if label == ("red", "dress")]

    def learn(images, indices, **labels):
        appearance, shares = learn_appearance(images, indices, **labels)
        shares[indices == red_dresses[0]] = share
        return appearance, shares

    monkeypatch.setattr(module, "learn_appearance", learn)
    composed = compose(photographs, per_combination=8)
    assert red_dresses[0] not in composed.type_sources
    assert set(red_dresses[1:]) <= set(composed.type_sources)


def test_images_that_are_no_good_are_used_where_their_label_has_no_others(photographs, monkeypatch):
    is_red = np.array([label[0] == "red" for label in photographs.labels])

    def learn(images, indices, **labels):
        appearance, shares = learn_appearance(images, indices, **labels)
        return appearance, np.where(is_red[indices], 0.0, shares)

    monkeypatch.setattr(module, "learn_appearance", learn)
    assert compose(photographs).labels == [label for label in MISSING for _ in range(12)]


def test_nothing_is_composed_where_hardly_any_garment_is_found(photographs, monkeypatch):
    monkeypatch.setattr(module, "LEAST_SHARE", 1.0)
    nothing = compose(photographs)
    assert nothing.labels == []
    assert len(nothing.images) == 0
    assert "fills next to nothing" in nothing.reason


def test_nothing_is_composed_if_nothing_is_asked_for(photographs):
    composed = compose(photographs, per_combination=0)
    assert composed.images.shape == (0, *photographs.images.shape[1:])
    assert composed.labels == []


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([("blue", "dress"), ("red",)], "two parts or more.*red has 1"),
        ([("blue", "dress"), ("dark", "red", "jeans")], "dark_red_jeans cannot be told"),
        ([("blue", "dress"), ("dark", "red", "dress")], "two types.*only dress"),
        ([("blue", "dress"), ("blue", "shirt")], "at least two colours.*only blue"),
        ([("blue", "dress"), ("red", "dress")], "at least two types.*only dress"),
        ([("blue", "dress"), ("blue", "hat"), ("red", "dress"), ("red", "hat")], "has a folder"),
    ],
)
def test_one_line_says_why_nothing_can_be_composed(labels, reason):
    images = np.zeros((len(labels), 8, 8, 3), np.uint8)
    composed = module.compose_missing(
        images, labels, np.arange(len(labels)), per_combination=3, part=0, seed=1
    )
    assert len(composed.images) == 0
    line = module.why_nothing_to_compose(labels, part=0)
    assert re.search(reason, line)
    assert "\n" not in line


def test_nothing_is_composed_where_folders_differ_in_the_order_of_labels():
    names = ["blue_jeans", "jeans_blue", "red_dress", "dress_red"]
    labels = [tuple(name.split("_")) for name in names for _ in range(5)]
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 32, 32, 3), np.uint8)
    composed = compose((images, labels, None))
    assert (len(composed.images), composed.labels) == (0, [])
    assert composed.reason == module.why_nothing_to_compose(labels, part=0)


def test_nothing_is_composed_of_no_images():
    images, labels = np.zeros((2, 8, 8, 3), np.uint8), [("blue", "dress"), ("red", "jeans")]
    with pytest.raises(UserError, match="no images to compose from"):
        module.compose_missing(images, labels, np.arange(0), per_combination=3, part=0, seed=1)


def test_which_label_is_the_colour_decides_what_is_too_few():
    labels = [("blue", "dress"), ("blue", "shirt")]
    assert "at least two types" in module.why_nothing_to_compose(labels, part=1)


def test_there_is_no_reason_if_a_combination_is_missing(photographs):
    assert module.why_nothing_to_compose(photographs.labels, part=0) is None


@pytest.mark.parametrize(
    ("rename", "part"),
    [
        (lambda color, type_: ("old", color, type_), 1),
        (lambda color, type_: (color, type_, "old"), 0),
        (lambda color, type_: ("dark", color, type_) if color == "blue" else (color, type_), 0),
        (lambda color, type_: (color, "long", type_) if type_ == "shirt" else (color, type_), 0),
    ],
)
def test_colours_and_types_of_several_labels_are_composed_as_those_of_one(
    photographs, composition, rename, part
):
    renamed = photographs._replace(labels=[rename(*label) for label in photographs.labels])
    composed = compose(renamed, part=part)
    assert composed.labels == [rename(*label) for label in composition.labels]
    np.testing.assert_array_equal(composed.images, composition.images)


@pytest.mark.parametrize("unknown", ["black", "dress"])
def test_a_label_without_training_images_is_named(photographs, unknown):
    train = [i for i, label in enumerate(photographs.labels) if unknown not in label]
    with pytest.raises(UserError, match=unknown):
        compose(photographs, np.array(train))


def test_the_garment_takes_the_wanted_colour(photographs, composition):
    composed, wanted = garment_colors(photographs, composition)
    distance = np.linalg.norm(composed - wanted, axis=1)
    assert np.median(distance) < 4
    # Some garments keep a little of their own darkness.
    assert distance.max() < 16


def test_some_dark_garments_stay_darker_than_the_wanted_colour(photographs):
    known = photographs.at([i for i in range(72) if photographs.labels[i] != ("blue", "jeans")])
    # Make every other blue garment navy, so that the colour occurs dark as well.
    images = known.images.copy()
    for i in [i for i, label in enumerate(known.labels) if label[0] == "blue"][::2]:
        cloth = known.regions[i]["garment"]
        images[i][cloth] = (images[i][cloth] * 0.35).astype(np.uint8)
    known = known._replace(images=images)
    composed = compose(known, per_combination=14, seed=2)
    of_jeans = [label == ("blue", "jeans") for label in composed.labels]
    blue, wanted = (colors[of_jeans] for colors in garment_colors(known, composed))
    darker_by = wanted[:, 0] - blue[:, 0]
    was_bright = wanted[:, 0] > wanted[:, 0].mean()
    assert 0.15 < (darker_by[was_bright] > 4).mean() < 0.6
    assert blue[:, 0].min() > wanted[:, 0].min() - 4
    # The darker ones are less vivid, and still blue.
    assert (blue[:, 2] < -8).all()
    assert np.corrcoef(blue[:, 0], blue[:, 2])[0, 1] < -0.8


@pytest.mark.parametrize("region", ["background", "skin", "print"])
def test_everything_else_keeps_its_colour(photographs, composition, region):
    images, _, regions = photographs
    changes = [
        np.abs(to_lab(image) - to_lab(images[i]))[regions[i][region]].mean()
        for image, i in zip(composition.images, composition.type_sources, strict=True)
        if regions[i][region].any()
    ]
    assert len(changes) > 0
    assert max(changes) < 2


def test_shading_is_kept(photographs, composition):
    images, _, regions = photographs
    for image, i in zip(composition.images, composition.type_sources, strict=True):
        garment = regions[i]["garment"]
        before, after = to_lab(images[i])[garment][:, 0], to_lab(image)[garment][:, 0]
        assert np.corrcoef(before, after)[0, 1] > 0.8


def test_no_trace_of_the_old_hue_is_left_in_black(photographs, composition):
    for image, label, i in zip(
        composition.images, composition.labels, composition.type_sources, strict=True
    ):
        if label[0] == "black":
            garment = photographs.regions[i]["garment"]
            assert to_lab(image)[garment][:, 1:].std(axis=0).max() < 3


def test_composed_images_follow_the_others_and_epochs_take_turns(photographs, composition):
    pool, turns = module.pooled(photographs.images, composition.images)
    np.testing.assert_array_equal(turns.indices, np.arange(72, 72 + 36))
    np.testing.assert_array_equal(pool[turns.indices], composition.images)
    np.testing.assert_array_equal(pool[np.array([3])][0], photographs.images[3])
    assert turns.epochs == module.TURNS
    assert turns.images_per_epoch == 12


@settings(max_examples=30)
@given(odd_images(), st.integers(0, 99))
def test_images_of_any_content_can_be_composed_from(images, seed):
    labels = [("blue", "dress"), ("red", "shirt"), ("red", "dress")]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "LEAST_GOOD", 0)
        composed = module.compose_missing(
            images, labels, np.arange(3), per_combination=1, part=0, seed=seed
        )
    assert composed.images.shape == (module.TURNS, *images.shape[1:])
    assert composed.labels == [("blue", "shirt")] * module.TURNS


def test_control_characters_in_labels_do_not_reach_the_reason():
    labels = [("\x1b[2J", "dress"), ("\x1b[2J", "jeans")]
    assert r"only \x1b[2J" in module.why_nothing_to_compose(labels, part=0)
