"""Labels from a table: a CSV file with one row an image, which may have any number of labels.

The labels stand in one column, separated by spaces, commas, semicolons or ``|``, or there is a
column of 0 and 1 for each label. Which it is, and which column names the images, is found out from
the cells.
"""

import codecs
import csv
import itertools
import os
import re
import stat
import string
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO, NamedTuple, TextIO

from pyimagesearch.console import counted, first_few, printable
from pyimagesearch.data.image_index import ImageIndex
from pyimagesearch.data.table_cells import IS_VALID, SIDES, TRUE_WORDS, labels_in
from pyimagesearch.data.table_columns import Columns, Survey, choose_columns, survey_rows
from pyimagesearch.errors import UserError, beginning, reason_of
from pyimagesearch.files import AnyPath
from pyimagesearch.reading import did_you_mean

MOST_BYTES, MOST_COLUMNS = 2**31, 100_000
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
# Excel's own first line, which says what separates the cells.
DELIMITER_LINE = re.compile(r'"?sep=([,;\t])"?\s*', re.IGNORECASE)
# A heading of more lines than this is none: a quote that stands in it alone opens no cell.
MOST_HEADING_LINES = 20
NO_NAME = "(no name)"


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
        The images that were left out, each with the reason.
    skipped_rows : list of (str, str)
        The rows that were left out, each with the reason.
    notes : list of str
        What was found out about the table.
    """

    paths: list[str]
    labels: list[tuple[str, ...]]
    groups: list[str]
    is_test: list[bool]
    skipped: list[tuple[str, str]]
    skipped_rows: list[tuple[str, str]]
    notes: list[str]


class _Row(NamedTuple):
    line: int
    labels: tuple[str, ...]
    group: str
    is_test: bool


def read_label_table(table: AnyPath, folder: AnyPath) -> LabelTable:
    """Read a table of labels and find its images.

    Parameters
    ----------
    table : path
        A CSV file with a heading. Cells are separated by commas, semicolons or tabs.
    folder : path
        Paths in the table are relative to it or to the working directory, or absolute. A name
        without suffix, or without its folders, finds the only image below `folder` that it fits.
        Nothing outside is read.

    Returns
    -------
    LabelTable
        In the order of the paths.

    Raises
    ------
    UserError
        If the table cannot be read, no column names images or holds labels, it is not clear which
        one does, or a cell is not what its column holds.
    """
    index = ImageIndex(folder)
    try:
        with _opened(table) as (header, rows, delimiter):
            survey = survey_rows(rows, len(header))
        if not survey.sample:
            raise UserError(_why_no_row(table, header, survey, delimiter=delimiter))
        columns = choose_columns(table, header, survey, index=index)
        with _opened(table) as (header, rows, _):
            found, skipped, skipped_rows = _find_images(
                table, header, rows, columns=columns, index=index
            )
    except (OSError, csv.Error, UnicodeError) as error:
        raise UserError(
            f"cannot read the table {table}: {reason_of(error)}{did_you_mean(table)}"
        ) from error
    if not found:
        path, reason = skipped_rows[0]
        raise UserError(
            f"no row of {table} gives an image its labels; the first is {path}: {reason}"
        )
    mentioned = {*found, *(path for path, _ in skipped)}
    notes = _notes(header, columns, sum(path not in mentioned for path in index.paths))
    paths = sorted(found)
    return LabelTable(
        paths,
        [found[path].labels for path in paths],
        [] if columns.group is None else [found[path].group for path in paths],
        [] if columns.split is None else [found[path].is_test for path in paths],
        skipped,
        skipped_rows,
        notes,
    )


def _why_no_row(table: AnyPath, header: Sequence[str], survey: Survey, *, delimiter: str) -> str:
    if not survey.misfits:
        return f"{table} has a heading and no rows: give it a row for each image"
    line, width = survey.misfits[0]
    return (
        f"line {line} of {table} has {counted(width, 'cell')} and the heading {len(header):,}, and "
        f"no row has as many: put quotes around cells that hold {DELIMITERS[delimiter]}"
    )


@contextmanager
def _opened(table: AnyPath) -> Iterator[tuple[list[str], Iterator[tuple[int, list[str]]], str]]:
    """Open a table; yield its heading, its other rows with their lines, and the delimiter."""
    status = os.stat(table)  # noqa: PTH116 (a string may hold what a Path refuses)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
        raise UserError(
            f"the table {table} is not a regular file of at most {MOST_BYTES >> 20} MiB"
        )
    with open(table, encoding=_encoding(table), newline="") as file:  # noqa: PTH123
        before, first, delimiter = _heading_lines(file)
        rows = csv.reader(itertools.chain(first, file), delimiter=delimiter, skipinitialspace=True)
        header = [re.sub(r"\s*[\r\n]\s*", " ", cell.strip()) for cell in next(rows, [])]
        if not 2 <= len(header) <= MOST_COLUMNS:
            raise UserError(
                f"the heading of {table} has {counted(len(header), 'column')}: a column of image "
                f"names and at least one of labels are needed, and at most {MOST_COLUMNS:,} in all"
            )
        yield header, ((before + rows.line_num, row) for row in rows if any(row)), delimiter


def _heading_lines(file: TextIO) -> tuple[int, list[str], str]:
    """Read on until the heading is over; return how many lines it follows, its own, the delimiter.

    Empty lines before it are passed over, and so is a line such as ``sep=;``.
    """
    read = partial(file.readline, 2**24)
    before, delimiter = 0, None
    line = read()
    while line and (not line.strip(',;"' + string.whitespace) or DELIMITER_LINE.fullmatch(line)):
        if found := DELIMITER_LINE.fullmatch(line):
            delimiter = found[1]
        before, line = before + 1, read()
    lines = [line]
    # A cell in quotes may hold line breaks.
    while "".join(lines).count('"') % 2 and len(lines) < MOST_HEADING_LINES and lines[-1]:
        lines.append(read())
    text = re.sub('"[^"]*"', "", "".join(lines))
    return before, lines, delimiter or max(DELIMITERS, key=text.count)


def _encoding(table: AnyPath) -> str:
    """Tell the encoding of a file: what its first bytes say, or the first that fits all of it."""
    with open(table, "rb") as file:  # noqa: PTH123
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        return next(filter(partial(_is_in, file), ("utf-8-sig", "cp1252")), "latin-1")


def _is_in(file: BinaryIO, encoding: str) -> bool:
    """Tell whether all of a file may be in an encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        for chunk in iter(lambda: file.read(2**20), b""):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _find_images(
    table: AnyPath,
    header: Sequence[str],
    rows: Iterable[tuple[int, list[str]]],
    *,
    columns: Columns,
    index: ImageIndex,
) -> tuple[dict[str, _Row], list[tuple[str, str]], list[tuple[str, str]]]:
    """Find the image of each row; return the rows by path, and images and rows left out."""
    found: dict[str, _Row] = {}
    skipped_rows: list[tuple[str, str]] = []
    contradictory = set()
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # equal label sets are kept once
    for line, cells in rows:
        where = f"line {line} of {table}"
        if len(cells) != len(header):
            reason = f"it has {counted(len(cells), 'cell')} and the heading {len(header)}"
            skipped_rows.append((where, reason))
            continue
        cell = cells[columns.name].strip()
        image = index.find(cell)
        if image is None:
            name = f"{beginning(cell)} ({where})" if cell else where
            skipped_rows.append((name, _why_none(cell, index)))
            continue
        for twin in columns.twins:
            if index.find(cells[twin].strip()) not in (None, image):
                raise _unclear_name(table, header, (columns.name, twin))
        labels = _labels(header, cells, columns)
        labels = shared.setdefault(labels, labels)
        group = "" if columns.group is None else cells[columns.group].strip()
        is_test = columns.split is not None and _is_test(
            table, header[columns.split], cells[columns.split], line=line
        )
        row = _Row(line, labels, group, is_test)
        first = found.setdefault(image, row)
        if first is not row:
            same = first.labels == labels
            reason = f"it is on line {first.line} already" + ("" if same else ", with other labels")
            skipped_rows.append((f"{cell} ({where})", reason))
            if not same:
                contradictory.add(image)
    for image in contradictory:
        del found[image]
    skipped = [(image, "its rows give it different labels") for image in sorted(contradictory)]
    return found, skipped, skipped_rows


