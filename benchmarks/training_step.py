"""Compare the speed of a training step with the speed of a matrix product.

    python benchmarks/training_step.py
    python benchmarks/training_step.py --recipe tutorial

A product of two large matrices hardly waits for memory, so it shows how many operations per second
the processor can do. The tutorial's recipe runs on TensorFlow as it comes; this project sets it up
first, and where it multiplies bfloat16 numbers, the product does, too.
"""

import contextlib
import json
import math
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from measure import print_table

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import run
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
    parser.add_argument(
        "--recipe", choices=("project", "tutorial"), default="project", help="whose step to time"
    )
    parser.add_argument("--batch-size", type=count, default=32, help="images of a step")
    parser.add_argument(
        "--image-size", type=number(int, 12, 1024), default=96, help="width and height in pixels"
    )
    parser.add_argument(
        "--rounds", type=count, default=30, help="how often to time a step and a product"
    )
    parser.add_argument("--json", action="store_true", help="print the rates as JSON")
    return parser.parse_args()


def main() -> None:
    """Time steps and products in turn, and print the rates of their medians."""
    args = parse_arguments()
    device = prepare_training_device("cpu", say=print) if args.recipe == "project" else None
    model, step = training_step(args)
    import numpy as np
    import tensorflow as tf

    matrix = tf.random.uniform((MATRIX_SIZE, MATRIX_SIZE))
    # The sum is less to copy than the product. A function's graph can multiply bfloat16 numbers.
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
    with device.fast_products() if device else contextlib.nullcontext():
        # The first call of each compiles it.
        seconds = [
            (seconds_of(step), seconds_of(lambda: product().numpy()))
            for _ in range(args.rounds + 1)
        ][1:]
    medians = np.median(seconds, axis=0)
    operations = [args.batch_size * training_operations(model), 2 * MATRIX_SIZE**3]
    rates = np.array(operations)[:, None] / medians / 1e9
    if args.json:
        print(json.dumps(dict(zip(("step", "product"), rates.tolist(), strict=True))))
        return
    shares = rates[0] / rates[1]
    print_table(
        [
            ["", "milliseconds", "GFLOP/s", "GFLOP/s of a core"],
            *(
                [name, f"{1e3 * wall:,.1f}", *(f"{rate:,.1f}" for rate in row)]
                for name, wall, row in zip(("step", "product"), medians[:, 0], rates, strict=True)
            ),
            ["share", "", *(f"{share:.0%}" for share in shares)],
        ]
    )


def training_step(args: Namespace) -> tuple[Any, Callable[[], object]]:
    """Build a recipe's network, and what trains it for one step on random images."""
    import numpy as np
    import tensorflow as tf

    rng = np.random.default_rng(0)
    size = args.image_size
    images = tf.constant(rng.random((args.batch_size, size, size, 3), np.float32))
    targets = tf.constant(rng.integers(0, 2, (args.batch_size, CLASSES)).astype(np.float32))
    if args.recipe == "tutorial":
        from tutorial import compiled_network

        model = network = compiled_network(classes=CLASSES, image_size=size)
    else:
        from pyimagesearch.smallervggnet import SmallerVGGNet
        from pyimagesearch.training.fitting import compile_network

        model = SmallerVGGNet.build(size, size, 3, CLASSES, finalAct="sigmoid")
        network = compile_network(model, learning_rate=1e-3, total_steps=args.rounds)
    return model, lambda: network.train_on_batch(images, targets)


def seconds_of(action: Callable[[], object]) -> tuple[float, float]:
    """Time one call: by the clock, and as processor time of all cores together.

    Other programs hardly change the processor time. It leaves out the time in which cores wait.
    """
    start, start_of_work = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - start, time.process_time() - start_of_work


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
    sys.exit(run(main))
