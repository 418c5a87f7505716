"""How near to what the machine can do a training step is: its arithmetic over that of a product.

    python benchmarks/training_step.py

The measure is the product of two large matrices, which hardly waits for memory.
"""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from measure import print_table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pyimagesearch.training.devices import prepare_training_device

# Rows and columns of the matrices that are multiplied.
MATRIX_SIZE = 4096
CLASSES = 6


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=30, help="of a step and a product each")
    return parser.parse_args()


def main() -> None:
    """Time steps and products by turns, and print the medians."""
    args = parse_arguments()
    prepare_training_device("cpu")
    import numpy as np
    import tensorflow as tf

    from pyimagesearch.smallervggnet import SmallerVGGNet
    from pyimagesearch.training.fitting import compile_network

    rng = np.random.default_rng(0)
    shape = (args.batch_size, args.image_size, args.image_size, 3)
    images = tf.constant(rng.random(shape, np.float32))
    targets = tf.constant(rng.integers(0, 2, (args.batch_size, CLASSES)).astype(np.float32))
    model = SmallerVGGNet.build(args.image_size, args.image_size, 3, CLASSES, "sigmoid")
    network = compile_network(model, 1e-3, args.rounds)
    matrix = tf.constant(rng.random((MATRIX_SIZE, MATRIX_SIZE), np.float32))

    def step() -> None:
        network.train_on_batch(images, targets)

    def product() -> None:
        tf.matmul(matrix, matrix).numpy()

    work = {step: args.batch_size * training_operations(model), product: 2 * MATRIX_SIZE**3}
    seconds = {action: [] for action in work}
    for action in [step, product] * (args.rounds + 1):
        seconds[action].append(timed(action))
    rows = [["", "milliseconds", "GFLOP", "GFLOP/s"]]
    for action, operations in work.items():
        # The first of each prepares the others.
        median = statistics.median(seconds[action][1:])
        figures = 1e3 * median, operations / 1e9, operations / 1e9 / median
        rows.append([action.__name__, *(f"{figure:,.1f}" for figure in figures)])
    print_table(rows)


def timed(action: Callable[[], None]) -> float:
    """Time one call, in seconds."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def training_operations(model) -> int:
    """Count the additions and multiplications that training on one image takes.

    Only those of convolutions and dense layers: the others take less than a hundredth of it. The
    gradients for a layer's inputs and for its weights take as many each as the layer itself; the
    first layer needs none for its inputs.
    """
    forward = []
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            positions = math.prod(layer.output.shape[1:-1])
            forward.append(2 * positions * math.prod(layer.kernel.shape))
    return 3 * sum(forward) - forward[0]


if __name__ == "__main__":
    main()
