"""What the benchmarks share: run a command as a user would, and see how long it takes."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Run(NamedTuple):
    """One run of a command.

    Attributes
    ----------
    lines : list of (float, str)
        What it printed, each line with the seconds since the start.
    seconds : float
        Wall time of the whole run.
    peak_mb : float
        The most memory it held at once, in megabytes.
    """

    lines: list[tuple[float, str]]
    seconds: float
    peak_mb: float

    def when(self, text: str, last: bool = False) -> float:
        """Say when the first, or the last, line with some text in it was printed."""
        times = [moment for moment, line in self.lines if text in line]
        if not times:
            raise ValueError(f"no line has {text!r} in it: {self.lines}")
        return times[-1 if last else 0]


def run(
    script: str, *arguments: object, folder: Path, expected_status: int = 0, **environment: str
) -> Run:
    """Run a script of the repository and watch it.

    Parameters
    ----------
    script : str
        Path below the repository.
    *arguments : object
        Its arguments.
    folder : pathlib.Path
        Where it runs.
    expected_status : int
        The exit code that means that all went as it should.
    **environment : str
        Variables to set.

    Returns
    -------
    Run
        What happened.

    Raises
    ------
    RuntimeError
        If it ended with another exit code.
    """
    command = [sys.executable, str(ROOT / script), *map(str, arguments)]
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    lines = [(time.perf_counter() - start, line.rstrip()) for line in process.stdout]
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.stdout.close()
    if os.waitstatus_to_exitcode(status) != expected_status:
        raise RuntimeError(f"{command} failed after: {lines[-3:]}")
    return Run(lines, seconds, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2))


def median(values: Sequence[float]) -> float:
    """Take the middle value, which a single slow run does not move."""
    return statistics.median(values)


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table whose first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    heading, *body = [
        "| "
        + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        + " |"
        for row in rows
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    print("\n".join([heading, rule, *body]), flush=True)
