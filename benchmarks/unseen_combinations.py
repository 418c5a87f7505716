"""Measure how well a network predicts combinations that it never saw.

    python benchmarks/unseen_combinations.py --dataset dataset
    python benchmarks/unseen_combinations.py --dataset dataset --kinds composed --seeds 1 2 3

Leave out each combination whose two labels also occur in other folders: blue jeans, if there are
black jeans and blue dresses. Train on the other folders and test on all images of the combination
that was left out. A prediction is right if it names both labels, as classify.py does: the likeliest
label of each part. --kinds selects what is trained:

    plain     with the images of the other folders as they are
    composed  with composed images of the missing combinations, as train.py does
    oracle    with the images of all folders: cross-validation, so that every image is tested on by
              a network that was not trained on it. This is what can be hoped for.

The wrong predictions are counted by what is wrong: the colour, the type, or both. "Two of a part"
counts images whose two likeliest labels are two colours or two types. A fifth of the other images
is kept back, to measure the accuracy on combinations that the network knows.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from measure import train_network

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.command_lines.train import BS, IMAGE_DIMS, INIT_LR, TEST_SIZE
from pyimagesearch.console import info, printable, progress, run
from pyimagesearch.data.folders import pair_axes
from pyimagesearch.errors import UserError

if TYPE_CHECKING:
    from pyimagesearch.data.loading import Dataset
    from pyimagesearch.training.devices import TrainingDevice
    from pyimagesearch.training.fitting import Settings

# Each fold of the cross-validation trains on as large a share of the images as the other kinds do.
FOLDS = 5
KINDS = ("plain", "composed", "oracle")
HEADINGS = ("right", "colour wrong", "type wrong", "both wrong", "two of a part", "other images")

EXAMPLES = """examples:
  python benchmarks/unseen_combinations.py --dataset dataset
  python benchmarks/unseen_combinations.py --dataset dataset --left-out blue_jeans --epochs 30
