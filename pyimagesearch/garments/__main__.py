"""Draw a dataset of garments, six folders of labelled images, or the seven examples."""

import argparse
import sys

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import info, printable, progress, run
from pyimagesearch.garments.scenes import COMBINATIONS, DATASET_SIZE, EXAMPLES, EXAMPLES_SIZE
from pyimagesearch.garments.writing import (
    DATASET_IMAGES,
    DATASET_SEED,
    EXAMPLES_SEED,
    write_dataset,
    write_examples,
)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__,
        "example: python -m pyimagesearch.garments --output drawn --per-combination 500 --seed 1",
    )
    parser.prog = "python -m pyimagesearch.garments"
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--output", metavar="DIR", help="write a dataset to this folder")
    target.add_argument("--examples", metavar="DIR", help="write the examples to this folder")
    parser.add_argument(
        "--per-combination",
        type=number(int, 1, 10**6),
        metavar="N",
        help=f"images in each folder of the dataset (default: {DATASET_IMAGES})",
    )
    parser.add_argument(
        "--seed",
        type=number(int, 0, 2**63),
        metavar="S",
        help="the same seed draws the same images "
        f"(default: {DATASET_SEED} for a dataset, {EXAMPLES_SEED} for the examples)",
    )
    parser.add_argument(
        "--size",
        type=number(int, 16, 4000),
        metavar="PIXELS",
        help="longest side of an image "
        f"(default: {DATASET_SIZE} in a dataset, {EXAMPLES_SIZE} in the examples)",
    )
    args = parser.parse_args()
    if args.examples is not None and args.per_combination:
        parser.error("--per-combination has no use with --examples: there are always seven")
    return args


def main() -> None:
    """Write what the command line asks for."""
    args = parse_arguments()
    if args.examples is not None:
        seed = EXAMPLES_SEED if args.seed is None else args.seed
        write_examples(args.examples, seed=seed, size=args.size or EXAMPLES_SIZE)
        info(f"wrote {len(EXAMPLES)} examples to {printable(args.examples)}")
        return
    per_combination = args.per_combination or DATASET_IMAGES
    write_dataset(
        args.output,
        per_combination=per_combination,
        seed=DATASET_SEED if args.seed is None else args.seed,
        size=args.size or DATASET_SIZE,
        progress=progress,
    )
    info(f"wrote {per_combination * len(COMBINATIONS):,} images to {printable(args.output)}")


if __name__ == "__main__":
    sys.exit(run(main))
