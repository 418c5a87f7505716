"""Measure how well a network tells images that it does not know from those that it knows.

    python benchmarks/unknown_images.py --dataset dataset --unknown photographs
    python benchmarks/unknown_images.py --dataset dataset --unknown photos --left-out dress blue

Train on the dataset as train.py does, or take its model. Known images are those of the test side,
and combinations composed of them. Unknown are the images of a folder of anything else, noise and
plain colours, and, after another training without one label, all images with it. --known tests
images of the same kind from elsewhere: photographs, for a network that was trained on drawings.

The table shows the share of each that the default limit rejects, and how well nearness alone tells
it from the test images (area under the ROC curve; 0.5 is chance, 1 is perfect).
"""

import shutil
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from measure import print_table, run_training

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.command_lines.train import TEST_SIZE
from pyimagesearch.console import progress, run
from pyimagesearch.errors import UserError

if TYPE_CHECKING:
    from pyimagesearch.artifacts.model_file import TrainedModel
    from pyimagesearch.data.image_arrays import Images

EXAMPLES = """examples:
  python benchmarks/unknown_images.py --dataset dataset --unknown photographs --epochs 12
  python benchmarks/unknown_images.py --dataset dataset --unknown photographs -m fashion.model
"""
# How many images of noise, and the size of its squares in pixels.
GENERATED, SQUARE = 500, 8
# The default of train.py.
SEED = 42


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(__doc__.partition("\n")[0], EXAMPLES)
    count = number(int, 1, 1_000_000)
    parser.add_argument("-d", "--dataset", default="dataset", help="folder of label folders")
    parser.add_argument("--unknown", required=True, help="folder of images of anything else")
    parser.add_argument("--known", help="folder of other images of what the dataset shows")
    parser.add_argument("-m", "--model", help="what train.py made of the dataset, seed 42")
    parser.add_argument("--epochs", type=count, default=15, help="epochs of each training run")
    parser.add_argument("--reject", type=number(float, 0, 1), default=0.02, help="as classify.py")
    parser.add_argument(
        "--left-out", nargs="*", default=[], metavar="LABEL", help="train anew without each"
    )
    return parser.parse_args()


def main() -> None:
    """Train, and print a row for each kind of image."""
    args = parse_arguments()
    for label in args.left_out:
        if not all(folders_by_label(label, args)):
            raise UserError(
                f"{label} cannot be left out: {args.dataset} needs folders with and without it"
            )
    from pyimagesearch.inference.network import load_network

    with tempfile.TemporaryDirectory() as folder:
        model = args.model or train(Path(args.dataset), Path(folder), args.epochs)
        rows = [["images", "number", "rejected", "AUROC"]]
        rows += rows_of(load_network(model, images=1000), args)
        for label in args.left_out:
            rows.append(left_out_row(label, Path(folder), args))
    print_table(rows)


def train(dataset: Path, folder: Path, epochs: int, *options: str) -> Path:
    """Run train.py, and return where its model is."""
    run_training("--dataset", dataset.resolve(), "--epochs", epochs, *options, folder=folder)
    return folder / "fashion.model"


def rows_of(trained: "TrainedModel", args: Namespace) -> list[list[str]]:
    """Measure a network on all that needs no other training."""
    from pyimagesearch.data import loading, split
    from pyimagesearch.recoloring import composition
    from pyimagesearch.recoloring.color_part import choose_recoloring

    dataset = loading.load_dataset(
        args.dataset, trained.image_size, fit=trained.fit, use_cache=True, progress=progress
    )
    labels, images = dataset.labels, dataset.images
    _, test = split.split(labels, dataset.groups, test_size=TEST_SIZE, seed=SEED)
    tested = near(trained, images[test])
    recoloring = choose_recoloring(images, labels, test, wanted="auto", part=None)
    # Of the test images, so that the network has seen neither the garments nor the colours.
    composed = composition.compose_missing(
        *(images, labels, test),
        per_combination=recoloring.per_combination,
        part=recoloring.part,
        seed=SEED + 1,
    )
    kinds = {"test images": tested}
    if composed.labels:
        kinds["composed of test images"] = near(trained, composed.images)
    if args.known:
        kinds["other known images"] = near(trained, images_below(args.known, trained))
    kinds["anything else"] = near(trained, images_below(args.unknown, trained))
    kinds |= {name: near(trained, drawn) for name, drawn in generated(trained.image_size).items()}
    return [
        row(name, nearness, tested, trained=trained, args=args) for name, nearness in kinds.items()
    ]


