"""Pictures: training curves, composed images, and labels on an image."""

import itertools
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pyimagesearch.console import printable
from pyimagesearch.data.folders import pair_axes, positions_of
from pyimagesearch.files import AnyPath, written_whole
from pyimagesearch.image_files import save_image
from pyimagesearch.inference.classification import no_image_error
from pyimagesearch.inference.output_formats import unknown_lines
from pyimagesearch.reports.picture_text import FONT, fitted, fitted_labels, text_width, write_text
from pyimagesearch.reports.shortening import shortened

if TYPE_CHECKING:
    # classify.py draws, too, and need not wait for what loading and recolouring import.
    from matplotlib.axes import Axes

    from pyimagesearch.data.image_arrays import Images
    from pyimagesearch.inference.classification import Prediction
    from pyimagesearch.recoloring.composition import Composition

# Two colours that colour-blind readers can tell apart, from Okabe and Ito's palette ("Color
# Universal Design", 2008).
TRAINING_COLOR, TEST_COLOR = "#0072B2", "#D55E00"

# A table of combinations has room for this many rows, and for headings of this many characters in
# all. Combinations that do not fit are drawn as bars, an even number of them.
MOST_ROWS, MOST_HEADINGS = 12, 80
MOST_BARS, BAR_FONT_SIZE = 20, 7
# Longer names of labels would leave no room for what they name.
LONGEST_NAME = 30

# The preview of composed images: pixels of a cell, examples of each combination, combinations.
PREVIEW_CELL, PREVIEW_ROWS, PREVIEW_BLOCKS = (96, 96), 6, 50

# A labelled image has the tutorial's width and distance between lines, in pixels.
ANNOTATED_WIDTH = 400
LINE_HEIGHT = 30
FONT_SIZE, FONT_WEIGHT = 0.7, 2
MARGIN = 10
# Smaller text cannot be read.
SMALLEST_SCALE = 0.5
# A very tall image becomes narrower instead of taller than this. It has room for this many lines.
TALLEST, MOST_LINES_OF_TEXT = 4000, 50


