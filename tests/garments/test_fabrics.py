import numpy as np
import pytest

from pyimagesearch.garments.fabrics import FABRICS, PATTERNS, PLAIN, Texture, surface

COLOR = (40.0, 80.0, 120.0)
COVERED = np.full((60, 50), 255, np.uint8)


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("shape", [(1, 1), (60, 50)])
def test_patterns_are_weights_from_zero_to_one(name, shape):
    for seed in range(10):
        weights = PATTERNS[name](shape, np.random.default_rng(seed))
        assert weights.shape == shape
        assert weights.min() >= 0
        assert weights.max() <= 1


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_shows_the_second_color(name):
    texture = Texture(pattern=name, pattern_color=(255.0, 0.0, 0.0))
    pixels = [surface(COLOR, texture, COVERED, rng=np.random.default_rng(s)) for s in range(5)]
    assert max(image[..., 0].max() for image in pixels) > 90


def test_a_plain_surface_has_one_color():
    assert np.array_equal(surface(COLOR, PLAIN, COVERED, rng=np.random.default_rng(0)), COLOR)


@pytest.mark.parametrize("name", FABRICS)
def test_every_fabric_varies_around_its_color(name):
    pixels = surface(COLOR, FABRICS[name], COVERED, rng=np.random.default_rng(0))
    assert pixels.shape == (60, 50, 3)
    assert np.abs(pixels.mean(axis=(0, 1)) - COLOR).max() < 40
    assert pixels.std(axis=(0, 1)).min() > 0
