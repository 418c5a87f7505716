"""All that it takes to classify: the network, its labels, and how they are chosen."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pyimagesearch.artifacts.known_images import least_nearness
from pyimagesearch.artifacts.label_choice import chooser
from pyimagesearch.artifacts.label_file import load_labels
from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.files import AnyPath
from pyimagesearch.inference.backend import Device
from pyimagesearch.inference.classification import Choice
from pyimagesearch.inference.network import load_network


class Classifier(NamedTuple):
    """A network and what is made of its probabilities.

    Attributes
    ----------
    trained : TrainedModel
        The network.
    classes : sequence of str
        The labels, in the order of its outputs.
    choose : callable
        Takes the probability of each label, in [0, 1], and chooses among the labels.
    notes : list of str
        What a user should know about the files.
    """

    trained: TrainedModel
    classes: Sequence[str]
    choose: Callable[[Mapping[str, float]], Choice]
    notes: list[str]


class KnownCombinations(NamedTuple):
    """The combinations that a network was trained on.

    Attributes
    ----------
    shown : set of frozenset of str
        Those that images of the dataset showed.
    composed : set of frozenset of str
        Those that only composed images showed.
    sizes : set of int
        How many labels the shown ones have.
    """

    shown: set[frozenset[str]]
    composed: set[frozenset[str]]
    sizes: set[int]


def load_classifier(
    model: AnyPath,
    labelbin: AnyPath | None = None,
    *,
    device: Device = "auto",
    images: int = 1,
    top: int | str | None = None,
    threshold: float | str | None = None,
    reject: float = 0.0,
) -> Classifier:
    """Load a network and its labels.

    Where Keras predicts, as :func:`pyimagesearch.inference.network.load_network` says, environment
    variables are set for it: ``KERAS_BACKEND``, ``CUDA_VISIBLE_DEVICES`` if no GPU is used,
    ``TF_CPP_MIN_LOG_LEVEL`` and ``TF_FORCE_GPU_ALLOW_GROWTH``. Processes that this one starts
    inherit them. Train in another process.

    Parameters
    ----------
    model : path
        The model file that train.py wrote.
    labelbin : path, optional
        As for :func:`pyimagesearch.artifacts.label_file.load_labels`.
    device, images
        As for :func:`pyimagesearch.inference.network.load_network`.
    top, threshold
        As for :func:`pyimagesearch.artifacts.label_choice.chooser`.
    reject : float
        As for :func:`pyimagesearch.inference.classification.classify_files`, which needs it, too.
        Here it only decides whether a note says that the model can call no image unknown.

    Returns
    -------
    Classifier
        Ready to classify.

    Raises
    ------
    UserError
        If one of the files cannot be read or used, they do not belong together, there is no GPU
        though `device` asks for one, Keras cannot predict with what ``KERAS_BACKEND`` names, or the
        model has no thresholds though `threshold` asks for its own.
    ValueError
        If `device`, `top`, `threshold` or `reject` is none of what it may be.
    RuntimeError
        Predicting raises it in a process that was forked after the network was loaded.
    """
    trained = load_network(model, device, images=images)
    classes, label_note = load_labels(trained, model, labelbin)
    notes = [note for note in (trained.note, label_note) if note]
    if least_nearness(trained.known, reject) is None and reject > 0:
        notes.append("the model does not say which images it knows, so none is called unknown")
    choose_labels = chooser(top, threshold, classes=classes, metadata=trained.metadata)
    known = known_combinations(trained.metadata)

    def choose(probabilities: Mapping[str, float]) -> Choice:
        labels = choose_labels(probabilities)
        return Choice(labels, combination_note([name for name, _ in labels], known))

    return Classifier(trained, classes, choose, notes)


def known_combinations(metadata: Mapping[str, Any]) -> KnownCombinations:
    """Look up which combinations a model was trained on.

    Parameters
    ----------
    metadata : mapping
        What the model file says about the training: the ``combinations`` of the training images
        and the ``composed`` ones, each a list of labels.

    Returns
    -------
    KnownCombinations
        Empty sets if the model file says nothing about them.
    """
    shown, composed = (
        set(map(frozenset, metadata.get(name, []))) for name in ("combinations", "composed")
    )
    return KnownCombinations(shown, composed, set(map(len, shown)))


def combination_note(labels: Sequence[str], known: KnownCombinations) -> str | None:
    """Warn of a combination that no training image showed.

    Parameters
    ----------
    labels : sequence of str
        The labels chosen for an image.
    known : KnownCombinations
        Those of the model.

    Returns
    -------
    str or None
        None if training images showed the combination, or if none had as many labels.
    """
    chosen = frozenset(labels)
    if chosen in known.shown or len(chosen) not in known.sizes:
        return None
    if chosen in known.composed:
        return "this combination was not in the training images (composed)"
    return "this combination was never trained"
