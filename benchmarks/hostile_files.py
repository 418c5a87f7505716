"""Read thousands of hostile files: nothing may crash, hang, fill the memory or write elsewhere.

    python benchmarks/hostile_files.py --count 10000 --seed 1

Each file is made from a good one by a random generator and read in a child process. It must be read
or refused in one line, within 5 seconds and 400 MB more than the process had, and nothing may be
written anywhere. To add a kind of file, add a row to KINDS.
"""

import contextlib
import gc
import io
import json
import math
import os
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import hostile_content as content
import hostile_runs as runs
from measure import ROOT, print_table

from pyimagesearch.arguments import ArgumentParser, number
from pyimagesearch.console import progress, run
from pyimagesearch.errors import UserError

MOST_SECONDS = 5.0
MOST_MEGABYTES = 400.0
# A reader that has not answered by then hangs. This is time on the clock; MOST_SECONDS is processor
# time, which other programs do not make longer.
PATIENCE = 60.0
# Whatever happens, the machine stays usable.
ALLOCATION_LIMIT = 8 << 30
# Keras keeps something of every network, so a child reads no more files than this.
FILES_PER_CHILD = 100


def read_model(path: Path) -> None:
    """Classify an image with a hostile model file, as a user does."""
    classify(path, "--top", "all")


def read_metadata(path: Path) -> None:
    """Classify an image with all that a model file says about its training."""
    classify(path)
    # Wrong metadata are ignored, so that there may be no thresholds.
    with contextlib.suppress(UserError):
        classify(path, "--threshold", "auto")


def classify(model: Path, *flags: str) -> None:
    """Run classify.py in this process."""
    import classify as script

    image = ROOT / "examples" / "example_01.jpg"
    files = ["--model", str(model), "--image", str(image)]
    sys.argv = ["classify.py", *files, "--no-display", *flags]
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")):
        script.main()


def read_labels(path: Path) -> None:
    """Read a hostile label file."""
    from pyimagesearch.artifacts import label_file

    label_file.load_binarizer(path)


class Kind(NamedTuple):
    """A kind of file.

    Attributes
    ----------
    name : str
        For the table.
    good : pathlib.Path
        An honest file, or folder, of this kind.
    writer : callable
        Takes `good` and returns a function that writes a hostile file, or folder, to a path, given
        a random generator.
    read : callable
        Reads a file as the program does; raises UserError to refuse it.
    """

    name: str
    good: Path
    writer: Callable[[Path], Callable[[Random, Path], None]]
    read: Callable[[Path], None]


LEGACY = ROOT / "tests" / "artifacts" / "legacy"
# Below the folder of a run.
ARCHIVE, LABEL_FILE = Path("good.keras"), Path("good.pickle")
KINDS = [
    Kind("model file of Keras 3", ARCHIVE, content.archive_writer, read_model),
    Kind("its metadata", ARCHIVE, content.metadata_writer, read_metadata),
    Kind("its known images", ARCHIVE, content.known_images_writer, read_model),
    Kind("model file of Keras 2", LEGACY / "tutorial.model", content.hdf5_writer, read_model),
    Kind("SavedModel", LEGACY / "saved_model", content.saved_model_writer, read_model),
    Kind("label file", LABEL_FILE, content.label_writer, read_labels),
    Kind("decoded images", runs.CACHE, runs.cache_writer, runs.read_cache),
    Kind("checkpoint", runs.CHECKPOINT, runs.checkpoint_writer, runs.read_checkpoint),
    Kind("sources.csv", runs.RECORD, runs.record_writer, runs.read_record),
    Kind("page of results", runs.PAGE, runs.page_writer, runs.read_page),
    Kind("answer of a server", runs.ANSWER, runs.answer_writer, runs.read_answer),
]


class Tally:
    """What came of the files of one kind."""

    def __init__(self) -> None:
        self.read = self.refused = 0
        self.slowest = self.peak_mb = 0.0
        self.broken: list[str] = []

    def add(self, title: str, result: dict[str, Any], changed: list[str]) -> bool:
        """Count a file; return whether it broke a rule."""
        self.read += result["outcome"] == "read"
        self.refused += result["outcome"] == "refused"
        self.slowest = max(self.slowest, result["seconds"])
        self.peak_mb = max(self.peak_mb, result["peak_mb"])
        rules = {
            result["detail"]: result["outcome"] not in ("read", "refused"),
            "more than one line": result["outcome"] == "refused" and "\n" in result["detail"],
            f"{result['seconds']:.1f} seconds": result["seconds"] > MOST_SECONDS,
            f"{result['peak_mb']:.0f} MB": result["peak_mb"] > MOST_MEGABYTES,
            f"changed {', '.join(changed)}": bool(changed),
        }
        broken = [rule for rule, is_broken in rules.items() if is_broken]
        self.broken += [f"{title}: {rule}" for rule in broken]
        return bool(broken)


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        __doc__.partition("\n")[0], "example: python benchmarks/hostile_files.py --count 500"
    )
    parser.add_argument(
        "--count", type=number(int, 1, 10**7), default=1000, help="files in all, of all kinds"
    )
    parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=1, help="random seed")
    names = [kind.name for kind in KINDS]
    parser.add_argument("--kinds", nargs="+", choices=names, default=names, help="only these")
    parser.add_argument("--keep", metavar="DIR", help="keep files that broke a rule here")
    parser.add_argument("--child", type=int, metavar="N", help="read files of the Nth kind")
    return parser.parse_args()


