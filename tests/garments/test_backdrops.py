import numpy as np
import pytest

from pyimagesearch.garments import backdrops
from pyimagesearch.garments.backdrops import BACKDROPS, random_backdrop


def only(name, monkeypatch):
    monkeypatch.setattr(backdrops, "BACKDROPS", {name: 1.0})


@pytest.mark.parametrize("name", BACKDROPS)
def test_backdrops_are_colors_from_0_to_255(name, monkeypatch):
    only(name, monkeypatch)
    for seed in range(10):
        image = random_backdrop((40, 30), (200.0, 200.0, 200.0), np.random.default_rng(seed))
        assert image.dtype == np.float32
        assert image.shape == (40, 30, 3)
        assert image.min() >= 0
        assert image.max() <= 255


def test_only_bright_garments_get_a_black_backdrop(monkeypatch):
    only("black", monkeypatch)
    behind_bright = random_backdrop((4, 4), (20.0, 20.0, 200.0), np.random.default_rng(0))
    behind_dark = random_backdrop((4, 4), (20.0, 20.0, 40.0), np.random.default_rng(0))
    assert behind_bright.max() < 30
    assert behind_dark.min() > 240
