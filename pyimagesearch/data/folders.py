"""Which files of a dataset are images, and which labels their folders give them.

The labels of an image are the parts of its folder's name. A combination is the label set of one
folder: ``("blue", "jeans")``.
"""

import functools
import os
import unicodedata
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice, product
from pathlib import Path
from typing import NamedTuple

from pyimagesearch.console import printable
from pyimagesearch.errors import UserError
from pyimagesearch.files import AnyPath, did_you_mean

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
IMAGE_SUFFIXES = (*JPEG_SUFFIXES, ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".avif")
# Pictures of other kinds are listed, too. A few turn out to be JPEG files, as telephones send them;
# the user hears of the others.
OTHER_SUFFIXES = (".heic", ".heif", ".jxl", ".jp2", ".psd", ".dng", ".cr2", ".nef", ".arw")
LISTED_SUFFIXES = (*IMAGE_SUFFIXES, *OTHER_SUFFIXES)


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
    that a link that leads back to a folder above it ends nothing. Hidden files and folders are
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
    seen_folders: dict[tuple[int, int], str] = {}
    seen_files: set[tuple[int, int]] = set()
    # Real folders come first, so that a link never stands for a folder that is there itself.
    real_folders, linked_folders = deque([top]), deque[str]()
    while real_folders or linked_folders:
        current = real_folders.popleft() if real_folders else linked_folders.popleft()
        try:
            status = os.stat(current)  # noqa: PTH116 (called once a folder, and fast)
            first = seen_folders.setdefault((status.st_dev, status.st_ino), current)
            if first != current:
                skipped.append((current, f"it is the folder {first} once more"))
                continue
            entries = sorted(os.scandir(current), key=lambda entry: entry.name)
        except OSError as error:
            unreadable.append((current, error.strerror or str(error)))
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


def _is_new_file(link: str, seen_files: set[tuple[int, int]]) -> bool:
    try:
        status = os.stat(link)  # noqa: PTH116
    except OSError:
        return True  # Why it cannot be read is said when it is read.
    identity = (status.st_dev, status.st_ino)
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
    """List the pairs of a first and a second label that no image has.

    Parameters
    ----------
    labels : iterable of tuple of str
        The labels of each image, or each combination once.
    most : int, optional
        How many to list at most. There may be as many as the square of the labels.

    Returns
    -------
    list of (str, str)
        Sorted, without pairs of a label with itself, which no folder's name can give. Empty where
        any image has more or fewer than two labels, since pairs then mean little.
    """
    return list(islice(_missing(set(labels)), most))


def count_missing_combinations(labels: Iterable[tuple[str, ...]]) -> int:
    """Count what :func:`missing_combinations` would list, without listing it."""
    present = set(labels)
    axes = pair_axes(present)
    if axes is None:
        return 0
    firsts, seconds = axes
    in_both = set(firsts) & set(seconds)
    return len(firsts) * len(seconds) - len(in_both) - len(present)


