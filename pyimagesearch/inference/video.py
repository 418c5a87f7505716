"""Label clips and what a camera sees: read, predict, smooth, draw, write and show.

One thread reads, one predicts, and the caller's own draws. Few frames are in memory at a time.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.console import counted, printable
from pyimagesearch.data.decoding import fitted, scale
from pyimagesearch.errors import UnreadableFileError
from pyimagesearch.inference import video_window
from pyimagesearch.inference.classification import Choice, Prediction
from pyimagesearch.inference.video_reading import Frame, Video, opened
from pyimagesearch.inference.video_threads import ahead, newest
from pyimagesearch.inference.video_writing import recording

# Labels follow the mean of the predictions of half a second. More of them would not change it much.
SMOOTHED_SECONDS = 0.5
PREDICTIONS_A_SECOND = 15

# Frames that go from thread to thread together: few, so that they take little memory.
BATCH_FRAMES, BATCH_BYTES = 16, 2**24
# A clip is cut off if less than this share of its frames can be read. Not all of them need be,
# because the number that a clip claims to have is not exact.
WHOLE = 0.9
# Times of frames are not exact, either.
TOLERANCE = 1e-3


class Moment(NamedTuple):
    """What a frame of a video shows.

    Attributes
    ----------
    prediction : Prediction
        The mean over the last half second; with the frame, if it is to be drawn on.
    choice : Choice
        The labels that were chosen of it.
    seconds : float
        The time of the frame.
    is_due : bool
        Whether it is to be reported.
    """

    prediction: Prediction
    choice: Choice
    seconds: float
    is_due: bool


class Step(NamedTuple):
    """A frame on its way through the threads.

    Attributes
    ----------
    seconds : float
        Its time.
    image : numpy.ndarray or None
        uint8, shape (height, width, 3), BGR; None if it is no longer needed.
    square : numpy.ndarray or None
        What the network takes of it; None if nothing is predicted for it.
    probabilities : numpy.ndarray or None
        What the network predicts for it, shape (L,).
    """

    seconds: float
    image: np.ndarray | None
    square: np.ndarray | None = None
    probabilities: np.ndarray | None = None


def label_videos(
    trained: TrainedModel,
    classes: Sequence[str],
    outputs: Mapping[str, Path | None],
    *,
    choose: Callable[[Mapping[str, float]], Choice],
    report: Callable[..., bool],
    every: float,
    draw: Callable[[np.ndarray, Sequence[str]], None],
    say: Callable[[str], None],
    shows_window: bool = False,
) -> int:
    """Label clips one after the other, or what a camera sees until the user ends it.

    Parameters
    ----------
    trained : TrainedModel
        From :func:`pyimagesearch.inference.network.load_network`.
    classes : sequence of str
        The labels, in the order of the network's outputs.
    outputs : mapping of str to (pathlib.Path or None)
        The clips, or a camera such as ``camera:0``, and the MP4 file to write of each. What a
        camera saw until Ctrl-C is kept. Of a clip, Ctrl-C leaves no part.
    choose : callable
        Takes the probability of each label, in [0, 1], and chooses among the labels.
    report : callable
        Takes a Prediction, what is chosen of it and, if the prediction has no error, ``seconds``,
        the time in the video. It is called when the labels change, and every so often between
        changes. Returns whether anybody still wants to know.
    every : float
        How often, in seconds of the video.
    draw : callable
        Writes lines of text on an image: uint8, shape (height, width, 3), BGR.
    say : callable
        Takes what a person should know.
    shows_window : bool
        Whether to show the frames in a window. Closing it ends the work.

    Returns
    -------
    int
        How many clips could not be read.

    Raises
    ------
    UserError
        If there is no such camera, an output cannot be written, or the network returns what is no
        probability.
    ValueError
        If there are more or fewer labels than outputs of the network.
    RuntimeError
        If this process was forked after the network was loaded.
    KeyboardInterrupt
        If Ctrl-C has ended a camera, after everything else is done.
    """
    unreadable = 0
    for path, output in outputs.items():
        say(f"labelling {printable(path)}...")
        moments = partial(_moments, path, classes, choose=choose, every=every)
        try:
            _label_video(
                path,
                trained,
                output,
                moments=moments,
                report=report,
                draw=draw,
                say=say,
                shows_window=shows_window,
            )
        except UnreadableFileError as error:
            unreadable += 1
            report(Prediction(path, {}, str(error)), Choice([]))
    return unreadable


def _label_video(
    path: str,
    trained: TrainedModel,
    output: Path | None,
    *,
    moments: Callable[[Iterable[tuple[Step, np.ndarray]]], Iterator[Moment]],
    report: Callable[..., bool],
    draw: Callable[[np.ndarray, Sequence[str]], None],
    say: Callable[[str], None],
    shows_window: bool,
) -> None:
    """Label a clip from its beginning to its end, or what a camera sees."""
    began, count, is_interrupted = time.perf_counter(), 0, False
    with ExitStack() as stack:
        video = stack.enter_context(opened(path))
        write = stack.enter_context(recording(output, video)) if output else None
        show = stack.enter_context(video_window.opened("Output", say)) if shows_window else None
        steps = _predicted(video, trained, keeps_images=bool(write or show))
        stack.enter_context(closing(steps))
        try:
            for moment in moments(smoothed(steps)):
                count += 1
                is_wanted = not moment.is_due or report(
                    moment.prediction, moment.choice, seconds=moment.seconds
                )
                # A frame that is drawn is wanted even if nobody reads the lines.
                if moment.prediction.image is not None:
                    is_wanted = _is_drawn(moment, draw, write=write, show=show)
                if not is_wanted:
                    break
            else:
                if count < WHOLE * video.claimed_frames:
                    say(f"the clip ends early: it should have {video.claimed_frames:,.0f} frames")
        except KeyboardInterrupt:
            if not video.is_live or not count:
                raise
            is_interrupted = True
    if output is not None:
        say(f"labelled clip written to {printable(output)}")
    say(_summary(video, count, time.perf_counter() - began))
    if is_interrupted:
        raise KeyboardInterrupt


def _predicted(
    video: Video, trained: TrainedModel, *, keeps_images: bool
) -> Generator[Step, None, None]:
    """Read frames and predict for some of them, in threads that end when this generator does."""
    frames = newest(video.frames) if video.is_live else video.frames
    steps = _fitted(frames, trained, keeps_images=keeps_images)
    if video.is_live:
        # A camera's frames come singly, and none shall wait for others.
        batches = _batches(steps, 1)
    else:
        height, width = video.shape
        batches = ahead(_batches(steps, min(BATCH_FRAMES, BATCH_BYTES // (height * width * 3))))
    with closing(ahead(_with_probabilities(batches, trained))) as predicted:
        for batch in predicted:
            yield from batch


def _fitted(
    frames: Generator[Frame, None, None], trained: TrainedModel, *, keeps_images: bool
) -> Generator[Step, None, None]:
    """Fit the frames that are predicted for to the network, as images are."""
    latest = None
    with closing(frames):
        for seconds, image in frames:
            turn = int(seconds * PREDICTIONS_A_SECOND + TOLERANCE)
            square = None if turn == latest else fitted(image, trained.image_size, trained.fit)
            latest = turn
            yield Step(seconds, image if keeps_images else None, square)


def _batches(steps: Generator[Step, None, None], size: int) -> Generator[list[Step], None, None]:
    with closing(steps):
        while batch := list(islice(steps, max(1, size))):
            yield batch


def _with_probabilities(
    batches: Generator[list[Step], None, None], trained: TrainedModel
) -> Generator[list[Step], None, None]:
    with closing(batches):
        for batch in batches:
            squares = [step.square for step in batch if step.square is not None]
            rows = iter(trained.predict(scale(np.stack(squares))) if squares else ())
            yield [
                step if step.square is None else step._replace(probabilities=next(rows))
                for step in batch
            ]


def smoothed(steps: Iterable[Step]) -> Iterator[tuple[Step, np.ndarray]]:
    """Average the predictions of the last half second.

    Parameters
    ----------
    steps : iterable of Step
        In the order of time; the first one with probabilities.

    Yields
    ------
    step : Step
        Each of them.
    mean : numpy.ndarray
        Shape (L,): the mean of its probabilities and of those of less than ``SMOOTHED_SECONDS``
        before. It is the same array until there are others.
    """
    recent: deque[tuple[float, np.ndarray]] = deque()
    mean = np.empty(0)
    for step in steps:
        if step.probabilities is not None:
            recent.append((step.seconds, step.probabilities))
            while step.seconds - recent[0][0] >= SMOOTHED_SECONDS - TOLERANCE:
                recent.popleft()
            mean = np.mean([probabilities for _, probabilities in recent], axis=0, dtype=float)
        yield step, mean


def _moments(
    path: str,
    classes: Sequence[str],
    steps: Iterable[tuple[Step, np.ndarray]],
    *,
    choose: Callable[[Mapping[str, float]], Choice],
    every: float,
) -> Iterator[Moment]:
    """Choose the labels of each frame, and which frames are reported."""
    mean: np.ndarray | None = None
    labels: set[str] | None = None
    reported = 0.0
    for step, latest_mean in steps:
        if latest_mean is not mean:
            mean = latest_mean
            probabilities = dict(zip(classes, map(float, mean), strict=True))
            choice = choose(probabilities)
        # Labels that are as likely as each other may change places with every frame.
        before, labels = labels, {label for label, _ in choice.labels}
        is_due = labels != before or step.seconds - reported >= every - TOLERANCE
        reported = step.seconds if is_due else reported
        prediction = Prediction(path, probabilities, None, step.image)
        yield Moment(prediction, choice, step.seconds, is_due)


def _is_drawn(
    moment: Moment,
    draw: Callable[[np.ndarray, Sequence[str]], None],
    *,
    write: Callable[[Frame], None] | None,
    show: Callable[[Frame], bool] | None,
) -> bool:
    """Draw labels on a frame, write and show it; return False if the window was closed."""
    image = moment.prediction.image
    assert image is not None
    draw(image, [f"{label}: {likely:.0%}" for label, likely in moment.choice.labels])
    frame = Frame(moment.seconds, image)
    if write is not None:
        write(frame)
    return show is None or show(frame)


def _summary(video: Video, count: int, took: float) -> str:
    speed = f"{counted(count, 'frame')} in {took:.1f} s: {count / took:.1f} frames a second"
    if video.is_live:
        return speed
    return f"{speed}, {count / took / video.rate:.1f} times the clip's own speed"
