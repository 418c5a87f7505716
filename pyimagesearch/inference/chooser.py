"""Which labels an image gets, and how many where the user does not say it."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pyimagesearch.artifacts.model_metadata import usual_top
from pyimagesearch.inference.classification import choose, label_parts, thresholds_of


class Choice(NamedTuple):
    """What is chosen of the probabilities of an image's labels.

    Attributes
    ----------
    labels : list of (str, float)
        The labels, the likeliest first, and their probabilities, in [0, 1].
    note : str or None
        What a user should know of them together.
    """

    labels: list[tuple[str, float]]
    note: str | None = None


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
        How many labels to choose. None means as many as
        :func:`pyimagesearch.artifacts.model_metadata.usual_top` says; or, for a model whose images
        have any number of labels, those above their stored thresholds, and at least the likeliest.
    threshold : float, "auto" or None
        As for :func:`thresholds_of`. It goes before `top`.
    classes : sequence of str
        All labels.
    metadata : mapping
        What the model file says about the training.

    Returns
    -------
    callable
        Takes the probability of each label, and returns what :func:`choose` does.
    """
    thresholds = thresholds_of(threshold, classes, metadata)
    parts = label_parts(metadata)
    if top is None and threshold is None and metadata.get("free_labels"):
        stored = metadata.get("thresholds") or dict.fromkeys(classes, 0.5)

        def choose_free(probabilities: Mapping[str, float]) -> list[tuple[str, float]]:
            return choose(probabilities, None, stored) or choose(probabilities, 1)

        return choose_free
    count = usual_top(metadata) if top is None else None if top == "all" else int(top)
    return functools.partial(choose, top=count, thresholds=thresholds, parts=parts)
