"""Load a trained network so that it predicts, with Keras only if it must."""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pyimagesearch.artifacts.known_images import (
    feature_counts_of_model,
    feature_counts_of_network,
    with_features,
)
from pyimagesearch.artifacts.model_file import (
    ModelFile,
    Predict,
    TrainedModel,
    build_model,
    read_model_file,
    trained_model,
)
from pyimagesearch.artifacts.network_description import NetworkDescription
from pyimagesearch.errors import UserError, first_line
from pyimagesearch.files import AnyPath
from pyimagesearch.inference.backend import Backend, Device, choose_backend, prepare_keras
from pyimagesearch.light_imports import import_keras_lightly, import_openvino_lightly
from pyimagesearch.streams import quiet_stderr

if TYPE_CHECKING:
    import keras

# A probability that was computed in half precision may be larger than 1 by this much.
ROUNDING = 1e-3


def load_network(path: AnyPath, device: Device = "auto", *, images: int = 1) -> TrainedModel:
    """Load a network for a number of images.

    A network of SmallerVGGNet's layers predicts with OpenVINO, without Keras. Keras builds others,
    and predicts where OpenVINO is not installed or the user has chosen another backend. Then
    environment variables are set, as :func:`pyimagesearch.inference.backend.prepare_keras` says.

    Parameters
    ----------
    path : path
        As for :func:`pyimagesearch.artifacts.model_file.read_model_file`.
    device : {"auto", "cpu", "gpu"}
        As for :func:`pyimagesearch.inference.backend.choose_backend`.
    images : int
        How many it is going to predict for.

    Returns
    -------
    TrainedModel
        Ready to predict.

    Raises
    ------
    UserError
        If the file cannot be read, it is not a network that labels images, there is no GPU where
        one is wanted, or Keras cannot predict with what ``KERAS_BACKEND`` names. Predicting raises
        it if the outputs are no probabilities, and ValueError for other images than
        :class:`pyimagesearch.artifacts.model_file.TrainedModel` says.
    ValueError
        If `device` is none of the three.
    RuntimeError
        Predicting raises it in a process that was forked after the network was loaded.
    """
    file = read_model_file(path)
    is_described = isinstance(file.network, NetworkDescription)
    backend = choose_backend(device, images=images, only_keras=not is_described)
    if isinstance(file.network, NetworkDescription) and backend.name == "openvino":
        height, width, channels = file.network.input_shape
        threads = min(images, os.cpu_count() or 1)
        counts = feature_counts_of_network(file.network) if file.known is not None else {}
        predict = _with_openvino(
            file.network, backend.device, threads=threads, with_features=bool(counts)
        )
        input_shape: Any = (None, height, width, channels)
        output_shape: Any = (None, *file.network.layers[-1].output_shape)
    else:
        model = _built_by_keras(file, backend)
        input_shape, output_shape = model.input_shape, model.output_shape
        counts = feature_counts_of_model(model) if file.known is not None else {}
        predict = _with_keras(with_features(model) if counts else model)
    features = sum(counts.values())
    trained = trained_model(
        file,
        predict,
        input_shape=input_shape,
        output_shape=output_shape,
        predict_both=predict if counts else None,
        features=features,
    )
    checked = _checked(file.path, predict, trained, features=features)
    checked = _refusing_forks(file.path, checked)
    if not counts:
        return trained._replace(predict=checked)
    return trained._replace(predict=lambda images: checked(images)[0], predict_both=checked)


def load_first_layers(file: ModelFile, count: int) -> Predict:
    """Load some of a network's layers, to compute on the processor what comes out of them.

    Parameters
    ----------
    file : ModelFile
        Holds a network of SmallerVGGNet's layers.
    count : int
        How many layers from the first on.

    Returns
    -------
    callable
        Takes float32 images in [0, 1], shape (N, image_size, image_size, 3), and returns the output
        of the last of these layers as Keras has it, float32. It raises RuntimeError in a process
        that was forked after they were loaded.

    Raises
    ------
    UserError
        If Keras cannot predict with what ``KERAS_BACKEND`` names.
    """
    assert isinstance(file.network, NetworkDescription)
    network = file.network._replace(layers=file.network.layers[:count])
    backend = choose_backend("cpu")
    if backend.name == "openvino":
        predict = _with_openvino(network, backend.device, threads=1)
    else:
        predict = _with_keras(_built_by_keras(file._replace(network=network), backend))
    return _refusing_forks(file.path, predict)


