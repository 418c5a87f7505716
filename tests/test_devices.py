import importlib.util

import tensorflow as tf

from pyimagesearch import devices


def test_openvino_predicts_where_it_is_installed(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert devices.choose_inference_backend() == "openvino"


def test_tensorflow_predicts_where_openvino_is_not(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert devices.choose_inference_backend() == "tensorflow"


def test_a_backend_chosen_by_the_user_stays(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert devices.choose_inference_backend() == "jax"


def test_the_training_device_is_named():
    name = devices.prepare_training_device()
    assert name.startswith("CPU, ") or tf.config.list_physical_devices("GPU")
