"""Which labels an image gets: as the user wishes, or else as the model file says."""

import contextlib
import functools
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from pyimagesearch.errors import UserError

# The tutorial's own models do not say what they were trained on: a colour and a garment.
USUAL_TOP = 2


def chooser(
    top: int | str | None,
    threshold: float | str | None,
    *,
    classes: Sequence[str],
    metadata: Mapping[str, Any],
) -> Callable[[Mapping[str, float]], list[tuple[str, float]]]:
    """Decide how labels are chosen.

    Parameters
    ----------
    top : int, "all" or None
        How many labels to choose, at least 1. None means as many as :func:`usual_top` says; or, for
        a model whose images have any number of labels, those above their stored thresholds, and at
        least the likeliest.
    threshold : float, "auto" or None
        As for :func:`thresholds_of`. It overrides `top`.
    classes : sequence of str
        All labels.
    metadata : mapping
        What the model file says about the training.

    Returns
    -------
    callable
        Takes the probability of each label, and returns what :func:`choose` does.

    Raises
    ------
    UserError
        As :func:`thresholds_of`.
    ValueError
        As there, or if `top` is none of these.
    """
    thresholds = thresholds_of(threshold, classes, metadata)
    parts = label_parts(metadata)
    if top is None and threshold is None and metadata.get("free_labels"):
        stored = metadata.get("thresholds") or dict.fromkeys(classes, 0.5)

        def choose_free(probabilities: Mapping[str, float]) -> list[tuple[str, float]]:
            return choose(probabilities, None, stored) or choose(probabilities, 1)

        return choose_free
    count = _top_of(top, metadata)
    return functools.partial(choose, top=count, thresholds=thresholds, parts=parts)


def _top_of(wanted: int | str | None, metadata: Mapping[str, Any]) -> int | None:
    """Return how many labels to choose, or None for all."""
    if wanted is None:
        return usual_top(metadata)
    if wanted == "all":
        return None
    with contextlib.suppress(ValueError, OverflowError):  # a text that is no number; infinity
        if int(wanted) >= 1:
            return int(wanted)
    raise ValueError(f"top is {wanted!r}, but must be at least 1, 'all' or None")


def usual_top(metadata: Mapping[str, Any]) -> int:
    """Count the labels that an image usually has.

    Parameters
    ----------
    metadata : mapping
        What the model file says about the training.

    Returns
    -------
    int
        As many as most combinations have. Of two numbers that are as frequent, the smaller, because
        a wrong label misleads more than one that is not given. Two if the file does not say.
    """
    lengths = Counter(map(len, metadata.get("combinations", [])))
    return max(sorted(lengths), key=lengths.__getitem__, default=USUAL_TOP)


def thresholds_of(
    wanted: float | str | None, classes: Sequence[str], metadata: Mapping[str, Any]
) -> dict[str, float] | None:
    """Return the probability from which on each label is chosen.

    Parameters
    ----------
    wanted : float, "auto" or None
        One threshold for all labels, in [0, 1]; the thresholds stored with the model; or none.
    classes : sequence of str
        All labels.
    metadata : mapping
        What the model file says about the training.

    Returns
    -------
    dict of str to float, or None
        A threshold for each label, in [0, 1].

    Raises
    ------
    UserError
        If the stored thresholds are wanted and the model file has none.
    ValueError
        If `wanted` is none of these.
    """
    if wanted is None:
        return None
    if wanted == "auto":
        thresholds = metadata.get("thresholds", {})
        if set(thresholds) != set(classes):
            raise UserError(
                "the model holds no thresholds of its own: train it with train.py, or give a number"
            )
        return thresholds
    with contextlib.suppress(ValueError):  # a text that is no number
        if 0 <= float(wanted) <= 1:
            return dict.fromkeys(classes, float(wanted))
    raise ValueError(f"threshold is {wanted!r}, but must be from 0 to 1, 'auto' or None")


def choose(
    probabilities: Mapping[str, float],
    top: int | None,
    thresholds: Mapping[str, float] | None = None,
    *,
    parts: Sequence[Set[str]] = (),
) -> list[tuple[str, float]]:
    """Choose the labels of an image.

    Parameters
    ----------
    probabilities : mapping of str to float
        The probability of each label.
    top : int or None
        How many labels to choose if there are no thresholds; None for all.
    thresholds : mapping of str to float, optional
        Choose instead every label that is at least this likely.
    parts : sequence of set of str
        From :func:`label_parts`. As many labels as there are parts are the likeliest of each part:
        an image has one colour and one garment, never two colours.

    Returns
    -------
    list of (str, float)
        Labels and their probabilities. One label of each part are in the order of the parts, so
        that a combination is always called the same; otherwise the likeliest is the first.
    """
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    if thresholds is None:
        if ranked and parts and top == len(parts):
            return [next(item for item in ranked if item[0] in part) for part in parts]
        return ranked[:top]
    return [(label, likely) for label, likely in ranked if likely >= thresholds[label]]


def label_parts(metadata: Mapping[str, Any]) -> list[set[str]]:
    """Find the labels that exclude each other, for example the colours, and the garments.

    Parameters
    ----------
    metadata : mapping
        What the model file says about the training.

    Returns
    -------
    list of set of str
        All first labels of the combinations, all second ones, and so on. Empty if combinations
        differ in length, a label occurs in two parts, images have any number of labels, or the file
        does not say.
    """
    combinations = [] if metadata.get("free_labels") else metadata.get("combinations", [])
    if len(set(map(len, combinations))) != 1:
        return []
    parts = [set(part) for part in zip(*combinations, strict=True)]
    is_each_in_one = sorted(itertools.chain(*parts)) == sorted(metadata["labels"])
    return parts if is_each_in_one else []
