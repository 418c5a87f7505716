from itertools import chain

import pytest

from pyimagesearch.command_lines.train import (
    output_files,
    outputs_reserved,
    parse_arguments,
    write_nothing,
)
from pyimagesearch.errors import UserError


@pytest.fixture
def parsed(monkeypatch):
    def parse(*flags):
        monkeypatch.setattr("sys.argv", ["train.py", *flags])
        return parse_arguments("Train.")

    return parse


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ([], "auto"),
        (["--recolor"], None),
        (["--recolor", "7"], 7),
        (["--no-recolor"], 0),
    ],
)
def test_images_are_composed_unless_the_user_wants_none(parsed, flags, wanted):
    assert parsed(*flags).recolor == wanted


def test_the_defaults_are_the_tutorials(parsed):
    args = parsed()
    assert (args.epochs, args.learning_rate, args.batch_size) == (75, 1e-3, 32)
    assert (args.image_size, args.test_size) == (96, 0.2)
    assert (args.model, args.labelbin, args.plot) == ("fashion.model", "mlb.pickle", "plot.png")


def test_the_tutorials_short_flags_are_known(parsed):
    args = parsed("-d", "photos", "-m", "a.model", "-l", "a.pickle", "-p", "a.png")
    assert (args.dataset, args.model, args.labelbin, args.plot) == (
        *("photos", "a.model"),
        *("a.pickle", "a.png"),
    )


@pytest.mark.parametrize("flags", [["--recolor", "0"], ["--recolor-part", "0"], ["--fit", "crop"]])
def test_a_wrong_value_is_one_line(parsed, capsys, flags):
    with pytest.raises(SystemExit) as ended:
        parsed(*flags)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_run_writes_the_files_that_its_flags_name_and_a_checkpoint(parsed):
    files = output_files(parsed("--errors", "errors.png", "-m", "a.model"))
    assert files["--model"] == "a.model"
    assert files["--errors"] == "errors.png"
    assert files["--recolor-preview"] is None
    assert "a.model.checkpoint" in map(str, files.values())
    assert len(files) == 8


def test_an_audit_writes_nothing_but_its_table_and_the_picture_beside_it(parsed):
    files = output_files(parsed("--audit", "a/audit.csv"))
    assert set(map(str, files.values())) == {"a/audit.csv", "a/audit.png"}


def test_an_audit_keeps_no_other_run_off_the_files_that_it_does_not_write(parsed):
    args = parsed("--audit", "a.csv", "--export", "onnx", "--tensorboard", "runs", "--log", "l")
    assert [args.model, args.log, args.tensorboard, args.export] == [None, None, None, []]


def test_all_that_a_run_writes_can_be_left_out(parsed):
    outputs = {
        "--model": "m",
        "--labelbin": "l",
        "--plot": "p",
        "--errors": "e.png",
        "--report": "r",
        "--log": "g",
        "--tensorboard": "t",
        "--recolor-preview": "c.png",
        "--export": "onnx",
    }
    args = parsed(*chain(*outputs.items()))
    write_nothing(args)
    assert not any(getattr(args, flag[2:].replace("-", "_")) for flag in outputs)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--labels", "t.csv", "--log", "t.csv"], "cannot be both --labels and --log"),
        (["--labels", "labels.txt", "--export", "onnx"], "both --labels and the labels of"),
        (["--export", "onnx", "--plot", "fashion.onnx"], "both --plot and the onnx export"),
        (["--export", "openvino", "--report", "fashion.bin"], "both --report and the .bin of"),
        (["--export", "saved_model", "--plot", "fashion_saved_model"], "and --plot fashion_"),
        (["--report", "fashion.model.checkpoint"], "both --report and the checkpoint"),
        (["--audit", "a.png"], "a.png is where the picture goes: name the table"),
        (["--errors", "a.pdf"], "ends in .jpg or .png"),
        (["--tensorboard", "runs", "--model", "missing/a.model"], "does not exist"),
        (["--tensorboard", "t.csv"], "cannot write t.csv: File exists"),
        (["--tensorboard", "run", "--model", "run"], "cannot be both --tensorboard and --model"),
        (["--tensorboard", "caf\udce9"], "needs a name in UTF-8"),
        (["--model", "caf\udce9.model", "--export", "onnx"], "need a name in UTF-8"),
        (["--model", "a" * 250], "too long"),
        (["--model", "."], "is a folder"),
        (["--model", ".", "--export", "onnx"], "is a folder"),
        (["--resume"], "there is no checkpoint fashion.model.checkpoint"),
    ],
)
def test_an_output_that_cannot_be_or_replaces_another_file_is_refused(
    parsed, tmp_path, monkeypatch, flags, complaint
):
    monkeypatch.chdir(tmp_path)
    for name in ("t.csv", "labels.txt"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=complaint), outputs_reserved(parsed(*flags)):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"t.csv", "labels.txt"}


@pytest.mark.parametrize(
    ("flag", "path"),
    [
        ("--report", "link/kept"),
        ("--labelbin", "link/kept"),
        ("--labels", "link/kept"),
        ("--dataset", "link/kept"),
        ("--tensorboard", "link/kept"),
        ("--tensorboard", "link"),
    ],
)
def test_nothing_of_a_run_may_lie_in_a_folder_that_an_export_replaces(
    parsed, tmp_path, monkeypatch, flag, path
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fashion_saved_model").mkdir()
    (tmp_path / "fashion_saved_model" / "saved_model.pb").touch()
    (tmp_path / "link").symlink_to("fashion_saved_model")
    args = parsed("--export", "saved_model", flag, path)
    complaint = f"replace the folder fashion_saved_model, and {flag} {path} with it"
    with pytest.raises(UserError, match=complaint), outputs_reserved(args):
        pass


def test_the_chief_of_several_workers_looks_for_the_checkpoint_when_the_others_can_hear_of_it(
    parsed, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TF_CONFIG", "{}")
    with outputs_reserved(parsed("--resume")):
        pass


def test_outputs_that_can_be_written_are_reserved_in_their_folders(parsed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args = parsed("--export", "onnx", "saved_model", "--tensorboard", "runs", "--log", "l.csv")
    with outputs_reserved(args):
        with pytest.raises(UserError, match="another run"), outputs_reserved(args):
            pass
        # An audit writes other files.
        with outputs_reserved(parsed("--audit", "audit.csv", "--errors", "a.pdf")):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_flags_for_several_values_may_be_repeated(parsed):
    assert parsed("--export", "onnx", "--export", "litert").export == ["onnx", "litert"]
    assert parsed().export == []


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--labels", "t.csv", "--recolor"], "--recolor is for labels from folders"),
        (["--labels", "t.csv", "--recolor-part", "1"], "--recolor-part is for labels from folders"),
        (["--labels", "t.csv", "--audit", "a.csv"], "--audit judges the labels of folders"),
        (["--no-recolor", "--recolor-preview", "p.png"], "none are to be composed"),
        (["--quantize", "--export", "onnx"], "--quantize is for --export litert"),
        (["--image-size", "11"], "--image-size"),
        (["--audit", "."], "is a folder"),
        (["--audit", "/"], "is a folder"),
    ],
)
def test_flags_that_do_not_go_together_or_name_no_file_are_refused(
    parsed, capsys, flags, complaint
):
    with pytest.raises(SystemExit) as ended:
        parsed(*flags)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
