"""Where the network runs."""

import functools
import importlib.util
import os
import sys
import types

from pyimagesearch.console import quiet_stderr


def prepare_training_device() -> str:
    """Set TensorFlow up for the device it is going to train on.

    Returns
    -------
    str
        What the device is, for people.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Whatever else Keras is set to compute with, it is TensorFlow that trains here.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # TensorFlow says at every start, whatever the log level, that it found no GPU.
    with quiet_stderr():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        # By default TensorFlow takes all of a card's memory, whatever it needs.
        tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        return f"CPU, {os.cpu_count()} cores"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")


def choose_inference_backend() -> str:
    """Choose what Keras predicts with; to be called before Keras is imported.

    OpenVINO starts in less than half the time of TensorFlow and takes less than half the memory.
    Whoever has set ``KERAS_BACKEND`` has chosen already.

    Returns
    -------
    str
        Name of the backend.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    fastest = "openvino" if importlib.util.find_spec("openvino") else "tensorflow"
    backend = os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or fastest
    if backend == "openvino":
        _compute_in_float32()
    return backend


def import_keras_lightly() -> None:
    """Import Keras without the libraries that it loads and prediction never uses.

    They take as long again as all that is needed. Of Matplotlib and scikit-learn Keras does without
    where they cannot be imported, which ``None`` in `sys.modules` stands for ("The import system"
    in Python's language reference). SciPy loads its signal processing by itself when it is used, so
    until then an empty module will do.
    """
    unneeded = {
        "matplotlib": None,
        "sklearn": None,
        "scipy.signal": types.ModuleType("scipy.signal"),
    }
    stand_ins = {name: module for name, module in unneeded.items() if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        import keras  # noqa: F401
    finally:
        for name in stand_ins:
            del sys.modules[name]


def _compute_in_float32() -> None:
    """Have OpenVINO compute as exactly as TensorFlow does.

    On processors that know bfloat16 it computes with three significant digits otherwise
    (``INFERENCE_PRECISION_HINT`` in OpenVINO's documentation of its CPU device), and Keras hands no
    settings on to it.
    """
    import openvino

    openvino.compile_model = functools.partial(
        openvino.compile_model, config={"INFERENCE_PRECISION_HINT": "f32"}
    )
