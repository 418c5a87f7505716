import itertools
import zlib

import cv2
import numpy as np
import pytest

from pyimagesearch.data import duplicates


def groups_of(images):
    checksums = np.array([zlib.crc32(image) for image in images], np.uint32)
    return duplicates.duplicate_groups(images, checksums)


def smooth_image(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (96, 96, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 8), None, 0, 255, cv2.NORM_MINMAX)


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
        lambda image: cv2.imdecode(
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR
        ),
        lambda image: cv2.resize(cv2.resize(image, (70, 70)), (96, 96)),
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
