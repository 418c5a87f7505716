"""The files a training run leaves: written whole or not at all, checked, and read safely."""

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import keras

from pyimagesearch.artifacts import keras2
from pyimagesearch.errors import UserError
from pyimagesearch.files import did_you_mean, written_whole

# Other users of the Keras archive never look for this entry.
METADATA_ENTRY = "pyimagesearch.json"


class TrainedModel(NamedTuple):
    """A network and what is known about it.

    Attributes
    ----------
    model : keras.Model
        Takes float32 images in [0, 1], returns a probability a label.
    metadata : dict
        What :func:`save_model` stored with it, empty for a model that someone else saved.
    """

    model: keras.Model
    metadata: dict[str, Any]


def save_model(path: str | os.PathLike, model: keras.Model, metadata: Mapping[str, Any]) -> None:
    """Save a network as a Keras 3 archive, whatever its name, and what is known about it inside.

    Parameters
    ----------
    path : path
        For example ``fashion.model``.
    model : keras.Model
        Built of plain Keras layers, so that it opens without this project's code; not compiled,
        so that no optimizer state, twice the size of the weights, goes with it.
    metadata : mapping
        Of JSON values; at least ``labels``, in the order of the outputs, and ``image_size``.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    with written_whole(path, suffix=".keras") as partial:
        model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(METADATA_ENTRY, json.dumps(metadata, indent=1))


def load_model(path: str | os.PathLike) -> TrainedModel:
    """Load a network that :func:`save_model`, or somebody's Keras, has saved.

    Parameters
    ----------
    path : path
        A Keras 3 archive under any name, the HDF5 file that Keras 2 wrote for the tutorial, or the
        folder that TensorFlow 2 wrote (SavedModel).

    Returns
    -------
    TrainedModel
        Ready to predict.

    Raises
    ------
    UserError
        If there is no such file, it is none of these, or it is damaged.
    """
    path = Path(path)
    try:
        if (path / "saved_model.pb").is_file():
            return TrainedModel(keras2.load_saved_model(path), {})
        if not path.is_file():
            raise UserError(
                f"there is no model {path}{did_you_mean(path)}: train one with "
                f"python train.py --model {path}"
            )
        with path.open("rb") as file:
            signature = file.read(8)
        if signature == keras2.HDF5_SIGNATURE:
            return TrainedModel(keras2.load_hdf5(path), {})
        if not zipfile.is_zipfile(path):
            raise UserError(f"{path} is no model that Keras saved, or is damaged: train it again")
        return _load_archive(path)
    except UserError:
        raise
    # Whatever Keras stumbles over in a file that is not what it says (KeyError, TypeError,
    # HDF5's OSError, ...), the model cannot be used.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(f"the model {path} cannot be loaded: {reason}") from error


def _load_archive(path: Path) -> TrainedModel:
    with zipfile.ZipFile(path) as archive:
        _check_archive(path, archive)
        has_metadata = METADATA_ENTRY in archive.namelist()
        metadata = json.loads(archive.read(METADATA_ENTRY)) if has_metadata else {}
    with _named_keras(path) as keras_path:
        model = keras.saving.load_model(keras_path, compile=False, safe_mode=True)
    return TrainedModel(model, metadata)


def _check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse what is no Keras 3 archive before Keras unpacks any of it."""
    names = archive.namelist()
    if not {"config.json", "metadata.json", "model.weights.h5"} <= set(names):
        raise UserError(f"{path} is an archive, but not a model that Keras 3 saved")
    unpacked = sum(entry.file_size for entry in archive.infolist())
    # Weights are stored as they are; only text is compressed, and there is little of that.
    if unpacked > 10 * path.stat().st_size + 2**20:
        raise UserError(f"{path} would unpack to {unpacked >> 20:,} MiB, which no model does")
    version = str(json.loads(archive.read("metadata.json")).get("keras_version", ""))
    if version.startswith("2."):
        raise UserError(
            f"{path} was saved by Keras {version}, whose .keras files Keras 3 does not load: save "
            "it there once more as HDF5, with model.save('fashion.h5')"
        )


@contextmanager
def _named_keras(path: Path) -> Iterator[Path]:
    """Give a file a name that ends in ``.keras``, as Keras wants it, for as long as the block."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "model.keras"
        try:
            link.symlink_to(path.resolve())
        except OSError:  # Windows allows links to administrators only.
            shutil.copyfile(path, link)
        yield link
