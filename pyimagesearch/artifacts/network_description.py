"""A network as plain values: its layers, their settings and weights, checked before it is built.

Whatever file a network comes from, its description is read as data, checked against the handful of
layers that SmallerVGGNet uses, and compared with the weights that the file stores. What passes asks
for no more memory than the file has numbers, and computes no more than a person would wait for.
"""

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pyimagesearch.artifacts.plain_json import JsonError, read_json

MAX_LAYERS = 1000
# Numbers in the output of one layer for one image: as many as SmallerVGGNet's first layer has for
# images of 512 x 512 pixels.
MAX_OUTPUT = 2**23
# Multiplications for one image. SmallerVGGNet needs a tenth of them at 512 x 512 pixels.
MAX_MULTIPLICATIONS = 2**35


class DescriptionError(ValueError):
    """A file is damaged, or describes no network that can be used; says why."""


class UnfamiliarNetworkError(DescriptionError):
    """A network is not made of SmallerVGGNet's layers; says what is different."""


class LayerDescription(NamedTuple):
    """One layer.

    Attributes
    ----------
    kind : str
        The name of its class in Keras, a key of ``SETTINGS``.
    settings : dict
        The settings that its output depends on, as Keras's constructor takes them.
    weights : dict of str to numpy.ndarray
        float32, finite, by name, in Keras's order; empty for a layer without weights.
    output_shape : tuple of int
        For one image.
    """

    kind: str
    settings: dict[str, Any]
    weights: dict[str, np.ndarray]
    output_shape: tuple[int, ...]


class NetworkDescription(NamedTuple):
    """A network that is a sequence of layers.

    Attributes
    ----------
    input_shape : (int, int, int)
        Height, width and channels of an image.
    layers : list of LayerDescription
        In order. The last one returns a number for each label.
    """

    input_shape: tuple[int, int, int]
    layers: list[LayerDescription]


StoredWeights = Callable[[Mapping[str, Any]], Sequence[np.ndarray]]


def describe_network(
    model_config: Any, stored_weights: StoredWeights, *, stored_bytes: int
) -> NetworkDescription:
    """Check Keras's description of a Sequential network, and add its weights.

    Parameters
    ----------
    model_config : object
        JSON values as ``model.to_json()`` of Keras 2 or 3 describes a model.
    stored_weights : callable
        Takes a layer's description and returns the arrays that the file stores for the layer, in
        Keras's order. It is called once for each layer, from first to last.
    stored_bytes : int
        Size of the file. No network may have more weights than that.

    Returns
    -------
    NetworkDescription
        Ready to be built.

    Raises
    ------
    UnfamiliarNetworkError
        If it has other layers than SmallerVGGNet, or such that compute something else.
    DescriptionError
        If it is damaged, or its weights are not those it describes.
    """
    configs = _layer_configs(model_config)
    input_shape = _input_shape(configs)
    shape: tuple[int, ...] = input_shape
    _check_cost(shape, multiplications=0)
    layers: list[LayerDescription] = []
    multiplications = weight_bytes = 0
    for position, config in enumerate(configs):
        if config["class_name"] == "InputLayer":
            continue
        title = f"layer {position + 1} ({config['class_name']})"
        settings = _settings(config, title, rank=len(shape))
        wanted = _weight_shapes(config["class_name"], settings, shape)
        arrays = stored_weights(config)
        weight_bytes += sum(array.nbytes for array in arrays)
        if weight_bytes > stored_bytes:
            raise DescriptionError("it describes more weights than it stores")
        weights = _checked_weights(arrays, wanted, title)
        shape = _output_shape(config["class_name"], settings, shape, title=title)
        multiplications += math.prod(wanted.get("kernel", (0,))) * math.prod(shape[:-1])
        _check_cost(shape, multiplications=multiplications)
        layers.append(LayerDescription(config["class_name"], settings, weights, shape))
    if len(shape) != 1:
        raise DescriptionError(
            f"its output has the shape {_quoted(shape)}, not one number for each label"
        )
    return NetworkDescription(input_shape, layers)


def read_config(text: str | bytes | bytearray) -> Any:
    """Read the JSON in which Keras describes a network."""
    try:
        return read_json(text)
    except JsonError as error:
        raise DescriptionError(f"its description {error}") from error


