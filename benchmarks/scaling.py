"""Measure how time and memory per image depend on the number of images.

    python benchmarks/scaling.py --most 64000
    python benchmarks/scaling.py --least 200000 --most 200000 --image-size 96 --memory-limit 1GB

Train on 1,000 generated images, then on 2,000, 4,000 and so on. The time per image should not grow.
With a memory limit, the images stay in a file on disk. No combination is missing, so nothing is
composed.
"""

import sys
import tempfile
from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
from measure import Run, print_table, run_script

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import progress, run

FOLDERS = [f"{color}_{kind}" for color in ("black", "blue", "red") for kind in ("dress", "jeans")]


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/scaling.py --most 64000"
    )
    count = number(int, 12, 10**8)
    parser.add_argument("--least", type=count, default=1000, help="images of the first run")
    parser.add_argument("--most", type=count, default=64000, help="images of the last run")
    parser.add_argument(
        "--image-size", type=number(int, 12, 512), default=32, help="passed to train.py"
    )
    parser.add_argument("--memory-limit", help="passed to train.py")
    parser.add_argument("--epochs", type=number(int, 1, 1000), default=2, help="passed to train.py")
    return parser.parse_args()


def main() -> None:
    """Double the number of images from run to run; print the table again after each run."""
    args = parse_arguments()
    rows = [["images", "loading, each", "an epoch, each", "peak memory", "memory, each one more"]]
    counts, runs = [0], []
    settings = ["--epochs", args.epochs, "--image-size", args.image_size, "--no-cache"]
    if args.memory_limit:
        settings += ["--memory-limit", args.memory_limit]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = args.least
        while count <= args.most:
            write_images(folder / "dataset", counts[-1], count)
            cache = {"XDG_CACHE_HOME": name}
            runs.append(run_script("train.py", *settings, folder=folder, environment=cache))
            more_memory = "-"
            if len(runs) > 1:
                more_mb, more_images = runs[-1].peak_mb - runs[-2].peak_mb, count - counts[-1]
                more_memory = f"{1000 * more_mb / more_images:.1f} KB"
            rows.append([*costs(runs[-1], count, epochs=args.epochs), more_memory])
            print_table(rows)
            counts.append(count)
            count *= 2


def write_images(folder: Path, first: int, last: int) -> None:
    """Write the images numbered from `first` to `last` into label folders: soft random blobs."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for position in progress(range(first, last), last - first):
        blobs = np.random.default_rng(position).integers(0, 256, (6, 6, 3), np.uint8)
        image = cv2.resize(blobs, (64, 64), interpolation=cv2.INTER_CUBIC)
        path = folder / FOLDERS[position % len(FOLDERS)] / f"{position:06}.jpg"
        path.write_bytes(cv2.imencode(".jpg", image)[1].tobytes())


def costs(timed: Run, count: int, *, epochs: int) -> list[str]:
    """Format the cells of a row: images, loading and training time of each, peak memory."""
    loading = timed.when("[INFO] compiling") - timed.when("[INFO] loading")
    # The first epoch also compiles the network, so it counts only if there is no other.
    start = timed.when("val_loss" if epochs > 1 else "[INFO] training network")
    training = (timed.when("val_loss", last=True) - start) / max(1, epochs - 1)
    return [
        f"{count:,}",
        f"{1000 * loading / count:.2f} ms",
        f"{1000 * training / count:.2f} ms",
        f"{timed.peak_mb:,.0f} MB",
    ]


if __name__ == "__main__":
    sys.exit(run(main))
