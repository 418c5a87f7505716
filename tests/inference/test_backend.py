import os

import pytest

from pyimagesearch.errors import UserError
from pyimagesearch.inference import backend
from pyimagesearch.inference.backend import Backend, choose_backend, prepare_keras


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Variables that a choice changes; monkeypatch puts back what it has set."""
    for name in ("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES", "TF_FORCE_GPU_ALLOW_GROWTH"):
        monkeypatch.setenv(name, "")
    return monkeypatch


@pytest.fixture
def gpus(monkeypatch):
    """The backends for which there is a GPU; a test changes it."""
    names = set()
    monkeypatch.setattr(backend, "has_gpu", names.__contains__)
    return names


@pytest.mark.parametrize("name", ["tensorflow", "openvino", "torch"])
def test_the_users_choice_of_backend_is_kept(environment, name):
    environment.setenv("KERAS_BACKEND", name)
    assert choose_backend() == Backend(name, "CPU")


def test_openvino_predicts_where_it_is_installed(environment):
    assert choose_backend() == Backend("openvino", "CPU")
    environment.setenv("KERAS_BACKEND", "")
    environment.setattr("importlib.util.find_spec", lambda name: None)
    assert choose_backend() == Backend("tensorflow", "CPU")


def test_choosing_leaves_the_environment_as_it_is(gpus):
    gpus.add("tensorflow")
    before = dict(os.environ)
    choose_backend()
    choose_backend(images=500, only_keras=True)
    assert dict(os.environ) == before


def test_keras_reads_the_choice():
    prepare_keras(Backend("openvino", "CPU"))
    assert os.environ["KERAS_BACKEND"] == "openvino"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"


def test_a_gpu_that_is_chosen_stays_visible():
    prepare_keras(Backend("tensorflow", "GPU"))
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    assert not os.environ["CUDA_VISIBLE_DEVICES"]


def test_tensorflow_takes_only_the_memory_of_a_gpu_that_it_needs_unless_the_user_says_more(
    environment,
):
    environment.delenv("TF_FORCE_GPU_ALLOW_GROWTH")
    prepare_keras(Backend("tensorflow", "GPU"))
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    environment.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "false")
    prepare_keras(Backend("tensorflow", "GPU"))
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "false"


@pytest.mark.parametrize(
    ("known_to", "expected"),
    [
        ({"openvino", "tensorflow"}, Backend("openvino", "AUTO:GPU,CPU")),
        ({"tensorflow"}, Backend("tensorflow", "AUTO:GPU,CPU")),
        (set(), Backend("openvino", "CPU")),
    ],
)
def test_many_images_use_a_gpu_if_there_is_one(gpus, known_to, expected):
    gpus |= known_to
    assert choose_backend(images=500) == expected


def test_few_images_and_a_user_who_wants_none_use_no_gpu(gpus):
    gpus |= {"openvino", "tensorflow"}
    assert choose_backend(images=499).device == "CPU"
    assert choose_backend("cpu", images=500).device == "CPU"


def test_a_gpu_that_is_wanted_is_used_for_one_image(gpus):
    gpus.add("tensorflow")
    assert choose_backend("gpu") == Backend("tensorflow", "GPU")


def test_a_device_of_another_name_is_refused(gpus):
    gpus.add("openvino")
    with pytest.raises(ValueError, match="device is 'GPU', but must be one of auto, cpu, gpu"):
        choose_backend("GPU")


def test_a_gpu_that_is_wanted_and_missing_is_an_error(gpus):
    with pytest.raises(UserError, match=r"openvino or tensorflow .*--device cpu"):
        choose_backend("gpu")


def test_the_users_choice_of_backend_is_not_given_up_for_a_gpu(gpus, environment):
    gpus.add("tensorflow")
    environment.setenv("KERAS_BACKEND", "openvino")
    assert choose_backend(images=500) == Backend("openvino", "CPU")


@pytest.mark.parametrize(
    ("known_to", "expected"),
    [
        ({"openvino"}, Backend("openvino", "CPU")),
        ({"openvino", "tensorflow"}, Backend("tensorflow", "AUTO:GPU,CPU")),
    ],
)
def test_a_network_that_only_keras_can_build_uses_no_gpu_with_openvino(gpus, known_to, expected):
    gpus |= known_to
    assert choose_backend(images=500, only_keras=True) == expected


class NoDriver:
    def __init__(self, name):
        raise OSError(f"{name}: cannot open shared object file")


def test_tensorflow_is_not_asked_for_a_gpu_without_nvidias_driver(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", NoDriver)
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: ["GPU:0"])
    assert not backend.has_gpu("tensorflow")
    monkeypatch.setattr("ctypes.CDLL", lambda name: None)
    assert backend.has_gpu("tensorflow")
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: [])
    assert not backend.has_gpu("tensorflow")


@pytest.mark.parametrize(
    ("devices", "expected"), [(["CPU"], False), (["CPU", "GPU.0", "GPU.1"], True)]
)
def test_openvino_lists_its_gpus(monkeypatch, devices, expected):
    class Core:
        available_devices = devices

    monkeypatch.setattr("openvino.Core", Core)
    assert backend.has_gpu("openvino") is expected
