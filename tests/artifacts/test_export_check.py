import numpy as np
import pytest

from pyimagesearch.artifacts.export_check import choosing, compared, drawn_images, tolerance_of
from pyimagesearch.errors import WORK_FAILED, UserError

SOME = np.array([[0.9, 0.8, 0.1], [0.2, 0.6, 0.7]], np.float32)
LABELS = ["blue", "dress", "jeans", "red"]
PAIRS = {"labels": LABELS, "combinations": [["blue", "jeans"], ["red", "dress"]]}
FREE = {"labels": LABELS, "free_labels": True, "thresholds": dict.fromkeys(LABELS, 0.3)}


def assert_refused(*arguments, **settings):
    with pytest.raises(UserError) as caught:
        compared("a.tflite", *arguments, **settings)
    assert caught.value.exit_code == WORK_FAILED


def compared_by_choice(expected, found, metadata=PAIRS):
    rows = (np.array([row], np.float32) for row in (expected, found))
    return compared("a.tflite", *rows, choose=choosing(LABELS, metadata))


def test_probabilities_may_differ_by_rounding_and_no_more():
    assert "2 images" in compared("a.onnx", SOME, SOME + np.float32(5e-5))
    assert compared("a.onnx", SOME[:1], SOME[:1]).endswith(" in 1 image")
    assert_refused(SOME, SOME + 2e-4)


def test_a_network_of_half_precision_may_differ_by_more_than_others():
    other = SOME + np.float32(2e-3)
    compared("a.onnx", SOME, other, tolerance=tolerance_of(["float32", "float16"]))
    assert_refused(SOME, other, tolerance=tolerance_of(["float32", "float32"]))
    assert tolerance_of(["bfloat16"]) > tolerance_of(["float16"])


def test_every_image_has_a_probability_for_each_label():
    assert_refused(SOME, SOME * np.nan)
    assert_refused(SOME, SOME[:, :2])


def test_with_8_bit_weights_each_image_keeps_the_likeliest_label_of_each_part():
    assert compared_by_choice([0.5, 0.2, 0.19, 0.9], [0.15, 0.2, 0.19, 0.9]) == (
        "the same labels in 1 of 1 image"
    )
    with pytest.raises(UserError, match="the same labels in 0 of 1 image"):
        compared_by_choice([0.8, 0.4, 0.3, 0.9], [0.8, 0.3, 0.4, 0.9])


def test_with_8_bit_weights_each_image_keeps_the_labels_above_their_thresholds():
    compared_by_choice([0.9, 0.1, 0.8, 0.2], [0.5, 0.2, 0.9, 0.1], FREE)
    with pytest.raises(UserError, match="0 of 1 image"):
        compared_by_choice([0.9, 0.4, 0.8, 0.2], [0.9, 0.2, 0.8, 0.2], FREE)


def test_a_close_call_between_labels_may_go_the_other_way_with_8_bit_weights():
    result = compared_by_choice([0.59, 0.8, 0.1, 0.61], [0.6, 0.8, 0.1, 0.58])
    assert result == "the same labels in 0 of 1 image, close calls in the others"


def test_drawn_images_differ_from_one_another_and_are_the_same_every_time():
    images = drawn_images(24)
    assert images.shape[1:] == (24, 24, 3)
    assert len(np.unique(images, axis=0)) == len(images) > 1
    np.testing.assert_array_equal(images, drawn_images(24))