def draw_training(
    path: AnyPath,
    history: Mapping[str, Sequence[float]],
    labels: Sequence[tuple[str, ...]],
    *,
    by_label: bool = False,
) -> None:
    """Draw loss and accuracy over the epochs, and how many images each combination has.

    Parameters
    ----------
    path : path
        The picture to write. Its suffix names the format; PNG if it names none.
    history : mapping
        ``loss``, ``val_loss``, ``binary_accuracy`` and ``val_binary_accuracy``, one value an epoch.
    labels : sequence of tuple of str
        The labels of each image.
    by_label : bool
        Whether to count the images of each label instead, where an image has any number of labels.

    Raises
    ------
    UserError
        If the picture cannot be written.
    """
    # classify.py draws without Matplotlib, which takes a second to import.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Unlike pyplot, a figure and canvas of our own need no display and leave no global state.
    figure = Figure(figsize=(8, 11), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    loss_axes, accuracy_axes, coverage_axes = figure.subplots(3, height_ratios=(3, 3, 2))
    figure.suptitle("Training Loss and Accuracy")
    _draw_metric(loss_axes, history, "loss")
    _draw_metric(accuracy_axes, history, "binary_accuracy")
    if by_label:
        counts = Counter(label for each in labels for label in each)
        _draw_bars(coverage_axes, counts.most_common(), of="labels")
    else:
        _draw_coverage(coverage_axes, Counter(labels))
    suffix = os.path.splitext(path)[1].lstrip(".").lower()  # noqa: PTH122 (any kind of path)
    # Matplotlib writes .pgf with the help of LaTeX.
    is_known = suffix in canvas.get_supported_filetypes().keys() - {"pgf"}
    with written_whole(path) as temporary:
        figure.savefig(temporary, format=suffix if is_known else "png", dpi=100)


def _draw_metric(axes: "Axes", history: Mapping[str, Sequence[float]], metric: str) -> None:
    """Draw a metric of the training and the test images, and name the last epoch's values."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    is_loss = metric == "loss"
    epochs = np.arange(1, len(history["loss"]) + 1)
    curves = [("train", metric, TRAINING_COLOR), ("val", f"val_{metric}", TEST_COLOR)]
    for side, key, color in curves:
        last = f"{history[key][-1]:.4f}" if is_loss else f"{history[key][-1]:.2%}"
        label = f"{side}_{metric}: {last} in epoch {epochs[-1]}"
        axes.plot(epochs, history[key], color=color, label=label)
        axes.plot(epochs[-1], history[key][-1], "o", color=color)
    axes.set(xlabel="Epoch #", ylabel="Loss" if is_loss else "Binary accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    if is_loss:
        axes.set_ylim(bottom=0)
    else:
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)


def _draw_coverage(axes: "Axes", counts: Counter[tuple[str, ...]]) -> None:
    """Draw how many images each combination has: a table of pairs, or bars of anything else."""
    pairs = pair_axes(counts)
    headings = [_name(column) for column in pairs[1]] if pairs else []
    width = sum(len(heading) + 2 for heading in headings)
    if pairs is None or len(pairs[0]) > MOST_ROWS or width > MOST_HEADINGS:
        named = [(" ".join(each), images) for each, images in counts.most_common()]
        _draw_bars(axes, named, of="combinations")
        return
    rows, columns = pairs
    axes.set_title("Images of each combination", fontsize="medium")
    table = np.array([[counts[row, column] for column in columns] for row in rows])
    # Only the light half of the colours, on which black numbers are legible.
    axes.imshow(table, cmap="Blues", vmin=0, vmax=2 * table.max(), aspect="auto")
    for y, x in np.ndindex(table.shape):
        number = f"{table[y, x]:,}" if table[y, x] else "none"
        axes.text(x, y, number, ha="center", va="center")
    axes.set_xticks(range(len(columns)), headings, parse_math=False)
    names = [_name(row) for row in rows]
    axes.set_yticks(range(len(rows)), names, parse_math=False)


def _draw_bars(axes: "Axes", counts: Sequence[tuple[str, int]], *, of: str) -> None:
    """Draw a bar for each name and its images, given from the most to the fewest."""
    shown, title = counts, f"Images of each of {len(counts)} {of}"
    if len(shown) > MOST_BARS:
        half = MOST_BARS // 2
        shown = [*shown[:half], *shown[-half:]]
        title = f"Images of the {half} largest and the {half} smallest of {len(counts):,} {of}"
    axes.set_title(title, fontsize="medium")
    bars = axes.barh(range(len(shown)), [count for _, count in shown], color=TRAINING_COLOR)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=BAR_FONT_SIZE)
    names = [_name(name) for name, _ in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=BAR_FONT_SIZE, parse_math=False)
    axes.invert_yaxis()


def _name(label: str) -> str:
    """Return a label as Matplotlib can draw it, with as many characters as there is room for."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    # Matplotlib warns of each character that its font lacks.
    font = get_font(findfont(FontProperties()))
    letters = [letter if font.get_char_index(ord(letter)) else "?" for letter in printable(label)]
    return shortened("".join(letters), LONGEST_NAME)


def preview(images: "Images", composition: "Composition") -> np.ndarray:
    """Show composed images beside the images that they were made from.

    Parameters
    ----------
    images : numpy.ndarray or StoredImages
        uint8, shape (N, height, width, 3), BGR: the images of the dataset.
    composition : Composition
        At least one composed image.

    Returns
    -------
    numpy.ndarray
        uint8, BGR. A block for each of the first ``PREVIEW_BLOCKS`` combinations, side by side; in
        it, a row for each example with the garment, the colour, and the garment in that colour.
    """
    from imutils import build_montages

    examples = positions_of(composition.labels)
    blocks = []
    for combination, positions in itertools.islice(examples.items(), PREVIEW_BLOCKS):
        cells = []
        for position in positions[:PREVIEW_ROWS]:
            cells.append(images[composition.type_sources[position]])
            cells.append(images[composition.color_sources[position]])
            cells.append(composition.images[position])
        montage = build_montages(cells, PREVIEW_CELL, (3, PREVIEW_ROWS))[0]
        title = np.full((40, montage.shape[1], 3), 255, np.uint8)
        name = fitted_labels(combination, title.shape[1] - 8, size=0.5, write=" ".join)
        write_text(title, name, (4, 16), size=0.5)
        for column, caption in enumerate(("garment", "colour", "composed")):
            write_text(title, caption, (4 + column * PREVIEW_CELL[0], 34), size=0.4)
        block = np.vstack([title, montage])
        blocks.append(cv2.copyMakeBorder(block, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255,) * 3))
    return np.hstack(blocks)


def write_preview(path: AnyPath | None, images: "Images", composition: "Composition") -> None:
    """Write the picture that :func:`preview` makes, if there is a path and anything was composed.

    Raises
    ------
    UserError
        If the picture cannot be written.
    """
    if path is not None and composition.labels:
        save_image(path, preview(images, composition))


