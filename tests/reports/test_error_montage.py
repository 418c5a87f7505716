import cv2
import numpy as np
import pytest

from pyimagesearch.artifacts.receptive_fields import Cells
from pyimagesearch.reports import montage
from pyimagesearch.reports.error_montage import draw_errors, wrong_label
from pyimagesearch.reports.montage import CAPTION_HEIGHT, CELL_WIDTH
from pyimagesearch.reports.picture_text import text_width

LIKELY = {"black": 0.9, "blue": 0.1, "jeans": 0.8}


def without_heat_maps(images, outputs):
    return None


@pytest.fixture
def dataset(make_dataset):
    paths = [f"d/blue_jeans/{name}.png" for name in ("a", "b", "ü")]
    dataset = make_dataset([("blue", "jeans")] * 2 + [("black",)], paths=paths)
    return dataset._replace(images=dataset.images + np.uint8(100))


@pytest.fixture
def worst(dataset):
    """The last image and the first."""
    return [
        {
            "path": dataset.paths[position],
            "labels": ("blue", "jeans"),
            "loss": 1,
            "probabilities": LIKELY,
        }
        for position in (2, 0)
    ]


def test_errors_are_shown_with_their_images_the_worst_first(tmp_path, dataset, worst):
    draw_errors(tmp_path / "errors.png", dataset, worst, explain=without_heat_maps)
    picture = cv2.imread(str(tmp_path / "errors.png"))
    assert picture.shape == (CELL_WIDTH + CAPTION_HEIGHT, 2 * CELL_WIDTH, 3)
    assert (picture[:CELL_WIDTH, :CELL_WIDTH] == 102).all()
    assert (picture[:CELL_WIDTH, CELL_WIDTH:] == 100).all()
    for caption in (picture[CELL_WIDTH:, :CELL_WIDTH], picture[CELL_WIDTH:, CELL_WIDTH:]):
        assert 100 < (caption < 128).all(axis=2).sum() < caption.size / 6


def test_beside_each_error_a_heat_map_shows_where_the_wrong_label_is_seen(tmp_path, dataset, worst):
    asked = []

    def explain(images, outputs):
        asked.append((images, outputs))
        gradients = np.zeros((2, 4, 4, 3), np.float32)
        gradients[0, 0, 0] = gradients[1, 3, 3] = 1
        return np.ones_like(gradients), gradients, Cells((0.5, 0.5), (2, 2))

    draw_errors(tmp_path / "errors.png", dataset, worst, explain=explain)
    ((images, outputs),) = asked
    assert images.dtype == np.float32
    np.testing.assert_allclose(images[:, 0, 0, 0], [102 / 255, 100 / 255], rtol=1e-6)
    assert [dataset.classes[output] for output in outputs] == ["black", "black"]
    picture = cv2.imread(str(tmp_path / "errors.png"))
    assert picture.shape == (CELL_WIDTH + CAPTION_HEIGHT, 4 * CELL_WIDTH, 3)
    heat_maps = (
        picture[:CELL_WIDTH, CELL_WIDTH : 2 * CELL_WIDTH],
        picture[:CELL_WIDTH, -CELL_WIDTH:],
    )
    brightest = [np.unravel_index(heat.sum(axis=2).argmax(), heat.shape[:2]) for heat in heat_maps]
    assert max(brightest[0]) < CELL_WIDTH / 3
    assert min(brightest[1]) > CELL_WIDTH * 2 / 3


@pytest.fixture
def captions_of(tmp_path, captions):
    """Return a function that draws errors and returns the lines below their images."""

    def draw(errors, dataset, *, explain=without_heat_maps):
        draw_errors(tmp_path / "errors.png", dataset, errors, explain=explain)
        return captions

    return draw


def test_below_an_error_every_label_is_named_with_its_probability(dataset, worst, captions_of):
    evening, morning = "Abendkleid mit Übergröße lang", "Morgenmantel mit Übergröße kurz"
    dataset = dataset._replace(classes=["blau", evening, morning])
    probabilities = {"blau": 0.62, evening: 0.5, morning: 0.4}
    error = worst[0] | {"labels": ("blau", morning), "probabilities": probabilities}
    _, truth, net = captions_of([error | {"is_stray": True}], dataset)
    assert truth.startswith("is blau Mo")
    assert truth.endswith(" (a stray?)")
    assert net.startswith("net blau 62%, Ab")
    assert net.endswith("g 50%")
    for line in (truth, net):
        assert text_width(line, montage.FONT_SIZE) <= CELL_WIDTH


