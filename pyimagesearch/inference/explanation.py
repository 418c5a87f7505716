"""What a network looks at: its last feature maps, and how each label depends on them.

After its last convolution, SmallerVGGNet has few layers. Their gradient is computed here from the
description of the network, so that TensorFlow is not imported.
"""

from collections.abc import Callable, Sequence

import numpy as np

from pyimagesearch.artifacts.model_file import read_model_file
from pyimagesearch.artifacts.network_description import LayerDescription, NetworkDescription
from pyimagesearch.artifacts.receptive_fields import Cells, padding
from pyimagesearch.errors import UserError
from pyimagesearch.files import AnyPath
from pyimagesearch.inference.network import load_first_layers

# The kinds of layers that are convolutions, of those that a network description may have.
CONVOLUTIONS = ("Conv2D",)

# From an image and positions of labels to feature maps, gradients and cells; see `load_explainer`.
Explain = Callable[[np.ndarray, Sequence[int]], tuple[np.ndarray, np.ndarray, Cells]]
# From the gradient with respect to a layer's output to that with respect to its input.
Backward = Callable[[np.ndarray], np.ndarray]


def load_explainer(path: AnyPath) -> Explain:
    """Load what explains the predictions of a network.

    Parameters
    ----------
    path : path
        As for :func:`pyimagesearch.artifacts.model_file.read_model_file`.

    Returns
    -------
    callable
        Takes one image, float32 in [0, 1] of shape (image_size, image_size, 3), and the positions
        of K labels among the network's outputs. Returns the feature maps of the last convolution,
        float32 of shape (height, width, channels), the gradient of each label's logit with respect
        to them, float32 of shape (K, height, width, channels), and where in the image their cells
        lie. It raises RuntimeError in a process that was forked after loading.

    Raises
    ------
    UserError
        If the file cannot be read, the network has no convolution or other layers than
        SmallerVGGNet, or Keras cannot compute with what ``KERAS_BACKEND`` names.
    """
    file = read_model_file(path)
    if not isinstance(file.network, NetworkDescription):
        raise UserError(
            f"what {path} looks at cannot be shown: it has layers that SmallerVGGNet does not have"
        )
    position = end_of_convolutions(file.network)
    if position == 0:
        raise UserError(f"what {path} looks at cannot be shown: it has no convolution")
    features_of = load_first_layers(file, position)
    last_layers, cells = file.network.layers[position:], cells_after(file.network, position)

    def explain(image: np.ndarray, labels: Sequence[int]) -> tuple[np.ndarray, np.ndarray, Cells]:
        features = features_of(image[None])[0]
        return features, logit_gradients(last_layers, features, labels), cells

    return explain


def cells_after(network: NetworkDescription, count: int) -> Cells:
    """Find where in an image the cells of feature maps lie.

    Parameters
    ----------
    network : NetworkDescription
        Any.
    count : int
        How many of its layers the feature maps come out of, none of which flattens them.

    Returns
    -------
    Cells
        Their places.

    Raises
    ------
    UserError
        If it is not known how a layer moves pixels.
    """
    cells = Cells()
    taken: tuple[int, ...] = network.input_shape[:2]
    for layer in network.layers[:count]:
        settings, returned = layer.settings, layer.output_shape[:2]
        if window := settings.get("kernel_size") or settings.get("pool_size"):
            strides = settings["strides"] or window
            cells = cells.after(window, strides, taken=taken, returned=returned)
        elif returned != taken:
            raise UserError(
                "what the network looks at cannot be shown: it is not known how its layer "
                f"{layer.kind} moves pixels"
            )
        taken = returned
    return cells


def end_of_convolutions(network: NetworkDescription) -> int:
    """Count the layers up to the last convolution, its activation included.

    Parameters
    ----------
    network : NetworkDescription
        Any.

    Returns
    -------
    int
        0 if there is no convolution.
    """
    kinds = [layer.kind for layer in network.layers]
    ends = [end for end, kind in enumerate(kinds, 1) if kind in CONVOLUTIONS]
    if not ends:
        return 0
    return ends[-1] + (kinds[ends[-1] : ends[-1] + 1] == ["Activation"])