"""

Labels = tuple[str, ...]
# The first and the second labels of all combinations.
Axes = tuple[list[str], list[str]]


class Predictions(NamedTuple):
    """What a network predicts for the images of one combination.

    Attributes
    ----------
    indices : numpy.ndarray
        int, shape (N,): which images of the dataset they are.
    probabilities : numpy.ndarray
        float32, shape (N, L).
    binary : float
        Binary accuracy on test images of the combinations that the network was trained on.
    """

    indices: np.ndarray
    probabilities: np.ndarray
    binary: float


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(__doc__.partition("\n")[0], EXAMPLES)
    count, seed = number(int, 1, 1_000_000), number(int, 0, 2**31 - 1)
    parser.add_argument("-d", "--dataset", default="dataset", help="folder of label folders")
    parser.add_argument("--fit", choices=("pad", "squeeze"), default="pad", help="as in train.py")
    parser.add_argument("--epochs", type=count, default=15, help="epochs of each training run")
    parser.add_argument("--seeds", type=seed, nargs="+", default=[42], help="random seeds")
    kinds = "what to train: " + ", ".join(KINDS)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help=kinds)
    folders = "folders to leave out; by default all that can be"
    parser.add_argument("--left-out", nargs="+", metavar="FOLDER", help=folders)
    most = "images to compose of each missing combination; by default as many as a folder has"
    parser.add_argument("--per-combination", type=count, help=most)
    part = "part of a folder's name that is the colour"
    parser.add_argument("--recolor-part", type=int, choices=(1, 2), default=1, help=part)
    parser.add_argument("--wrong", metavar="FILE", help="where to list the wrong predictions")
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

    dataset = load_dataset(
        args.dataset, IMAGE_DIMS[0], fit=args.fit, use_cache=True, progress=progress
    )
    candidates, axes = combinations_to_leave_out(dataset, args)
    print_cells("left out", "trained", *HEADINGS)
    rows: dict[str, dict[Labels, list[list[float]]]] = {kind: {} for kind in args.kinds}
    for seed in args.seeds:
        settings = Settings(args.epochs, BS, INIT_LR, seed)
        predict = partial(predictions_of, dataset, candidates, args=args)
        for kind in args.kinds:
            for left_out, predictions in predict(kind, settings=settings, device=device):
                row = result(dataset, left_out, predictions, axes=axes, part=args.recolor_part - 1)
                rows[kind].setdefault(left_out, []).append(row)
                print_shares(" ".join(left_out), f"{kind}, {seed}", row)
                if args.wrong:
                    path = Path(args.wrong)
                    list_wrong(path, dataset, left_out, predictions=predictions, axes=axes)
    print_means(rows)


def combinations_to_leave_out(dataset: "Dataset", args: Namespace) -> tuple[list[Labels], Axes]:
    """Find the combinations whose labels other combinations have, too; return the axes, too."""
    combinations = sorted(set(dataset.labels))
    axes = pair_axes(combinations)
    if axes is None:
        raise UserError(
            f"not every folder below {args.dataset} has two labels: give one whose folders all do, "
            "such as blue_jeans"
        )
    found = [left_out for left_out in combinations if can_be_left_out(left_out, combinations)]
    if args.left_out:
        found = [left_out for left_out in found if "_".join(left_out) in args.left_out]
    if not found:
        raise UserError(
            f"no combination below {args.dataset} can be left out: that takes one of two labels "
            "that other combinations have, too"
        )
    return found, axes


def can_be_left_out(left_out: Labels, combinations: Sequence[Labels]) -> bool:
    """Tell whether a combination has two labels that other combinations have, too."""
    others = [combination for combination in combinations if combination != left_out]
    is_known = [any(label in other for other in others) for label in left_out]
    return is_known == [True, True]


def predictions_of(
    dataset: "Dataset",
    candidates: Sequence[Labels],
    kind: str,
    *,
    settings: "Settings",
    device: "TrainingDevice",
    args: Namespace,
) -> Iterator[tuple[Labels, Predictions]]:
    """Train networks of one kind; yield each combination with the predictions for its images."""
    part = args.recolor_part - 1
    train = partial(train_and_test, dataset, settings=settings, device=device, part=part)
    if kind == "oracle":
        yield from cross_validated(dataset, candidates, train, seed=settings.seed)
        return
    per_combination = 0 if kind == "plain" else args.per_combination
    from pyimagesearch.data import split

    for left_out in candidates:
        is_left_out = np.array([labels == left_out for labels in dataset.labels])
        seen = np.flatnonzero(~is_left_out)
        labels = [dataset.labels[position] for position in seen]
        groups = np.unique(dataset.groups[seen], return_inverse=True)[1]
        learned, tested = split.split(labels, groups, test_size=TEST_SIZE, seed=settings.seed)
        unseen = np.flatnonzero(is_left_out)
        probabilities, binary = train(
            seen[learned], unseen, others=seen[tested], per_combination=per_combination
        )
        yield left_out, Predictions(unseen, probabilities, binary)


def cross_validated(
    dataset: "Dataset",
    candidates: Sequence[Labels],
    train: Callable[..., tuple[np.ndarray, float]],
    *,
    seed: int,
) -> Iterator[tuple[Labels, Predictions]]:
    """Predict each image by a network that was trained without it and its copies."""
    from sklearn.model_selection import StratifiedGroupKFold

    joined = ["_".join(labels) for labels in dataset.labels]
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    probabilities = np.empty((len(joined), len(dataset.classes)), np.float32)
    accuracies = []
    for learned, tested in folds.split(joined, joined, dataset.groups):
        predicted, binary = train(learned, tested, others=tested, per_combination=None)
        probabilities[tested] = predicted
        accuracies.append(binary)
    for combination in candidates:
        own = np.flatnonzero([labels == combination for labels in dataset.labels])
        yield combination, Predictions(own, probabilities[own], float(np.mean(accuracies)))


def train_and_test(
    dataset: "Dataset",
    learned: np.ndarray,
    tested: np.ndarray,
    *,
    others: np.ndarray,
    settings: "Settings",
    device: "TrainingDevice",
    per_combination: int | None,
    part: int,
) -> tuple[np.ndarray, float]:
    """Train on some images of a dataset, as train.py does, and predict others.

    Parameters
    ----------
    dataset : Dataset
        All images.
    learned, tested, others : numpy.ndarray
        int, indices of images: those to train on, to predict, and to measure the accuracy on.
    settings : Settings
        How to train.
    device : TrainingDevice
        Where to train.
    per_combination : int or None
        Images to compose of each missing combination; None for as many as an average folder has.
    part : {0, 1}
        Which of the two labels is the colour.

    Returns
    -------
    probabilities : numpy.ndarray
        float32, shape (len(tested), L).
    binary : float
        Binary accuracy on `others`.
    """
    import keras

    from pyimagesearch.data import batches
    from pyimagesearch.recoloring import composition, prior
    from pyimagesearch.reports import metrics

    keras.utils.set_random_seed(settings.seed)
    known = [dataset.labels[position] for position in learned]
    images = dataset.images[learned]
    composed = composition.compose_missing(
        images,
        known,
        np.arange(len(known)),
        per_combination=per_combination,
        part=part,
        seed=settings.seed,
    )
    targets = batches.make_targets([*known, *composed.labels], dataset.classes)
    pool, turns = composition.pooled(images, composed.images)
    all_targets = batches.make_targets(dataset.labels, dataset.classes)
    other_examples = batches.Examples(dataset.images, all_targets, others)
    examples = batches.Examples(pool, targets, np.arange(len(known)), turns)
    trainer = train_network(examples, other_examples, device=device, settings=settings)
    offsets = prior.logit_offsets(known, composed.labels, dataset.classes, part=part)
    trainer.subtract_from_logits(offsets)
    probabilities = trainer.predict(other_examples._replace(indices=tested))
    other_probabilities = trainer.predict(other_examples)
    other_targets = all_targets[others].toarray()
    return probabilities, metrics.accuracies(other_probabilities, other_targets).binary


def likeliest_pairs(dataset: "Dataset", probabilities: np.ndarray, axes: Axes) -> np.ndarray:
    """Return the likeliest label of each part: str, shape (N, 2)."""
    from pyimagesearch.reports import metrics

    return metrics.likeliest_of_parts(probabilities, dataset.classes, axes)


def result(
    dataset: "Dataset", left_out: Labels, predictions: Predictions, *, axes: Axes, part: int
) -> list[float]:
    """Return the shares that ``HEADINGS`` name."""
    pairs = likeliest_pairs(dataset, predictions.probabilities, axes)
    is_wrong = pairs != np.array(left_out)
    color, kind = is_wrong[:, part], is_wrong[:, 1 - part]
    two_likeliest = np.array(dataset.classes)[np.argsort(predictions.probabilities)[:, -2:]]
    is_first = np.isin(two_likeliest, axes[0])
    shares = [~color & ~kind, color & ~kind, kind & ~color, color & kind]
    shares.append(is_first[:, 0] == is_first[:, 1])
    return [*(float(share.mean()) for share in shares), predictions.binary]


def list_wrong(
    path: Path, dataset: "Dataset", left_out: Labels, *, predictions: Predictions, axes: Axes
) -> None:
    """Append the wrong predictions to a file, a line for each: what it was taken for, the path."""
    pairs = likeliest_pairs(dataset, predictions.probabilities, axes)
    with path.open("a", encoding="utf-8") as file:
        for index, pair in zip(predictions.indices, pairs, strict=True):
            if tuple(pair) != left_out:
                print(" ".join(pair), printable(dataset.paths[index]), sep="\t", file=file)


def print_means(rows: dict[str, dict[Labels, list[list[float]]]]) -> None:
    """Print the mean of all combinations of each kind, and how the seeds differ."""
    for kind, by_combination in rows.items():
        for left_out, of_seeds in by_combination.items():
            if len(of_seeds) > 1:
                print_shares(" ".join(left_out), f"{kind}, mean", np.mean(of_seeds, axis=0))
        of_seeds = np.mean(list(by_combination.values()), axis=0)
        print_shares("mean", kind, of_seeds.mean(axis=0))
        if len(of_seeds) > 1:
            print_shares("its deviation", f"{kind}, of seeds", of_seeds.std(axis=0, ddof=1))


def print_shares(name: str, trained: str, shares: Sequence[float]) -> None:
    """Print a row of the table."""
    print_cells(name, trained, *(f"{share:.2%}" for share in shares))


def print_cells(name: str, trained: str, *cells: str) -> None:
    """Print cells of equal width."""
    print(f"{printable(name):<16} {trained:<18}", *(f"{cell:>13}" for cell in cells), flush=True)


if __name__ == "__main__":
    sys.exit(run(main))
