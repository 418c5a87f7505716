import sys

import pytest


@pytest.fixture
def no_display(monkeypatch):
    """Let there be no display, as far as Linux says."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


@pytest.fixture
def unreachable_display(monkeypatch):
    """Let the environment name a display that is not there."""
    if sys.platform != "linux":
        pytest.skip("a window would open and wait for a key")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":987")


@pytest.fixture
def false_opencv(tmp_path, monkeypatch):
    """The path of a file that a program writes if it takes a file of this folder for OpenCV."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cv2.py").write_text("import pathlib\npathlib.Path('imported').touch()\n")
    return tmp_path / "imported"
