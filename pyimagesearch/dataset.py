"""Images on disk become arrays and labels: list, decode, label, load."""

import functools
import io
import itertools
import os
import stat
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from imutils import paths
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from pyimagesearch import decoded_cache
from pyimagesearch.console import UserError, quiet_stderr
from pyimagesearch.hints import did_you_mean, layout_hint
from pyimagesearch.stored_images import Images, first, room_for_images

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
IMAGE_SUFFIXES = (*JPEG_SUFFIXES, ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")

# A header may claim any size. More pixels than these would take more memory than an image is
# worth, and are refused before anything is allocated.
MAX_PIXELS = 2**26
MAX_FILE_BYTES = 2**28
# So many files are handed to the decoding threads at once: each that waits takes memory.
FILES_AT_ONCE = 1024

# Pillow, which reads the headers, warns of large images; here they are refused.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class UnreadableImageError(UserError):
    """A file is not an image that can be decoded; the message says why, without the file's name."""


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


def list_images(folder: str | os.PathLike) -> list[str]:
    """List the image files below a folder, sorted, hidden files and folders left out.

    Parameters
    ----------
    folder : path
        Where to look, at any depth.

    Returns
    -------
    list of str
        Paths that begin with `folder` and end in one of ``IMAGE_SUFFIXES``, in either case.

    Raises
    ------
    UserError
        If `folder` is not a folder.
    """
    folder = os.fspath(folder)
    if not Path(folder).is_dir():
        raise UserError(
            f"{folder} is not a folder: give the folder that holds the images{did_you_mean(folder)}"
        )

    def hidden(path: str) -> bool:
        return any(part.startswith(".") for part in Path(os.path.relpath(path, folder)).parts)

    found = paths.list_files(folder, validExts=IMAGE_SUFFIXES)
    return sorted(path for path in found if not hidden(path))


def folder_labels(path: str | os.PathLike) -> tuple[str, ...]:
    """Take an image's labels from the name of its folder.

    Parameters
    ----------
    path : path
        Of an image, for example ``dataset/blue_jeans/00000012.jpg``.

    Returns
    -------
    tuple of str
        The folder's name split at ``_``, for example ``("blue", "jeans")``.
    """
    return _labels_below(os.path.dirname(path))  # noqa: PTH120 (called once an image)


@functools.cache
def _labels_below(folder: str) -> tuple[str, ...]:
    # Images of one folder share one tuple, which counts where there are a million of them.
    return tuple(part for part in Path(folder).absolute().name.split("_") if part)


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

    cache = decoded_cache.cache_path(folder, size) if use_cache else None
    loaded = load_images(in_label_folder, size, cache, memory_limit)
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


def read_file(path: str | os.PathLike) -> bytes:
    """Read a regular file of at most ``MAX_FILE_BYTES`` bytes.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    UnreadableImageError
        If there is nothing to read: no such file, no permission, an empty or an enormous file, or
        something that is not a regular file and might never end (a pipe, a device).
    """
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImageError("not a regular file")
        if status.st_size == 0:
            raise UnreadableImageError("the file is empty")
        if status.st_size > MAX_FILE_BYTES:
            raise UnreadableImageError(f"the file is larger than {MAX_FILE_BYTES >> 20} MiB")
        return Path(path).read_bytes()
    except OSError as error:
        raise UnreadableImageError(error.strerror or str(error)) from error


def decode_image(data: bytes, size: int | None = None) -> np.ndarray:
    """Decode an image: the one way pixels enter the system, in training and in classification.

    Transparent pixels come out white, EXIF orientation is applied, grey, CMYK and 16-bit images
    become 8-bit colour, and of an animation the first frame is taken. A JPEG file that was cut off
    is used if at least half of its rows are there.

    Parameters
    ----------
    data : bytes
        The content of a JPEG, PNG, BMP, TIFF, WebP or GIF file.
    size : int, optional
        Width and height, in pixels, to which the image is resized, its proportions given up as in
        the tutorial. By default it keeps the size it has.

    Returns
    -------
    numpy.ndarray
        uint8, shape (size, size, 3) or (height, width, 3), BGR.

    Raises
    ------
    UnreadableImageError
        If the data is no image, is damaged beyond use, or would decode to more than
        ``MAX_PIXELS`` pixels.
    """
    header = _read_header(data)
    reduction = _jpeg_reduction(header, size)
    is_progressive = bool(header.info.get("progressive"))
    decoded_pixels = header.width * header.height // (1 if is_progressive else reduction**2)
    if decoded_pixels > MAX_PIXELS:
        raise UnreadableImageError(
            f"{header.width} x {header.height} pixels are more than the limit of {MAX_PIXELS:,}"
        )

    if header.format == "JPEG":
        image = _decode_jpeg(data, reduction)
    elif header.has_transparency_data:
        image = _decode(data, cv2.IMREAD_UNCHANGED)
    else:
        image = _decode(data, cv2.IMREAD_COLOR)
    is_transparent = image.ndim == 3 and image.shape[2] == 4
    if is_transparent:
        # Colours weigh as much as they are opaque, so that what is invisible leaves no trace in the
        # resized image, and the white can wait until the image is small.
        image = cv2.cvtColor(image, cv2.COLOR_RGBA2mRGBA)
    if size is not None:
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return _on_white(image) if is_transparent else image


def _read_header(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data))
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not an image") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(str(error)) from error
    # A damaged header makes Pillow's parsers fail in ways of their own (struct.error, SyntaxError,
    # KeyError, ...); whichever it is, the file cannot be read.
    except Exception as error:
        raise UnreadableImageError(f"damaged header ({error})") from error


