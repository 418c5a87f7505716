"""How good the answers are: accuracies, scores and thresholds by label, the worst images."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import classification_report, precision_recall_curve

# A label is in the answer if it is more likely than not.
THRESHOLD = 0.5
# Keras's own bound: no probability is taken to be nearer to 0 or 1.
LEAST_PROBABILITY = 1e-7


class Accuracies(NamedTuple):
    """Shares of right answers, in [0, 1].

    Attributes
    ----------
    binary : float
        Of all single decisions, a label of an image each: what the tutorial calls accuracy.
    exact : float
        Of the images, those whose every label is decided right.
    """

    binary: float
    exact: float


def accuracies(probabilities: np.ndarray, targets: np.ndarray) -> Accuracies:
    """Compare predictions with the truth.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (N, L), in [0, 1].
    targets : numpy.ndarray
        Shape (N, L), 0 or 1.

    Returns
    -------
    Accuracies
        At the threshold of 0.5.
    """
    is_right = (probabilities > THRESHOLD) == (targets > THRESHOLD)
    return Accuracies(float(is_right.mean()), float(is_right.all(axis=1).mean()))


def label_report(probabilities: np.ndarray, targets: np.ndarray, labels: Sequence[str]) -> str:
    """Lay out precision, recall and F1 of each label.

    Parameters
    ----------
    probabilities, targets : numpy.ndarray
        As for :func:`accuracies`.
    labels : sequence of str
        Names of the L labels, in the order of the columns.

    Returns
    -------
    str
        scikit-learn's classification report.
    """
    return _classification_report(probabilities, targets, labels, as_dict=False)


def label_scores(
    probabilities: np.ndarray, targets: np.ndarray, labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Give the same as :func:`label_report` as numbers, by the label's name."""
    report = _classification_report(probabilities, targets, labels, as_dict=True)
    return {label: report[label] for label in labels}


def _classification_report(
    probabilities: np.ndarray, targets: np.ndarray, labels: Sequence[str], as_dict: bool
) -> str | dict[str, dict[str, float]]:
    return classification_report(
        targets > THRESHOLD,
        probabilities > THRESHOLD,
        target_names=labels,
        zero_division=0,
        output_dict=as_dict,
    )


def best_thresholds(
    probabilities: np.ndarray, targets: np.ndarray, labels: Sequence[str]
) -> dict[str, float]:
    """Find for each label the threshold at which its F1 is greatest.

    Parameters
    ----------
    probabilities, targets, labels
        As for :func:`label_report`.

    Returns
    -------
    dict of str to float
        Strictly between 0 and 1, halfway between the probabilities of two images, so that neither
        is a close call; 0.5 for a label that no image has. Of several that are equally good, the
        one nearest to 0.5.
    """
    likely = np.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    columns = zip(labels, likely.T, targets.T > THRESHOLD, strict=True)
    return {label: _best_threshold(column, is_so) for label, column, is_so in columns}


def _best_threshold(probabilities: np.ndarray, is_so: np.ndarray) -> float:
    if not is_so.any():
        return THRESHOLD
    precision, recall, highest = precision_recall_curve(is_so, probabilities)
    # All thresholds from one image's probability up to the next one's choose the same images.
    lowest = np.concatenate([[0.0], highest[:-1]])
    f1 = (2 * precision * recall / np.maximum(precision + recall, LEAST_PROBABILITY))[:-1]
    is_best = np.isclose(f1, f1.max())
    lowest, highest = lowest[is_best], highest[is_best]
    distance = np.maximum(lowest - THRESHOLD, THRESHOLD - highest)
    nearest = np.argmin(distance)
    if distance[nearest] < 0:
        return THRESHOLD
    return float(lowest[nearest] + highest[nearest]) / 2


def image_losses(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Measure how wrong the answer to each image is: its binary cross-entropy.

    Parameters
    ----------
    probabilities, targets : numpy.ndarray
        As for :func:`accuracies`.

    Returns
    -------
    numpy.ndarray
        float, shape (N,), the mean over the labels, as Keras computes the loss.
    """
    likely = np.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return -(targets * np.log(likely) + (1 - targets) * np.log(1 - likely)).mean(axis=1)
