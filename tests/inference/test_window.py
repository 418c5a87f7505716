import sys

import numpy as np
import pytest

from pyimagesearch.inference import window

IMAGE = np.zeros((10, 10, 3), np.uint8)
NEEDS_NO_DISPLAY = pytest.mark.skipif(
    sys.platform != "linux", reason="a window would open and wait for a key"
)


def test_without_a_display_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not window.show("title", IMAGE)


@NEEDS_NO_DISPLAY
def test_a_display_that_cannot_be_reached_does_not_abort_the_process(monkeypatch):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":987")
    assert not window.show("title", IMAGE)


@NEEDS_NO_DISPLAY
def test_the_window_never_imports_a_file_of_the_current_folder(monkeypatch, tmp_path):
    (tmp_path / "cv2.py").write_text("import pathlib\npathlib.Path('imported').touch()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPLAY", ":987")
    window.show("title", IMAGE)
    assert not (tmp_path / "imported").exists()