@pytest.mark.parametrize(
    ("labels", "net"),
    [
        (("red",), "net hat 90%, cap 80%"),
        (("red", "hat", "cap"), "net hat 90%, cap 80%, red 10%"),
    ],
    ids=["more are predicted", "fewer are predicted"],
)
def test_below_an_error_stand_all_predicted_labels_and_as_many_as_the_image_has(
    dataset, worst, captions_of, labels, net
):
    error = worst[0] | {"labels": labels, "probabilities": {"cap": 0.8, "hat": 0.9, "red": 0.1}}
    *_, line = captions_of([error], dataset._replace(classes=["cap", "hat", "red"]))
    assert line == net


def test_a_wrong_label_comes_first_where_not_all_fit(dataset, worst, captions_of):
    likely = {"shirt": 0.99, "red": 0.98, "blue": 0.55, "black": 0.01}
    error = worst[0] | {"labels": ("red", "shirt"), "probabilities": likely}
    *_, net = captions_of([error], dataset._replace(classes=list(likely)))
    assert net.startswith("net blue 55%, shirt 99%")


def test_below_an_image_without_labels_that_gets_none_stands_the_likeliest(
    dataset, worst, captions_of
):
    error = worst[0] | {"labels": (), "probabilities": LIKELY | {"black": 0.4, "jeans": 0.2}}
    _, truth, net = captions_of([error], dataset)
    assert (truth.strip(), net) == ("is", "net black 40%")


def test_below_a_heat_map_stands_its_label_with_the_probability(dataset, worst, captions_of):
    long = "Abendkleid mit Übergröße lang"
    dataset = dataset._replace(classes=["blue", long])
    error = worst[0] | {"labels": ("blue",), "probabilities": {"blue": 0.9, long: 0.724}}

    def explain(images, outputs):
        ones = np.ones((1, 4, 4, 3), np.float32)
        return ones, ones, Cells((0.5, 0.5), (2, 2))

    line = captions_of([error], dataset, explain=explain)[-1]
    assert line.startswith("Abendkl")
    assert line.endswith("lang 72%")
    assert text_width(line, montage.FONT_SIZE) <= montage.LINE_WIDTH


def test_of_a_long_path_below_an_error_the_end_is_shown(dataset, worst, captions_of):
    long = f"d/{'a' * 90}/image_0001.png"
    dataset = dataset._replace(paths=[*dataset.paths[:2], long])
    path, *_ = captions_of([worst[0] | {"path": long}], dataset)
    assert path.startswith("...a")
    assert path.endswith("a/image_0001.png")


def test_without_a_path_no_errors_are_drawn(tmp_path, dataset, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw_errors(None, dataset, [], explain=without_heat_maps)
    assert list(tmp_path.iterdir()) == []


def test_errors_fill_rows(tmp_path, dataset, worst):
    draw_errors(tmp_path / "errors.png", dataset, worst * 5, explain=without_heat_maps)
    height, width, _ = cv2.imread(str(tmp_path / "errors.png")).shape
    assert (height, width) == (2 * (CELL_WIDTH + CAPTION_HEIGHT), 6 * CELL_WIDTH)


@pytest.mark.parametrize(
    ("probabilities", "labels", "wrong"),
    [
        ({"black": 0.6, "blue": 0.9, "dress": 0.1, "jeans": 0.7}, ("blue", "dress"), "jeans"),
        ({"black": 0.5, "blue": 0.2, "dress": 0.1, "jeans": 0.4}, ("blue", "dress"), "dress"),
        ({"black": 0.7, "blue": 0.2}, ("black", "blue"), "blue"),
    ],
    ids=["the likeliest that it lacks", "the least likely that it has", "it has all"],
)
def test_one_label_of_a_prediction_is_called_wrong(probabilities, labels, wrong):
    assert wrong_label(probabilities, labels) == wrong