def _layer_configs(model_config: Any) -> list[Mapping[str, Any]]:
    kind = _part(model_config, "class_name", str)
    if kind != "Sequential":
        raise UnfamiliarNetworkError(f"its network is a {_quoted(kind)}, not Sequential")
    # Before Keras 2.2.3 the configuration was the list of layers itself.
    config = _part(model_config, "config", dict | list)
    configs = config if isinstance(config, list) else _part(config, "layers", list)
    if len(configs) > MAX_LAYERS:
        raise DescriptionError(f"it describes {len(configs):,} layers, more than {MAX_LAYERS:,}")
    for layer in configs:
        kind = _part(layer, "class_name", str)
        _part(layer, "config", dict)
        # Keras 3 names the module, and the name of a class that is not its own.
        is_keras = layer.get("module", "keras.layers") == "keras.layers"
        if not is_keras or layer.get("registered_name") or kind not in ("InputLayer", *SETTINGS):
            raise UnfamiliarNetworkError(
                f"it asks for a layer {_quoted(kind)}, which SmallerVGGNet does not have"
            )
    if not configs:
        raise DescriptionError("it describes no layers")
    return configs


def _part(values: Any, name: str, kind: Any) -> Any:
    """Return a part of a description that must have a certain type."""
    part = values.get(name) if isinstance(values, dict) else None
    if not isinstance(part, kind):
        raise DescriptionError(f"its description is damaged: {name} is {_quoted(part)}")
    return part


def _input_shape(configs: Sequence[Mapping[str, Any]]) -> tuple[int, int, int]:
    config = configs[0]["config"]
    # Keras 2, Keras 3
    shape = config.get("batch_input_shape", config.get("batch_shape"))
    if not (isinstance(shape, list) and len(shape) == 4 and all(map(_is_size, shape[1:]))):
        raise UnfamiliarNetworkError(f"its input has the shape {_quoted(shape)}, not an image's")
    height, width, channels = shape[1:]
    return height, width, channels


def _check_cost(shape: tuple[int, ...], *, multiplications: int) -> None:
    if math.prod(shape) > MAX_OUTPUT or multiplications > MAX_MULTIPLICATIONS:
        raise DescriptionError("it would take too much memory or time to classify an image")


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Setting(NamedTuple):
    """What a setting may be, and what it is where a description leaves it out."""

    may_be: Callable[[Any], bool]
    default: Any = None


