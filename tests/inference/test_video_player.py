import io

import cv2
import numpy as np
import pytest

from pyimagesearch.inference import video_player

IMAGE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def stream(*times):
    return io.BytesIO(
        b"".join(video_player.HEADER.pack(4, 6, seconds) + IMAGE.tobytes() for seconds in times)
    )


@pytest.fixture
def screen(monkeypatch):
    """Stand in for OpenCV's windows and for the clock, which only waiting moves on."""

    class Screen:
        def __init__(self):
            self.now, self.visible = 100.0, 1.0
            self.shown, self.keys = [], []

        def show(self, title, image):
            assert (image == IMAGE).all()
            self.shown.append(self.now - 100)

        def wait(self, milliseconds):
            self.now += milliseconds / 1000
            return self.keys.pop(0) if self.keys else -1

        def look(self, title, name):
            if self.visible is None:
                raise cv2.error("null window")
            return self.visible

    screen = Screen()
    monkeypatch.setattr(cv2, "namedWindow", lambda title: None)
    monkeypatch.setattr(cv2, "imshow", screen.show)
    monkeypatch.setattr(cv2, "waitKey", screen.wait)
    monkeypatch.setattr(cv2, "getWindowProperty", screen.look)
    monkeypatch.setattr(video_player.time, "monotonic", lambda: screen.now)
    return screen


def test_a_frame_that_is_not_whole_ends_the_video():
    cut_off = io.BytesIO(stream(0, 1).getvalue()[:-1])
    (frame,) = video_player.read_frames(cut_off)
    assert frame[0] == 0
    assert (frame[1] == IMAGE).all()


def test_frames_are_shown_at_their_own_speed(screen):
    video_player.show("title", stream(5, 5.5, 6.5))
    assert screen.shown == pytest.approx([0, 0.5, 1.5], abs=0.01)


def test_frames_that_come_late_are_shown_at_once(screen):
    video_player.show("title", stream(5, 5, 5))
    assert screen.shown == pytest.approx([0, 0, 0], abs=0.01)


@pytest.mark.parametrize("key", [ord("q"), video_player.ESCAPE])
def test_q_and_escape_end_the_video(screen, key):
    screen.keys = [-1, ord("x"), key]
    video_player.show("title", stream(0, 1, 2))
    assert len(screen.shown) == 1


def test_a_window_in_the_dock_of_macos_ends_no_video(screen, monkeypatch):
    monkeypatch.setattr(video_player.sys, "platform", "darwin")
    screen.visible = 0.0
    video_player.show("title", stream(0, 1, 2))
    assert len(screen.shown) == 3


@pytest.mark.parametrize("visible", [0.0, -1.0, None])
def test_closing_the_window_ends_the_video(screen, monkeypatch, visible):
    monkeypatch.setattr(video_player.sys, "platform", "linux")
    screen.visible = visible
    video_player.show("title", stream(0, 1, 2))
    assert len(screen.shown) == 1
