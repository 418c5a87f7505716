"""How good predictions are: accuracies, scores and thresholds of each label, losses of images."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    classification_report,
    f1_score,
    precision_recall_curve,
    precision_recall_fscore_support,
)

from pyimagesearch.console import excerpt, printable

# A label is predicted if it is more likely than not.
THRESHOLD = 0.5
# A label gets another threshold only if at least this many test images have it, if it reaches at
# least this F1 there, and if this F1 beats that of giving the label to all images by at least this.
# With a few images, the best threshold is a matter of chance. The F1 of a label that the network
# cannot tell is greatest if nearly all images get it (Lipton, Elkan and Naryanaswamy, "Optimal
# Thresholding of Classifiers to Maximize F1 Measure", 2014).
LEAST_IMAGES, LEAST_F1, LEAST_GAIN = 10, 0.5, 0.05
# The report of more labels shows this many: those with the most and those with the fewest images.
MOST_LABELS = 40
# Probabilities are clipped this far from 0 and 1, as Keras does.
LEAST_PROBABILITY = 1e-7


class Accuracies(NamedTuple):
    """Shares of correct predictions, in [0, 1].

    Attributes
    ----------
    binary : float
        The share of correct decisions, one for each image and label. The tutorial calls this
        accuracy.
    exact : float
        The share of images with every label predicted correctly.
    """

    binary: float
    exact: float


def accuracies(probabilities: np.ndarray, targets: np.ndarray) -> Accuracies:
    """Compute the accuracies of predictions at a threshold of 0.5.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (N, L), in [0, 1].
    targets : numpy.ndarray
        Shape (N, L), 0 or 1.

    Returns
    -------
    Accuracies
        Binary and exact.
    """
    is_right = (probabilities > THRESHOLD) == (targets > THRESHOLD)
    return Accuracies(float(is_right.mean()), float(is_right.all(axis=1).mean()))


def likeliest_of_parts(
    probabilities: np.ndarray, classes: Sequence[str], parts: Sequence[Collection[str]]
) -> np.ndarray:
    """Find the likeliest label of each part, which classification chooses.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (N, L), in [0, 1].
    classes : sequence of str
        The L labels, in the order of the columns.
    parts : sequence of collection of str
        The labels that exclude each other, for example the colours, and the types. An image has one
        of each.

    Returns
    -------
    numpy.ndarray
        str, shape (N, number of parts).
    """
    names = np.array(classes)
    columns = [np.flatnonzero(np.isin(names, list(part))) for part in parts]
    return np.stack([names[c][probabilities[:, c].argmax(axis=1)] for c in columns], axis=1)


def likeliest_right(
    probabilities: np.ndarray,
    targets: np.ndarray,
    classes: Sequence[str],
    *,
    parts: Sequence[Collection[str]],
) -> float:
    """Compute how often the likeliest label of each part is right.

    It is never below the exact accuracy: no label has to pass a threshold.

    Parameters
    ----------
    probabilities, targets, classes
        As for :func:`label_report`.
    parts
        As for :func:`likeliest_of_parts`.

    Returns
    -------
    float
        A share of the images, in [0, 1].
    """
    chosen, right = (likeliest_of_parts(each, classes, parts) for each in (probabilities, targets))
    return float((chosen == right).all(axis=1).mean())


def free_scores(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Compute the scores of free labels, of which an image may have any number.

    Where most images lack most labels, binary accuracy is high even if no label is ever predicted.
    These scores are not.

    Parameters
    ----------
    probabilities, targets : numpy.ndarray
        As for :func:`accuracies`.

    Returns
    -------
    dict of str to float
        In [0, 1]: scikit-learn's ``micro_f1`` and ``macro_f1`` at a threshold of 0.5, and
        ``mean_average_precision`` over the labels that any image has.
    """
    is_label, is_predicted = targets > THRESHOLD, probabilities > THRESHOLD
    occurs = is_label.any(axis=0)
    precision = 0.0
    if occurs.any():
        precision = average_precision_score(is_label[:, occurs], probabilities[:, occurs])
    return {
        "micro_f1": float(f1_score(is_label, is_predicted, average="micro", zero_division=0)),
        "macro_f1": float(f1_score(is_label, is_predicted, average="macro", zero_division=0)),
        "mean_average_precision": float(precision),
    }


