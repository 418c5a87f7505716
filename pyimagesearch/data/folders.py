"""TODO."""

import functools
import os
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

from imutils import paths

from pyimagesearch.console import printable
from pyimagesearch.errors import UserError
from pyimagesearch.files import did_you_mean


def layout_hint(folder: str | os.PathLike) -> str:
    """Say which folder was meant by one that holds images itself, not label folders.

    Parameters
    ----------
    folder : path
        The folder given as a data set.

    Returns
    -------
    str
        For example ``" (did you mean dataset, which holds 6 folders?)"``, or empty.
    """
    above = Path(os.path.abspath(folder)).parent  # noqa: PTH100 (.. in a path means the text's)
    try:
        beside = [entry for entry in above.iterdir() if entry.is_dir() and entry.name[0] != "."]
    except OSError:
        return ""
    if len(beside) < 2:
        return ""
    shown = Path(folder).parent if Path(folder).name not in ("", "..") else above
    return f" (did you mean {shown}, which holds {len(beside)} folders?)"


def depth_hints(folder: str | os.PathLike, paths: Iterable[str]) -> list[str]:
    """Call out label folders at different depths: a folder too high may have been given.

    Parameters
    ----------
    folder : path
        The folder given as a data set.
    paths : iterable of str
        Of the images below it.

    Returns
    -------
    list of str
        A line, or none.
    """
    label_folders = {Path(path).relative_to(folder).parent for path in paths}
    depths = {len(label_folder.parts): label_folder for label_folder in sorted(label_folders)}
    if len(depths) < 2:
        return []
    low, high = Path(folder) / depths[max(depths)], Path(folder) / depths[min(depths)]
    return [
        f"label folders lie at different depths, such as {printable(high)} and {printable(low)}: "
        f"is {printable(low.parent)} the data set that was meant?"
    ]


def capital_hints(labels: Sequence[str]) -> list[str]:
    """Call out labels that differ in nothing but capitals, which are learned as different ones.

    Parameters
    ----------
    labels : sequence of str
        All labels of a data set.

    Returns
    -------
    list of str
        A line for each such group.
    """
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(label.casefold(), []).append(printable(label))
    return [
        f"the labels {' and '.join(group)} differ in capitals alone, and are learned as different "
        "labels: rename the folders if one was meant"
        for group in groups.values()
        if len(group) > 1
    ]


JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")


IMAGE_SUFFIXES = (*JPEG_SUFFIXES, ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")


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


def missing_combinations(combinations: Sequence[tuple[str, ...]]) -> list[tuple[str, str]]:
    """List the pairs of a first and a second label that no image has.

    Parameters
    ----------
    combinations : sequence of tuple of str
        Labels of each image.

    Returns
    -------
    list of (str, str)
        Sorted; empty where any image has other than two labels, since pairs then mean little.
    """
    present = set(combinations)
    if any(len(combination) != 2 for combination in present):
        return []
    first_labels = sorted({first for first, _ in present})
    second_labels = sorted({second for _, second in present})
    return [pair for pair in product(first_labels, second_labels) if pair not in present]
