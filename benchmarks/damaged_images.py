"""Two thousand damaged images through the loader and classify.py: nothing crashes, hangs or swells.

Each format is cut off at every tenth of its length, has bits flipped, and claims enormous
dimensions; among the files are a pipe, a device, a loop of links, a folder named like an image and
two sparse gigabytes. Every file must come out as an image or with a reason.

    python train.py --dataset dataset
    python benchmarks/damaged_images.py --model fashion.model --labelbin mlb.pickle
"""

import argparse
import json
import os
import resource
import struct
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from measure import print_table, run

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pyimagesearch.garments.scenes import draw_garment

FORMATS = (".jpg", ".png", ".bmp", ".tif", ".webp", ".gif")
MOST_MEGABYTES = 1000


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="fashion.model")
    parser.add_argument("--labelbin", default="mlb.pickle")
    parser.add_argument("--files", type=int, default=2000, help="damaged files at the least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--load", help="only load this folder and print what came of it")
    return parser.parse_args()


def main() -> int:
    """Make the corpus, send it through both ways, print what came out."""
    args = parse_arguments()
    if args.load:
        print(json.dumps(load(args.load)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = write_corpus(folder / "corpus", args.files, np.random.default_rng(args.seed))
        loading = run("benchmarks/damaged_images.py", "--load", folder / "corpus", folder=folder)
        loaded = json.loads(loading.lines[-1][1])
        files = ["--model", Path(args.model).resolve(), "--labelbin", Path(args.labelbin).resolve()]
        # Some images cannot be read, and the exit code has to say so.
        command = ["-i", folder / "corpus", "--json", *files]
        classifying = run("classify.py", *command, folder=folder, expected_status=1)
        answers = [json.loads(line) for _, line in classifying.lines]
    named = sum("error" in answer for answer in answers)
    print_table(
        [
            ["", "files", "used", "refused by name", "seconds", "peak memory"],
            [
                "training's loader",
                f"{count}",
                f"{loaded['used']}",
                f"{loaded['skipped']}",
                f"{loading.seconds:.1f}",
                f"{loading.peak_mb:.0f} MB",
            ],
            [
                "classify.py",
                f"{count}",
                f"{len(answers) - named}",
                f"{named}",
                f"{classifying.seconds:.1f}",
                f"{classifying.peak_mb:.0f} MB",
            ],
        ]
    )
    for reason, often in Counter(loaded["reasons"]).most_common():
        print(f"{often:6}  {reason}")
    whole = loaded["used"] + loaded["skipped"] == count == len(answers)
    small = max(loading.peak_mb, classifying.peak_mb) < MOST_MEGABYTES
    print("every file accounted for, in bounded memory" if whole and small else "FAILED")
    return 0 if whole and small else 1


def load(folder: str) -> dict:
    """Load a folder as training does."""
    from pyimagesearch.data.folders import list_images
    from pyimagesearch.data.loading import load_images

    # Whatever a header claims must be refused before it is allocated.
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
    loaded = load_images(list_images(folder), 96)
    reasons = [reason.partition(" (")[0][:60] for _, reason in loaded.skipped]
    return {"used": len(loaded.paths), "skipped": len(loaded.skipped), "reasons": reasons}


def write_corpus(folder: Path, count: int, rng: np.random.Generator) -> int:
    """Write damaged files, `count` of them and a few odd ones; return how many there are."""
    folder.mkdir()
    damage = damaged_files(rng)
    for number in range(count):
        suffix, data = next(damage)
        (folder / f"{number:05}{suffix}").write_bytes(data)
    os.mkfifo(folder / "pipe.jpg")
    (folder / "device.png").symlink_to("/dev/zero")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    with (folder / "sparse.jpg").open("wb") as file:
        file.truncate(2 << 30)
    # A folder is no file, whatever its name: it is not counted.
    (folder / "folder.jpg").mkdir()
    return count + 4


def damaged_files(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Yield damaged images without end, each kind of damage to each format in turn."""
    while True:
        picture = draw_garment("red", "dress", rng, int(rng.integers(40, 240)))
        for suffix in FORMATS:
            data = cv2.imencode(suffix, picture)[1].tobytes()
            for tenth in range(10):
                yield suffix, data[: len(data) * tenth // 10]
            for flips in (1, 10, 100):
                yield suffix, with_flipped_bits(data, flips, rng)
            yield suffix, with_flipped_bits(data[:64], 8, rng) + data[64:]
            yield suffix, with_enormous_size(suffix, data)


def with_flipped_bits(data: bytes, flips: int, rng: np.random.Generator) -> bytes:
    """Flip some bits anywhere."""
    changed = np.frombuffer(data, np.uint8).copy()
    for place in rng.integers(0, len(changed), flips):
        changed[place] ^= 1 << rng.integers(8)
    return changed.tobytes()


def with_enormous_size(suffix: str, data: bytes) -> bytes:
    """Claim the most that a format's header can, or 100,000 x 100,000 pixels."""
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
