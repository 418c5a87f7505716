import errno
import json
import os
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from running import ROOT, run_python

from pyimagesearch.artifacts import export, export_formats
from pyimagesearch.command_lines.train import EXPORT_FORMATS
from pyimagesearch.errors import BAD_INPUT, WORK_FAILED, UserError
from pyimagesearch.garments.writing import write_dataset
from pyimagesearch.light_imports import import_openvino_lightly
from pyimagesearch.outputs import reserved

PYTHON_PATH = {"PYTHONPATH": str(ROOT)}


def test_the_scripts_flag_names_every_format():
    assert set(EXPORT_FORMATS) == set(export_formats.FORMATS)


def test_openvino_is_the_last_to_predict():
    assert [*export_formats.FORMATS][-1] == "openvino"


def test_exports_lie_beside_the_model(tmp_path):
    paths = export.export_paths(tmp_path / "fashion.model", ["openvino", "saved_model"])
    assert [path.name for path in paths.values()] == ["fashion.xml", "fashion_saved_model"]
    assert {path.parent for path in paths.values()} == {tmp_path}


def test_a_missing_runtime_is_one_line_that_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(export_formats.importlib.util, "find_spec", lambda name: None)
    # cmd.exe passes single quotes on.
    needed = r'needs ai_edge_litert.*: pip install "\.\[export\]"'
    with pytest.raises(UserError, match=needed) as caught:
        export.export_paths(tmp_path / "fashion.model", ["litert"])
    assert caught.value.exit_code == BAD_INPUT


def test_a_folder_of_something_else_is_not_replaced(tmp_path):
    (tmp_path / "fashion_saved_model").mkdir()
    with pytest.raises(UserError, match=r"holds no saved_model\.pb"):
        export.export_paths(tmp_path / "fashion.model", ["saved_model"])


def test_a_network_that_predicts_something_else_is_not_moved_into_place(
    archive, tmp_path, monkeypatch
):
    (tmp_path / "fashion.model").write_bytes(archive.read_bytes())
    before = sorted(path.name for path in tmp_path.iterdir())
    wrong = export_formats.FORMATS["onnx"]._replace(
        write=lambda network, path, labels: path.touch(),
        load=lambda path: lambda images: np.zeros((len(images), 2), np.float32),
    )
    monkeypatch.setitem(export_formats.FORMATS, "onnx", wrong)
    with pytest.raises(UserError, match="differ by") as caught:
        export.export_model(tmp_path / "fashion.model", {"onnx": tmp_path / "fashion.onnx"})
    assert caught.value.exit_code == WORK_FAILED
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def write_text_as_on_windows(path, text, encoding=None):
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding or "cp1252"))


