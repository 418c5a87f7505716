"""The formats that networks are exported to: how each is written, and how its runtime predicts.

All exported networks take uint8 images, RGB, of shape (N, image_size, image_size, 3); LiteRT takes
one at a time. They return the probabilities of the labels, float32 of shape (N, L).
"""

import importlib.util
import json
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pyimagesearch.errors import UserError
from pyimagesearch.light_imports import let_openvino_report_nothing

if TYPE_CHECKING:
    import keras

LABELS_FILE = "labels.txt"
INPUT_NAME = "image"
# On processors with bfloat16, OpenVINO would compute with three significant digits.
OPENVINO_SETTINGS = {"INFERENCE_PRECISION_HINT": "f32"}


class Format(NamedTuple):
    """A format.

    Attributes
    ----------
    ending : str
        What stands in the exported file's name instead of the model's suffix.
    needs : tuple of str
        The modules, apart from TensorFlow, that writing and reading it import.
    write : callable
        Takes a network from :func:`taking_bytes`, a path and the labels.
    load : callable
        Takes a path, and returns what predicts: a function of uint8 RGB images.
    batch_size : int or None
        How many images it takes at a time; None for any number.
    beside : tuple of str
        The suffixes of files that are written beside the one at the path, such as weights.
    holds : str
        Where an export is a folder, the name of a file in it by which it is known; otherwise empty.
    """

    ending: str
    needs: tuple[str, ...]
    write: Callable[..., None]
    load: Callable[[Path], Callable[[np.ndarray], np.ndarray]]
    batch_size: int | None = None
    beside: tuple[str, ...] = ()
    holds: str = ""

    @property
    def is_folder(self) -> bool:
        """Whether an export is a folder."""
        return bool(self.holds)

    def files(self, path: Path) -> list[Path]:
        """List the files of an export: those beside `path`, then `path`; none if it is a folder."""
        return [] if self.is_folder else [*map(path.with_suffix, self.beside), path]


def taking_bytes(
    model: "keras.Model", batch_size: int | None = None, *, for_quantizing: bool = False
) -> "keras.Model":
    """Put in front of a network what turns a program's image into the network's input.

    Parameters
    ----------
    model : keras.Model
        Takes float32 images in [0, 1], BGR as OpenCV decodes them.
    batch_size : int, optional
        How many images the result takes at a time; by default any number.
    for_quantizing : bool
        Whether weights are going to have 8 bits; see :func:`_with_float_outputs`.

    Returns
    -------
    keras.Model
        Takes uint8 images, RGB, and returns float32. It predicts, so dropout is left out and batch
        normalisation fixed.
    """
    import keras

    images = keras.Input(model.input_shape[1:], batch_size, dtype="uint8", name=INPUT_NAME)
    bgr = keras.ops.take(images, [2, 1, 0], axis=-1)
    scaled = keras.layers.Rescaling(1 / 255)(bgr)
    if for_quantizing and isinstance(model, keras.Sequential):
        outputs = _with_float_outputs(model, scaled)
    else:
        outputs = model(scaled, training=False)
    # Somebody's own network may compute in another precision.
    if outputs.dtype != "float32":
        outputs = keras.ops.cast(outputs, "float32")
    return keras.Model(images, outputs)


def _with_float_outputs(model: "keras.Sequential", values: Any) -> Any:
    """Compute a network so that its last layer is not quantised.

    LiteRT gives the 8 bits to the greatest input of a layer. Batch normalisation before the last
    layer makes some features a hundred times as great as the others, which would all become 0.
    Products that are summed up are not quantised as a Dense layer is.
    """
    import keras

    last = next((layer for layer in reversed(model.layers) if layer.weights), None)
    for layer in model.layers:
        if layer is last and isinstance(layer, keras.layers.Dense):
            kernel, *bias = layer.get_weights()
            products = keras.ops.expand_dims(values, -1) * kernel
            values = layer.activation(sum(bias, start=keras.ops.sum(products, axis=-2)))
        else:
            values = layer(values, training=False)
    return values


