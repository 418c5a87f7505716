"""Train and classify with a large table of free labels, and measure time and memory.

    python benchmarks/label_table.py --images 20000 --labels 50

Write small images, in which each label is a square of its own colour in its own place, and a table
with a column of 0 and 1 for each label. The first label is on three images of ten, the last on one
of a thousand.
"""

import csv
import json
import sys
import tempfile
from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
from measure import print_table, run_script

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import progress, run

SIZE, CELL = 32, 4
MOST_FREQUENT, LEAST_FREQUENT = 0.3, 0.001


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/label_table.py --images 20000"
    )
    images, labels = number(int, 100, 10**7), number(int, 2, (SIZE // CELL) ** 2)
    parser.add_argument("--images", type=images, default=20_000, help="how many to draw")
    parser.add_argument("--labels", type=labels, default=50, help="how many there are")
    parser.add_argument("--epochs", type=number(int, 1, 1000), default=1, help="passed to train.py")
    parser.add_argument("--balance", action="store_true", help="passed to train.py")
    return parser.parse_args()


def main() -> None:
    """Write images, train, classify ten of them, and print what it took."""
    args = parse_arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder, args.images, args.labels)
        environment = {"XDG_CACHE_HOME": name}
        outputs = ["--report", "report.json", "--errors", "errors.png", "--log", "log.csv"]
        trained = run_script(
            *("train.py", "--labels", "table.csv", "--image-size", SIZE, "--epochs", args.epochs),
            *(*outputs, *(["--balance"] if args.balance else [])),
            folder=folder,
            environment=environment,
        )
        images = [f"images/{position:07}.png" for position in range(10)]
        classified = run_script(
            *("classify.py", "--json", "--image", *images), folder=folder, environment=environment
        )
        report = json.loads((folder / "report.json").read_text())
        kilobytes = (folder / "report.json").stat().st_size / 1000
    loading = trained.when("[INFO] compiling") - trained.when("[INFO] loading")
    rows = [["step", "time", "processor time", "peak memory"]]
    for step, timed in (("train.py", trained), ("classify.py, 10 images", classified)):
        cells = [f"{timed.seconds:.1f} s", f"{timed.cpu_seconds:.1f} s", f"{timed.peak_mb:,.0f} MB"]
        rows.append([step, *cells])
    print_table(rows)
    print(f"{loading:.1f} s of it until the network is compiled")
    print(f"{kilobytes:,.0f} KB of report, {len(trained.lines)} lines of output:\n")
    print("\n".join(line for _, line in trained.lines))
    print(json.dumps(report["test_accuracies"]))
    print("\n".join(line for _, line in classified.lines))


def write_images(folder: Path, images: int, labels: int) -> None:
    """Write the images and their table."""
    random = np.random.default_rng(0)
    shares = np.geomspace(MOST_FREQUENT, LEAST_FREQUENT, labels)
    has_label = random.random((images, labels)) < shares
    colors = random.integers(0, 256, (labels, 3), np.uint8)
    (folder / "images").mkdir()
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *(f"label_{label:02}" for label in range(labels))])
        for position in progress(range(images), images):
            name = f"images/{position:07}.png"
            writer.writerow([name, *has_label[position].astype(int).tolist()])
            blobs = random.integers(0, 256, (6, 6, 3), np.uint8)
            image = cv2.resize(blobs, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
            for label in np.flatnonzero(has_label[position]):
                y, x = (CELL * place for place in divmod(int(label), SIZE // CELL))
                image[y : y + CELL, x : x + CELL] = colors[label]
            (folder / name).write_bytes(cv2.imencode(".png", image)[1].tobytes())


if __name__ == "__main__":
    sys.exit(run(main))
