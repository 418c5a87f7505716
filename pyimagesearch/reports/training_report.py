"""What a training run found out, as JSON values: for report.json, and for the model file."""

import json
import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np

from pyimagesearch.data.duplicates import spanning_groups
from pyimagesearch.data.folders import missing_combinations
from pyimagesearch.data.loading import LabelledImages
from pyimagesearch.files import written_whole
from pyimagesearch.reports import metrics

PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python", "scikit-learn", "pillow")
WORST_IMAGES = 24

# What the model file keeps, so that classify.py can use the network as it was trained.
FOR_THE_MODEL = ("labels", "image_size", "composed", "trained_at", "images", "test_accuracies")
FOR_THE_MODEL += ("thresholds",)


class Answers(NamedTuple):
    """What the network says of the test images.

    Attributes
    ----------
    positions : numpy.ndarray
        int, shape (N,): where the images are in the data set.
    probabilities : numpy.ndarray
        float32, shape (N, L).
    targets : numpy.ndarray
        float32, shape (N, L), 0 or 1.
    """

    positions: np.ndarray
    probabilities: np.ndarray
    targets: np.ndarray


def training_report(
    settings: Mapping[str, Any],
    loaded: LabelledImages,
    groups: np.ndarray,
    classes: Sequence[str],
    composed: Sequence[tuple[str, ...]],
    history: Mapping[str, Sequence[float]],
    answers: Answers,
) -> dict[str, Any]:
    """Put together everything that a training run has found out.

    Parameters
    ----------
    settings : mapping
        The command line's flags and their values.
    loaded : LabelledImages
        The data set.
    groups : numpy.ndarray
        From :func:`pyimagesearch.duplicates.duplicate_groups`.
    classes : sequence of str
        The labels in the order of the network's outputs.
    composed : sequence of tuple of str
        The combination of each image that was composed for training.
    history : mapping
        Losses and accuracies, a value an epoch.
    answers : Answers
        The trained network's.

    Returns
    -------
    dict
        JSON values.
    """
    labels = list(map(str, classes))
    probabilities, targets = answers.probabilities, answers.targets
    counts = Counter(loaded.labels)
    return {
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": dict(settings),
        "versions": {"python": platform.python_version(), **_versions()},
        "images": {
            "training": len(loaded.paths) - len(targets),
            "composed": len(composed),
            "test": len(targets),
        },
        "skipped": [{"path": path, "reason": reason} for path, reason in loaded.skipped],
        "duplicates": len(groups) - len(np.unique(groups)),
        "contradictions": [
            [loaded.paths[position] for position in positions]
            for positions in spanning_groups(groups, loaded.labels)
        ],
        "labels": labels,
        "image_size": loaded.images.shape[1],
        "coverage": [
            {"combination": combination, "images": counts[combination]}
            for combination in sorted(counts)
        ],
        "missing": missing_combinations(loaded.labels),
        "composed": sorted(set(composed)),
        "history": {name: list(values) for name, values in history.items()},
        "test_accuracies": metrics.accuracies(probabilities, targets)._asdict(),
        "label_scores": metrics.label_scores(probabilities, targets, labels),
        "thresholds": metrics.best_thresholds(probabilities, targets, labels),
        "worst": [
            {
                "path": loaded.paths[answers.positions[row]],
                "labels": loaded.labels[answers.positions[row]],
                "loss": loss,
                "probabilities": dict(zip(labels, probabilities[row].tolist(), strict=True)),
            }
            for row, loss in worst_rows(answers)
        ],
    }


def worst_rows(answers: Answers, most: int = WORST_IMAGES) -> list[tuple[int, float]]:
    """Find the answers that are most wrong.

    Parameters
    ----------
    answers : Answers
        Of all test images.
    most : int
        How many.

    Returns
    -------
    list of (int, float)
        Row and loss of each, the greatest loss first.
    """
    losses = metrics.image_losses(answers.probabilities, answers.targets)
    rows = np.argsort(-losses, kind="stable")[:most]
    return [(int(row), float(losses[row])) for row in rows]


def model_metadata(report: Mapping[str, Any]) -> dict[str, Any]:
    """Take out of a report what the model file needs."""
    seen = [covered["combination"] for covered in report["coverage"]]
    return {"combinations": seen, **{name: report[name] for name in FOR_THE_MODEL}}


def write(path: str | os.PathLike | None, report: Mapping[str, Any]) -> None:
    """Write a report as a JSON file, if there is a path; raise UserError if it cannot be done."""
    if path is None:
        return
    with written_whole(path) as partial:
        partial.write_text(json.dumps(report, indent=1), encoding="utf-8")


def _versions() -> dict[str, str]:
    return {package: metadata.version(package) for package in PACKAGES}
