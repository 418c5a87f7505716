"""The state of an unfinished training run, with which a later process can go on."""

import json
import math
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pyimagesearch.data.loading import Dataset
from pyimagesearch.errors import UserError
from pyimagesearch.files import AnyPath, written_whole
from pyimagesearch.outputs import check_resumable, checkpoint_path

DESCRIPTION_ENTRY = "about.json"
MOST_DESCRIPTION_BYTES = 2**24

# A run can be resumed only with the same values of these settings.
DECISIVE = (
    *("epochs", "batch_size", "learning_rate", "image_size", "fit", "test_size", "seed"),
    *("recolor", "recolor_part", "balance"),
)

History = dict[str, list[float]]


class Run(NamedTuple):
    """What distinguishes one training run from another.

    Attributes
    ----------
    checkpoint : pathlib.Path or None
        Where its state is kept until it has ended well. None if another process keeps it.
    description : dict
        JSON values by name: its settings, and checksums of the file names and of the images;
        :func:`with_network` adds one of the network.
    """

    checkpoint: Path | None
    description: dict[str, Any]


def describe_run(
    model_path: AnyPath | None,
    settings: Mapping[str, Any],
    dataset: Dataset,
    *,
    test: np.ndarray,
    composed: int,
) -> Run:
    """Condense what a run depends on.

    Parameters
    ----------
    model_path : path or None
        The model that the run is going to write. None if another process writes it.
    settings : mapping
        JSON values by name. Those in ``DECISIVE`` count.
    dataset : Dataset
        The images.
    test : numpy.ndarray
        int: which of them the network is tested on.
    composed : int
        How many images are composed.

    Returns
    -------
    Run
        The same for the same settings, file names and pixels, wherever the files lie.
    """
    names = "\0".join("/".join(Path(path).parts[-2:]) for path in dataset.paths)
    sums = [
        zlib.crc32(names.encode("utf-8", "surrogateescape")),
        zlib.crc32(dataset.checksums.tobytes()),
    ]
    if dataset.has_free_labels:  # Otherwise the names of the folders are the labels.
        from_table = [
            None if part is None else part.tolist() for part in (dataset.together, dataset.is_test)
        ]
        sums.append(
            zlib.crc32(repr([dataset.labels, *from_table]).encode("utf-8", "backslashreplace"))
        )
    checkpoint = None if model_path is None else checkpoint_path(model_path)
    flags = {f"--{name.replace('_', '-')}": settings[name] for name in DECISIVE}
    images = {
        "images": [len(dataset.paths), *sums],
        "composed images": composed,
        "test images": zlib.crc32(np.asarray(test, np.int64).tobytes()),
    }
    return Run(checkpoint, flags | images)


def with_network(run: Run, model: keras.Model) -> Run:
    """Add to a run what network it trains.

    Parameters
    ----------
    run : Run
        From :func:`describe_run`.
    model : keras.Model
        The plain network.

    Returns
    -------
    Run
        Its description also has a checksum of the layers and their settings.
    """
    # Keras names layers dense, dense_1 and so on, and counts all that a process has made.
    layers = re.sub(r'_\d+"', '"', model.to_json())
    checksum = zlib.crc32(layers.encode())
    return run._replace(description=run.description | {"network layers": checksum})


class SaveCheckpoint(keras.callbacks.Callback):
    """Saves a checkpoint after each epoch that was trained to its end.

    Parameters
    ----------
    run : Run
        From :func:`describe_run`.
    history : dict of str to list of float
        The metrics of the epochs done before. Each epoch adds its own.
    """

    def __init__(self, run: Run, history: History) -> None:
        super().__init__()
        self.run = run
        self.history = history

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Save; see ``keras.callbacks.Callback``."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        # In the middle of an epoch the state is none that an undisturbed run passes through.
        path = self.run.checkpoint
        if path is None or self.model.stop_training:
            return
        try:
            _save(path, self.run.description, network=self.model, history=self.history)
        except UserError as error:
            before = len(self.history["loss"]) - 1
            if not before or not path.is_file():
                raise
            message = f"{error}; the checkpoint of epoch {before} is kept: --resume continues it"
            raise UserError(message, error.exit_code) from error


