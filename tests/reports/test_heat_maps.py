import numpy as np
import pytest

from pyimagesearch.artifacts.receptive_fields import Cells
from pyimagesearch.inference.classification import Prediction
from pyimagesearch.reports import heat_maps
from pyimagesearch.reports.heat_maps import (
    COLUMNS,
    GAP,
    TILE_WIDTH,
    explanation,
    heat_map,
    laid_over,
)
from pyimagesearch.reports.picture_text import text_width

RED = (0, 0, 255)
# Four by four cells cover an image of 40 pixels, or of 16.
TENS, FOURS = Cells((4.5, 4.5), (10, 10)), Cells((1.5, 1.5), (4, 4))


def spot(y, x, value=1.0):
    """Feature maps of 4 x 4 cells, of which one speaks for the label."""
    features = np.ones((4, 4, 3), np.float32)
    gradient = np.zeros((4, 4, 3), np.float32)
    gradient[y, x] = value
    return features, gradient


def brightest(picture):
    return np.unravel_index(picture.sum(axis=2, dtype=int).argmax(), picture.shape[:2])


@pytest.mark.parametrize("cell", [(0, 0), (1, 2), (3, 1)])
def test_the_hottest_pixel_is_in_the_middle_of_the_cell_that_speaks_for_the_label(cell):
    heat = heat_map(*spot(*cell), cells=TENS, size=40)
    assert heat.shape == (40, 40)
    assert 0 <= heat.min() < 0.1
    assert heat.max() == 1
    hottest = np.unravel_index(heat.argmax(), heat.shape)
    np.testing.assert_allclose(hottest, [10 * place + 4.5 for place in cell], atol=4)


@pytest.mark.parametrize("cell", [(0, 2), (3, 1)])
def test_where_cells_do_not_cover_the_image_they_stay_in_their_places_and_the_rest_is_cold(cell):
    cells = Cells((2.5, 6.5), (6, 5))
    heat = heat_map(*spot(*cell), cells, size=34)
    center = [first + place * step for first, step, place in zip(*cells, cell, strict=True)]
    hottest = np.unravel_index(heat.argmax(), heat.shape)
    np.testing.assert_allclose(hottest, center, atol=2.5 + 0.51)
    covered = heat[:24, 4:24]
    assert covered.any(axis=1).sum() > 12
    assert heat.sum() == pytest.approx(covered.sum())


def test_features_count_by_their_own_gradient_where_they_are():
    features, gradient = np.ones((2, 4, 4, 3), np.float32)
    features[0, 0], features[0, 3], features[3, 3] = (50, 1, 1), (1, 50, 1), (1, 1, 50)
    gradient[:2], gradient[2:] = (1, 0, 0), (0, 0, 1)
    heat = heat_map(features, gradient, Cells(), size=4)
    assert heat[0, 0] == pytest.approx(1)
    assert heat[3, 3] == pytest.approx(1)
    assert heat[0, 3] < 0.5
    assert heat[3, 0] < 0.5


def test_what_speaks_against_a_label_takes_nothing_from_what_speaks_for_it():
    features, gradient = spot(1, 1)
    gradient[:, :, 1] = -9
    features[:, :, 1] = 0
    without = heat_map(features, gradient, cells=TENS, size=40)
    features[:, :, 1] = 1
    assert (heat_map(features, gradient, cells=TENS, size=40) == without).all()


def test_what_speaks_against_a_label_is_cold():
    assert (heat_map(*spot(1, 1, value=-1), cells=TENS, size=40) == 0).all()


def test_where_nothing_speaks_for_a_label_the_map_is_cold():
    heat = heat_map(*spot(1, 1, value=0), cells=TENS, size=40)
    assert heat.dtype == np.float32
    assert (heat == 0).all()


def test_the_cold_image_is_grey_and_darker():
    image = np.full((20, 30, 3), RED, np.uint8)
    drawn = laid_over(np.zeros((10, 10), np.float32), image, "squeeze")
    assert drawn.shape == image.shape
    assert (drawn == drawn[:, :, :1]).all()
    assert 0 < drawn.max() < 76  # the grey of red
    assert (image == RED).all()


@pytest.mark.parametrize(
    ("fit", "shape", "place"),
    [
        ("squeeze", (40, 80), (11.5, 43)),
        ("pad", (40, 80), (3.5, 43)),
        ("pad", (80, 40), (23, 23.5)),
        ("pad", (60, 60), (17.25, 32.25)),
    ],
)
def test_a_heat_map_lies_where_its_square_came_from(fit, shape, place):
    heat = np.zeros((40, 40), np.float32)
    heat[11:13, 21:23] = 1
    drawn = laid_over(heat, np.zeros((*shape, 3), np.uint8), fit)
    hot = np.argwhere(drawn.sum(axis=2) > 0.9 * drawn.sum(axis=2).max())
    np.testing.assert_allclose(hot.mean(axis=0), place, atol=0.51)


