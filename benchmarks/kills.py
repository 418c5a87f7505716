"""Kill training at random instants: whatever was there stays whole, and --resume ends as planned.

Half of the kills (SIGKILL, which nothing can catch) fall anywhere in a short run, half into the
second in which it writes its files. After each, classify.py must answer with the old model or with
the whole new one; the run taken up again must end with the very numbers of one never interrupted,
and leave no file behind that does not belong there.

    python benchmarks/kills.py --kills 50
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from measure import ROOT, print_table

sys.path.insert(0, str(ROOT))

from pyimagesearch.console import examples
from pyimagesearch.garments.scenes import COMBINATIONS
from pyimagesearch.garments.writing import write_dataset

SETTINGS = ["--epochs", "3", "--image-size", "32", "--seed", "2", "--report", "report.json"]
ARTIFACTS = {"fashion.model", "mlb.pickle", "plot.png", "report.json", "dataset"}
# What a run arrives at; the rest of its report tells when and where it ran.
NUMBERS = ("history", "test_accuracies", "label_scores", "thresholds", "worst")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> int:
    """Kill, look, resume, look again; print how often each thing happened."""
    args = parse_arguments()
    random.seed(args.seed)
    outcomes, failures = Counter(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_dataset(folder / "dataset", COMBINATIONS, 12, seed=1, size=48)
        start = time.perf_counter()
        expected = numbers(finish(folder))
        duration = time.perf_counter() - start
        for kill in range(args.kills):
            kill_while_saving = kill % 2 == 1
            before = (folder / "fashion.model").read_bytes()
            killed = kill_training(folder, duration, kill_while_saving)
            after = (folder / "fashion.model").read_bytes()
            outcomes["killed while saving" if kill_while_saving else "killed anywhere"] += killed
            outcomes["new model in place" if after != before else "old model in place"] += 1
            if classify(folder) != 0:
                failures.append(f"kill {kill}: classify.py does not work")
            resumes = (folder / "fashion.model.checkpoint").exists()
            outcomes["resumed" if resumes else "begun anew"] += 1
            if numbers(finish(folder, *["--resume"] * resumes)) != expected:
                failures.append(f"kill {kill}: the run ended with other numbers")
            if litter := {path.name for path in folder.iterdir()} - ARTIFACTS:
                failures.append(f"kill {kill}: left behind {sorted(litter)}")
    print_table([list(outcomes), [str(count) for count in outcomes.values()]])
    print(examples(failures) if failures else "nothing lost, every run ended with the same numbers")
    return 1 if failures else 0


def command(script: str, *arguments: str) -> list[str]:
    """Spell a command."""
    return [sys.executable, str(ROOT / script), *arguments]


def kill_training(folder: Path, duration: float, while_saving: bool) -> bool:
    """Start a run, kill it at a random instant, and say whether it was still alive then."""
    process = subprocess.Popen(
        command("train.py", *SETTINGS),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if while_saving:
        for line in process.stdout:
            if "serializing network" in line:
                break
        time.sleep(random.uniform(0, 1))
    else:
        time.sleep(random.uniform(0, duration))
    was_alive = process.poll() is None
    process.kill()
    process.communicate()
    return was_alive


def finish(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run training to its end and return its report."""
    result = subprocess.run(
        command("train.py", *SETTINGS, *arguments),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"training failed: {result.stderr}")
    return json.loads((folder / "report.json").read_text("utf-8"))


def numbers(report: dict[str, Any]) -> dict[str, Any]:
    """Take out of a report all that the same run arrives at again."""
    return {name: report[name] for name in NUMBERS}


def classify(folder: Path) -> int:
    """Classify an image with what lies there."""
    image = next((folder / "dataset").rglob("*.jpg"))
    return subprocess.run(
        command("classify.py", "-i", str(image), "--no-display"),
        cwd=folder,
        capture_output=True,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
