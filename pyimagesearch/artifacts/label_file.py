"""The label file: the tutorial's ``mlb.pickle``, a pickled MultiLabelBinarizer."""

import pickle
from pathlib import Path
from typing import Any

from pyimagesearch.artifacts.binarizer_pickle import (
    MAX_PICKLE_BYTES,
    StoredBinarizer,
    read_binarizer,
)
from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.artifacts.pickle_records import PickleRefusedError
from pyimagesearch.console import first_few
from pyimagesearch.errors import UnreadableFileError, UserError
from pyimagesearch.files import AnyPath, written_whole
from pyimagesearch.reading import read_file

# Where train.py writes the labels, and the scripts look for them, unless the user names a file.
USUAL_PATH = "mlb.pickle"


def save_binarizer(path: AnyPath, mlb: Any, trained_at: str) -> None:
    """Pickle a MultiLabelBinarizer as the tutorial does, and note its training run in it.

    Parameters
    ----------
    path : path
        For example ``mlb.pickle``.
    mlb : sklearn.preprocessing.MultiLabelBinarizer
        Fitted. Gets an attribute ``trained_at``, which scikit-learn ignores.
    trained_at : str
        When the run ended, as in the model file.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    mlb.trained_at = trained_at
    with written_whole(path) as partial:
        partial.write_bytes(pickle.dumps(mlb))


def load_binarizer(path: AnyPath) -> StoredBinarizer:
    """Read a label file without unpickling it.

    Parameters
    ----------
    path : path
        For example ``mlb.pickle``, written with any release of scikit-learn and NumPy.

    Returns
    -------
    StoredBinarizer
        The labels, and when they were stored.

    Raises
    ------
    UserError
        If the file cannot be read, or holds anything but a pickled MultiLabelBinarizer.
    """
    try:
        return read_binarizer(read_file(path, most_bytes=MAX_PICKLE_BYTES))
    except UnreadableFileError as error:
        raise UserError(f"cannot read the label file {path}: {error}") from error
    except PickleRefusedError as error:
        raise UserError(f"{path} is not a label file that train.py wrote: {error}") from error


def load_labels(
    trained: TrainedModel, model_path: AnyPath, labelbin_path: AnyPath | None
) -> tuple[list[str], str | None]:
    """Name the outputs of a network, from the label file or else from the model file.

    Parameters
    ----------
    trained : TrainedModel
        The network whose outputs are named.
    model_path : path
        The model file.
    labelbin_path : path or None
        The label file. None if the user named none: then ``USUAL_PATH`` is used, unless the model
        file has labels of its own and that file is missing, cannot be read or belongs to another
        model.

    Returns
    -------
    classes : list of str
        In the order of the network's outputs.
    note : str or None
        Says why the model file's own labels are used and not those of a label file.

    Raises
    ------
    UserError
        If the label file is missing, cannot be read or belongs to another model, and the user named
        it or the model file has no labels of its own.
    """
    own_labels, path = trained.metadata.get("labels"), labelbin_path or USUAL_PATH
    if own_labels is not None and labelbin_path is None:
        # The model file names the outputs, and the user names no label file to be used instead.
        return own_labels, _note_on_unused(own_labels, model_path)
    way_out = "name its label file with -l"
    if trained.note:
        way_out = f"{way_out} ({trained.note})"
    if own_labels is not None:
        way_out = f"leave out -l to use the labels in {model_path}"
    binarizer = _loaded(path, way_out)
    if len(binarizer.classes) != trained.outputs or own_labels not in (None, binarizer.classes):
        raise UserError(
            f"{model_path} and {path} do not belong together: "
            f"{_difference(trained, binarizer)}; {way_out}"
        )
    return binarizer.classes, None


def _note_on_unused(own_labels: list[str], model_path: AnyPath) -> str | None:
    """Say why the usual label file is not used, if it does not hold the model file's own labels."""
    instead = f"the labels are those in {model_path}"
    if not Path(USUAL_PATH).exists():
        return f"there is no {USUAL_PATH}: {instead}"
    try:
        binarizer = load_binarizer(USUAL_PATH)
    except UserError as error:
        return f"{error}; {instead}"
    if binarizer.classes != own_labels:
        return f"{USUAL_PATH} belongs to another model: {instead}"
    return None


def _loaded(path: AnyPath, way_out: str) -> StoredBinarizer:
    try:
        return load_binarizer(path)
    except UserError as error:
        raise UserError(f"{error}; {way_out}") from error


def _difference(trained: TrainedModel, binarizer: StoredBinarizer) -> str:
    own_labels, labels = trained.metadata.get("labels"), binarizer.classes
    # Of many labels only a few are named: first those that the other file lacks.
    shared = set(own_labels or ()) & set(labels)
    own, others = (
        first_few(sorted(each or (), key=shared.__contains__)) for each in (own_labels, labels)
    )
    return (
        f"the model was trained {_when(trained.metadata.get('trained_at'))}"
        f"on {own or f'{trained.outputs} labels'}; "
        f"the label file was written {_when(binarizer.trained_at)}for {others}"
    )


def _when(moment: str | None) -> str:
    return f"at {moment} " if moment else ""
