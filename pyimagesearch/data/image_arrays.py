"""Arrays of images: in memory, in a file, or several addressed as one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from pyimagesearch.errors import UserError, reason_of

# Going through all images in order loads this many at a time.
CHUNK = 256


class StoredImages:
    """Images of one shape in a file, of which only what is asked for is loaded.

    Each access maps the file anew, because the pages of a map that stays would count towards the
    memory of the process.

    Parameters
    ----------
    file : file object
        Open for reading, and for writing if images are to be stored.
    shape : tuple of int
        (N, height, width, channels).
    offset : int
        Where in the file the images begin.

    Attributes
    ----------
    dtype, shape, nbytes
        As for an array of uint8.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, file: IO[bytes], shape: tuple[int, ...], offset: int = 0) -> None:
        self.file, self.shape, self.offset = file, tuple(shape), offset
        self.nbytes = int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        """Count the images."""
        return self.shape[0]

    def __getitem__(self, positions: Any) -> np.ndarray:
        """Copy one image or several into memory, by position, slice or array of positions."""
        return np.array(self._map("r")[positions])

    def __setitem__(self, position: int, image: np.ndarray) -> None:
        """Store an image."""
        self._map("r+")[position] = image

    def __iter__(self) -> Iterator[np.ndarray]:
        """Go through all images."""
        for start in range(0, len(self), CHUNK):
            yield from self[start : start + CHUNK]

    def first(self, count: int) -> "StoredImages":
        """Return the first images, still in the same file."""
        return StoredImages(self.file, (count, *self.shape[1:]), self.offset)

    def _map(self, mode: Any) -> np.ndarray:
        return np.memmap(self.file, self.dtype, mode, self.offset, self.shape)


Images = np.ndarray | StoredImages


class Concatenated:
    """Several arrays of images, addressed as one without being copied.

    Parameters
    ----------
    *parts : numpy.ndarray or StoredImages
        uint8, each of shape (any number, height, width, channels).

    Attributes
    ----------
    parts : tuple of (numpy.ndarray or StoredImages)
        The arrays.
    shape : tuple of int
        The shape that the one array would have.
    """

    def __init__(self, *parts: Images) -> None:
        self.parts = parts
        self._starts = np.cumsum([0, *map(len, parts)])
        self.shape = (int(self._starts[-1]), *parts[0].shape[1:])

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """Copy the images at some positions, given as an array of int."""
        taken = np.empty((len(positions), *self.shape[1:]), np.uint8)
        for part, start in zip(self.parts, self._starts, strict=False):
            inside = (positions >= start) & (positions < start + len(part))
            taken[inside] = part[positions[inside] - start]
        return taken


class Turns(NamedTuple):
    """Images that an epoch shows only a part of, a different part in each epoch.

    Attributes
    ----------
    indices : numpy.ndarray
        int, their positions.
    epochs : int
        After this many epochs each has been shown once.
    """

    indices: np.ndarray
    epochs: int

    @property
    def images_per_epoch(self) -> int:
        """How many of the images one epoch shows."""
        return len(self.indices) // self.epochs


NO_TURNS = Turns(np.zeros(0, np.int64), 1)


def physical_memory() -> int | None:
    """Return the bytes of memory of the machine, or of the container; None if unknown."""
    counts = []
    # Windows has no sysconf, and some builds of Python for macOS do not know all of its names.
    with suppress(AttributeError, ValueError, OSError):
        counts.append(os.sysconf("SC_PAGESIZE") * os.sysconf("SC_PHYS_PAGES"))
    # The limit of a container (Linux's documentation of control groups, version 2, memory.max).
    container_limit = Path("/sys/fs/cgroup/memory.max")
    if container_limit.is_file() and (allowed := container_limit.read_text().strip()).isdigit():
        counts.append(int(allowed))
    return min(counts, default=None)


def room_for_images(
    shape: tuple[int, ...], memory_limit: int | None, folder: Path | None
) -> Images:
    """Allocate images in memory, or in a file if they would take too much of it.

    Parameters
    ----------
    shape : tuple of int
        (N, height, width, channels).
    memory_limit : int or None
        Bytes. Images that take more than a quarter of it go to a file. None means all memory of the
        machine.
    folder : pathlib.Path or None
        Where such a file is made. It has no name there, and vanishes with the process. With None,
        there can be no file.

    Returns
    -------
    numpy.ndarray or StoredImages
        uint8, to be filled.

    Raises
    ------
    UserError
        If the file cannot be made, for example because the disk is full.
    """
    size = int(np.prod(shape, dtype=np.int64))
    memory = physical_memory() if memory_limit is None else memory_limit
    if memory is None or size <= memory / 4:
        return np.empty(shape, np.uint8)
    wanted = f"{size / 2**30:.1f} GiB of decoded images"
    remedy = "set XDG_CACHE_HOME to a folder that has it, or train with a larger --memory-limit"
    if folder is None:
        raise UserError(f"{wanted} need room on a disk, and there is no home folder: {remedy}")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # StoredImages keeps it open.
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        _allocate(file, size)
    except OSError as error:
        raise UserError(
            f"cannot keep {wanted} in {folder}: {reason_of(error)}; make room there, {remedy}"
        ) from error
    return StoredImages(file, shape)


def first(images: Images, count: int) -> Images:
    """Return the first images without copying any."""
    return images.first(count) if isinstance(images, StoredImages) else images[:count]


def _allocate(file: IO[bytes], size: int) -> None:
    # Writing to a map of a file whose blocks are not there yet could end the process.
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)
