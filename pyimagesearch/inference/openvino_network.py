"""SmallerVGGNet as a graph for OpenVINO, built from its description without Keras.

Importing Keras takes longer than everything else that classifying an image needs. SmallerVGGNet has
few kinds of layers, and OpenVINO has an operation for each.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import openvino
from openvino import opset13 as ops

from pyimagesearch.artifacts.known_images import LEAST_VARIANCE, feature_counts_of_network
from pyimagesearch.artifacts.network_description import LayerDescription, NetworkDescription

# On processors with bfloat16, OpenVINO would compute with three significant digits.
FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}
PADDING = {"valid": "valid", "same": "same_upper"}


def build_graph(network: NetworkDescription, *, with_features: bool = False) -> openvino.Model:
    """Build the graph of a network.

    Parameters
    ----------
    network : NetworkDescription
        From :func:`pyimagesearch.artifacts.model_file.read_model_file`.
    with_features : bool
        Whether the graph also returns features, float32 of shape (N, F), as
        :func:`pyimagesearch.artifacts.known_images.with_features` makes Keras return them.

    Returns
    -------
    openvino.Model
        Takes float32 images of shape (N, height, width, channels) for any N, and returns float32
        of shape (N, L), or (N, height, width, channels) if the last layer returns images. It shares
        the memory of the description's weights.
    """
    images = ops.parameter([-1, *network.input_shape], np.float32)
    # OpenVINO convolves images whose channels come before their rows and columns.
    values = ops.transpose(images, [0, 3, 1, 2])
    shape: tuple[int, ...] = network.input_shape
    counts = feature_counts_of_network(network) if with_features else {}
    features: list[openvino.Node] = []
    for position, layer in enumerate(network.layers):
        is_image = len(shape) == 3
        if position in counts:
            features += _statistics(values, shape) if is_image else [values]
        values = _with_layer(values, layer, is_image=is_image)
        shape = layer.output_shape
    if len(shape) == 3:  # The network's last layers are left out.
        values = ops.transpose(values, [0, 2, 3, 1])
    outputs = [values, ops.concat(features, 1)] if features else [values]
    return openvino.Model(outputs, [images])


def compile_graph(
    graph: openvino.Model, *, device: str = "CPU", threads: int = 1
) -> Callable[[np.ndarray], Any]:
    """Compile a graph.

    Parameters
    ----------
    graph : openvino.Model
        From :func:`build_graph`.
    device : str
        OpenVINO's name of what it is compiled for, such as ``"CPU"``.
    threads : int
        How many threads are going to predict at the same time. They share the cores: several
        batches that use few cores each take less time than one after the other on all cores.

    Returns
    -------
    callable
        Takes float32 images of shape (N, height, width, channels) and returns the network's output,
        float32 of shape (N, L); together with the features if the graph has them.
    """
    hints: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
    if threads > 1:
        hints = {"PERFORMANCE_HINT": "THROUGHPUT", "PERFORMANCE_HINT_NUM_REQUESTS": threads}
    compiled = openvino.Core().compile_model(graph, device, FLOAT32 | hints)
    if len(graph.outputs) == 1:
        return lambda images: compiled.infer_new_request(images)[0]

    def predict_both(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        results = compiled.infer_new_request(images)
        return results[0], results[1]

    return predict_both


def let_keras_compute_in_float32() -> None:
    """Make Keras compile its models for OpenVINO in float32, too.

    Keras calls ``openvino.compile_model`` without settings, and OpenVINO reads none from the
    environment, so the defaults of this function are the only place for them.
    """
    openvino.compile_model = functools.partial(openvino.compile_model, config=FLOAT32)


def _with_layer(values: openvino.Node, layer: LayerDescription, *, is_image: bool) -> openvino.Node:
    """Add a layer to the graph.

    OpenVINO makes one operation of a convolution and the bias, activation and batch normalisation
    after it.
    """
    match layer.kind:
        case "Conv2D":
            return _activated(_convolution(values, layer), layer)
        case "Dense":
            return _activated(_dense(values, layer, is_image=is_image), layer)
        case "Activation":
            return _activated(values, layer)
        case "BatchNormalization":
            return _batch_normalization(values, layer)
        case "MaxPooling2D":
            return _max_pooling(values, layer)
        case "Flatten" if is_image:
            # Keras flattens channels last.
            return ops.reshape(ops.transpose(values, [0, 2, 3, 1]), [0, -1], special_zero=True)
        case "Flatten" | "Dropout":
            return values
    raise ValueError(f"a layer of the unknown kind {layer.kind}")


def _statistics(values: openvino.Node, shape: Sequence[int]) -> list[openvino.Node]:
    """Return the mean and the logarithm of the standard deviation of each channel."""
    mean = ops.reduce_mean(values, [2, 3], False)
    # This takes half as long as squaring all values first.
    norm = ops.reduce_l2(values, [2, 3], False)
    mean_of_squares = ops.multiply(ops.multiply(norm, norm), np.float32(1 / (shape[0] * shape[1])))
    variance = ops.subtract(mean_of_squares, ops.multiply(mean, mean))
    log = ops.log(ops.maximum(variance, np.float32(LEAST_VARIANCE)))
    return [mean, ops.multiply(log, np.float32(0.5))]


def _convolution(values: openvino.Node, layer: LayerDescription) -> openvino.Node:
    strides, padding = list(layer.settings["strides"]), PADDING[layer.settings["padding"]]
    # Keras stores height, width, inputs, outputs.
    kernel = np.ascontiguousarray(layer.weights["kernel"].transpose(3, 2, 0, 1))
    convolved = ops.convolution(values, kernel, strides, [0, 0], [0, 0], [1, 1], auto_pad=padding)
    return _with_bias(convolved, layer, (1, -1, 1, 1))


def _dense(values: openvino.Node, layer: LayerDescription, *, is_image: bool) -> openvino.Node:
    kernel = layer.weights["kernel"]
    if is_image:
        # Applied to each pixel, a dense layer is a convolution of 1 x 1 pixels.
        settings = {"strides": (1, 1), "padding": "valid"}
        weights = layer.weights | {"kernel": kernel[None, None]}
        return _convolution(values, layer._replace(settings=settings, weights=weights))
    # Most of the network's weights are in one such kernel, so it is copied only if OpenVINO refuses
    # to share it.
    shared = ops.constant(np.require(kernel, requirements=["WRITEABLE"]), shared_memory=True)
    return _with_bias(ops.matmul(values, shared, False, False), layer, (1, -1))


def _with_bias(
    values: openvino.Node, layer: LayerDescription, shape: tuple[int, ...]
) -> openvino.Node:
    bias = layer.weights.get("bias")
    return values if bias is None else ops.add(values, bias.reshape(shape))


def _activated(values: openvino.Node, layer: LayerDescription) -> openvino.Node:
    match layer.settings["activation"]:
        case "relu":
            return ops.relu(values)
        case "sigmoid":
            return ops.sigmoid(values)
        case "softmax":
            return ops.softmax(values, axis=1)  # over the channels, or the labels
    return values


def _batch_normalization(values: openvino.Node, layer: LayerDescription) -> openvino.Node:
    mean, variance = layer.weights["moving_mean"], layer.weights["moving_variance"]
    gamma = layer.weights.get("gamma", np.ones_like(mean))
    beta = layer.weights.get("beta", np.zeros_like(mean))
    epsilon = float(layer.settings["epsilon"])
    return ops.batch_norm_inference(values, gamma, beta, mean, variance, epsilon)


def _max_pooling(values: openvino.Node, layer: LayerDescription) -> openvino.Node:
    window, padding = list(layer.settings["pool_size"]), PADDING[layer.settings["padding"]]
    strides = list(layer.settings["strides"] or window)
    pooled = ops.max_pool(values, strides, [1, 1], [0, 0], [0, 0], window, auto_pad=padding)
    # Its other output says where the largest values were.
    return pooled.output(0)
