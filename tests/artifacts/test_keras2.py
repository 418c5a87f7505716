import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from pyimagesearch.artifacts import model_file
from pyimagesearch.errors import UserError
from pyimagesearch.inference.classification import predict

LEGACY = Path(__file__).parent / "legacy"


@pytest.fixture
def hdf5(tmp_path):
    return Path(shutil.copy(LEGACY / "tutorial.model", tmp_path))


@pytest.fixture
def saved_model(tmp_path):
    return Path(shutil.copytree(LEGACY / "saved_model", tmp_path / "fashion.model"))


def refusal(path):
    with pytest.raises(UserError) as caught:
        model_file.load_model(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_config(path, change):
    """Rewrite the description of an HDF5 model's network."""
    with h5py.File(path, "a") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)
    return path


@pytest.mark.parametrize("name", ["tutorial.model", "saved_model"])
def test_a_model_of_keras_2_answers_as_it_did(name):
    made = json.loads((LEGACY / "answers.json").read_text())
    image = np.array(made["image"], np.uint8)
    model = model_file.load_model(LEGACY / name).model
    np.testing.assert_allclose(predict(model, image[None])[0], made["probabilities"], atol=1e-5)


def test_a_keras_2_archive_is_refused_with_what_to_do():
    assert "saved by Keras 2.15" in refusal(LEGACY / "keras2.keras")
    assert "HDF5" in refusal(LEGACY / "keras2.keras")


def test_a_layer_that_smallervggnet_does_not_have_is_refused_by_name(hdf5):
    def change(config):
        config["config"]["layers"][3] = {
            "class_name": "Lambda",
            "config": {"name": "evil", "function": ["4wEAAAA=", None, None]},
        }

    assert "Lambda" in refusal(with_config(hdf5, change))


def test_an_activation_that_is_no_name_is_refused(hdf5):
    def change(config):
        config["config"]["layers"][1]["config"]["activation"] = {"class_name": "function"}

    assert "activation" in refusal(with_config(hdf5, change))


def test_a_description_that_claims_enormous_layers_is_refused_before_they_are_built(hdf5):
    def change(config):
        config["config"]["layers"][-2]["config"]["units"] = 10**12

    assert "weights" in refusal(with_config(hdf5, change))


def test_a_network_that_is_not_sequential_is_refused(hdf5):
    assert "Functional" in refusal(
        with_config(hdf5, lambda config: config.update(class_name="Functional"))
    )


def test_weights_in_another_file_are_refused(hdf5, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(4 * 32))
    with h5py.File(hdf5, "a") as file:
        group = file["model_weights/dense/dense"]
        del group["bias:0"]
        group.create_dataset("bias:0", (32,), "f4", external=[(str(secret), 0, 128)])
    assert "another file" in refusal(hdf5)


def test_a_link_to_another_file_is_refused(hdf5, tmp_path):
    other = shutil.copy(hdf5, tmp_path / "other.h5")
    with h5py.File(hdf5, "a") as file:
        del file["model_weights/dense"]
        file["model_weights/dense"] = h5py.ExternalLink(other, "/model_weights/dense")
    assert "link" in refusal(hdf5)


def test_weights_without_a_network_are_refused(tmp_path):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["weights"] = np.zeros(3)
    assert "without the network" in refusal(tmp_path / "weights.h5")


@pytest.mark.parametrize("kept", [8, 1000, 50_000, 150_000])
def test_a_truncated_hdf5_file_is_one_line(hdf5, kept):
    hdf5.write_bytes(hdf5.read_bytes()[:kept])
    refusal(hdf5)


def test_a_damaged_saved_model_is_one_line(saved_model):
    (saved_model / "keras_metadata.pb").write_bytes(b"damaged")
    refusal(saved_model)


def test_a_saved_model_without_weights_is_one_line(saved_model):
    shutil.rmtree(saved_model / "variables")
    refusal(saved_model)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.model"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.13.2"}')
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(2**26))
    assert "unpack" in refusal(path)
