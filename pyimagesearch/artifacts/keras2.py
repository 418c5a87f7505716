"""Reads the models that the tutorial's readers saved with Keras 2 and TensorFlow 2.

Nothing in such a file is run. The description of the layers is read as data, the weights are
numbers and nothing else.
"""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pyimagesearch.artifacts.hdf5 import Hdf5File
from pyimagesearch.artifacts.network_description import (
    DescriptionError,
    NetworkDescription,
    describe_network,
    read_config,
)
from pyimagesearch.artifacts.tensorflow_files import read_checkpoint, submessages
from pyimagesearch.errors import UnreadableFileError
from pyimagesearch.reading import MAX_FILE_BYTES, read_file

# Descriptions: the largest of SmallerVGGNet's has half a megabyte. Lists of weights: 6 KB. A field
# of two bytes takes a microsecond to read.
MAX_MESSAGE_BYTES = 2**22
MAX_INDEX_BYTES = 2**20

# What TensorFlow calls a layer's weights, in Keras's order.
CHECKPOINT_NAMES = {
    "Conv2D": ("kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "Dense": ("kernel", "bias"),
}


def read_hdf5(data: bytes) -> NetworkDescription:
    """Read a network from the HDF5 file that Keras 2's ``model.save`` wrote.

    Parameters
    ----------
    data : bytes
        The whole file, for example the tutorial's ``fashion.model``.

    Returns
    -------
    NetworkDescription
        The network that was saved.

    Raises
    ------
    DescriptionError
        If the file is damaged, or holds anything else than a network of SmallerVGGNet's layers.
    """
    file = Hdf5File(data)
    description = file.attribute("", "model_config")
    if not isinstance(description, str):
        raise DescriptionError("it holds weights without the network they belong to")

    def stored_weights(layer: Mapping[str, Any]) -> list[np.ndarray]:
        group = f"model_weights/{layer['config'].get('name')}"
        return [file.array(f"{group}/{name}") for name in _weight_names(file, group)]

    config = read_config(description)
    return describe_network(config, stored_weights, stored_bytes=len(data))


def _weight_names(file: Hdf5File, group: str) -> list[str]:
    names = file.attribute(group, "weight_names")
    return names if isinstance(names, list) else []


def read_saved_model(folder: Path) -> NetworkDescription:
    """Read a network from the folder that TensorFlow 2's ``model.save`` wrote.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``saved_model.pb``.

    Returns
    -------
    NetworkDescription
        The network that was saved.

    Raises
    ------
    DescriptionError
        If a file in the folder cannot be read or is damaged, or it holds anything else than a
        network of SmallerVGGNet's layers.
    """
    config = _saved_config(folder)
    index = _read(folder / "variables" / "variables.index", MAX_INDEX_BYTES)
    data = _read(folder / "variables" / "variables.data-00000-of-00001")
    arrays = read_checkpoint(index, data)
    # TensorFlow numbers the layers that have weights.
    numbers = itertools.count()

    def stored_weights(layer: Mapping[str, Any]) -> list[np.ndarray]:
        names = CHECKPOINT_NAMES.get(layer["class_name"])
        if names is None:
            return []
        prefix = f"layer_with_weights-{next(numbers)}"
        paths = [f"{prefix}/{name}/.ATTRIBUTES/VARIABLE_VALUE" for name in names]
        return [arrays[path] for path in paths if path in arrays]

    return describe_network(config, stored_weights, stored_bytes=len(data))


def _read(path: Path, most_bytes: int = MAX_FILE_BYTES) -> bytes:
    try:
        return read_file(path, most_bytes=most_bytes)
    except UnreadableFileError as error:
        raise DescriptionError(f"{path.name} cannot be read: {error}") from error


def _saved_config(folder: Path) -> Any:
    """Read the description that Keras left beside the graph or, before TensorFlow 2.5, in it."""
    beside = folder / "keras_metadata.pb"
    if beside.exists():
        # Fields of SavedMetadata and of its SavedObject, in
        # keras/protobuf/saved_metadata.proto of Keras 2.
        nodes = submessages(_read(beside, MAX_MESSAGE_BYTES), 1)
        described = [(submessages(node, 4), submessages(node, 5)) for node in nodes]
    else:
        # SavedModel, MetaGraphDef, SavedObjectGraph, SavedObject and SavedUserObject, in
        # tensorflow/core/protobuf.
        message = _read(folder / "saved_model.pb", MAX_MESSAGE_BYTES)
        graphs = [graph for meta in submessages(message, 2) for graph in submessages(meta, 7)]
        nodes = [node for graph in graphs for node in submessages(graph, 1)]
        users = [user for node in nodes for user in submessages(node, 4)]
        described = [(submessages(user, 1), submessages(user, 3)) for user in users]
    for identifier, metadata in described:
        if identifier == [b"_tf_keras_sequential"] and metadata:
            return _without_types(read_config(metadata[0]))
    raise DescriptionError("it holds no Sequential network that Keras saved")


def _without_types(value: Any) -> Any:
    """Undo how TensorFlow writes tuples and shapes."""
    if isinstance(value, list):
        return [_without_types(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value:
        return _without_types(value["items"])
    return {name: _without_types(item) for name, item in value.items()}
