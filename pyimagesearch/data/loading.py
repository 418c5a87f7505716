"""Decode the images of a dataset in parallel, and gather all that is known about them."""

import itertools
import os
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pyimagesearch.console import Progress, counted, no_progress
from pyimagesearch.data import cache
from pyimagesearch.data.decoding import Fit, decode_image
from pyimagesearch.data.duplicates import duplicate_groups
from pyimagesearch.data.folder_hints import layout_hint
from pyimagesearch.data.folders import IMAGE_SUFFIXES, folder_labels, list_images
from pyimagesearch.data.image_arrays import Images, first, room_for_images
from pyimagesearch.data.label_table import LabelTable, read_label_table
from pyimagesearch.data.split import joined_groups
from pyimagesearch.errors import UnreadableFileError, UserError
from pyimagesearch.files import AnyPath
from pyimagesearch.reading import read_file
from pyimagesearch.streams import quiet_stderr

# Files that wait for a decoding thread take memory, so only this many wait at once.
FILES_AT_ONCE = 1024


class LoadedImages(NamedTuple):
    """What :func:`load_images` made of a list of files.

    Attributes
    ----------
    images : numpy.ndarray or pyimagesearch.data.image_arrays.StoredImages
        uint8, shape (N, size, size, 3), BGR.
    paths : list of str
        The N files they come from, in the same order.
    checksums : numpy.ndarray
        uint32, shape (N,), CRC-32 of each image's pixels.
    skipped : list of (str, str)
        The files that could not be decoded, each with the reason.
    """

    images: Images
    paths: list[str]
    checksums: np.ndarray
    skipped: list[tuple[str, str]]


class Dataset(NamedTuple):
    """Images and everything else that is computed once from them.

    Attributes
    ----------
    images : numpy.ndarray or pyimagesearch.data.image_arrays.StoredImages
        uint8, shape (N, size, size, 3), BGR.
    labels : list of tuple of str
        The labels of each image.
    paths : list of str
        The file of each image.
    classes : list of str
        All labels, sorted: the order of the network's outputs.
    groups : numpy.ndarray
        int, shape (N,): images with the same number are copies of one another, exact or near.
    checksums : numpy.ndarray
        uint32, shape (N,), CRC-32 of each image's pixels.
    skipped : list of (str, str)
        The files and folders that were left out, each with the reason.
    skipped_rows : sequence of (str, str)
        The rows of a table that were left out, each with the reason.
    fit : {"pad", "squeeze"}
        How the images became squares.
    has_free_labels : bool
        Whether an image has any number of labels, from a table, and not one of each kind.
    together : numpy.ndarray or None
        int, shape (N,): images with the same number stay on one side of the split. None for
        `groups` alone.
    is_test : numpy.ndarray or None
        bool, shape (N,): which images to test on, if a table says so.
    notes : sequence of str
        What was found out about the table.
    """

    images: Images
    labels: list[tuple[str, ...]]
    paths: list[str]
    classes: list[str]
    groups: np.ndarray
    checksums: np.ndarray
    skipped: list[tuple[str, str]]
    skipped_rows: Sequence[tuple[str, str]] = ()
    fit: Fit = "pad"
    has_free_labels: bool = False
    together: np.ndarray | None = None
    is_test: np.ndarray | None = None
    notes: Sequence[str] = ()


