"""Reads Keras 3 archives: a network of SmallerVGGNet's layers, or somebody's own.

The former is described completely and built anew from its description. The latter has layers of
which this project knows nothing; Keras builds it, after checks of what can be checked of any.
"""

import copy
import io
import json
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pyimagesearch.artifacts.hdf5 import Hdf5File
from pyimagesearch.artifacts.network_description import (
    DescriptionError,
    NetworkDescription,
    UnfamiliarNetworkError,
    describe_network,
    read_config,
)
from pyimagesearch.artifacts.plain_json import MAX_JSON_BYTES

if TYPE_CHECKING:
    import keras

CONFIG, VERSION, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_ENTRIES = 10_000
# Layers, initializers and so on. NASNetLarge, of keras.applications, has 5,152.
MAX_OBJECTS = 6_000
# Numbers in the output of one layer for one image, and of all. EfficientNetB7 has half of that.
MAX_OUTPUT, MAX_OUTPUTS = 2**25, 2**31
READ_BYTES = 2**20
CENTRAL_DIRECTORY_ENTRY = b"PK\1\2"
# What zipfile raises for entries that are damaged, encrypted, or beyond all addresses.
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
)

# What Keras calls the weights of a layer in its files, but for a number.
GROUPS = {"Conv2D": "conv2d", "BatchNormalization": "batch_normalization", "Dense": "dense"}


class OwnNetwork(NamedTuple):
    """A network of layers that SmallerVGGNet does not have.

    Attributes
    ----------
    config : object
        Keras's description of it, JSON values.
    arrays : dict of str to numpy.ndarray
        Its weights by their paths in the file.
    """

    config: Any
    arrays: dict[str, np.ndarray]


def open_archive(data: bytes) -> zipfile.ZipFile:
    """Open an archive in memory.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    zipfile.ZipFile
        Open for reading.

    Raises
    ------
    DescriptionError
        If it is damaged, or holds more entries than any model.
    """
    if data.count(CENTRAL_DIRECTORY_ENTRY) > MAX_ENTRIES:
        raise DescriptionError(f"it holds more than {MAX_ENTRIES:,} files")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DescriptionError("it is not a model that Keras saved, or is damaged") from error


def read_archive(archive: zipfile.ZipFile) -> NetworkDescription | OwnNetwork:
    """Read a network from what Keras 3's ``model.save`` wrote, without Keras.

    Parameters
    ----------
    archive : zipfile.ZipFile
        From :func:`open_archive`.

    Returns
    -------
    NetworkDescription or OwnNetwork
        The network; the latter is for :func:`build_own_network`.

    Raises
    ------
    DescriptionError
        If the archive is damaged, or is none of Keras 3's.
    """
    if not {CONFIG, VERSION, WEIGHTS} <= set(archive.namelist()):
        raise DescriptionError("it is an archive, but not a model that Keras 3 saved")
    _check_version(read_config(read_entry(archive, VERSION, most_bytes=MAX_JSON_BYTES)))
    config = read_config(read_entry(archive, CONFIG, most_bytes=MAX_JSON_BYTES))
    # Keras does not compress weights, and whoever does saves a tenth. An entry may claim any
    # size, but ends before the central directory begins.
    most_bytes = 2 * min(archive.getinfo(WEIGHTS).compress_size, archive.start_dir)
    data = read_entry(archive, WEIGHTS, most_bytes=most_bytes)
    try:
        return _described(config, data)
    except UnfamiliarNetworkError:
        return _own_network(config, data)


def read_entry(archive: zipfile.ZipFile, name: str, *, most_bytes: int) -> bytearray:
    """Read an entry of an archive, whatever size it claims to have.

    Parameters
    ----------
    archive : zipfile.ZipFile
        From :func:`open_archive`.
    name : str
        One of its names.
    most_bytes : int
        The largest size that is read.

    Returns
    -------
    bytearray
        The whole entry. OpenVINO shares the memory of arrays only where it may write.

    Raises
    ------
    DescriptionError
        If it is larger than that, or damaged.
    """
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DescriptionError(f"its {name} is compressed in a way that Keras does not use")
    try:
        content = bytearray()
        with archive.open(name) as file:
            while len(content) <= most_bytes and (part := file.read(READ_BYTES)):
                content += part
    except ZIP_ERRORS as error:
        raise DescriptionError(f"its {name} is damaged") from error
    if len(content) > most_bytes:
        raise DescriptionError(f"its {name} would unpack to more than {most_bytes:,} bytes")
    return content


