"""Which column of a table of labels holds what: found out from the headings and the cells."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pyimagesearch.console import first_few
from pyimagesearch.data.image_index import ImageIndex
from pyimagesearch.errors import UserError
from pyimagesearch.files import AnyPath

# So many rows show which column names the images.
SAMPLE = 1000
SEPARATORS = "|,;"

SET = {"1", "1.0", "true", "yes"}
# Some tables write -1 for a label that an image does not have, or for one that is uncertain.
FLAGS = SET | {"0", "0.0", "-1", "-1.0", "false", "no", ""}
SIDES = {"train": False, "training": False} | dict.fromkeys(
    ("test", "testing", "val", "valid", "validation", "eval", "dev", "holdout"), True
)
# Words in the heading of a column that holds labels.
LABEL_WORDS = {"label", "labels", "tag", "tags", "class", "classes", "category", "categories"}
LABEL_WORDS |= {"genre", "genres", "target", "targets", "attributes", "keywords"}


class Columns(NamedTuple):
    """Which column holds what, by position.

    Attributes
    ----------
    name : int
        The images.
    labels : list of int
        One column, or a column of 0 and 1 for each label.
    separator : str or None
        Stands between the labels of one column. None for columns of 0 and 1.
    group, split : int or None
        None if there is no such column.
    """

    name: int
    labels: list[int]
    separator: str | None
    group: int | None
    split: int | None


class Survey(NamedTuple):
    """The first rows of a table, and what all cells of each column are."""

    sample: list[list[str]]
    is_flags: list[bool]  # 0, 1 or the like
    is_sides: list[bool]  # train, test or the like
    separators: list[set[str]]  # which of SEPARATORS occur


def survey_rows(rows: Iterator[tuple[int, list[str]]], width: int) -> Survey:
    """Look at all rows of a table, each with its line; pass over rows of another width."""
    survey = Survey([], [True] * width, [True] * width, [set() for _ in range(width)])
    is_filled = [False] * width
    whole = (row for _, row in rows if len(row) == width)
    while chunk := list(itertools.islice(whole, SAMPLE)):
        if not survey.sample:
            survey.sample.extend(chunk)
        for position, cells in enumerate(zip(*chunk, strict=True)):
            values = {cell.strip().lower() for cell in set(cells)}
            survey.is_flags[position] &= values <= FLAGS
            survey.is_sides[position] &= values <= SIDES.keys() | {""}
            survey.separators[position].update(
                mark for mark in SEPARATORS if any(mark in value for value in values)
            )
            is_filled[position] |= values != {""}
    for each in (survey.is_flags, survey.is_sides):
        each[:] = [holds and filled for holds, filled in zip(each, is_filled, strict=True)]
    return survey


def choose_columns(
    table: AnyPath, header: Sequence[str], survey: Survey, *, index: ImageIndex
) -> Columns:
    """Find out which column holds what."""
    is_flags = survey.is_flags
    cells = [[row[position].strip() for row in survey.sample] for position in range(len(header))]
    named = [len({image for c in set(column) if isinstance(image := index.find(c), str) and c})
             for column in cells]  # fmt: skip
    name = max(range(len(header)), key=lambda position: named[position])
    if not named[name]:
        shown = first_few([column[0] for column in cells if column], 3)
        raise UserError(
            f"no column of {table} names images below {index.folder} (its first row begins with "
            f"{shown}): give the folder that holds them with --dataset"
        )
    titles = [title.casefold() for title in header]
    splits = [i for i, title in enumerate(titles) if title == "split" and survey.is_sides[i]]
    splits += [i for i, title in enumerate(titles) if title == "is_valid" and is_flags[i]]
    split = splits[0] if splits else None
    group = next((i for i, title in enumerate(titles) if title == "group"), None)
    others = [
        position
        for position, title in enumerate(titles)
        if position not in (name, group, split) and title and not title.startswith("unnamed:")
    ]
    flags = [position for position in others if is_flags[position]]
    texts = [position for position in others if not is_flags[position]]
    labelled = [i for i in texts if LABEL_WORDS & set(re.split(r"[\W_]+", titles[i]))]
    if len(flags) > 1 and not any(titles[i] == "labels" for i in texts):
        if repeated := [title for title, n in Counter(header[i] for i in flags).items() if n > 1]:
            raise UserError(f"{table} has several columns of one name: {first_few(repeated)}")
        return Columns(name, flags, None, group, split)
    if not labelled and len(texts) != 1:
        raise UserError(
            f"it is not clear which column of {table} holds the labels "
            f"({first_few([header[i] for i in texts]) or 'none may'}): call it labels"
        )
    column = (labelled or texts)[0]
    separator = next((mark for mark in SEPARATORS if mark in survey.separators[column]), " ")
    return Columns(name, [column], separator, group, split)
