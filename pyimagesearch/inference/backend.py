"""TODO."""

import functools
import importlib.util
import os
import sys
import types


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
    """Import Keras without the libraries that it loads and that are not needed, or not yet.

    They take as long again as all that prediction needs. Keras does without Matplotlib and
    scikit-learn where they cannot be imported, which ``None`` in `sys.modules` stands for ("The
    import system" in Python's language reference). SciPy loads its signal processing by itself when
    it is used, so until then an empty module will do.
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