def _save(
    path: Path, description: Mapping[str, Any], *, network: keras.Model, history: History
) -> None:
    about = json.dumps({"run": description, "history": history})
    # NumPy's .npz format, one array at a time: np.savez needs a copy of all of them in memory.
    # Waiting for the disk after every epoch is not worth it: a checkpoint survives the end of the
    # process without that, and the archive's checksums reveal what a power failure spoils.
    with (
        written_whole(path, flushed=False) as temporary,
        zipfile.ZipFile(temporary, "w") as archive,
    ):
        archive.writestr(DESCRIPTION_ENTRY, about)
        for position, variable in enumerate(training_state(network)):
            with archive.open(f"{position:04}.npy", "w") as file:
                # NumPy looks at a tensor where it is, but gets a copy of a variable.
                array = np.asarray(tf.convert_to_tensor(variable))
                np.lib.format.write_array(file, array, allow_pickle=False)


def training_state(network: keras.Model) -> list[keras.Variable]:
    """List all that changes in training: weights, moving averages, random states, the optimizer."""
    network.optimizer.build(network.trainable_variables)
    return [*network.variables, *network.optimizer.variables]


def load(run: Run, network: keras.Model) -> History:
    """Restore the state of a compiled network from a checkpoint.

    Parameters
    ----------
    run : Run
        From :func:`describe_run`, of the run that is going to continue.
    network : keras.Model
        Compiled, and built as the one that was saved.

    Returns
    -------
    dict of str to list of float
        The metrics of the epochs done, one value an epoch. Empty lists where another process keeps
        the state.

    Raises
    ------
    UserError
        If there is no checkpoint, it is damaged, or it belongs to another run; the message names
        what differs. The network then stays as it was.
    """
    path = run.checkpoint
    if path is None:
        return {"loss": []}
    check_resumable(path)
    with _damage_named(path):
        about = _read_description(path)
    wanted, found = json.loads(json.dumps(run.description)), about["run"]
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    if differing:
        raise UserError(
            f"the checkpoint {path} is of a run with other {', '.join(differing)}: train without "
            "--resume, or with what it was started with"
        )
    state = training_state(network)
    with _damage_named(path):
        arrays = _read_arrays(path, state)
    for variable, value in zip(state, arrays, strict=True):
        variable.assign(value)
    return about["history"]


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turn whatever a damaged archive makes NumPy and zipfile raise into one line."""
    try:
        yield
    except Exception as error:
        raise UserError(f"the checkpoint {path} is damaged: train without --resume") from error


def _read_description(path: Path) -> dict[str, Any]:
    """Read which run a checkpoint is of, and its history; raise anything at all if it is none."""
    with zipfile.ZipFile(path) as archive:
        if _size(archive.getinfo(DESCRIPTION_ENTRY)) > MOST_DESCRIPTION_BYTES:
            raise ValueError("its description is longer than any")
        about = json.loads(archive.read(DESCRIPTION_ENTRY))
    _check_history(about["history"])
    if not isinstance(about["run"], dict):
        raise TypeError("its description of the run is not an object")
    return about


def _size(entry: zipfile.ZipInfo) -> int:
    """Return the size of an entry; raise ValueError if it is packed, and may be larger than that.

    Only the size of what is not packed is known before it is in memory.
    """
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise ValueError("it is packed")
    return entry.file_size


def _read_arrays(path: Path, state: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Read arrays that fit a state; raise anything at all if they do not."""
    largest = sum(2**12 + 8 * math.prod(variable.shape) for variable in state) + 2**24
    with zipfile.ZipFile(path) as archive:
        if sum(map(_size, archive.infolist())) > largest:
            raise ValueError("it holds more than the network")
    with np.load(path, allow_pickle=False) as stored:
        names = sorted(set(stored.files) - {DESCRIPTION_ENTRY})
        return [
            _fitting(stored[name], variable) for name, variable in zip(names, state, strict=True)
        ]


def _fitting(value: np.ndarray, variable: keras.Variable) -> np.ndarray:
    """Check an array against the variable that it is for."""
    shape = tuple(variable.shape)
    if value.shape != shape or not np.isfinite(value).all():
        raise ValueError("an array of another shape, or with numbers that are not finite")
    return value


def _check_history(history: Any) -> None:
    """Raise unless a history is a list of numbers for each metric, all of one length."""
    lengths = {len(values) for values in history.values()}
    numbers = all(type(value) is float for values in history.values() for value in values)
    if "loss" not in history or len(lengths) != 1 or not numbers:
        raise ValueError("its history is not a list of numbers for each metric")
