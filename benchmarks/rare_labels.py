"""Measure what train.py --balance does for a rare label, and what the other labels pay for it.

    python benchmarks/rare_labels.py --dataset dataset --folder black_jeans

Keep a tenth of a folder's training images, and all images to test on. Train without and with
--balance on the same images, none of them composed. The best thresholds are those of the greatest
F1 on the test images, so they flatter both networks alike.
"""

import csv
import sys
import tempfile
from argparse import Namespace
from pathlib import Path

import numpy as np
from measure import print_table, run_training

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.command_lines.train import TEST_SIZE
from pyimagesearch.console import run
from pyimagesearch.errors import UserError

SEED = 42


def parse_arguments() -> Namespace:
    """Read the command line."""
    example = "example: python benchmarks/rare_labels.py --dataset dataset --folder black_jeans"
    parser = ArgumentParser(__doc__.partition("\n")[0], example)
    parser.add_argument("-d", "--dataset", default="dataset", help="folder of label folders")
    parser.add_argument("--folder", default="black_jeans", help="the folder to cut")
    share = number(float, 0.001, 1)
    parser.add_argument("--share", type=share, default=0.1, help="of its training images to keep")
    parser.add_argument("--epochs", type=number(int, 1, 1000), default=12, help="of each network")
    parser.add_argument("--image-size", type=number(int, 12, 512), default=96, help="in pixels")
    return parser.parse_args()


def main() -> None:
    """Train twice, and print a row for each network and label."""
    args = parse_arguments()
    own = args.folder.split("_")
    heading = ["training", "label", "images of it", "recall", "precision"]
    rows = [[*heading, "recall, best threshold", "precision, best threshold"]]
    others = [["training", "binary accuracy of the other labels"]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained_on, test = write_table(folder / "table.csv", args)
        for title, options in (("plain", []), ("--balance", ["--balance"])):
            classes, probabilities = train(folder, test, options, args=args)
            targets = np.array(
                [[c in path.parent.name.split("_") for c in classes] for path in test]
            )
            for label in own:
                count = sum(label in path.parent.name.split("_") for path in trained_on)
                column = classes.index(label)
                scores = scores_of(probabilities[:, column], targets[:, column])
                rows.append([title, label, str(count), *scores])
            is_other = [label not in own for label in classes]
            right = (probabilities > 0.5) == targets
            others.append([title, f"{right[:, is_other].mean():.2%}"])
    print_table(rows)
    print_table(others)


def write_table(table: Path, args: Namespace) -> tuple[list[Path], list[Path]]:
    """Write a table of labels that leaves images out; return those to train and to test on."""
    from pyimagesearch.data import loading, split

    dataset = loading.load_dataset(args.dataset, args.image_size)
    paths, folders = [Path(path) for path in dataset.paths], list(map("_".join, dataset.labels))
    if args.folder not in folders:
        raise UserError(f"{args.dataset} has no folder {args.folder}")
    train, test = split.split(dataset.labels, dataset.groups, test_size=TEST_SIZE, seed=SEED)
    own = [row for row in train if folders[row] == args.folder]
    kept = np.random.default_rng(SEED).permutation(own)[: max(1, round(args.share * len(own)))]
    trained_on = sorted({*train.tolist()} - {*own} | {*kept.tolist()})
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "labels", "split"])
        for side, rows in (("train", trained_on), ("test", test.tolist())):
            for row in rows:
                name = paths[row].relative_to(args.dataset)
                writer.writerow([name, "|".join(dataset.labels[row]), side])
    return [paths[row] for row in trained_on], [paths[row] for row in test]


def train(
    folder: Path, test: list[Path], options: list[str], *, args: Namespace
) -> tuple[list[str], np.ndarray]:
    """Run train.py; return the labels and the probabilities of the test images."""
    from pyimagesearch.data.decoding import scale
    from pyimagesearch.data.loading import load_images
    from pyimagesearch.inference.network import load_network

    images_of = ["--labels", folder / "table.csv", "--dataset", Path(args.dataset).resolve()]
    sizes = ["--image-size", args.image_size, "--epochs", args.epochs]
    run_training(*images_of, *sizes, "--no-cache", *options, folder=folder)
    trained = load_network(folder / "fashion.model", images=len(test))
    images = load_images([str(path) for path in test], trained.image_size, fit=trained.fit).images
    parts = (scale(images[start : start + 32]) for start in range(0, len(test), 32))
    batches = [trained.predict(part) for part in parts]
    return list(trained.metadata["labels"]), np.concatenate(batches)


def scores_of(probabilities: np.ndarray, has_label: np.ndarray) -> list[str]:
    """Format recall and precision of a label at 0.5, and at its best threshold."""
    from pyimagesearch.reports.metrics import best_thresholds

    best = best_thresholds(probabilities[:, None], has_label[:, None], ["label"])["label"]
    cells = []
    for threshold in (0.5, best):
        is_chosen = probabilities > threshold
        hits = (is_chosen & has_label).sum()
        cells += [f"{hits / has_label.sum():.1%}", f"{hits / max(1, is_chosen.sum()):.1%}"]
    return cells


if __name__ == "__main__":
    sys.exit(run(main))
