"""Decoded images kept from run to run, so that an unchanged file is decoded once."""

import hashlib
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import cv2
import numpy as np
import PIL
import platformdirs

from pyimagesearch.data.decoding import Fit
from pyimagesearch.data.image_arrays import Images, StoredImages
from pyimagesearch.errors import UserError
from pyimagesearch.files import AnyPath, remove_litter, written_whole

MAX_CACHE_BYTES = 4 * 2**30

# Pixels depend on the decoders, so images that another release decoded are not reused.
FORMAT = f"4\0{cv2.__version__}\0{PIL.__version__}"
SUFFIX = ".decoded"
SIGNATURE = b"decoded images\n\x1a"
# After the signature and the number of images come their keys and checksums, and a digest of all
# that; then the pixels.
ROW = np.dtype([("key", "<u8", 2), ("checksum", "<u4")])
DIGEST_BYTES = 32


def cache_path(folder: AnyPath, size: int, fit: Fit) -> Path | None:
    """Name the file that keeps the decoded images of a dataset.

    Parameters
    ----------
    folder : path
        The folder of the dataset.
    size : int
        Width and height of the decoded images in pixels.
    fit : {"pad", "squeeze"}
        How they became squares.

    Returns
    -------
    pathlib.Path or None
        In :func:`cache_folder`; None if there is none.
    """
    parent = cache_folder()
    if parent is None:
        return None
    text = f"{Path(folder).resolve()}\0{size}\0{fit}"
    name = hashlib.blake2b(text.encode("utf-8", "surrogateescape")).hexdigest()
    return parent / f"{name[:32]}{SUFFIX}"


def cache_folder() -> Path | None:
    """Name the user's cache folder, which need not exist yet.

    Returns
    -------
    pathlib.Path or None
        On Linux, ``XDG_CACHE_HOME`` says where. None for a user without a home folder, as in many
        containers.
    """
    try:
        # Older releases of platformdirs return "~" where there is no home folder.
        return platformdirs.user_cache_path("pyimagesearch", appauthor=False).expanduser()
    except RuntimeError:
        return None


def image_keys(paths: Sequence[str], size: int, fit: Fit) -> np.ndarray:
    """Condense what a decoded image depends on: path, length and time of the file, size and fit.

    Parameters
    ----------
    paths : sequence of str
        The N files.
    size, fit
        As for :func:`cache_path`.

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
        text = f"{FORMAT}\0{Path(path).absolute()}\0{state}\0{size}\0{fit}"
        return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest()

    return np.frombuffer(b"".join(map(key, paths)), np.uint64).reshape(-1, 2)


def load(path: Path, keys: np.ndarray, images: Images, *, checksums: np.ndarray) -> np.ndarray:
    """Copy the images that the cache holds.

    Parameters
    ----------
    path : pathlib.Path
        From :func:`cache_path`.
    keys : numpy.ndarray
        uint64, shape (N, 2), from :func:`image_keys`.
    images : numpy.ndarray or StoredImages
        uint8, shape (N, size, size, 3): the images found are written into it.
    checksums : numpy.ndarray
        uint32, shape (N,): so are their checksums.

    Returns
    -------
    numpy.ndarray
        bool, shape (N,): which images were found. A cache that is damaged, or that another user
        could have written, counts as none.
    """
    found = np.zeros(len(keys), bool)
    with suppress(OSError, ValueError), path.open("rb") as file:
        table = _read_table(file)
        stored = StoredImages(file, (len(table), *images.shape[1:]), offset=file.tell())
        if not _is_ours(file) or file.seek(0, os.SEEK_END) != stored.offset + stored.nbytes:
            return found
        os.utime(path)
        rows = {key.tobytes(): row for row, key in enumerate(table["key"])}
        for position, key in enumerate(keys):
            row = rows.get(key.tobytes())
            if row is None:
                continue
            image = stored[row]
            if zlib.crc32(image.data) == table["checksum"][row]:
                images[position], checksums[position] = image, table["checksum"][row]
                found[position] = True
    return found


def save(path: Path, keys: np.ndarray, images: Images, *, checksums: np.ndarray) -> None:
    """Replace what the cache holds by these images.

    Parameters
    ----------
    path : pathlib.Path
        From :func:`cache_path`.
    keys, images, checksums
        As for :func:`load`.

    Notes
    -----
    The least recently used files are removed until the cache takes at most ``MAX_CACHE_BYTES``.
    Images that alone take more are not kept, and none are where the folder cannot be written: the
    next run decodes them again.
    """
    if images.nbytes > MAX_CACHE_BYTES:
        return
    table = np.empty(len(keys), ROW)
    table["key"], table["checksum"] = keys, checksums
    header = SIGNATURE + len(table).to_bytes(8, "little") + table.tobytes()
    with suppress(OSError, UserError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        remove_litter(path)
        # What a power failure spoils, the checksums reveal.
        with written_whole(path, flushed=False) as temporary, temporary.open("wb") as file:
            file.write(header + _digest(header))
            for image in images:
                file.write(image.data)
        path.chmod(0o600)
        _remove_least_recently_used(path.parent)


def _read_table(file: IO[bytes]) -> np.ndarray:
    """Read keys and checksums; raise ValueError for a file that :func:`save` did not write."""
    begin = file.read(len(SIGNATURE) + 8)
    count = int.from_bytes(begin[len(SIGNATURE) :], "little")
    size = count * ROW.itemsize
    if begin[: len(SIGNATURE)] != SIGNATURE or size > os.fstat(file.fileno()).st_size:
        raise ValueError("not a file of decoded images")
    rows = file.read(size)
    if file.read(DIGEST_BYTES) != _digest(begin + rows):
        raise ValueError("damaged")
    return np.frombuffer(rows, ROW)


def _digest(header: bytes) -> bytes:
    return hashlib.blake2b(header, digest_size=DIGEST_BYTES).digest()


def _is_ours(file: IO[bytes]) -> bool:
    """Tell whether nobody but this user can have written an open file."""
    if not hasattr(os, "geteuid"):
        return True
    status = os.fstat(file.fileno())
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _remove_least_recently_used(folder: Path) -> None:
    newest_first = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: -path.stat().st_mtime)
    total = 0
    for path in newest_first:
        total += path.stat().st_size
        if total > MAX_CACHE_BYTES:
            path.unlink()
