"""The images that are already there, so that none is kept twice."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from pyimagesearch.console import Progress
from pyimagesearch.data.duplicates import find_copy, perceptual_hash
from pyimagesearch.data.folders import IMAGE_SUFFIXES
from pyimagesearch.data.image_arrays import Images
from pyimagesearch.data.loading import load_images
from pyimagesearch.errors import UserError, reason_of
from pyimagesearch.search.judging import COMPARED_SIZE, Judged


class FolderImages:
    """Images that a new one is compared with.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Their files.
    smalls : numpy.ndarray or StoredImages
        uint8, shape (N, 96, 96, 3), BGR, in the same order. They are not copied.
    """

    def __init__(self, paths: Sequence[Path], smalls: Images) -> None:
        self._paths = list(paths)
        self._smalls = smalls
        self._added: list[np.ndarray] = []
        self._hashes = np.fromiter(map(perceptual_hash, smalls), np.uint64, len(smalls))

    def find_copy(self, judged: Judged) -> Path | None:
        """Return the first file that an image is a copy of, exact or near; None without one."""
        for others, start in ((self._smalls, 0), (self._added, len(self._smalls))):
            hashes = self._hashes[start : start + len(others)]
            position = find_copy(judged.small, others, hashes, own_hash=judged.perceptual_hash)
            if position is not None:
                return self._paths[start + position]
        return None

    def add(self, path: Path, judged: Judged) -> None:
        """Have later images compared with this one as well."""
        self._paths.append(path)
        self._added.append(judged.small)
        self._hashes = np.append(self._hashes, judged.perceptual_hash)


def load_folder_images(folder: Path, progress: Progress) -> FolderImages:
    """Load the images of a label folder, and of its siblings, which stand for other labels.

    Parameters
    ----------
    folder : pathlib.Path
        The label folder.
    progress : callable
        Shows how many files have been decoded.

    Returns
    -------
    FolderImages
        Those of the folder first. Siblings that may not be read are left out, and so are files that
        cannot be decoded.

    Raises
    ------
    UserError
        If the folder, or the one above it, cannot be read.
    """
    try:
        found = [*images_in(folder), *_images_in_siblings(folder)]
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {reason_of(error)}") from error
    # Decode them as `judge` decodes downloads, so that the two can be compared.
    loaded = load_images([*map(str, found)], COMPARED_SIZE, fit="squeeze", progress=progress)
    return FolderImages([*map(Path, loaded.paths)], loaded.images)


def images_in(folder: Path) -> list[Path]:
    """List the image files of a folder by name, hidden ones left out."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    )


def _images_in_siblings(folder: Path) -> list[Path]:
    # Unlike resolve(), this raises nothing for links in a circle.
    own = os.path.realpath(folder)
    # A folder that is a link has its neighbours where the link lies.
    parent = Path(os.path.abspath(folder)).parent  # noqa: PTH100
    images: list[Path] = []
    for path in sorted(parent.iterdir()):
        if os.path.realpath(path) != own and not path.name.startswith("."):
            # A home folder on Windows or macOS has some that os.access does not know as protected.
            with suppress(PermissionError):
                images += images_in(path) if path.is_dir() else []
    return images
