import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.artifacts.network_description import (
    SETTINGS,
    DescriptionError,
    UnfamiliarNetworkError,
    describe_network,
)

CONFIG = {
    "class_name": "Sequential",
    "config": {
        "layers": [
            {"class_name": "InputLayer", "config": {"batch_shape": [None, 9, 9, 3]}},
            {
                "class_name": "Conv2D",
                "config": {"filters": 4, "kernel_size": [3, 3], "padding": "same"},
            },
            {"class_name": "Activation", "config": {"activation": "relu"}},
            {"class_name": "BatchNormalization", "config": {"axis": -1}},
            {"class_name": "MaxPooling2D", "config": {"pool_size": [2, 2], "strides": None}},
            {"class_name": "Dropout", "config": {"rate": 0.25}},
            {"class_name": "Flatten", "config": {}},
            {"class_name": "Dense", "config": {"units": 2, "activation": "sigmoid"}},
        ]
    },
}
SHAPES = {
    "Conv2D": [(3, 3, 3, 4), (4,)],
    "BatchNormalization": [(4,)] * 4,
    "Dense": [(64, 2), (2,)],
}


def describe(config, shapes=SHAPES, value=1.0, stored_bytes=10**6):
    def stored_weights(layer):
        return [np.full(shape, value) for shape in shapes.get(layer["class_name"], [])]

    return describe_network(config, stored_weights, stored_bytes=stored_bytes)


def changed(kind, **settings):
    config = copy.deepcopy(CONFIG)
    for layer in config["config"]["layers"]:
        if layer["class_name"] == kind:
            layer["config"].update(settings)
    return config


def test_layers_come_with_their_settings_weights_and_shapes():
    network = describe(CONFIG)
    assert network.input_shape == (9, 9, 3)
    convolution, _, normalization, pooling, *_, dense = network.layers
    assert convolution.kind == "Conv2D"
    assert convolution.settings == {
        "filters": 4,
        "kernel_size": (3, 3),
        "strides": (1, 1),
        "padding": "same",
        "activation": "linear",
        "use_bias": True,
    }
    assert {name: array.shape for name, array in convolution.weights.items()} == {
        "kernel": (3, 3, 3, 4),
        "bias": (4,),
    }
    assert list(normalization.weights) == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert pooling.output_shape == (4, 4, 4)
    assert dense.output_shape == (2,)
    assert all(array.dtype == np.float32 for array in dense.weights.values())


def test_the_list_of_layers_may_be_the_whole_configuration():
    layers = copy.deepcopy(CONFIG["config"]["layers"])
    assert describe({"class_name": "Sequential", "config": layers}).input_shape == (9, 9, 3)


def test_the_first_layer_may_have_the_shape_of_the_images():
    layers = copy.deepcopy(CONFIG["config"]["layers"][1:])
    layers[0]["config"]["batch_input_shape"] = [None, 9, 9, 3]
    network = describe({"class_name": "Sequential", "config": {"layers": layers}})
    assert network.input_shape == (9, 9, 3)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("Conv2D", {"data_format": "channels_first"}),
        ("Conv2D", {"dilation_rate": [2, 2]}),
        ("Conv2D", {"groups": 3}),
        ("Conv2D", {"padding": "causal"}),
        ("Conv2D", {"activation": {"class_name": "function", "config": "f"}}),
        ("Dense", {"activation": "gelu"}),
        ("Dense", {"quantization_config": {}}),
        ("BatchNormalization", {"axis": 1}),
        ("BatchNormalization", {"axis": [1, 2]}),
        ("BatchNormalization", {"renorm": True}),
    ],
)
def test_a_layer_that_computes_something_else_is_unfamiliar(kind, settings):
    (name,) = settings
    with pytest.raises(UnfamiliarNetworkError, match=rf"\({kind}\) has {name} "):
        describe(changed(kind, **settings))


@pytest.mark.parametrize("shape", [[None, None, None, 3], [None, 20]])
def test_an_input_other_than_images_of_one_size_is_unfamiliar(shape):
    with pytest.raises(UnfamiliarNetworkError, match="its input has the shape"):
        describe(changed("InputLayer", batch_shape=shape))


