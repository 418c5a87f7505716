"""Load and classify thousands of damaged images: nothing may crash, hang or fill the memory.

    python train.py --dataset dataset
    python benchmarks/damaged_images.py --model fashion.model --labelbin mlb.pickle

Images of each format are cut off at every tenth of their length, get random bits flipped, and claim
enormous dimensions. There are also a pipe, a device, a link to itself, a folder named like an
image, and an empty file of two gigabytes. Each file must be used or refused with a reason.
"""

import json
import os
import struct
import sys
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from measure import Run, print_table, run

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.garments.scenes import draw_garment

FORMATS = (".jpg", ".png", ".bmp", ".tif", ".webp", ".gif")
MOST_MEGABYTES = 1000
# The loader may allocate no more than this, so that it cannot believe what a header claims.
ALLOCATION_LIMIT = 4 << 30


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/damaged_images.py --files 500"
    )
    parser.add_argument("-m", "--model", default="fashion.model", help="the trained network")
    parser.add_argument("-l", "--labelbin", default="mlb.pickle", help="its labels")
    parser.add_argument(
        "--files", type=number(int, 1, 99_999), default=2000, help="damaged files to write"
    )
    parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=1, help="random seed")
    parser.add_argument("--load", metavar="DIR", help="only load this folder, and print a summary")
    return parser.parse_args()


def main() -> int:
    """Write the files, load them, classify them, and print what came of them."""
    args = parse_arguments()
    if args.load:
        print(json.dumps(load(args.load)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "corpus"
        count = write_corpus(corpus, args.files, np.random.default_rng(args.seed))
        loading = run("benchmarks/damaged_images.py", "--load", corpus, folder=folder)
        files = ["--model", Path(args.model).resolve(), "--labelbin", Path(args.labelbin).resolve()]
        # Exit code 1 tells that some images could not be read.
        classifying = run(
            "classify.py", "-i", corpus, "--json", *files, folder=folder, expected_status=1
        )
    loaded = json.loads(loading.lines[-1][1])
    predictions = [json.loads(line) for _, line in classifying.lines]
    refused = sum("error" in prediction for prediction in predictions)
    print_table(
        [
            ["", "files", "used", "refused", "seconds", "peak memory"],
            row("train.py's loader", loaded["used"], loaded["refused"], timed=loading),
            row("classify.py", len(predictions) - refused, refused, timed=classifying),
        ]
    )
    for reason, often in Counter(loaded["reasons"]).most_common():
        print(f"{often:6}  {reason}")
    is_complete = loaded["used"] + loaded["refused"] == count == len(predictions)
    is_small = max(loading.peak_mb, classifying.peak_mb) < MOST_MEGABYTES
    is_well = is_complete and is_small
    print("every file accounted for, in bounded memory" if is_well else "FAILED")
    return 0 if is_well else 1


def row(name: str, used: int, refused: int, *, timed: Run) -> list[str]:
    """Format a row of the table."""
    cells = [f"{number:,}" for number in (used + refused, used, refused)]
    return [name, *cells, f"{timed.seconds:.1f}", f"{timed.peak_mb:.0f} MB"]


def load(folder: str) -> dict[str, Any]:
    """Load a folder as train.py does."""
    import resource

    from pyimagesearch.data.folders import list_images
    from pyimagesearch.data.loading import load_images

    resource.setrlimit(resource.RLIMIT_DATA, (ALLOCATION_LIMIT, ALLOCATION_LIMIT))
    loaded = load_images(list_images(folder).paths, 96)
    reasons = [reason.partition(" (")[0][:60] for _, reason in loaded.skipped]
    return {"used": len(loaded.paths), "refused": len(loaded.skipped), "reasons": reasons}


def write_corpus(folder: Path, count: int, rng: np.random.Generator) -> int:
    """Write `count` damaged files and a few odd ones; return how many there are in all."""
    folder.mkdir()
    damaged = damaged_files(rng)
    for position in range(count):
        suffix, data = next(damaged)
        (folder / f"{position:05}{suffix}").write_bytes(data)
    os.mkfifo(folder / "pipe.jpg")
    (folder / "device.png").symlink_to("/dev/zero")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    with (folder / "sparse.jpg").open("wb") as file:
        file.truncate(2 << 30)
    # A folder is not an image, whatever its name, so it does not count.
    (folder / "folder.jpg").mkdir()
    return count + 4


def damaged_files(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Yield damaged images without end: each format with each kind of damage in turn."""
    while True:
        image = draw_garment("red", "dress", rng, size=int(rng.integers(40, 240)))
        for suffix in FORMATS:
            data = cv2.imencode(suffix, image)[1].tobytes()
            for tenth in range(10):
                yield suffix, data[: len(data) * tenth // 10]
            for flips in (1, 10, 100):
                yield suffix, with_flipped_bits(data, flips, rng)
            yield suffix, with_flipped_bits(data[:64], 8, rng) + data[64:]
            yield suffix, with_enormous_size(suffix, data)


def with_flipped_bits(data: bytes, flips: int, rng: np.random.Generator) -> bytes:
    """Flip random bits."""
    changed = np.frombuffer(data, np.uint8).copy()
    for place in rng.integers(0, len(changed), flips):
        changed[place] ^= 1 << rng.integers(8)
    return changed.tobytes()


def with_enormous_size(suffix: str, data: bytes) -> bytes:
    """Claim 100,000 x 100,000 pixels, or as many as the format's header can hold."""
    changed, side = bytearray(data), 100_000
    if suffix == ".png":
        changed[16:24] = struct.pack(">II", side, side)
    elif suffix == ".bmp":
        changed[18:26] = struct.pack("<II", side, side)
    elif suffix == ".gif":
        changed[6:10] = b"\xff" * 4
    elif suffix == ".jpg":
        frame = data.index(b"\xff\xc0")
        changed[frame + 5 : frame + 9] = b"\xff" * 4
    elif suffix == ".webp":
        changed[26:30] = b"\xff\x3f" * 2
    else:
        directory = struct.unpack("<I", data[4:8])[0]
        for entry in range(struct.unpack("<H", data[directory : directory + 2])[0]):
            start = directory + 2 + 12 * entry
            # Tags 256 and 257 are width and height; type 4 is a 32-bit number.
            if struct.unpack("<H", data[start : start + 2])[0] in (256, 257):
                changed[start + 2 : start + 12] = struct.pack("<HII", 4, 1, side)
    return bytes(changed)


if __name__ == "__main__":
    sys.exit(main())
