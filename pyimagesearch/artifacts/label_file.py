"""The label file: the tutorial's ``mlb.pickle``, a pickled MultiLabelBinarizer."""

import os
import pickle
from typing import Any

from pyimagesearch.artifacts.binarizer_pickle import (
    MAX_PICKLE_BYTES,
    StoredBinarizer,
    read_binarizer,
)
from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.artifacts.pickle_records import PickleRefusedError
from pyimagesearch.errors import UnreadableFileError, UserError
from pyimagesearch.files import AnyPath, read_file, written_whole


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
    trained: TrainedModel, model_path: str, labelbin_path: str
) -> tuple[list[str], str | None]:
    """Name the outputs of a network, from the label file or else from the model file.

    Parameters
    ----------
    trained : TrainedModel
        The network whose outputs are named.
    model_path, labelbin_path : str
        The two files.

    Returns
    -------
    classes : list of str
        In the order of the network's outputs.
    note : str or None
        Says that there is no label file and the model file's own labels are used.

    Raises
    ------
    UserError
        If neither file names the labels, the label file is damaged, or the two files come from
        different training runs.
    """
    own_labels = trained.metadata.get("labels")
    # Path.exists raises an error for names that are too long.
    if own_labels is not None and not os.path.exists(labelbin_path):  # noqa: PTH110
        return own_labels, f"there is no {labelbin_path}: the labels are those in {model_path}"
    binarizer = load_binarizer(labelbin_path)
    differs = own_labels is not None and binarizer.classes != own_labels
    if differs or trained.outputs != len(binarizer.classes):
        trained_on = ", ".join(own_labels) if own_labels else f"{trained.outputs} labels"
        raise UserError(
            f"{model_path} and {labelbin_path} do not belong together: "
            f"the model was trained {_when(trained.metadata.get('trained_at'))}on {trained_on}; "
            f"the label file was written {_when(binarizer.trained_at)}"
            f"for {', '.join(binarizer.classes)}"
        )
    return binarizer.classes, None


def _when(moment: str | None) -> str:
    return f"at {moment} " if moment else ""
