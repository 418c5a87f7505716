"""Images on disk become arrays and labels: list, decode, label, load."""

import itertools
import os
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from pyimagesearch.console import quiet_stderr
from pyimagesearch.data import cache
from pyimagesearch.data.decoding import decode_image
from pyimagesearch.data.folders import IMAGE_SUFFIXES, folder_labels, layout_hint, list_images
from pyimagesearch.data.image_arrays import Images, first, room_for_images
from pyimagesearch.errors import UnreadableFileError, UserError
from pyimagesearch.files import read_file

# So many files are handed to the decoding threads at once: each that waits takes memory.
FILES_AT_ONCE = 1024

# Pillow, which reads the headers, warns of large images; here they are refused.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class LoadedImages(NamedTuple):
    """What :func:`load_images` made of a list of files.

    Attributes
    ----------
    images : numpy.ndarray or pyimagesearch.stored_images.StoredImages
        uint8, shape (N, size, size, 3), BGR.
    paths : list of str
        The N files they come from, in the same order.
    skipped : list of (str, str)
        The files that could not be decoded, each with the reason.
    """

    images: Images
    paths: list[str]
    skipped: list[tuple[str, str]]


class LabelledImages(NamedTuple):
    """What :func:`load_dataset` found below a folder.

    Attributes
    ----------
    images, paths, skipped
        As in :class:`LoadedImages`.
    labels : list of tuple of str
        Those of each image, from :func:`folder_labels`.
    """

    images: Images
    paths: list[str]
    labels: list[tuple[str, ...]]
    skipped: list[tuple[str, str]]


def load_dataset(
    folder: str | os.PathLike,
    size: int,
    use_cache: bool = False,
    memory_limit: int | None = None,
) -> LabelledImages:
    """Load the images of a folder of label folders.

    Parameters
    ----------
    folder : path
        Holds a folder a combination, for example ``blue_jeans``, at any depth.
    size : int
        Width and height of the decoded images in pixels.
    use_cache : bool
        Whether to take unchanged images from the user's cache, and to leave them there.
    memory_limit : int, optional
        Bytes; images that would take more than a quarter of them stay in a file.

    Returns
    -------
    LabelledImages
        In the order of their paths.

    Raises
    ------
    UserError
        If there is no such folder, no image in it that can be read, or nothing to tell apart.
    """
    kinds = ", ".join(suffix.lstrip(".") for suffix in IMAGE_SUFFIXES)
    layout = f"expected one folder for each combination, such as {folder}/blue_jeans"
    found = list_images(folder)
    if not found:
        raise UserError(f"there are no images ({kinds}) below {folder}: {layout}")
    top = Path(folder)
    is_in_label_folder = [Path(path).parent != top for path in found]
    in_label_folder = list(itertools.compress(found, is_in_label_folder))
    if not in_label_folder:
        raise UserError(
            f"the images of {folder} are not in label folders: {layout}{layout_hint(folder)}"
        )

    cache_file = cache.cache_path(folder, size) if use_cache else None
    loaded = load_images(in_label_folder, size, cache_file, memory_limit)
    if not loaded.paths:
        path, reason = loaded.skipped[0]
        raise UserError(
            f"none of the {len(in_label_folder)} images below {folder} can be read; "
            f"the first is {path}: {reason}"
        )
    labels = [folder_labels(path) for path in loaded.paths]
    if len(set(labels)) < 2:
        raise UserError(
            f"all images below {folder} have the same labels ({' '.join(labels[0])}), so there is "
            f"nothing to tell apart: {layout}, and at least two of them{layout_hint(folder)}"
        )
    skipped = loaded.skipped + [
        (path, "not in a label folder")
        for path, is_inside in zip(found, is_in_label_folder, strict=True)
        if not is_inside
    ]
    return LabelledImages(loaded.images, loaded.paths, labels, skipped)


def load_images(
    image_paths: Sequence[str],
    size: int,
    cache_file: Path | None = None,
    memory_limit: int | None = None,
) -> LoadedImages:
    """Decode files in parallel into one array, with a progress bar on a terminal.

    Parameters
    ----------
    image_paths : sequence of str
        The files.
    size : int
        Width and height of the decoded images in pixels.
    cache : pathlib.Path, optional
        From :func:`pyimagesearch.decoded_cache.cache_path`: files that have not changed since they
        were decoded into this cache are taken from it.
    memory_limit : int, optional
        Bytes; images that would take more than a quarter of them stay in a file.

    Returns
    -------
    LoadedImages
        The images that could be read, in the order of `image_paths`, and those that could not.
    """
    shape = (len(image_paths), size, size, 3)
    images = room_for_images(shape, memory_limit, cache.cache_folder())
    keys = cache.image_keys(image_paths, size) if cache_file else None
    is_decoded = (
        cache.recall(cache_file, keys, images) if cache_file else np.zeros(len(images), bool)
    )
    missing = np.flatnonzero(~is_decoded)
    reasons = _decode_into(images, missing, image_paths)
    is_decoded[missing] = [reason is None for reason in reasons]

    readable = np.flatnonzero(is_decoded)
    # Each image moves towards the front, into a place already read, so that no second array of
    # this size is ever needed.
    for place, position in enumerate(readable):
        if place != position:
            images[place] = images[position]
    images = first(images, len(readable))
    if cache_file and reasons.count(None):
        cache.remember(cache_file, keys[readable], images)
    return LoadedImages(
        images,
        [image_paths[position] for position in readable],
        [(image_paths[i], reason) for i, reason in zip(missing, reasons, strict=True) if reason],
    )


def _decode_into(
    images: Images, positions: np.ndarray, image_paths: Sequence[str]
) -> list[str | None]:
    """Decode some of the files into their places, and say of each why it could not be, or None."""

    def load(position: int) -> str | None:
        try:
            images[position] = decode_image(read_file(image_paths[position]), images.shape[1])
        except UnreadableFileError as error:
            return str(error)
        return None

    # OpenCV and the file system release the interpreter's lock, so threads are enough. The image
    # libraries' complaints about damaged files name no file; the list of skipped files does.
    with quiet_stderr(), ThreadPoolExecutor(os.cpu_count()) as pool:
        starts = range(0, len(positions), FILES_AT_ONCE)
        chunks = (pool.map(load, positions[start : start + FILES_AT_ONCE]) for start in starts)
        return list(
            tqdm(
                itertools.chain.from_iterable(chunks),
                total=len(positions),
                desc="decoding",
                unit="image",
                file=sys.stdout,
                disable=not sys.stdout.isatty(),
            )
        )
