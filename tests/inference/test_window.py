import shutil

import numpy as np
import pytest

from pyimagesearch.inference import window

IMAGE = np.zeros((10, 10, 3), np.uint8)


@pytest.mark.usefixtures("no_display")
def test_without_a_display_nothing_is_shown():
    assert not window.show("title", IMAGE)


@pytest.mark.usefixtures("unreachable_display")
def test_a_display_that_cannot_be_reached_does_not_abort_the_process():
    assert not window.show("title", IMAGE)


@pytest.mark.usefixtures("unreachable_display")
def test_the_window_never_imports_a_file_of_the_current_folder(false_opencv):
    window.show("title", IMAGE)
    assert not false_opencv.exists()


@pytest.mark.usefixtures("unreachable_display")
def test_the_window_never_imports_a_file_beside_its_program(false_opencv, monkeypatch):
    monkeypatch.setattr(window, "__file__", shutil.copy(window.__file__, false_opencv.parent))
    window.show("title", IMAGE)
    assert not false_opencv.exists()
