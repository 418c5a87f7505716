import numpy as np
import pytest

from pyimagesearch.garments import people
from pyimagesearch.garments.camera import View
from pyimagesearch.garments.jeans import jeans_layers
from pyimagesearch.garments.painting import paint


@pytest.mark.parametrize("height", [0.6, 0.7])
def test_a_seam_or_a_gap_separates_the_legs(height):
    view, pixels = View(-0.25, 0.0, 0.5, 1.0), 400
    for seed in range(40):
        rng = np.random.default_rng(seed)
        figure = people.unworn_figure("jeans", rng, long_sleeved=False)
        layers = jeans_layers(figure, (120, 70, 40), rng, labelled=True)
        backdrop = np.full((pixels, pixels // 2, 3), 255, np.float32)
        row = paint(layers, backdrop, view, rng=rng)[1][int(height * pixels)]
        cloth = np.flatnonzero(row == 255)
        assert row[cloth[0] : cloth[-1]].min() < 128, seed


@pytest.mark.parametrize("labelled", [True, False])
def test_only_the_cloth_of_labelled_jeans_is_labelled(labelled):
    rng = np.random.default_rng(0)
    figure = people.random_person("jeans", rng).figure
    layers = jeans_layers(figure, (120, 70, 40), rng, labelled=labelled)
    assert layers[0].labelled == labelled
    assert not layers[1].labelled
