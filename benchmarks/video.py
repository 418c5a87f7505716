"""Measure how fast classify.py labels a clip of 720p, beside the clip's own speed.

    python train.py --dataset dataset
    python benchmarks/video.py --model fashion.model

It draws a clip of ten seconds with thirty frames a second, in which something moves and everything
changes with every frame, and labels it twice: without drawing, and into a file.
"""

import re
import sys
import tempfile
from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
from measure import Run, print_table, processor, run_script, with_spread

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import run

WIDTH, HEIGHT, RATE, SECONDS = 1280, 720, 30, 10
FRAMES = RATE * SECONDS
# The goal is this many times the clip's own speed, on this many cores.
GOAL, CORES = 3, 2


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/video.py --repeats 5"
    )
    parser.add_argument("-m", "--model", default="fashion.model", help="the trained network")
    parser.add_argument("--repeats", type=number(int, 1, 10**6), default=3, help="how often")
    return parser.parse_args()


def main() -> None:
    """Print a row for a run without a file and for one with a file."""
    args = parse_arguments()
    model = Path(args.model).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_clip(folder / "clip.mp4")
        command = ["-i", "clip.mp4", "-m", model, "--no-display"]
        ways: dict[str, list[str]] = {"lines alone": [], "a file": ["--output", "labelled.mp4"]}
        runs: dict[str, list[Run]] = {way: [] for way in ways}
        start: list[float] = []
        for _ in range(args.repeats):
            start.append(start_seconds(command, folder))
            for way, flags in ways.items():
                runs[way].append(run_script("classify.py", *command, *flags, folder=folder))
    print(f"processor: {processor()}")
    print(
        f"clip: {WIDTH} x {HEIGHT}, {FRAMES} frames, {RATE} a second; the goal is {GOAL} times that"
    )
    heading = ["labelled in", "frames a second", "times the clip's speed"]
    heading += [f"on {CORES} cores of its own", "peak memory"]
    print_table([heading, *(row(way, each, start) for way, each in runs.items())])


def draw_clip(path: Path) -> None:
    """Write a clip in which a disc crosses a background that moves, too."""
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH + FRAMES, 3), np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), 6)
    background = cv2.normalize(blurred, np.empty_like(blurred), 0, 255, cv2.NORM_MINMAX)
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, codec, RATE, (WIDTH, HEIGHT))
    for time in range(FRAMES):
        frame = np.ascontiguousarray(background[:, time : time + WIDTH])
        color = (0, 0, 200) if time < FRAMES / 2 else (200, 0, 0)
        cv2.circle(frame, (200 + 3 * time, HEIGHT // 2), 200, color, -1)
        writer.write(frame)
    writer.release()


def start_seconds(command: list[object], folder: Path) -> float:
    """Return the processor time that the script takes before the first frame: for one image."""
    cv2.imwrite(str(folder / "image.png"), np.zeros((96, 96, 3), np.uint8))
    return run_script("classify.py", "-i", "image.png", *command[2:], folder=folder).cpu_seconds


def row(way: str, runs: list[Run], start: list[float]) -> list[str]:
    """Describe the runs of one way.

    Other programs slow a run down, but hardly change the processor time that it takes. Divided by
    the number of cores, this is how long it would take by itself.
    """
    speeds = [told_speed(each) for each in runs]
    alone = [
        CORES * FRAMES / max(0.001, each.cpu_seconds - first)
        for each, first in zip(runs, start, strict=True)
    ]
    return [
        way,
        with_spread(speeds, digits=0),
        with_spread([speed / RATE for speed in speeds], digits=1),
        with_spread([speed / RATE for speed in alone], digits=1),
        with_spread([each.peak_mb for each in runs], "MB"),
    ]


def told_speed(finished: Run) -> float:
    """Read the frames a second in what the script printed."""
    line = next(line for _, line in finished.lines if "frames a second" in line)
    found = re.search(r"([\d.]+) frames a second", line)
    assert found is not None
    return float(found[1])


if __name__ == "__main__":
    sys.exit(run(main))
