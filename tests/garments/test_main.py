import sys
from pathlib import Path

import pytest
from running import run_python

from pyimagesearch.console import run
from pyimagesearch.garments import __main__
from pyimagesearch.garments.scenes import COMBINATIONS
from pyimagesearch.garments.writing import write_dataset


@pytest.fixture
def command(monkeypatch, capfd, tmp_path):
    """Run the command in this process; return its exit code, stdout and stderr."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["garments", *map(str, arguments)])
        try:
            code = run(__main__.main)
        except SystemExit as left:
            code = left.code
        return code, *capfd.readouterr()

    return call


def test_the_module_runs_and_writes_what_write_dataset_writes(tmp_path):
    output, expected = tmp_path / "output", tmp_path / "expected"
    options = ["--output", output, "--per-combination", "2", "--seed", "9", "--size", "48"]
    done = run_python("-m", "pyimagesearch.garments", *options)
    assert (done.returncode, done.stderr) == (0, "")
    write_dataset(expected, COMBINATIONS, 2, seed=9, size=48)
    written = sorted(path.relative_to(output) for path in output.rglob("*.jpg"))
    assert written == sorted(path.relative_to(expected) for path in expected.rglob("*.jpg"))
    assert len(written) == 12
    for path in written:
        assert (output / path).read_bytes() == (expected / path).read_bytes()


def test_the_examples_are_written(command, tmp_path):
    code, output, complaints = command("--examples", tmp_path / "x", "--seed", 3, "--size", 32)
    assert (code, complaints) == (0, "")
    assert "7 examples" in output
    assert len(list((tmp_path / "x").glob("example_0?.jpg"))) == 7


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--output"),
        (("--output", "x", "--per-combination", "none"), "'none'"),
        (("--output", "x", "--per-combination", "0"), "'0'"),
        (("--output", "x", "--seed", "-1"), "'-1'"),
        (("--output", "x", "--size", "3"), "'3'"),
        (("--output", "x", "--examples", "y"), "--examples"),
        (("--examples", "x", "--per-combination", "2"), "--per-combination has no use"),
        (("--output", "full"), "not empty"),
        (("--output", Path(__file__, "x")), "test_main.py"),
    ],
)
def test_a_mistake_is_reported_in_one_line(command, arguments, told):
    code, output, complaints = command(*arguments)
    assert (code, output) == (2, "")
    assert len(complaints.splitlines()) == 1
    assert told in complaints


def test_the_help_names_every_option(command):
    code, output, _ = command("--help")
    assert code == 0
    for option in ("--output", "--examples", "--per-combination", "--seed", "--size"):
        assert option in output
