import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch import console, errors


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


def test_many_things_are_named_by_the_first_few():
    assert console.examples(["a", "b"]) == "a, b"
    assert console.examples(list("abcdefgh"), most=2) == "a, b and 6 more"


MISSING_LIBRARY = "libGL.so.1: cannot open shared object file: No such file or directory"


def test_a_missing_library_is_named_with_the_package_that_holds_it():
    message = console.missing_library_message(ImportError(MISSING_LIBRARY))
    assert "libGL.so.1" in message
    assert "apt-get install libgl1" in message
    assert "\n" not in message


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


def test_progress_shows_on_a_terminal_that_shows_no_rows(monkeypatch, capsys):
    assert list(console.progress(iter("abc"), 3)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(console.progress(iter("abc"), 3)) == ["a", "b", "c"]
    assert "3/3" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert list(console.progress(iter("abc"), 3, prints_rows=True)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
