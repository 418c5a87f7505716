"""What was probably meant: hints for messages about paths and labels that look like slips."""

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from pyimagesearch.console import printable


def did_you_mean(path: str | os.PathLike) -> str:
    """Look beside a path that does not exist for one with nearly the same name.

    Parameters
    ----------
    path : path
        As the user gave it.

    Returns
    -------
    str
        For example ``" (did you mean dataset?)"``, empty if nothing there has a similar name.
    """
    path = Path(path)
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    # Capitals count for little: Dataset is closer to dataset than to Datasets.
    by_folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(path.name.casefold(), by_folded, n=1, cutoff=0.75)
    return f" (did you mean {path.with_name(by_folded[close[0]])}?)" if close else ""


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
