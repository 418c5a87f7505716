from itertools import product

import numpy as np
import pytest

from pyimagesearch.garments.scenes import COLORS, KINDS, draw_garment, draw_garment_and_mask

EVERY_PAIR = list(product(COLORS, KINDS))


def draw(color="red", kind="dress", *, seed=0, size=96):
    return draw_garment(color, kind, np.random.default_rng(seed), size=size)


@pytest.mark.parametrize(("color", "kind"), EVERY_PAIR)
def test_the_seed_decides_the_image(color, kind):
    first = draw(color, kind, seed=3)
    assert np.array_equal(first, draw(color, kind, seed=3))
    assert not np.array_equal(first, draw(color, kind, seed=4))


@pytest.mark.parametrize("size", [16, 96, 200])
@pytest.mark.parametrize(("color", "kind"), EVERY_PAIR)
def test_images_are_bgr_bytes_whose_longest_side_has_the_given_size(color, kind, size):
    for seed in range(5):
        image = draw(color, kind, seed=seed, size=size)
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3
        assert max(image.shape) == size


@pytest.mark.slow
@pytest.mark.parametrize(("color", "kind"), EVERY_PAIR)
def test_the_garment_has_the_given_color(color, kind):
    for seed in range(30):
        image, mask = draw_garment_and_mask(color, kind, np.random.default_rng(seed), size=128)
        assert mask.shape == image.shape[:2]
        blue, green, red = np.median(image[mask > 200], axis=0)
        if color == "black":
            assert max(blue, green, red) < 130
            assert max(blue, green, red) - min(blue, green, red) < 40
        elif color == "blue":
            assert blue > red + 8
        else:
            assert red > max(blue, green) + 20


@pytest.mark.slow
@pytest.mark.parametrize(("color", "kind"), EVERY_PAIR)
def test_the_garment_fills_a_fair_part_of_the_image(color, kind):
    shares = []
    for seed in range(30):
        _, mask = draw_garment_and_mask(color, kind, np.random.default_rng(seed), size=96)
        shares.append((mask > 127).mean())
    assert min(shares) > 0.02
    assert 0.1 < np.mean(shares) < 0.8


@pytest.mark.parametrize(("color", "kind"), [("mauve", "dress"), ("red", "hat")])
def test_an_unknown_color_or_kind_is_named_in_the_error(color, kind):
    with pytest.raises(ValueError, match=f"no '{color}' '{kind}'"):
        draw(color, kind)
