"""Measure how well a network predicts combinations that it never saw.

    python benchmarks/unseen_combinations.py --dataset dataset

Leave out each combination whose two labels also occur in other folders: blue jeans, if there are
black jeans and blue dresses. Train on the other folders, once as they are and once with images that
are composed for the missing combinations. Test on all images of the combination that was left out:
a prediction is right if its two likeliest labels are exactly those of the image. A fifth of the
other images is kept back, to measure the accuracy on combinations that the network knows.
"""

import logging
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from measure import ROOT  # noqa: F401 (importing it lets the package be imported)

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import info, printable, progress, run
from pyimagesearch.errors import UserError

if TYPE_CHECKING:
    from pyimagesearch.data.batches import Examples
    from pyimagesearch.data.loading import Dataset
    from pyimagesearch.training.devices import TrainingDevice
    from pyimagesearch.training.fitting import Settings, Trainer

# The defaults of train.py.
IMAGE_SIZE = 96
BATCH_SIZE = 32
LEARNING_RATE = 1e-3
TEST_SIZE = 0.2

EXAMPLES = """examples:
  python benchmarks/unseen_combinations.py --dataset dataset
  python benchmarks/unseen_combinations.py --dataset dataset --epochs 30 --seed 1
"""

Labels = tuple[str, ...]


class Result(NamedTuple):
    """How well one network predicts. All but the first are shares in [0, 1].

    Attributes
    ----------
    composed : float
        Composed images of each missing combination.
    exact : float
        Of the images left out, those whose two likeliest labels are the right ones.
    first, second : float
        Of the images left out, those with the first (the second) part of their folder's name among
        the two likeliest labels.
    binary : float
        Binary accuracy on test images of the other combinations.
    """

    composed: float
    exact: float
    first: float
    second: float
    binary: float


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(__doc__.partition("\n")[0], EXAMPLES)
    count = number(int, 1, 1_000_000)
    parser.add_argument("-d", "--dataset", default="dataset", help="folder of label folders")
    parser.add_argument("--epochs", type=count, default=15, help="epochs of each training run")
    parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=42, help="random seed")
    parser.add_argument(
        "--per-combination",
        type=count,
        help="images to compose of each missing combination; by default as many as an average "
        "folder has",
    )
    parser.add_argument(
        "--recolor-part", type=int, choices=(1, 2), default=1, help="part that is the colour"
    )
    return parser.parse_args()


def main() -> None:
    """Leave out each combination in turn, and print a row for each network."""
    args = parse_arguments()
    # Imported only now, because TensorFlow takes seconds.
    from pyimagesearch.data.loading import load_dataset
    from pyimagesearch.training.devices import prepare_training_device

    device = prepare_training_device(say=info)
    # Keras reads its backend when it is imported, so this must come after the device.
    from pyimagesearch.training.fitting import Settings

    # TensorFlow warns of programs that compile many networks, as this one has to.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    dataset = load_dataset(args.dataset, IMAGE_SIZE, progress=progress)
    combinations = sorted(set(dataset.labels))
    candidates = [left_out for left_out in combinations if can_be_left_out(left_out, combinations)]
    if not candidates:
        raise UserError(
            f"no combination below {args.dataset} can be left out: that takes one of two labels "
            "that other combinations have, too"
        )
    settings = Settings(args.epochs, BATCH_SIZE, LEARNING_RATE, args.seed)
    measured = partial(
        measure, dataset, device=device, settings=settings, part=args.recolor_part - 1
    )
    print_cells("left out", "composed", "exact", "first label", "second label", "other images")
    results: dict[int | None, list[Result]] = {0: [], args.per_combination: []}
    for left_out in candidates:
        for per_combination, so_far in results.items():
            so_far.append(measured(left_out, per_combination=per_combination))
            print_result(" ".join(left_out), so_far[-1])
    for all_results in results.values():
        print_result("mean", Result(*np.mean(all_results, axis=0)))


def can_be_left_out(left_out: Labels, combinations: Sequence[Labels]) -> bool:
    """Tell whether a combination has two labels that other combinations have, too."""
    others = [combination for combination in combinations if combination != left_out]
    is_known = [any(label in other for other in others) for label in left_out]
    return is_known == [True, True]


