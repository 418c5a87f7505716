import keras
import numpy as np
import pytest

from pyimagesearch.smallervggnet import SmallerVGGNet


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def described(layer):
    name = type(layer).__name__
    config = layer.get_config()
    if name == "Conv2D":
        return name, config["filters"], config["kernel_size"], config["padding"]
    if name == "MaxPooling2D":
        return name, config["pool_size"]
    if name == "Dropout":
        return name, config["rate"]
    if name == "Dense":
        return name, config["units"]
    if name == "Activation":
        return name, config["activation"]
    return (name,)


def convolution(filters):
    return [
        ("Conv2D", filters, (3, 3), "same"),
        ("Activation", "relu"),
        ("BatchNormalization",),
    ]


def test_the_layers_are_those_of_the_tutorial():
    model = SmallerVGGNet.build(width=96, height=96, depth=3, classes=6, finalAct="sigmoid")
    assert [described(layer) for layer in model.layers] == [
        *convolution(32),
        ("MaxPooling2D", (3, 3)),
        ("Dropout", 0.25),
        *convolution(64),
        *convolution(64),
        ("MaxPooling2D", (2, 2)),
        ("Dropout", 0.25),
        *convolution(128),
        *convolution(128),
        ("MaxPooling2D", (2, 2)),
        ("Dropout", 0.25),
        ("Flatten",),
        ("Dense", 1024),
        ("Activation", "relu"),
        ("BatchNormalization",),
        ("Dropout", 0.5),
        ("Dense", 6),
        ("Activation", "sigmoid"),
    ]


def test_every_layer_has_as_many_parameters_as_in_the_tutorial():
    model = SmallerVGGNet.build(96, 96, 3, 6)
    with_parameters = [layer.count_params() for layer in model.layers if layer.weights]
    convolutions = [896, 128, 18_496, 256, 36_928, 256, 73_856, 512, 147_584, 512]
    assert with_parameters == [*convolutions, 8_389_632, 4_096, 6_150]
    assert model.count_params() == 8_679_302


def test_the_output_is_softmax_by_default():
    model = SmallerVGGNet.build(24, 36, 1, 4)
    probabilities = model.predict(np.random.default_rng(0).random((2, 36, 24, 1)), verbose=0)
    assert probabilities.shape == (2, 4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_network_is_not_compiled():
    assert not SmallerVGGNet.build(24, 24, 3, 2).compiled


@pytest.mark.usefixtures("channels_first")
def test_channels_are_normalised_where_they_come_first():
    model = SmallerVGGNet.build(width=96, height=48, depth=3, classes=6)
    assert model.input_shape == (None, 3, 48, 96)
    *of_images, of_features = [
        layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert [layer.gamma.shape[0] for layer in of_images] == [32, 64, 64, 128, 128]
    assert of_features.gamma.shape == (1024,)


def test_all_layers_are_plain_keras_layers():
    model = SmallerVGGNet.build(24, 24, 3, 2)
    assert {type(layer).__module__.split(".")[0] for layer in model.layers} == {"keras"}