@pytest.mark.slow
@pytest.mark.parametrize("write_text", [Path.write_text, write_text_as_on_windows])
def test_whoever_replaces_the_labels_of_other_exports_is_told_so(
    archive, tmp_path, monkeypatch, write_text
):
    monkeypatch.setattr(Path, "write_text", write_text)
    (tmp_path / "fashion.model").write_bytes(archive.read_bytes())
    as_before = export_formats.FORMATS["onnx"]._replace(
        write=lambda network, path, labels: path.touch(), load=lambda path: None
    )
    monkeypatch.setitem(export_formats.FORMATS, "onnx", as_before)
    monkeypatch.setattr(export, "_exported", lambda network, name, path, **_: path.touch())
    monkeypatch.setattr(export, "compared", lambda *_, **__: "all is well")
    said = []
    for before in (None, "cat\ndog\n", None):
        if before:
            (tmp_path / "labels.txt").write_text(before)
        paths = {"onnx": tmp_path / "fashion.onnx"}
        export.export_model(tmp_path / "fashion.model", paths, say=said.append)
    assert [line.count("had other labels") for line in said] == [0, 0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize("given", ["image.jpg", "missing"])
def test_images_to_compare_on_that_are_no_folder_are_refused(archive, tmp_path, given):
    (tmp_path / "image.jpg").touch()
    paths = {"onnx": tmp_path / "fashion.onnx"}
    with pytest.raises(UserError, match=f"{given} is not a folder: give a folder of images"):
        export.export_model(archive, paths, tmp_path / given)


def test_what_a_killed_run_left_beside_an_export_is_removed(archive, tmp_path, monkeypatch):
    path = tmp_path / "fashion_saved_model"
    litter = tmp_path / f".{path.name}.0123456789abcdef.partial"
    litter.mkdir()
    refused = export_formats.FORMATS["saved_model"]._replace(write=lambda *_: 1 / 0)
    monkeypatch.setitem(export_formats.FORMATS, "saved_model", refused)
    with pytest.raises(UserError, match="cannot be exported to saved_model"):
        export.export_model(archive, {"saved_model": path})
    assert not litter.exists()


@pytest.fixture
def two_disks(tmp_path, monkeypatch):
    """Two folders between which nothing can be renamed."""
    folders = tmp_path / "one", tmp_path / "other"
    for folder in folders:
        folder.mkdir()

    def within_a_disk(rename):
        def renamed(source, target):
            if not any(
                folder in Path(source).parents and folder in Path(target).parents
                for folder in folders
            ):
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            rename(source, target)

        return renamed

    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, within_a_disk(getattr(os, name)))
    return folders


def move(folder, paths):
    """Move an export of all formats from a folder beside the model into place."""
    made = folder / "made"
    (made / "fashion_saved_model").mkdir(parents=True)
    (made / "fashion_saved_model" / "saved_model.pb").write_text("new")
    for name in ("fashion.onnx", "fashion.xml", "fashion.bin"):
        (made / name).write_text("new")
    export._move(made, paths, ["red"])


def test_an_export_that_is_a_link_to_another_disk_stays_one(two_disks):
    one, other = two_disks
    (other / "old").mkdir()
    (other / "old" / "saved_model.pb").write_text("old")
    (other / "old.onnx").write_text("old")
    (other / "old.onnx").chmod(0o640)
    names = {"fashion.onnx": "old.onnx", "fashion.xml": "old.xml", "fashion_saved_model": "old"}
    for name, target in names.items():
        (one / name).symlink_to(other / target)
    paths = export.export_paths(one / "fashion.model", ["onnx", "openvino", "saved_model"])
    move(one, paths)
    assert {name: (one / name).readlink().name for name in names} == names
    assert sorted(path.name for path in other.iterdir()) == ["old", "old.onnx", "old.xml"]
    assert (other / "old" / "saved_model.pb").read_text() == "new"
    assert (other / "old.xml").read_text() == (one / "fashion.bin").read_text() == "new"
    assert (other / "old.onnx").read_text() == "new"
    assert (other / "old.onnx").stat().st_mode & 0o777 == 0o640


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Run the command with flags in a folder of its own, as far as to the export itself."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export, "export_model", lambda *_, **__: None)

    def run(*flags):
        monkeypatch.setattr(sys, "argv", ["export", *flags])
        export.main()

    return run


@pytest.mark.parametrize("output", [".", "/"])
@pytest.mark.parametrize("form", ["saved_model", "onnx"])
def test_an_output_without_a_name_is_refused(command, output, form):
    with pytest.raises(UserError, match="is not a name"):
        command("--format", form, "--output", output)


@pytest.mark.parametrize("flag", ["--model", "--labelbin", "--images"])
def test_an_export_replaces_no_folder_that_holds_what_it_is_made_of(tmp_path, command, flag):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "saved_model.pb").touch()
    with pytest.raises(UserError, match=f"replace the folder out, and {flag} out/kept with it"):
        command("--format", "saved_model", "--output", "out", flag, "out/kept")


