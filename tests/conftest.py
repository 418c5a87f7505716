import os
import signal
import sys
from unittest import mock

import hypothesis
import pytest

from pyimagesearch.errors import UserError
from pyimagesearch.light_imports import let_openvino_report_nothing

# Before anything imports TensorFlow, which would say that it found no GPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
let_openvino_report_nothing()

# A shell that starts the tests in the background has them ignore Ctrl-C, and every program that
# they start; here it has to do what it does on a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine fails no test.
hypothesis.settings.register_profile("without a clock", deadline=None)
hypothesis.settings.load_profile("without a clock")


def pytest_configure():
    """Refuse Windows, which lacks pipes with names, signals, and links that anybody may make."""
    if sys.platform == "win32":
        raise pytest.UsageError("the tests need Linux or macOS: on Windows, run them in WSL")


def pytest_collection_modifyitems(items):
    """Train before OpenVINO predicts: the other way round, TensorFlow can crash in one process.

    The file that takes longest is first, so that no process waits for it at the end.
    """
    longest = "tests/training/test_workers.py"
    training = "tests/training/", "tests/test_train_flags.py"
    items.sort(
        key=lambda item: (
            longest not in item.nodeid,
            not any(name in item.nodeid for name in training),
        )
    )


@pytest.fixture(autouse=True)
def own_environment():
    """Restore the environment variables after each test, because predicting sets some."""
    # Help texts get this width on every terminal.
    with mock.patch.dict(os.environ, COLUMNS="80"):
        yield


@pytest.fixture(autouse=True)
def one_line_errors(monkeypatch):
    """Fail wherever an error that a user can cause has more than one line."""
    make = UserError.__init__

    def make_one_line(self, message, *exit_code):
        assert "\n" not in message
        make(self, message, *exit_code)

    monkeypatch.setattr(UserError, "__init__", make_one_line)


@pytest.fixture
def press_ctrl_c():
    """Return a function that does what Ctrl-C does, whatever other tests have made of it."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.getsignal(signal.SIGINT)(signal.SIGINT, None)
    signal.signal(signal.SIGINT, usual)
