import itertools
import sys

import numpy as np
import pytest

from pyimagesearch.inference import video_player, video_window, window
from pyimagesearch.inference.video_reading import Frame

FRAME = Frame(0.0, np.zeros((10, 20, 3), np.uint8))
NEEDS_NO_DISPLAY = pytest.mark.skipif(sys.platform != "linux", reason="a window would open")
SAVE_STDIN = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"


@pytest.fixture
def plays(monkeypatch, tmp_path):
    """Let another program stand in for the player."""
    monkeypatch.setenv("DISPLAY", ":987")

    def play(program):
        path = tmp_path / "player.py"
        path.write_text(program)
        monkeypatch.setattr(video_player, "__file__", str(path))

    return play


def shown(frame, most=10_000):
    """Show a frame until the window is closed; return how often, and what was told."""
    told = []
    with video_window.opened("title", told.append) as show:
        if show is None:
            return 0, told
        count = sum(1 for _ in itertools.takewhile(lambda _: show(frame), range(most)))
    return count, told


def test_without_a_display_there_is_no_window(monkeypatch):
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert shown(FRAME) == (0, [video_window.NO_DISPLAY])


@NEEDS_NO_DISPLAY
def test_a_display_that_cannot_be_reached_is_told_once_and_ends_nothing(monkeypatch):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":987")
    large = Frame(0.0, np.zeros((720, 1280, 3), np.uint8))
    assert shown(large, most=50) == (50, [video_window.NO_DISPLAY])


def test_the_player_gets_every_frame(plays, tmp_path):
    plays(f"import sys; sys.argv[1:] = [{str(tmp_path / 'got')!r}]; {SAVE_STDIN}")
    image = np.random.default_rng(0).integers(0, 256, (10, 20, 3), np.uint8)
    with video_window.opened("title", pytest.fail) as show:
        assert show(Frame(1.5, image))
        assert show(Frame(2.5, image[:, ::-1]))
    with (tmp_path / "got").open("rb") as got:
        (first, one), (second, two) = video_player.read_frames(got)
    assert (first, second) == (1.5, 2.5)
    assert (one == image).all()
    assert (two == image[:, ::-1]).all()


def test_large_frames_are_shown_smaller(plays, tmp_path):
    plays(f"import sys; sys.argv[1:] = [{str(tmp_path / 'got')!r}]; {SAVE_STDIN}")
    with video_window.opened("title", pytest.fail) as show:
        show(Frame(0.0, np.zeros((2160, 3840, 3), np.uint8)))
    with (tmp_path / "got").open("rb") as got:
        ((_, image),) = video_player.read_frames(got)
    assert image.shape == (720, 1280, 3)


def test_the_end_of_the_player_is_the_end_of_the_window(plays):
    plays("")
    count, told = shown(FRAME)
    assert count < 10_000
    assert told == []


@NEEDS_NO_DISPLAY
def test_the_player_imports_no_file_of_the_current_folder(monkeypatch, tmp_path):
    (tmp_path / "cv2.py").write_text("import pathlib\npathlib.Path('imported').touch()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPLAY", ":987")
    shown(FRAME, most=1)
    assert not (tmp_path / "imported").exists()
