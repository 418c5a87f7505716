import platform

import pytest
from running import run_python

from pyimagesearch.training import memory

# Frees 32 blocks of 8 MB, twice, with small ones between them that stay.
PROGRAM = """
import os
import sys
from pathlib import Path

from pyimagesearch.training.memory import return_large_blocks


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if "return" in sys.argv:
    return_large_blocks()
for _ in range(2):  # glibc raises its threshold when it sees a large block freed
    blocks = [(bytearray(2**23), bytearray(2**10)) for _ in range(32)]
    kept = [small for _, small in blocks]
    most = resident()
    del blocks
print(most - resident())
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not glibc")
def test_memory_of_large_blocks_goes_back_to_the_system_at_once():
    returned = {}
    for wanted in ("return", "keep"):
        done = run_python("-c", PROGRAM, wanted)
        assert done.returncode == 0, done.stderr
        returned[wanted] = int(done.stdout)
    assert returned["return"] > 0.9 * 2**28
    assert returned["keep"] < 0.1 * 2**28


def test_where_there_is_no_glibc_nothing_changes(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    monkeypatch.setattr(memory.ctypes, "CDLL", None)
    memory.return_large_blocks()
    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    memory.return_large_blocks()
