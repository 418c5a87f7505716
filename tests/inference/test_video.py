import contextlib
import threading

import cv2
import numpy as np
import pytest
from clips import BLUE, GREEN, RED, StandInCamera, read_clip, write_clip

from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.errors import UserError
from pyimagesearch.inference import video, video_window
from pyimagesearch.inference.classification import Choice
from pyimagesearch.inference.video import Step, label_videos, smoothed
from pyimagesearch.inference.video_reading import Frame, Video

CLASSES = ["blue", "green", "red"]


def mean_color(images):
    """Stand in for a network: the probability of a label is how much of its colour there is."""
    return images.mean(axis=(1, 2))


def picture(color):
    return np.full((48, 64, 3), color, np.uint8)


def let_clip_be(monkeypatch, frames, claimed=0):
    """Let every clip have these frames, ten a second, and claim to have so many."""

    @contextlib.contextmanager
    def opened(path):
        yield Video(frames, (48, 64), 10.0, claimed, is_live=False)

    monkeypatch.setattr(video, "opened", opened)


class Run:
    """A run of ``label_videos``, and what it reports, tells and draws."""

    def __init__(self, *, predict=mean_color, most=10**9, **settings):
        self.reports, self.told, self.drawn = [], [], []
        self.trained = TrainedModel(predict, 8, 3, {"fit": "pad"})
        self.most = most
        self.settings = {"every": 1.0} | settings

    def choose(self, probabilities):
        label = max(probabilities, key=probabilities.get)
        return Choice([(label, probabilities[label])], f"a note on {label}")

    def report(self, prediction, choice, **time):
        self.reports.append((prediction, *choice, time.get("seconds")))
        return len(self.reports) < self.most

    def draw(self, image, lines):
        self.drawn.append((image.shape, *lines))
        image[:10] = 255

    def __call__(self, outputs):
        return label_videos(
            self.trained,
            CLASSES,
            {str(path): output for path, output in outputs.items()},
            choose=self.choose,
            report=self.report,
            draw=self.draw,
            say=self.told.append,
            **self.settings,
        )

    @property
    def labels(self):
        return [(seconds, chosen[0][0]) for _, chosen, _, seconds in self.reports if chosen]


def test_labels_are_reported_when_they_change_and_every_second_between(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [BLUE, RED], seconds=1.6)
    run = Run()
    assert run({path: None}) == 0
    assert [label for _, label in run.labels] == ["blue", "blue", "red", "red"]
    times = [seconds for seconds, _ in run.labels]
    # Half of the last half second is red a quarter of a second after the scene has changed.
    assert times[:2] == pytest.approx([0, 1])
    assert 1.6 < times[2] < 2.1
    assert times[3] == pytest.approx(times[2] + 1)
    prediction, _, note, _ = run.reports[0]
    assert (prediction.path, prediction.error, prediction.image) == (str(path), None, None)
    assert list(prediction.probabilities) == CLASSES
    assert prediction.probabilities["blue"] == pytest.approx(220 / 255, abs=0.03)
    assert note == "a note on blue"


def test_the_time_between_reports_is_the_callers(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [BLUE, RED], seconds=1.6)
    run = Run(every=60.0)
    run({path: None})
    assert [label for _, label in run.labels] == ["blue", "red"]


def test_labels_that_change_places_are_no_change(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [BLUE, RED], seconds=0.5)
    run = Run()
    run.choose = lambda probabilities: Choice(sorted(probabilities.items(), key=lambda p: -p[1]))
    run({path: None})
    assert len(run.reports) == 1


def test_a_flash_changes_no_labels(tmp_path):
    frames = [BLUE] * 10 + [RED] + [BLUE] * 9
    path = write_clip(tmp_path / "a.mp4", frames, seconds=0.1, rate=10)
    run = Run(every=60.0)
    run({path: None})
    assert [label for _, label in run.labels] == ["blue"]


def steps(*predictions):
    return (
        Step(seconds, None, None, None if value is None else np.array([value], np.float32))
        for seconds, value in predictions
    )


@pytest.mark.parametrize("rate", [4, 10, 15])
def test_a_mean_covers_half_a_second_whatever_the_rate(rate):
    predictions = [(number / rate, float(number >= rate)) for number in range(2 * rate)]
    means = [mean.item() for _, mean in smoothed(steps(*predictions))]
    assert means[:rate] == [0] * rate
    is_new = [n for n in range(2 * rate) if n / rate >= 1.5 - 1 / rate - 1e-9]
    assert all(means[n] == 1 for n in is_new)
    between = [means[n] for n in range(rate, is_new[0])]
    assert all(0 < mean < 1 for mean in between)
    assert between == sorted(between)


