import json
import os
import socket
import threading

import keras
import pytest
import tensorflow as tf
from running import run_python

from pyimagesearch.errors import UserError
from pyimagesearch.training import devices
from pyimagesearch.training.processor import instruction_sets


@pytest.fixture(autouse=True)
def backend_restored(monkeypatch):
    """Set the backend before each test, so that it is put back whatever the test makes of it."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")


def test_the_training_device_is_named():
    device = devices.prepare_training_device(say=print)
    assert device.name.startswith("CPU, ") or tf.config.list_physical_devices("GPU")
    assert device.is_chief


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="there is a GPU")
@pytest.mark.parametrize(("count", "name"), [(1, "CPU, 1 core"), (1024, "CPU, 1,024 cores")])
def test_the_cores_of_the_processor_are_counted(monkeypatch, count, name):
    monkeypatch.setattr("os.cpu_count", lambda: count)
    monkeypatch.setattr(devices, "instruction_sets", list)
    assert devices.prepare_training_device(say=print).name == name


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_one_line():
    with pytest.raises(UserError, match=r"no GPU.*--device cpu"):
        devices.prepare_training_device("gpu", say=print)


def test_a_device_that_is_none_of_the_choices_is_refused():
    with pytest.raises(ValueError, match="wanted is 'GPU', but must be one of auto, cpu, gpu"):
        devices.prepare_training_device("GPU", say=print)


@pytest.mark.parametrize(
    ("tf_config", "complaint"),
    [
        ("{", "not right.*looks like"),
        ("[]", "not right"),
        ('{"cluster": {"worker": ["a:1", "b:2"]}}', "not right"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "not right"),
        (
            '{"cluster": {"ps": ["a:1"], "worker": ["b:1"]}, "task": {"type": "ps", "index": 0}}',
            "workers, and nothing else",
        ),
    ],
)
def test_a_wrong_tf_config_is_one_line(monkeypatch, tf_config, complaint):
    monkeypatch.setenv("TF_CONFIG", tf_config)
    with pytest.raises(UserError, match=complaint):
        devices.prepare_training_device(say=print)


def config_of(workers, index="0"):
    """TF_CONFIG as text; the index is JSON, so that it can be any number."""
    task = f'{{"type": "worker", "index": {index}}}'
    return f'{{"cluster": {{"worker": {json.dumps(workers)}}}, "task": {task}}}'


@pytest.mark.parametrize(
    ("workers", "complaint"),
    [
        ("localhost:2222", "worker is not a list"),
        ({"0": "localhost:2222", "1": "localhost:2223"}, "worker is not a list"),
        (["127.0.0.1", "127.0.0.1:34998"], "'127.0.0.1' is not host:port"),
        (["a:1", "b:0"], "'b:0' is not host:port"),
        (["a:1", "b:70000"], "'b:70000' is not host:port"),
        (["a:1", "b:+2"], r"'b:\+2' is not host:port"),
        (["a:1", ":2"], "':2' is not host:port"),
        (["a:1", "::1:2"], "'::1:2' is not host:port"),
        (["a:1", "http://b:2"], "'http://b:2' is not host:port"),
        (["a:1", 2], "2 is not host:port"),
        (["a:1", "a:1"], "two workers are at a:1"),
    ],
)
def test_workers_need_addresses_of_their_own_with_a_port(monkeypatch, workers, complaint):
    monkeypatch.setenv("TF_CONFIG", config_of(workers))
    with pytest.raises(UserError, match=f"TF_CONFIG is not right .*{complaint}.*looks like"):
        devices.is_chief()


def test_the_chief_and_a_worker_cannot_have_one_address(monkeypatch):
    cluster = {"chief": ["a:1"], "worker": ["a:1"]}
    task = {"type": "chief", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    with pytest.raises(UserError, match="two workers are at a:1"):
        devices.is_chief()


def test_an_endless_number_of_a_worker_is_one_line(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config_of(["a:1", "b:1"], index="1e400"))
    with pytest.raises(UserError, match="not right"):
        devices.is_chief()


@pytest.mark.parametrize("address", ["[::1]:65535", "[fe80::1%eth0]:1", "host-1.example:2222"])
def test_a_worker_may_have_a_name_or_an_ipv6_address_in_brackets(monkeypatch, address):
    monkeypatch.setenv("TF_CONFIG", config_of(["a:1", address], index="1"))
    assert not devices.is_chief()


@pytest.mark.slow
def test_a_port_in_use_is_one_line_that_names_the_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = f"127.0.0.1:{server.getsockname()[1]}"
        program = (
            "from pyimagesearch.console import run\n"
            "from pyimagesearch.training import devices\n"
            "run(lambda: devices.prepare_training_device('cpu', say=print) and None)\n"
        )
        done = run_python("-c", program, TF_CONFIG=config_of([taken, "127.0.0.1:1"]))
    assert f"{taken} cannot be used by this worker" in done.stderr
    assert done.stderr.count("\n") == 1


def test_one_worker_alone_needs_no_other(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config_of(["127.0.0.1:1"]))
    assert devices.prepare_training_device(say=print).is_chief


def test_kerass_configuration_does_not_change_how_training_computes():
    keras.config.set_image_data_format("channels_first")
    keras.config.set_floatx("float16")
    devices.prepare_training_device(say=print)
    assert keras.config.image_data_format() == "channels_last"
    assert keras.config.floatx() == "float32"


def test_training_uses_tensorflow_whatever_backend_predicts():
    devices.prepare_training_device(say=print)
    assert os.environ["KERAS_BACKEND"] == "tensorflow"


def test_where_keras_predicts_with_another_backend_training_is_refused_and_nothing_changed(
    monkeypatch,
):
    monkeypatch.setattr("keras.config.backend", lambda: "openvino")
    monkeypatch.setenv("KERAS_BACKEND", "openvino")
    before = dict(os.environ)
    with pytest.raises(UserError, match=r"imported with openvino, .* a process of its own"):
        devices.prepare_training_device(say=print)
    assert dict(os.environ) == before


def test_an_endless_tf_config_is_one_line(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "[" * 100_000)
    with pytest.raises(UserError, match="not right"):
        devices.is_chief()


@pytest.mark.parametrize(
    ("cluster", "kind", "number", "expected"),
    [
        ({"worker": ["a:1", "b:1"]}, "worker", 0, True),
        ({"worker": ["a:1", "b:1"]}, "worker", 1, False),
        ({"worker": ["a:1"], "chief": ["b:1"]}, "worker", 0, False),
        ({"worker": ["a:1"], "chief": ["b:1"]}, "chief", 0, True),
    ],
)
def test_only_the_chief_or_else_the_first_worker_is_the_chief(
    monkeypatch, cluster, kind, number, expected
):
    config = {"cluster": cluster, "task": {"type": kind, "index": number}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert devices.is_chief() is expected


def test_a_batch_must_be_shared_equally(monkeypatch):
    device = devices.TrainingDevice(tf.distribute.get_strategy(), "three cards", True)
    monkeypatch.setattr(type(device.strategy), "num_replicas_in_sync", 3)
    device.check_shares(6, 3)
    with pytest.raises(UserError, match=r"batches of 32 .* multiple of 3"):
        device.check_shares(32, 10)
    with pytest.raises(UserError, match=r"has 2 images, fewer than the 3 devices .* add images"):
        device.check_shares(6, 2)


def product_of_thirds():
    """Multiply in a graph of its own; a third has more bits than bfloat16 keeps."""
    thirds = tf.fill((64, 64), 1 / 3)
    return tf.function(lambda: tf.matmul(thirds, thirds))().numpy()[0, 0]


@pytest.mark.skipif("bfloat16" not in instruction_sets(), reason="no bfloat16 here")
def test_products_are_rounded_only_where_they_are_to_be_fast():
    device = devices.prepare_training_device("cpu", say=print)
    with device.fast_products():
        rounded = product_of_thirds()
    assert rounded == pytest.approx(64 / 9, rel=1e-2)
    assert rounded != pytest.approx(64 / 9, rel=1e-4)
    assert product_of_thirds() == pytest.approx(64 / 9, rel=1e-5)


def test_products_are_to_be_fast_in_the_block_alone_on_a_processor_with_bfloat16(monkeypatch):
    monkeypatch.setattr(devices, "instruction_sets", lambda: ["AVX-512", "bfloat16"])
    device = devices.prepare_training_device("cpu", say=print)
    assert device.has_bfloat16
    option = "auto_mixed_precision_onednn_bfloat16"
    with device.fast_products():
        assert tf.config.optimizer.get_experimental_options()[option]
    assert not tf.config.optimizer.get_experimental_options()[option]


def test_products_stay_as_they_are_where_bfloat16_is_not_faster():
    device = devices.TrainingDevice(tf.distribute.get_strategy(), "CPU", True)
    with device.fast_products():
        assert product_of_thirds() == pytest.approx(64 / 9, rel=1e-5)


@pytest.mark.parametrize(("machine", "expected"), [("x86_64", "1"), ("aarch64", None)])
def test_onednn_is_used_on_every_x86_processor(monkeypatch, machine, expected):
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(os, "environ", {})
    devices.prepare_training_device(say=print)
    assert os.environ.get("TF_ENABLE_ONEDNN_OPTS") == expected


def test_a_choice_for_or_against_onednn_stays(monkeypatch):
    monkeypatch.setattr(os, "environ", {"TF_ENABLE_ONEDNN_OPTS": "0"})
    devices.prepare_training_device(say=print)
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"


@pytest.mark.slow
@pytest.mark.parametrize(("head_start", "is_beside"), [(0, True), (600, False)])
def test_tensorflow_is_imported_beside_what_takes_longer_than_the_head_start(head_start, is_beside):
    program = (
        "import sys, time\n"
        "from pyimagesearch.training import devices\n"
        f"devices.HEAD_START = {head_start}\n"
        "with devices.importing_tensorflow():\n"
        f"    while {is_beside} and 'tensorflow.python' not in sys.modules:\n"
        "        time.sleep(0.01)\n"
        "    was_imported = 'tensorflow.python' in sys.modules\n"
        "print(was_imported, 'tensorflow' in sys.modules, 'keras' in sys.modules)\n"
    )
    done = run_python("-c", program)
    assert done.stdout.split() == [str(is_beside), "True", "True"], done.stderr
    assert done.stderr == ""


def test_a_block_that_fails_at_once_does_not_wait_for_the_import():
    program = (
        "import sys\n"
        "from pyimagesearch.training import devices\n"
        "devices.HEAD_START = 600\n"
        "try:\n"
        "    with devices.importing_tensorflow():\n"
        "        raise ValueError\n"
        "except ValueError:\n"
        "    print('tensorflow' in sys.modules)\n"
    )
    done = run_python("-c", program)
    assert done.stdout == "False\n", done.stderr


def test_ctrl_c_during_the_import_takes_effect_when_stderr_speaks_again(
    monkeypatch, press_ctrl_c, capfd
):
    is_begun, may_end = threading.Event(), threading.Event()

    def import_slowly():
        is_begun.set()
        may_end.wait(timeout=60)

    def interrupted(thread):
        press_ctrl_c()
        may_end.set()
        join(thread)

    for settings_of_the_process in ("_set_environment", "return_large_blocks"):
        monkeypatch.setattr(devices, settings_of_the_process, lambda: None)
    join = threading.Timer.join
    monkeypatch.setattr(threading.Timer, "join", interrupted)
    monkeypatch.setattr(devices, "import_keras_lightly", import_slowly)
    monkeypatch.setattr(devices, "HEAD_START", 0)
    with pytest.raises(KeyboardInterrupt), devices.importing_tensorflow():
        assert is_begun.wait(timeout=60)
    os.write(2, b"heard")
    may_end.set()
    assert capfd.readouterr().err == "heard"
