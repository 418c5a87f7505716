import numpy as np

from pyimagesearch.garments.camera import View
from pyimagesearch.garments.painting import Layer, paint
from pyimagesearch.garments.shapes import rectangle

VIEW = View(left=0.0, top=0.0, width=1.0, height=1.0)
RED, BLUE = (0.0, 0.0, 255.0), (255.0, 0.0, 0.0)


def painted(*layers):
    backdrop = np.full((100, 100, 3), 255, np.float32)
    return paint(layers, backdrop, VIEW, rng=np.random.default_rng(0))


def test_later_layers_hide_earlier_ones():
    left, middle = rectangle((0.1, 0.1), (0.6, 0.9)), rectangle((0.4, 0.1), (0.9, 0.9))
    image, _ = painted(Layer([left], RED), Layer([middle], BLUE))
    assert np.array_equal(image[50, [5, 20, 50, 80]], [(255, 255, 255), RED, BLUE, BLUE])


def test_the_mask_shows_the_labelled_layers_where_nothing_hides_them():
    shirt, arm = rectangle((0.1, 0.1), (0.9, 0.9)), rectangle((0.4, 0.1), (0.6, 0.9))
    _, mask = painted(Layer([shirt], RED, labelled=True), Layer([arm], BLUE))
    assert mask[50, [5, 20, 50, 80]].tolist() == [0, 255, 0, 255]


def test_layers_outside_the_view_change_nothing():
    image, mask = painted(Layer([rectangle((2, 2), (3, 3))], RED, labelled=True))
    assert (image == 255).all()
    assert not mask.any()


def test_the_backdrop_itself_stays_as_it_is():
    backdrop = np.full((10, 10, 3), 255, np.float32)
    paint([Layer([rectangle((0, 0), (1, 1))], RED)], backdrop, VIEW, rng=np.random.default_rng(0))
    assert (backdrop == 255).all()


def test_a_line_of_less_than_a_pixel_is_paler():
    line = np.array([(0.1, 0.505), (0.9, 0.505)])
    thick, _ = painted(Layer([line], RED, line=0.01))
    thin, _ = painted(Layer([line], RED, line=0.005))
    strength = (255 - thin[50, 50, 0]) / (255 - thick[50, 50, 0])
    assert 0.45 < strength < 0.55


def test_text_is_as_wide_as_its_line():
    line = np.array([(0.2, 0.5), (0.8, 0.5)])
    image, _ = painted(Layer([line], RED, text="TEAM"))
    columns = np.flatnonzero((image[..., 0] < 128).any(axis=0))
    assert 18 <= columns.min() <= 25
    assert 75 <= columns.max() <= 82
