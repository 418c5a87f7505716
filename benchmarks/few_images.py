"""Measure what a network learns from few images, and what measuring its normalisation adds.

    python benchmarks/few_images.py --dataset dataset
    python benchmarks/few_images.py --dataset dataset --images 10 --epochs 75

Draw some images of each folder, train on them, and test on up to a hundred others of each, none of
them copies. Each network is tested twice: with the averages of batch normalisation that training
leaves behind, and with measured ones, as train.py ends a short run. Nothing is composed.
"""

import sys
from argparse import Namespace
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from measure import print_table, train_network

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.command_lines.train import BS, IMAGE_DIMS, INIT_LR
from pyimagesearch.console import info, run
from pyimagesearch.errors import UserError

if TYPE_CHECKING:
    from pyimagesearch.data.loading import Dataset
    from pyimagesearch.training.devices import TrainingDevice

MOST_TESTED = 100


def parse_arguments() -> Namespace:
    """Read the command line."""
    example = "example: python benchmarks/few_images.py --dataset dataset --images 10 --epochs 75"
    parser = ArgumentParser(__doc__.partition("\n")[0], example)
    count = number(int, 2, 10**6)
    parser.add_argument("-d", "--dataset", default="dataset", help="folder of label folders")
    parser.add_argument("--images", type=count, nargs="+", default=[10, 30, 60], help="a folder")
    parser.add_argument("--epochs", type=number(int, 1, 1000), default=12, help="of each network")
    seed = number(int, 0, 2**31 - 1)
    parser.add_argument("--seeds", type=seed, nargs="+", default=[42, 1, 2], help="random seeds")
    return parser.parse_args()


def main() -> None:
    """Train a network for each number of images and each seed, and print their medians."""
    args = parse_arguments()
    # Imported only now, because TensorFlow takes seconds.
    from pyimagesearch.data.loading import load_dataset
    from pyimagesearch.training.devices import prepare_training_device

    device = prepare_training_device(say=info)
    dataset = load_dataset(args.dataset, IMAGE_DIMS[0])
    rows = [["images a folder", "steps", "all labels right, averages of training", "measured"]]
    for images in args.images:
        results = [
            train_and_test(dataset, images, args.epochs, seed=seed, device=device)
            for seed in args.seeds
        ]
        steps, *shares = zip(*results, strict=True)
        rows.append([str(images), str(steps[0]), *map(in_words, shares)])
    print_table(rows)


def in_words(shares: tuple[float, ...]) -> str:
    """Format the median of shares, and each of them."""
    return f"{median(shares):.1%} ({', '.join(f'{share:.1%}' for share in shares)})"


def train_and_test(
    dataset: "Dataset", images: int, epochs: int, *, seed: int, device: "TrainingDevice"
) -> tuple[int, float, float]:
    """Train on some images of each folder.

    Return the training steps, and the share of other images with all labels right: with the
    averages of training, and with measured ones.
    """
    import keras

    from pyimagesearch.data.batches import Examples, make_targets, steps_per_epoch
    from pyimagesearch.training import fitting, normalization

    train, test = draw(dataset, images, seed=seed)
    keras.utils.set_random_seed(seed)
    fitting.SHORT_RUN = 0  # so that the averages of training can be tested
    targets = make_targets(dataset.labels, dataset.classes)
    examples = Examples(dataset.images, targets, train)
    tested = examples._replace(indices=test)
    settings = fitting.Settings(epochs, BS, INIT_LR, seed=seed)
    trainer = train_network(examples, tested, device=device, settings=settings)

    def share_right() -> float:
        is_right = (trainer.predict(tested) > 0.5) == targets[test].toarray()
        return float(is_right.all(axis=1).mean())

    before = share_right()
    normalization.measure_normalization(trainer.model, examples, seed=seed)
    return steps_per_epoch(len(train), BS) * epochs, before, share_right()


def draw(dataset: "Dataset", images: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the images to train on and those to test on, none of them copies of one another."""
    rng = np.random.default_rng(seed)
    _, different = np.unique(dataset.groups, return_index=True)
    train, test = [], []
    for combination in sorted(set(dataset.labels)):
        own = [i for i in rng.permutation(different) if dataset.labels[i] == combination]
        if len(own) <= images:
            name = "_".join(combination)
            raise UserError(f"{name} has only {len(own)} different images: choose fewer --images")
        train += own[:images]
        test += own[images : images + MOST_TESTED]
    return np.array(train), np.array(test)


if __name__ == "__main__":
    sys.exit(run(main))