def resized_for_drawing(image: np.ndarray) -> np.ndarray:
    """Resize an image to the size that :func:`annotate` draws at, its proportions kept.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.

    Returns
    -------
    numpy.ndarray
        uint8, 400 pixels wide, or narrower if it would be taller than 4,000 pixels.
    """
    height, width = image.shape[:2]
    scale = min(ANNOTATED_WIDTH / width, TALLEST / height)
    size = max(1, round(width * scale)), max(1, int(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def annotate_prediction(
    prediction: "Prediction", chosen: Sequence[tuple[str, float]]
) -> np.ndarray:
    """Write an image's labels on it, and whether it is unknown.

    Parameters
    ----------
    prediction : Prediction
        With its image, which ``classify_files`` keeps if it is given `keep`.
    chosen : sequence of (str, float)
        Labels and their probabilities.

    Returns
    -------
    numpy.ndarray
        As from :func:`annotate`.

    Raises
    ------
    ValueError
        If the prediction has no image.
    """
    if prediction.image is None:
        raise no_image_error(prediction, "to draw on")
    labels = [f"{label}: {likely:.2%}" for label, likely in chosen]
    return annotate(prediction.image, [*unknown_lines(prediction), *labels])


def annotate(image: np.ndarray, lines: Sequence[str]) -> np.ndarray:
    """Write lines of text on an image, legible on any background.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    lines : sequence of str
        From top to bottom; the first ``MOST_LINES_OF_TEXT`` are written, smaller where one would
        not fit, and without its middle where it would be smaller than can be read.

    Returns
    -------
    numpy.ndarray
        uint8, BGR, 400 pixels wide, in the proportions of the image. Black strips below and on the
        right make room for the text where the image does not.
    """
    annotated = resized_for_drawing(image)
    lines = _legible(lines, ANNOTATED_WIDTH)
    needed_width, needed_height = _text_size(lines)
    scale = min(1, ANNOTATED_WIDTH / needed_width)
    below = max(0, math.ceil(needed_height * scale) - annotated.shape[0])
    right = ANNOTATED_WIDTH - annotated.shape[1]
    annotated = cv2.copyMakeBorder(annotated, 0, below, 0, right, cv2.BORDER_CONSTANT)
    _write_outlined(annotated, lines, scale)
    return annotated


def annotate_frame(frame: np.ndarray, lines: Sequence[str]) -> None:
    """Write lines of text on a frame of a video, which keeps its size.

    Parameters
    ----------
    frame : numpy.ndarray
        uint8, shape (height, width, 3), BGR. The text is written into it, in proportion to its
        size, and smaller where it would not fit.
    lines : sequence of str
        As for :func:`annotate`.
    """
    height, width = frame.shape[:2]
    lines = _legible(lines, width)
    needed_width, needed_height = _text_size(lines)
    scale = min(min(height, width) / ANNOTATED_WIDTH, width / needed_width, height / needed_height)
    _write_outlined(frame, lines, max(scale, SMALLEST_SCALE))


def _legible(lines: Sequence[str], width: int) -> list[str]:
    """Shorten the first lines so that they fit at the smallest scale, with what they end with."""
    room = width / SMALLEST_SCALE - 2 * MARGIN
    shown = lines[:MOST_LINES_OF_TEXT]
    return [fitted(line, room, size=FONT_SIZE, weight=FONT_WEIGHT) for line in shown]


def _text_size(lines: Sequence[str]) -> tuple[int, int]:
    """Return the width and height that lines take at the scale of a labelled image."""
    widths = [text_width(line, FONT_SIZE, FONT_WEIGHT) for line in lines]
    return max(widths, default=0) + 2 * MARGIN, LINE_HEIGHT * len(lines) + 10


def _write_outlined(image: np.ndarray, lines: Sequence[str], scale: float) -> None:
    """Write lines of text on an image, in the tutorial's green on a black outline."""
    width, height = (math.ceil(length * scale) for length in _text_size(lines))
    part = image[:height, :width]
    text = np.zeros(part.shape[:2], np.uint8)
    weight = max(1, round(FONT_WEIGHT * scale))
    for number, line in enumerate(lines):
        corner = round(MARGIN * scale), round((25 + LINE_HEIGHT * number) * scale)
        cv2.putText(text, line, corner, FONT, FONT_SIZE * scale, 255, weight, cv2.LINE_AA)
    outline = cv2.dilate(text, np.ones((2 * weight + 1, 2 * weight + 1), np.uint8))
    for mask in (outline, text):
        transparency = cv2.cvtColor(cv2.bitwise_not(mask), cv2.COLOR_GRAY2BGR)
        part[:] = cv2.multiply(part, transparency, scale=1 / 255)
    part[:, :, 1] += text