def _jpeg_reduction(header: Image.Image, size: int | None) -> int:
    """Say by how much a JPEG may shrink while it is decoded and still be no smaller than `size`.

    Decoding at a half, a quarter or an eighth skips most of the inverse cosine transform.
    """
    if header.format != "JPEG" or size is None:
        return 1
    fitting = (reduction for reduction in (8, 4, 2) if min(header.size) >= size * reduction)
    return next(fitting, 1)


def _decode(data: bytes, flags: int) -> np.ndarray:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise UnreadableImageError("damaged") from error
    if image is None:
        raise UnreadableImageError("damaged, or of a kind that OpenCV does not decode")
    if image.dtype != np.uint8:
        image = cv2.convertScaleAbs(image, alpha=255 / np.iinfo(image.dtype).max)
    return image


def _decode_jpeg(data: bytes, reduction: int) -> np.ndarray:
    flags = {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }
    end_of_image = b"\xff\xd9"
    is_cut_off = end_of_image not in data[-1024:]
    # OpenCV gives up on a file without the end marker; with one, libjpeg decodes what there is and
    # leaves the rest grey.
    image = _decode(data + end_of_image if is_cut_off else data, flags[reduction])
    if is_cut_off:
        is_grey_row = (np.abs(image.astype(np.int16) - 128) <= 1).all(axis=(1, 2))
        rows_missing = int(np.argmin(is_grey_row[::-1])) if not is_grey_row.all() else len(image)
        if rows_missing * 2 > len(image):
            raise UnreadableImageError("cut off before half of it was stored")
    return image


def _on_white(premultiplied: np.ndarray) -> np.ndarray:
    white = cv2.cvtColor(cv2.bitwise_not(premultiplied[:, :, 3]), cv2.COLOR_GRAY2BGR)
    return cv2.add(premultiplied[:, :, :3], white)


def scale(images: np.ndarray) -> np.ndarray:
    """Scale pixels as the network takes them: the one place where this happens.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, any shape.

    Returns
    -------
    numpy.ndarray
        float32 in [0, 1], the same shape.
    """
    return images.astype(np.float32) / np.float32(255)


def load_images(
    image_paths: Sequence[str],
    size: int,
    cache: Path | None = None,
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
    images = room_for_images(shape, memory_limit, decoded_cache.cache_folder())
    keys = decoded_cache.image_keys(image_paths, size) if cache else None
    is_decoded = decoded_cache.recall(cache, keys, images) if cache else np.zeros(len(images), bool)
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
    if cache and reasons.count(None):
        decoded_cache.remember(cache, keys[readable], images)
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
        except UnreadableImageError as error:
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
