"""Clips and cameras, labelled by classify.py in a process of its own."""

import json
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from clips import BLUE, RED, read_clip, write_clip
from keras import layers
from running import ROOT, run_python

from pyimagesearch.artifacts.model_file import save_model

pytestmark = pytest.mark.slow

METADATA = {"labels": ["blue", "green", "red"], "image_size": 8, "fit": "pad"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a clip, blue and then red, and a network that sees colours."""
    folder = tmp_path_factory.mktemp("video")
    network = [layers.Input((8, 8, 3)), layers.Flatten(), layers.Dense(3)]
    model = keras.Sequential([*network, layers.Activation("sigmoid")])
    kernel = np.tile(np.eye(3), (64, 1)) * 10 / 64
    model.layers[1].set_weights([kernel, np.full(3, -4.0)])
    save_model(folder / "fashion.model", model, METADATA)
    write_clip(folder / "clip.mp4", [BLUE, RED], seconds=2, rate=30, size=(320, 240))
    return folder


def command(*arguments):
    return [ROOT / "classify.py", "-i", *arguments, "--top", "1", "--no-display"]


def run(folder, *arguments):
    return run_python(*command(*arguments), folder=folder)


def test_a_clip_is_labelled_in_lines_and_in_a_file(folder):
    result = run(folder, "clip.mp4", "--output", "out/labelled.mp4")
    assert (result.returncode, result.stderr) == (0, "")
    told = [line for line in result.stdout.splitlines() if line.startswith("[INFO]")]
    rows = [line.split() for line in result.stdout.splitlines() if "%" in line]
    assert [row[1] for row in rows] == ["blue", "red"]
    assert rows[0][0] == "0:00.0"
    assert "2.0" <= rows[1][0].partition(":")[2].lstrip("0") < "2.6"
    assert "[INFO] labelling clip.mp4..." in told
    assert "unknown" not in result.stdout
    assert "120 frames in" in told[-1]
    frames, rate = read_clip(folder / "out" / "labelled.mp4")
    assert (len(frames), rate, frames[0].shape) == (120, 30, (240, 320, 3))
    # Of the scenes, nothing is green.
    assert all((frame[:40, :, 1] > 100).sum() > 50 for frame in frames)
    assert all((frame[40:, :, 1] > 100).sum() == 0 for frame in frames)
    assert [path.name for path in (folder / "out").iterdir()] == ["labelled.mp4"]


def test_programs_get_a_line_a_second_and_a_change(folder):
    result = run(folder, "clip.mp4", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    labels = [line["labels"][0]["label"] for line in lines]
    assert labels == ["blue"] * 3 + ["red"] * 2
    assert {line["image"] for line in lines} == {"clip.mp4"}
    assert [line["seconds"] for line in lines[:3]] == pytest.approx([0, 1, 2], abs=0.01)
    assert list(lines[0]["probabilities"]) == ["blue", "green", "red"]


def test_what_cannot_be_read_is_one_line_each(folder):
    (folder / "bad.mp4").write_bytes(b"\x00\x00\x00\x1cftypisom" + bytes(1000))
    (folder / "empty.avi").touch()
    result = run(folder, "bad.mp4", "empty.avi")
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        "classify.py: cannot read bad.mp4: damaged, or of a kind that is not read",
        "classify.py: cannot read empty.avi: the file is empty",
    ]
    result = run(folder, "bad.mp4", "clip.mp4", "--csv")
    assert result.returncode == 1
    header, bad, *rows = result.stdout.splitlines()
    assert header == "image,seconds,labels,blue,green,red,note,error,unknown,nearness"
    assert bad.startswith('bad.mp4,,,,,,,"damaged')
    assert rows[0].startswith("clip.mp4,0.000,blue,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["camera:999"], "classify.py: there is no camera 999"),
        (
            ["clip.mp4", "."],
            "classify.py: clip.mp4 is a clip and . is not: classify them separately",
        ),
        (["clip.mp4", "--explain", "a.jpg"], "classify.py: --explain shows where labels are seen"),
        (
            ["clip.mp4", "--output", "a.jpg"],
            "classify.py: cannot write a.jpg: use a name that ends",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(folder, arguments, message):
    result = run(folder, *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(message)
    assert len(result.stderr.splitlines()) == 1


def test_ctrl_c_leaves_no_file(folder):
    write_clip(folder / "long.mp4", [BLUE] * 20, rate=30, size=(320, 240))
    process = subprocess.Popen(
        [sys.executable, *command("long.mp4", "--output", "long_labelled.mp4")],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if "0:00.0" in line:
            process.send_signal(signal.SIGINT)
            break
    _, complaints = process.communicate(timeout=300)
    assert (process.returncode, complaints) == (130, "classify.py: interrupted\n")
    assert not list(folder.glob("*long_labelled*"))
