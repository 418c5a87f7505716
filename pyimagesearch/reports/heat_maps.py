"""Heat maps: where in an image a network sees a label, drawn on the image."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pyimagesearch.artifacts.receptive_fields import Cells
from pyimagesearch.data.decoding import Fit, inner_rectangle, scale
from pyimagesearch.files import AnyPath
from pyimagesearch.inference.classification import no_image_error
from pyimagesearch.reports.picture_text import fitted, text_width, write_text

if TYPE_CHECKING:
    from pyimagesearch.inference.classification import Prediction
    from pyimagesearch.inference.explanation import Explain

# A tile is an image below a caption: width, greatest height of the image and height of the caption
# in pixels. Three tiles are as wide as a page shows without shrinking them.
TILE_WIDTH, TALLEST_TILE, CAPTION_HEIGHT, GAP = 240, 320, 28, 8
COLUMNS = 3
MOST_LABELS = 23
FONT_SIZE = 0.6
# How much light is left of the image, and how much of its hottest pixels is covered.
BRIGHTNESS, OPACITY = 0.6, 0.75


def heat_map(features: np.ndarray, gradient: np.ndarray, cells: Cells, *, size: int) -> np.ndarray:
    """Find where a network sees a label.

    Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization" (2021).
    Grad-CAM (Selvaraju et al., 2017) weighs each feature map by the mean of its gradient, as if it
    did not matter where in the image a feature is. To the dense layer of SmallerVGGNet it does.

    Parameters
    ----------
    features : numpy.ndarray
        float32, shape (height, width, channels): the feature maps of the last convolution.
    gradient : numpy.ndarray
        float32, of the same shape: that of the label's logit with respect to the feature maps.
    cells : Cells
        Where in the network's input images the cells of the feature maps lie.
    size : int
        Width and height of the network's input images in pixels.

    Returns
    -------
    numpy.ndarray
        float32, shape (size, size), in [0, 1]: 1 where most speaks for the label, 0 where nothing
        does, and where no cell lies.
    """
    evidence = (features * np.maximum(gradient, 0)).sum(axis=2)
    # Max pooling hands the gradient down to one of four neighbours. OpenCV's own way with borders
    # would move what is one cell from the border to the border.
    smooth = cv2.GaussianBlur(evidence, (0, 0), 1, borderType=cv2.BORDER_REFLECT)
    heat = np.maximum(_placed(smooth, cells, size), 0)
    return heat / max(heat.max(), np.finfo(np.float32).tiny)


def _placed(values: np.ndarray, cells: Cells, size: int) -> np.ndarray:
    """Enlarge a map of cells so that each lies where its receptive field is centred."""
    (y, x), (height, width) = cells.first, cells.step
    places = [np.arange(size) - y, np.arange(size) - x]
    enlarged = cv2.warpAffine(
        values,
        np.array([[1 / width, 0, -x / width], [0, 1 / height, -y / height]]),
        (size, size),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    # Each cell covers the pixels that are nearer to it than to its neighbours.
    rows, columns = (
        (place >= -step / 2) & (place < step * (count - 0.5))
        for place, step, count in zip(places, cells.step, values.shape, strict=True)
    )
    return enlarged * (rows[:, None] & columns)


def laid_over(heat: np.ndarray, image: np.ndarray, fit: Fit) -> np.ndarray:
    """Draw a heat map on its image.

    Parameters
    ----------
    heat : numpy.ndarray
        float32, shape (size, size), in [0, 1], from :func:`heat_map`.
    image : numpy.ndarray
        uint8, shape (height, width, 3), BGR: the image in its own proportions.
    fit : {"pad", "squeeze"}
        How it became the square that the network was shown.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3), BGR: dark and grey where nothing speaks for the label.
    """
    height, width = image.shape[:2]
    if fit == "pad":
        heat = heat[inner_rectangle((height, width), len(heat))]
    heat = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    # The hotter, the lighter, whatever the image: its colours are taken away and it is darkened.
    dark = BRIGHTNESS * cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[:, :, None]
    colors = cv2.applyColorMap(np.rint(255 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)
    opacity = OPACITY * heat[:, :, None]
    return np.rint(dark * (1 - opacity) + colors * opacity).astype(np.uint8)


def explainer(model: AnyPath, fit: Fit) -> Callable[..., np.ndarray]:
    """Load what :func:`explanation` needs.

    Parameters
    ----------
    model : path
        As for :func:`pyimagesearch.inference.explanation.load_explainer`.
    fit : {"pad", "squeeze"}
        How images become squares.

    Returns
    -------
    callable
        Takes a prediction with its image, and the labels chosen; returns a picture. It raises
        ValueError if :func:`pyimagesearch.inference.classification.classify_files` kept no image,
        and RuntimeError in a process that was forked after loading.

    Raises
    ------
    UserError
        As :func:`pyimagesearch.inference.explanation.load_explainer`.
    """
    # classify.py always imports this module, but rarely explains.
    from pyimagesearch.inference.explanation import load_explainer

    return partial(explanation, explain=load_explainer(model), fit=fit)


def explanation(
    prediction: "Prediction",
    chosen: Sequence[tuple[str, float]],
    *,
    explain: "Explain",
    fit: Fit,
) -> np.ndarray:
    """Show an image, and beside it where the network sees each of its labels.

    Parameters
    ----------
    prediction : Prediction
        With its image, which ``classify_files`` keeps if it is given `keep`.
    chosen : sequence of (str, float)
        Labels and their probabilities. The first ``MOST_LABELS`` are shown.
    explain : callable
        From :func:`pyimagesearch.inference.explanation.load_explainer`.
    fit : {"pad", "squeeze"}
        How the image became the square that the network was shown.

    Returns
    -------
    numpy.ndarray
        uint8, BGR: tiles in rows of ``COLUMNS``.

    Raises
    ------
    ValueError
        If the prediction has no image.
    """
    if prediction.image is None or prediction.input_image is None:
        raise no_image_error(prediction, "to explain")
    chosen, classes = chosen[:MOST_LABELS], list(prediction.probabilities)
    features, gradients, cells = explain(
        scale(prediction.input_image), [classes.index(label) for label, _ in chosen]
    )
    image = _resized_for_tile(prediction.image)
    tiles = [_tile(image, "image")]
    for (label, likely), gradient in zip(chosen, gradients, strict=True):
        heat = heat_map(features, gradient, cells, size=len(prediction.input_image))
        tiles.append(_tile(laid_over(heat, image, fit), _caption(label, f" {likely:.0%}")))
    columns = min(COLUMNS, len(tiles))
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows)


def _resized_for_tile(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    factor = min(TILE_WIDTH / width, TALLEST_TILE / height)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _caption(label: str, share: str) -> str:
    """Shorten the label, if need be, so that the share fits beside it."""
    room = TILE_WIDTH - text_width(share, FONT_SIZE)
    return fitted(label, room, size=FONT_SIZE) + share


def _tile(image: np.ndarray, caption: str) -> np.ndarray:
    """Put an image in the middle of a white tile, below a caption."""
    left = (TILE_WIDTH - image.shape[1]) // 2
    right = TILE_WIDTH - image.shape[1] - left
    tile = cv2.copyMakeBorder(
        image,
        *(CAPTION_HEIGHT, GAP, left + GAP // 2, right + GAP // 2),
        cv2.BORDER_CONSTANT,
        value=(255, 255, 255),
    )
    write_text(tile, caption, (GAP // 2, CAPTION_HEIGHT - 9), size=FONT_SIZE)
    return tile
