"""Kill training at random moments: no file is ever half written, and --resume loses nothing.

    python benchmarks/kills.py --kills 50

Half of the kills (by SIGKILL, which nothing can catch) hit a short run at any moment. The others
hit it in the second in which it writes its files. After each kill, classify.py must work with the
old model or with the new one. The resumed run must end with the same numbers as a run that was
never killed, and leave no other files behind.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any

from measure import ROOT, print_table

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import first_few, run
from pyimagesearch.garments.scenes import COMBINATIONS
from pyimagesearch.garments.writing import write_dataset

SHORT_RUN = ["--epochs", "3", "--image-size", "32", "--seed", "2"]
SETTINGS = [*SHORT_RUN, "--report", "report.json", "--no-cache"]
OUTPUTS = {"fashion.model", "mlb.pickle", "plot.png", "report.json", "dataset"}
# The results in a report; everything else in it tells when and where the run took place.
RESULTS = ("history", "test_accuracies", "label_scores", "thresholds", "worst")


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/kills.py --kills 4"
    )
    parser.add_argument(
        "--kills", type=number(int, 1, 100_000), default=50, help="how often to kill"
    )
    parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=1, help="random seed")
    return parser.parse_args()


def main() -> int:
    """Kill and resume again and again; print how often each thing happened."""
    args = parse_arguments()
    rng = random.Random(args.seed)
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_dataset(folder / "dataset", COMBINATIONS, 12, seed=1, size=48)
        start = time.perf_counter()
        expected = train(folder)
        duration = time.perf_counter() - start
        for kill in range(args.kills):
            while_saving = kill % 2 == 1
            delay = rng.uniform(0, 1 if while_saving else duration)
            before = (folder / "fashion.model").read_bytes()
            was_alive = kill_training(folder, delay, while_saving=while_saving)
            is_new = (folder / "fashion.model").read_bytes() != before
            resumes = (folder / "fashion.model.checkpoint").exists()
            outcomes["killed while saving" if while_saving else "killed anywhere"] += was_alive
            outcomes["new model in place" if is_new else "old model in place"] += 1
            outcomes["resumed" if resumes else "started anew"] += 1
            problems = check_recovery(folder, expected, resumes=resumes)
            failures += [f"kill {kill}: {problem}" for problem in problems]
    print_table([list(outcomes), [str(count) for count in outcomes.values()]])
    print(
        first_few(failures) if failures else "nothing lost, every run ended with the same numbers"
    )
    return 1 if failures else 0


def train(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run training to its end and return its results."""
    finished = subprocess.run(
        command("train.py", *SETTINGS, *arguments),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(f"training failed: {finished.stderr}")
    report = json.loads((folder / "report.json").read_text("utf-8"))
    return {name: report[name] for name in RESULTS}


def kill_training(folder: Path, delay: float, *, while_saving: bool) -> bool:
    """Start a run, and kill it `delay` seconds after it starts to run or to save.

    Returns whether the run was still alive then.
    """
    process = subprocess.Popen(
        command("train.py", *SETTINGS),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    if while_saving:
        for line in process.stdout:
            if "serializing network" in line:
                break
    time.sleep(delay)
    was_alive = process.poll() is None
    process.kill()
    process.communicate()
    return was_alive


def check_recovery(folder: Path, expected: dict[str, Any], *, resumes: bool) -> list[str]:
    """Classify with the files that are there, finish the run, and list what went wrong."""
    problems = []
    if classify(folder) != 0:
        problems.append("classify.py does not work")
    if train(folder, *["--resume"] * resumes) != expected:
        problems.append("the run ended with other numbers")
    if litter := {path.name for path in folder.iterdir()} - OUTPUTS:
        problems.append(f"left behind {sorted(litter)}")
    return problems


def classify(folder: Path) -> int:
    """Classify an image with the model in a folder, and return the exit code."""
    image = next((folder / "dataset").rglob("*.jpg"))
    return subprocess.run(
        command("classify.py", "-i", str(image), "--no-display"),
        cwd=folder,
        capture_output=True,
        check=False,
    ).returncode


def command(script: str, *arguments: str) -> list[str]:
    """Return the command that runs a script of the repository."""
    return [sys.executable, str(ROOT / script), *arguments]


if __name__ == "__main__":
    sys.exit(run(main))