def _missing(present: set[tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    if axes := pair_axes(present):
        pairs = product(*axes)
        yield from (pair for pair in pairs if pair[0] != pair[1] and pair not in present)


def pair_axes(
    combinations: Collection[tuple[str, ...]],
) -> tuple[list[str], list[str]] | None:
    """Return the sorted first and second labels; None unless every combination is a pair."""
    if any(len(combination) != 2 for combination in combinations):
        return None
    firsts, seconds = (sorted({pair[part] for pair in combinations}) for part in (0, 1))
    return firsts, seconds


def layout_hint(folder: AnyPath) -> str:
    """Suggest the folder above, where images lie in the dataset's folder itself.

    Parameters
    ----------
    folder : path
        The folder given as a dataset.

    Returns
    -------
    str
        For example ``" (did you mean dataset, which holds 6 folders?)"``, or empty.
    """
    above = Path(os.path.abspath(folder)).parent  # noqa: PTH100 (resolves .. without links)
    try:
        beside = [entry for entry in above.iterdir() if entry.is_dir() and entry.name[0] != "."]
    except OSError:
        return ""
    if len(beside) < 2:
        return ""
    shown = Path(folder).parent if Path(folder).name not in ("", "..") else above
    return f" (did you mean {shown}, which holds {len(beside)} folders?)"


def depth_hints(folder: AnyPath, paths: Iterable[str]) -> list[str]:
    """Point out label folders at different depths: perhaps a folder too high was given.

    Parameters
    ----------
    folder : path
        The folder given as a dataset.
    paths : iterable of str
        The images below it.

    Returns
    -------
    list of str
        A line about those that lie inside another label folder, and one about the others.
    """
    label_folders = {Path(path).relative_to(folder).parent for path in paths}
    outer_of = {
        inner: outer
        for inner in sorted(label_folders)
        for outer in inner.parents
        if outer in label_folders
    }
    lines = []
    if outer_of:
        inner, outer = next(iter(outer_of.items()))
        inside = f"{printable(Path(folder) / inner)} in {printable(Path(folder) / outer)}"
        lines.append(
            f"label folders lie inside others, such as {inside}: the images of an inner one get "
            "the labels of its own name alone"
        )
    depths = {len(each.parts): each for each in sorted(label_folders - outer_of.keys())}
    if len(depths) > 1:
        low, high = Path(folder) / depths[max(depths)], Path(folder) / depths[min(depths)]
        lines.append(
            f"label folders lie at different depths, such as {printable(high)} and "
            f"{printable(low)}: is {printable(low.parent)} the dataset that was meant?"
        )
    return lines


def look_alike_hints(classes: Sequence[str], *, advice: str = "rename the folders") -> list[str]:
    """Point out labels that look alike, but are learned as different labels.

    Parameters
    ----------
    classes : sequence of str
        All labels of a dataset.
    advice : str
        What the user can do to make one label of them.

    Returns
    -------
    list of str
        A line for each group of labels that differ only in capitals, in spaces at their ends, or in
        the form of their accents: macOS stores ``é`` as two characters, other systems as one.
    """
    groups: dict[str, list[str]] = {}
    for label in classes:
        groups.setdefault(_composed(label).strip().casefold(), []).append(label)
    return [
        f"the labels {_differing(group)} and are learned as different labels: {advice} "
        "if one was meant"
        for group in groups.values()
        if len(group) > 1
    ]


def _composed(label: str) -> str:
    return unicodedata.normalize("NFC", label)


def _differing(labels: Sequence[str]) -> str:
    """Say in what labels differ, and name them so that one can tell them apart."""
    ways, shown = [], [printable(label) for label in labels]
    if len({_composed(label).strip() for label in labels}) > 1:
        ways.append("capitals")
    if len({_composed(label).casefold() for label in labels}) > 1:
        ways.append("spaces at their ends")
        shown = [repr(label) for label in labels]
    if not ways or len({label.strip().casefold() for label in labels}) > 1:
        ways.append("how accents are stored")
        shown = [f"{printable(label)} ({label!a})" for label in labels]
    return f"{' and '.join(shown)} differ only in {' and in '.join(ways)}"


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


def order_hints(combinations: Iterable[tuple[str, ...]]) -> list[str]:
    """Point out folders whose names have the same labels in another order.

    Parameters
    ----------
    combinations : iterable of tuple of str
        The labels of each image, or each combination once.

    Returns
    -------
    list of str
        A line for each such group.
    """
    groups: dict[frozenset[str], list[str]] = {}
    for combination in sorted(set(combinations)):
        groups.setdefault(frozenset(combination), []).append(printable("_".join(combination)))
    return [
        f"{' and '.join(group)} are the same labels in another order: they are counted and "
        "split as different combinations, and nothing is composed: rename the folders to one order"
        for group in groups.values()
        if len(group) > 1
    ]
