"""Measure how many wrong labels train.py --audit finds.

    python benchmarks/label_errors.py --dataset dataset

Copy a dataset, and move some of its images to a wrong folder. Audit the copy, and count how many of
the images that were moved are among as many rows at the head of the list. Copies of one image with
different labels stand first in the list: the count is given with them, and without them. Images
that were in the wrong folder before count as false alarms.
"""

import csv
import shutil
import sys
import tempfile
from argparse import Namespace
from pathlib import Path

import numpy as np
from measure import print_table, run_training

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import run
from pyimagesearch.data.folders import list_images
from pyimagesearch.reports.label_audit import COPIES
from pyimagesearch.spreadsheets import escaped_cell


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/label_errors.py --dataset dataset"
    )
    parser.add_argument("-d", "--dataset", default="dataset", help="folder of label folders")
    parser.add_argument("--share", type=number(float, 0.001, 0.5), default=0.05, help="to move")
    parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=0, help="random seed")
    parser.add_argument("--epochs", type=number(int, 1, 1000), default=12, help="of each network")
    return parser.parse_args()


def main() -> None:
    """Move images, audit, and count."""
    args = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        dataset, table = Path(folder) / "dataset", Path(folder) / "audit.csv"
        moved = copy_with_errors(Path(args.dataset), dataset, share=args.share, seed=args.seed)
        options = ["--no-cache", f"--audit={table}", f"--epochs={args.epochs}"]
        run_training("--dataset", dataset, *options, folder=Path(folder))
        with table.open(newline="", encoding="utf-8-sig") as file:
            found = list(csv.DictReader(file))
    listed = [row["path"] for row in found]
    ranked = [row["path"] for row in found if row["why"] != COPIES]
    rows = [["rows at the head of the list", "moved images among them", "share"]]
    for name, paths in (("all", listed), ("without copies", ranked)):
        hits = len(moved & set(paths[: len(moved)]))
        rows.append([f"{len(moved)}, {name}", str(hits), f"{hits / len(moved):.1%}"])
    print_table(rows)


def copy_with_errors(source: Path, target: Path, *, share: float, seed: int) -> set[str]:
    """Copy a dataset with a share of its images in a wrong folder; return these, as listed."""
    random = np.random.default_rng(seed)
    paths = [Path(path) for path in list_images(source).paths]
    folders = sorted({path.parent.name for path in paths})
    chosen = set(random.permutation(len(paths))[: round(share * len(paths))].tolist())
    moved = set()
    for position, path in enumerate(paths):
        folder = path.parent.name
        if position in chosen:
            others = [name for name in folders if name != folder]
            folder = others[random.integers(len(others))]
        copy = target / folder / f"{path.parent.name}-{path.name}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        if position in chosen:
            moved.add(escaped_cell(str(copy)))
    return moved


if __name__ == "__main__":
    sys.exit(run(main))
