import os
import sys

import cv2
import numpy as np
import pytest
from clips import BLUE, RED, StandInCamera, write_clip

from pyimagesearch.errors import UnreadableFileError, UserError
from pyimagesearch.inference import video_reading
from pyimagesearch.inference.video_reading import opened


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "mp4v"), ("a.mov", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "mp4v")]
)
def test_every_frame_of_a_clip_is_read_at_its_time(tmp_path, name, codec):
    path = write_clip(tmp_path / name, [BLUE, RED], codec=codec)
    with opened(str(path)) as video:
        frames = list(video.frames)
    assert (video.shape, video.rate, video.claimed_frames) == ((48, 64), 10, 20)
    assert not video.is_live
    assert [frame.seconds for frame in frames] == pytest.approx(np.arange(20) / 10)
    for number, frame in enumerate(frames):
        assert np.abs(frame.image.astype(int) - (BLUE, RED)[number // 10]).max() < 10


CONTENTS = {
    "the file is empty": b"",
    "not a clip": b"any text at all, long enough",
    "not a clip of a kind": b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n",
    "damaged, or of a kind": b"\x00\x00\x00\x1cftypisom" + bytes(range(256)) * 9,
}


@pytest.mark.parametrize("reason", CONTENTS)
def test_what_is_no_clip_is_refused_without_a_sound(tmp_path, capfd, reason):
    path = tmp_path / "a.mp4"
    path.write_bytes(CONTENTS[reason])
    with pytest.raises(UnreadableFileError, match=reason), opened(str(path)):
        pass
    assert capfd.readouterr() == ("", "")


def test_a_clip_whose_index_was_cut_off_is_refused(tmp_path, capfd):
    path = write_clip(tmp_path / "a.mp4", [BLUE])
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(UnreadableFileError, match="damaged"), opened(str(path)):
        pass
    assert capfd.readouterr() == ("", "")


def test_of_a_damaged_clip_the_frames_that_can_be_read_are_read(tmp_path, capfd):
    path = write_clip(tmp_path / "a.avi", [BLUE, RED], codec="MJPG")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 4 // 5])
    with opened(str(path)) as video:
        assert 0 < len(list(video.frames)) < 20
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS takes only names in UTF-8")
def test_a_clip_may_have_a_name_that_is_not_utf_8(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [BLUE])
    path = path.rename(tmp_path / "caf\udce9.mp4")
    with opened(str(path)) as video:
        assert len(list(video.frames)) == 10


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.mp4")
    pipe = str(tmp_path / "a.mp4")
    with pytest.raises(UnreadableFileError, match="not a regular file"), opened(pipe):
        pass


def test_the_name_of_a_file_is_no_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "a.mp4", [BLUE]).rename("subfile:a.mp4")
    with opened("subfile:a.mp4") as video:
        assert len(list(video.frames)) == 10


def test_frames_that_would_take_too_much_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(video_reading, "MOST_PIXELS", 64 * 48 - 1)
    path = write_clip(tmp_path / "a.mp4", [BLUE])
    with pytest.raises(UnreadableFileError, match="64 x 48 pixels"), opened(str(path)):
        pass


@pytest.mark.parametrize("rate", [0, -1, float("nan"), 90_000])
def test_a_rate_that_cannot_be_is_not_believed(monkeypatch, rate):
    monkeypatch.setattr(cv2, "VideoCapture", StandInCamera([np.zeros((4, 6, 3), np.uint8)], rate))
    with opened("camera:0") as video:
        assert video.rate == video_reading.USUAL_RATE


def test_frames_whose_time_stands_still_follow_each_other_at_the_rate(monkeypatch):
    images = [np.zeros((4, 6, 3), np.uint8)] * 3
    clip = StandInCamera(images, rate=20)
    monkeypatch.setattr(video_reading, "_open_clip", lambda path: clip)
    with opened("a.mp4") as video:
        assert [frame.seconds for frame in video.frames] == pytest.approx([0, 0.05, 0.1])
    assert clip.is_released


def test_a_camera_gives_its_frames_with_the_time_since_the_first(monkeypatch):
    clock = [100.0]

    class SlowCamera(StandInCamera):
        def read(self):
            clock[0] += 0.5
            return super().read()

    images = [np.full((4, 6, 3), number, np.uint8) for number in range(3)]
    camera = SlowCamera(images)
    monkeypatch.setattr(cv2, "VideoCapture", camera)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    with opened("camera:7") as video:
        assert video.is_live
        frames = list(video.frames)
    assert camera.index == 7
    assert [frame.image[0, 0, 0] for frame in frames] == [0, 1, 2]
    assert [frame.seconds for frame in frames] == [0, 0.5, 1]
    assert camera.is_released


def test_a_camera_that_is_not_there_or_gives_no_picture_is_named(monkeypatch, capfd):
    with pytest.raises(UserError, match="there is no camera 999"), opened("camera:999"):
        pass
    monkeypatch.setattr(cv2, "VideoCapture", StandInCamera([]))
    with pytest.raises(UserError, match="camera:0 gives no picture"), opened("camera:0"):
        pass
    assert capfd.readouterr() == ("", "")
