"""Labels from a table: a CSV file with one row an image, which may have any number of labels.

The labels stand in one column, separated by spaces, commas or ``|``, or there is a column of 0 and
1 for each label. Which it is, and which column names the images, is found out from the cells.
"""

import codecs
import csv
import itertools
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from pyimagesearch.console import counted, first_few, printable
from pyimagesearch.data.folders import IMAGE_SUFFIXES, list_images
from pyimagesearch.errors import UserError
from pyimagesearch.files import AnyPath, did_you_mean

MOST_BYTES, MOST_COLUMNS = 2**31, 100_000
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


class LabelTable(NamedTuple):
    """What a table says about the images that were found.

    Attributes
    ----------
    paths : list of str
        The N images, sorted.
    labels : list of tuple of str
        The labels of each image, sorted; none is possible.
    groups : list of str
        The cell of each image in the column ``group``; empty without such a column.
    is_test : list of bool
        Whether the column ``split`` puts each image on the test side; empty without such a column.
    skipped : list of (str, str)
        The rows that were left out, each with the reason.
    notes : list of str
        What was found out about the table.
    """

    paths: list[str]
    labels: list[tuple[str, ...]]
    groups: list[str]
    is_test: list[bool]
    skipped: list[tuple[str, str]]
    notes: list[str]


class _Columns(NamedTuple):
    """Which column holds what, by position; `split` and `group` are None if there is none."""

    name: int
    labels: list[int]
    separator: str | None  # between the labels of one column; None for columns of 0 and 1
    group: int | None
    split: int | None


class _Row(NamedTuple):
    line: int
    labels: tuple[str, ...]
    group: str
    is_test: bool


class _ImageIndex:
    """Finds the image that a cell names."""

    def __init__(self, folder: AnyPath) -> None:
        self.folder = os.fspath(folder)
        self.paths = list_images(folder).paths
        self.by_name: dict[str, list[str]] = {}
        for path in self.paths:
            name = os.path.basename(path).casefold()  # noqa: PTH119 (called once an image)
            for key in {name, _without_suffix(name)}:
                self.by_name.setdefault(key, []).append(path)

    def find(self, cell: str) -> str | list[str]:
        """Return the image's path, or the candidates if there is not exactly one."""
        wanted = cell.replace("\\", "/").removeprefix("./")
        exact = os.path.join(self.folder, wanted.replace("/", os.sep))  # noqa: PTH118
        candidates = self.by_name.get(wanted.rpartition("/")[2].casefold(), [])
        if exact in candidates:
            return exact
        folded = f"/{wanted.casefold()}".replace("/", os.sep)
        ends = [
            path
            for path in candidates
            if path.casefold().endswith(folded) or _without_suffix(path.casefold()).endswith(folded)
        ]
        return ends[0] if len(ends) == 1 else ends


def _without_suffix(name: str) -> str:
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 (called once an image)
    return stem if suffix.lower() in IMAGE_SUFFIXES else name


def read_label_table(table: AnyPath, folder: AnyPath) -> LabelTable:
    """Read a table of labels and find its images.

    Parameters
    ----------
    table : path
        A CSV file with a heading. Cells are separated by commas, semicolons or tabs.
    folder : path
        Paths in the table are relative to it. A name without suffix, or without its folders, finds
        the only image below `folder` that it fits. Nothing outside is read.

    Returns
    -------
    LabelTable
        In the order of the paths.

    Raises
    ------
    UserError
        If the table cannot be read, no column names images, or none holds labels.
    """
    index = _ImageIndex(folder)
    try:
        with _opened(table) as (header, rows):
            survey = _survey(rows, len(header))
        columns = _choose_columns(table, header, survey, index=index)
        with _opened(table) as (header, rows):
            found, skipped = _find_images(table, header, rows, columns=columns, index=index)
    except (OSError, csv.Error, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read the table {table}: {reason}{did_you_mean(table)}") from error
    if not found:
        path, reason = skipped[0] if skipped else (str(table), "it has no rows")
        raise UserError(
            f"no row of {table} gives an image its labels; the first is {path}: {reason}"
        )
    notes = _notes(header, columns, sum(path not in found for path in index.paths))
    paths = sorted(found)
    return LabelTable(
        paths,
        [found[path].labels for path in paths],
        [] if columns.group is None else [found[path].group for path in paths],
        [] if columns.split is None else [found[path].is_test for path in paths],
        skipped,
        notes,
    )


@contextmanager
def _opened(table: AnyPath) -> Iterator[tuple[list[str], Iterator[tuple[int, list[str]]]]]:
    """Open a table; yield its heading and its other rows, each with the number of its line."""
    status = os.stat(table)  # noqa: PTH116 (a string may hold what a Path refuses)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
        raise UserError(f"the table {table} is no regular file of at most {MOST_BYTES >> 20} MiB")
    with open(table, encoding=_encoding(table), newline="") as file:  # noqa: PTH123
        first = file.readline(2**24)
        delimiter = max(",;\t", key=first.count)
        header = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), [])]
        if not 2 <= len(header) <= MOST_COLUMNS:
            raise UserError(
                f"the heading of {table} has {len(header):,} columns: a column of image names and "
                f"at least one of labels are needed, and at most {MOST_COLUMNS:,} in all"
            )
        reader = csv.reader(file, delimiter=delimiter)
        yield header, ((reader.line_num + 1, row) for row in reader if any(row))


