"""The results of a training run as JSON values: for report.json, and for the model file."""

import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np

from pyimagesearch.artifacts.label_choice import label_parts
from pyimagesearch.artifacts.model_metadata import FIELDS
from pyimagesearch.data.duplicates import spanning_groups
from pyimagesearch.data.folders import count_missing_combinations, missing_combinations
from pyimagesearch.data.loading import Dataset
from pyimagesearch.files import AnyPath, written_whole
from pyimagesearch.reports import metrics

# As they are imported: OpenCV is installed under several names, such as opencv-python-headless.
PACKAGES = ("tensorflow", "keras", "numpy", "cv2", "sklearn", "PIL")
WORST_IMAGES = 24
# The combinations without images can be as many as the square of the labels: the first are listed.
MOST_MISSING = 1000
# Labels that are free make nearly as many combinations as images: the most frequent are listed.
MOST_FREE_COMBINATIONS = 1000


class Predictions(NamedTuple):
    """What the network predicts for the test images.

    Attributes
    ----------
    indices : numpy.ndarray
        int, shape (N,): which images of the dataset they are.
    probabilities : numpy.ndarray
        float32, shape (N, L), in [0, 1].
    targets : numpy.ndarray
        float32, shape (N, L), 0 or 1.
    """

    indices: np.ndarray
    probabilities: np.ndarray
    targets: np.ndarray


def training_report(
    settings: Mapping[str, Any],
    dataset: Dataset,
    predictions: Predictions,
    *,
    composed_labels: Sequence[tuple[str, ...]],
    history: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    """Gather the results of a training run.

    Parameters
    ----------
    settings : mapping
        The script's arguments.
    dataset : Dataset
        All images, for training and for testing.
    predictions : Predictions
        Those of the trained network.
    composed_labels : sequence of tuple of str
        The labels of each composed image.
    history : mapping
        Losses and accuracies, one value an epoch.

    Returns
    -------
    dict
        JSON values.
    """
    classes = dataset.classes
    probabilities, targets = predictions.probabilities, predictions.targets
    return {
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": dict(settings),
        "versions": {"python": platform.python_version(), **_versions()},
        "images": {
            "training": len(dataset.paths) - len(targets),
            "composed": len(composed_labels),
            "test": len(targets),
        },
        **_dataset_findings(dataset),
        "composed": sorted(set(composed_labels)),
        "history": {name: list(values) for name, values in history.items()},
        "test_accuracies": _accuracies(dataset, probabilities, targets),
        "label_scores": metrics.label_scores(probabilities, targets, classes),
        "thresholds": metrics.best_thresholds(probabilities, targets, classes),
        "worst": [
            {
                "path": dataset.paths[predictions.indices[row]],
                "labels": dataset.labels[predictions.indices[row]],
                "loss": loss,
                "probabilities": dict(zip(classes, probabilities[row].tolist(), strict=True)),
            }
            for row, loss in worst_rows(predictions)
        ],
    }


def _accuracies(
    dataset: Dataset, probabilities: np.ndarray, targets: np.ndarray
) -> dict[str, float]:
    found = metrics.accuracies(probabilities, targets)._asdict()
    if dataset.has_free_labels:
        return found | metrics.free_scores(probabilities, targets)
    classes = dataset.classes
    if parts := label_parts({"labels": classes, "combinations": set(dataset.labels)}):
        found["likeliest"] = metrics.likeliest_right(probabilities, targets, classes, parts=parts)
    return found


def _dataset_findings(dataset: Dataset) -> dict[str, Any]:
    counts = Counter(dataset.labels)
    listed = (
        counts.most_common(MOST_FREE_COMBINATIONS) if dataset.has_free_labels else counts.items()
    )
    return {
        "notes": list(dataset.notes),
        "skipped": [{"path": path, "reason": reason} for path, reason in dataset.skipped],
        "skipped_rows": [{"row": row, "reason": reason} for row, reason in dataset.skipped_rows],
        "duplicates": len(dataset.groups) - len(np.unique(dataset.groups)),
        "contradictions": [
            [dataset.paths[index] for index in indices]
            for indices in spanning_groups(dataset.groups, dataset.labels)
        ],
        "labels": dataset.classes,
        "free_labels": dataset.has_free_labels,
        "image_size": dataset.images.shape[1],
        "fit": dataset.fit,
        "coverage": [
            {"combination": combination, "images": images} for combination, images in sorted(listed)
        ],
        "coverage_count": len(counts),
        # With free labels, an image may have any combination, so none is missing.
        "missing": []
        if dataset.has_free_labels
        else missing_combinations(counts, most=MOST_MISSING),
        "missing_count": 0 if dataset.has_free_labels else count_missing_combinations(counts),
    }


def worst_rows(predictions: Predictions) -> list[tuple[int, float]]:
    """Find the images that the network gets most wrong, at most ``WORST_IMAGES``.

    Parameters
    ----------
    predictions : Predictions
        Those for all test images.

    Returns
    -------
    list of (int, float)
        Row and loss of each, the greatest loss first.
    """
    losses = metrics.image_losses(predictions.probabilities, predictions.targets)
    rows = np.argsort(-losses, kind="stable")[:WORST_IMAGES]
    return [(int(row), float(losses[row])) for row in rows]


def model_metadata(report: Mapping[str, Any]) -> dict[str, Any]:
    """Select from a report what the model file keeps: JSON values, no paths."""
    shown = [] if report["free_labels"] else [each["combination"] for each in report["coverage"]]
    kept = {**report, "combinations": shown}
    return {name: kept[name] for name in FIELDS}


def write(path: AnyPath | None, report: Mapping[str, Any]) -> None:
    """Write a report as a JSON file, unless the path is None.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    if path is None:
        return
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(report, indent=1), encoding="utf-8")


def _versions() -> dict[str, str]:
    installed = metadata.packages_distributions()
    names = [name for package in PACKAGES for name in installed.get(package, [])]
    return {name: metadata.version(name) for name in names}
