import re

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyimagesearch.data.folders import missing_combinations
from pyimagesearch.errors import UserError
from pyimagesearch.recoloring import composition as module
from pyimagesearch.recoloring import prior
from pyimagesearch.reports import pictures

SIZE = 64
BACKGROUND, SKIN, PRINT = (235, 238, 240), (140, 172, 224), (250, 250, 250)
COLORS = {"black": (28, 26, 26), "blue": (170, 70, 25), "red": (35, 25, 190)}
FOLDERS = [
    ("black", "jeans"),
    ("blue", "dress"),
    ("blue", "jeans"),
    ("blue", "shirt"),
    ("red", "dress"),
    ("red", "shirt"),
]


def draw(color, kind, rng, with_print=False):
    """Draw a person in a garment that is darker towards its right; tell what is where."""
    outlines = {
        "dress": [(24, 18), (40, 18), (50, 52), (14, 52)],
        "jeans": [(22, 20), (42, 20), (44, 62), (35, 62), (32, 32), (29, 62), (20, 62)],
        "shirt": [(20, 12), (44, 12), (54, 30), (46, 32), (46, 48), (18, 48), (18, 32), (10, 30)],
    }
    shift = rng.integers(-3, 4, 2)
    garment = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(garment, [np.array(outlines[kind]) + shift], 1)
    skin = np.zeros_like(garment)
    head_y = {"dress": 11, "jeans": 14, "shirt": 6}[kind]
    cv2.circle(skin, (32 + int(shift[0]), head_y + int(shift[1])), 6, 1, -1)
    printed = np.zeros_like(garment)
    if with_print:
        printed[28:36, 28:36] = 1
    skin[garment == 1] = 0
    garment[printed == 1] = 0

    image = np.full((SIZE, SIZE, 3), BACKGROUND, np.float64)
    image[skin == 1] = SKIN
    shade = np.linspace(1.15, 0.75, SIZE)[None, :, None]
    vivid = np.array(COLORS[color]) * rng.uniform(0.85, 1.15)
    image = np.where(garment[..., None] == 1, vivid * shade, image)
    image[printed == 1] = PRINT
    image += rng.normal(0, 2, image.shape)
    # Edges of photographs are pixels that are a bit of both; the tests look at whole ones only.
    whole = {
        name: cv2.erode(region, np.ones((3, 3), np.uint8), borderValue=1) == 1
        for name, region in (("garment", garment), ("skin", skin), ("print", printed))
    }
    whole["background"] = cv2.dilate(garment + skin + printed, np.ones((3, 3), np.uint8)) == 0
    return image.clip(0, 255).astype(np.uint8), whole


@pytest.fixture(scope="module")
def photographs():
    """Twelve images of each folder; one in three shirts has a white print."""
    rng = np.random.default_rng(0)
    labels = [folder for folder in FOLDERS for _ in range(12)]
    drawn = [
        draw(*label, rng, with_print=label[1] == "shirt" and i % 3 == 0)
        for i, label in enumerate(labels)
    ]
    images, regions = zip(*drawn, strict=True)
    return np.stack(images), labels, regions


@pytest.fixture(scope="module")
def composition(photographs):
    images, labels, _ = photographs
    missing = missing_combinations(labels)
    everything = np.arange(len(images))
    return module.compose(images, labels, everything, missing, 12, np.random.default_rng(1))


def lab(pixels):
    return cv2.cvtColor(pixels.reshape(1, -1, 3).astype(np.float32) / 255, cv2.COLOR_BGR2LAB)[0]


def test_every_missing_combination_is_composed_from_the_training_side(photographs):
    images, labels, _ = photographs
    train = np.arange(0, len(images), 2)
    composed, reason = module.compose_missing(images, labels, train, 4, part=0, seed=1)
    assert reason is None
    wanted = [("black", "dress"), ("black", "shirt"), ("red", "jeans")]
    assert composed.labels == [label for label in wanted for _ in range(4 * module.TURNS)]
    assert set(composed.type_sources) | set(composed.color_sources) <= set(train)


