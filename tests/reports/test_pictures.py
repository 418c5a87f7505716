import cv2
import numpy as np
import pytest

from pyimagesearch.inference.classification import Prediction
from pyimagesearch.recoloring.composition import Composition
from pyimagesearch.reports import pictures

HISTORY = {
    "loss": [0.9, 0.4, 0.2],
    "val_loss": [0.8, 0.5, 0.3],
    "binary_accuracy": [0.6, 0.8, 0.9],
    "val_binary_accuracy": [0.5, 0.7, 0.85],
}
LABELS = [("black", "jeans"), ("blue", "jeans"), ("blue", "dress")]


def color_of(hexadecimal):
    red, green, blue = bytes.fromhex(hexadecimal.lstrip("#"))
    return np.array([blue, green, red])


@pytest.mark.parametrize("epochs", [1, 3])
def test_all_four_curves_are_drawn(tmp_path, epochs):
    history = {name: values[:epochs] for name, values in HISTORY.items()}
    pictures.draw_training(tmp_path / "plot.png", history, LABELS)
    picture = cv2.imread(str(tmp_path / "plot.png"))
    for half in np.array_split(picture[: len(picture) * 3 // 4], 2):
        for color in (pictures.TRAINING_COLOR, pictures.TEST_COLOR):
            assert (half == color_of(color)).all(axis=2).sum() > 30


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("plot.png", b"\x89PNG"), ("plot.pdf", b"%PDF"), ("plot", b"\x89PNG"), ("a.pgf", b"\x89PNG")],
)
def test_the_plot_has_the_name_and_the_format_asked_for(tmp_path, name, beginning):
    pictures.draw_training(tmp_path / name, HISTORY, LABELS)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes().startswith(beginning)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["plot.png", "plot.svg", "plot.pdf"])
def test_the_plot_keeps_the_letters_that_its_font_has_and_replaces_the_others(
    tmp_path, monkeypatch, name
):
    from matplotlib.axes import Axes

    written = []
    set_ticks = Axes.set_yticks

    def record(axes, ticks, names, **options):
        written.extend(names)
        return set_ticks(axes, ticks, names, **options)

    monkeypatch.setattr(Axes, "set_yticks", record)
    labels = [("Übergröße", "красный"), ("日本 dress",), ("\U0001f457", "\x1b[31m")]
    pictures.draw_training(tmp_path / name, HISTORY, labels)
    assert written == ["Übergröße красный", "?? dress", r"? \x1b[31m"]


