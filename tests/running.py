"""Run Python in a process of its own, as a user does."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_python(
    *arguments: object, folder: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, without a display; its exit code, and its output as text."""
    inherited = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
