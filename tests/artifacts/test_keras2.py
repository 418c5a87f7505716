import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from legacy_models import LEGACY, with_description_in_graph

from pyimagesearch.artifacts import keras2
from pyimagesearch.artifacts.network_description import DescriptionError


@pytest.fixture
def hdf5(tmp_path):
    return Path(shutil.copy(LEGACY / "tutorial.model", tmp_path))


@pytest.fixture
def saved_model(tmp_path):
    return Path(shutil.copytree(LEGACY / "saved_model", tmp_path / "fashion.model"))


def refusal(read, source):
    with pytest.raises(DescriptionError) as caught:
        read(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def hdf5_refusal(path):
    return refusal(keras2.read_hdf5, path.read_bytes())


def test_both_formats_hold_the_same_network():
    hdf5 = keras2.read_hdf5((LEGACY / "tutorial.model").read_bytes())
    saved_model = keras2.read_saved_model(LEGACY / "saved_model")
    assert hdf5.input_shape == saved_model.input_shape == (24, 24, 3)
    assert len(hdf5.layers) == 28
    for ours, theirs in zip(hdf5.layers, saved_model.layers, strict=True):
        assert (ours.kind, ours.settings) == (theirs.kind, theirs.settings)
        np.testing.assert_equal(ours.weights, theirs.weights)


def test_a_layer_that_smallervggnet_does_not_have_is_refused_by_name(hdf5):
    evil = {"name": "evil", "function": ["4wEAAAA=", None, None]}
    with h5py.File(hdf5, "a") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][3].update(class_name="Lambda", config=evil)
        file.attrs["model_config"] = json.dumps(config)
    assert "Lambda" in hdf5_refusal(hdf5)


def test_a_network_that_is_not_sequential_is_refused(hdf5):
    with h5py.File(hdf5, "a") as file:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(config | {"class_name": "Functional"})
    assert "Functional" in hdf5_refusal(hdf5)


def test_layers_that_use_the_same_weights_again_and_again_are_refused(hdf5):
    with h5py.File(hdf5, "a") as file:
        config = json.loads(file.attrs["model_config"])
        layers = config["config"]["layers"]
        last = max(i for i, layer in enumerate(layers) if layer["class_name"] == "Conv2D")
        layers[last:last] = [layers[last]] * 40
        file.attrs["model_config"] = json.dumps(config)
    assert "more weights than it stores" in hdf5_refusal(hdf5)


def test_weights_in_another_file_are_refused(hdf5, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(4 * 32))
    with h5py.File(hdf5, "a") as file:
        group = file["model_weights/dense/dense"]
        del group["bias:0"]
        group.create_dataset("bias:0", (32,), "f4", external=[(str(secret), 0, 128)])
    assert "another file" in hdf5_refusal(hdf5)


def test_a_link_to_another_file_is_refused(hdf5, tmp_path):
    other = shutil.copy(hdf5, tmp_path / "other.h5")
    with h5py.File(hdf5, "a") as file:
        del file["model_weights/dense"]
        file["model_weights/dense"] = h5py.ExternalLink(other, "/model_weights/dense")
    assert "link" in hdf5_refusal(hdf5)


def test_weights_without_a_network_are_refused(tmp_path):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["weights"] = np.zeros(3)
    assert "without the network" in hdf5_refusal(tmp_path / "weights.h5")


def test_a_description_nested_without_end_is_refused(hdf5):
    with h5py.File(hdf5, "a") as file:
        file.attrs["model_config"] = "[" * 20_000 + "]" * 20_000
    assert "nested too deeply" in hdf5_refusal(hdf5)


def test_the_description_may_lie_in_the_graph_as_before_tensorflow_2_5(tmp_path):
    older = with_description_in_graph(LEGACY / "saved_model", tmp_path / "older")
    assert len(keras2.read_saved_model(older).layers) == 28


@pytest.mark.parametrize("name", ["keras_metadata.pb", "variables/variables.index"])
@pytest.mark.parametrize("content", [b"damaged", b"", b"\x0a" * 10_000])
def test_a_damaged_saved_model_is_refused(saved_model, name, content):
    (saved_model / name).write_bytes(content)
    refusal(keras2.read_saved_model, saved_model)


@pytest.mark.parametrize(
    ("name", "limit"), [("keras_metadata.pb", "4 MiB"), ("variables/variables.index", "1 MiB")]
)
def test_a_saved_model_of_endless_messages_is_refused_unread(saved_model, name, limit):
    with (saved_model / name).open("ab") as file:
        file.truncate(2**22 + 1)
    assert f"larger than {limit}" in refusal(keras2.read_saved_model, saved_model)


def test_a_saved_model_without_weights_is_refused(saved_model):
    shutil.rmtree(saved_model / "variables")
    assert "variables.index cannot be read" in refusal(keras2.read_saved_model, saved_model)


def test_a_saved_model_that_keras_did_not_save_is_refused(saved_model):
    (saved_model / "keras_metadata.pb").unlink()
    assert "no Sequential network" in refusal(keras2.read_saved_model, saved_model)
