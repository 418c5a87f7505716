import cv2
import numpy as np
import pytest

from pyimagesearch.data.loading import LabelledImages
from pyimagesearch.reports import pictures

HISTORY = {
    "loss": [0.9, 0.4, 0.2],
    "val_loss": [0.8, 0.5, 0.3],
    "binary_accuracy": [0.6, 0.8, 0.9],
    "val_binary_accuracy": [0.5, 0.7, 0.85],
}
COMBINATIONS = [("black", "jeans"), ("blue", "jeans"), ("blue", "dress")]


def color_of(hexadecimal):
    red, green, blue = bytes.fromhex(hexadecimal.lstrip("#"))
    return np.array([blue, green, red])


@pytest.mark.parametrize("epochs", [1, 3])
def test_all_four_curves_are_drawn(tmp_path, epochs):
    history = {name: values[:epochs] for name, values in HISTORY.items()}
    pictures.draw_training(history, COMBINATIONS, tmp_path / "plot.png")
    picture = cv2.imread(str(tmp_path / "plot.png"))
    for half in np.array_split(picture[: len(picture) * 3 // 4], 2):
        for color in (pictures.TRAINING_COLOR, pictures.TEST_COLOR):
            assert (half == color_of(color)).all(axis=2).sum() > 30


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("plot.png", b"\x89PNG"), ("plot.pdf", b"%PDF"), ("plot", b"\x89PNG"), ("a.b", b"\x89PNG")],
)
def test_the_plot_has_the_name_and_the_format_asked_for(tmp_path, name, beginning):
    pictures.draw_training(HISTORY, COMBINATIONS, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes().startswith(beginning)


def test_the_plot_takes_labels_of_any_number_and_script(tmp_path):
    combinations = [("rouge",), ("dark", "blue", "jeans"), ("красный", "\x1b[31m")]
    pictures.draw_training(HISTORY, combinations, tmp_path / "plot.png")
    assert cv2.imread(str(tmp_path / "plot.png")) is not None


def test_errors_are_shown_with_their_images_the_worst_first(tmp_path):
    images = np.stack([np.full((8, 8, 3), grey, np.uint8) for grey in (10, 100, 200)])
    paths = [f"d/blue_jeans/{name}.png" for name in ("a", "b", "ü")]
    loaded = LabelledImages(images, paths, [("blue", "jeans")] * 3, [])
    likely = {"black": 0.9, "blue": 0.1, "jeans": 0.8}
    worst = [
        {"path": paths[position], "labels": ("blue", "jeans"), "loss": 1, "probabilities": likely}
        for position in (2, 0)
    ]
    pictures.draw_errors(tmp_path / "errors.png", loaded, worst)
    picture = cv2.imread(str(tmp_path / "errors.png"))
    width = pictures.CELL_WIDTH
    assert picture.shape == (width + pictures.CAPTION_HEIGHT, 2 * width, 3)
    assert (picture[:width, :width] == 200).all()
    assert (picture[:width, width:] == 10).all()
    for caption in (picture[width:, :width], picture[width:, width:]):
        assert 100 < (caption < 128).all(axis=2).sum() < caption.size / 6


def test_errors_are_not_drawn_where_nobody_asks(tmp_path):
    pictures.draw_errors(None, LabelledImages(np.zeros((0, 8, 8, 3), np.uint8), [], [], []), [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(300, 200), (10, 1000), (1000, 30), (1, 1)])
@pytest.mark.parametrize("grey", [0, 255, 128])
def test_the_annotation_is_legible_on_any_image(shape, grey):
    image = np.full((*shape, 3), grey, np.uint8)
    annotated = pictures.annotate(image, ["blue: 99.12%", "jeans: 98.76%"])
    assert annotated.shape[1] == 400
    assert (image == grey).all()
    text = (annotated == (0, 255, 0)).all(axis=2)
    for line in (text[5:32], text[35:62]):
        assert line.sum() > 100
    is_outline = cv2.dilate(text.astype(np.uint8), np.ones((5, 5))).astype(bool) & ~text
    assert annotated[is_outline].mean() < 160
