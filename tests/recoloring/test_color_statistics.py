import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pyimagesearch.recoloring import color_statistics


@given(arrays(np.uint8, (3, 4, 3), elements=st.sampled_from([0, 1, 127, 128, 254, 255])))
def test_every_colour_has_a_bin(image):
    bins = color_statistics.color_bins(image)
    assert bins.shape == (3, 4)
    assert (bins < color_statistics.BINS**3).all()


def test_black_navy_and_red_have_bins_of_their_own():
    image = np.array([[(0, 0, 0), (80, 20, 20), (30, 30, 200)]], np.uint8)
    assert len(np.unique(color_statistics.color_bins(image))) == 3


def test_a_pixel_counts_most_for_its_own_bin_and_less_for_a_neighbour():
    bins = np.array([[1, 1], [1, 2]])
    # The last pixel does not count.
    histogram = color_statistics.color_histogram(bins, np.array([[1.0, 1.0], [0.5, 0.0]]))
    assert histogram.sum() == pytest.approx(1)
    assert histogram.argmax() == 1
    assert histogram[1] > histogram[2] > histogram[3] > 0


def test_nothing_has_a_histogram_of_zeros():
    assert not color_statistics.color_histogram(np.array([1]), np.array([0.0])).any()


def test_moments_are_those_of_numpy():
    pixels = np.random.default_rng(0).normal(size=(50, 3))
    mean, covariance = color_statistics.color_moments(pixels)
    np.testing.assert_allclose(mean, pixels.mean(axis=0))
    np.testing.assert_allclose(covariance, np.cov(pixels.T, bias=True))


def test_white_is_the_lightest_colour_and_has_no_hue():
    lab = color_statistics.to_lab(np.full((1, 1, 3), 255, np.uint8))
    np.testing.assert_allclose(lab[0, 0], (100, 0, 0), atol=0.01)
