import cv2
import numpy as np
import pytest

from pyimagesearch import plots

HISTORY = {
    "loss": [0.9, 0.4, 0.2],
    "val_loss": [0.8, 0.5, 0.3],
    "binary_accuracy": [0.6, 0.8, 0.9],
    "val_binary_accuracy": [0.5, 0.7, 0.85],
}


def color_of(hexadecimal):
    red, green, blue = bytes.fromhex(hexadecimal.lstrip("#"))
    return np.array([blue, green, red])


@pytest.mark.parametrize("epochs", [1, 3])
def test_all_four_curves_are_drawn(tmp_path, epochs):
    history = {name: values[:epochs] for name, values in HISTORY.items()}
    plots.draw_training_curves(history, tmp_path / "plot.png")
    picture = cv2.imread(str(tmp_path / "plot.png"))
    for half in np.array_split(picture, 2):
        for color in (plots.TRAINING_COLOR, plots.TEST_COLOR):
            assert (half == color_of(color)).all(axis=2).sum() > 30


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("plot.png", b"\x89PNG"), ("plot.pdf", b"%PDF"), ("plot", b"\x89PNG"), ("a.b", b"\x89PNG")],
)
def test_the_plot_has_the_name_and_the_format_asked_for(tmp_path, name, beginning):
    plots.draw_training_curves(HISTORY, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes().startswith(beginning)


@pytest.mark.parametrize("shape", [(300, 200), (10, 1000), (1000, 30), (1, 1)])
@pytest.mark.parametrize("grey", [0, 255, 128])
def test_the_annotation_is_legible_on_any_image(shape, grey):
    image = np.full((*shape, 3), grey, np.uint8)
    annotated = plots.annotate(image, ["blue: 99.12%", "jeans: 98.76%"])
    assert annotated.shape[1] == 400
    assert (image == grey).all()
    text = (annotated == (0, 255, 0)).all(axis=2)
    for line in (text[5:32], text[35:62]):
        assert line.sum() > 100
    is_outline = cv2.dilate(text.astype(np.uint8), np.ones((5, 5))).astype(bool) & ~text
    assert annotated[is_outline].mean() < 160
