"""Measure how much processor time a prediction takes, in batches of several sizes.

    python train.py --dataset dataset
    python benchmarks/batch_sizes.py --model fashion.model

All cores work on one batch, as for a single image, or each core on a batch of its own, as for a
folder.
"""

import os
import sys
import time
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from measure import print_table, processor, with_spread

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.artifacts.model_file import Predict
from pyimagesearch.console import run
from pyimagesearch.inference.network import load_network

SIZES = (1, 8, 16, 32, 64)


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/batch_sizes.py --repeats 20"
    )
    count = number(int, 2, 10**6)
    parser.add_argument("-m", "--model", default="fashion.model", help="the trained network")
    parser.add_argument("--images", type=count, default=128, help="images to predict for at a time")
    parser.add_argument("--repeats", type=count, default=10, help="how often")
    return parser.parse_args()


def main() -> None:
    """Print a row for each size."""
    args = parse_arguments()
    cores = os.cpu_count() or 1
    together = load_network(args.model, "cpu", images=1)
    apart = load_network(args.model, "cpu", images=args.images)
    largest = np.random.default_rng(0).random(
        (max(SIZES), together.image_size, together.image_size, 3), np.float32
    )
    times: dict[int, tuple[list[float], list[float]]] = {size: ([], []) for size in SIZES}
    for _ in range(args.repeats):
        for size, (one, several) in times.items():
            batches = [largest[:size]] * max(1, args.images // size)
            one.append(milliseconds(together.predict, batches, threads=1))
            several.append(milliseconds(apart.predict, batches, threads=cores))
    print(f"processor: {processor()}")
    heading = ["images in a batch", "one batch on all cores", "a batch on each core"]
    rows = [
        [str(size), *(with_spread(each, "ms", digits=2) for each in columns)]
        for size, columns in times.items()
    ]
    print_table([heading, *rows])


def milliseconds(predict: Predict, batches: list[np.ndarray], *, threads: int) -> float:
    """Return the processor time that an image takes."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(predict, batches[:1] * threads))  # Kernels for this size are compiled now.
        began = time.process_time()
        list(pool.map(predict, batches))
        return 1000 * (time.process_time() - began) / sum(map(len, batches))


if __name__ == "__main__":
    sys.exit(run(main))
