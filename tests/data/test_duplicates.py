import itertools
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyimagesearch.data import duplicates

# Outlines of products, ten units high.
CHAIR = [(0, 0), (2, 0), (2, 5), (6, 5), (6, 10), (5, 10), (5, 6), (1, 6), (1, 10), (0, 10)]
LAMP = [(2, 0), (4, 0), (6, 4), (3, 4), (3, 9), (5, 10), (1, 10), (3, 9), (3, 4), (0, 4)]
CUP = [(0, 0), (6, 0), (5, 10), (1, 10)]
STOOL = [(0, 3), (6, 3), (6, 10), (5, 10), (5, 4), (1, 4), (1, 10), (0, 10)]
RED, BLUE = (20, 20, 200), (200, 60, 20)


def groups_of(images):
    checksums = np.array([zlib.crc32(image) for image in images], np.uint32)
    return duplicates.duplicate_groups(images, checksums)


def smooth_image(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (96, 96, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 8), None, 0, 255, cv2.NORM_MINMAX)


def product(outline, color, *, height=30, at=(36, 33)):
    """Fill an outline on a white ground, so many pixels high."""
    canvas = np.full((96, 96, 3), 255, np.uint8)
    points = np.array(outline) * (16 * height / 10) + 16 * np.array(at)
    return cv2.fillPoly(canvas, [points.astype(np.int32)], color, cv2.LINE_AA, shift=4)


def recompressed(image, quality=60):
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)


def resized(image, size=70):
    return cv2.resize(cv2.resize(image, (size, size)), (96, 96))


@pytest.fixture
def images():
    return np.stack([smooth_image(seed) for seed in range(40)])


def test_different_images_are_alone(images):
    assert len(set(groups_of(images))) == len(images)


def test_identical_images_are_together(images):
    images[33] = images[4]
    groups = groups_of(images)
    assert groups[33] == groups[4]
    assert len(set(groups)) == 39


@pytest.mark.parametrize(
    "edit",
    [
        recompressed,
        resized,
        lambda image: cv2.convertScaleAbs(image, alpha=0.98, beta=2),
        lambda image: cv2.putText(image.copy(), "(c)", (80, 94), 0, 0.3, (255, 255, 255)),
    ],
    ids=["recompressed", "resized", "brighter", "watermarked"],
)
def test_nearly_identical_images_are_together(images, edit):
    images[20] = edit(images[7])
    groups = groups_of(images)
    assert groups[20] == groups[7]
    assert len(set(groups)) == 39


def test_copies_differ_by_six_grey_levels_at_most():
    image = np.clip(smooth_image(0), 20, 235)
    groups = groups_of(np.stack([image, image + np.uint8(6)]))
    assert groups[0] == groups[1]
    groups = groups_of(np.stack([image, image + np.uint8(7)]))
    assert groups[0] != groups[1]


def test_the_same_shape_in_another_colour_is_another_image(images):
    images[5] = images[6][:, :, ::-1]
    images[7] = cv2.cvtColor(cv2.cvtColor(images[8], cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert len(set(groups_of(images))) == len(images)


@pytest.mark.parametrize("height", [15, 20, 30])
def test_small_products_on_white_in_two_colours_are_no_copies(height):
    products = [product(CHAIR, color, height=height) for color in (RED, BLUE)]
    assert len(set(groups_of(np.stack(products)))) == 2


@pytest.mark.parametrize("height", [15, 20])
def test_small_products_on_white_of_two_shapes_are_no_copies(height):
    products = [product(outline, RED, height=height) for outline in (LAMP, CUP, STOOL)]
    assert len(set(groups_of(np.stack(products)))) == 3


@given(
    outline=st.sampled_from([CHAIR, LAMP]),
    color=st.tuples(*[st.integers(0, 180)] * 3),
    height=st.integers(20, 90),
    quality=st.integers(30, 95),
    size=st.integers(48, 192),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_copies_of_products_on_white_are_found_at_any_size(outline, color, height, quality, size):
    corner = 48 - height // 2
    image = product(outline, color, height=height, at=(corner + height // 5, corner))
    for edited in (recompressed(image, quality), resized(image, size)):
        assert duplicates.find_copy(edited, [image], [duplicates.perceptual_hash(image)]) == 0


@given(seeds=st.tuples(st.integers(0, 999), st.integers(1000, 1999)), side=st.integers(12, 96))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_white_around_two_images_makes_no_copies_of_them(seeds, side):
    images = np.full((2, 96, 96, 3), 255, np.uint8)
    start = (96 - side) // 2
    for image, seed in zip(images, seeds, strict=True):
        small = cv2.resize(smooth_image(seed), (side, side), interpolation=cv2.INTER_AREA)
        image[start : start + side, start : start + side] = small
    assert len(set(groups_of(images))) == 2


@pytest.mark.parametrize("edit", [recompressed, resized])
def test_copies_of_an_image_of_little_contrast_are_found(images, edit):
    images[8] = cv2.convertScaleAbs(images[8], alpha=0.1, beta=120)
    images[30] = edit(images[8])
    groups = groups_of(images)
    assert groups[30] == groups[8]
    assert len(set(groups)) == 39


def test_copies_of_copies_are_one_group(images):
    for step in range(1, 6):
        images[step] = cv2.convertScaleAbs(images[0], beta=4 * step)
    groups = groups_of(images)
    assert len(set(groups[:6])) == 1


def test_pairs_of_hashes_that_differ_in_seven_bits_at_most_are_found_among_all(monkeypatch):
    random = np.random.default_rng(0)
    # Few pairs at once, so that ranges are taken apart and put together again.
    monkeypatch.setattr(duplicates, "PAIRS_AT_ONCE", 5)
    hashes = random.integers(0, 2**64, 500, np.uint64)
    for bits in range(9):
        flipped = random.choice(64, bits, replace=False)
        hashes[400 + bits] = hashes[bits] ^ np.uint64(sum(1 << int(bit) for bit in flipped))
    hashes[450:460] = hashes[449]
    found = {
        frozenset(pair)
        for pairs in duplicates._pairs_of_similar_hashes(hashes)
        for pair in pairs.T.tolist()
    }
    similar = {frozenset((bits, 400 + bits)) for bits in range(8)}
    assert found == similar | set(map(frozenset, itertools.combinations(range(449, 460), 2)))


def test_many_copies_of_one_image_are_one_group(images):
    images[:30:2] = images[0]
    images[1:30:2] = cv2.convertScaleAbs(images[0], beta=2)
    groups = groups_of(images)
    assert len(set(groups[:30])) == 1
    assert len(set(groups)) == 11


def test_groups_are_numbered_in_the_order_of_their_first_images(images):
    images[10], images[30] = images[3], images[3]
    groups = groups_of(images)
    expected = [3 if number in (10, 30) else number for number in range(40)]
    assert groups.tolist() == np.unique(expected, return_inverse=True)[1].tolist()


def test_no_images_make_no_groups():
    assert len(groups_of(np.empty((0, 8, 8, 3), np.uint8))) == 0


def test_groups_under_several_labels_are_found():
    groups = np.array([0, 1, 0, 2, 2])
    labels = [("a",), ("b",), ("c",), ("b",), ("b",)]
    assert [list(found) for found in duplicates.spanning_groups(groups, labels)] == [[0, 2]]


def test_the_same_labels_in_another_order_do_not_contradict():
    groups = np.array([0, 0, 1, 1])
    labels = [("a", "b"), ("b", "a"), ("a", "b"), ("b",)]
    assert [list(found) for found in duplicates.spanning_groups(groups, labels)] == [[2, 3]]
