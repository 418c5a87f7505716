import numpy as np

from pyimagesearch.garments import people
from pyimagesearch.garments.colors import SKIN_TONES
from pyimagesearch.garments.dresses import dress_layers

RED = (40.0, 40.0, 200.0)


def dresses(count):
    for seed in range(count):
        rng = np.random.default_rng(seed)
        yield dress_layers(people.random_person("dress", rng).figure, RED, rng)


def test_dresses_reach_from_the_bust_to_below_the_hips_and_end_above_the_floor():
    for layers, _ in dresses(100):
        y = np.concatenate([outline for layer in layers for outline in layer.outlines])[:, 1]
        assert y.min() < 0.25
        assert 0.58 < y.max() < 1.06


def test_a_dress_has_two_sleeves_or_none():
    assert {len(sleeves) for _, sleeves in dresses(100)} == {0, 2}


def test_a_slit_is_not_in_the_middle():
    slits = [
        layer.outlines[0]
        for layers, _ in dresses(300)
        for layer in layers
        if not layer.labelled and layer.color in SKIN_TONES
    ]
    assert slits
    for slit in slits:
        assert np.sign(slit[0, 0]) == np.sign(slit[1:3, 0]).mean()
        assert abs(slit[0, 0]) >= 0.02
