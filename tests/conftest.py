import os
import signal

# Before anything imports TensorFlow, which would say that it found no GPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# A shell that starts the tests in the background has them ignore Ctrl-C, and every program that
# they start; here it has to do what it does on a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Train before OpenVINO predicts: the other way round, TensorFlow can crash in one process."""
    items.sort(key=lambda item: "tests/training" not in item.nodeid)
