import keras
import numpy as np
import pytest
from keras import layers

from pyimagesearch.artifacts.model_file import save_model
from pyimagesearch.artifacts.network_description import LayerDescription, NetworkDescription
from pyimagesearch.errors import UserError
from pyimagesearch.inference import explanation
from pyimagesearch.inference.explanation import (
    cells_after,
    end_of_convolutions,
    load_explainer,
    logit_gradients,
)

IMAGE = np.random.default_rng(0).random((24, 24, 3), np.float32)


@pytest.fixture
def saved(tmp_path):
    """Save a network of some layers; return its file and the network."""

    def save(*stack):
        model = keras.Sequential([layers.Input(IMAGE.shape), *stack])
        save_model(tmp_path / "saved.model", model, {})
        return tmp_path / "saved.model", model

    return save


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["openvino", "tensorflow"])
def test_the_feature_maps_are_those_of_the_last_convolution(saved, monkeypatch, backend):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    start = [layers.Conv2D(4, 3, strides=2), layers.Conv2D(5, 3), layers.Activation("relu")]
    path, model = saved(*start, layers.Flatten(), layers.Dense(3), layers.Activation("sigmoid"))
    features, gradients, cells = load_explainer(path)(IMAGE, [2, 0])
    expected = keras.Sequential(model.layers[:3]).predict_on_batch(IMAGE[None])[0]
    assert features.shape == (9, 9, 5)
    assert cells == ((3, 3), (2, 2))
    np.testing.assert_allclose(features, expected, atol=1e-5)
    kernel = model.layers[4].get_weights()[0]
    np.testing.assert_allclose(gradients.reshape(2, -1), kernel[:, [2, 0]].T, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stack", "reason"),
    [
        ([layers.Flatten(), layers.Dense(2), layers.Activation("sigmoid")], "no convolution"),
        ([layers.Conv2D(2, 3), layers.GlobalMaxPooling2D()], "layers that SmallerVGGNet does not"),
    ],
)
def test_a_network_that_cannot_be_explained_is_one_line(saved, stack, reason):
    path, _ = saved(*stack)
    with pytest.raises(UserError, match=f"what .*saved.model looks at cannot be shown: .*{reason}"):
        load_explainer(path)


def layer(kind, output_shape=(2,), weights=None, **settings):
    return LayerDescription(kind, settings, weights or {}, output_shape)


def test_a_layer_whose_gradient_is_not_known_is_one_line():
    end = [layer("GlobalAveragePooling2D"), layer("Activation", activation="sigmoid")]
    with pytest.raises(UserError, match=r"cannot be shown: .* GlobalAveragePooling2D, whose gradi"):
        logit_gradients(end, np.ones((2, 2, 2), np.float32), [0])


def test_a_layer_that_moves_pixels_in_a_way_that_is_not_known_is_one_line():
    network = NetworkDescription((4, 4, 3), [layer("ZeroPadding2D", (6, 6, 3))])
    with pytest.raises(UserError, match=r"cannot be shown: .* how its layer ZeroPadding2D moves"):
        cells_after(network, 1)


CONVOLUTION, RELU = layer("Conv2D", (2, 2, 1)), layer("Activation", activation="relu")


@pytest.mark.parametrize(
    ("kinds", "end"),
    [
        ([CONVOLUTION, RELU, CONVOLUTION, RELU, layer("Flatten"), RELU], 4),
        ([CONVOLUTION, layer("BatchNormalization"), RELU], 1),
        ([CONVOLUTION], 1),
        ([layer("Flatten"), RELU], 0),
    ],
)
def test_an_activation_belongs_to_the_convolution_before_it(kinds, end):
    assert end_of_convolutions(NetworkDescription((4, 4, 3), kinds)) == end


@pytest.mark.parametrize("kinds", [["Conv2D", "Other"], ["Other", "Conv2D"], ["Other", "Other"]])
def test_the_last_convolution_may_be_of_any_kind_that_is_listed(monkeypatch, kinds):
    monkeypatch.setattr(explanation, "CONVOLUTIONS", ("Conv2D", "Other"))
    stack = [*map(layer, kinds), RELU, layer("Flatten")]
    assert end_of_convolutions(NetworkDescription((4, 4, 3), stack)) == 3


def test_where_values_are_equal_the_gradient_goes_to_the_first_of_them():
    pooling = layer("MaxPooling2D", (1, 1, 1), pool_size=(2, 2), strides=None, padding="valid")
    gradients = logit_gradients(
        [pooling, layer("Flatten"), layer("Activation", activation="sigmoid")],
        np.ones((2, 2, 1), np.float32),
        [0],
    )
    assert gradients[0, :, :, 0].tolist() == [[1, 0], [0, 0]]


def test_a_sure_label_is_explained_like_any_other():
    weights = {"kernel": np.full((4, 1), 3, np.float32), "bias": np.array([1e4], np.float32)}
    dense = layer("Dense", (1,), weights, activation="sigmoid")
    gradients = logit_gradients([layer("Flatten"), dense], np.ones((2, 2, 1), np.float32), [0])
    assert (gradients == 3).all()
