"""Measure how well a network recognises combinations that it was never shown.

Each combination whose two labels also occur elsewhere (blue_jeans, where there are black jeans and
blue dresses) is left out in turn. A network trains on the other folders, once as they are and once
with images composed for the combinations that are missing, and is tested on all images of the one
left out: an answer is right if its two likeliest labels are exactly those of the image. A fifth of
the other images is kept back, too, and tells the ordinary accuracy.
"""

import logging
import sys
from argparse import Namespace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pyimagesearch.data.split import split

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import printable, run
from pyimagesearch.errors import UserError

# As in train.py.
IMAGE_SIZE = 96
BATCH_SIZE = 32
LEARNING_RATE = 1e-3
TEST_SIZE = 0.2

EXAMPLES = """examples:
  python benchmarks/unseen_combinations.py --dataset dataset
  python benchmarks/unseen_combinations.py --dataset dataset --epochs 30 --seed 1
"""


class Result(NamedTuple):
    """What one network was measured to do; all but the first are shares in [0, 1].

    Attributes
    ----------
    composed : float
        How many images were composed of each missing combination.
    exact : float
        Of the images left out, those whose two likeliest labels are exactly the right two.
    first_recall, second_recall : float
        Of the images left out, those with the first (the second) part of the folder's name among
        the two likeliest labels.
    binary : float
        Binary accuracy on the test side of the combinations trained on.
    """

    composed: float
    exact: float
    first_recall: float
    second_recall: float
    binary: float


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES)
    count = number(int, 1, 1_000_000)
    parser.add_argument("-d", "--dataset", default="dataset", help="folder of label folders")
    parser.add_argument("--epochs", type=count, default=15, help="of each training run")
    parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=42, help="of all chance")
    parser.add_argument(
        "--per-combination",
        type=count,
        help="how many images to compose of each missing combination; by default as many as an "
        "average folder has",
    )
    parser.add_argument(
        "--recolor-part",
        type=number(int, 1, 2),
        default=1,
        help="which part of the folders' names is the colour",
    )
    return parser.parse_args()


def main() -> None:
    """Leave out each combination in turn and print what the networks make of it."""
    args = parse_arguments()
    # Neither this nor TensorFlow, which takes seconds to import, is needed to refuse a bad flag.
    from pyimagesearch.data import loading
    from pyimagesearch.training import devices

    devices.prepare_training_device()
    # TensorFlow's advice on programs that compile many networks, as this one has to.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    images, _, labels, _ = loading.load_dataset(args.dataset, IMAGE_SIZE)
    candidates = [
        combination for combination in sorted(set(labels)) if can_be_left_out(combination, labels)
    ]
    if not candidates:
        raise UserError(
            f"no combination below {args.dataset} can be left out: each has a label that no other "
            "has"
        )

    heading = ("composed each", "exact top two", "first label", "second label", "trained ones")
    print(f"{'left out':<16}", *(f"{name:>13}" for name in heading))
    results: dict[int | None, list[Result]] = {0: [], args.per_combination: []}
    for left_out in candidates:
        for per_combination, measured in results.items():
            part = args.recolor_part - 1
            result = measure(
                images, labels, left_out, per_combination, part, args.epochs, args.seed
            )
            measured.append(result)
            print_row(" ".join(left_out), result)
    for measured in results.values():
        print_row("mean", Result(*np.mean(measured, axis=0)))


def can_be_left_out(combination: tuple[str, ...], labels: list[tuple[str, ...]]) -> bool:
    """Say whether each label of a combination is found in another combination, too."""
    others = set(labels) - {combination}
    return all(any(label in other for other in others) for label in combination)


def measure(
    images: np.ndarray,
    labels: list[tuple[str, ...]],
    left_out: tuple[str, ...],
    per_combination: int | None,
    part: int,
    epochs: int,
    seed: int,
) -> Result:
    """Train without the images of one combination, then test on them.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, shape (N, IMAGE_SIZE, IMAGE_SIZE, 3), BGR.
    labels : list of tuple of str
        The labels of each of the N images.
    left_out : tuple of str
        The combination to leave out.
    per_combination : int or None
        How many images to compose for each missing combination; None for as many as an average
        folder has.
    part : int
        Which of the labels is the colour.
    epochs, seed : int
        Of the training run.

    Returns
    -------
    Result
        The network after the last epoch.
    """
    import keras
    from sklearn.preprocessing import MultiLabelBinarizer

    from pyimagesearch.data import batches, duplicates, image_arrays
    from pyimagesearch.recoloring import composition, prior
    from pyimagesearch.reports import metrics
    from pyimagesearch.smallervggnet import SmallerVGGNet
    from pyimagesearch.training import fitting

    keras.utils.set_random_seed(seed)
    is_left_out = np.array([combination == left_out for combination in labels])
    unseen, seen = images[is_left_out], images[~is_left_out]
    seen_labels = [combination for combination in labels if combination != left_out]
    groups = duplicates.duplicate_groups(seen)
    train, test = split(seen_labels, groups, TEST_SIZE, seed)
    composed = composition.compose_missing(
        seen, seen_labels, train, per_combination=per_combination, part=part, seed=seed
    )
    mlb = MultiLabelBinarizer()
    targets = mlb.fit_transform([*seen_labels, *composed.labels]).astype("float32")
    in_turn = (np.arange(len(seen), len(targets)), composition.TURNS)
    shown = len(train) + len(composed.labels) // composition.TURNS
    pool = image_arrays.Concatenated(seen, composed.images)

    model = SmallerVGGNet.build(IMAGE_SIZE, IMAGE_SIZE, 3, len(mlb.classes_), finalAct="sigmoid")
    steps = batches.steps_per_epoch(shown, BATCH_SIZE)
    network = fitting.compile_network(model, LEARNING_RATE, steps * epochs)
    network.fit(
        batches.training_batches(
            pool, targets, train, BATCH_SIZE, range(epochs), seed, in_turn=in_turn
        ),
        steps_per_epoch=steps,
        epochs=epochs,
        shuffle=False,
        verbose=0,
    )
    train_labels = [seen_labels[i] for i in train]
    offsets = prior.logit_offsets(mlb.classes_, train_labels, composed.labels, part=part)
    fitting.subtract_from_logits(model, offsets)

    def predict(some_images: np.ndarray, some_targets: np.ndarray) -> np.ndarray:
        everything = np.arange(len(some_images))
        made = batches.evaluation_batches(some_images, some_targets, everything, BATCH_SIZE)
        return network.predict(made, verbose=0)

    right = mlb.transform([left_out] * len(unseen)).astype("float32")
    likeliest = mlb.classes_[np.argsort(predict(unseen, right), axis=1)[:, -len(left_out) :]]
    is_found = np.stack([(likeliest == label).any(axis=1) for label in left_out])
    binary = metrics.accuracies(predict(seen[test], targets[test]), targets[test]).binary
    each = len(composed.labels) / max(1, len(set(composed.labels)))
    return Result(each, is_found.all(axis=0).mean(), *is_found.mean(axis=1), binary)


def print_row(name: str, result: Result) -> None:
    """Print a line of the table."""
    composed, *shares = result
    cells = " ".join(f"{share:>13.2%}" for share in shares)
    print(f"{printable(name):<16} {composed:>13.0f} {cells}", flush=True)


if __name__ == "__main__":
    sys.exit(run(main))