def _with_openvino(
    network: NetworkDescription, device: str, *, threads: int, with_features: bool = False
) -> Callable[[np.ndarray], Any]:
    import_openvino_lightly()
    from pyimagesearch.inference.openvino_network import build_graph, compile_graph

    graph = build_graph(network, with_features=with_features)
    return compile_graph(graph, device=device, threads=threads)


def _built_by_keras(file: ModelFile, backend: Backend) -> "keras.Model":
    if backend.name == "openvino":
        import_openvino_lightly()
        from pyimagesearch.inference.openvino_network import let_keras_compute_in_float32

        let_keras_compute_in_float32()
    prepare_keras(backend)
    try:
        # TensorFlow says at every start, whatever the log level, that it found no GPU.
        with quiet_stderr():
            import_keras_lightly()
    except (ModuleNotFoundError, ValueError) as error:
        if backend.name in ("openvino", "tensorflow"):  # They come with the requirements.
            raise
        raise UserError(
            f"Keras cannot predict with {backend.name}, which KERAS_BACKEND names "
            f"({first_line(error)}): install it, or unset the variable"
        ) from error
    return build_model(file)


def _returning_float32(model: "keras.Model") -> "keras.Model":
    """Convert what a network of another precision returns.

    NumPy knows no bfloat16, and OpenVINO hands its bits over as if they were float16.
    """
    import keras

    if all(output.dtype == "float32" for output in model.outputs):
        return model
    outputs = [keras.ops.cast(output, "float32") for output in model.outputs]
    # Keras warns of images where a list of them is expected.
    inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0])


def _refusing_forks(
    path: AnyPath, predict: Callable[[np.ndarray], Any]
) -> Callable[[np.ndarray], Any]:
    """Refuse to predict in a forked process.

    OpenVINO and TensorFlow would wait for ever for threads that only its parent has.
    """
    process = os.getpid()

    def predict_here(images: np.ndarray) -> Any:
        if os.getpid() != process:
            raise RuntimeError(
                f"the model {path} predicts only in the process that loaded it: "
                "load it again in each worker process, for instance in the initializer of a pool"
            )
        return predict(images)

    return predict_here


def _checked(
    path: AnyPath, predict: Callable[[np.ndarray], Any], trained: TrainedModel, *, features: int
) -> Callable[[np.ndarray], Any]:
    """Refuse images that a network does not take, and what it returns if they are no probabilities.

    OpenVINO fails for an empty batch, and afterwards for batches that it took before.
    """
    taken = (trained.image_size, trained.image_size, 3)
    none: Any = np.empty((0, trained.outputs), np.float32)
    if features:
        none = none, np.empty((0, features), np.float32)

    def checked(images: np.ndarray) -> Any:
        if images.dtype != np.float32 or images.shape[1:] != taken:
            raise ValueError(
                f"images must be float32 in [0, 1] of shape (N, {', '.join(map(str, taken))}), "
                f"not {images.dtype} of shape {images.shape}"
            )
        if not len(images):
            return none
        result = predict(images)
        probabilities = result[0] if isinstance(result, tuple) else result
        # False for NaN, too.
        is_right = abs(probabilities - 0.5) <= 0.5 + ROUNDING
        if not is_right.all():
            raise UserError(
                f"the model {path} cannot be used: it returns {probabilities[~is_right][0]:.3g} "
                "instead of a probability from 0 to 1"
            )
        return result

    return checked


def _with_keras(model: "keras.Model") -> Callable[[np.ndarray], Any]:
    model = _returning_float32(model)
    # Keras predicts on all cores, for one thread at a time.
    lock = threading.Lock()

    def predict(images: np.ndarray) -> Any:
        with lock:
            outputs = model.predict_on_batch(images)
        return tuple(map(np.asarray, outputs)) if len(model.outputs) > 1 else np.asarray(outputs)

    return predict
