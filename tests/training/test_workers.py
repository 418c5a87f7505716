import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf
from running import ROOT

from pyimagesearch.errors import UserError
from pyimagesearch.garments import scenes, writing
from pyimagesearch.inference.network import load_network
from pyimagesearch.training import workers

pytestmark = pytest.mark.slow

SCRIPT = ROOT / "tests" / "training" / "run_with_replicas.py"
SETTINGS = ["--epochs", "3", "--image-size", "32", "--batch-size", "16"]
# The last digits of a sum depend on how it is split over replicas, and training amplifies them:
# Adam's first steps are as large for tiny gradients as for others. So the losses that are compared
# are computed in double precision, which Keras's configuration file asks for.
IN_DOUBLE = {"backend": "tensorflow", "floatx": "float64"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a dataset, beside which each process has a folder of its own."""
    folder = tmp_path_factory.mktemp("distribution")
    writing.write_dataset(folder / "dataset", scenes.COMBINATIONS, 12, seed=1, size=48)
    return folder


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start(folder, *arguments, devices=1, tf_config=None):
    folder.mkdir(exist_ok=True)
    keras_home = folder.parent / "keras"
    keras_home.mkdir(exist_ok=True)
    (keras_home / "keras.json").write_text(json.dumps(IN_DOUBLE))
    environment = os.environ | {
        "XDG_CACHE_HOME": str(folder / "cache"),
        "KERAS_HOME": str(keras_home),
    }
    if tf_config:
        environment["TF_CONFIG"] = json.dumps(tf_config)
    return subprocess.Popen(
        [sys.executable, SCRIPT, str(devices), "--dataset", folder.parent / "dataset", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def two_workers():
    """Two values of TF_CONFIG."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    tasks = [{"type": "worker", "index": number} for number in range(2)]
    return [{"cluster": cluster, "task": task} for task in tasks]


def start_workers(folder, name, *arguments, own=((), ())):
    """Start two workers, in folders of this name and the number of each."""
    return [
        start(folder / f"{name}{number}", *arguments, *own[number], tf_config=tf_config)
        for number, tf_config in enumerate(two_workers())
    ]


def finished(process):
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output, re.findall(r"^weights (\w+)", errors, re.MULTILINE)


def losses(folder):
    return json.loads((folder / "report.json").read_text())["history"]["loss"]


def finished_at_once(folder, arguments, devices_of):
    """The outputs of runs that take as many devices as each name says, side by side."""
    arguments = [*SETTINGS, *arguments, "--report", "report.json"]
    processes = [
        start(folder / name, *arguments, devices=devices) for name, devices in devices_of.items()
    ]
    return [finished(process)[0] for process in processes]


@pytest.fixture(scope="module")
def output_of_two_devices(folder):
    return finished_at_once(folder, [], {"alone": 1, "devices": 2})[1]


@pytest.fixture(scope="module")
def expected_losses(folder, output_of_two_devices):
    return losses(folder / "alone")


def test_two_workers_train_in_step_and_as_one_process_would(folder, expected_losses):
    chief, other = start_workers(folder, "together", *SETTINGS, "--report", "report.json")
    (output, weights), (other_output, other_weights) = finished(chief), finished(other)
    assert weights == other_weights != []
    np.testing.assert_allclose(losses(folder / "together0"), expected_losses, rtol=1e-6)
    assert "training network on 2 workers" in output
    assert other_output == ""
    assert {path.name for path in (folder / "together1").iterdir()} == {"cache"}
    trained = load_network(folder / "together0" / "fashion.model")
    assert trained.predict(np.zeros((1, 32, 32, 3), np.float32)).shape == (1, 6)


def test_two_devices_train_as_one_would(folder, output_of_two_devices, expected_losses):
    assert "training network" in output_of_two_devices
    np.testing.assert_allclose(losses(folder / "devices"), expected_losses, rtol=1e-6)


def test_two_devices_balance_labels_as_one_would(folder, expected_losses):
    finished_at_once(folder, ["--balance"], {"balanced": 1, "balanced_devices": 2})
    np.testing.assert_allclose(
        losses(folder / "balanced_devices"), losses(folder / "balanced"), rtol=1e-6
    )
    assert losses(folder / "balanced") != expected_losses


def test_a_worker_that_dies_ends_the_other_and_both_go_on_with_resume(folder, expected_losses):
    arguments = ["killed", *SETTINGS, "--report", "report.json"]
    chief, other = start_workers(folder, *arguments)
    assert any(line.startswith("Epoch 2/3") for line in chief.stdout)
    other.send_signal(signal.SIGKILL)
    other.communicate()
    _, errors = chief.communicate(timeout=60)
    assert chief.returncode == 1
    assert "Traceback" not in errors
    assert "worker 1 (127.0.0.1:" in errors.splitlines()[-1]
    assert "--resume" in errors.splitlines()[-1]

    workers = start_workers(folder, *arguments, "--resume")
    (output, weights), (_, other_weights) = map(finished, workers)
    assert "resuming after epoch 1" in output
    assert weights == other_weights != []
    np.testing.assert_allclose(losses(folder / "killed0"), expected_losses, rtol=1e-6)


def test_workers_with_other_settings_are_told_which_differ(folder):
    seeds = ["--seed", "1"], ["--seed", "2"]
    for process in start_workers(folder, "different", *SETTINGS, own=seeds):
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 2
        assert "workers differ in --seed" in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_worker_and_the_loss_of_it_the_other(folder, number):
    chief, other = start_workers(folder, number.name, *SETTINGS, "--epochs", "1000")
    assert any(line.startswith("Epoch 2/1000") for line in chief.stdout)
    chief.send_signal(number)
    _, errors = chief.communicate(timeout=60)
    assert chief.returncode == 130, errors
    assert "interrupted" in errors.splitlines()[-1]
    assert (folder / f"{number.name}0" / "fashion.model.checkpoint").is_file()
    assert "worker 0 (127.0.0.1:" in other.communicate(timeout=60)[1].splitlines()[-1]
    assert other.returncode == 1


def test_a_worker_that_is_about_to_end_is_named_once_it_has(monkeypatch):
    ending = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{ending.getsockname()[1]}"
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": [address]}}))
    monkeypatch.setattr(workers, "in_several_processes", lambda strategy: True)

    def accept_once():
        ending.accept()[0].close()
        ending.close()

    threading.Thread(target=accept_once).start()
    with (
        pytest.raises(UserError, match=f"worker 0 .{address}. no longer answers"),
        workers.lost_workers_named(tf.distribute.get_strategy()),
    ):
        raise tf.errors.CancelledError(None, None, "the other side hung up")


def test_an_error_that_no_lost_worker_explains_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(workers, "SECONDS_TO_END", 0)
    monkeypatch.setattr(workers, "in_several_processes", lambda strategy: True)
    with socket.create_server(("127.0.0.1", 0)) as here:
        address = f"127.0.0.1:{here.getsockname()[1]}"
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": [address]}}))
        with (
            pytest.raises(tf.errors.InternalError),
            workers.lost_workers_named(tf.distribute.get_strategy()),
        ):
            raise tf.errors.InternalError(None, None, "something else")


def test_keras_still_needs_each_cure_for_several_processes():
    # Once this fails because Keras does without one of them, that method of InStep can go.
    script = ROOT / "tests" / "training" / "fit_without_cures.py"
    processes = [
        subprocess.Popen(
            [sys.executable, script],
            env=os.environ | {"TF_CONFIG": json.dumps(tf_config)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for tf_config in two_workers()
    ]
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert output.splitlines() == ["cured False", "peeking True", "logs True"], errors


def test_a_worker_with_an_ipv6_address_is_asked_without_the_brackets(monkeypatch):
    asked = []

    def refuse(address, timeout):
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["[::1]:2222"]}}))
    monkeypatch.setattr(workers.socket, "create_connection", refuse)
    assert workers.unreachable_workers() == ["worker 0 ([::1]:2222)"]
    assert asked == [("::1", 2222)]
