"""The worst predictions, each beside a heat map of where the network sees the wrong label."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pyimagesearch.artifacts.receptive_fields import Cells
from pyimagesearch.data.decoding import scale
from pyimagesearch.files import AnyPath
from pyimagesearch.reports.heat_maps import heat_map, laid_over
from pyimagesearch.reports.metrics import THRESHOLD
from pyimagesearch.reports.montage import captioned, label_line, path_line, save_montage

if TYPE_CHECKING:
    from pyimagesearch.data.loading import Dataset

# From images and the output that is looked at in each to feature maps, gradients and cells.
ExplainBatch = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, Cells] | None]


def draw_errors(
    path: AnyPath | None,
    dataset: "Dataset",
    worst: Sequence[Mapping[str, Any]],
    *,
    explain: ExplainBatch,
) -> None:
    """Draw the images that the network gets most wrong, with their labels and the predicted ones.

    Beside each image stands a heat map of the label that the network gets wrong.

    Parameters
    ----------
    path : path or None
        The picture to write; its suffix names the format. None draws nothing.
    dataset : Dataset
        Holds the images.
    worst : sequence of mapping
        The ``worst`` of :func:`pyimagesearch.reports.training_report.training_report`.
    explain : callable
        :func:`pyimagesearch.training.gradients.feature_gradients` of the network: takes images
        and a label for each. Where it returns None, there are no heat maps.

    Raises
    ------
    UserError
        If the picture cannot be written.
    """
    if path is None:
        return
    positions = {image_path: position for position, image_path in enumerate(dataset.paths)}
    images = np.stack([dataset.images[positions[error["path"]]] for error in worst])
    labels = [wrong_label(error["probabilities"], error["labels"]) for error in worst]
    outputs = np.array([dataset.classes.index(label) for label in labels])
    cells = list(map(_error_cell, images, worst))
    if (maps := explain(scale(images), outputs)) is not None:
        features, gradients, where = maps
        heats = [
            heat_map(feature, gradient, where, size=images.shape[1])
            for feature, gradient in zip(features, gradients, strict=True)
        ]
        named = [
            label_line([label], before="", after=f" {error['probabilities'][label]:.0%}")
            for label, error in zip(labels, worst, strict=True)
        ]
        seen = map(_heat_cell, images, heats, named)
        cells = [np.hstack(pair) for pair in zip(cells, seen, strict=True)]
    save_montage(path, cells)


def wrong_label(probabilities: Mapping[str, float], labels: Sequence[str]) -> str:
    """Name the label that a prediction gets wrong most.

    Parameters
    ----------
    probabilities : mapping of str to float
        The probability of each label, in [0, 1].
    labels : sequence of str
        Those that the image has.

    Returns
    -------
    str
        The likeliest label that the image does not have if it is predicted, with more than 0.5, or
        else the least likely label that it has. Of an image without labels, the likeliest.
    """
    others = [label for label in probabilities if label not in labels]
    predicted = [label for label in others if probabilities[label] > THRESHOLD]
    if predicted or not labels:
        return max(predicted or others, key=probabilities.__getitem__)
    return min(labels, key=probabilities.__getitem__)


def _error_cell(image: np.ndarray, error: Mapping[str, Any]) -> np.ndarray:
    probabilities = error["probabilities"]
    predicted = sum(likely > THRESHOLD for likely in probabilities.values())
    count = max(len(error["labels"]), predicted, 1)
    likeliest = sorted(probabilities.items(), key=lambda item: -item[1])[:count]
    if count > len(error["labels"]):
        # Not all may fit, so what is wrong comes first.
        likeliest.sort(key=lambda item: item[0] in error["labels"])
    shares = [f"{likely:.0%}" for _, likely in likeliest]
    lines = [
        path_line(error["path"]),
        label_line(
            error["labels"], before="is ", after=" (a stray?)" if error.get("is_stray") else ""
        ),
        label_line(
            [label for label, _ in likeliest],
            before="net ",
            write=lambda names: ", ".join(map(" ".join, zip(names, shares, strict=True))),
        ),
    ]
    return captioned(image, lines)


def _heat_cell(image: np.ndarray, heat: np.ndarray, label: str) -> np.ndarray:
    # The image is a square already, as the network takes it.
    return captioned(laid_over(heat, image, "squeeze"), ["where it sees", label])
