import warnings
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from counting import traced_memory
from hypothesis import given, settings
from odd_images import odd_images

from pyimagesearch.garments.scenes import COMBINATIONS, draw_garment_and_mask
from pyimagesearch.recoloring import segmentation

SIZE = 96


@pytest.fixture(scope="module")
def drawn():
    """Twelve drawn images of each combination, their labels and the true masks."""
    rng = np.random.default_rng(0)
    labels = [combination for combination in COMBINATIONS for _ in range(12)]
    pairs = [draw_garment_and_mask(*label, rng) for label in labels]
    images, masks = (
        np.stack([cv2.resize(x, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for x in part])
        for part in zip(*pairs, strict=True)
    )
    return images, np.array(labels), masks > 127


def learn(images, labels):
    colors, types = labels.T
    return segmentation.learn_appearance(images, np.arange(len(images)), colors=colors, types=types)


def segment(image, label, appearance):
    color, type_ = label
    return segmentation.segment(image, appearance, color_label=color, type_label=type_)


def overlap(mask, truth):
    """Intersection over union."""
    return (mask & truth).sum() / (mask | truth).sum()


def overlaps(images, labels, truths, *, appearance):
    masks = [
        segment(image, label, appearance) > 0.5 for image, label in zip(images, labels, strict=True)
    ]
    return np.array([overlap(mask, truth) for mask, truth in zip(masks, truths, strict=True)])


def test_the_mask_covers_the_garment_of_every_combination(drawn):
    images, labels, truths = drawn
    found = overlaps(images, labels, truths, appearance=learn(images, labels)[0])
    for combination in COMBINATIONS:
        assert np.median(found[(labels == combination).all(axis=1)]) > 0.8


def test_skin_is_not_garment_even_if_only_one_colour_label_shows_people(drawn):
    images, labels, truths = drawn
    is_red_dress = (labels == ("red", "dress")).all(axis=1)
    is_without_people = (labels == ("blue", "shirt")).all(axis=1)
    chosen = is_red_dress | is_without_people | (labels[:, 1] == "jeans")
    appearance, _ = learn(images[chosen], labels[chosen])
    dresses, dress_labels = images[is_red_dress], labels[is_red_dress]
    found = overlaps(dresses, dress_labels, truths[is_red_dress], appearance=appearance)
    assert np.median(found) > 0.8


def test_shares_follow_the_true_share_of_garment_pixels(drawn):
    images, labels, truths = drawn
    _, shares = learn(images, labels)
    assert np.corrcoef(shares, truths.mean(axis=(1, 2)))[0, 1] > 0.8


def test_the_words_of_the_labels_do_not_matter(drawn):
    images, labels, _ = drawn
    renamed = np.array([{"red": "zinnober"}.get(label, label) for label in labels.flat])
    renamed = renamed.reshape(labels.shape)
    appearance, renamed_appearance = learn(images, labels)[0], learn(images, renamed)[0]
    np.testing.assert_allclose(
        segment(images[-1], labels[-1], appearance),
        segment(images[-1], renamed[-1], renamed_appearance),
        atol=1e-6,
    )


@settings(max_examples=30)
@given(odd_images())
def test_the_mask_of_any_image_is_between_0_and_1(images):
    labels = np.array([("blue", "dress"), ("red", "shirt"), ("red", "dress")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        appearance, _ = learn(images, labels)
        mask = segment(images[1], labels[1], appearance)
    assert mask.shape == images.shape[1:3]
    assert mask.min() >= 0
    assert mask.max() <= 1


def rectangles(garment):
    """Draw six images of each of four combinations, whose garments are rectangles on light grey."""
    colors = {"red": (40, 30, 190), "blue": (170, 70, 25)}
    labels = np.array([(color, type_) for color in colors for type_ in ("dress", "shirt")] * 6)
    images = np.full((len(labels), SIZE, SIZE, 3), 235, np.uint8)
    for image, (color, _) in zip(images, labels, strict=True):
        image[garment] = colors[color]
    return images, labels


def test_garments_are_guessed_in_the_middle_and_taller_than_wide():
    place = segmentation.central_place()
    y, x = (length // 2 for length in place.shape)
    assert place[y, x] > 0.5 > place[0, x] > place[y, 0] > place[0, 0] > 0


@pytest.mark.parametrize("shade", [(40, 30, 120), (150, 40, 190), (200, 190, 60)])
def test_the_whole_garment_is_found_in_a_shade_that_no_other_image_has(shade):
    garment = np.s_[30:75, 30:66]
    images, labels = rectangles(garment)
    appearance, _ = learn(images, labels)
    images[0][garment] = shade
    assert segment(images[0], ("red", "dress"), appearance)[garment].mean() > 0.9


def test_where_colours_do_not_tell_the_garment_is_where_others_of_its_type_are():
    garment = np.s_[10:50, 50:86]
    appearance, _ = learn(*rectangles(garment))
    mask = segment(np.full((SIZE, SIZE, 3), (60, 160, 60), np.uint8), ("red", "dress"), appearance)
    is_garment = np.zeros(mask.shape, bool)
    is_garment[garment] = True
    assert overlap(mask > 0.5, is_garment) > 0.8


def test_colours_that_images_of_all_labels_share_are_not_garment():
    garment, skin = np.s_[45:75, 30:66], np.s_[30:45, 36:60]
    images, labels = rectangles(garment)
    for image in images:
        image[skin] = (140, 172, 224)
    appearance, shares = learn(images, labels)
    is_blue = labels[:, 0] == "blue"  # red is close to the colour of skin
    true_share = np.zeros((SIZE, SIZE))
    true_share[garment] = 1
    np.testing.assert_allclose(shares[is_blue], true_share.mean(), atol=0.01)
    for image, label in zip(images[:4], labels[:4], strict=True):
        mask = segment(image, label, appearance)
        assert mask[skin].mean() < 0.1
        assert mask[garment].mean() > 0.9


@pytest.mark.slow
def test_what_is_learned_from_takes_little_memory_an_image(monkeypatch):
    monkeypatch.setattr(segmentation, "LEARNING_ROUNDS", 1)
    pairs = [("blue", "dress"), ("blue", "jeans"), ("red", "dress")]

    def peak(count):
        labels = np.array(pairs).repeat(count, axis=0)
        images = np.broadcast_to(np.full((8, 8, 3), 99, np.uint8), (len(labels), 8, 8, 3))
        with traced_memory() as memory:
            learn(images, labels)
        return memory.peak

    of_each_image = (peak(600) - peak(200)) / (400 * len(pairs))
    assert of_each_image < 5_000  # the bins of its small copy take 2 KiB


def test_of_many_colours_and_types_only_pairs_that_occur_are_looked_at(monkeypatch):
    log_ratio = Mock(side_effect=segmentation._log_ratio)
    monkeypatch.setattr(segmentation, "_log_ratio", log_ratio)
    labels = np.array([(f"colour {i}", f"type {i // 2}") for i in range(20)] * 2)
    learn(np.full((len(labels), 8, 8, 3), 99, np.uint8), labels)
    assert log_ratio.call_count == segmentation.LEARNING_ROUNDS * 20


def test_how_many_images_are_in_memory_at_a_time_does_not_matter(drawn, monkeypatch):
    images, labels, _ = drawn
    appearance, shares = learn(images, labels)
    monkeypatch.setattr(segmentation, "IMAGES_AT_ONCE", 5)
    same, same_shares = learn(images, labels)
    np.testing.assert_array_equal(same_shares, shares)
    np.testing.assert_equal(same._asdict(), appearance._asdict())


def test_the_order_of_the_images_does_not_matter(drawn):
    images, labels, _ = drawn
    order = np.random.default_rng(0).permutation(len(images))
    (appearance, shares), (mixed, mixed_shares) = (
        learn(images[each], labels[each]) for each in (np.arange(len(images)), order)
    )
    np.testing.assert_allclose(mixed_shares, shares[order], atol=1e-9)
    for side, mixed_side in zip(appearance, mixed, strict=True):
        assert side.keys() == mixed_side.keys()
        for label in side:
            np.testing.assert_allclose(mixed_side[label], side[label], atol=1e-9)
