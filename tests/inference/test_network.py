import json
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers
from legacy_models import LEGACY, recorded_prediction, with_description_in_graph
from running import ROOT, run_python

from pyimagesearch.artifacts.model_file import read_model_file, save_model
from pyimagesearch.data.decoding import scale
from pyimagesearch.errors import UserError
from pyimagesearch.inference import network
from pyimagesearch.inference.network import load_first_layers, load_network
from pyimagesearch.smallervggnet import SmallerVGGNet

pytestmark = pytest.mark.slow

IMAGES = np.random.default_rng(0).random((7, 24, 24, 3), np.float32)
METADATA = {"labels": ["blue", "jeans"], "image_size": 24}
# What Keras and TensorFlow read.
VARIABLES = {
    *("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES"),
    *("TF_CPP_MIN_LOG_LEVEL", "TF_FORCE_GPU_ALLOW_GROWTH"),
}


@pytest.fixture(scope="module")
def smallervggnet(tmp_path_factory):
    """A model file of this project, and what its network predicts for IMAGES."""
    model = SmallerVGGNet.build(24, 24, 3, 2, finalAct="sigmoid")
    path = tmp_path_factory.mktemp("smallervggnet") / "fashion.model"
    save_model(path, model, METADATA)
    return path, model.predict_on_batch(IMAGES)


