"""Hints about folders and labels that may not be what the user meant."""

import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from pyimagesearch.console import printable
from pyimagesearch.files import AnyPath


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
    folders = set(map(os.path.dirname, paths))
    label_folders = {Path(each).relative_to(folder) for each in folders}
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
