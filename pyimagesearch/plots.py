"""Every picture: the training curves, and the labels drawn on an image."""

import os
from collections.abc import Mapping, Sequence

import cv2
import imutils
import numpy as np

from pyimagesearch.files import written_whole

# Two colours of Okabe and Ito's palette, which colour-blind readers can tell apart ("Color
# Universal Design", 2008).
TRAINING_COLOR, TEST_COLOR = "#0072B2", "#D55E00"

# The annotated image is as wide as the tutorial's, and so are its lines of text apart.
ANNOTATED_WIDTH = 400
LINE_HEIGHT = 30


def draw_training_curves(history: Mapping[str, Sequence[float]], path: str | os.PathLike) -> None:
    """Draw loss and accuracy by epoch, on training and test images.

    Parameters
    ----------
    history : mapping
        ``loss``, ``val_loss``, ``binary_accuracy`` and ``val_binary_accuracy``, a value an epoch.
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
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    # A figure of its own needs no display and leaves no state behind, unlike pyplot's.
    figure = Figure(figsize=(8, 8), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    loss_axes, accuracy_axes = figure.subplots(2, sharex=True)
    figure.suptitle("Training Loss and Accuracy")
    loss_axes.set(ylabel="Loss")
    accuracy_axes.set(xlabel="Epoch #", ylabel="Binary accuracy")
    accuracy_axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    accuracy_axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    epochs = np.arange(1, len(history["loss"]) + 1)
    panels = [(loss_axes, "loss", "{:.4f}"), (accuracy_axes, "binary_accuracy", "{:.2%}")]
    for axes, metric, form in panels:
        curves = [("train", metric, TRAINING_COLOR), ("val", f"val_{metric}", TEST_COLOR)]
        for side, key, color in curves:
            values = history[key]
            name = f"{side}_{metric}: {form.format(values[-1])} at the end"
            axes.plot(epochs, values, color=color, label=name)
            axes.plot(epochs[-1], values[-1], "o", color=color)
        axes.grid(alpha=0.3)
        axes.set_ylim(bottom=0 if metric == "loss" else None)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)

    suffix = os.path.splitext(path)[1].lstrip(".").lower()  # noqa: PTH122 (any kind of path)
    is_known = suffix in canvas.get_supported_filetypes()
    with written_whole(path) as partial:
        figure.savefig(partial, format=suffix if is_known else "png", dpi=100)


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
