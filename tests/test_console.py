import ctypes
import errno
import io
import itertools
import os
import signal
import subprocess
import sys
import termios
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace

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
    error = errors.UserError("no such file", errors.WORK_FAILED)
    error.args = ("no\nsuch file",)

    def fail():
        raise error

    assert console.run(fail) == errors.WORK_FAILED
    assert capsys.readouterr().err.count("\n") == 1


def test_a_programming_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        console.run(lambda: 1 // 0)


def interrupted():
    raise KeyboardInterrupt


def interrupted_while_importing():
    raise ImportError("initialization failed") from KeyboardInterrupt()


def interrupted_before_an_import_failed():
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        raise ImportError("initialization failed")  # noqa: B904


@pytest.mark.parametrize(
    "interrupted",
    [interrupted, interrupted_while_importing, interrupted_before_an_import_failed],
)
@pytest.mark.usefixtures("press_ctrl_c")  # restores what Ctrl-C does
def test_an_interruption_is_one_line(capsys, interrupted):
    assert console.run(interrupted) == errors.INTERRUPTED
    assert capsys.readouterr().err.endswith("interrupted\n")


INTERRUPTED_TWICE = """
import signal
from pyimagesearch.console import run

run(lambda: signal.raise_signal(signal.SIGINT))
signal.raise_signal(signal.SIGINT)
"""


def test_a_second_interruption_ends_the_program_without_a_traceback():
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_TWICE], capture_output=True, text=True, check=False
    )
    assert result.returncode == -signal.SIGINT
    assert result.stderr.endswith("interrupted\n")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/train.py", "train.py"), ("pyimagesearch/garments/__main__.py", "garments")],
)
def test_a_complaint_begins_with_the_name_of_the_script_or_package(path, name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [path])
    console.complain("no")
    assert capsys.readouterr().err == f"{name}: no\n"


def test_success_is_zero():
    assert console.run(lambda: None) == 0


PROGRAM = """
import sys
from pathlib import Path
from pyimagesearch.console import complain, info, run
from pyimagesearch.streams import is_output_lost
from pyimagesearch.errors import UserError

def main():
    for number in range(3):
        info(f"line {number}, blå " + 70_000 * "x")
        complain("a warning, 図")
    Path("lost").write_text(str(is_output_lost()))
    if Path("fail").exists():
        raise UserError("bad input")

sys.exit(run(main))
"""
FULL = "/dev/full"
REDIRECTIONS = {"kept": "", "closed": "{}>&-", "full": f"{{}}>{FULL}", "gone": "{}> >(exit)"}
CODES = {"kept": 0, "closed": 0, "full": errors.WORK_FAILED, "gone": errors.READER_GONE}


def skip_without_full_device(*redirections):
    if any(FULL in redirection for redirection in redirections) and not Path(FULL).exists():
        pytest.skip(f"there is no {FULL} here, as on macOS")