def test_the_same_seed_composes_the_same_images_and_another_seed_others(photographs):
    images, labels, _ = photographs
    everything = np.arange(len(images))
    one, same, other = (
        module.compose_missing(images, labels, everything, 4, part=0, seed=seed)[0].images
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_the_colour_may_be_the_second_part(photographs):
    images, labels, _ = photographs
    swapped = [label[::-1] for label in labels]
    everything = np.arange(len(images))
    composed, _ = module.compose_missing(images, swapped, everything, 2, part=1, seed=1)
    assert set(composed.labels) == {("dress", "black"), ("shirt", "black"), ("jeans", "red")}
    jeans = [label == ("jeans", "red") for label in composed.labels]
    colors = {labels[i][0] for i in composed.color_sources[jeans]}
    assert colors == {"red"}


def test_none_are_composed_where_none_are_asked_for(photographs):
    images, labels, _ = photographs
    composed, _ = module.compose_missing(images, labels, np.arange(len(images)), 0, 0, seed=1)
    assert composed.images.shape == (0, *images.shape[1:])
    assert composed.labels == []


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([("blue", "dress"), ("red",)], "exactly two parts.*red has 1"),
        ([("blue", "dress"), ("dark", "red", "dress")], "exactly two parts.*dark_red_dress has 3"),
        ([("blue", "dress"), ("blue", "shirt")], "at least two colours.*blue alone"),
        ([("blue", "dress"), ("red", "dress")], "at least two types.*dress alone"),
        ([("blue", "dress"), ("blue", "hat"), ("red", "dress"), ("red", "hat")], "has a folder"),
    ],
)
def test_where_nothing_can_be_composed_one_line_says_why(labels, reason):
    images = np.zeros((len(labels), 8, 8, 3), np.uint8)
    composed, said = module.compose_missing(images, labels, np.arange(len(labels)), 3, 0, seed=1)
    assert re.search(reason, said)
    assert "\n" not in said
    assert len(composed.images) == 0


def test_every_image_has_the_labels_that_it_was_composed_for(photographs, composition):
    _, labels, _ = photographs
    wanted = [("black", "dress")] * 12 + [("black", "shirt")] * 12 + [("red", "jeans")] * 12
    assert composition.labels == wanted
    assert composition.images.shape == (36, SIZE, SIZE, 3)
    assert composition.images.dtype == np.uint8
    colors = [labels[i][0] for i in composition.color_sources]
    types = [labels[i][1] for i in composition.type_sources]
    assert list(zip(colors, types, strict=True)) == wanted


def garment_colours(photographs, composition):
    """The mean L*a*b* colour of each composed garment, and of the one that it was to be like."""
    images, _, regions = photographs
    sources = zip(composition.type_sources, composition.color_sources, strict=True)
    pairs = [
        (
            lab(image[regions[i]["garment"]]).mean(axis=0),
            lab(images[j][regions[j]["garment"]]).mean(axis=0),
        )
        for image, (i, j) in zip(composition.images, sources, strict=True)
    ]
    return (np.array(colours) for colours in zip(*pairs, strict=True))


def test_the_garment_takes_the_wanted_colour(photographs, composition):
    composed, wanted = garment_colours(photographs, composition)
    distance = np.linalg.norm(composed - wanted, axis=1)
    assert np.median(distance) < 4
    # Some keep a little of their own darkness.
    assert distance.max() < 16


