import sys

import cv2
import numpy as np
import pytest
from clips import read_clip
from full_disk import full_disk

from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.inference.video_reading import Frame, Video
from pyimagesearch.inference.video_writing import recording


def frames(count, *, rate=10.0, shape=(48, 64)):
    """Frames that become lighter."""
    return [Frame(n / rate, np.full((*shape, 3), 20 * n, np.uint8)) for n in range(count)]


def video(*, rate=10.0, shape=(48, 64), is_live=False):
    return Video((frame for frame in ()), shape, rate, 0, is_live)


@pytest.mark.parametrize("rate", [10.0, 25.0, 29.97])
def test_a_file_has_every_frame_and_the_size_and_rate_of_the_clip(tmp_path, rate):
    path = tmp_path / "folder" / "a.mp4"
    with recording(path, video(rate=rate)) as write:
        for frame in frames(12):
            write(frame)
        assert not path.exists()
    images, rate_of_file = read_clip(path)
    assert rate_of_file == pytest.approx(rate, abs=0.01)
    assert [image.shape for image in images] == [(48, 64, 3)] * 12
    assert [image.mean() for image in images] == pytest.approx(range(0, 240, 20), abs=5)
    assert [each.name for each in path.parent.iterdir()] == ["a.mp4"]


def test_an_odd_size_loses_a_pixel(tmp_path):
    with recording(tmp_path / "a.mp4", video(shape=(49, 65))) as write:
        write(frames(1, shape=(49, 65))[0])
    assert read_clip(tmp_path / "a.mp4")[0][0].shape == (48, 64, 3)


def test_a_frame_of_another_size_is_made_to_fit(tmp_path):
    with recording(tmp_path / "a.mp4", video()) as write:
        write(frames(1)[0])
        write(frames(1, shape=(20, 20))[0])
    assert len(read_clip(tmp_path / "a.mp4")[0]) == 2


def test_a_recording_lasts_as_long_as_the_camera_was_watched(tmp_path):
    slow = [Frame(seconds, frames(1)[0].image) for seconds in (0, 0.5, 0.51, 0.52, 1)]
    with recording(tmp_path / "a.mp4", video(is_live=True)) as write:
        for frame in slow:
            write(frame)
    assert len(read_clip(tmp_path / "a.mp4")[0]) == 1 + 10


def test_ctrl_c_while_a_frame_is_written_keeps_the_recording_of_a_camera(tmp_path, monkeypatch):
    make_writer = cv2.VideoWriter

    class Interrupted:
        fourcc = cv2.VideoWriter.fourcc

        def __init__(self, *settings):
            self.writer = make_writer(*settings)
            self.isOpened, self.release = self.writer.isOpened, self.writer.release

        def write(self, image):
            self.writer.write(image)
            raise KeyboardInterrupt

    monkeypatch.setattr(cv2, "VideoWriter", Interrupted)
    # Of a camera, Ctrl-C reaches the caller after the block.
    with (
        recording(tmp_path / "a.mp4", video(is_live=True)) as write,
        pytest.raises(KeyboardInterrupt),
    ):
        write(frames(1)[0])
    assert len(read_clip(tmp_path / "a.mp4")[0]) == 1


def test_work_that_fails_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), recording(path, video()) as write:
        write(frames(1)[0])
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# The beginning of a file, its first frame, or nearly all of it.
@pytest.mark.parametrize("most_bytes", [10, 1000, 20_000])
def test_a_full_disk_is_told_though_the_encoder_tells_nothing(tmp_path, most_bytes):
    noise = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), np.uint8)
    is_told = pytest.raises(UserError, match=r"^cannot write .*a\.mp4: .*is the disk full\?$")
    with is_told as raised, full_disk(most_bytes), recording(tmp_path / "a.mp4", video()) as write:
        for number, image in enumerate(noise):
            write(Frame(number / 10, image))
    assert raised.value.exit_code == WORK_FAILED
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "a.mp4"
    with pytest.raises(UserError, match="cannot write"), recording(path, video()):
        pass


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS takes only names in UTF-8")
def test_a_file_may_have_a_name_that_is_not_utf_8(tmp_path):
    path = tmp_path / "caf\udce9.mp4"
    with recording(path, video()) as write:
        for frame in frames(3):
            write(frame)
    assert len(read_clip(path.rename(tmp_path / "a.mp4"))[0]) == 3


@pytest.mark.parametrize(("shape", "rate"), [((100, 9000), 10.0), ((48, 1), 10.0)])
def test_a_clip_that_mpeg_4_cannot_hold_is_refused_before_the_work(tmp_path, shape, rate):
    with (
        pytest.raises(UserError, match="MPEG-4 holds no"),
        recording(tmp_path / "a.mp4", video(shape=shape, rate=rate)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_has_left_of_a_file_is_removed(tmp_path):
    path = tmp_path / "a.mp4"
    (tmp_path / f".a.mp4.{'0' * 16}.partial.mp4").touch()
    with recording(path, video()) as write:
        write(frames(1)[0])
    assert list(tmp_path.iterdir()) == [path]
