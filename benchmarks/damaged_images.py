"""Load and classify thousands of damaged images: nothing may crash, hang or fill the memory.

    python train.py --dataset dataset
    python benchmarks/damaged_images.py --model fashion.model --labelbin mlb.pickle

An image in every mode and format that Pillow writes is cut off at every tenth of its length, gets
random bits flipped, some of them in its header, and claims many pixels or far too many. There are
also small files that really hold many pixels, a pipe, a device, a link to itself, a folder named
like an image, and an empty file of two gigabytes. Each file must be used or refused with a reason.
"""

import contextlib
import io
import itertools
import json
import os
import struct
import sys
import tempfile
import zlib
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import numpy as np
from measure import Run, print_table, run_script
from PIL import Image, ImageCms

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import run
from pyimagesearch.garments.scenes import draw_garment
from pyimagesearch.streams import quiet_stderr

MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F")
FORMATS: dict[str, list[dict[str, Any]]] = {
    ".jpg": [{}, {"progressive": True}],
    ".png": [{}, {"transparency": 0}],
    ".bmp": [{}],
    ".tif": [{"compression": name} for name in ("raw", "tiff_lzw", "tiff_deflate", "jpeg")],
    ".webp": [{}, {"lossless": True}],
    ".gif": [{}, {"transparency": 0}],
    ".avif": [{"speed": 10}],
}
# Images of one colour shrink best so.
BOMB_OPTIONS: dict[str, dict[str, Any]] = {
    ".tif": {"compression": "tiff_deflate", "strip_size": 2**30},
    ".webp": {"lossless": True, "method": 0},
}
KINDS_OF_DAMAGE = 16
# So many pixels in width and in height are just allowed in most formats.
ALLOWED_SIDE = 6900
MOST_MEGABYTES = 1000
# The loader may allocate no more than this, so that it cannot believe what a header claims.
ALLOCATION_LIMIT = 4 << 30


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/damaged_images.py --files 500"
    )
    parser.add_argument("-m", "--model", default="fashion.model", help="the trained network")
    labelbin = "its labels; by default the model file's own"
    parser.add_argument("-l", "--labelbin", help=labelbin)
    parser.add_argument(
        "--files", type=number(int, 1, 99_999), default=6000, help="damaged files to write"
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
        # In a process of its own, because Linux counts the memory of a process that starts another
        # as the other's.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            count = pool.submit(write_corpus, corpus, args.files, args.seed).result()
        loading = run_script("benchmarks/damaged_images.py", "--load", corpus, folder=folder)
        files = ["--model", Path(args.model).resolve()]
        if args.labelbin is not None:
            files += ["--labelbin", Path(args.labelbin).resolve()]
        # Exit code 1 tells that some images could not be read.
        classifying = run_script(
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


def write_corpus(folder: Path, count: int, seed: int) -> int:
    """Write `count` damaged files and a few odd ones; return how many there are in all."""
    folder.mkdir()
    damaged = damaged_files(np.random.default_rng(seed))
    # Pillow's libraries print which modes they cannot write.
    with quiet_stderr():
        files = [*itertools.islice(damaged, count), *small_files_of_many_pixels()]
    for position, (suffix, data) in enumerate(files):
        (folder / f"{position:05}{suffix}").write_bytes(data)
    os.mkfifo(folder / "pipe.jpg")
    (folder / "device.png").symlink_to("/dev/zero")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    with (folder / "sparse.jpg").open("wb") as file:
        file.truncate(2 << 30)
    # A folder is not an image, whatever its name, so it does not count.
    (folder / "folder.jpg").mkdir()
    return len(files) + 4


def damaged_files(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Yield damaged images without end: all modes and formats with each kind of damage in turn."""
    while True:
        drawn = draw_garment("red", "dress", rng, size=int(rng.integers(40, 240)))
        color = Image.fromarray(np.ascontiguousarray(drawn[:, :, ::-1]))
        images = list(encoded(color))
        for kind in rng.permutation(KINDS_OF_DAMAGE):
            for suffix, data in images:
                yield suffix, damage(suffix, data, int(kind), rng=rng)


def encoded(color: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield an image in each mode and format that Pillow can write."""
    for mode in MODES:
        try:
            image = in_mode(color, mode)
        except ValueError:
            continue
        for suffix, variants in FORMATS.items():
            for options in variants:
                # Pillow cannot write every mode in every format, and says so in many ways.
                with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                    yield suffix, written(image, suffix, options)


def in_mode(color: Image.Image, mode: str) -> Image.Image:
    """Convert an image; its lower half becomes transparent if the mode allows that."""
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        transform = ImageCms.buildTransform(srgb, lab, "RGB", "LAB")
        return cast(Image.Image, ImageCms.applyTransform(color, transform))
    if mode == "I;16":
        return Image.fromarray(np.asarray(color.convert("L")).astype(np.uint16) * 257)
    image = color.convert("P").convert("PA") if mode == "PA" else color.convert(mode)
    if mode in ("LA", "PA", "RGBA"):
        image.putalpha(Image.linear_gradient("L").resize(color.size))
    return image


def written(image: Image.Image, suffix: str, options: Mapping[str, Any]) -> bytes:
    """Return the content of a file."""
    buffer = io.BytesIO()
    image.save(buffer, Image.registered_extensions()[suffix], **options)
    return buffer.getvalue()


def damage(suffix: str, data: bytes, kind: int, *, rng: np.random.Generator) -> bytes:
    """Do one of the kinds of damage to a file."""
    if kind < 10:
        return data[: len(data) * kind // 10]
    if kind < 13:
        return with_flipped_bits(data, 10 ** (kind - 10), rng)
    if kind == 13:
        return with_flipped_bits(data[:64], 8, rng) + data[64:]
    return with_size(suffix, data, ALLOWED_SIDE if kind == 14 else 100_000)


def with_flipped_bits(data: bytes, flips: int, rng: np.random.Generator) -> bytes:
    """Flip random bits."""
    changed = np.frombuffer(data, np.uint8).copy()
    for place in rng.integers(0, len(changed), flips):
        changed[place] ^= 1 << rng.integers(8)
    return changed.tobytes()


def with_size(suffix: str, data: bytes, side: int) -> bytes:
    """Claim so many pixels in width and in height, or as many as the header can hold."""
    changed = bytearray(data)
    if suffix == ".png":
        changed[16:24] = struct.pack(">II", side, side)
        changed[29:33] = struct.pack(">I", zlib.crc32(changed[12:29]))
    elif suffix == ".bmp":
        changed[18:26] = struct.pack("<II", side, side)
    elif suffix == ".gif":
        changed[6:10] = struct.pack("<HH", *[min(side, 2**16 - 1)] * 2)
    elif suffix == ".jpg":
        frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
        changed[frame + 5 : frame + 9] = struct.pack(">HH", *[min(side, 2**16 - 1)] * 2)
    elif suffix == ".avif":
        extents = data.index(b"ispe") + 8
        changed[extents : extents + 8] = struct.pack(">II", side, side)
    elif suffix == ".webp" and data[12:16] == b"VP8X":
        changed[24:30] = struct.pack("<I", side - 1)[:3] * 2
    elif suffix == ".webp" and data[12:16] == b"VP8L":
        changed[21:25] = struct.pack("<I", (min(side, 2**14) - 1) * (2**14 + 1))
    elif suffix == ".webp":
        changed[26:30] = struct.pack("<HH", *[min(side, 2**14 - 1)] * 2)
    else:
        directory = struct.unpack("<I", data[4:8])[0]
        for entry in range(struct.unpack("<H", data[directory : directory + 2])[0]):
            start = directory + 2 + 12 * entry
            # Tags 256 and 257 are width and height; type 4 is a 32-bit number.
            if struct.unpack("<H", data[start : start + 2])[0] in (256, 257):
                changed[start + 2 : start + 12] = struct.pack("<HII", 4, 1, side)
    return bytes(changed)


def small_files_of_many_pixels() -> Iterator[tuple[str, bytes]]:
    """Yield images of one colour, which take a thousand times their size in memory."""
    for side in (ALLOWED_SIDE, 2 * ALLOWED_SIDE):
        for mode in ("L", "RGBA"):
            image = Image.new(mode, (side, side))
            for suffix in (".png", ".tif", ".gif", ".webp"):
                yield suffix, written(image, suffix, BOMB_OPTIONS.get(suffix, {}))
        for mode in ("L", "RGB", "CMYK"):
            image = Image.new(mode, (side, side))
            yield ".jpg", written(image, ".jpg", {"progressive": True})


if __name__ == "__main__":
    sys.exit(run(main))