def logit_gradients(
    layers: Sequence[LayerDescription], features: np.ndarray, labels: Sequence[int]
) -> np.ndarray:
    """Compute how the logits of labels depend on what goes into the last layers of a network.

    A logit is what the last activation turns into a probability. Where a probability is close to 0
    or 1, its own gradient vanishes.

    Parameters
    ----------
    layers : sequence of LayerDescription
        The last layers, of which none is a convolution.
    features : numpy.ndarray
        float32, shape (height, width, channels), for one image.
    labels : sequence of int
        Positions of K labels among the network's outputs.

    Returns
    -------
    numpy.ndarray
        float32, shape (K, height, width, channels): the gradient of each logit.

    Raises
    ------
    UserError
        If the gradient of a layer is not known.
    """
    *hidden, last = layers
    # The last activation belongs to a layer, or is one.
    last = last._replace(settings=last.settings | {"activation": "linear"})
    values, backwards = features, []
    for layer in (*hidden, last):
        values, backward = _forward(layer, values)
        backwards.append(backward)
    gradients = np.eye(len(values), dtype=np.float32)[list(labels)]
    for backward in reversed(backwards):
        gradients = backward(gradients)
    return gradients


def _forward(layer: LayerDescription, values: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return a layer's output for one image, and what takes K gradients back through it."""
    weights = layer.weights
    match layer.kind:
        case "Dense":
            outputs = values @ weights["kernel"] + weights.get("bias", np.float32(0))
            outputs, back = _activated(outputs, layer.settings["activation"])
            return outputs, lambda gradients: back(gradients) @ weights["kernel"].T
        case "Activation":
            return _activated(values, layer.settings["activation"])
        case "BatchNormalization":
            deviation = np.sqrt(weights["moving_variance"] + np.float32(layer.settings["epsilon"]))
            factor = weights.get("gamma", np.float32(1)) / deviation
            centred = values - weights["moving_mean"]
            outputs = centred * factor + weights.get("beta", np.float32(0))
            return outputs, lambda gradients: gradients * factor
        case "MaxPooling2D":
            return _max_pooled(values, layer)
        case "Flatten":
            return values.ravel(), lambda gradients: gradients.reshape(-1, *values.shape)
        case "Dropout":
            return values, lambda gradients: gradients
    raise UserError(
        f"what the network looks at cannot be shown: after its last convolution it has a layer "
        f"{layer.kind}, whose gradient is not known"
    )


def _activated(values: np.ndarray, activation: str) -> tuple[np.ndarray, Backward]:
    match activation:
        case "relu":
            return np.maximum(values, 0), lambda gradients: gradients * (values > 0)
        case "sigmoid":
            share = 1 / (1 + np.exp(-values))
            return share, lambda gradients: gradients * share * (1 - share)
        case "softmax":
            powers = np.exp(values - values.max(axis=-1, keepdims=True))
            share = powers / powers.sum(axis=-1, keepdims=True)
            return (
                share,
                lambda gradients: (
                    share * (gradients - (gradients * share).sum(axis=-1, keepdims=True))
                ),
            )
    return values, lambda gradients: gradients


def _max_pooled(values: np.ndarray, layer: LayerDescription) -> tuple[np.ndarray, Backward]:
    """Pool. A gradient goes back to the pixel that was the largest of its window."""
    window = layer.settings["pool_size"]
    strides = layer.settings["strides"] or window
    rows, columns = layer.output_shape[:2]
    pads = padding(window, strides, taken=values.shape[:2], returned=(rows, columns))
    padded = np.pad(values, [*pads, (0, 0)], constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, window, axis=(0, 1))
    windows = windows[:: strides[0], :: strides[1]].reshape(*layer.output_shape, -1)
    largest = windows.argmax(axis=3, keepdims=True)
    y, x = np.divmod(largest[..., 0], window[1])
    y += strides[0] * np.arange(rows)[:, None, None] - pads[0][0]
    x += strides[1] * np.arange(columns)[:, None] - pads[1][0]
    places = np.ravel_multi_index((y, x, np.arange(values.shape[2])), values.shape).ravel()

    def backward(gradients: np.ndarray) -> np.ndarray:
        spread = [np.bincount(places, gradient.ravel(), values.size) for gradient in gradients]
        return np.array(spread, np.float32).reshape(-1, *values.shape)

    return np.take_along_axis(windows, largest, axis=3)[..., 0], backward