def folders_by_label(label: str, args: Namespace) -> tuple[list[Path], list[Path]]:
    """List the label folders with a label, and those without it."""
    folders = sorted(path for path in Path(args.dataset).iterdir() if path.is_dir())
    own = [path for path in folders if label in path.name.split("_")]
    return own, [path for path in folders if path not in own]


def left_out_row(label: str, folder: Path, args: Namespace) -> list[str]:
    """Train without a label, and measure the network on all images that have it."""
    from pyimagesearch.data import loading, split
    from pyimagesearch.inference.network import load_network

    rest, own = folder / f"without_{label}", folder / f"only_{label}"
    for target, folders in zip((own, rest), folders_by_label(label, args), strict=True):
        for path in folders:
            shutil.copytree(path, target / path.name)
    outputs = folder / f"outputs_{label}"
    outputs.mkdir()
    trained = load_network(train(rest, outputs, args.epochs, "--no-cache"), images=1000)
    dataset = loading.load_dataset(rest, trained.image_size, fit=trained.fit)
    _, test = split.split(dataset.labels, dataset.groups, test_size=TEST_SIZE, seed=SEED)
    tested = near(trained, dataset.images[test])
    unknown = near(trained, images_below(own, trained))
    return row(f"{label}, left out", unknown, tested, trained=trained, args=args)


def row(
    name: str,
    nearness: np.ndarray,
    tested: np.ndarray,
    *,
    trained: "TrainedModel",
    args: Namespace,
) -> list[str]:
    """Describe the nearness of one kind of images."""
    from sklearn.metrics import roc_auc_score

    from pyimagesearch.artifacts.known_images import least_nearness

    least = least_nearness(trained.known, args.reject) or 0
    is_test = np.repeat([True, False], [len(tested), len(nearness)])
    area = roc_auc_score(is_test, np.concatenate([tested, nearness]))
    return [name, str(len(nearness)), f"{(nearness < least).mean():.1%}", f"{area:.4f}"]


def near(trained: "TrainedModel", images: "Images") -> np.ndarray:
    """Return the nearness of images."""
    from pyimagesearch.artifacts.known_images import nearness
    from pyimagesearch.data.decoding import scale

    if trained.known is None or trained.predict_both is None:
        raise UserError("the model does not say which images it knows: train it with train.py")
    batches = (scale(images[start : start + 32]) for start in range(0, len(images), 32))
    features = [trained.predict_both(batch)[1] for batch in batches]
    return nearness(np.concatenate(features), trained.known)


def images_below(folder: str | Path, trained: "TrainedModel") -> "Images":
    """Decode all images of a folder, as classify.py does."""
    from pyimagesearch.data.folders import list_images
    from pyimagesearch.data.loading import load_images

    paths = list_images(folder).paths
    return load_images(paths, trained.image_size, fit=trained.fit, progress=progress).images


def generated(size: int) -> dict[str, np.ndarray]:
    """Draw noise and plain colours, with another seed and other sizes than training does."""
    random = np.random.default_rng(1)
    shape = (GENERATED, size, size, 3)
    colors = random.integers(0, 256, (GENERATED, 1, 1, 3), np.uint8)
    grey = np.clip(random.normal(128, 50, (GENERATED, size, size, 1)), 0, 255).astype(np.uint8)
    squares = -(-size // SQUARE)
    coarse = random.integers(0, 256, (GENERATED, squares, squares, 3), np.uint8)
    coarse = coarse.repeat(SQUARE, 1).repeat(SQUARE, 2)[:, :size, :size]
    return {
        "plain colours": np.broadcast_to(colors, shape),
        "noise": random.integers(0, 256, shape, np.uint8),
        "grey noise": np.broadcast_to(grey, shape),
        "squares of noise": coarse,
    }


if __name__ == "__main__":
    sys.exit(run(main))
