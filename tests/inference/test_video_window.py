import itertools
import shutil

import numpy as np
import pytest

from pyimagesearch.inference import video_player, video_window
from pyimagesearch.inference.video_reading import Frame

FRAME = Frame(0.0, np.zeros((10, 20, 3), np.uint8))


@pytest.fixture
def plays(monkeypatch, tmp_path):
    """Return a function that has another program stand in for the player."""
    monkeypatch.setenv("DISPLAY", ":987")

    def play(program):
        path = tmp_path / "player.py"
        path.write_text(program)
        monkeypatch.setattr(video_player, "__file__", str(path))

    return play


@pytest.fixture
def frames_played(plays, tmp_path):
    """Return a function that reads the times and the images that the player got."""
    path = tmp_path / "got"
    plays(f"import sys; open({str(path)!r}, 'wb').write(sys.stdin.buffer.read())")

    def read():
        with path.open("rb") as got:
            return list(video_player.read_frames(got))

    return read


def shown(frame, most=10_000):
    """Show a frame until the window is closed; return how often, and what was told."""
    told = []
    with video_window.opened("title", told.append) as show:
        if show is None:
            return 0, told
        count = sum(1 for _ in itertools.takewhile(lambda _: show(frame), range(most)))
    return count, told


@pytest.mark.usefixtures("no_display")
def test_without_a_display_there_is_no_window():
    assert shown(FRAME) == (0, [video_window.NO_DISPLAY])


@pytest.mark.usefixtures("unreachable_display")
def test_a_display_that_cannot_be_reached_is_told_once_and_ends_nothing():
    large = Frame(0.0, np.zeros((720, 1280, 3), np.uint8))
    assert shown(large, most=50) == (50, [video_window.NO_DISPLAY])


def test_the_player_gets_every_frame(frames_played):
    image = np.random.default_rng(0).integers(0, 256, (10, 20, 3), np.uint8)
    with video_window.opened("title", pytest.fail) as show:
        assert show(Frame(1.5, image))
        assert show(Frame(2.5, image[:, ::-1]))
    (first, one), (second, two) = frames_played()
    assert (first, second) == (1.5, 2.5)
    assert (one == image).all()
    assert (two == image[:, ::-1]).all()


def test_large_frames_are_shown_smaller(frames_played):
    with video_window.opened("title", pytest.fail) as show:
        show(Frame(0.0, np.zeros((2160, 3840, 3), np.uint8)))
    ((_, image),) = frames_played()
    assert image.shape == (720, 1280, 3)


def test_the_end_of_the_player_is_the_end_of_the_window(plays):
    plays("")
    count, told = shown(FRAME)
    assert count < 10_000
    assert told == []


@pytest.mark.usefixtures("unreachable_display")
def test_the_player_imports_no_file_of_the_current_folder(false_opencv):
    shown(FRAME, most=1)
    assert not false_opencv.exists()


@pytest.mark.usefixtures("unreachable_display")
def test_the_player_imports_no_file_beside_its_program(false_opencv, monkeypatch):
    program = shutil.copy(video_player.__file__, false_opencv.parent)
    monkeypatch.setattr(video_player, "__file__", program)
    shown(FRAME, most=1)
    assert not false_opencv.exists()