@pytest.mark.parametrize(
    "layer",
    [
        {"class_name": "Lambda", "config": {}},
        {"class_name": "Sequential", "config": {"layers": []}},
        {"class_name": "Flatten", "module": "evil", "config": {}},
        {"class_name": "Flatten", "registered_name": "Evil>Flatten", "config": {}},
    ],
)
def test_a_layer_that_smallervggnet_does_not_have_is_named(layer):
    config = copy.deepcopy(CONFIG)
    config["config"]["layers"][6] = layer
    with pytest.raises(UnfamiliarNetworkError, match=layer["class_name"]):
        describe(config)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("Dense", {"units": True}),
        ("Dense", {"units": -1}),
        ("Dense", {"units": 2.0}),
        ("Dense", {"units": None}),
        ("Dense", {"use_bias": "yes"}),
        ("Conv2D", {"kernel_size": [3]}),
        ("Conv2D", {"filters": "many"}),
        ("Conv2D", {"strides": [0, 1]}),
        ("BatchNormalization", {"epsilon": "small"}),
        ("BatchNormalization", {"epsilon": float("nan")}),
        ("Dropout", {"rate": 1e9}),
    ],
)
def test_an_impossible_setting_is_refused_by_name(kind, settings):
    (name,) = settings
    with pytest.raises(DescriptionError, match=rf"\({kind}\) has {name} "):
        describe(changed(kind, **settings))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("Dense", {"units": 4 * 10**8}),
        ("Dense", {"units": 10**3000}),
        ("Conv2D", {"kernel_size": [3000, 3000]}),
    ],
)
def test_a_layer_that_is_larger_than_its_weights_is_refused_in_few_words(kind, settings):
    with pytest.raises(DescriptionError, match="is described") as refusal:
        describe(changed(kind, **settings))
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("side", [100_000, 10**3000])
def test_enormous_images_are_refused(side):
    with pytest.raises(DescriptionError, match="too much memory or time"):
        describe(changed("InputLayer", batch_shape=[None, side, side, 3]))


def test_a_pooling_larger_than_its_images_is_refused():
    with pytest.raises(DescriptionError, match=r"layer 5 \(MaxPooling2D\) needs larger images"):
        describe(changed("MaxPooling2D", pool_size=20))


def test_a_network_without_end_is_refused():
    config = copy.deepcopy(CONFIG)
    config["config"]["layers"][2:3] *= 1000
    with pytest.raises(DescriptionError, match="1,007 layers"):
        describe(config)


def test_a_network_that_computes_for_hours_is_refused():
    pooling = {"class_name": "MaxPooling2D", "config": {"pool_size": 250}}
    convolution = {"class_name": "Conv2D", "config": {"filters": 32, "kernel_size": 3}}
    config = changed("InputLayer", batch_shape=[None, 500, 500, 32])
    config["config"]["layers"][1:-2] = [convolution] * 100 + [pooling]
    with pytest.raises(DescriptionError, match="too much memory or time"):
        describe(config, {"Conv2D": [(3, 3, 32, 32), (32,)]}, stored_bytes=10**9)


def test_more_weights_than_are_stored_are_refused():
    with pytest.raises(DescriptionError, match="more weights than it stores"):
        describe(CONFIG, stored_bytes=1000)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_weights_that_are_not_finite_are_refused_by_name(value):
    with pytest.raises(DescriptionError, match=r"kernel of layer 2 \(Conv2D\) is not finite"):
        describe(CONFIG, value=value)


@pytest.mark.parametrize(
    ("kind", "shapes", "reason"),
    [
        ("Dense", [(64, 2), (3,)], r"the bias of layer 8 \(Dense\) has the shape"),
        ("Dense", [(2, 64), (2,)], r"the kernel of layer 8 \(Dense\) has the shape"),
        ("Dense", [(64, 2)], r"layer 8 \(Dense\) has 1 weights, not 2"),
        ("Dropout", [(2,)], r"layer 6 \(Dropout\) has 1 weights, not 0"),
    ],
)
def test_other_weights_than_described_are_refused_by_name(kind, shapes, reason):
    with pytest.raises(DescriptionError, match=reason):
        describe(CONFIG, SHAPES | {kind: shapes})


def test_an_output_that_is_not_a_number_for_each_label_is_refused():
    config = copy.deepcopy(CONFIG)
    del config["config"]["layers"][6:]
    with pytest.raises(DescriptionError, match="not one number for each label"):
        describe(config)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
NAMES = sorted({name for settings in SETTINGS.values() for name in settings})


@given(st.integers(0, 7), st.sampled_from([*NAMES, "batch_shape", "axis", "groups"]), JSON)
def test_any_setting_is_read_or_refused(position, name, value):
    config = copy.deepcopy(CONFIG)
    config["config"]["layers"][position]["config"][name] = value
    try:
        network = describe(config)
    except DescriptionError as error:
        assert "\n" not in str(error)
    else:
        assert network.layers[-1].output_shape == (2,)


@given(st.lists(st.sampled_from(["class_name", "config", "layers", 0, 1, 7]), max_size=4), JSON)
def test_any_part_of_a_description_is_read_or_refused(path, value):
    config = {"model": copy.deepcopy(CONFIG)}
    parent, key = config, "model"
    for step in path:
        child = parent[key]
        is_there = step in child if isinstance(child, dict) else isinstance(step, int)
        if (
            not isinstance(child, dict | list)
            or not is_there
            or (isinstance(child, list) and step >= len(child))
        ):
            break
        parent, key = child, step
    parent[key] = value
    try:
        describe(config["model"])
    except DescriptionError as error:
        assert "\n" not in str(error)
