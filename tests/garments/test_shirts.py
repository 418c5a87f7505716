import numpy as np

from pyimagesearch.garments import people, shapes
from pyimagesearch.garments.shirts import CUTS, shirt_layers

RED = (40.0, 40.0, 200.0)


def shirt(cut, *, seed=0):
    rng = np.random.default_rng(seed)
    figure = people.random_person("shirt", rng).figure
    layers, sleeves = shirt_layers(figure, RED, rng, cut=cut, hem_y=0.5, labelled=True)
    return figure, layers, sleeves


def test_the_trunk_ends_at_the_hem_unless_it_has_a_tail():
    for seed in range(20):
        _, (trunk, *_), _ = shirt(CUTS["t_shirt"], seed=seed)
        assert trunk.outlines[0][:, 1].max() < 0.515
        assert trunk.outlines[0][:, 1].max() >= 0.5


def test_a_cut_without_sleeves_has_no_layers_for_them():
    _, _, sleeves = shirt(CUTS["t_shirt"]._replace(sleeves=(0.0, 0.05)))
    assert sleeves == []


def test_long_sleeves_follow_the_arms_to_the_wrist():
    figure, _, sleeves = shirt(CUTS["long_sleeved"]._replace(sleeves=(1.0, 1.0)))
    for side, sleeve in zip(shapes.SIDES, sleeves, strict=True):
        end = len(sleeve.outlines[0]) // 2
        cuff = sleeve.outlines[0][end - 1 : end + 1].mean(axis=0)
        assert np.allclose(cuff, shapes.arm(figure, side)[-1], atol=1e-9)
        assert sleeve.labelled


def test_a_placket_has_the_buttons_of_its_cut():
    _, layers, _ = shirt(CUTS["polo"])
    assert any(len(layer.outlines) == CUTS["polo"].buttons for layer in layers)