def _check_version(metadata: Any) -> None:
    version = str(metadata.get("keras_version", "")) if isinstance(metadata, dict) else ""
    if version.startswith("2."):
        raise DescriptionError(
            f"Keras {version[:20]} saved it, whose .keras files Keras 3 does not load: save it "
            "there once more as HDF5, with model.save('fashion.h5')"
        )


def _described(config: Any, data: bytearray) -> NetworkDescription:
    file = Hdf5File(data)
    numbers: Counter[str] = Counter()

    def stored_weights(layer: Mapping[str, Any]) -> list[np.ndarray]:
        group = GROUPS.get(layer["class_name"])
        if group is None:
            return []
        number = numbers[group]
        numbers[group] += 1
        path = f"layers/{group}_{number}/vars" if number else f"layers/{group}/vars"
        return [file.array(f"{path}/{name}") for name in sorted(file.names(path))]

    return describe_network(config, stored_weights, stored_bytes=len(data))


def _own_network(config: Any, data: bytearray) -> OwnNetwork:
    """Check of somebody's own network what can be checked without knowing its layers."""
    if _count_objects(config) > MAX_OBJECTS:
        raise DescriptionError(f"it describes more than {MAX_OBJECTS:,} layers and parts of them")
    arrays = Hdf5File(data).arrays()
    if sum(array.nbytes for array in arrays.values()) > len(data):
        raise DescriptionError("it describes more weights than it stores")
    for path, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DescriptionError(f"its weights {path} are not finite")
    return OwnNetwork(config, arrays)


def _count_objects(value: Any) -> int:
    """Count layers and their parts, those in a layer as often as the network calls it."""
    if isinstance(value, dict):
        calls = value.get("inbound_nodes")
        count = ("class_name" in value) + sum(map(_count_objects, value.values()))
        return count * max(1, len(calls) if isinstance(calls, list) else 1)
    return sum(map(_count_objects, value)) if isinstance(value, list) else 0


def build_own_network(network: OwnNetwork) -> "keras.Model":
    """Have Keras build somebody's own network.

    Parameters
    ----------
    network : OwnNetwork
        From :func:`read_archive`.

    Returns
    -------
    keras.Model
        Ready to predict.

    Raises
    ------
    DescriptionError
        If it asks for more weights than its file stores, or computes more than is sane.
    Exception
        Whatever Keras raises for what it cannot build.
    """
    import keras

    stored = sum(array.size for array in network.arrays.values())
    # For each thread, Keras keeps a list of the variables that have no values yet, to initialise
    # them later. Those made only to measure the network vanish with a thread of their own.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_check_size, network.config, stored).result()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        _write_archive(path, network)
        return keras.saving.load_model(path, compile=False, safe_mode=True)


def _check_size(config: Any, stored: int) -> None:
    """Build a network without giving its weights any memory, to see how large it would be."""
    import keras

    # Keras takes the description apart.
    config = copy.deepcopy(config) | {"compile_config": None}
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    if model.count_params() > stored:
        raise DescriptionError(
            f"it asks for {model.count_params():,} weights and stores {stored:,} numbers"
        )
    sizes = [float(np.prod(shape, dtype=float)) for shape in _output_shapes(model)]
    if max(sizes, default=0) > MAX_OUTPUT or sum(sizes) > MAX_OUTPUTS:
        raise DescriptionError("it would take too much memory or time to classify an image")


def _output_shapes(model: "keras.Model") -> Iterator[list[int]]:
    """Yield the shape of what each layer returns for one image."""
    import keras

    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _output_shapes(layer)
        for tensor in keras.tree.flatten(getattr(layer, "output", [])):
            yield [size for size in tensor.shape if size is not None]


def _write_archive(path: Path, network: OwnNetwork) -> None:
    """Write an archive for Keras that holds what has been checked, and nothing else."""
    import h5py

    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        for name, array in network.arrays.items():
            file[name] = array
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(CONFIG, json.dumps(network.config))
        archive.writestr(VERSION, "{}")
        archive.writestr(WEIGHTS, weights.getvalue())