def load_dataset(
    folder: AnyPath,
    size: int,
    *,
    label_table: AnyPath | None = None,
    fit: Fit = "pad",
    use_cache: bool = False,
    memory_limit: int | None = None,
    progress: Progress = no_progress,
) -> Dataset:
    """Load the images of a folder of label folders, or of a table of labels.

    Parameters
    ----------
    folder : path
        Holds one folder for each combination, such as ``blue_jeans``, at any depth.
    size : int
        Width and height of the decoded images in pixels.
    label_table : path, optional
        A table as :func:`pyimagesearch.data.label_table.read_label_table` reads it. The names of
        the folders then mean nothing.
    fit : {"pad", "squeeze"}
        How images become squares; see :func:`pyimagesearch.data.decoding.fitted`.
    use_cache : bool
        Whether to reuse images that an earlier run decoded, and to keep these for later ones.
    memory_limit : int, optional
        Bytes, by default all memory of the machine. Images that would take more than a quarter of
        it stay in a file.
    progress : callable, optional
        Shows how many files have been decoded.

    Returns
    -------
    Dataset
        In the order of the paths.

    Raises
    ------
    UserError
        If there is no such folder, no readable image in it, or nothing to tell apart, if the table
        cannot be used, or if the images go into a file that cannot be made.
    ValueError
        If `fit` is neither of the two.
    """
    if label_table is None:
        table, (paths, labels, skipped) = None, _list_labelled(folder)
    else:
        table = read_label_table(label_table, folder)
        paths, labels, skipped = table.paths, table.labels, table.skipped
    loaded = load_images(
        paths,
        size,
        fit=fit,
        cache_file=cache.cache_path(folder, size, fit) if use_cache else None,
        memory_limit=memory_limit,
        progress=progress,
    )
    if not loaded.paths:
        path, reason = loaded.skipped[0]
        raise UserError(
            f"of {counted(len(paths), 'image')} below {folder}, none can be read; the first is "
            f"{path}: {reason}"
        )
    labels_of = dict(zip(paths, labels, strict=True))
    label_sets = [labels_of[path] for path in loaded.paths]
    if not any(label_sets):
        raise UserError(
            f"{label_table} gives no image a label: its cells for labels are all empty or 0"
        )
    if len(set(map(frozenset, set(label_sets)))) < 2:
        advice = f"give some images other labels in {label_table}" if table else _layout(folder)
        raise UserError(
            f"all images below {folder} have the same labels ({' '.join(label_sets[0])}), so there "
            f"is nothing to tell apart: {advice}"
        )
    dataset = Dataset(
        loaded.images,
        label_sets,
        loaded.paths,
        classes=sorted(set(itertools.chain.from_iterable(label_sets))),
        groups=duplicate_groups(loaded.images, loaded.checksums),
        checksums=loaded.checksums,
        skipped=loaded.skipped + skipped,
        fit=fit,
    )
    return _with_table(dataset, table, label_table) if table else dataset


def _list_labelled(
    folder: AnyPath,
) -> tuple[list[str], list[tuple[str, ...]], list[tuple[str, str]]]:
    """List the images that lie in label folders, their labels, and what is left out."""
    layout = f"expected one folder for each combination, such as {folder}/blue_jeans"
    listing = list_images(folder)
    if not listing.paths:
        kinds = ", ".join(suffix.lstrip(".") for suffix in IMAGE_SUFFIXES)
        raise UserError(f"there are no images ({kinds}) below {folder}: {layout}")
    paths, labels, skipped = [], [], []
    top = Path(folder)
    for path in listing.paths:
        if Path(path).parent != top and (own := folder_labels(path)):
            paths.append(path)
            labels.append(own)
        else:
            skipped.append((path, "not in a label folder"))
    if not paths:
        raise UserError(
            f"the images of {folder} are not in label folders: {layout}{layout_hint(folder)}"
        )
    closed = [
        (path, f"a folder that cannot be opened: {reason}") for path, reason in listing.unreadable
    ]
    return paths, labels, [*skipped, *listing.skipped, *closed]


def _layout(folder: AnyPath) -> str:
    return (
        f"expected one folder for each combination, such as {folder}/blue_jeans, and at least two "
        f"of them{layout_hint(folder)}"
    )


