"""Runs of train.py that a signal ends, and what becomes of them with --resume."""

import json
import signal
import subprocess
import sys

import pytest
from running import ROOT, run_python

from pyimagesearch.garments.writing import write_dataset

pytestmark = pytest.mark.slow

SHORT_RUN = ["--epochs", 4, "--image-size", 24, "--no-cache"]


@pytest.fixture
def folder(tmp_path):
    """A folder with a dataset of two combinations."""
    combinations = [("black", "jeans"), ("blue", "jeans")]
    write_dataset(tmp_path / "dataset", combinations, per_combination=20, seed=2, size=32)
    return tmp_path


def stopped(*arguments, folder, after, number):
    """Start train.py, send it a signal after a line of its output; its exit code and output."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if after in line:
            process.send_signal(number)
            break
    rest, _ = process.communicate(timeout=300)
    return process.returncode, "".join(lines) + rest


def metrics(output):
    """The numbers of a run's last epoch and of its test, without the time they took."""
    last_epoch = [
        line.partition("step - ")[2] for line in output.splitlines() if "val_loss" in line
    ]
    return last_epoch[-1:] + [line for line in output.splitlines() if "accuracy: " in line[:30]]


def test_a_killed_run_taken_up_again_ends_with_the_numbers_of_one_that_was_not(folder):
    whole = run_python(ROOT / "train.py", *SHORT_RUN, folder=folder)
    before = (folder / "fashion.model").read_bytes()
    code, _ = stopped(*SHORT_RUN, folder=folder, after="Epoch 3/4", number=signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert (folder / "fashion.model").read_bytes() == before
    resumed = run_python(ROOT / "train.py", *SHORT_RUN, "--resume", folder=folder)
    assert resumed.returncode == 0, resumed.stderr
    assert "Epoch 2/4" not in resumed.stdout
    assert metrics(resumed.stdout) == metrics(whole.stdout)
    assert not list(folder.glob("*.checkpoint")) + list(folder.glob(".*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_was_learnt(folder, number):
    # So many epochs do not end before the signal arrives.
    flags = [*SHORT_RUN, "--epochs", 300, "--report", "report.json"]
    code, output = stopped(*flags, folder=folder, after="Epoch 2/300", number=number)
    assert code == 130
    assert f"ended by {number.name}" in output
    assert "Epoch 300/300" not in output
    for name in ("fashion.model", "mlb.pickle", "plot.png", "fashion.model.checkpoint"):
        assert (folder / name).exists()
    assert json.loads((folder / "report.json").read_text())["ended_by"] == number.name


def test_a_run_that_is_interrupted_in_its_first_epoch_does_not_replace_a_model(folder):
    (folder / "fashion.model").write_bytes(b"of an earlier run")
    # Tracing the first step takes longer than sending the signal.
    code, output = stopped(
        *(*SHORT_RUN, "--batch-size", 2), folder=folder, after="Epoch 1/4", number=signal.SIGINT
    )
    assert code == 130
    assert "fashion.model stays as it is" in output
    assert (folder / "fashion.model").read_bytes() == b"of an earlier run"
    assert not (folder / "mlb.pickle").exists()
