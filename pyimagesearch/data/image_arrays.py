"""Images in a file instead of in memory, addressed as an array of them would be."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from pyimagesearch.errors import UserError

# So many images are in memory at once where all are gone through in order.
CHUNK = 256


class StoredImages:
    """Images of one shape in a file, of which only what is asked for comes into memory.

    The file is mapped anew at each access: a map that stayed would count, page by page, towards
    the memory of the process.

    Parameters
    ----------
    file : file object
        Open for reading, and for writing if images are to be put in.
    shape : tuple of int
        (N, height, width, channels).
    offset : int
        Where in the file the images begin.

    Attributes
    ----------
    shape, nbytes
        As an array of uint8 would have them.
    """

    def __init__(self, file: IO[bytes], shape: tuple[int, ...], offset: int = 0) -> None:
        self.file, self.shape, self.offset = file, tuple(shape), offset
        self.nbytes = int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        """Count the images."""
        return self.shape[0]

    def __getitem__(self, positions: int | slice | np.ndarray) -> np.ndarray:
        """Copy an image, or several, into memory."""
        return np.array(self._map("r")[positions])

    def __setitem__(self, position: int, image: np.ndarray) -> None:
        """Write an image."""
        self._map("r+")[position] = image

    def __iter__(self) -> Iterator[np.ndarray]:
        """Go through all images, some at a time in memory."""
        for start in range(0, len(self), CHUNK):
            yield from self[start : start + CHUNK]

    def first(self, count: int) -> "StoredImages":
        """Address the first images alone."""
        return StoredImages(self.file, (count, *self.shape[1:]), self.offset)

    def _map(self, mode: str) -> np.ndarray:
        return np.memmap(self.file, np.uint8, mode, self.offset, self.shape)


Images = np.ndarray | StoredImages


def physical_memory() -> int | None:
    """Count the bytes of memory that there are, or that a container allows; None if unknown."""
    counts = []
    if hasattr(os, "sysconf"):
        counts.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    # What a container may use (Linux's documentation of control groups, version 2, memory.max).
    container_limit = Path("/sys/fs/cgroup/memory.max")
    if container_limit.is_file() and (allowed := container_limit.read_text().strip()).isdigit():
        counts.append(int(allowed))
    return min(counts, default=None)


def room_for_images(shape: tuple[int, ...], memory_limit: int | None, folder: Path) -> Images:
    """Make room for images: in memory, or in a file if they would take too much of it.

    Parameters
    ----------
    shape : tuple of int
        (N, height, width, channels).
    memory_limit : int or None
        Bytes; images that take more than a quarter of them go to a file. None for no limit.
    folder : pathlib.Path
        Where such a file is made; its name is gone at once, and its contents with the process.

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
    if memory_limit is None or size <= memory_limit / 4:
        return np.empty(shape, np.uint8)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Kept open by what is returned, and closed with it.
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        _allocate(file, size)
    except OSError as error:
        raise UserError(
            f"cannot keep {size / 2**30:.1f} GiB of decoded images in {folder}: {error.strerror}; "
            "make room there, set XDG_CACHE_HOME to a folder that has it, or allow more memory "
            "with --memory-limit"
        ) from error
    return StoredImages(file, shape)


def first(images: Images, count: int) -> Images:
    """Address the first images alone, without copying any."""
    return images.first(count) if isinstance(images, StoredImages) else images[:count]


def _allocate(file: IO[bytes], size: int) -> None:
    """Give a file its size, and its room on the disk now: writing to a map could not say no."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)


class Concatenated:
    """Arrays of images that are addressed as one, without being copied into one.

    Parameters
    ----------
    *parts : numpy.ndarray or StoredImages
        uint8, each of shape (any number, height, width, channels).

    Attributes
    ----------
    shape : tuple of int
        What the shape of the one array would be.
    """

    def __init__(self, *parts: Images) -> None:
        self.parts = parts
        self.starts = np.cumsum([0, *map(len, parts)])
        self.shape = (int(self.starts[-1]), *parts[0].shape[1:])

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """Copy the images at some positions, an array of int, as NumPy does."""
        taken = np.empty((len(positions), *self.shape[1:]), np.uint8)
        for part, start in zip(self.parts, self.starts, strict=False):
            inside = (positions >= start) & (positions < start + len(part))
            taken[inside] = part[positions[inside] - start]
        return taken
