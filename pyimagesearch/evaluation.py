"""How good the answers are: accuracies and a report by label."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import classification_report

# A label is in the answer if it is more likely than not.
THRESHOLD = 0.5


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
    return classification_report(
        targets > THRESHOLD, probabilities > THRESHOLD, target_names=labels, zero_division=0
    )