def test_a_dark_garment_keeps_some_darkness_where_the_colour_comes_as_dark(photographs):
    images, labels, regions = photographs
    images = images.copy()
    known = [i for i, label in enumerate(labels) if label != ("blue", "jeans")]
    # Every other blue garment is as dark as navy.
    for i in [i for i in known if labels[i][0] == "blue"][::2]:
        cloth = regions[i]["garment"]
        images[i][cloth] = (images[i][cloth] * 0.35).astype(np.uint8)
    composed = module.compose(
        images, labels, np.array(known), [("blue", "jeans")], 40, np.random.default_rng(2)
    )
    blue, wanted = garment_colours((images, labels, regions), composed)
    darker_by = wanted[:, 0] - blue[:, 0]
    was_bright = wanted[:, 0] > wanted[:, 0].mean()
    assert 0.15 < (darker_by[was_bright] > 4).mean() < 0.6
    assert blue[:, 0].min() > wanted[:, 0].min() - 4
    # Darker is less vivid, and still blue.
    assert (blue[:, 2] < -8).all()
    assert np.corrcoef(blue[:, 0], blue[:, 2])[0, 1] < -0.8


@pytest.mark.parametrize("region", ["background", "skin", "print"])
def test_what_is_not_garment_keeps_its_colour(photographs, composition, region):
    images, _, regions = photographs
    changes = [
        np.abs(lab(image[regions[i][region]]) - lab(images[i][regions[i][region]])).mean()
        for image, i in zip(composition.images, composition.type_sources, strict=True)
        if regions[i][region].any()
    ]
    assert len(changes) > 0
    assert max(changes) < 2


def test_shading_is_kept(photographs, composition):
    images, _, regions = photographs
    for image, i in zip(composition.images, composition.type_sources, strict=True):
        garment = regions[i]["garment"]
        before, after = lab(images[i][garment])[:, 0], lab(image[garment])[:, 0]
        assert np.corrcoef(before, after)[0, 1] > 0.8


def test_no_trace_of_the_old_hue_is_left_in_black(photographs, composition):
    _, _, regions = photographs
    for image, label, i in zip(
        composition.images, composition.labels, composition.type_sources, strict=True
    ):
        if label[0] == "black":
            assert lab(image[regions[i]["garment"]])[:, 1:].std(axis=0).max() < 3


def test_no_rim_in_the_old_colour_is_left(photographs, composition):
    images, labels, _ = photographs
    for image, label, i in zip(
        composition.images, composition.labels, composition.type_sources, strict=True
    ):
        if label[0] == "black" and labels[i][0] == "blue":
            is_blue = lab(image)[:, 2] < -15
            was_blue = lab(images[i])[:, 2] < -15
            assert is_blue.sum() < 0.02 * was_blue.sum()


def test_the_same_generator_composes_the_same_images(photographs, composition):
    images, labels, _ = photographs
    missing = missing_combinations(labels)
    everything = np.arange(len(images))
    first, other = (
        module.compose(images, labels, everything, missing, 12, np.random.default_rng(seed))
        for seed in (1, 2)
    )
    np.testing.assert_array_equal(first.images, composition.images)
    np.testing.assert_array_equal(first.color_sources, composition.color_sources)
    assert not np.array_equal(other.color_sources, composition.color_sources)


def test_only_images_of_the_training_side_are_used(photographs):
    images, labels, _ = photographs
    train = np.flatnonzero(np.arange(len(images)) % 4)
    noise = images.copy()
    noise[::4] = np.random.default_rng(5).integers(0, 256, noise[::4].shape)
    composed, composed_beside_noise = (
        module.compose(some, labels, train, [("black", "dress")], 20, np.random.default_rng(3))
        for some in (images, noise)
    )
    assert set(composed.type_sources) | set(composed.color_sources) <= set(train)
    np.testing.assert_array_equal(composed.images, composed_beside_noise.images)


def test_no_source_is_used_twice_before_all_are_used_once(composition):
    black_dresses = composition.type_sources[:12]
    assert len(set(black_dresses)) == 12


def test_combinations_with_a_folder_can_be_composed_too(photographs):
    images, labels, regions = photographs
    composed = module.compose(
        images, labels, np.arange(len(images)), [("red", "dress")], 6, np.random.default_rng(4)
    )
    for image, i in zip(composed.images, composed.type_sources, strict=True):
        _, a, b = lab(image[regions[i]["garment"]]).mean(axis=0)
        assert a > max(b, 8)