def measure(
    dataset: "Dataset",
    left_out: Labels,
    *,
    device: "TrainingDevice",
    settings: "Settings",
    per_combination: int | None,
    part: int,
) -> Result:
    """Train without the images of one combination, then test on them.

    Parameters
    ----------
    dataset : Dataset
        All images.
    left_out : tuple of str
        The combination to leave out.
    device : TrainingDevice
        Where to train.
    settings : Settings
        How to train.
    per_combination : int or None
        Images to compose of each missing combination; None for as many as an average folder has.
    part : {0, 1}
        Which of the two labels is the colour.

    Returns
    -------
    Result
        The network after the last epoch.
    """
    import keras
    from sklearn.preprocessing import MultiLabelBinarizer

    from pyimagesearch.data import batches, duplicates, split
    from pyimagesearch.recoloring import composition, prior
    from pyimagesearch.reports import metrics

    keras.utils.set_random_seed(settings.seed)
    is_left_out = np.array([labels == left_out for labels in dataset.labels])
    unseen, seen = dataset.images[is_left_out], dataset.images[~is_left_out]
    labels = [labels for labels in dataset.labels if labels != left_out]
    groups = duplicates.duplicate_groups(seen, dataset.checksums[~is_left_out])
    train, test = split.split(labels, groups, test_size=TEST_SIZE, seed=settings.seed)
    composed = composition.compose_missing(
        seen, labels, train, per_combination=per_combination, part=part, seed=settings.seed
    )
    mlb = MultiLabelBinarizer().fit(labels)
    targets = mlb.transform([*labels, *composed.labels]).astype("float32")
    pool, rotation = composition.pooled(seen, composed.images)
    test_examples = batches.Examples(seen, targets, test)
    trainer = train_network(
        batches.Examples(pool, targets, train, rotation),
        test_examples,
        device=device,
        settings=settings,
    )
    train_labels = [labels[i] for i in train]
    offsets = prior.logit_offsets(mlb.classes_, train_labels, composed.labels, part=part)
    trainer.subtract_from_logits(offsets)

    right = mlb.transform([left_out] * len(unseen)).astype("float32")
    probabilities = trainer.predict(batches.Examples(unseen, right, np.arange(len(unseen))))
    likeliest = mlb.classes_[np.argsort(probabilities, axis=1)[:, -len(left_out) :]]
    is_found = np.stack([(likeliest == label).any(axis=1) for label in left_out])
    binary = metrics.accuracies(trainer.predict(test_examples), targets[test]).binary
    each = len(composed.labels) / max(1, len(set(composed.labels)))
    first, second = is_found.mean(axis=1)
    return Result(each, is_found.all(axis=0).mean(), first, second, binary)


def train_network(
    examples: "Examples",
    test_examples: "Examples",
    *,
    device: "TrainingDevice",
    settings: "Settings",
) -> "Trainer":
    """Train as train.py does, but write no files.

    Parameters
    ----------
    examples, test_examples : Examples
        What to train on, and what to test on after each epoch.
    device, settings
        As for :func:`measure`.

    Returns
    -------
    Trainer
        With the network after the last epoch.
    """
    from pyimagesearch.smallervggnet import SmallerVGGNet
    from pyimagesearch.training import checkpoints, fitting

    classes = examples.targets.shape[1]
    build = partial(SmallerVGGNet.build, IMAGE_SIZE, IMAGE_SIZE, 3, classes, finalAct="sigmoid")
    trainer = fitting.Trainer(
        build, device, checkpoints.Run(None, {}), examples=examples, settings=settings
    )
    # Only the table goes to stdout.
    with redirect_stdout(sys.stderr):
        ended_by = trainer.fit(test_examples)
    if ended_by:
        raise KeyboardInterrupt
    return trainer


def print_result(name: str, result: Result) -> None:
    """Print a row of the table as soon as it is known."""
    composed, *shares = result
    print_cells(name, f"{composed:,.0f}", *(f"{share:.2%}" for share in shares))


def print_cells(name: str, *cells: str) -> None:
    """Print cells of equal width."""
    print(f"{printable(name):<16}", *(f"{cell:>13}" for cell in cells), flush=True)


if __name__ == "__main__":
    sys.exit(run(main))