def _with_table(dataset: Dataset, table: LabelTable, table_path: AnyPath | None) -> Dataset:
    """Add what a table says about the images that could be read."""
    if len(dataset.classes) < 2:
        raise UserError(
            f"the only label in {table_path} is {dataset.classes[0]}: at least two are needed"
        )
    rows = {path: row for row, path in enumerate(table.paths)}
    chosen = [rows[path] for path in dataset.paths]
    together = is_test = None
    if table.groups:
        together = joined_groups(dataset.groups, [table.groups[row] for row in chosen])
    if table.is_test:
        is_test = np.array([table.is_test[row] for row in chosen])
    return dataset._replace(
        skipped_rows=table.skipped_rows,
        has_free_labels=True,
        together=together,
        is_test=is_test,
        notes=table.notes,
    )


def load_images(
    paths: Sequence[str],
    size: int,
    *,
    fit: Fit = "pad",
    cache_file: Path | None = None,
    memory_limit: int | None = None,
    progress: Progress = no_progress,
) -> LoadedImages:
    """Decode files in parallel into one array.

    Parameters
    ----------
    paths : sequence of str
        The files.
    size : int
        Width and height of the decoded images in pixels.
    fit : {"pad", "squeeze"}
        As for :func:`load_dataset`.
    cache_file : pathlib.Path, optional
        From :func:`pyimagesearch.data.cache.cache_path`. Files that have not changed since they
        were decoded into it are taken from it, and the others are added.
    memory_limit : int, optional
        Bytes, by default all memory of the machine. Images that would take more than a quarter of
        it stay in a file.
    progress : callable, optional
        Shows how many files have been decoded.

    Returns
    -------
    LoadedImages
        The images that could be read, in the order of `paths`, and those that could not.

    Raises
    ------
    UserError
        If they go into a file, and it cannot be made.
    ValueError
        If `fit` is neither of the two.
    """
    shape = (len(paths), size, size, 3)
    images = room_for_images(shape, memory_limit, cache.cache_folder())
    checksums = np.zeros(len(paths), np.uint32)
    is_decoded = np.zeros(len(paths), bool)
    if cache_file:
        keys = cache.image_keys(paths, size, fit)
        is_decoded = cache.load(cache_file, keys, images, checksums=checksums)
    missing = np.flatnonzero(~is_decoded)
    load = partial(_load, images, checksums, paths=paths, fit=fit)
    reasons = _in_threads(load, missing, progress=progress)
    is_decoded[missing] = [reason is None for reason in reasons]

    readable = np.flatnonzero(is_decoded)
    # Each image moves forward into a place that has been read, so no second array is needed.
    for place, position in enumerate(readable):
        if place != position:
            images[place] = images[position]
    images, checksums = first(images, len(readable)), checksums[readable]
    if cache_file and None in reasons:
        cache.save(cache_file, keys[readable], images, checksums=checksums)
    return LoadedImages(
        images,
        [paths[position] for position in readable.tolist()],
        checksums,
        [(paths[i], reason) for i, reason in zip(missing.tolist(), reasons, strict=True) if reason],
    )


def _load(
    images: Images, checksums: np.ndarray, position: int, *, paths: Sequence[str], fit: Fit
) -> str | None:
    """Decode one of the files into its place; return why it failed, or None."""
    try:
        image = decode_image(read_file(paths[position]), images.shape[1], fit=fit)
    except UnreadableFileError as error:
        return str(error)
    images[position] = image
    checksums[position] = zlib.crc32(image.data)
    return None


def _in_threads(
    load: Callable[[int], str | None], positions: np.ndarray, *, progress: Progress
) -> list[str | None]:
    """Load files in parallel; return what each gives."""
    # OpenCV and the file system release Python's lock, so threads are enough. What the image
    # libraries print about damaged files names no file; the list of skipped files does.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        starts = range(0, len(positions), FILES_AT_ONCE)
        chunks = (pool.map(load, positions[start : start + FILES_AT_ONCE]) for start in starts)
        shown = progress(itertools.chain.from_iterable(chunks), len(positions))
        with quiet_stderr():
            return list(shown)
