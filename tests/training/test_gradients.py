import keras
import numpy as np
import pytest
from keras import layers

from pyimagesearch.artifacts.model_file import read_model_file, save_model
from pyimagesearch.artifacts.network_description import SETTINGS
from pyimagesearch.inference import explanation
from pyimagesearch.inference.explanation import cells_after, end_of_convolutions, logit_gradients
from pyimagesearch.smallervggnet import SmallerVGGNet
from pyimagesearch.training import gradients as with_tensorflow
from pyimagesearch.training.gradients import feature_gradients

pytestmark = pytest.mark.slow

IMAGES = np.random.default_rng(0).random((3, 24, 36, 3), np.float32)
LABELS = np.array([2, 0, 3])


def with_random_weights(model):
    """Replace the first weights, which make some layers return what they get."""
    random = np.random.default_rng(1)
    model.set_weights(
        [
            # Of either sign, but for variances; so small that sums stay around 1.
            random.uniform(0.5 if "variance" in weight.name else -1, 1, weight.shape)
            / np.sqrt(max(1, np.prod(weight.shape[:-1])))
            for weight in model.weights
        ]
    )
    return model


def network(*end):
    start = [layers.Input(IMAGES.shape[1:]), layers.Conv2D(5, 3, padding="same")]
    return with_random_weights(keras.Sequential([*start, *end]))


def test_the_gradient_is_that_of_the_labels_own_logit():
    model = network(layers.Activation("relu"), layers.Flatten(), layers.Dense(4))
    model.add(layers.Activation("sigmoid"))
    features, gradients, cells = feature_gradients(model, IMAGES, LABELS)
    assert features.shape == gradients.shape == (3, 24, 36, 5)
    assert cells == ((0, 0), (1, 1))
    assert features.min() == 0
    kernel, bias = model.layers[-2].get_weights()
    np.testing.assert_allclose(gradients.reshape(3, -1), kernel[:, LABELS].T, rtol=1e-6)
    logits = features.reshape(3, -1) @ kernel + bias
    expected = model.predict_on_batch(IMAGES)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), expected, atol=1e-5)


def test_layers_behave_as_they_do_when_they_predict():
    end = [layers.Flatten(), layers.Dense(4), layers.Activation("sigmoid")]
    plain = network(*end)
    also = network(layers.BatchNormalization(), layers.Dropout(0.5), *end)
    also.layers[1].set_weights([np.full(5, value) for value in (2, 0, 0, 1 - 1e-3)])
    for layer, other in zip(also.layers[3:], plain.layers[1:], strict=True):
        layer.set_weights(other.get_weights())
    twice = feature_gradients(also, IMAGES, LABELS)[1]
    np.testing.assert_allclose(twice, 2 * feature_gradients(plain, IMAGES, LABELS)[1], rtol=1e-5)


def test_a_network_without_convolution_has_no_feature_maps():
    model = keras.Sequential([layers.Input(IMAGES.shape[1:]), layers.Flatten(), layers.Dense(4)])
    model.add(layers.Activation("sigmoid"))
    assert feature_gradients(model, IMAGES, LABELS) is None


def dense_end(*inner):
    return [*inner, layers.Flatten(), layers.Dense(4), layers.Activation("sigmoid")]


ENDS = {
    "activation within the layer": [layers.Flatten(), layers.Dense(4, activation="softmax")],
    "batch normalisation": dense_end(layers.BatchNormalization(scale=False, epsilon=0.1)),
    "dropout": dense_end(layers.Dropout(0.5)),
    "pooling": dense_end(layers.MaxPooling2D()),
    "overlapping pooling": dense_end(layers.MaxPooling2D((3, 2), strides=(2, 1))),
    "padded pooling": dense_end(layers.MaxPooling2D((5, 4), strides=3, padding="same")),
    "dense layer of pixels": dense_end(layers.Dense(7, activation="sigmoid", use_bias=False)),
    "softmax of pixels": dense_end(layers.Activation("softmax")),
    "dense layers": [layers.Flatten(), layers.Dense(8, activation="relu"), *dense_end()[1:]],
}


def test_the_gradient_of_each_kind_of_layer_is_compared_with_that_of_tensorflow():
    after_the_last_convolution = {type(layer).__name__ for end in ENDS.values() for layer in end}
    assert after_the_last_convolution == set(SETTINGS) - set(explanation.CONVOLUTIONS)