def _is_one_of(*names: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in names


def _is_pair(value: Any) -> bool:
    return _is_size(value) or (
        isinstance(value, list) and len(value) == 2 and all(map(_is_size, value))
    )


_SIZE = _Setting(_is_size)
_PADDING = _Setting(_is_one_of("valid", "same"), "valid")
_ACTIVATION = _Setting(_is_one_of("relu", "sigmoid", "softmax", "linear"), "linear")
_TRUE_BY_DEFAULT = _Setting(lambda value: isinstance(value, bool), True)

# The settings that a layer's output depends on, when it is not being trained.
SETTINGS: dict[str, dict[str, _Setting]] = {
    "Conv2D": {
        "filters": _SIZE,
        "kernel_size": _Setting(_is_pair),
        "strides": _Setting(_is_pair, 1),
        "padding": _PADDING,
        "activation": _ACTIVATION,
        "use_bias": _TRUE_BY_DEFAULT,
    },
    "BatchNormalization": {
        "epsilon": _Setting(lambda value: _is_number(value) and 0 < value <= 1, 1e-3),
        "center": _TRUE_BY_DEFAULT,
        "scale": _TRUE_BY_DEFAULT,
    },
    "MaxPooling2D": {
        "pool_size": _Setting(_is_pair, 2),
        "strides": _Setting(lambda value: value is None or _is_pair(value)),
        "padding": _PADDING,
    },
    "Dropout": {"rate": _Setting(lambda value: _is_number(value) and 0 <= value < 1)},
    "Flatten": {},
    "Dense": {"units": _SIZE, "activation": _ACTIVATION, "use_bias": _TRUE_BY_DEFAULT},
    "Activation": {"activation": _ACTIVATION},
}
# Unless a setting has one of these values, a layer computes something other than SmallerVGGNet's.
FIXED: dict[str, tuple[Any, ...]] = {
    "data_format": ("channels_last", None),
    "dilation_rate": (1, [1, 1]),
    "groups": (1,),
    "renorm": (False,),
    "virtual_batch_size": (None,),
    "lora_rank": (None,),
    "quantization_config": (None,),
}
# Settings whose value is a name, and those whose value is a pair: for rows and for columns.
NAMES = ("activation", "padding")
PAIRS = ("kernel_size", "strides", "pool_size")


def _settings(layer: Mapping[str, Any], title: str, *, rank: int) -> dict[str, Any]:
    """Take out of a layer's configuration what its output depends on."""
    config = layer["config"]
    for name, usual in FIXED.items():
        if name in config and config[name] not in usual:
            raise UnfamiliarNetworkError(f"{title} has {name} {_quoted(config[name])}")
    if config.get("axis", -1) not in (-1, rank, [-1], [rank]):
        raise UnfamiliarNetworkError(f"{title} has axis {_quoted(config['axis'])}")
    settings = {}
    for name, setting in SETTINGS[layer["class_name"]].items():
        value = config.get(name, setting.default)
        if not setting.may_be(value):
            # Keras knows more names than SmallerVGGNet uses.
            error = UnfamiliarNetworkError if name in NAMES else DescriptionError
            raise error(f"{title} has {name} {_quoted(value)}")
        settings[name] = _as_pair(value) if name in PAIRS else value
    return settings


def _as_pair(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _weight_shapes(
    kind: str, settings: Mapping[str, Any], shape: tuple[int, ...]
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight that a layer has, in Keras's order."""
    channels = shape[-1]
    if kind == "BatchNormalization":
        names = {"gamma": settings["scale"], "beta": settings["center"]}
        present = [name for name, is_used in names.items() if is_used]
        return dict.fromkeys([*present, "moving_mean", "moving_variance"], (channels,))
    if kind not in ("Conv2D", "Dense"):
        return {}
    outputs = settings["filters" if kind == "Conv2D" else "units"]
    kernel = (*settings.get("kernel_size", ()), channels, outputs)
    return {"kernel": kernel, "bias": (outputs,)} if settings["use_bias"] else {"kernel": kernel}


def _checked_weights(
    arrays: Sequence[np.ndarray], wanted: Mapping[str, tuple[int, ...]], title: str
) -> dict[str, np.ndarray]:
    if len(arrays) != len(wanted):
        raise DescriptionError(f"{title} has {len(arrays)} weights, not {len(wanted)}")
    weights = {}
    for array, (name, shape) in zip(arrays, wanted.items(), strict=True):
        if array.dtype.kind != "f":
            raise UnfamiliarNetworkError(f"the {name} of {title} is not of floating-point numbers")
        if array.shape != shape:
            raise DescriptionError(
                f"the {name} of {title} has the shape {_quoted(array.shape)}, "
                f"but {_quoted(shape)} is described"
            )
        with np.errstate(over="ignore"):
            # A view if possible: copies would take as much memory again as the file.
            weights[name] = np.require(array, np.float32, ["ALIGNED"])
        if not np.isfinite(weights[name]).all():
            raise DescriptionError(f"the {name} of {title} is not finite")
    return weights


def _output_shape(
    kind: str, settings: Mapping[str, Any], shape: tuple[int, ...], *, title: str
) -> tuple[int, ...]:
    """Return the shape of a layer's output for one image."""
    if kind == "Flatten":
        return (math.prod(shape),)
    if kind == "Dense":
        return (*shape[:-1], settings["units"])
    if kind not in ("Conv2D", "MaxPooling2D"):
        return shape
    if len(shape) != 3:
        raise DescriptionError(f"{title} comes after the images have been flattened")
    window = settings.get("kernel_size", settings.get("pool_size"))
    strides = settings["strides"] or window
    pixels = []
    for size, width, stride in zip(shape[:2], window, strides, strict=True):
        positions = size if settings["padding"] == "same" else size - width + 1
        if positions < 1:
            raise DescriptionError(f"{title} needs larger images")
        pixels.append(-(-positions // stride))
    return (*pixels, settings.get("filters", shape[-1]))


def _quoted(value: Any) -> str:
    return reprlib.repr(value)
