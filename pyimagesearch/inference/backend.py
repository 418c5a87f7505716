"""What predicts: OpenVINO or a backend of Keras, on the processor or on a GPU."""

import ctypes
import importlib.util
import os
from typing import Literal, NamedTuple, get_args

from pyimagesearch.errors import UserError
from pyimagesearch.light_imports import import_openvino_lightly
from pyimagesearch.streams import quiet_stderr

# Whether a GPU is used; see `choose_backend`.
Device = Literal["auto", "cpu", "gpu"]
DEVICES: tuple[Device, ...] = get_args(Device)

# A GPU takes seconds to get ready. In that time, a processor classifies as many images as this.
MANY_IMAGES = 500


class Backend(NamedTuple):
    """What predicts.

    Attributes
    ----------
    name : str
        As Keras names it: ``"openvino"``, ``"tensorflow"`` or another that the user has chosen.
    device : str
        As OpenVINO names it: ``"CPU"``, ``"GPU"``, or ``"AUTO:GPU,CPU"`` for a GPU whose work the
        processor does until it is ready, and after it has failed.
    """

    name: str
    device: str


def choose_backend(
    device: Device = "auto", *, images: int = 1, only_keras: bool = False
) -> Backend:
    """Choose what predicts.

    OpenVINO starts in a fraction of TensorFlow's time. TensorFlow predicts where OpenVINO is not
    installed, and on GPUs that OpenVINO does not know. ``KERAS_BACKEND`` overrides the choice.

    Parameters
    ----------
    device : {"auto", "cpu", "gpu"}
        Whether a GPU is used. ``"auto"``: if there is one, for ``MANY_IMAGES`` or more; ``"cpu"``:
        never; ``"gpu"``: always.
    images : int
        How many images there are.
    only_keras : bool
        Whether only Keras can build the network. Keras uses no GPU with OpenVINO.

    Returns
    -------
    Backend
        The choice.

    Raises
    ------
    UserError
        If there is no GPU where one is wanted.
    ValueError
        If `device` is none of the three.
    """
    if device not in DEVICES:
        raise ValueError(f"device is {device!r}, but must be one of {', '.join(DEVICES)}")
    chosen = os.environ.get("KERAS_BACKEND")
    usual = "openvino" if importlib.util.find_spec("openvino") else "tensorflow"
    backend = Backend(chosen or usual, "CPU")
    if device == "gpu" or (device == "auto" and images >= MANY_IMAGES):
        names = [chosen] if chosen else [usual, "tensorflow"]
        usable = [name for name in names if not (only_keras and name == "openvino")]
        name = next(filter(has_gpu, usable), None)
        if name is not None:
            backend = Backend(name, "GPU" if device == "gpu" else "AUTO:GPU,CPU")
        elif device == "gpu":
            known_by = " or ".join(names)
            raise UserError(f"there is no GPU that {known_by} can use: try --device cpu")
    return backend


def prepare_keras(backend: Backend) -> None:
    """Set the environment variables that Keras and its backend read when they are imported.

    They stay set for all that the process does later, so call this only if Keras is to predict:
    ``KERAS_BACKEND``, ``CUDA_VISIBLE_DEVICES`` if no GPU is used, and, unless they were set before,
    ``TF_CPP_MIN_LOG_LEVEL`` and ``TF_FORCE_GPU_ALLOW_GROWTH``. Processes that this one starts
    inherit them.

    Parameters
    ----------
    backend : Backend
        The choice.
    """
    os.environ["KERAS_BACKEND"] = backend.name
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow would take all of a GPU's memory.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    if backend.device == "CPU":
        # What the libraries that know NVIDIA's GPUs read when they start.
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def has_gpu(backend: str) -> bool:
    """Tell whether there is a GPU that a backend can predict on.

    Parameters
    ----------
    backend : str
        As Keras names it.

    Returns
    -------
    bool
        For any backend but OpenVINO, only GPUs of NVIDIA count.
    """
    if backend == "openvino":
        import_openvino_lightly()
        import openvino

        return any(name.startswith("GPU") for name in openvino.Core().available_devices)
    if not _has_nvidia_driver():
        return False
    if backend != "tensorflow":
        return True
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_stderr():
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))


def _has_nvidia_driver() -> bool:
    """Tell without importing TensorFlow, which takes seconds, whether it may find a GPU."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True
