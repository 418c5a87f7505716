"""What the benchmarks share: run a command and time it, train a network, and print tables."""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
# Lets every benchmark that imports this module import the package, wherever it is started.
sys.path.insert(0, str(ROOT))

from pyimagesearch.command_lines.train import IMAGE_DIMS  # noqa: E402 (found only now)
from pyimagesearch.light_imports import let_openvino_report_nothing  # noqa: E402

# Some benchmarks have Keras import OpenVINO.
let_openvino_report_nothing()

if TYPE_CHECKING:
    from pyimagesearch.data.batches import Examples
    from pyimagesearch.training.devices import TrainingDevice
    from pyimagesearch.training.fitting import Settings, Trainer


class Run(NamedTuple):
    """One run of a command.

    Attributes
    ----------
    lines : list of (float, str)
        The lines it printed, each with the seconds since the start.
    seconds : float
        Wall time of the whole run.
    peak_mb : float
        Peak memory in megabytes.
    cpu_seconds : float
        Time that all cores together worked for it, which other programs hardly change.
    """

    lines: list[tuple[float, str]]
    seconds: float
    peak_mb: float
    cpu_seconds: float

    def when(self, text: str, *, last: bool = False) -> float:
        """Return when the first, or the last, line that contains `text` was printed, in seconds."""
        times = [moment for moment, line in self.lines if text in line]
        if not times:
            raise ValueError(f"no line contains {text!r}: {self.lines}")
        return times[-1 if last else 0]


def run_script(
    script: str,
    *arguments: object,
    folder: Path,
    expected_status: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Run a script of the repository in a process of its own.

    Parameters
    ----------
    script : str
        Path relative to the repository.
    *arguments : object
        Arguments of the script.
    folder : pathlib.Path
        Working directory.
    expected_status : int
        Exit code of a successful run.
    environment : mapping of str to str, optional
        Environment variables to set.

    Returns
    -------
    Run
        Output, time and peak memory.

    Raises
    ------
    RuntimeError
        If the script ends with another exit code.
    """
    command = [sys.executable, str(ROOT / script), *map(str, arguments)]
    start = time.perf_counter()
    # The last line of the output may be data, so errors go elsewhere. A pipe that nobody reads
    # would fill up.
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        lines = [(time.perf_counter() - start, line.rstrip()) for line in process.stdout]
        # Popen.wait does not report the memory of the process.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.stdout.close()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != expected_status:
            errors.seek(0)
            reason = "".join(errors.read().splitlines()[-1:]) or "no error message"
            raise RuntimeError(f"{command} ended with {process.returncode}: {reason}")
    peak_mb = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return Run(lines, seconds, peak_mb, usage.ru_utime + usage.ru_stime)


def run_training(*arguments: object, folder: Path) -> None:
    """Run train.py in a folder, where it writes its files; its messages go to stderr.

    Parameters
    ----------
    *arguments : object
        Its arguments.
    folder : pathlib.Path
        Working directory.
    """
    command = [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]
    # Only the table goes to stdout.
    subprocess.run(command, check=True, stdout=sys.stderr, cwd=folder)


def train_network(
    examples: "Examples",
    test_examples: "Examples",
    *,
    device: "TrainingDevice",
    settings: "Settings",
) -> "Trainer":
    """Train as train.py does, but write no files."""
    from pyimagesearch.smallervggnet import SmallerVGGNet
    from pyimagesearch.training import checkpoints, fitting

    classes = examples.targets.shape[1]
    build = partial(SmallerVGGNet.build, *IMAGE_DIMS, classes, finalAct="sigmoid")
    trainer = fitting.Trainer(
        build, device, checkpoints.Run(None, {}), examples=examples, settings=settings
    )
    # Only the table goes to stdout.
    with redirect_stdout(sys.stderr):
        ended_by = trainer.fit(test_examples)
    if ended_by:
        raise KeyboardInterrupt
    return trainer


def processor() -> str:
    """Name the processor, its cores and its widest vector instructions."""
    from pyimagesearch.training.processor import cpu_info, instruction_sets

    name = cpu_info().get("model name") or platform.processor() or platform.machine()
    return ", ".join([name, f"{os.cpu_count()} cores", *instruction_sets()])


def with_spread(values: Sequence[float], unit: str = "", *, digits: int = 0) -> str:
    """Format the median, which one slow run does not move, the smallest and the largest value."""
    middle, least, most = (
        f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values))
    )
    text = f"{middle} {unit}".rstrip()
    return f"{text} ({least} to {most})" if len(values) > 1 else text


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table; the first row is its heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    heading, *body = [
        "| "
        + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        + " |"
        for row in rows
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    print("\n".join([heading, rule, *body]), flush=True)
