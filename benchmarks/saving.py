"""Save a model and its labels again and again: two writers and a reader at once, then kills.

    python benchmarks/saving.py --seconds 60 --kills 100

In the first part two processes save the same two files as fast as they can, while a third one reads
them. In the second part a process is killed (SIGKILL) at a random moment of saving. Every read must
find whole files, and after the next run has begun no temporary file may be left.
"""

import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from argparse import Namespace
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Event
from pathlib import Path

from measure import print_table

# OpenVINO starts no threads before it predicts, so processes can be forked.
os.environ["KERAS_BACKEND"] = "openvino"

import keras
from sklearn.preprocessing import MultiLabelBinarizer

from pyimagesearch import files
from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.artifacts import label_file, model_file
from pyimagesearch.console import run
from pyimagesearch.smallervggnet import SmallerVGGNet

FORK = multiprocessing.get_context("fork")
LABELS = ["black", "blue", "dress", "jeans"]


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/saving.py --seconds 5 --kills 10"
    )
    seconds, count = number(float, 0, 10**6), number(int, 0, 10**6)
    parser.add_argument("--seconds", type=seconds, default=60, help="how long two writers write")
    parser.add_argument("--kills", type=count, default=100, help="how many writers to kill")
    parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=1, help="random seed")
    return parser.parse_args()


def save(folder: Path, network: keras.Model) -> None:
    """Save the network and its labels once."""
    mlb = MultiLabelBinarizer().fit([LABELS])
    trained_at = "2026-01-01T00:00:00+00:00"
    metadata = {"labels": LABELS, "image_size": 32, "trained_at": trained_at}
    model_file.save_model(folder / "fashion.model", network, metadata)
    label_file.save_binarizer(folder / "mlb.pickle", mlb, trained_at)


def save_forever(folder: Path, network: keras.Model, begun: Event) -> None:
    """Save until somebody ends this process."""
    begun.set()
    while True:
        save(folder, network)


def read(folder: Path) -> None:
    """Read both files; anything but whole files raises."""
    metadata = model_file.read_model_file(folder / "fashion.model").metadata
    classes = label_file.load_binarizer(folder / "mlb.pickle").classes
    if metadata is None or json.loads(metadata)["labels"] != LABELS or classes != LABELS:
        raise ValueError("the files hold something else")


def started_writer(folder: Path, network: keras.Model) -> ForkProcess:
    """Start a process that saves, and wait until it begins to."""
    begun = FORK.Event()
    writer = FORK.Process(target=save_forever, args=(folder, network, begun), daemon=True)
    writer.start()
    begun.wait()
    return writer


def kill(writer: ForkProcess) -> None:
    """End a process at once."""
    if writer.pid is not None:
        os.kill(writer.pid, signal.SIGKILL)
    writer.join()


def litter(folder: Path) -> list[str]:
    """Do what the next run does first, then name what should not be there."""
    files.remove_litter(folder / "fashion.model", folder / "mlb.pickle")
    return sorted({path.name for path in folder.iterdir()} - {"fashion.model", "mlb.pickle"})


def main() -> int:
    """Run both parts and print what came of them."""
    args = parse_arguments()
    rng = random.Random(args.seed)
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = SmallerVGGNet.build(32, 32, 3, len(LABELS), finalAct="sigmoid")
        # The first time imports what saving needs, which the writers need not do again.
        save(folder, network)
        writers = [started_writer(folder, network) for _ in range(2)]
        end, reads = time.monotonic() + args.seconds, 0
        while time.monotonic() < end:
            try_to_read(folder, failures)
            reads += 1
        for writer in writers:
            kill(writer)
        failures += litter(folder)
        rows = [["part", "reads", "broken or left behind"]]
        rows.append([f"two writers, {args.seconds:g} s", f"{reads}", f"{len(failures)}"])

        broken_before = len(failures)
        for _ in range(args.kills):
            writer = started_writer(folder, network)
            time.sleep(rng.uniform(0, 0.5))
            kill(writer)
            try_to_read(folder, failures)
            failures += litter(folder)
        broken = len(failures) - broken_before
        rows.append([f"{args.kills} kills", f"{args.kills}", f"{broken}"])
    print_table(rows)
    print("\n".join(failures) or "every read was whole, and nothing was left")
    return 1 if failures else 0


def try_to_read(folder: Path, failures: list[str]) -> None:
    """Read, and note why it failed if it did."""
    try:
        read(folder)
    except Exception as error:
        failures.append(repr(error))


if __name__ == "__main__":
    sys.exit(run(main))
