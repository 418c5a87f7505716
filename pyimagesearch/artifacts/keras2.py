"""Models that the tutorial's readers saved with Keras 2, rebuilt for Keras 3.

Nothing of such a file is run or deserialised. The description of its layers is read as data and
checked against the handful of layers that SmallerVGGNet uses; the network is built anew from
plain Keras layers, and the stored weights, which are numbers and nothing else, are put into it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import layers

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"

ACTIVATIONS = ("relu", "sigmoid", "softmax", "linear")
# The settings that decide over a layer's answer; all others are for training only.
SETTINGS = {
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "activation", "use_bias"),
    "BatchNormalization": ("epsilon", "center", "scale"),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "Dropout": ("rate",),
    "Flatten": (),
    "Dense": ("units", "activation", "use_bias"),
    "Activation": ("activation",),
}
WEIGHTS = {
    "Conv2D": ("kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "Dense": ("kernel", "bias"),
}

Description = Mapping[str, Any]


class LegacyModelError(ValueError):
    """A file is damaged, or its network is not one that this project rebuilds; says why."""


def load_hdf5(path: Path) -> keras.Sequential:
    """Load a network from the HDF5 file that Keras 2's ``model.save`` wrote.

    Parameters
    ----------
    path : pathlib.Path
        For example the tutorial's ``fashion.model``.

    Returns
    -------
    keras.Sequential
        The same answers as the network that was saved.

    Raises
    ------
    LegacyModelError
        If the file holds anything else.
    OSError
        If it is damaged.
    """
    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs or "model_weights" not in file:
            raise LegacyModelError("it holds weights without the network they belong to")
        descriptions = _layer_descriptions(json.loads(file.attrs["model_config"]))

        def stored_weights(position: int, description: Description) -> list[np.ndarray]:
            group = _child(file["model_weights"], description["config"]["name"], h5py.Group)
            names = [_text(name) for name in group.attrs.get("weight_names", [])]
            arrays = [_child(group, name, h5py.Dataset) for name in names]
            if any(array.nbytes > path.stat().st_size for array in arrays):
                raise LegacyModelError("it claims weights larger than itself")
            return [array[()] for array in arrays]

        return _rebuilt(descriptions, stored_weights)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _child(group: h5py.Group, name: str, kind: type) -> Any:
    """Take an object out of an HDF5 group, but nothing that the file keeps in other files."""
    for part in name.split("/"):
        if not isinstance(group, h5py.Group) or part not in group:
            raise LegacyModelError(f"{name} is missing")
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise LegacyModelError(f"{name} is a link to elsewhere")
        group = group[part]
    if not isinstance(group, kind):
        raise LegacyModelError(f"{name} is not what it should be")
    if kind is h5py.Dataset and (group.external or group.is_virtual):
        raise LegacyModelError(f"{name} is stored in another file")
    return group


def load_saved_model(folder: Path) -> keras.Sequential:
    """Load a network from the folder that TensorFlow 2's ``model.save`` wrote.

    Its graph, which could do anything that TensorFlow can, is not loaded; TensorFlow only reads
    the weights.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``saved_model.pb``.

    Returns
    -------
    keras.Sequential
        The same answers as the network that was saved.

    Raises
    ------
    LegacyModelError
        If the folder holds anything else than a Sequential network that Keras saved.
    """
    import tensorflow as tf

    descriptions = _layer_descriptions(_saved_model_config(folder))
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    stored = reader.get_variable_to_shape_map()
    with_weights = [
        position
        for position, description in enumerate(descriptions)
        if description["class_name"] in WEIGHTS
    ]

    def stored_weights(position: int, description: Description) -> list[np.ndarray]:
        if position not in with_weights:
            return []
        prefix = f"layer_with_weights-{with_weights.index(position)}"
        names = [
            f"{prefix}/{name}/.ATTRIBUTES/VARIABLE_VALUE"
            for name in WEIGHTS[description["class_name"]]
        ]
        return [reader.get_tensor(name) for name in names if name in stored]

    return _rebuilt(descriptions, stored_weights)


def _saved_model_config(folder: Path) -> Description:
    """Read the description that Keras left beside the graph, or, before TensorFlow 2.5, in it."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
    from tensorflow.python.keras.protobuf.saved_metadata_pb2 import SavedMetadata

    try:
        if (folder / "keras_metadata.pb").is_file():
            message = SavedMetadata.FromString((folder / "keras_metadata.pb").read_bytes())
            found = [(node.identifier, node.metadata) for node in message.nodes]
        else:
            message = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
            nodes = message.meta_graphs[0].object_graph_def.nodes
            found = [(node.user_object.identifier, node.user_object.metadata) for node in nodes]
    except (DecodeError, IndexError) as error:
        raise LegacyModelError("its description is damaged") from error
    for identifier, metadata in found:
        if identifier == "_tf_keras_sequential" and metadata:
            return json.loads(metadata, object_hook=_as_list)
    raise LegacyModelError("it holds no Sequential network that Keras saved")


def _as_list(value: dict[str, Any]) -> Any:
    """Undo how TensorFlow writes tuples and shapes."""
    return value["items"] if value.get("class_name") in ("__tuple__", "TensorShape") else value


def _layer_descriptions(model: Description) -> list[Description]:
    if model.get("class_name") != "Sequential":
        raise LegacyModelError(f"its network is a {model.get('class_name')}, not Sequential")
    # Before Keras 2.2.3 the configuration was the list of layers itself.
    config = model["config"]
    descriptions = config if isinstance(config, list) else config["layers"]
    for description in descriptions:
        kind = description["class_name"]
        if kind != "InputLayer" and kind not in SETTINGS:
            raise LegacyModelError(f"it asks for a layer {kind}, which SmallerVGGNet does not have")
        activation = description["config"].get("activation", "linear")
        if activation not in ACTIVATIONS:
            raise LegacyModelError(f"it asks for an activation {activation}")
        if description["config"].get("data_format", "channels_last") != "channels_last":
            raise LegacyModelError("its images have their channels first")
    return descriptions


def _rebuilt(
    descriptions: Sequence[Description],
    stored_weights: Callable[[int, Description], list[np.ndarray]],
) -> keras.Sequential:
    shape = descriptions[0]["config"].get("batch_input_shape")
    if not (isinstance(shape, list) and len(shape) == 4 and all(map(_is_size, shape[1:]))):
        raise LegacyModelError(f"its input has the shape {shape}, which is no image's")
    network = keras.Sequential([layers.Input(shape[1:])])
    for position, description in enumerate(descriptions):
        kind, config = description["class_name"], description["config"]
        if kind == "InputLayer":
            continue
        weights = stored_weights(position, description)
        # A description that claims more weights than are stored would be built before it is found
        # out, so its outputs are compared with them first.
        claimed = config.get("filters", config.get("units"))
        if claimed is not None and (not weights or weights[0].shape[-1] != claimed):
            raise LegacyModelError(f"the weights of its {kind} are not those it describes")
        settings = {name: config[name] for name in SETTINGS[kind] if name in config}
        layer = getattr(layers, kind)(**settings)
        network.add(layer)
        layer.set_weights(weights)
    return network


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and 0 < value <= 4096
