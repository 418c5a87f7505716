"""Which files of a dataset are images, and which labels their folders give them.

The labels of an image are the parts of its folder's name. A combination is the label set of one
folder: ``("blue", "jeans")``.
"""

import functools
import os
from collections import deque
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from itertools import islice, product
from pathlib import Path
from typing import NamedTuple, TypeVar

from pyimagesearch.errors import UserError, reason_of
from pyimagesearch.files import AnyPath
from pyimagesearch.reading import did_you_mean

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
IMAGE_SUFFIXES = (*JPEG_SUFFIXES, ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".avif")
# Pictures of other kinds are listed, too. A few turn out to be JPEG files, as telephones send them;
# the user hears of the others.
OTHER_SUFFIXES = (".heic", ".heif", ".jxl", ".jp2", ".psd", ".dng", ".cr2", ".nef", ".arw")
LISTED_SUFFIXES = (*IMAGE_SUFFIXES, *OTHER_SUFFIXES)

Key = TypeVar("Key", bound=Hashable)


class Listing(NamedTuple):
    """What :func:`list_images` found.

    Attributes
    ----------
    paths : list of str
        The image files, sorted.
    skipped : list of (str, str)
        Links and folders that lead to what is listed already, each with the reason.
    unreadable : sequence of (str, str)
        Folders that cannot be read, each with the reason.
    """

    paths: list[str]
    skipped: list[tuple[str, str]]
    unreadable: Sequence[tuple[str, str]] = ()


def list_images(folder: AnyPath) -> Listing:
    """List the image files below a folder, at any depth.

    Links to folders and to files are followed, and every real folder and file is listed once, so
    that a link back to a folder above it makes no endless loop. Hidden files and folders are
    ignored.

    Parameters
    ----------
    folder : path
        Where to look.

    Returns
    -------
    Listing
        Paths that begin with `folder` and end in one of ``LISTED_SUFFIXES``, in either case.

    Raises
    ------
    UserError
        If `folder` is not a folder.
    """
    top = os.fspath(folder)
    if not os.path.isdir(top):  # noqa: PTH112 (a string may hold what a Path refuses)
        raise UserError(
            f"{top} is not a folder: give the folder that holds the images{did_you_mean(top)}"
        )
    paths, links, skipped, unreadable = [], [], [], []
    seen_folders: dict[str | tuple[int, int], str] = {}
    seen_files: set[str | tuple[int, int]] = set()
    # Real folders come first, so that a link never stands for a folder that is there itself.
    real_folders, linked_folders = deque([top]), deque[str]()
    while real_folders or linked_folders:
        current = real_folders.popleft() if real_folders else linked_folders.popleft()
        try:
            status = os.stat(current)  # noqa: PTH116 (called once a folder, and fast)
            first = seen_folders.setdefault(file_identity(current, status), current)
            if first != current:
                skipped.append((current, f"it is the folder {first} once more"))
                continue
            entries = sorted(os.scandir(current), key=lambda entry: entry.name)
        except OSError as error:
            unreadable.append((current, reason_of(error)))
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                real_folders.append(entry.path)
            elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112
                linked_folders.append(entry.path)
            elif entry.name.lower().endswith(LISTED_SUFFIXES):
                if entry.is_symlink():
                    links.append(entry.path)
                else:
                    paths.append(entry.path)
                    seen_files.add((status.st_dev, entry.inode()))
    for link in sorted(links):
        if _is_new_file(link, seen_files):
            paths.append(link)
        else:
            skipped.append((link, "it is a link to another image of the dataset"))
    return Listing(sorted(paths), sorted(skipped), sorted(unreadable))


def file_identity(path: AnyPath, status: os.stat_result) -> str | tuple[int, int]:
    """Return what all names of a file or folder share.

    Parameters
    ----------
    path : path
        One of its names.
    status : os.stat_result
        What the system says of it.

    Returns
    -------
    str or tuple of int
        Its device and number, or its path without links if it has no number.
    """
    # Some network drives on Windows give every file the number 0.
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def _is_new_file(link: str, seen_files: set[str | tuple[int, int]]) -> bool:
    try:
        status = os.stat(link)  # noqa: PTH116
    except OSError:
        return True  # Why it cannot be read is said when it is read.
    identity = file_identity(link, status)
    is_new = identity not in seen_files
    seen_files.add(identity)
    return is_new


