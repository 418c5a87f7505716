import itertools
import zlib

import cv2
import numpy as np
import pytest
from counting import count_events
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


def test_half_of_the_bits_of_a_hash_are_set(images):
    hashes = np.array([duplicates.perceptual_hash(image) for image in images])
    assert set(np.bitwise_count(hashes)) == {32}


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
    own_hash = duplicates.perceptual_hash(image)
    for levels, is_copy in ((6, True), (7, False)):
        other = image + np.uint8(levels)
        groups = groups_of(np.stack([image, other]))
        assert (groups[0] == groups[1]) == is_copy
        hashes = [duplicates.perceptual_hash(other)]
        found = duplicates.find_copy(image, [other], hashes, own_hash=own_hash)
        assert found == (0 if is_copy else None)


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
@settings(max_examples=60, derandomize=True)
def test_copies_of_products_on_white_are_found_at_any_size(outline, color, height, quality, size):
    corner = 48 - height // 2
    image = product(outline, color, height=height, at=(corner + height // 5, corner))
    edits = [resized(image, size)]
    # Of a lamp, whose halves are alike, many frequencies are 0, and recompression moves them.
    if outline is CHAIR:
        edits.append(recompressed(image, quality))
    for edited in edits:
        own, other = map(duplicates.perceptual_hash, (edited, image))
        assert duplicates.find_copy(edited, [image], [other], own_hash=own) == 0


@given(seeds=st.tuples(st.integers(0, 999), st.integers(1000, 1999)), side=st.integers(12, 96))
@settings(max_examples=60, derandomize=True)
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
    found = [
        tuple(sorted(pair))
        for pairs in duplicates._pairs_of_similar_hashes(hashes)
        for pair in pairs.T.tolist()
    ]
    similar = {(bits, 400 + bits) for bits in range(8)}
    assert set(found) == similar | set(itertools.combinations(range(449, 460), 2))
    assert len(found) == len(set(found))


def test_pairs_are_found_by_any_quarter_with_at_most_one_other_bit():
    for quarter, flipped in itertools.product(range(4), [0, *(1 << bit for bit in range(16))]):
        # No other quarter would do.
        others = sum(0b11 << 16 * other for other in range(4) if other != quarter)
        hashes = np.array([0, others | flipped << 16 * quarter], np.uint64)
        (pair,) = np.hstack([*duplicates._pairs_of_similar_hashes(hashes)]).T.tolist()
        assert sorted(pair) == [0, 1]


@pytest.mark.parametrize(("bits", "found"), [(7, 1), (8, None)])
def test_the_first_image_with_a_similar_hash_and_similar_pixels_is_the_copy(bits, found):
    image, other = smooth_image(0), smooth_image(1)
    hashes = np.array([0, 2**bits - 1, 2**bits - 1], np.uint64)
    others = [other, image, image]
    assert duplicates.find_copy(image, others, hashes, own_hash=np.uint64(0)) == found


def flat_images(levels):
    return np.repeat(np.array(levels, np.uint8), 4 * 4 * 3).reshape(-1, 4, 4, 3)


def with_hashes(patch, hashes):
    """Have images take these hashes, one after the other."""
    given = map(np.uint64, hashes)
    patch.setattr(duplicates, "perceptual_hash", lambda image: next(given))


@pytest.mark.parametrize("hashes", [[0, 0], [0, 1]])
def test_a_difference_of_grey_levels_is_averaged_over_the_channels(monkeypatch, hashes):
    with_hashes(monkeypatch, hashes)
    images = flat_images([0, 0])
    images[1, :, :, 2] = 12
    assert len(set(groups_of(images))) == 1


def groups_of_all_pairs(images, hashes):
    groups = list(range(len(images)))
    for one, other in itertools.combinations(range(len(images)), 2):
        is_similar = (hashes[one] ^ hashes[other]).bit_count() <= duplicates.NEAR_HASH_BITS
        if is_similar and duplicates._are_near(images[one], images[other]):
            groups = [groups[one] if group == groups[other] else group for group in groups]
    return np.unique([groups.index(group) for group in groups], return_inverse=True)[1].tolist()


# Some are similar to others that are not similar to each other.
HASHES = st.sampled_from([0, 1, 0x1F, 0xFF, 0x1FF, 0x3FF, 0xFFFF, 0xFFFFFF, 2**63, 2**64 - 1])


@pytest.mark.slow
@given(
    of_images=st.lists(st.tuples(HASHES, st.integers(0, 40)), min_size=1, max_size=40),
    at_once=st.sampled_from([1, 3, 1000]),
)
@settings(derandomize=True)
def test_the_groups_are_those_that_a_comparison_of_all_pairs_finds(of_images, at_once):
    hashes, levels = zip(*of_images, strict=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "SIMILAR_AT_ONCE", at_once)
        with_hashes(patch, hashes)
        # Images with equal pixels, and no others, have one level, which will do as a checksum.
        groups = duplicates.duplicate_groups(flat_images(levels), np.array(levels, np.uint32))
    assert groups.tolist() == groups_of_all_pairs(flat_images(levels), hashes)


def still_clip(count):
    """Make frames with different pixels that are copies of one another."""
    return np.random.default_rng(0).integers(100, 104, (count, 4, 4, 3), np.uint8)


def hash_of_three_bits():
    while True:
        for bits in itertools.combinations(range(0, 64, 2), 3):
            yield sum(1 << bit for bit in bits)


@pytest.mark.parametrize("hashes", [lambda: itertools.repeat(0), hash_of_three_bits])
def test_of_a_still_clip_python_looks_at_few_pairs(monkeypatch, hashes):
    with_hashes(monkeypatch, hashes())
    short, long = (count_events("line", groups_of, still_clip(count)) for count in (300, 1200))
    assert long < 6 * short


def test_frames_with_one_hash_are_not_paired_with_one_another(monkeypatch):
    with_hashes(monkeypatch, itertools.cycle([0, 1, 2]))
    paired = []
    pairs_of_similar_hashes = duplicates._pairs_of_similar_hashes

    def recorder(hashes):
        for pairs in pairs_of_similar_hashes(hashes):
            paired.extend(pairs.T.tolist())
            yield pairs

    monkeypatch.setattr(duplicates, "_pairs_of_similar_hashes", recorder)
    assert len(set(groups_of(still_clip(60)))) == 1
    assert len(paired) == 3


@pytest.mark.parametrize("pair", [(0, 2), (2, 0)])
def test_a_large_group_keeps_its_number_when_a_small_one_joins_it(pair):
    group, members = np.arange(3), {}
    duplicates._merge_groups((0, 1), group, members)
    number = group[0]
    duplicates._merge_groups(pair, group, members)
    assert group.tolist() == [number] * 3


@pytest.mark.parametrize(
    "hashes", [lambda: itertools.cycle([0, 1, 3, 1 << 40]), hash_of_three_bits]
)
def test_pixels_are_compared_once_for_each_frame_that_joins_a_group(monkeypatch, hashes):
    with_hashes(monkeypatch, hashes())
    compared = []
    monkeypatch.setattr(duplicates, "_are_near", lambda *images: not compared.append(images))
    assert len(set(groups_of(still_clip(60)))) == 1
    assert len(compared) == 59


def test_the_pixels_of_no_two_images_are_compared_twice(monkeypatch):
    levels = list(range(0, 200, 4))
    with_hashes(monkeypatch, [0, 1, 3, 3, 7] * 10)
    compared = []

    def recorder(*images):
        compared.append(tuple(sorted(int(image[0, 0, 0]) for image in images)))
        return False

    monkeypatch.setattr(duplicates, "_are_near", recorder)
    assert len(set(groups_of(flat_images(levels)))) == 50
    assert sorted(compared) == list(itertools.pairwise(levels))


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
    assert duplicates.spanning_groups(groups, labels) == [[0, 2]]


def test_the_same_labels_in_another_order_do_not_contradict():
    groups = np.array([0, 0, 1, 1])
    labels = [("a", "b"), ("b", "a"), ("a", "b"), ("b",)]
    assert duplicates.spanning_groups(groups, labels) == [[2, 3]]
