"""How long it takes to find the copies among many images.

    python benchmarks/near_duplicates.py --images 100000

One image in ten is a brighter copy of another one; the search has to find each of them, and nothing
else. What an image costs should hardly depend on how many there are.
"""

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from measure import print_table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pyimagesearch.data.duplicates import duplicate_groups


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=96, help="width and height in pixels")
    return parser.parse_args()


def generate(count: int, size: int) -> np.ndarray:
    """Draw soft blots, all different, but that every tenth is a brighter copy of the one before."""
    images = np.empty((count, size, size, 3), np.uint8)
    rng = np.random.default_rng(0)
    for number in range(count):
        if number % 10 == 9:
            images[number] = cv2.convertScaleAbs(images[number - 1], beta=3)
        else:
            blots = rng.integers(0, 256, (8, 8, 3), np.uint8)
            images[number] = cv2.resize(blots, (size, size), interpolation=cv2.INTER_CUBIC)
    return images


def main() -> int:
    """Search among a quarter, a half and all of the images."""
    args = parse_arguments()
    images = generate(args.images, args.size)
    rows = [["images", "seconds", "each", "copies found", "of"]]
    is_right = True
    for count in (args.images // 4, args.images // 2, args.images):
        start = time.perf_counter()
        groups = duplicate_groups(images[:count])
        seconds = time.perf_counter() - start
        copies = np.arange(9, count, 10)
        found = int((groups[copies] == groups[copies - 1]).sum())
        is_right &= found == len(copies) == count - len(np.unique(groups))
        each = f"{1e6 * seconds / count:.0f} microseconds"
        rows.append([f"{count:,}", f"{seconds:.1f}", each, f"{found:,}", f"{len(copies):,}"])
    print_table(rows)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
