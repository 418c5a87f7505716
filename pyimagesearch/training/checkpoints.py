"""The state of an unfinished training run, from which it can be taken up again."""

import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import keras
import numpy as np

from pyimagesearch.errors import UserError
from pyimagesearch.files import written_whole

SUFFIX = ".checkpoint"
ABOUT_ENTRY = "about.json"
ROWS_AT_A_TIME = 1024

History = dict[str, list[float]]


class Run(NamedTuple):
    """What tells one training run from another.

    Attributes
    ----------
    checkpoint : pathlib.Path or None
        Where its state is kept until it has ended well; None if another process keeps it.
    description : dict
        JSON values by name: its settings, and checksums of the files' names and of the images.
    """

    checkpoint: Path | None
    description: dict[str, Any]


def describe_run(
    model_path: str | os.PathLike | None,
    settings: Mapping[str, Any],
    paths: Sequence[str],
    images: np.ndarray,
) -> Run:
    """Condense what makes a run what it is.

    Parameters
    ----------
    model_path : path or None
        The model that the run is going to write; the checkpoint stands beside it. None if another
        process writes both.
    settings : mapping
        JSON values by the name of their flag, such as ``batch_size`` and ``seed``.
    paths : sequence of str
        The N files.
    images : numpy.ndarray
        uint8, shape (N, height, width, channels), decoded from them.

    Returns
    -------
    Run
        The same for the same settings, file names and pixels, wherever the files lie.
    """
    names = "\0".join("/".join(Path(path).parts[-2:]) for path in paths)
    pixels = 0
    for image in images:
        pixels = zlib.crc32(image, pixels)
    checksums = [zlib.crc32(names.encode("utf-8", "surrogateescape")), pixels]
    flags = {f"--{name.replace('_', '-')}": value for name, value in settings.items()}
    description = {**flags, "images": [len(paths), *checksums]}
    checkpoint = None if model_path is None else Path(f"{os.fspath(model_path)}{SUFFIX}")
    return Run(checkpoint, description)


class SaveCheckpoint(keras.callbacks.Callback):
    """Saves a checkpoint after each epoch that was trained to its end.

    Parameters
    ----------
    run : Run
        From :func:`describe_run`.
    history : dict of str to list of float
        Of the epochs done before; each epoch adds to it.
    """

    def __init__(self, run: Run, history: History) -> None:
        super().__init__()
        self.run = run
        self.history = history

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Save; see ``keras.callbacks.Callback``."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        # Stopped in the middle of an epoch, the network is no state that a run passes through.
        if self.run.checkpoint and not self.model.stop_training:
            _save(self.run, self.model, self.history)


def _save(run: Run, network: keras.Model, history: History) -> None:
    about = json.dumps({"run": run.description, "history": history})
    # NumPy's .npz format, a piece at a time: np.savez would need a copy of everything in memory.
    # It is not worth waiting for the disk after every epoch: a kill does not need that, and what a
    # power failure spoils is found out by the archive's checksums.
    whole = written_whole(run.checkpoint, flushed=False)
    with whole as partial, zipfile.ZipFile(partial, "w") as archive:
        archive.writestr(ABOUT_ENTRY, about)
        for position, variable in enumerate(_state(network)):
            with archive.open(f"{position:04}.npy", "w") as file:
                _write_array(file, variable)


def _write_array(file: IO[bytes], variable: keras.Variable) -> None:
    data_type = np.dtype(keras.backend.standardize_dtype(variable.dtype))
    shape = tuple(variable.shape)
    header = {"descr": data_type.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    if not shape:
        file.write(np.asarray(variable).tobytes())
        return
    for start in range(0, shape[0], ROWS_AT_A_TIME):
        file.write(np.asarray(variable.value[start : start + ROWS_AT_A_TIME]).tobytes())


def _state(network: keras.Model) -> list[keras.Variable]:
    """List all that changes in training: weights, moving averages, random seeds, the optimizer."""
    network.optimizer.build(network.trainable_variables)
    return [*network.variables, *network.optimizer.variables]


def load(run: Run, network: keras.Model) -> History:
    """Put a compiled network into the state of a checkpoint.

    Parameters
    ----------
    run : Run
        From :func:`describe_run`, of the run that wants to go on.
    network : keras.Model
        Compiled, built as the one that was saved.

    Returns
    -------
    dict of str to list of float
        The metrics of the epochs done, a value an epoch; none where another process keeps the
        state.

    Raises
    ------
    UserError
        If there is no checkpoint, it is damaged, or it is one of another run; the message names
        what differs.
    """
    path = run.checkpoint
    if path is None:
        return {"loss": []}
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path} to resume from: train without --resume")
    try:
        with np.load(path) as stored:
            about = json.loads(stored[ABOUT_ENTRY])
            arrays = [stored[name] for name in sorted(set(stored.files) - {ABOUT_ENTRY})]
    # A damaged archive makes NumPy and zipfile raise all kinds of exceptions.
    except Exception as error:
        raise UserError(f"the checkpoint {path} is damaged: train without --resume") from error

    wanted, found = json.loads(json.dumps(run.description)), about["run"]
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    if differing:
        raise UserError(
            f"the checkpoint {path} is of a run with other {', '.join(differing)}: train without "
            "--resume, or with what it was started with"
        )
    for variable, value in zip(_state(network), arrays, strict=True):
        variable.assign(value)
    return about["history"]