@pytest.mark.parametrize("combination", [("green", "dress"), ("red", "hat")])
def test_a_label_without_images_is_named(photographs, combination):
    images, labels, _ = photographs
    unknown = combination[0] if combination[0] == "green" else combination[1]
    with pytest.raises(UserError, match=unknown):
        module.compose(
            images, labels, np.arange(len(images)), [combination], 1, np.random.default_rng(0)
        )


def test_offsets_say_how_much_likelier_composed_images_make_a_colour():
    labels = [("black", "jeans")] * 20 + [("blue", "dress")] * 80
    composed_labels = [("black", "dress")] * 100 * module.TURNS
    black, blue, dress, jeans = prior.logit_offsets(
        ["black", "blue", "dress", "jeans"], labels, composed_labels
    )
    assert black == pytest.approx(np.log((120 / 80) / (20 / 80)), abs=0.05)
    assert blue == pytest.approx(-black)
    assert (dress, jeans) == (0, 0)


def test_the_colour_of_offsets_may_be_the_second_part():
    labels = [("jeans", "black")] * 20 + [("dress", "blue")] * 80
    composed_labels = [("dress", "black")] * 100 * module.TURNS
    offsets = prior.logit_offsets(["black", "dress", "jeans"], labels, composed_labels, part=1)
    assert offsets[0] > 1
    np.testing.assert_array_equal(offsets[1:], 0)


def test_a_colour_of_all_images_has_a_finite_offset():
    offsets = prior.logit_offsets(["a", "b"], [("a", "b")] * 9, [("a", "b")] * module.TURNS)
    assert np.isfinite(offsets).all()


def test_where_nothing_is_composed_all_offsets_are_zero():
    np.testing.assert_array_equal(prior.logit_offsets(["a", "b"], [("a",), ("b",)], []), 0)


@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(1, 20),
    kind=st.sampled_from(["grey", "one colour", "black", "noise"]),
    seed=st.integers(0, 99),
)
def test_any_images_can_be_composed_from(size, kind, seed):
    rng = np.random.default_rng(seed)
    labels = [("blue", "dress"), ("red", "shirt"), ("red", "dress")]
    images = rng.integers(0, 256, (3, size, size, 3), np.uint8)
    if kind == "grey":
        images[:] = images[..., :1]
    elif kind == "one colour":
        images[:] = images[:, :1, :1]
    elif kind == "black":
        images[:] = 0
    composed = module.compose(images, labels, np.arange(3), [("blue", "shirt")], 3, rng)
    assert composed.images.shape == (3, size, size, 3)


def test_the_preview_shows_a_block_for_each_combination(photographs, composition):
    images, _, _ = photographs
    few = pictures.preview(images, composition, rows=2)
    many = pictures.preview(images, composition, rows=5)
    assert few.dtype == np.uint8
    assert few.shape[1] == many.shape[1] > 3 * 3 * SIZE
    assert many.shape[0] - few.shape[0] == 3 * 96


def test_the_preview_shows_the_composed_image_beside_its_sources(photographs, composition):
    images, _, _ = photographs
    picture = pictures.preview(images, composition, rows=1)
    shown = [images[composition.type_sources[0]], images[composition.color_sources[0]]]
    row = np.hstack([cv2.resize(cell, (96, 96)) for cell in [*shown, composition.images[0]]])
    _, _, (x, y), _ = cv2.minMaxLoc(cv2.matchTemplate(picture, row, cv2.TM_SQDIFF))
    np.testing.assert_array_equal(picture[y : y + 96, x : x + 3 * 96], row)


def test_a_preview_of_fewer_images_than_rows_is_filled_up(photographs, composition):
    images, _, _ = photographs
    one = module.Composition(*(part[:1] for part in composition))
    assert (
        pictures.preview(images, one, rows=3).shape[0]
        == pictures.preview(images, composition, rows=3).shape[0]
    )