def label_report(probabilities: np.ndarray, targets: np.ndarray, classes: Sequence[str]) -> str:
    """Tabulate precision, recall and F1 of each label.

    Parameters
    ----------
    probabilities, targets : numpy.ndarray
        As for :func:`accuracies`.
    classes : sequence of str
        The L labels, in the order of the columns; at least two.

    Returns
    -------
    str
        scikit-learn's classification report. Of more than ``MOST_LABELS`` labels, it shows those
        with the most and those with the fewest images; the averages are over all.
    """
    names = [printable(label) for label in classes]
    report = classification_report(
        targets > THRESHOLD, probabilities > THRESHOLD, target_names=names, zero_division=0
    )
    # Two lines of headings, a line for each label, and the averages.
    lines = report.splitlines()
    rows, averages = lines[2 : 2 + len(names)], lines[2 + len(names) :]
    if len(names) > MOST_LABELS:
        most_images_first = np.argsort(-targets.sum(axis=0), kind="stable")
        rows = excerpt([rows[column] for column in most_images_first], MOST_LABELS)
    return "\n".join([*lines[:2], *rows, *averages])


def label_scores(
    probabilities: np.ndarray, targets: np.ndarray, classes: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Compute the numbers of :func:`label_report`.

    Parameters
    ----------
    probabilities, targets, classes
        As for :func:`label_report`.

    Returns
    -------
    dict of str to dict
        For each label ``precision``, ``recall`` and ``f1-score``, in [0, 1], and ``support``, the
        number of images that have it.
    """
    scores = precision_recall_fscore_support(
        targets > THRESHOLD, probabilities > THRESHOLD, average=None, zero_division=0
    )
    names = ("precision", "recall", "f1-score", "support")
    columns = zip(classes, np.transpose(scores).tolist(), strict=True)
    return {label: dict(zip(names, column, strict=True)) for label, column in columns}


def best_thresholds(
    probabilities: np.ndarray, targets: np.ndarray, classes: Sequence[str]
) -> dict[str, float]:
    """Find the threshold of each label that gives the greatest F1.

    Parameters
    ----------
    probabilities, targets, classes
        As for :func:`label_report`.

    Returns
    -------
    dict of str to float
        Strictly between 0 and 1: halfway between the probabilities of two images, so that neither
        is a close call. Of equally good thresholds, the nearest to 0.5.

        It is 0.5 itself where no other is better, where all images have the label or fewer than
        ``LEAST_IMAGES`` do, and where the greatest F1 is too small: below ``LEAST_F1``, or hardly
        above that of giving the label to all images. The least gain above that is ``LEAST_GAIN``,
        or half of the greatest possible gain if this is less.
    """
    likely = np.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    columns = zip(classes, likely.T, targets.T > THRESHOLD, strict=True)
    return {label: _best_threshold(column, has_label) for label, column, has_label in columns}


def _best_threshold(probabilities: np.ndarray, has_label: np.ndarray) -> float:
    if has_label.all() or has_label.sum() < LEAST_IMAGES:
        return THRESHOLD
    precision, recall, highest = precision_recall_curve(has_label, probabilities)
    # All thresholds above one image's probability and up to the next one's choose the same images.
    lowest = np.concatenate([[0.0], highest[:-1]])
    f1 = (2 * precision * recall / np.maximum(precision + recall, LEAST_PROBABILITY))[:-1]
    of_all = 2 * has_label.mean() / (1 + has_label.mean())
    if f1.max() < max(LEAST_F1, of_all + min(LEAST_GAIN, (1 - of_all) / 2)):
        return THRESHOLD
    is_best = np.isclose(f1, f1.max())
    lowest, highest = lowest[is_best], highest[is_best]
    distance = np.maximum(lowest - THRESHOLD, THRESHOLD - highest)
    nearest = np.argmin(distance)
    if distance[nearest] < 0:
        return THRESHOLD
    return float(lowest[nearest] + highest[nearest]) / 2


def image_losses(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Compute the binary cross-entropy of each image.

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