@pytest.mark.parametrize(
    ("flag", "kept", "name"),
    [
        ("--model", "fashion.onnx", "the onnx export"),
        ("--labelbin", "labels.txt", "the labels of the export"),
    ],
)
def test_an_export_replaces_no_file_that_it_is_made_of(command, flag, kept, name):
    with pytest.raises(UserError, match=f"{kept} cannot be both {flag} and {name}"):
        command("--format", "onnx", "--output", "fashion.onnx", flag, kept)


def test_the_command_keeps_other_runs_off_its_files(command, monkeypatch):
    def export_model(*_, **__):
        with pytest.raises(UserError, match="another run"), reserved({"weights": "fashion.bin"}):
            pass
        exported.append("fashion.bin")

    exported = []
    monkeypatch.setattr(export, "export_model", export_model)
    command("--format", "openvino", "--output", "fashion.xml")
    assert exported


@pytest.mark.parametrize("name", ["fashion.bin", "labels.txt"])
def test_the_command_removes_what_a_killed_run_left_beside_any_file(tmp_path, command, name):
    (tmp_path / f".{name}.0123456789abcdef.partial{Path(name).suffix}").touch()
    command("--format", "openvino", "--output", "fashion.xml")
    assert list(tmp_path.iterdir()) == []


WRITE_AND_LOAD = """
import contextlib
import sys
from pathlib import Path
from pyimagesearch.artifacts import export_formats

export_formats._export = lambda *_: None
path = Path("fashion.xml")
if "write" in sys.argv:
    # OpenVINO finds no network to convert, which it would report, too.
    with contextlib.suppress(Exception):
        export_formats._write_openvino(None, path, ["red"])
else:
    export_formats._load_openvino(path)
print("openvino.tools.ovc" in sys.modules, sys.modules.get("openvino_telemetry"))
"""


@pytest.mark.parametrize("step", ["write", "load"])
def test_an_export_to_openvino_reports_nothing_and_writes_no_id(tmp_path, step):
    import_openvino_lightly()
    import openvino
    from openvino import opset13 as ops

    images = ops.parameter([-1, 3], np.float32)
    openvino.serialize(openvino.Model([ops.relu(images)], [images]), tmp_path / "fashion.xml")
    home = tmp_path / "home"
    home.mkdir()
    result = run_python("-c", WRITE_AND_LOAD, step, folder=tmp_path, HOME=str(home), **PYTHON_PATH)
    assert result.stdout == "True None\n", result.stderr
    assert list(home.iterdir()) == []


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with a network that was trained for an epoch, in all formats; and the output."""
    folder = tmp_path_factory.mktemp("exported")
    write_dataset(folder / "dataset", [("red", "dress"), ("blue", "jeans")], 12, size=96)
    settings = ["--epochs", 1, "--no-recolor", "--no-cache", "--export", *EXPORT_FORMATS]
    home = tmp_path_factory.mktemp("home")
    result = run_python(ROOT / "train.py", *settings, folder=folder, HOME=str(home))
    assert not (home / "intel").exists()  # OpenVINO's usage reports
    assert result.returncode == 0, result.stderr
    return folder, result


@pytest.mark.slow
def test_training_exports_all_formats_and_compares_them(exported):
    folder, result = exported
    assert result.stderr == ""
    assert result.stdout.count("probabilities differ by at most") == len(EXPORT_FORMATS)
    usual = {"dataset", "fashion.model", "mlb.pickle", "plot.png"}
    files = {"fashion.tflite", "fashion.onnx", "fashion.xml", "fashion.bin", "labels.txt"}
    assert {path.name for path in folder.iterdir()} == usual | files | {"fashion_saved_model"}


@pytest.mark.slow
def test_the_labels_are_beside_the_files_and_in_them(exported):
    folder, _ = exported
    text = (folder / "labels.txt").read_text()
    assert text == "blue\ndress\njeans\nred\n"
    assert zipfile.ZipFile(folder / "fashion.tflite").read("labels.txt").decode() == text
    assert (folder / "fashion_saved_model" / "assets.extra" / "labels.txt").read_text() == text
    assert json.dumps(text.split()).encode() in (folder / "fashion.onnx").read_bytes()
    assert '<labels value="blue dress jeans red" />' in (folder / "fashion.xml").read_text()


@pytest.mark.slow
def test_no_export_names_the_folder_that_it_was_made_in(exported):
    folder, _ = exported
    files = [path for path in folder.rglob("*") if path.is_file() and "fashion" in str(path.name)]
    files += (folder / "fashion_saved_model").rglob("*.pb")
    assert len(files) > 5
    for file in files:
        assert folder.name.encode() not in file.read_bytes(), file


@pytest.mark.slow
def test_a_file_with_8_bit_weights_is_a_quarter_as_large_and_keeps_the_labels(exported):
    folder, _ = exported
    module = ["-m", "pyimagesearch.artifacts.export", "--model", "fashion.model"]
    flags = ["--format", "litert", "--quantize", "--output", "small.tflite"]
    images = ["--images", "dataset/red_dress"]
    result = run_python(*module, *flags, *images, folder=folder, **PYTHON_PATH)
    assert (result.returncode, result.stderr) == (0, "")
    first, last = result.stdout.splitlines()
    assert re.match(r"\[INFO\] small\.tflite: the same labels in \d+ of 12 images", first)
    assert last == "[INFO] exported to small.tflite, labels in labels.txt"
    size, small = ((folder / name).stat().st_size for name in ("fashion.tflite", "small.tflite"))
    assert small / size == pytest.approx(0.25, abs=0.01)


EXPORT_MIXED = """
import keras
import numpy as np
from pyimagesearch.artifacts import export, export_formats, model_file

