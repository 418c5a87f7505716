"""Correct a network for colours that composed images made more frequent than in the folders.

Black dresses and black shirts that are composed make black about twice as frequent, and a network
that trained on them predicts black too often, for instance for dark blue. Saerens, Latinne and
Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori Probabilities" (2002), show
that shifting the log odds of the predictions corrects this.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from pyimagesearch.recoloring.composition import TURNS
from pyimagesearch.recoloring.name_parts import Labels, split_names


def logit_offsets(
    labels: Sequence[tuple[str, ...]],
    composed_labels: Sequence[tuple[str, ...]],
    classes: Sequence[str],
    *,
    part: int,
    weigh: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> np.ndarray:
    """Compare how frequent each colour is in an epoch and in the folders.

    Subtracted from the network's logits, the offsets restore the frequencies of the folders. Types
    have no offset: the dress in a composed image was photographed, only its colour was chosen.

    Parameters
    ----------
    labels : sequence of tuple of str
        The labels of each image to train on.
    composed_labels : sequence of tuple of str
        The labels of each composed image; an epoch shows one in ``TURNS`` of them.
    classes : sequence of str
        All L labels, in the order of the network's outputs.
    part : int
        Which part of the shortest folder names is the colour.
    weigh : callable
        Takes numbers of images, and returns how much they weigh together in the loss: by default,
        as much as there are. A loss in which frequent labels count less undoes some of what
        composed images add, and leaves less to correct.

    Returns
    -------
    numpy.ndarray
        float, shape (L,): differences of log odds; all zero if nothing was composed.

    Raises
    ------
    UserError
        If the shortest folder names have too few parts for `part`.
    """
    if not composed_labels:
        return np.zeros(len(classes))
    pairs = split_names(labels, part=part).pairs.values()
    colors = {label for pair in pairs for label in pair.color}
    in_folders = _count(labels, classes)
    composed = _count(composed_labels, classes) / TURNS
    images = len(labels)
    in_epoch = _log_odds(in_folders + composed, images + len(composed_labels) / TURNS, weigh)
    is_color = np.array([label in colors for label in classes])
    return np.where(is_color, in_epoch - _log_odds(in_folders, images, weigh), 0.0)


def _count(labels: Sequence[Labels], classes: Sequence[str]) -> np.ndarray:
    """Count the images that have each label."""
    counts = Counter(label for each in labels for label in each)
    return np.array([counts[label] for label in classes])


def _log_odds(
    counts: np.ndarray, total: float, weigh: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    # Half an image more on each side keeps the log odds of none and of all finite.
    return np.log(weigh(counts + 0.5) / weigh(total - counts + 0.5))