def run_redirected(folder, *redirections):
    """Run the program in a shell; its exit code and what it printed on stdout and stderr."""
    skip_without_full_device(*redirections)
    (folder / "program.py").write_text(PROGRAM)
    shell = f"exec {sys.executable} program.py {' '.join(redirections)}"
    result = subprocess.run(
        ["bash", "-c", shell],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize(("stdout", "stderr"), [*itertools.product(REDIRECTIONS, repeat=2)])
def test_work_is_finished_without_a_traceback_whatever_becomes_of_the_output(
    tmp_path, stdout, stderr
):
    redirections = REDIRECTIONS[stdout].format(1), REDIRECTIONS[stderr].format(2)
    code, printed, complaints = run_redirected(tmp_path, *redirections, "<&-")
    assert code == CODES[stdout]
    assert (tmp_path / "lost").read_text() == str(stdout in ("full", "gone"))
    assert "Traceback" not in complaints
    assert "Error" not in complaints
    assert len(printed.splitlines()) == (3 if stdout == "kept" else 0)
    assert printed.count(r", bl\xe5 ") == len(printed.splitlines())
    says_so = "No space left on device" in complaints
    assert says_so == (stdout == "full" and stderr == "kept")
    assert complaints.count(r"a warning, \u56f3") == (3 if stderr == "kept" else 0)


@pytest.mark.parametrize(
    ("platform", "code"), [("win32", errors.READER_GONE), ("linux", errors.WORK_FAILED)]
)
def test_windows_calls_a_pipe_that_nobody_reads_an_invalid_argument(monkeypatch, platform, code):
    monkeypatch.setattr(sys, "platform", platform)
    error = OSError(errno.EINVAL, "Invalid argument")
    monkeypatch.setattr(console, "output_error", lambda: error)
    assert console.run(lambda: None) == code


def test_unbuffered_output_is_protected_too(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", f"{sys.executable} -u")
    code, _, complaints = run_redirected(tmp_path, "> >(exit)")
    assert (code, "Traceback" in complaints) == (errors.READER_GONE, False)


def test_a_reader_that_is_slower_than_the_work_misses_nothing(monkeypatch):
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    parts = []
    reader = threading.Thread(
        target=lambda: parts.extend(iter(partial(os.read, source, 4096), b""))
    )
    reader.start()
    try:
        with os.fdopen(sink, "w") as stdout, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stdout)
            assert console.run(lambda: console.info(*["x" * 99_000] * 100)) == 0
    finally:
        reader.join()
        os.close(source)
    assert b"".join(parts) == (b"[INFO] " + b"x" * 99_000 + b"\n") * 100


class OfNotebooks(io.TextIOBase):
    """A stream as notebooks and IDLE have it: without a buffer and a descriptor."""

    def __init__(self, is_terminal=False):
        self.written, self.is_terminal = "", is_terminal

    def write(self, text):
        self.written += text
        return len(text)

    def isatty(self):
        return self.is_terminal


def test_scripts_run_in_notebooks_too(monkeypatch):
    streams = {"stdout": OfNotebooks(), "stderr": OfNotebooks()}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    assert console.run(lambda: console.info("loading")) == 0
    assert streams["stdout"].written == "[INFO] loading\n"


def test_no_progress_shows_on_a_terminal_without_a_descriptor(monkeypatch):
    idle = OfNotebooks(is_terminal=True)
    monkeypatch.setattr(sys, "stdout", idle)
    assert list(console.progress(iter("abc"), 3)) == ["a", "b", "c"]
    assert idle.written == ""


@pytest.mark.parametrize("redirection", REDIRECTIONS.values(), ids=REDIRECTIONS)
def test_a_failure_counts_for_more_than_lost_output(tmp_path, redirection):
    (tmp_path / "fail").touch()
    assert run_redirected(tmp_path, redirection.format(1))[0] == errors.BAD_INPUT


HELP = """
import sys
from pyimagesearch.arguments import ArgumentParser
from pyimagesearch.console import run

sys.exit(run(ArgumentParser("Does something.", "").parse_args))
"""


@pytest.mark.parametrize(
    ("flag", "stdout", "expected"),
    [
        ("--help", "", (0, "")),
        ("--help", f">{FULL}", (1, "cannot write to the standard output: No space left")),
        ("--wrong", f">{FULL}", (2, "unrecognized arguments: --wrong")),
    ],
)
def test_a_help_text_that_is_lost_is_a_failure(flag, stdout, expected):
    skip_without_full_device(stdout)
    shell = f'exec "$0" -c "$1" {flag} {stdout}'
    result = subprocess.run(
        ["bash", "-c", shell, sys.executable, HELP], capture_output=True, text=True, check=False
    )
    code, complaint = expected
    assert result.returncode == code
    assert complaint in result.stderr
    assert len(result.stderr.splitlines()) == (1 if code else 0)


def test_one_thing_is_counted_in_the_singular():
    counted = [console.counted(count, "copy", "copies") for count in (0, 1, 1234)]
    assert counted == ["0 copies", "1 copy", "1,234 copies"]
    assert console.counted(2, "image") == "2 images"


def test_many_things_are_named_by_the_first_few():
    assert console.first_few(["a", "b"]) == "a, b"
    assert console.first_few(list("abcdefgh"), most=2) == "a, b and 6 more"
    assert console.first_few(["a", "b"], total=1002) == "a, b and 1,000 more"


@given(st.integers(0, 30), st.integers(1, 6).map(lambda half: 2 * half))
def test_an_excerpt_keeps_both_ends_and_counts_the_rest(count, most):
    lines = [str(n) for n in range(count)]
    excerpt = console.excerpt(lines, most)
    if count <= most:
        assert excerpt == lines
    else:
        half = most // 2
        assert excerpt == [*lines[:half], f"... {count - most} more", *lines[-half:]]


MISSING_LIBRARY = "libGL.so.1: cannot open shared object file: No such file or directory"


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


def test_progress_shows_on_a_terminal_that_shows_no_rows(monkeypatch, capfd):
    assert list(console.progress(iter("abc"), 3)) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.fileno", lambda: 2)
    assert list(console.progress(iter("abc"), 3)) == ["a", "b", "c"]
    assert "3/3" in capfd.readouterr().err
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert list(console.progress(iter("abc"), 3, prints_rows=True)) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")


def test_a_terminal_that_is_lost_ends_the_progress_and_not_the_work(monkeypatch):
    terminal, end = os.openpty()
    with os.fdopen(end, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        shown = iter(console.progress(range(3), 3))
        assert next(shown) == 0
        os.close(terminal)
        assert list(shown) == [1, 2]


@pytest.mark.parametrize("stdout_is_terminal", [True, False])
def test_progress_shows_while_stderr_is_silenced(stdout_is_terminal):
    program = (
        "from pyimagesearch.console import progress\n"
        "from pyimagesearch.streams import quiet_stderr\n"
        "shown = progress(range(3), 3)\n"
        "with quiet_stderr():\n"
        "    list(shown)\n"
    )
    terminal, end = os.openpty()
    termios.tcsetwinsize(end, (24, 80))
    stdout = end if stdout_is_terminal else subprocess.DEVNULL
    subprocess.run([sys.executable, "-c", program], stdout=stdout, stderr=end, check=True)
    os.close(end)
    assert b"3/3" in os.read(terminal, 10_000)


@pytest.mark.parametrize("others", [None, OfNotebooks()])
@pytest.mark.parametrize("missing", ["stdout", "stderr"])
def test_where_a_stream_is_missing_there_is_neither_progress_nor_colour(
    monkeypatch, missing, others
):
    monkeypatch.setattr(sys, "stdout", others)
    monkeypatch.setattr(sys, "stderr", others)
    monkeypatch.setattr(sys, missing, None)
    assert list(console.progress(iter("abc"), 3)) == ["a", "b", "c"]
    assert console.highlighted("blue", "sure") == "blue"


@pytest.mark.parametrize(("mode", "is_colored"), [(0x7, True), (0x3, False), (None, False)])
def test_a_console_of_windows_that_would_print_the_codes_of_colours_gets_none(
    monkeypatch, mode, is_colored
):
    def get_mode(handle, pointer):
        if mode is not None:  # what follows is no console
            pointer._obj.value = mode

    windows = SimpleNamespace(kernel32=SimpleNamespace(GetConsoleMode=get_mode))
    monkeypatch.setattr(ctypes, "windll", windows, raising=False)
    handles = SimpleNamespace(get_osfhandle=lambda descriptor: descriptor)
    monkeypatch.setitem(sys.modules, "msvcrt", handles)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delenv("TERM", raising=False)
    terminal, end = os.openpty()
    with os.fdopen(end, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert ("\x1b" in console.highlighted("blue", "sure")) == is_colored
    os.close(terminal)


def test_in_a_window_of_windows_without_a_descriptor_there_are_no_colours(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delenv("TERM", raising=False)
    monkeypatch.setattr(sys, "stdout", OfNotebooks(is_terminal=True))
    handles = SimpleNamespace(get_osfhandle=pytest.fail)
    monkeypatch.setitem(sys.modules, "msvcrt", handles)
    assert console.highlighted("blue", "sure") == "blue"


def test_progress_shows_on_stderr_where_there_is_no_stdout(monkeypatch, capfd):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.fileno", lambda: 2)
    assert list(console.progress(iter("abc"), 3)) == ["a", "b", "c"]
    assert "3/3" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("platform", "command"),
    [
        ("linux", "python train.py --model 'my model' 'a&b' 'C:\\a'"),
        ("win32", 'python train.py --model "my model" "a&b" C:\\a'),
    ],
)
def test_a_command_is_quoted_as_the_systems_shell_needs_it(monkeypatch, platform, command):
    monkeypatch.setattr(sys, "platform", platform)
    words = ["python", "train.py", "--model", "my model", "a&b", "C:\\a"]
    assert console.shell_command(*words) == command