def main() -> int:
    """Write hostile files, have them read, and print what came of them."""
    args = parse_arguments()
    if args.child is not None:
        return answer_parent(KINDS[args.child])
    chosen = [kind for kind in KINDS if kind.name in args.kinds]
    count = math.ceil(args.count / len(chosen))
    kept = None if args.keep is None else Path(args.keep).resolve()
    # What classify.py chooses by itself; it starts quickly.
    os.environ.setdefault("KERAS_BACKEND", "openvino")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rows = [["kind", "count", "read", "refused", "slowest", "most memory"]]
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        content.write_good_files(LEGACY / "tutorial.model", ARCHIVE, LABEL_FILE)
        runs.write_good_run_files()
        for kind in chosen:
            tally = try_kind(kind, count, seed=args.seed, kept=kept)
            counts = [f"{number:,}" for number in (count, tally.read, tally.refused)]
            rows.append([kind.name, *counts, f"{tally.slowest:.1f} s", f"{tally.peak_mb:.0f} MB"])
            broken += tally.broken
    print_table(rows)
    print("\n".join(broken) or "all read or refused in one line, nothing written anywhere")
    return 1 if broken else 0


def try_kind(kind: Kind, count: int, *, seed: int, kept: Path | None) -> Tally:
    """Write and read `count` files of a kind."""
    write = kind.writer(kind.good)
    tally = Tally()
    corpus = Path("corpus").resolve()
    child: Child | None = None
    for position in progress(range(count), count, unit="file", title=kind.name):
        title = f"{kind.name} {position}"
        shutil.rmtree(corpus, ignore_errors=True)
        corpus.mkdir()
        path = corpus / f"{position:05}"
        write(Random(f"{seed} {title}"), path)
        if child is None:
            child = Child(kind)
        is_broken = tally.add(title, child.read(path), child.changes())
        if is_broken and kept is not None:
            kept.mkdir(parents=True, exist_ok=True)
            shutil.move(path, kept / title.replace(" ", "_"))
        if is_broken or child.files_read == FILES_PER_CHILD:
            child.end()
            child = None
    if child is not None:
        child.end()
    return tally


class Child:
    """A process that reads files, in a folder of its own that must not change."""

    def __init__(self, kind: Kind) -> None:
        self.outer = Path(tempfile.mkdtemp(dir="."))
        folder = self.outer / "several" / "folders" / "down"
        folder.mkdir(parents=True)
        shutil.copyfile(LABEL_FILE, folder / "mlb.pickle")
        home = {name: str(folder.resolve()) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
        # Keras writes its settings when it is imported for the first time.
        home["KERAS_HOME"] = str(Path("keras").resolve())
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--child", str(KINDS.index(kind))],
            cwd=folder,
            env=os.environ | home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.files_read = 0
        result = self.read(kind.good.resolve())
        if result["outcome"] != "read":
            raise RuntimeError(f"the good {kind.name} is not read: {result['detail']}")
        self.before = self.state()

    def line(self) -> str:
        """Wait for a line from the child; return nothing if it has ended or hangs."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        return self.process.stdout.readline() if ready else ""

    def read(self, path: Path) -> dict[str, Any]:
        """Have the child read a file."""
        assert self.process.stdin is not None
        began = time.perf_counter()
        self.files_read += 1
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        if line := self.line():
            return json.loads(line)
        seconds = time.perf_counter() - began
        is_hanging = self.process.poll() is None
        detail = "hangs" if is_hanging else f"ended with {self.process.returncode}"
        return {"outcome": "broken", "detail": detail, "seconds": seconds, "peak_mb": 0.0}

    def state(self) -> dict[str, float]:
        """Return what lies in the child's folder, and when each file was last changed."""
        # A folder also changes while a temporary file comes and goes.
        return {
            str(path.relative_to(self.outer)): path.is_file() * path.stat().st_mtime
            for path in self.outer.rglob("*")
        }

    def changes(self) -> list[str]:
        """Name the files that have changed since the last question."""
        before, self.before = self.before, self.state()
        return sorted({path for path, _ in before.items() ^ self.before.items()})

    def end(self) -> None:
        """End the child and remove its folder."""
        self.process.kill()
        self.process.communicate()
        shutil.rmtree(self.outer)


def answer_parent(kind: Kind) -> int:
    """Read files whose paths come from stdin, and answer a line of JSON for each."""
    resource.setrlimit(resource.RLIMIT_AS, (ALLOCATION_LIMIT, ALLOCATION_LIMIT))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    # Whatever else is printed must not be taken for an answer.
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(outcome_of(kind, Path(line.rstrip("\n")))), file=answers)
    return 0


def outcome_of(kind: Kind, path: Path) -> dict[str, Any]:
    """Read a file, and say what came of it, how long it took and how much more memory it needed."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    held_mb = megabytes("VmRSS:")
    began = time.process_time()
    try:
        kind.read(path)
        outcome, detail = "read", ""
    except UserError as error:
        outcome, detail = "refused", str(error)
    except Exception:
        outcome, detail = "traceback", traceback.format_exc()[-2000:]
    seconds = time.process_time() - began
    peak_mb = megabytes("VmHWM:") - held_mb
    return {"outcome": outcome, "detail": detail, "seconds": seconds, "peak_mb": peak_mb}


def megabytes(entry: str) -> float:
    """Read an amount of this process's memory, in MB of 2^20 bytes."""
    return int(Path("/proc/self/status").read_text().partition(entry)[2].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(run(main))
