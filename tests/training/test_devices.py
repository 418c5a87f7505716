import importlib.util
import os
import subprocess
import sys

import numpy as np
import openvino
import pytest
import tensorflow as tf

from pyimagesearch.errors import UserError
from pyimagesearch.inference import backend
from pyimagesearch.training import devices


@pytest.fixture(autouse=True)
def backend_restored(monkeypatch):
    """Set before each test, and so put back after it, whatever the code under test sets."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr("openvino.compile_model", openvino.compile_model)


def test_openvino_predicts_where_it_is_installed(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND")
    assert backend.choose_inference_backend() == "openvino"


def test_openvino_computes_in_float32(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "openvino")
    backend.choose_inference_backend()
    operations, number = openvino.opset13, openvino.opset13.parameter([1], np.float32)
    model = openvino.Model([operations.result(operations.exp(number))], [number])
    compiled = openvino.compile_model(model, "CPU")
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32


def test_an_empty_choice_is_none(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert backend.choose_inference_backend() == "openvino"


def test_tensorflow_predicts_where_openvino_is_not(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert backend.choose_inference_backend() == "tensorflow"


def test_a_backend_chosen_by_the_user_stays():
    assert backend.choose_inference_backend() == "jax"


def test_the_training_device_is_named():
    device = devices.prepare_training_device()
    assert device.name.startswith("CPU, ") or tf.config.list_physical_devices("GPU")
    assert device.is_chief
    assert device.strategy.num_replicas_in_sync >= 1


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_one_line():
    with pytest.raises(UserError, match=r"no GPU.*--device cpu"):
        devices.prepare_training_device("gpu")


@pytest.mark.parametrize(
    ("tf_config", "complaint"),
    [
        ("{", "not right.*looks like"),
        ("[]", "not right"),
        ('{"cluster": {"worker": ["a:1", "b:2"]}}', "not right"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "not right"),
        (
            '{"cluster": {"ps": ["a:1"], "worker": ["b:1"]}, "task": {"type": "ps", "index": 0}}',
            "workers, and nothing else",
        ),
    ],
)
def test_a_wrong_tf_config_is_one_line(monkeypatch, tf_config, complaint):
    monkeypatch.setenv("TF_CONFIG", tf_config)
    with pytest.raises(UserError, match=complaint) as caught:
        devices.prepare_training_device()
    assert "\n" not in str(caught.value)


def test_one_worker_alone_needs_no_other(monkeypatch):
    alone = '{"cluster": {"worker": ["127.0.0.1:1"]}, "task": {"type": "worker", "index": 0}}'
    monkeypatch.setenv("TF_CONFIG", alone)
    assert devices.prepare_training_device().is_chief


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