def _encoding(table: AnyPath) -> str:
    """Tell the encoding of a file: what its first bytes say, UTF-8, or else Latin-1."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open(table, "rb") as file:  # noqa: PTH123
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        file.seek(0)
        try:
            for chunk in iter(lambda: file.read(2**20), b""):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8-sig"


class _Survey(NamedTuple):
    """The first rows of a table, and what all cells of each column are."""

    sample: list[list[str]]
    is_flags: list[bool]  # 0, 1 or the like
    is_sides: list[bool]  # train, test or the like
    separators: list[set[str]]  # which of SEPARATORS occur


def _survey(rows: Iterator[tuple[int, list[str]]], width: int) -> _Survey:
    survey = _Survey([], [True] * width, [True] * width, [set() for _ in range(width)])
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


def _choose_columns(
    table: AnyPath, header: Sequence[str], survey: _Survey, *, index: _ImageIndex
) -> _Columns:
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
        return _Columns(name, flags, None, group, split)
    if not labelled and len(texts) != 1:
        raise UserError(
            f"it is not clear which column of {table} holds the labels "
            f"({first_few([header[i] for i in texts]) or 'none may'}): call it labels"
        )
    column = (labelled or texts)[0]
    separator = next((mark for mark in SEPARATORS if mark in survey.separators[column]), " ")
    return _Columns(name, [column], separator, group, split)


def _find_images(
    table: AnyPath,
    header: Sequence[str],
    rows: Iterable[tuple[int, list[str]]],
    *,
    columns: _Columns,
    index: _ImageIndex,
) -> tuple[dict[str, _Row], list[tuple[str, str]]]:
    """Find the image of each row; return the rows by path, and those that were left out."""
    found: dict[str, _Row] = {}
    skipped: list[tuple[str, str]] = []
    contradictory = set()
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # equal label sets are kept once
    for line, cells in rows:
        if len(cells) != len(header):
            reason = f"it has {len(cells)} cells and the heading {len(header)}"
            skipped.append((f"line {line} of {table}", reason))
            continue
        cell = cells[columns.name].strip()
        image = index.find(cell) if cell else []
        if not isinstance(image, str):
            skipped.append((f"{cell} (line {line} of {table})", _why_none(cell, image, index)))
            continue
        labels = _labels(header, cells, columns)
        labels = shared.setdefault(labels, labels)
        group = "" if columns.group is None else cells[columns.group].strip()
        side = "" if columns.split is None else cells[columns.split].strip().lower()
        row = _Row(line, labels, group, SIDES.get(side, side in SET))
        first = found.setdefault(image, row)
        if first is not row:
            same = first.labels == labels
            reason = f"it is on line {first.line} already" + ("" if same else ", with other labels")
            skipped.append((f"{cell} (line {line} of {table})", reason))
            if not same:
                contradictory.add(image)
    for image in sorted(contradictory):
        skipped.append((image, "its rows give it different labels"))
        del found[image]
    return found, skipped


def _why_none(cell: str, candidates: Sequence[str], index: _ImageIndex) -> str:
    if candidates:
        return f"it may be {first_few(candidates, 2)}"
    if cell.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", cell):
        return f"it lies outside {index.folder}, or does not exist"
    return f"there is no such image below {index.folder}"


def _labels(header: Sequence[str], cells: Sequence[str], columns: _Columns) -> tuple[str, ...]:
    if columns.separator is None:
        return tuple(sorted(header[i] for i in columns.labels if cells[i].strip().lower() in SET))
    text = cells[columns.labels[0]].strip()
    is_list = text[:1] + text[-1:] in ("[]", "()", "{}")
    parts = text[1:-1].split(",") if is_list else text.split(columns.separator)
    stripped = (part.strip().strip("'\"") if is_list else part.strip() for part in parts)
    return tuple(sorted(set(filter(None, stripped))))


def _notes(header: Sequence[str], columns: _Columns, not_listed: int) -> list[str]:
    """Say what was found out, in a line each."""
    if columns.separator is None:
        way = f"a column of 0 and 1 for each of {len(columns.labels):,} labels"
    else:
        mark = {" ": "spaces", ",": "commas"}.get(columns.separator, columns.separator)
        way = f"labels in the column {printable(header[columns.labels[0]])}, separated by {mark}"
    notes = [f"the table has images in the column {printable(header[columns.name])} and {way}"]
    if columns.split is not None:
        notes.append(f"the column {header[columns.split]} says which images to test on")
    if columns.group is not None:
        notes.append("images with the same group stay on one side of the split")
    used = {columns.name, columns.group, columns.split, *columns.labels}
    if unused := [title or "(no name)" for i, title in enumerate(header) if i not in used]:
        notes.append(f"columns left out: {first_few(unused, 10)}")
    if not_listed:
        notes.append(f"{counted(not_listed, 'image')} not in the table")
    return notes