def check_installed(names: Sequence[str]) -> None:
    """Make sure that what some formats need is installed.

    Raises
    ------
    UserError
        If a package is missing.
    """
    needed = [module for name in names for module in FORMATS[name].needs]
    missing = [module for module in dict.fromkeys(needed) if not importlib.util.find_spec(module)]
    if missing:
        raise UserError(
            f"exporting to {', '.join(names)} needs {', '.join(missing)}: "
            'pip install ".[export]" installs what all formats need'
        )


def _export(network: "keras.Model", path: Path, keras_name: str, **settings: Any) -> None:
    import keras

    signature = keras.layers.InputSpec(shape=network.input_shape, dtype="uint8", name=INPUT_NAME)
    network.export(
        str(path), format=keras_name, input_signature=[signature], verbose=False, **settings
    )


def _write_litert(
    network: "keras.Model", path: Path, labels: Sequence[str], *, quantize: bool = False
) -> None:
    import tensorflow as tf

    # Dynamic range quantisation: weights of 8 bits, activations as the runtime finds them.
    settings = {"optimizations": [tf.lite.Optimize.DEFAULT]} if quantize else {}
    _export(network, path, "litert", **settings)
    # LiteRT's way for files that belong to a model: a zip archive after its end.
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(LABELS_FILE, encoded_labels(labels))


def _load_litert(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    taken = interpreter.get_input_details()[0]["index"]
    returned = interpreter.get_output_details()[0]["index"]

    def predict_one(image: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(taken, image[None])
        interpreter.invoke()
        return interpreter.get_tensor(returned)

    return lambda images: np.concatenate([predict_one(image) for image in images])


def _write_onnx(network: "keras.Model", path: Path, labels: Sequence[str]) -> None:
    _export(network, path, "onnx")
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"labels": json.dumps(list(labels))})
    onnx.save(model, path)


def _load_onnx(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {session.get_inputs()[0].name: images})[0]


def _write_openvino(network: "keras.Model", path: Path, labels: Sequence[str]) -> None:
    let_openvino_report_nothing()
    from openvino import serialize
    from openvino.tools.ovc import convert_model

    # OpenVINO's Model API separates labels by spaces.
    words = ["_".join(label.split()) for label in labels]
    # Keras's own export hands the network over in memory, which OpenVINO 2026.4 cannot read with
    # Python 3.13: its get_environment_setup raises a NameError.
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        _export(network, Path(folder), "tf_saved_model")
        graph = convert_model(folder)
        graph.set_rt_info(" ".join(words), ["model_info", "labels"])
        # They name the folder, which is nobody else's business.
        del graph.rt_info["conversion_parameters"]
        serialize(graph, path)


def _load_openvino(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    let_openvino_report_nothing()
    import openvino

    compiled = openvino.Core().compile_model(path, "CPU", OPENVINO_SETTINGS)
    return lambda images: compiled(images)[0]


def _write_saved_model(network: "keras.Model", path: Path, labels: Sequence[str]) -> None:
    _export(network, path, "tf_saved_model")
    # TensorFlow leaves this folder to whoever makes the model.
    extra = path / "assets.extra"
    extra.mkdir()
    (extra / LABELS_FILE).write_bytes(encoded_labels(labels))


def _load_saved_model(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    import tensorflow as tf

    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    return lambda images: next(iter(serve(tf.constant(images)).values())).numpy()


def encoded_labels(labels: Sequence[str]) -> bytes:
    """Write labels in UTF-8, one a line, in the order of the outputs; the same on every system."""
    return "".join(f"{label}\n" for label in labels).encode()


# OpenVINO is the last: TensorFlow can crash in a process in which OpenVINO has predicted.
FORMATS = {
    "saved_model": Format(
        "_saved_model", (), _write_saved_model, _load_saved_model, holds="saved_model.pb"
    ),
    "litert": Format(".tflite", ("ai_edge_litert",), _write_litert, _load_litert, batch_size=1),
    "onnx": Format(".onnx", ("tf2onnx", "onnx", "onnxruntime"), _write_onnx, _load_onnx),
    "openvino": Format(".xml", ("openvino",), _write_openvino, _load_openvino, beside=(".bin",)),
}
