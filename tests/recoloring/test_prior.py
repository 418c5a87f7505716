import numpy as np
import pytest

from pyimagesearch.recoloring.composition import TURNS
from pyimagesearch.recoloring.prior import logit_offsets


def test_offsets_are_the_difference_in_log_odds_of_each_colour():
    labels = [("black", "jeans")] * 20 + [("blue", "dress")] * 80
    composed_labels = [("black", "dress")] * 100 * TURNS
    classes = ["black", "blue", "dress", "jeans"]
    black, blue, _, _ = logit_offsets(labels, composed_labels, classes, part=0)
    assert black == pytest.approx(np.log((120 / 80) / (20 / 80)), abs=0.05)
    assert blue == pytest.approx(-black)


def test_offsets_compare_what_images_weigh_in_the_loss():
    labels = [("black", "jeans")] * 20 + [("blue", "dress")] * 80
    composed_labels = [("black", "dress")] * 100 * TURNS
    plain, weighed = (
        logit_offsets(labels, composed_labels, ["black", "blue"], part=0, weigh=weigh)
        for weigh in (np.asarray, np.sqrt)
    )
    np.testing.assert_allclose(weighed, plain / 2)  # the logarithm of a root is half as much


def test_types_have_no_offset():
    labels = [("black", "jeans")] * 20 + [("blue", "dress")] * 80
    composed_labels = [("black", "dress")] * 100 * TURNS
    offsets = logit_offsets(labels, composed_labels, ["dress", "jeans"], part=0)
    np.testing.assert_array_equal(offsets, 0)


def test_the_colour_may_be_the_second_label():
    labels = [("jeans", "black")] * 20 + [("dress", "blue")] * 80
    composed_labels = [("dress", "black")] * 100 * TURNS
    offsets = logit_offsets(labels, composed_labels, ["black", "dress", "jeans"], part=1)
    assert offsets[0] > 1
    np.testing.assert_array_equal(offsets[1:], 0)


@pytest.mark.parametrize("age", [(), ("old",)])
def test_each_label_of_a_colour_has_its_offset(age):
    labels = [("black", "jeans")] * 20 + [("blue", "dress")] * 60 + [("dark", "blue", "dress")] * 20
    composed_labels = [("dark", "blue", "jeans")] * 50 * TURNS + [("black", "dress")] * 50 * TURNS
    classes = ["black", "blue", "dark", "dress", "jeans", "old"]
    offsets = logit_offsets(
        [(*each, *age) for each in labels],
        [(*each, *age) for each in composed_labels],
        classes,
        part=0,
    )
    wanted = [np.log((70 / 130) / (20 / 80)), np.log((130 / 70) / (80 / 20))]
    wanted += [np.log((70 / 130) / (20 / 80)), 0, 0, 0]
    np.testing.assert_allclose(offsets, wanted, atol=0.05)


def test_a_label_that_is_a_colour_and_a_type_has_an_offset_for_all_its_images():
    labels = [("red", "rose")] * 40 + [("rose", "shirt")] * 40
    composed_labels = [("red", "shirt")] * 80 * TURNS
    red, rose, _ = logit_offsets(labels, composed_labels, ["red", "rose", "shirt"], part=0)
    assert red == pytest.approx(np.log((120 / 40) / (40 / 40)), abs=0.05)
    assert rose == pytest.approx(np.log((80 / 80) / (80.5 / 0.5)), abs=0.05)


def test_a_colour_that_all_images_have_has_a_finite_offset():
    offsets = logit_offsets([("a", "b")] * 9, [("a", "b")] * TURNS, ["a", "b"], part=0)
    assert np.isfinite(offsets).all()


@pytest.mark.parametrize("labels", [[("a",), ("b",)], [("a", "b")]])
def test_all_offsets_are_zero_if_nothing_is_composed_even_if_names_lack_the_part(labels):
    np.testing.assert_array_equal(logit_offsets(labels, [], ["a", "b"], part=2), 0)
