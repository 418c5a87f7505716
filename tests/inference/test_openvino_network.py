import platform

import keras
import numpy as np
import openvino
import pytest
from keras import layers

from pyimagesearch.artifacts.model_file import read_model_file, save_model
from pyimagesearch.artifacts.network_description import SETTINGS
from pyimagesearch.inference.openvino_network import (
    build_graph,
    compile_graph,
    let_keras_compute_in_float32,
)
from pyimagesearch.smallervggnet import SmallerVGGNet

pytestmark = pytest.mark.slow

IMAGES = np.random.default_rng(0).random((5, 24, 18, 3), np.float32)


def with_random_weights(model):
    """Replace the first weights, which make some layers return what they get."""
    random = np.random.default_rng(1)
    shapes = [weight.shape for weight in model.get_weights()]
    # Positive, as variances are, and so small that sums stay around 1.
    model.set_weights([random.uniform(0.5, 2, s) / max(1, np.prod(s[:-1])) for s in shapes])
    return model


def saved_and_compiled(model, path, **settings):
    save_model(path, model, {})
    return compile_graph(build_graph(read_model_file(path).network), **settings)


LAYERS = {
    "convolution": [layers.Conv2D(4, 3)],
    "convolution with other settings": [
        layers.Conv2D(4, (3, 2), strides=(2, 3), padding="same", activation="relu", use_bias=False)
    ],
    "unpadded convolution with strides": [layers.Conv2D(4, (2, 3), strides=2)],
    "batch normalisation of images": [layers.BatchNormalization()],
    "batch normalisation of numbers": [layers.Flatten(), layers.BatchNormalization(epsilon=0.1)],
    "batch normalisation without scale": [layers.BatchNormalization(scale=False)],
    "batch normalisation without centre": [layers.BatchNormalization(center=False)],
    "pooling": [layers.MaxPooling2D()],
    "overlapping pooling": [layers.MaxPooling2D((3, 2), strides=(2, 1))],
    "padded pooling": [layers.MaxPooling2D((5, 4), strides=3, padding="same")],
    "dropout": [layers.Dropout(0.5)],
    "flattening twice": [layers.Flatten(), layers.Flatten()],
    "dense layer of numbers": [layers.Flatten(), layers.Dense(5, activation="softmax")],
    "dense layer of pixels": [layers.Dense(5, activation="relu", use_bias=False)],
    "relu": [layers.Activation("relu")],
    "sigmoid": [layers.Activation("sigmoid")],
    "softmax": [layers.Activation("softmax")],
    "linear": [layers.Activation("linear")],
}


def test_each_kind_of_layer_is_compared_with_keras():
    assert {type(layer).__name__ for tested in LAYERS.values() for layer in tested} == set(SETTINGS)


@pytest.mark.parametrize("tested", LAYERS.values(), ids=LAYERS)
def test_each_kind_of_layer_computes_what_it_does_in_keras(tmp_path, tested):
    end = [layers.Flatten(), layers.Dense(3)]
    model = keras.Sequential([layers.Input(IMAGES.shape[1:]), *tested, *end])
    with_random_weights(model)
    predict = saved_and_compiled(model, tmp_path / "model")
    expected = model.predict_on_batch(IMAGES - 0.5)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(predict(IMAGES - 0.5), expected, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2, 100])
@pytest.mark.parametrize("final_activation", ["sigmoid", "softmax"])
def test_smallervggnet_predicts_what_it_does_in_keras(tmp_path, final_activation, threads):
    model = with_random_weights(SmallerVGGNet.build(18, 24, 3, 4, finalAct=final_activation))
    predict = saved_and_compiled(model, tmp_path / "model", threads=threads)
    for images in (IMAGES, IMAGES[:1], IMAGES[::-2]):
        probabilities = predict(images)
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, model.predict_on_batch(images), atol=1e-5)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="has other kernels")
def test_nothing_but_convolutions_dense_layers_and_pooling_is_computed(tmp_path):
    save_model(tmp_path / "model", SmallerVGGNet.build(24, 24, 3, 4, finalAct="sigmoid"), {})
    graph = build_graph(read_model_file(tmp_path / "model").network)
    compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    operations = compiled.get_runtime_model().get_ordered_ops()
    kinds = [operation.get_rt_info()["layerType"].value for operation in operations]
    moving = {"Input", "Const", "Transpose", "Reorder", "Reshape", "Output"}
    assert sorted(set(kinds) - moving) == ["Convolution", "FullyConnected", "Pooling"]
    assert (kinds.count("Convolution"), kinds.count("FullyConnected")) == (5, 2)


def test_keras_compiles_for_openvino_in_float32(monkeypatch):
    settings = []
    monkeypatch.setattr("openvino.compile_model", lambda *model, config: settings.append(config))
    let_keras_compute_in_float32()
    openvino.compile_model("model", "CPU")
    assert settings == [{"INFERENCE_PRECISION_HINT": "f32"}]
