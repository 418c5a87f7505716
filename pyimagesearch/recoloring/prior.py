"""TODO."""

from collections.abc import Sequence

import numpy as np

from pyimagesearch.recoloring.composition import TURNS


def logit_offsets(
    classes: Sequence[str],
    labels: Sequence[tuple[str, ...]],
    composed_labels: Sequence[tuple[str, ...]],
    part: int = 0,
) -> np.ndarray:
    """Say how much likelier a colour is among the images an epoch shows than in the folders.

    Black dresses and black shirts that are composed make black twice as frequent, and a network
    that was shown them calls dark blue black more often than it should. With these offsets
    subtracted from its logits (:func:`pyimagesearch.training.subtract_from_logits`) it answers by
    how frequent the colours are in the folders. The types have none: a composed dress is a dress
    that was photographed, while its colour was chosen.

    Parameters
    ----------
    classes : sequence of str
        All labels, in the order of the network's outputs.
    labels : sequence of tuple of str
        Labels of each image to train on.
    composed_labels : sequence of tuple of str
        Those of the composed images, ``TURNS`` times as many as an epoch shows.
    part : int
        Which of the two labels is the colour, 0 or 1.

    Returns
    -------
    numpy.ndarray
        float, shape (L,): differences of log odds; zeros where nothing was composed.
    """
    if not composed_labels:
        return np.zeros(len(classes))
    classes = np.asarray(classes)

    def count(combinations: Sequence[tuple[str, ...]]) -> np.ndarray:
        colors = np.array([combination[part] for combination in combinations])
        return (colors[:, None] == classes).sum(axis=0)

    def log_odds(counts: np.ndarray, total: float) -> np.ndarray:
        # Half an image for and half against, so that none and all are finite.
        return np.log((counts + 0.5) / (total - counts + 0.5))

    of_folders, of_composed = count(labels), count(composed_labels) / TURNS
    shown = log_odds(of_folders + of_composed, len(labels) + len(composed_labels) / TURNS)
    is_color = of_folders > 0
    return np.where(is_color, shown - log_odds(of_folders, len(labels)), 0.0)