def test_of_free_labels_each_label_is_counted_and_no_combination(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    drawn = []
    barh = Axes.barh
    monkeypatch.setattr(
        Axes, "barh", lambda axes, *args, **kw: drawn.append(args) or barh(axes, *args, **kw)
    )
    labels = [("a", "b"), ("b",), (), ("a", "b", "c")]
    pictures.draw_training(tmp_path / "plot.png", HISTORY, labels, by_label=True)
    ((_, counts),) = drawn
    assert counts == [3, 2, 1]


def written_in_the_plot(tmp_path, labels, monkeypatch):
    """Draw curves and counts, and return all that is written there."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    written = []

    def record(figure, *_, **__):
        written.extend(text.get_text() for text in figure.findobj(Text))

    monkeypatch.setattr(Figure, "savefig", record)
    pictures.draw_training(tmp_path / "plot.png", HISTORY, labels)
    return written


def test_the_legend_says_which_epoch_its_values_are_of(tmp_path, monkeypatch):
    written = written_in_the_plot(tmp_path, LABELS, monkeypatch)
    for legend in ("val_loss: 0.3000 in epoch 3", "train_binary_accuracy: 90.00% in epoch 3"):
        assert legend in written


def test_a_bar_says_exactly_how_many_images_it_stands_for(tmp_path, monkeypatch):
    labels = [("jeans",)] * 1_234_567
    assert "1,234,567" in written_in_the_plot(tmp_path, labels, monkeypatch)


def test_combinations_whose_labels_read_alike_have_a_bar_each(tmp_path, monkeypatch):
    labels = [("a b", "c")] * 21 + [("a", "b c")] * 31 + [("d",)]
    written = written_in_the_plot(tmp_path, labels, monkeypatch)
    assert {"Images of each of 3 combinations", "21", "31"} <= set(written)


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


@pytest.mark.parametrize(
    ("is_unknown", "lines"),
    [
        (False, ["blue: 99.12%", "jeans: 98.76%"]),
        (True, ["unknown (nearness 7%)", "blue: 99.12%", "jeans: 98.76%"]),
    ],
)
def test_an_image_shows_its_labels_in_per_cent_and_whether_it_is_unknown(is_unknown, lines):
    image = np.full((300, 200, 3), 128, np.uint8)
    prediction = Prediction("a.png", {}, None, image, nearness=0.07, is_unknown=is_unknown)
    annotated = pictures.annotate_prediction(prediction, [("blue", 0.99123), ("jeans", 0.9876)])
    np.testing.assert_array_equal(annotated, pictures.annotate(image, lines))


@pytest.mark.parametrize(("error", "reason"), [(None, "give classify_files `keep`"), ("no", "no")])
def test_labels_cannot_be_written_on_an_image_that_was_not_kept(error, reason):
    with pytest.raises(ValueError, match=f"^a.png has no image to draw on: {reason}$"):
        pictures.annotate_prediction(Prediction("a.png", {"blue": 1.0}, error), [("blue", 1.0)])


@pytest.fixture
def composition():
    """Two composed images of each of three combinations, each made of its own two sources."""
    rng = np.random.default_rng(0)
    labels = [("black", "dress")] * 2 + [("black", "shirt")] * 2 + [("red", "jeans")] * 2
    composed = rng.integers(0, 256, (6, 96, 96, 3), np.uint8)
    return Composition(composed, labels, np.arange(6), np.arange(6, 12))


@pytest.fixture
def sources():
    return np.random.default_rng(1).integers(0, 256, (12, 96, 96, 3), np.uint8)


def test_the_preview_has_a_block_for_each_combination(sources, composition):
    picture = pictures.preview(sources, composition)
    assert picture.dtype == np.uint8
    assert picture.shape[1] // (3 * 96) == 3
    assert picture.shape[0] // 96 == pictures.PREVIEW_ROWS


def test_the_preview_shows_each_composed_image_beside_its_sources(sources, composition):
    picture = pictures.preview(sources, composition)
    for i, image in enumerate(composition.images):
        row = np.hstack([sources[i], sources[6 + i], image])
        _, _, (x, y), _ = cv2.minMaxLoc(cv2.matchTemplate(picture, row, cv2.TM_SQDIFF))
        np.testing.assert_array_equal(picture[y : y + 96, x : x + 3 * 96], row)


def test_a_preview_with_fewer_images_than_rows_is_filled_up(sources, composition):
    one = Composition(*(part[:1] for part in composition[:4]))
    assert len(pictures.preview(sources, one)) == len(pictures.preview(sources, composition))


def test_the_preview_is_written_only_if_asked_for_and_if_anything_was_composed(
    tmp_path, sources, composition
):
    nothing = Composition(*(part[:0] for part in composition[:4]))
    pictures.write_preview(None, sources, composition)
    pictures.write_preview(tmp_path / "nothing.png", sources, nothing)
    pictures.write_preview(tmp_path / "composed.png", sources, composition)
    assert [path.name for path in tmp_path.iterdir()] == ["composed.png"]


@pytest.mark.slow
@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("folders", [100, 2000])
def test_the_plot_of_a_grown_dataset_writes_few_numbers(tmp_path, monkeypatch, parts, folders):
    from matplotlib.axes import Axes

    written = []
    text = Axes.text
    monkeypatch.setattr(Axes, "text", lambda *args, **kw: written.append(args) or text(*args, **kw))
    labels = [tuple(f"{part}_{n}" for part in range(parts)) for n in range(folders)]
    pictures.draw_training(tmp_path / "plot.png", HISTORY, labels)
    assert cv2.imread(str(tmp_path / "plot.png")).shape == (1100, 800, 3)
    assert len(written) < 300


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("label", ["x" * 250, "$", "a$b$", r"$\frac{$", "a_b^{", "\n\n", "^", "%"])
def test_the_plot_takes_any_folder_name(tmp_path, label):
    labels = [(label, "jeans"), ("blue", label), ("blue", "jeans")]
    pictures.draw_training(tmp_path / "pairs.png", HISTORY, labels)
    pictures.draw_training(tmp_path / "bars.png", HISTORY, [*labels, (label,)])
    for name in ("pairs.png", "bars.png"):
        assert cv2.imread(str(tmp_path / name)).shape == (1100, 800, 3)


def test_of_many_combinations_the_preview_shows_the_first():
    labels = [(f"color{n}", "type") for n in range(500)]
    images = np.zeros((500, 8, 8, 3), np.uint8)
    composition = Composition(images, labels, np.arange(500), np.arange(500))
    blocks = pictures.preview(images, composition).shape[1] / (3 * 96 + 8)
    assert blocks == pictures.PREVIEW_BLOCKS


@pytest.mark.parametrize(
    "shape", [(1, 1000), (1, 60000), (60000, 1), (20000, 3), (3, 20000), (4000, 4000)]
)
def test_an_image_of_any_proportions_can_be_annotated(shape):
    annotated = pictures.annotate(np.zeros((*shape, 3), np.uint8), ["blue: 99.12%"])
    assert annotated.shape[1] == 400
    assert annotated.shape[0] <= pictures.TALLEST + 40
    assert (annotated == (0, 255, 0)).all(axis=2).sum() > 100


def test_of_many_lines_the_first_are_written_on_an_image():
    lines = [f"label{n}: 0.01%" for n in range(4000)]
    annotated = pictures.annotate(np.zeros((10, 10, 3), np.uint8), lines)
    assert annotated.shape[0] <= pictures.LINE_HEIGHT * (pictures.MOST_LINES_OF_TEXT + 1)


@pytest.mark.parametrize("length", [40, 60, 250])
def test_a_long_label_on_an_image_leaves_room_for_its_probability(length):
    likely, unlikely = (
        pictures.annotate(np.zeros((300, 400, 3), np.uint8), ["W" * length + f": {share}.00%"])
        for share in (11, 77)
    )
    differs = np.flatnonzero((likely != unlikely).any(axis=(0, 2)))
    assert 300 < differs.min() < differs.max() < 395
    assert not likely[:, -3:].any()


def test_a_long_label_on_a_small_frame_leaves_room_for_its_probability():
    likely, unlikely = np.zeros((2, 120, 160, 3), np.uint8)
    pictures.annotate_frame(likely, ["W" * 250 + ": 11%"])
    pictures.annotate_frame(unlikely, ["W" * 250 + ": 77%"])
    assert (likely != unlikely).any()
    assert not likely[:, -1:].any()


@pytest.mark.parametrize("grey", [0, 255, 128])
@pytest.mark.parametrize("shape", [(720, 1280), (1280, 720), (240, 320)])
def test_labels_on_a_frame_are_legible_and_the_frame_keeps_its_size(shape, grey):
    frame = np.full((*shape, 3), grey, np.uint8)
    pictures.annotate_frame(frame, ["blue: 99%", "jeans: 98%"])
    assert frame.shape == (*shape, 3)
    height = round(30 * min(shape) / 400)
    text = (frame[:, :, 1] > 150) & (frame[:, :, 0] < 100)
    for line in (text[:height], text[height : 2 * height]):
        assert line.sum() > 0.1 * height**2
    assert (frame[2 * height + 20 :] == grey).all()


@pytest.mark.parametrize(("lines", "length"), [(1, 60), (20, 5)])
def test_text_that_would_not_fit_on_a_frame_is_smaller(lines, length):
    frame = np.zeros((400, 400, 3), np.uint8)
    pictures.annotate_frame(frame, ["x" * length] * lines)
    text = frame.any(axis=2)
    assert not text[-3:].any()
    assert not text[:, -3:].any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 1000), (1000, 2)])
def test_a_frame_too_small_for_text_is_no_error(shape):
    pictures.annotate_frame(np.zeros((*shape, 3), np.uint8), ["blue: 99%"] * 60)
    pictures.annotate_frame(np.zeros((*shape, 3), np.uint8), [])


def test_labels_that_are_not_utf_8_are_spelt_out_on_images_and_frames():
    image = np.zeros((300, 400, 3), np.uint8)
    pictures.annotate_frame(image, ["bl\udce9: 99.00%"])
    assert image.any()
    assert pictures.annotate(np.zeros((300, 400, 3), np.uint8), ["bl\udce9"]).any()
