"""How a process gives memory back to the system."""

import ctypes
import sys

# The number of this setting in glibc's malloc.h.
M_MMAP_THRESHOLD = -3
LARGE_BLOCK = 2**20  # bytes


def return_large_blocks() -> None:
    """Let arrays of a megabyte and more go back to the system as soon as they are freed.

    By default, once a block of up to 32 MiB has been freed, glibc takes later blocks of that size
    from its heap ("mallopt" in the Linux manual pages). A gap in the heap cannot go back while
    small blocks lie behind it, which makes the peak of a run 90 MB higher. Other C libraries stay
    as they are.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
