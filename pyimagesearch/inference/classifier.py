"""All that answers for an image: the network, its labels, and how they are chosen."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pyimagesearch.artifacts.label_file import load_labels
from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.inference import classification
from pyimagesearch.inference.chooser import chooser
from pyimagesearch.inference.network import load_network

# The labels chosen for an image, the likeliest first, and a note on them.
Answer = tuple[list[tuple[str, float]], str | None]


class Classifier(NamedTuple):
    """A network and what is made of its probabilities.

    Attributes
    ----------
    trained : TrainedModel
        The network.
    classes : sequence of str
        The labels, in the order of its outputs.
    answer : callable
        Takes the probability of each label, in [0, 1]. Returns the labels chosen and the note on
        them.
    notes : list of str
        What a user should know about the files.
    """

    trained: TrainedModel
    classes: Sequence[str]
    answer: Callable[[Mapping[str, float]], Answer]
    notes: list[str]


def load_classifier(
    model: str,
    labelbin: str,
    *,
    device: str = "auto",
    images: int = 1,
    top: int | str | None = None,
    threshold: float | str | None = None,
    reject: float = 0.0,
) -> Classifier:
    """Load a network and its labels.

    Parameters
    ----------
    model, labelbin : str
        What train.py wrote.
    device, images
        As for :func:`pyimagesearch.inference.network.load_network`.
    top, threshold
        As for :func:`pyimagesearch.inference.chooser.chooser`.
    reject : float
        The share of right images that may be called unknown, in [0, 1].

    Returns
    -------
    Classifier
        Ready to classify.

    Raises
    ------
    UserError
        If a file cannot be read, or they do not belong together.
    """
    trained = load_network(model, device, images=images)
    classes, label_note = load_labels(trained, model, labelbin)
    notes = [trained.note, label_note, classification.known_note(trained, reject)]
    choose = chooser(top, threshold, classes=classes, metadata=trained.metadata)
    known = classification.known_combinations(trained.metadata)

    def answer(probabilities: Mapping[str, float]) -> Answer:
        chosen = choose(probabilities)
        return chosen, classification.combination_note([label for label, _ in chosen], known)

    return Classifier(trained, classes, answer, [note for note in notes if note])
