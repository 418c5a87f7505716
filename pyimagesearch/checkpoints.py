"""The state of an unfinished training run, from which it can be taken up again."""

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pyimagesearch.console import UserError
from pyimagesearch.files import written_whole

SUFFIX = ".checkpoint"

History = dict[str, list[float]]


def checkpoint_path(model_path: str | os.PathLike) -> Path:
    """Say where the checkpoint of a run that is going to write some model is kept."""
    return Path(f"{os.fspath(model_path)}{SUFFIX}")


def describe_run(
    settings: Mapping[str, Any], paths: Sequence[str], images: np.ndarray
) -> dict[str, Any]:
    """Condense what makes a run what it is.

    Parameters
    ----------
    settings : mapping
        JSON values by name, such as the number of epochs and the seed.
    paths : sequence of str
        The N files.
    images : numpy.ndarray
        uint8, shape (N, height, width, channels), decoded from them.

    Returns
    -------
    dict
        The settings, and checksums of the files' names and of the images.
    """
    names = "\0".join("/".join(Path(path).parts[-2:]) for path in paths)
    pixels = 0
    for image in images:
        pixels = zlib.crc32(image, pixels)
    checksums = [zlib.crc32(names.encode("utf-8", "surrogateescape")), pixels]
    return {**settings, "images": [len(paths), *checksums]}


class SaveCheckpoint(keras.callbacks.Callback):
    """Saves a checkpoint after each epoch that was trained to its end.

    Parameters
    ----------
    path : pathlib.Path
        From :func:`checkpoint_path`.
    run : mapping
        From :func:`describe_run`.
    history : dict of str to list of float
        Of the epochs done before; each epoch adds to it.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], history: History) -> None:
        super().__init__()
        self.path = path
        self.run = run
        self.history = history

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Save; see ``keras.callbacks.Callback``."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        # Stopped in the middle of an epoch, the network is no state that a run passes through.
        if not self.model.stop_training:
            _save(self.path, self.model, self.run, self.history)


def _save(path: Path, network: keras.Model, run: Mapping[str, Any], history: History) -> None:
    arrays = {f"{i:04}": np.asarray(variable) for i, variable in enumerate(_state(network))}
    about = json.dumps({"run": run, "history": history})
    with written_whole(path) as partial, partial.open("wb") as file:
        np.savez(file, about=np.array(about), **arrays)


def _state(network: keras.Model) -> list[keras.Variable]:
    """List all that changes in training: weights, moving averages, random seeds, the optimizer."""
    network.optimizer.build(network.trainable_variables)
    return [*network.variables, *network.optimizer.variables]


def load(path: Path, network: keras.Model, run: Mapping[str, Any]) -> History:
    """Put a compiled network into the state of a checkpoint.

    Parameters
    ----------
    path : pathlib.Path
        From :func:`checkpoint_path`.
    network : keras.Model
        Compiled, built as the one that was saved.
    run : mapping
        From :func:`describe_run`, of the run that wants to go on.

    Returns
    -------
    dict of str to list of float
        The metrics of the epochs done, a value an epoch.

    Raises
    ------
    UserError
        If there is no checkpoint, it is damaged, or it is one of another run; the message names
        what differs.
    """
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path} to resume from: train without --resume")
    try:
        with np.load(path) as stored:
            about = json.loads(str(stored["about"]))
            arrays = [stored[name] for name in sorted(set(stored.files) - {"about"})]
    # A damaged archive makes NumPy and zipfile raise all kinds of exceptions.
    except Exception as error:
        raise UserError(f"the checkpoint {path} is damaged: train without --resume") from error

    run = json.loads(json.dumps(run))
    differing = [name for name in run if about["run"].get(name) != run[name]]
    if differing:
        raise UserError(
            f"the checkpoint {path} is of a run with other {', '.join(differing)}: train without "
            "--resume, or with what it was started with"
        )
    for variable, value in zip(_state(network), arrays, strict=True):
        variable.assign(value)
    return about["history"]