@pytest.fixture(scope="module")
def own_network(tmp_path_factory):
    """A network with a layer that SmallerVGGNet does not have, and what it predicts."""
    own = [layers.Input((24, 24, 3)), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    model = keras.Sequential([*own, layers.Activation("sigmoid")])
    path = tmp_path_factory.mktemp("own") / "own.keras"
    model.save(path)
    return path, model.predict_on_batch(IMAGES)


@pytest.fixture
def keras_uses_tensorflow(monkeypatch):
    """Let Keras predict with TensorFlow, on the processor."""
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


PREDICT = """
import json, os, sys
import numpy as np
from pyimagesearch.inference.network import load_network

images = np.random.default_rng(0).random((7, 24, 24, 3), np.float32)
predicted = [load_network(path).predict(images) for path in sys.argv[1:]]
assert all(each.dtype == np.float32 for each in predicted)
predicted = [each.tolist() for each in predicted]
imported = {name.partition(".")[0] for name in sys.modules}
heavy = {"tensorflow", "keras", "sklearn", "scipy", "h5py", "matplotlib", "google"}
print(json.dumps([predicted, sorted(imported & heavy), dict(os.environ)]))
"""


def predicted_elsewhere(*paths, **environment):
    """Load networks in a process that has imported nothing.

    Their predictions, what it has imported, and which of VARIABLES it has set.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    result = subprocess.run(
        [sys.executable, "-c", PREDICT, *map(str, paths)],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    predictions, imports, variables = json.loads(result.stdout)
    return predictions, imports, {name: variables[name] for name in VARIABLES & set(variables)}


def test_every_kind_of_file_predicts_without_keras_and_the_variables_that_it_reads(
    smallervggnet, tmp_path
):
    path, expected = smallervggnet
    older = with_description_in_graph(LEGACY / "saved_model", tmp_path / "older")
    legacy = [LEGACY / "tutorial.model", LEGACY / "saved_model", older]
    (first, *others), imported, variables = predicted_elsewhere(path, *legacy)
    assert imported == []
    assert variables == {}
    np.testing.assert_allclose(first, expected, atol=1e-5)
    assert others[0] == others[1] == others[2]
    image, recorded = recorded_prediction()
    for each in legacy:
        predicted = load_network(each).predict(scale(image[None]))[0]
        np.testing.assert_allclose(predicted, recorded, atol=1e-5)


def test_a_network_comes_with_what_its_file_says(smallervggnet):
    trained = load_network(smallervggnet[0], images=7)
    assert trained[1:5] == (24, 2, METADATA, None)
    np.testing.assert_allclose(trained.predict(IMAGES), smallervggnet[1], atol=1e-5)


def test_no_images_give_no_probabilities_and_the_next_images_give_theirs(smallervggnet):
    path, expected = smallervggnet
    predict = load_network(path).predict
    predict(IMAGES)
    assert predict(IMAGES[:0]).shape == (0, 2)
    assert predict(IMAGES[:0]).dtype == np.float32
    np.testing.assert_allclose(predict(IMAGES), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("images", "given"),
    [
        (IMAGES.astype(np.uint8), r"uint8 of shape \(7, 24, 24, 3\)"),
        (IMAGES.astype(np.float64), "float64"),
        (IMAGES[0], r"float32 of shape \(24, 24, 3\)"),
        (IMAGES[:0, :12], r"float32 of shape \(0, 12, 24, 3\)"),
    ],
)
def test_other_images_than_the_network_takes_are_refused(smallervggnet, images, given):
    predict = load_network(smallervggnet[0]).predict
    expected = r"float32 in \[0, 1\] of shape \(N, 24, 24, 3\)"
    with pytest.raises(ValueError, match=f"images must be {expected}, not {given}"):
        predict(images)


def load_for_two(path):
    return load_network(path, images=2).predict


def load_all_layers(path):
    file = read_model_file(path)
    return load_first_layers(file, len(file.network.layers))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize(
    ("kind", "load"),
    [
        ("smallervggnet", load_for_two),
        ("own_network", load_for_two),
        ("smallervggnet", load_all_layers),
    ],
)
def test_a_process_that_was_forked_after_loading_is_told_to_load_the_network(kind, load, request):
    path, expected = request.getfixturevalue(kind)
    predict = load(path)
    process = os.fork()
    if process == 0:
        # It ends the process even where that waits for a lock in another library.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        try:
            predict(IMAGES)
        except RuntimeError as error:
            is_told = f"{path} predicts only in the process that loaded it" in str(error)
            os._exit(0 if is_told else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    np.testing.assert_allclose(predict(IMAGES), expected, atol=1e-5)


@pytest.mark.usefixtures("keras_uses_tensorflow")
def test_another_backend_of_keras_predicts_the_same(smallervggnet, own_network):
    for path, expected in (smallervggnet, own_network):
        np.testing.assert_allclose(load_network(path).predict(IMAGES), expected, atol=1e-5)


@pytest.mark.parametrize("backend", ["openvino", "tensorflow"])
def test_kerass_configuration_does_not_change_what_is_predicted(
    smallervggnet, own_network, tmp_path, backend
):
    configuration = {"floatx": "float16", "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(configuration))
    environment = {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": backend}
    predictions, *_ = predicted_elsewhere(smallervggnet[0], own_network[0], **environment)
    for predicted, (_, expected) in zip(predictions, (smallervggnet, own_network), strict=True):
        np.testing.assert_allclose(predicted, expected, atol=1e-5)


def mixed_network(policy):
    """Somebody's own network that computes in another precision, and what it predicts."""
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy(policy)
    try:
        images = layers.Input((24, 24, 3))
        values = layers.Conv2D(8, 3, activation="relu")(images)
        values = layers.GlobalAveragePooling2D()(values)
        model = keras.Model(images, layers.Dense(4, activation="sigmoid")(values))
    finally:
        keras.config.set_dtype_policy("float32")
    return model, np.asarray(model(IMAGES)).astype(np.float32)


@pytest.mark.parametrize("backend", ["openvino", "tensorflow"])
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_a_network_of_another_precision_predicts_in_float32(tmp_path, policy, backend):
    model, expected = mixed_network(policy)
    model.save(tmp_path / "own.keras")
    (predicted,), *_ = predicted_elsewhere(tmp_path / "own.keras", KERAS_BACKEND=backend)
    np.testing.assert_allclose(predicted, expected, atol=4e-3)


@pytest.mark.usefixtures("keras_uses_tensorflow")
@pytest.mark.parametrize(
    ("bias", "returned"), [(-50, "-50"), (2, "2"), (np.finfo(np.float32).max, "inf|3.4e")]
)
def test_a_network_that_returns_no_probabilities_is_one_line(tmp_path, bias, returned):
    own = [layers.Input((24, 24, 3)), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    model = keras.Sequential(own)
    model.layers[-1].set_weights([np.zeros((3, 2)), np.array([0.5, bias])])
    model.save(tmp_path / "own.keras")
    predict = load_network(tmp_path / "own.keras").predict
    with pytest.raises(UserError, match=rf"own.keras cannot be used: it returns ({returned})"):
        predict(IMAGES)


def test_a_network_that_returns_what_is_no_number_is_one_line(tmp_path):
    model = SmallerVGGNet.build(24, 24, 3, 2, finalAct="softmax")
    huge = np.float32(1e38)
    model.layers[-2].set_weights([np.full((1024, 2), huge), np.array([huge, 0], np.float32)])
    save_model(tmp_path / "fashion.model", model, METADATA)
    predict = load_network(tmp_path / "fashion.model").predict
    with pytest.raises(UserError, match=r"fashion.model cannot be used: it returns nan"):
        predict(IMAGES)


def test_an_import_that_fails_without_any_wish_of_the_user_is_no_error_of_theirs(
    own_network, monkeypatch
):
    def fail():
        raise ModuleNotFoundError("No module named 'tensorflow'")

    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(network, "import_keras_lightly", fail)
    with pytest.raises(ModuleNotFoundError):
        load_network(own_network[0])


def test_a_backend_that_is_not_installed_is_named(own_network):
    program = (
        "import sys\n"
        "from pyimagesearch.inference.network import load_network\n"
        "from pyimagesearch.console import run\n"
        "sys.exit(run(lambda: load_network(sys.argv[1])))\n"
    )
    result = run_python("-c", program, own_network[0], KERAS_BACKEND="torch")
    assert result.returncode == 2
    assert "cannot predict with torch, which KERAS_BACKEND names" in result.stderr
    assert result.stderr.count("\n") == 1


def test_somebodys_own_network_predicts_with_openvino_through_keras(own_network):
    path, expected = own_network
    (predicted,), imported, variables = predicted_elsewhere(path)
    np.testing.assert_allclose(predicted, expected, atol=1e-5)
    assert "keras" in imported
    assert variables["KERAS_BACKEND"] == "openvino"
    assert not {"tensorflow", "sklearn", "matplotlib"} & set(imported)


@pytest.mark.parametrize("shape", [(24, 24, 1), (24, 12, 3)])
def test_a_network_of_other_images_than_square_colour_images_is_refused(tmp_path, shape):
    model = keras.Sequential([layers.Input(shape), layers.Flatten(), layers.Dense(2)])
    model.save(tmp_path / "fashion.keras")
    with pytest.raises(UserError, match="does not label square colour images"):
        load_network(tmp_path / "fashion.keras")


def test_a_gpu_that_is_wanted_and_missing_is_an_error(smallervggnet, monkeypatch):
    monkeypatch.setattr("pyimagesearch.inference.backend.has_gpu", lambda name: False)
    with pytest.raises(UserError, match="no GPU"):
        load_network(smallervggnet[0], "gpu")
