"""Decoded images kept from run to run, so that unchanged files are decoded once."""

import hashlib
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import platformdirs

from pyimagesearch.data.image_arrays import Images, StoredImages
from pyimagesearch.errors import UserError
from pyimagesearch.files import written_whole

MAX_CACHE_BYTES = 4 * 2**30

# Changes with the decoder or the layout of the file, so that what older code stored is not used.
FORMAT = "1"
SUFFIX = ".decoded"


def cache_path(dataset: str | os.PathLike, size: int) -> Path:
    """Say where the decoded images of a data set are kept.

    Parameters
    ----------
    dataset : path
        The folder of the data set.
    size : int
        Width and height of the decoded images in pixels.

    Returns
    -------
    pathlib.Path
        In the user's cache folder, which ``XDG_CACHE_HOME`` names on Linux.
    """
    name = hashlib.blake2b(f"{Path(dataset).resolve()}\0{size}".encode("utf-8", "surrogateescape"))
    return cache_folder() / f"{name.hexdigest()[:32]}{SUFFIX}"


def cache_folder() -> Path:
    """Name the user's cache folder, which there may not be yet."""
    return platformdirs.user_cache_path("pyimagesearch", appauthor=False)


def image_keys(paths: Sequence[str], size: int) -> np.ndarray:
    """Condense what decides over a decoded image: path, size and time of the file, image size.

    Parameters
    ----------
    paths : sequence of str
        The N files.
    size : int
        Width and height of the decoded images in pixels.

    Returns
    -------
    numpy.ndarray
        uint64, shape (N, 2). A file that changes gets another key.
    """

    def key(path: str) -> bytes:
        try:
            status = Path(path).stat()
            state = f"{status.st_size}\0{status.st_mtime_ns}"
        except OSError as error:
            state = str(error)
        text = f"{FORMAT}\0{Path(path).absolute()}\0{state}\0{size}"
        return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest()

    return np.frombuffer(b"".join(map(key, paths)), np.uint64).reshape(-1, 2)


def recall(path: Path, keys: np.ndarray, images: Images) -> np.ndarray:
    """Take what is there out of the cache.

    Parameters
    ----------
    path : pathlib.Path
        From :func:`cache_path`.
    keys : numpy.ndarray
        uint64, shape (N, 2), from :func:`image_keys`.
    images : numpy.ndarray or StoredImages
        uint8, shape (N, size, size, 3), into which the images are written that the cache holds.

    Returns
    -------
    numpy.ndarray
        bool, shape (N,): which images were written. A damaged cache, or part of one, is as good
        as none.
    """
    found = np.zeros(len(keys), bool)
    try:
        with path.open("rb") as file:
            stored_keys = np.load(file)
            checksums = np.load(file)
            shape = (len(stored_keys), *images.shape[1:])
            stored = StoredImages(file, shape, offset=file.tell())
            os.utime(path)
            rows = {key.tobytes(): row for row, key in enumerate(stored_keys)}
            for position, key in enumerate(keys):
                row = rows.get(key.tobytes())
                if row is None:
                    continue
                image = stored[row]
                if zlib.crc32(image) == checksums[row]:
                    images[position] = image
                    found[position] = True
    except (OSError, ValueError, EOFError):
        return found
    return found


def remember(path: Path, keys: np.ndarray, images: Images) -> None:
    """Put images into the cache, in the place of what it held.

    Parameters
    ----------
    path : pathlib.Path
        From :func:`cache_path`.
    keys, images : numpy.ndarray
        As for :func:`recall`.

    Notes
    -----
    The files least recently used are removed until the cache takes at most ``MAX_CACHE_BYTES``.
    Images that alone take more are not kept, and neither are any where the folder cannot be
    written: a cache is a convenience.
    """
    if images.nbytes > MAX_CACHE_BYTES:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial, partial.open("wb") as file:
            np.save(file, keys)
            np.save(file, np.array([zlib.crc32(image) for image in images], np.uint32))
            for image in images:
                file.write(image)
        _remove_least_recently_used(path.parent)
    except (OSError, UserError):
        return


def _remove_least_recently_used(folder: Path) -> None:
    newest_first = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: -path.stat().st_mtime)
    total = 0
    for path in newest_first:
        total += path.stat().st_size
        if total > MAX_CACHE_BYTES:
            path.unlink()
