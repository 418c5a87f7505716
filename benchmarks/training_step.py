"""Compare the speed of a training step with the speed of a matrix product.

    python benchmarks/training_step.py

A product of two large matrices hardly waits for memory, so it shows how many operations per second
the processor can do.
"""

import math
import statistics
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from measure import print_table

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.training.devices import prepare_training_device

# Rows and columns of the matrices.
MATRIX_SIZE = 4096
CLASSES = 6


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/training_step.py --batch-size 64"
    )
    count = number(int, 1, 10_000)
    parser.add_argument("--batch-size", type=count, default=32, help="images of a step")
    parser.add_argument(
        "--image-size", type=number(int, 12, 1024), default=96, help="width and height in pixels"
    )
    parser.add_argument(
        "--rounds", type=count, default=30, help="how often to time a step and a product"
    )
    return parser.parse_args()


def main() -> None:
    """Time steps and products in turn, and print their medians."""
    args = parse_arguments()
    prepare_training_device("cpu", say=print)
    import numpy as np
    import tensorflow as tf

    from pyimagesearch.smallervggnet import SmallerVGGNet
    from pyimagesearch.training.fitting import compile_network

    rng = np.random.default_rng(0)
    size = args.image_size
    images = tf.constant(rng.random((args.batch_size, size, size, 3), np.float32))
    targets = tf.constant(rng.integers(0, 2, (args.batch_size, CLASSES)).astype(np.float32))
    model = SmallerVGGNet.build(size, size, 3, CLASSES, finalAct="sigmoid")
    network = compile_network(model, learning_rate=1e-3, total_steps=args.rounds)
    matrix = tf.constant(rng.random((MATRIX_SIZE, MATRIX_SIZE), np.float32))

    def step() -> None:
        network.train_on_batch(images, targets)

    def product() -> None:
        tf.matmul(matrix, matrix).numpy()

    # The first call of each compiles it.
    step_seconds, product_seconds = [], []
    for _ in range(args.rounds + 1):
        step_seconds.append(seconds_of(step))
        product_seconds.append(seconds_of(product))
    step_operations = args.batch_size * training_operations(model)
    print_table(
        [
            ["", "milliseconds", "GFLOP", "GFLOP/s"],
            ["step", *speed(step_seconds[1:], step_operations)],
            ["product", *speed(product_seconds[1:], 2 * MATRIX_SIZE**3)],
        ]
    )


def seconds_of(action: Callable[[], None]) -> float:
    """Time one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def speed(seconds: list[float], operations: int) -> list[str]:
    """Format the cells of a row: median time, operations, and operations per second."""
    median = statistics.median(seconds)
    cells = 1e3 * median, operations / 1e9, operations / 1e9 / median
    return [f"{cell:,.1f}" for cell in cells]


def training_operations(model: Any) -> int:
    """Count the additions and multiplications of training on one image.

    Only convolutions and dense layers count: the other layers add less than a hundredth. The
    gradients for the inputs and for the weights of a layer each take as many operations as the
    layer itself. The first layer needs no gradient for its inputs.
    """
    forward = []
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            positions = math.prod(layer.output.shape[1:-1])
            forward.append(2 * positions * math.prod(layer.kernel.shape))
    return 3 * sum(forward) - forward[0]


if __name__ == "__main__":
    main()
