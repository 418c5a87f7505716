"""Every picture: the training plot, the worst images, and the labels drawn on an image."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import imutils
import numpy as np
from imutils import build_montages

from pyimagesearch.console import printable
from pyimagesearch.data.loading import LabelledImages
from pyimagesearch.files import save_image, written_whole
from pyimagesearch.recoloring.composition import Composition

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Two colours of Okabe and Ito's palette, which colour-blind readers can tell apart ("Color
# Universal Design", 2008).
TRAINING_COLOR, TEST_COLOR = "#0072B2", "#D55E00"

# So many bars of the combinations with the most images, where they do not fit into a table.
MOST_BARS = 20

# Of the montage of errors: pixels, and how many characters fit across a cell.
CELL_WIDTH, CAPTION_HEIGHT, CAPTION_CHARACTERS = 176, 56, 26

# The annotated image is as wide as the tutorial's, and so are its lines of text apart.
ANNOTATED_WIDTH = 400
LINE_HEIGHT = 30


def draw_training(
    history: Mapping[str, Sequence[float]],
    combinations: Sequence[tuple[str, ...]],
    path: str | os.PathLike,
) -> None:
    """Draw loss and accuracy by epoch, and how many images each combination has.

    Parameters
    ----------
    history : mapping
        ``loss``, ``val_loss``, ``binary_accuracy`` and ``val_binary_accuracy``, a value an epoch.
    combinations : sequence of tuple of str
        Labels of each image.
    path : path
        The picture to write, in the format that its suffix names, or else PNG.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    # Matplotlib takes a second to import, which classify.py need not wait for.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # A figure of its own needs no display and leaves no state behind, unlike pyplot's.
    figure = Figure(figsize=(8, 11), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    loss_axes, accuracy_axes, coverage_axes = figure.subplots(3, height_ratios=(3, 3, 2))
    figure.suptitle("Training Loss and Accuracy")
    _draw_metric(loss_axes, history, "loss", "{:.4f}")
    _draw_metric(accuracy_axes, history, "binary_accuracy", "{:.2%}")
    _draw_coverage(coverage_axes, Counter(combinations))
    suffix = os.path.splitext(path)[1].lstrip(".").lower()  # noqa: PTH122 (any kind of path)
    is_known = suffix in canvas.get_supported_filetypes()
    with written_whole(path) as partial:
        figure.savefig(partial, format=suffix if is_known else "png", dpi=100)


def _draw_metric(
    axes: "Axes", history: Mapping[str, Sequence[float]], metric: str, form: str
) -> None:
    """Draw a metric on training and test images, its values at the end marked and named."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    epochs = np.arange(1, len(history["loss"]) + 1)
    curves = [("train", metric, TRAINING_COLOR), ("val", f"val_{metric}", TEST_COLOR)]
    for side, key, color in curves:
        values = history[key]
        name = f"{side}_{metric}: {form.format(values[-1])} at the end"
        axes.plot(epochs, values, color=color, label=name)
        axes.plot(epochs[-1], values[-1], "o", color=color)
    is_loss = metric == "loss"
    axes.set(xlabel="Epoch #", ylabel="Loss" if is_loss else "Binary accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    if is_loss:
        axes.set_ylim(bottom=0)
    else:
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)


def _draw_coverage(axes: "Axes", counts: Mapping[tuple[str, ...], int]) -> None:
    """Draw how many images there are of each combination: a heat map of pairs, bars of others."""
    axes.set_title("Images of each combination", fontsize="medium")
    if any(len(combination) != 2 for combination in counts):
        most_first = sorted(counts, key=counts.get, reverse=True)[:MOST_BARS]
        names = [plain(" ".join(combination)) for combination in most_first]
        bars = axes.barh(range(len(names)), [counts[c] for c in most_first], color=TRAINING_COLOR)
        axes.bar_label(bars, padding=3)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        return
    rows, columns = (sorted({combination[part] for combination in counts}) for part in (0, 1))
    table = np.array([[counts.get((row, column), 0) for column in columns] for row in rows])
    # Light colours alone: the numbers on them are black.
    axes.imshow(table, cmap="Blues", vmin=0, vmax=2 * table.max(), aspect="auto")
    for y, x in np.ndindex(table.shape):
        number = f"{table[y, x]:,}" if table[y, x] else "none"
        axes.text(x, y, number, ha="center", va="center")
    axes.set_xticks(range(len(columns)), map(plain, columns))
    axes.set_yticks(range(len(rows)), map(plain, rows))


def draw_errors(
    path: str | os.PathLike | None, loaded: LabelledImages, worst: Sequence[Mapping[str, Any]]
) -> None:
    """Draw the images that the network gets most wrong, with their labels and its answer.

    Parameters
    ----------
    path : path, optional
        The picture to write; its suffix names the format. Without one nothing is drawn.
    loaded : LabelledImages
        The data set.
    worst : sequence of mapping
        The ``worst`` of :func:`pyimagesearch.reports.training_report`.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    if path is None:
        return
    positions = {image_path: position for position, image_path in enumerate(loaded.paths)}
    cells = []
    for error in worst:
        image = cv2.resize(loaded.images[positions[error["path"]]], (CELL_WIDTH, CELL_WIDTH))
        count = len(error["labels"])
        likeliest = sorted(error["probabilities"].items(), key=lambda item: -item[1])[:count]
        lines = [
            "/".join(Path(error["path"]).parts[-2:]),
            "is " + " ".join(error["labels"]),
            "net " + ", ".join(f"{label} {likely:.0%}" for label, likely in likeliest),
        ]
        caption = np.full((CAPTION_HEIGHT, CELL_WIDTH, 3), 255, np.uint8)
        for position, line in enumerate(lines):
            fitting = plain(line)[-CAPTION_CHARACTERS:]
            corner = (4, 15 + 16 * position)
            cv2.putText(caption, fitting, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, 16)
        cells.append(np.vstack([image, caption]))
    columns = min(6, len(cells))
    shape = (CELL_WIDTH, CELL_WIDTH + CAPTION_HEIGHT)
    save_image(path, build_montages(cells, shape, (columns, -(-len(cells) // columns)))[0])


def plain(text: str) -> str:
    """Write text with the characters that every font has."""
    return printable(text).encode("ascii", "replace").decode()


def annotate(image: np.ndarray, lines: Sequence[str]) -> np.ndarray:
    """Write lines of text on an image, legible on any background.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR.
    lines : sequence of str
        From top to bottom.

    Returns
    -------
    numpy.ndarray
        uint8, 400 pixels wide, its proportions kept; where it is too low for the text, a black
        strip is added below it.
    """
    annotated = imutils.resize(image, width=ANNOTATED_WIDTH)
    missing_height = max(0, LINE_HEIGHT * len(lines) + 10 - annotated.shape[0])
    annotated = cv2.copyMakeBorder(annotated, 0, missing_height, 0, 0, cv2.BORDER_CONSTANT)
    text = np.zeros(annotated.shape[:2], np.uint8)
    for position, line in enumerate(lines):
        corner = (10, 25 + LINE_HEIGHT * position)
        cv2.putText(text, line, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2, cv2.LINE_AA)
    outline = cv2.dilate(text, np.ones((5, 5), np.uint8))
    # The tutorial's green, on a black outline.
    for mask, color in ((outline, (0, 0, 0)), (text, (0, 255, 0))):
        opacity = mask[:, :, None] / 255
        annotated = np.rint(annotated * (1 - opacity) + np.multiply(color, opacity)).astype(
            np.uint8
        )
    return annotated


PREVIEW_CELL = (96, 96)


def preview(images: np.ndarray, composition: Composition, rows: int = 6) -> np.ndarray:
    """Show composed images beside the images they were made of.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, shape (N, height, width, 3), BGR: those that were given to :func:`compose`.
    composition : Composition
        What :func:`compose` returned, at least one image.
    rows : int
        How many examples of each combination to show.

    Returns
    -------
    numpy.ndarray
        uint8, BGR: side by side a block for each combination; in it, a row for each example with
        the garment, the colour, and the garment in that colour.
    """
    blocks = []
    for combination in dict.fromkeys(composition.labels):
        examples = [i for i, label in enumerate(composition.labels) if label == combination]
        cells = []
        for i in examples[:rows]:
            cells.append(images[composition.type_sources[i]])
            cells.append(images[composition.color_sources[i]])
            cells.append(composition.images[i])
        montage = build_montages(cells, PREVIEW_CELL, (3, rows))[0]
        title = np.full((40, montage.shape[1], 3), 255, np.uint8)
        _write(title, printable(" ".join(combination)), (4, 16), 0.5)
        for column, caption in enumerate(("garment", "colour", "composed")):
            _write(title, caption, (4 + column * PREVIEW_CELL[0], 34), 0.4)
        block = np.vstack([title, montage])
        blocks.append(cv2.copyMakeBorder(block, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255,) * 3))
    return np.hstack(blocks)


def write_preview(
    path: str | os.PathLike | None, images: np.ndarray, composition: Composition
) -> None:
    """Write what :func:`preview` shows, if there is a path and anything was composed.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    if path is not None and composition.labels:
        save_image(path, preview(images, composition))


def _write(image: np.ndarray, text: str, corner: tuple[int, int], size: float) -> None:
    cv2.putText(image, text, corner, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
