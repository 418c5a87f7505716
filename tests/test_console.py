import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch import arguments, console, errors


@given(st.text())
def test_printable_text_is_one_harmless_line(text):
    printed = console.printable(text)
    assert all(character.isprintable() for character in printed)
    printed.encode()


def test_printable_text_keeps_letters_of_every_script():
    assert console.printable("dataset/синие 图 ü.jpg") == "dataset/синие 图 ü.jpg"


def test_terminal_escapes_and_undecodable_bytes_are_spelt_out():
    assert console.printable("\x1b[31m\n\udcff") == r"\x1b[31m\n\udcff"


def test_a_users_error_is_one_line_and_its_exit_code(capsys):
    def fail():
        raise errors.UserError("no\nsuch file", errors.WORK_FAILED)

    assert console.run(fail) == errors.WORK_FAILED
    assert capsys.readouterr().err.count("\n") == 1


def test_a_programming_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        console.run(lambda: 1 // 0)


def test_an_interruption_is_one_line(capsys):
    def interrupted():
        raise KeyboardInterrupt

    assert console.run(interrupted) == errors.INTERRUPTED
    assert capsys.readouterr().err.endswith("interrupted\n")


def test_success_is_zero():
    assert console.run(lambda: None) == 0


@pytest.mark.parametrize("text", ["0", "11", "2.5", "many", ""])
def test_numbers_out_of_range_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="whole number from 1 to 10"):
        arguments.number(int, 1, 10)(text)


@pytest.mark.parametrize("text", ["nan", "inf", "-0.1"])
def test_numbers_that_are_none_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        arguments.number(float, 0, 1)(text)


def test_a_wrong_flag_is_one_line_and_bad_input(capsys):
    parser = arguments.ArgumentParser("does things", "examples: none")
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["--wrong"])
    assert caught.value.code == errors.BAD_INPUT
    assert capsys.readouterr().err.count("\n") == 1


def test_many_things_are_named_by_the_first_few():
    assert console.examples(["a", "b"]) == "a, b"
    assert console.examples(list("abcdefgh"), most=2) == "a, b and 6 more"


MISSING_LIBRARY = "libGL.so.1: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("NAME=Debian\nID=debian\n", "apt-get install -y libgl1"),
        ('ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="U 1"\n', "apt-get install -y libgl1"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "dnf install"),
        ("ID=something\n", "libgl1 or mesa-libGL"),
        ("", "libgl1 or mesa-libGL"),
    ],
)
def test_a_missing_library_is_met_with_the_command_that_installs_it(release, command):
    cure = console.missing_library_cure(ImportError(MISSING_LIBRARY), release)
    assert "libGL.so.1" in cure
    assert command in cure
    assert "\n" not in cure


def test_a_missing_library_ends_a_script_in_one_line(capsys):
    def fail():
        raise ImportError(MISSING_LIBRARY)

    assert console.run(fail) == errors.WORK_FAILED
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_any_other_import_error_keeps_its_traceback():
    def fail():
        raise ImportError("cannot import name 'x' from 'y'")

    with pytest.raises(ImportError):
        console.run(fail)


def test_progress_shows_only_on_a_terminal_of_its_own(monkeypatch, capsys):
    assert list(console.progress(iter("abc"), 3)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(console.progress(iter("abc"), 3)) == ["a", "b", "c"]
    assert "3/3" in capsys.readouterr().err


def test_a_word_is_taken_instead_of_a_number():
    parse = arguments.either("auto", arguments.number(float, 0, 1))
    assert (parse("auto"), parse("0.5")) == ("auto", 0.5)
    with pytest.raises(argparse.ArgumentTypeError):
        parse("automatic")


def test_help_shows_the_defaults_worth_knowing():
    parser = arguments.ArgumentParser("what it does", "examples")
    parser.add_argument("--epochs", default=75, help="how often")
    parser.add_argument("--log", help="where to")
    assert "how often (default: 75)" in parser.format_help()
    assert "None" not in parser.format_help()


@pytest.mark.parametrize(
    ("text", "count"),
    [("1", 1), ("1GB", 2**30), ("512m", 2**29), ("1.5 GiB", 3 * 2**29), ("2T", 2**41)],
)
def test_amounts_of_memory_are_read(text, count):
    assert arguments.bytes_of(text) == count


@pytest.mark.parametrize("text", ["", "0", "-1GB", "1XB", "GB", "1e9", "nan"])
def test_what_is_no_amount_of_memory_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="8GB"):
        arguments.bytes_of(text)
