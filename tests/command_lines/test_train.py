from pathlib import Path

import pytest

from pyimagesearch.command_lines.train import output_files, parse_arguments


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


def test_a_run_writes_the_files_that_its_flags_name(parsed):
    files = output_files(parsed("--errors", "errors.png"))
    assert files["--model"] == "fashion.model"
    assert files["--errors"] == "errors.png"
    assert files["--recolor-preview"] is None
    assert len(files) == 7


def test_an_audit_writes_nothing_but_its_table_and_the_picture_beside_it(parsed):
    assert set(output_files(parsed("--audit", "a/audit.csv")).values()) == {
        *("a/audit.csv", str(Path("a/audit.png"))),
    }


def test_a_file_is_no_folder_for_tensorboard(parsed, tmp_path, capsys):
    (tmp_path / "runs").touch()
    with pytest.raises(SystemExit) as ended:
        parsed("--tensorboard", str(tmp_path / "runs"))
    assert ended.value.code == 2
    assert "is a file" in capsys.readouterr().err
    parsed("--tensorboard", str(tmp_path / "other"))