def folder_labels(path: AnyPath) -> tuple[str, ...]:
    """Take an image's labels from the name of its folder.

    Parameters
    ----------
    path : path
        An image, for example ``dataset/blue_jeans/00000012.jpg``.

    Returns
    -------
    tuple of str
        The different parts of the folder's name, split at ``_``, for example ``("blue", "jeans")``.
        Empty if it has none.
    """
    return _labels_of_folder(os.path.dirname(path))  # noqa: PTH120 (called once an image)


@functools.cache
def _labels_of_folder(folder: str) -> tuple[str, ...]:
    # All images of one folder share one tuple, which saves memory where there are a million.
    parts = Path(folder).absolute().name.split("_")
    return tuple(dict.fromkeys(part for part in parts if part))


def missing_combinations(
    labels: Iterable[tuple[str, ...]], *, most: int | None = None
) -> list[tuple[str, str]]:
    """List the pairs of a first and a second label that no image has, in either order.

    Parameters
    ----------
    labels : iterable of tuple of str
        The labels of each image, or each combination once.
    most : int, optional
        How many to list at most. There may be as many as the square of the labels.

    Returns
    -------
    list of (str, str)
        Sorted, each in one order, and without pairs of a label with itself, which no folder's name
        can give. Empty where any image has more or fewer than two labels, since pairs then mean
        little.
    """
    return list(islice(_missing(set(labels)), most))


def count_missing_combinations(labels: Iterable[tuple[str, ...]]) -> int:
    """Count what :func:`missing_combinations` would list, without listing it."""
    present = set(labels)
    axes = pair_axes(present)
    if axes is None:
        return 0
    firsts, seconds = axes
    in_both = len(set(firsts) & set(seconds))
    # Each two of these labels make two pairs, and each one a pair with itself.
    repeated = in_both * (in_both + 1) // 2
    if in_both:
        repeated -= sum(pair[::-1] in present for pair in present) // 2
    return len(firsts) * len(seconds) - repeated - len(present)


def _missing(present: set[tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    if axes := pair_axes(present):
        in_both = set.intersection(*map(set, axes))
        for first, second in product(*axes):
            is_repeated = first >= second and first in in_both and second in in_both
            if not (is_repeated or {(first, second), (second, first)} & present):
                yield first, second


def pair_axes(
    combinations: Collection[tuple[str, ...]],
) -> tuple[list[str], list[str]] | None:
    """Return the sorted first and second labels; None unless every combination is a pair."""
    if any(len(combination) != 2 for combination in combinations):
        return None
    firsts, seconds = (sorted({pair[part] for pair in combinations}) for part in (0, 1))
    return firsts, seconds


def in_one_order(labels: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Name each image's combination as the first image with the same labels does.

    A network cannot tell ``blue_jeans`` from ``jeans_blue``, so that they are one.

    Parameters
    ----------
    labels : sequence of tuple of str
        The labels of each image.

    Returns
    -------
    list of tuple of str
        The same labels, those of the same set in the same order.
    """
    names: dict[frozenset[str], tuple[str, ...]] = {}
    return [names.setdefault(frozenset(each), each) for each in labels]


def numbered_combinations(
    labels: Sequence[tuple[str, ...]],
) -> tuple[list[tuple[str, ...]], list[int]]:
    """List the combinations, whatever the order of their labels, and say which each image has.

    Parameters
    ----------
    labels : sequence of tuple of str
        The labels of each image.

    Returns
    -------
    combinations : list of tuple of str
        Sorted, as :func:`in_one_order` names them.
    own : list of int
        For each image, the index of its combination.
    """
    named = in_one_order(labels)
    combinations = sorted(set(named))
    numbers = {combination: number for number, combination in enumerate(combinations)}
    return combinations, [numbers[each] for each in named]


def positions_of(keys: Iterable[Key]) -> dict[Key, list[int]]:
    """Find where each key is.

    Parameters
    ----------
    keys : iterable of hashable
        Such as the labels of each image.

    Returns
    -------
    dict of hashable to list of int
        The sorted positions of each key. The key that comes first is the first.
    """
    positions: dict[Key, list[int]] = {}
    for position, key in enumerate(keys):
        positions.setdefault(key, []).append(position)
    return positions