def test_a_mean_follows_the_time_and_not_the_number_of_frames():
    predictions = [(0, 0.0), (0.1, 0.0), (0.2, 0.0), (10, 1.0)]
    assert [mean.item() for _, mean in smoothed(steps(*predictions))] == [0, 0, 0, 1]


def test_frames_without_a_prediction_keep_the_mean_before_them():
    (_, first), (_, second), (_, third) = smoothed(steps((0, 0.5), (0.1, None), (0.2, 1.0)))
    assert second is first
    assert third.item() == 0.75


def test_at_most_fifteen_frames_a_second_are_predicted_for(tmp_path):
    predicted = []

    def predict(images):
        predicted.extend(images)
        return mean_color(images)

    path = write_clip(tmp_path / "a.mp4", [BLUE, RED], rate=60)
    Run(predict=predict)({path: None})
    assert len(predicted) == 30
    del predicted[:]
    Run(predict=predict)({write_clip(tmp_path / "b.mp4", [BLUE, RED], rate=10): None})
    assert len(predicted) == 20
    assert predicted[0].shape == (8, 8, 3)
    assert predicted[0].max() <= 1


def test_labels_are_drawn_on_every_frame_of_the_file(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [BLUE, RED], rate=30)
    run = Run()
    run({path: tmp_path / "b.mp4"})
    frames, rate = read_clip(tmp_path / "b.mp4")
    assert (len(frames), rate) == (60, 30)
    assert len(run.drawn) == 60
    assert run.drawn[0][0] == (48, 64, 3)
    assert run.drawn[0][1].startswith("blue: 8")
    assert run.drawn[-1][1].startswith("red: 8")
    for number, frame in enumerate(frames):
        assert frame[:8].min() > 200
        assert np.abs(frame[16:].astype(int) - (BLUE, RED)[number // 30]).mean() < 15
    assert f"labelled clip written to {tmp_path / 'b.mp4'}" in run.told


def test_the_end_tells_frames_and_frames_a_second(tmp_path, monkeypatch):
    clock = [100.0]

    class SlowRun(Run):
        def report(self, prediction, choice, **time):
            clock[0] += 2.5
            return super().report(prediction, choice, **time)

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    run = SlowRun(every=60)
    run({write_clip(tmp_path / "a.mp4", [BLUE]): None})
    assert run.told[0] == f"labelling {tmp_path / 'a.mp4'}..."
    speed = "10 frames in 2.5 s: 4.0 frames a second, 0.4 times the clip's own speed"
    assert run.told[-1] == speed


def test_reading_predicting_and_drawing_go_on_at_the_same_time(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "BATCH_FRAMES", 1)
    threads = {"predict": set(), "draw": set()}
    predicted_first, drawn_first = threading.Event(), threading.Event()
    calls = []

    def predict(images):
        threads["predict"].add(threading.get_ident())
        calls.append(len(images))
        if len(calls) == 2:
            # The first frame is drawn while the second one is being predicted for.
            predicted_first.set()
            assert drawn_first.wait(timeout=60)
        return mean_color(images)

    def draw(image, lines):
        threads["draw"].add(threading.get_ident())
        assert predicted_first.wait(timeout=60)
        drawn_first.set()

    run = Run(predict=predict)
    run.draw = draw
    run({write_clip(tmp_path / "a.mp4", [BLUE]): tmp_path / "b.mp4"})
    assert threads["draw"] == {threading.get_ident()}
    assert threads["predict"].isdisjoint(threads["draw"])


def test_few_frames_are_in_memory_however_long_the_clip(tmp_path, monkeypatch):
    read, ahead = [], []

    def frames():
        for number in range(500):
            read.append(number)
            yield Frame(number / 10, picture(BLUE))

    def draw(image, lines):
        ahead.append(len(read) - len(ahead))

    let_clip_be(monkeypatch, frames())
    run = Run()
    run.draw = draw
    run({"a.mp4": tmp_path / "b.mp4"})
    assert len(ahead) == 500
    assert max(ahead) <= 7 * video.BATCH_FRAMES


def test_clips_that_cannot_be_read_are_reported_and_the_others_labelled(tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"bad")
    paths = [tmp_path / "bad.mp4", write_clip(tmp_path / "a.mp4", [GREEN])]
    run = Run()
    assert run(dict.fromkeys(paths)) == 1
    assert run.reports[0][0].error.startswith("not a clip")
    assert run.labels == [(0, "green")]


def test_a_clip_that_ends_early_is_told(tmp_path):
    path = write_clip(tmp_path / "a.avi", [BLUE, RED], codec="MJPG")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 4 // 5])
    run = Run()
    assert run({path: None}) == 0
    assert "the clip ends early: it should have 20 frames" in run.told


@pytest.mark.parametrize(("claimed", "is_told"), [(20, False), (21, True), (0, False), (10, False)])
def test_a_clip_ends_early_if_over_a_tenth_of_the_frames_that_it_claims_is_missing(
    monkeypatch, claimed, is_told
):
    let_clip_be(monkeypatch, (Frame(n / 10, picture(BLUE)) for n in range(18)), claimed)
    run = Run()
    assert run({"a.mp4": None}) == 0
    told = [line for line in run.told if "ends early" in line]
    assert told == ["the clip ends early: it should have 21 frames"] * is_told


@pytest.mark.parametrize(("output", "reports", "drawn"), [(None, 2, 0), ("b.mp4", 3, 30)])
def test_where_nobody_reads_the_lines_work_goes_on_for_a_file_alone(
    tmp_path, output, reports, drawn
):
    path = write_clip(tmp_path / "a.mp4", [BLUE], seconds=3)
    run = Run(most=2)
    run({path: output and tmp_path / output})
    assert (len(run.reports), len(run.drawn)) == (reports, drawn)


def test_closing_the_window_ends_the_work_and_keeps_the_file(tmp_path, monkeypatch):
    shown = []

    class Window:
        def __init__(self, title, say):
            pass

        def __enter__(self):
            return lambda frame: shown.append(frame) or len(shown) < 5

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(video_window, "opened", Window)
    run = Run(shows_window=True)
    run({write_clip(tmp_path / "a.mp4", [BLUE]): tmp_path / "b.mp4"})
    assert len(read_clip(tmp_path / "b.mp4")[0]) == 5
    assert not any("early" in told for told in run.told)
    assert [frame.seconds for frame in shown] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def interrupted(run, after):
    """Let Ctrl-C be pressed when so many frames were drawn."""
    draw = run.draw

    def draw_or_stop(image, lines):
        draw(image, lines)
        if len(run.drawn) == after:
            raise KeyboardInterrupt

    run.draw = draw_or_stop
    return run


def test_ctrl_c_leaves_no_part_of_a_clip(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [BLUE])
    with pytest.raises(KeyboardInterrupt):
        interrupted(Run(), 3)({path: tmp_path / "b.mp4"})
    assert list(tmp_path.iterdir()) == [path]


def test_one_frame_is_not_called_frames(tmp_path):
    run = Run()
    run({write_clip(tmp_path / "a.mp4", [BLUE], seconds=0.1): None})
    assert run.told[-1].startswith("1 frame in ")


@contextlib.contextmanager
def counting(path, video):
    """Stand in for ``recording``, which reads what it has written as a clip."""
    frames = []
    yield frames.append
    path.write_text(f"{len(frames)} frames")


def test_ctrl_c_ends_a_camera_and_keeps_what_it_saw(tmp_path, monkeypatch):
    camera = StandInCamera([picture(BLUE)] * 10**6)
    monkeypatch.setattr(cv2, "VideoCapture", camera)
    run = interrupted(Run(), 3)
    monkeypatch.setattr(video, "recording", counting)
    with pytest.raises(KeyboardInterrupt):
        run({"camera:0": tmp_path / "b.mp4"})
    assert (tmp_path / "b.mp4").read_text() == "2 frames"
    assert camera.is_released
    assert run.told[-1].startswith("3 frames in ")
    assert run.told[-1].endswith(" frames a second")


def test_of_a_camera_the_newest_frame_is_labelled(monkeypatch):
    may_go_on, is_empty = threading.Event(), threading.Event()

    class Camera(StandInCamera):
        def read(self):
            if len(self.frames) == 1:
                may_go_on.wait(timeout=60)
            if not self.frames:
                is_empty.set()
            return super().read()

    def predict(images):
        may_go_on.set()
        assert is_empty.wait(timeout=60)
        return mean_color(images)

    camera = Camera([picture(color) for color in (BLUE, *[GREEN] * 20, RED)])
    monkeypatch.setattr(cv2, "VideoCapture", camera)
    run = Run(predict=predict, every=0.0)
    run({"camera:0": None})
    assert len(run.reports) == 2  # of a frame before the last, and of the last


def test_a_camera_that_is_not_there_is_an_error():
    with pytest.raises(UserError, match="there is no camera 999"):
        Run()({"camera:999": None})