def test_the_same_kinds_are_convolutions_with_and_without_tensorflow():
    names = {kind.__name__ for kind in with_tensorflow.CONVOLUTIONS}
    assert set(explanation.CONVOLUTIONS) == names & set(SETTINGS)


@pytest.mark.parametrize("end", [*ENDS.values(), None], ids=[*ENDS, "SmallerVGGNet"])
def test_without_tensorflow_the_gradient_is_the_same(tmp_path, end):
    if end is None:
        model = with_random_weights(SmallerVGGNet.build(36, 24, 3, 4, finalAct="sigmoid"))
    else:
        model = network(layers.Activation("relu"), *end)
    save_model(tmp_path / "model", model, {})
    description = read_model_file(tmp_path / "model").network
    if model.layers[-1].name.startswith("dense"):
        # TensorFlow's is that of the layer before the last activation, which must be a layer.
        units, kernel, bias = 4, *model.layers[-1].get_weights()
        model.pop()
        model.add(layers.Dense(units))
        model.layers[-1].set_weights([kernel, bias])
        model.add(layers.Activation("softmax"))
    features, expected, cells = feature_gradients(model, IMAGES, LABELS)
    end = end_of_convolutions(description)
    assert cells_after(description, end) == cells
    last_layers = description.layers[end:]
    for image, label, gradient in zip(features, LABELS, expected, strict=True):
        gradients = logit_gradients(last_layers, image, [1, label])
        assert gradients.dtype == np.float32
        assert gradients.shape == (2, *image.shape)
        assert np.ptp(gradient) > 0
        np.testing.assert_allclose(gradients[1], gradient, atol=1e-5 * np.abs(gradient).max())


@pytest.mark.parametrize(
    "start",
    [
        [layers.UpSampling2D()],
        [layers.Conv2DTranspose(1, 3, strides=2)],
        [layers.Permute((2, 1, 3))],
        [layers.Flatten(), layers.Reshape((36, 24, 3))],
    ],
    ids=["enlarged", "spread", "turned", "cut anew"],
)
def test_where_pixels_move_in_other_ways_no_feature_map_is_placed(start):
    end = [layers.Conv2D(1, 1), layers.Flatten(), layers.Dense(4), layers.Activation("sigmoid")]
    images = IMAGES[:, :, :24] if isinstance(start[0], layers.Permute) else IMAGES
    model = keras.Sequential([layers.Input(images.shape[1:]), *start, *end])
    assert feature_gradients(model, images, LABELS) is None


STARTS = {
    "as SmallerVGGNet begins": [
        *[layers.Conv2D(1, 3, padding="same"), layers.MaxPooling2D(3)],
        *[layers.Conv2D(1, 3, padding="same"), layers.MaxPooling2D(2)],
    ],
    "unpadded convolutions": [layers.Conv2D(1, (5, 3)), layers.MaxPooling2D(2)],
    "strides": [layers.Conv2D(1, 3, strides=2), layers.Conv2D(1, 4, strides=2, padding="same")],
    "padded pooling": [layers.MaxPooling2D(3, strides=2, padding="same")],
    "padding and cropping": [
        *[layers.ZeroPadding2D(((3, 1), (0, 2))), layers.AveragePooling2D(2)],
        *[layers.Cropping2D(((2, 0), (1, 1))), layers.ReLU()],
    ],
    "dilation": [
        layers.Conv2D(1, 3, dilation_rate=2),
        layers.DepthwiseConv2D((2, 3), dilation_rate=(1, 2), padding="same"),
    ],
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("size", [34, 35])
def test_a_cell_lies_in_the_middle_of_the_pixels_that_change_it(start, size):
    end = [layers.Conv2D(1, 1), layers.Flatten(), layers.Dense(1), layers.Activation("sigmoid")]
    layers_of_one = [type(layer).from_config(layer.get_config()) for layer in (*start, *end)]
    model = keras.Sequential([layers.Input((size, size, 1)), *layers_of_one])
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    # A black image, and one with each of its pixels white.
    images = np.eye(size * size + 1, size * size, -1, np.float32).reshape(-1, size, size, 1)
    features, _, cells = feature_gradients(model, images, np.zeros(len(images), int))
    for cell in (2, 3), (3, 2):
        values = features[:, *cell, 0]
        change = np.argwhere((values[1:] > values[0]).reshape(size, size))
        place = np.array(cells.first) + np.array(cells.step) * cell
        np.testing.assert_allclose((change.min(axis=0) + change.max(axis=0)) / 2, place)
