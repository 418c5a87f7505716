"""Time the search for copies among many images.

    python benchmarks/near_duplicates.py --images 100000

One image in ten is a brighter copy of another one. The search must find each of these copies and
nothing else. The time per image should hardly depend on the number of images.
"""

import sys
import time
import zlib
from argparse import Namespace

import cv2
import numpy as np
from measure import print_table

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import run
from pyimagesearch.data.duplicates import duplicate_groups


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/near_duplicates.py --images 100000"
    )
    parser.add_argument(
        "--images", type=number(int, 40, 10**8), default=100_000, help="how many to generate"
    )
    parser.add_argument(
        "--size", type=number(int, 16, 1024), default=96, help="width and height in pixels"
    )
    return parser.parse_args()


def main() -> int:
    """Search among a quarter, a half and all of the images; return 1 if a search is wrong."""
    args = parse_arguments()
    images = generate(args.images, args.size)
    checksums = np.array([zlib.crc32(image) for image in images], np.uint32)
    rows = [["images", "seconds", "each", "copies found", "of"]]
    is_right = True
    for count in (args.images // 4, args.images // 2, args.images):
        start = time.perf_counter()
        groups = duplicate_groups(images[:count], checksums[:count])
        seconds = time.perf_counter() - start
        copies = np.arange(9, count, 10)
        found = int((groups[copies] == groups[copies - 1]).sum())
        is_right &= found == len(copies) == count - len(np.unique(groups))
        each = f"{1e6 * seconds / count:.0f} microseconds"
        rows.append([f"{count:,}", f"{seconds:.1f}", each, f"{found:,}", f"{len(copies):,}"])
    print_table(rows)
    return 0 if is_right else 1


def generate(count: int, size: int) -> np.ndarray:
    """Draw soft random blobs; every tenth image is a brighter copy of the one before it."""
    images = np.empty((count, size, size, 3), np.uint8)
    rng = np.random.default_rng(0)
    for position in range(count):
        if position % 10 == 9:
            images[position] = cv2.convertScaleAbs(images[position - 1], beta=3)
        else:
            blobs = rng.integers(0, 256, (8, 8, 3), np.uint8)
            images[position] = cv2.resize(blobs, (size, size), interpolation=cv2.INTER_CUBIC)
    return images


if __name__ == "__main__":
    sys.exit(run(main))
