import importlib.util
import os
import subprocess
import sys

import numpy as np
import openvino
import pytest
import tensorflow as tf

from pyimagesearch import devices


@pytest.fixture(autouse=True)
def backend_restored(monkeypatch):
    """Set before each test, and so put back after it, whatever the code under test sets."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr("openvino.compile_model", openvino.compile_model)


def test_openvino_predicts_where_it_is_installed(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND")
    assert devices.choose_inference_backend() == "openvino"


def test_openvino_computes_in_float32(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "openvino")
    devices.choose_inference_backend()
    operations, number = openvino.opset13, openvino.opset13.parameter([1], np.float32)
    model = openvino.Model([operations.result(operations.exp(number))], [number])
    compiled = openvino.compile_model(model, "CPU")
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32


def test_an_empty_choice_is_none(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert devices.choose_inference_backend() == "openvino"


def test_tensorflow_predicts_where_openvino_is_not(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert devices.choose_inference_backend() == "tensorflow"


def test_a_backend_chosen_by_the_user_stays():
    assert devices.choose_inference_backend() == "jax"


def test_the_training_device_is_named():
    name = devices.prepare_training_device()
    assert name.startswith("CPU, ") or tf.config.list_physical_devices("GPU")


def test_training_is_tensorflow_whatever_backend_is_chosen_for_prediction():
    devices.prepare_training_device()
    assert os.environ["KERAS_BACKEND"] == "tensorflow"


def test_keras_for_prediction_brings_along_nothing_that_prediction_does_not_use(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND")
    script = (
        "import sys\n"
        "from pyimagesearch import devices\n"
        "devices.choose_inference_backend()\n"
        "devices.import_keras_lightly()\n"
        "heavy = {'tensorflow', 'sklearn', 'matplotlib', 'scipy.signal'} & set(sys.modules)\n"
        "import keras, matplotlib.pyplot, scipy.signal, sklearn.metrics\n"
        "print(keras.backend.backend(), heavy, len(scipy.signal.get_window('hann', 4)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["openvino", "set()", "4"], done.stderr