@pytest.mark.parametrize("fit", ["pad", "squeeze"])
@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (1, 1), (4000, 3)])
def test_an_image_of_any_proportions_gets_a_heat_map(fit, shape):
    heat = np.linspace(0, 1, 96 * 96, dtype=np.float32).reshape(96, 96)
    assert laid_over(heat, np.zeros((*shape, 3), np.uint8), fit).shape == (*shape, 3)


@pytest.fixture
def prediction():
    image = np.full((20, 40, 3), RED, np.uint8)
    probabilities = {"black": 0.4, "dress": 0.98, "jeans": 0.1}
    return Prediction("a.jpg", probabilities, None, image, np.full((16, 16, 3), 51, np.uint8))


def explain_nothing(image, labels):
    return np.ones((4, 4, 3), np.float32), np.zeros((len(labels), 4, 4, 3), np.float32), FOURS


def test_beside_the_image_stands_a_tile_for_each_label(prediction):
    asked = []

    def explain(image, labels):
        asked.append((image, list(labels)))
        gradients = np.zeros((2, 4, 4, 3), np.float32)
        gradients[0, 1, 0] = gradients[1, 2, 3] = 1
        return np.ones((4, 4, 3), np.float32), gradients, FOURS

    chosen = [("dress", 0.98), ("black", 0.4)]
    picture = explanation(prediction, chosen, explain=explain, fit="pad")
    ((shown, labels),) = asked
    np.testing.assert_allclose(shown, np.full((16, 16, 3), 0.2), rtol=1e-6)
    assert labels == [1, 0]
    tiles = np.hsplit(picture, 3)
    assert picture.shape[1] == 3 * (TILE_WIDTH + GAP)
    images = [tile[heat_maps.CAPTION_HEIGHT : -GAP, GAP // 2 : -GAP // 2] for tile in tiles]
    assert (images[0] == RED).all()
    assert brightest(images[1])[1] < TILE_WIDTH / 3
    assert brightest(images[2])[1] > TILE_WIDTH * 2 / 3
    for tile in tiles:
        assert 50 < (tile[: heat_maps.CAPTION_HEIGHT] < 128).all(axis=2).sum() < 1000


def test_the_captions_are_the_labels_with_their_probabilities(prediction, monkeypatch):
    captions = []
    monkeypatch.setattr(heat_maps, "write_text", lambda tile, text, *_, **__: captions.append(text))
    alike = [f"A label with a long name: {number}" for number in (1, 2)]
    names = [*alike, "\x1b[31mü", "Eighteen, together"]
    prediction = prediction._replace(probabilities=dict.fromkeys(names, 0.984))
    chosen = list(prediction.probabilities.items())
    explanation(prediction, chosen, explain=explain_nothing, fit="pad")
    image, first, second, *others = captions
    assert image == "image"
    assert others == ["\\x1b[31mü 98%", "Eighteen, together 98%"]
    assert first.endswith(": 1 98%")
    assert second.endswith(": 2 98%")
    for caption in (first, second):
        assert TILE_WIDTH - 20 < text_width(caption, heat_maps.FONT_SIZE) <= TILE_WIDTH


def test_without_labels_the_image_is_shown_alone(prediction):
    picture = explanation(prediction, [], explain=explain_nothing, fit="pad")
    assert picture.shape[1] == TILE_WIDTH + GAP


@pytest.mark.parametrize("missing", ["image", "input_image"])
@pytest.mark.parametrize(("error", "reason"), [(None, "give classify_files `keep`"), ("no", "no")])
def test_an_image_that_was_not_kept_cannot_be_explained(prediction, missing, error, reason):
    without = prediction._replace(**{missing: None}, error=error)
    with pytest.raises(ValueError, match=f"^a.jpg has no image to explain: {reason}$"):
        explanation(without, [("dress", 0.98)], explain=explain_nothing, fit="pad")


def test_many_labels_fill_rows_and_the_likeliest_are_shown(prediction):
    chosen = [(f"label {n}", 0.1) for n in range(100)]
    prediction = prediction._replace(probabilities=dict(chosen))
    few = explanation(prediction, chosen[:3], explain=explain_nothing, fit="pad")
    many = explanation(prediction, chosen, explain=explain_nothing, fit="pad")
    assert few.shape[1] == many.shape[1] == COLUMNS * (TILE_WIDTH + GAP)
    assert many.shape[0] == few.shape[0] // 2 * (heat_maps.MOST_LABELS + 1) // COLUMNS


def test_a_narrow_image_leaves_room_for_the_caption(prediction):
    prediction = prediction._replace(image=np.zeros((400, 2, 3), np.uint8))
    chosen = [("dress", 0.98)]
    picture = explanation(prediction, chosen, explain=explain_nothing, fit="pad")
    assert picture.shape[1] == 2 * (TILE_WIDTH + GAP)
