"""Compare the gradients of training in bfloat16 with those in float32, layer by layer.

    python train.py --dataset dataset
    python benchmarks/bfloat16.py --dataset dataset

Both are computed from the same weights and batches, without dropout. The cosine of two gradients is
1 if they have the same direction. That of the gradients of two batches tells how much a gradient
varies anyway.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from measure import print_table

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import run
from pyimagesearch.errors import UserError
from pyimagesearch.training.devices import prepare_training_device

if TYPE_CHECKING:
    import keras

BATCH_SIZE = 32
HEADINGS = ("weights", "shape", "float32 and bfloat16", "two batches")

Batch = tuple[np.ndarray, np.ndarray]
Gradients = list[np.ndarray]


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/bfloat16.py --dataset dataset"
    )
    parser.add_argument("-d", "--dataset", default="dataset", help="folder of label folders")
    parser.add_argument("-m", "--model", default="fashion.model", help="a network trained on it")
    batches = number(int, 2, 10_000)
    parser.add_argument("--batches", type=batches, default=12, help="how many to compare")
    return parser.parse_args()


def main() -> None:
    """Print the mean cosines of each layer's gradients."""
    args = parse_arguments()
    device = prepare_training_device("cpu", say=print)
    if not device.has_bfloat16:
        raise UserError("this processor does not multiply bfloat16 numbers")
    from pyimagesearch.artifacts.model_file import build_model, read_model_file

    model = build_model(read_model_file(args.model))
    batches = list(random_batches(args.dataset, model, args.batches))
    exact = gradients_of(model, batches, inside=nullcontext)
    rounded = gradients_of(model, batches, inside=device.fast_products)
    rows = [list(HEADINGS)]
    for place, variable in enumerate(model.trainable_variables):
        if len(variable.shape) > 1:
            mine, other = ([each[place] for each in side] for side in (exact, rounded))
            cosines = mean_cosine(mine, other), mean_cosine(mine[:-1], mine[1:])
            rows.append([variable.path, str(variable.shape), *(f"{c:.4f}" for c in cosines)])
    print_table(rows)


def random_batches(folder: str, model: "keras.Model", count: int) -> Iterator[Batch]:
    """Draw batches of a dataset: images and targets as the network is trained on."""
    from pyimagesearch.data.batches import make_targets
    from pyimagesearch.data.decoding import scale
    from pyimagesearch.data.loading import load_dataset

    dataset = load_dataset(folder, model.input_shape[1], use_cache=True)
    targets = make_targets(dataset.labels, dataset.classes)
    if model.output_shape[1] != targets.shape[1]:
        raise UserError(
            f"the network has {model.output_shape[1]} labels, {folder} has {targets.shape[1]}: "
            "train it on that folder"
        )
    rng = np.random.default_rng(0)
    for _ in range(count):
        chosen = rng.integers(0, targets.shape[0], BATCH_SIZE)
        yield scale(dataset.images[chosen]), targets[chosen].toarray()


def gradients_of(
    model: "keras.Model", batches: Sequence[Batch], *, inside: Callable[[], Any]
) -> list[Gradients]:
    """Compute the gradients of the loss for each batch, and leave the weights as they are."""
    import keras
    import tensorflow as tf

    from pyimagesearch.training.fast_layers import fast_layers

    layers = [
        layer
        for layer in fast_layers(model, synchronized=False)
        if not isinstance(layer, keras.layers.Dropout)
    ]
    network = keras.Sequential([keras.Input(model.input_shape[1:]), *layers])

    @tf.function
    def gradients(images: tf.Tensor, targets: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            predicted = network(images, training=True)
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(targets, predicted))
        return tape.gradient(loss, model.trainable_variables)

    with inside():
        return [[each.numpy() for each in gradients(*batch)] for batch in batches]


def mean_cosine(ones: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> float:
    """Average the cosines of the pairs."""
    cosines = [
        np.vdot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other))
        for one, other in zip(ones, others, strict=True)
    ]
    return float(np.mean(cosines))


if __name__ == "__main__":
    sys.exit(run(main))
