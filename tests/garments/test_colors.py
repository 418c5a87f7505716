import cv2
import numpy as np
import pytest

from pyimagesearch.garments.colors import SHADES, other_color, random_color, shaded


def hue_and_chroma(color):
    pixel = np.array([[color]], np.float32) / 255
    return cv2.cvtColor(pixel, cv2.COLOR_BGR2HSV)[0, 0, 0] / 2, max(color) - min(color)


@pytest.mark.parametrize("kind", ["dress", "jeans", "shirt"])
def test_shades_that_a_kind_never_has_are_not_chosen(kind, monkeypatch):
    never = SHADES["blue"]["navy"]._replace(hue=(60, 60), dress=0, jeans=0, shirt=0)
    monkeypatch.setitem(SHADES["blue"], "green", never)
    rng = np.random.default_rng(0)
    assert all(hue_and_chroma(random_color("blue", kind, rng))[0] > 80 for _ in range(300))


def test_other_colors_are_never_red_or_blue():
    rng = np.random.default_rng(0)
    for _ in range(1000):
        hue, chroma = hue_and_chroma(other_color(rng))
        assert chroma < 50 or 10 < hue < 82


def test_shading_keeps_channels_within_their_range():
    assert shaded((10, 100, 200), 2) == (20, 200, 255)
    assert shaded((10, 100, 200), 0.5) == (5, 50, 100)