def _unclear_name(table: AnyPath, header: Sequence[str], columns: tuple[int, int]) -> UserError:
    titles = [header[position] or NO_NAME for position in sorted(columns)]
    return UserError(
        f"it is not clear which column of {table} names the images ({first_few(titles)}): call "
        "it image"
    )


def _is_test(table: AnyPath, title: str, cell: str, *, line: int) -> bool:
    """Tell whether a cell puts an image on the test side.

    An unknown word is refused: to ignore it might train on a test image.
    """
    is_split = title.casefold() == "split"
    word = cell.strip()
    side = (SIDES if is_split else IS_VALID).get(word.lower())
    if side is None:
        raise UserError(
            f"the column {title} of {table} says {word[:40]!r} on line {line}, which is not a side "
            f"of the split: write {'train or test' if is_split else 'True or False'}"
        )
    return side


def _why_none(cell: str, index: ImageIndex) -> str:
    if not cell:
        return "it names no image"
    if candidates := index.candidates(cell):
        return f"it may be {first_few(candidates, 2)}"
    if cell.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", cell):
        return f"it lies outside {index.folder}, or does not exist"
    return f"there is no such image below {index.folder}"


def _labels(header: Sequence[str], cells: Sequence[str], columns: Columns) -> tuple[str, ...]:
    if columns.separator is None:
        is_true = [cells[i].strip().lower() in TRUE_WORDS for i in columns.labels]
        return tuple(sorted(header[i] for i in itertools.compress(columns.labels, is_true)))
    return tuple(sorted(labels_in(cells[columns.labels[0]], columns.separator)))


def _notes(header: Sequence[str], columns: Columns, not_listed: int) -> list[str]:
    """Say what was found out, in a line each."""
    if columns.separator is None:
        way = f"a column for each of {len(columns.labels):,} labels"
    else:
        mark = {" ": "spaces", ",": "commas"}.get(columns.separator, columns.separator)
        way = f"labels in the column {printable(header[columns.labels[0]])}, separated by {mark}"
    name = header[columns.name] or NO_NAME
    notes = [f"the table has images in the column {printable(name)} and {way}"]
    if columns.split is not None:
        notes.append(f"the column {header[columns.split]} says which images to test on")
    if columns.group is not None:
        notes.append("images with the same group stay on one side of the split")
    used = {columns.name, columns.group, columns.split, *columns.labels}
    if unused := [beginning(title) or NO_NAME for i, title in enumerate(header) if i not in used]:
        notes.append(f"columns left out: {first_few(unused, 10)}")
    if not_listed:
        notes.append(f"{counted(not_listed, 'image')} not in the table")
    return notes