keras.config.set_dtype_policy("mixed_float16")
last = [keras.layers.Dense(2, activation="sigmoid")]
own = [keras.layers.Input((24, 24, 3)), keras.layers.GlobalAveragePooling2D(), *last]
metadata = {"labels": ["blue", "jeans"], "image_size": 24}
model_file.save_model("own.keras", keras.Sequential(own), metadata)
keras.config.set_dtype_policy("float32")
paths = export.export_paths("own.keras", ["saved_model"])
export.export_model("own.keras", paths)
predict = export_formats.FORMATS["saved_model"].load(paths["saved_model"])
print(predict(np.zeros((1, 24, 24, 3), np.uint8)).dtype)
network, _ = export._network("own.keras")
print(export_formats.taking_bytes(network, 1, for_quantizing=True).outputs[0].dtype)
"""


@pytest.mark.slow
def test_a_network_of_half_precision_is_exported_to_return_float32(tmp_path):
    result = run_python("-c", EXPORT_MIXED, folder=tmp_path, **PYTHON_PATH)
    assert result.stdout.splitlines() == ["float32", "float32"], result.stderr


@pytest.mark.slow
def test_the_script_in_the_docs_answers_as_classify_py_does(exported):
    folder, _ = exported
    script = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "export.md").read_text(), re.S)[1]
    assert len(script.splitlines()) == 10
    (folder / "script.py").write_text(script)
    (folder / "examples").symlink_to(ROOT / "examples")
    images = [f"examples/example_0{number}.jpg" for number in range(1, 8)]
    said = run_python("script.py", folder=folder)
    assert said.returncode == 0, said.stderr
    answered = run_python(ROOT / "classify.py", "--json", "-i", *images, folder=folder)
    for line, record in zip(
        said.stdout.splitlines(), map(json.loads, answered.stdout.splitlines()), strict=True
    ):
        path, *labels = re.split(r" (?=\w+: )", line)
        assert path == record["image"]
        for label in labels:
            name, percent = label.rstrip("%").split(": ")
            assert float(percent) / 100 == pytest.approx(record["probabilities"][name], abs=1e-3)
    for name in ("script.py", "examples"):
        (folder / name).unlink()
