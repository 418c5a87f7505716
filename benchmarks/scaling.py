"""How cost grows with the number of images: seconds and memory an image, loading and training.

    python benchmarks/scaling.py --most 64000
    python benchmarks/scaling.py --least 200000 --most 200000 --image-size 96 --memory-limit 1GB

trains on one, two, four, ... thousand generated images, or on as many as do not fit in memory. What
an image costs should not depend on how many there are.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from measure import Run, print_table, run

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pyimagesearch.console import progress

LABELS = [f"{color}_{kind}" for color in ("black", "blue", "red") for kind in ("dress", "jeans")]


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--least", type=int, default=1000, help="images to begin with")
    parser.add_argument("--most", type=int, default=64000, help="images to end with")
    parser.add_argument("--image-size", type=int, default=32, help="as for train.py")
    parser.add_argument("--memory-limit", help="as for train.py")
    parser.add_argument("--epochs", type=int, default=2, help="as for train.py")
    return parser.parse_args()


def write_images(folder: Path, first: int, last: int) -> None:
    """Write generated images, numbered, into label folders: soft blots, all different."""
    for label in LABELS:
        (folder / label).mkdir(parents=True, exist_ok=True)
    for number in progress(range(first, last), last - first):
        rng = np.random.default_rng(number)
        blots = rng.integers(0, 256, (6, 6, 3), np.uint8)
        image = cv2.resize(blots, (64, 64), interpolation=cv2.INTER_CUBIC)
        path = folder / LABELS[number % len(LABELS)] / f"{number:06}.jpg"
        path.write_bytes(cv2.imencode(".jpg", image)[1].tobytes())


def row(count: int, timed: Run, epochs: int, before: tuple[int, Run] | None) -> list[str]:
    """Lay out what a run cost, an image, and how much memory each image more took."""
    loading = timed.when("[INFO] compiling") - timed.when("[INFO] loading")
    # The first epoch compiles the network, too, so it does not count where there is another.
    start = timed.when("val_loss" if epochs > 1 else "[INFO] training network")
    training = (timed.when("val_loss", last=True) - start) / max(1, epochs - 1)
    more = "-"
    if before:
        more = f"{1000 * (timed.peak_mb - before[1].peak_mb) / (count - before[0]):.1f} KB"
    return [
        f"{count:,}",
        f"{1000 * loading / count:.2f} ms",
        f"{1000 * training / count:.2f} ms",
        f"{timed.peak_mb:,.0f} MB",
        more,
    ]


def main() -> None:
    """Double the number of images until there are enough; print a row each time."""
    args = parse_arguments()
    heading = ["images", "loading, each", "an epoch, each", "peak memory", "memory, each one more"]
    rows, before, written, count = [heading], None, 0, args.least
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        while count <= args.most:
            write_images(folder / "dataset", written, count)
            settings = ["--epochs", args.epochs, "--image-size", args.image_size, "--no-cache"]
            if args.memory_limit:
                settings += ["--memory-limit", args.memory_limit]
            timed = run("train.py", *settings, folder=folder, XDG_CACHE_HOME=name)
            rows.append(row(count, timed, args.epochs, before))
            print_table(rows)
            before, written, count = (count, timed), count, 2 * count


if __name__ == "__main__":
    main()
