"""Which column of a table of labels holds what: found out from the headings and the cells."""

import enum
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pyimagesearch.console import first_few, printable
from pyimagesearch.data.image_index import ImageIndex, has_image_suffix
from pyimagesearch.data.table_cells import (
    CROSSES,
    FLAGS,
    LETTERS,
    TRUE_WORDS,
    YES_OR_NO,
    labels_in,
)
from pyimagesearch.errors import UserError, beginning
from pyimagesearch.files import AnyPath

# This many rows show which column names the images.
SAMPLE = 1000
SEPARATORS = "|,;"

# In a column of 0 and 1, up to this share of other cells are slips.
MOST_SLIPS = 0.05
# Words in the title of a column that holds labels, and in that of one that only numbers them.
LABEL_WORDS = {"label", "labels", "tag", "tags", "class", "classes", "category", "categories"}
LABEL_WORDS |= {"genre", "genres", "target", "targets", "attributes", "keywords"}
NUMBER_WORDS = {"id", "index", "idx", "num", "number", "code", "count", "score"}
NUMBER_WORDS |= {"confidence", "probability", "ids", "numbers", "codes", "counts", "scores"}


class Columns(NamedTuple):
    """Which column holds what, by position.

    Attributes
    ----------
    name : int
        The images.
    twins : list of int
        Columns that name images as well: they must be the same ones.
    labels : list of int
        One column, or a column of 0 and 1 for each label.
    separator : str or None
        Stands between the labels of one column. None for columns of 0 and 1.
    group, split : int or None
        None if there is no such column.
    """

    name: int
    twins: list[int]
    labels: list[int]
    separator: str | None
    group: int | None
    split: int | None


class Survey(NamedTuple):
    """The first rows of a table, and what all cells of each column are."""

    sample: list[list[str]]
    misfits: list[tuple[int, int]]  # the line and width of the first row that is not as the heading
    is_flags: list[bool]  # 0, 1 or the like
    is_filled: list[bool]
    separators: list[set[str]]  # which of SEPARATORS occur
    slips: dict[int, tuple[int, str]]  # in columns of nearly all 0 and 1: a line and its cell


class _Column:
    """What all cells of a column are."""

    def __init__(self) -> None:
        self.flags, self.separators = set[str](), set[str]()
        self.filled = self.odd = 0
        self.first_odd: tuple[int, str] | None = None

    def add(self, lines: Sequence[int], cells: Sequence[str]) -> None:
        """Look at more cells, each with its line."""
        odd = set()
        for cell, count in Counter(cells).items():
            word = cell.strip().lower()
            self.filled += count if word else 0
            if word in FLAGS:
                self.flags.add(word)
            else:
                odd.add(cell)
                self.odd += count
        text = "".join(odd)
        self.separators.update(mark for mark in SEPARATORS if mark in text)
        if odd and self.first_odd is None:
            self.first_odd = next(pair for pair in zip(lines, cells, strict=True) if pair[1] in odd)

    @property
    def has_letters(self) -> bool:
        """Whether letters alone say yes, which may be labels themselves."""
        return self.flags & TRUE_WORDS <= LETTERS

    @property
    def slip(self) -> tuple[int, str] | None:
        """The first cell that is neither 0 nor 1, and its line, if nearly all others are."""
        is_label = self.odd <= MOST_SLIPS * self.filled and self.flags & TRUE_WORDS
        return self.first_odd if is_label else None


def survey_rows(rows: Iterable[tuple[int, list[str]]], width: int) -> Survey:
    """Look at all rows of a table, each with its line."""
    sample: list[list[str]] = []
    misfits: list[tuple[int, int]] = []
    columns = [_Column() for _ in range(width)]
    fitting = _fitting(rows, width, misfits)
    while chunk := list(itertools.islice(fitting, SAMPLE)):
        lines, cells = zip(*chunk, strict=True)
        sample = sample or list(cells)
        for column, its_cells in zip(columns, zip(*cells, strict=True), strict=True):
            column.add(lines, its_cells)
    are_flags = [column.filled > 0 and not column.odd for column in columns]
    letters = [i for i in range(width) if are_flags[i] and columns[i].flags & LETTERS]
    words = set[str]().union(*(columns[i].flags for i in letters))
    if len(letters) == 1 or not (words == CROSSES or {"y", "n"} <= words <= YES_OR_NO):
        for position in letters:
            are_flags[position] = False
    are_marks = any(are_flags[position] for position in letters)
    return Survey(
        sample,
        misfits,
        are_flags,
        [column.filled > 0 for column in columns],
        [column.separators for column in columns],
        {
            position: slip
            for position, column in enumerate(columns)
            if (slip := column.slip) and (are_marks or not column.has_letters)
        },
    )


def _fitting(
    rows: Iterable[tuple[int, list[str]]], width: int, misfits: list[tuple[int, int]]
) -> Iterator[tuple[int, list[str]]]:
    """Pass on the rows that are as wide as the heading, and note the first that is not."""
    for line, row in rows:
        if len(row) == width:
            yield line, row
        elif not misfits:
            misfits.append((line, len(row)))


def choose_columns(
    table: AnyPath, header: Sequence[str], survey: Survey, *, index: ImageIndex
) -> Columns:
    """Find out which column holds what.

    Parameters
    ----------
    table : path
        For messages.
    header : sequence of str
        The titles of the columns.
    survey : Survey
        What all rows are.
    index : ImageIndex
        The images that cells may name.

    Returns
    -------
    Columns
        By their positions in `header`.

    Raises
    ------
    UserError
        If no column names images, none holds labels, several may be the one that does, a column of
        0 and 1 has another cell, or two such columns have one title.
    """
    name, twins = _image_columns(table, header, survey, index=index)
    titles = [title.casefold() for title in header]
    splits = [titles.index(title) for title in ("split", "is_valid") if title in titles]
    split = next((position for position in splits if survey.is_filled[position]), None)
    group = titles.index("group") if "group" in titles else None
    used = {name, group, *splits}
    others = [i for i, title in enumerate(titles) if i not in used and _is_titled(title)]
    labels, separator = _label_columns(table, header, survey, others=others)
    return Columns(name, twins, labels, separator, group, split)


def _label_columns(
    table: AnyPath, header: Sequence[str], survey: Survey, *, others: Sequence[int]
) -> tuple[list[int], str | None]:
    """Find the column that holds labels and what separates them, or a column for each label."""
    ranks = {position: _rank(header[position].casefold()) for position in others}
    filled = [i for i in others if survey.is_filled[i]] or others
    # A title that is a word for labels says more than cells of 0 and 1: these may be the two
    # classes of one column.
    texts = [i for i in filled if ranks[i] <= _Rank.WORD or not survey.is_flags[i]]
    flags = [position for position in others if survey.is_flags[position]]
    least = min((ranks[position] for position in texts), default=_Rank.OTHER)
    best = [position for position in texts if ranks[position] == least]
    titles = {header[position] for position in flags}
    may_repeat = best if least == _Rank.WORD and not survey.slips else []
    # A text that lists the titles of columns of 0 and 1 says the same as they do.
    is_repeated = any(_lists(survey, position, titles) for position in may_repeat)
    has_label_each = len(flags) > 1 and (least > _Rank.WORD or is_repeated)
    if least > _Rank.WORD:
        slips = [i for i in others if i in survey.slips]
        alike = [i for i in {*flags, *slips} if ranks[i] == least]
        # To pass over such a column would lose a label, and it is no text to take labels from.
        for i in slips:
            if (i in alike and len(alike) > 1) or (has_label_each and ranks[i] == _Rank.OTHER):
                raise _slip(table, header[i], survey.slips[i])
    if has_label_each:
        if repeated := [title for title, n in Counter(header[i] for i in flags).items() if n > 1]:
            raise UserError(f"{table} has several columns of one name: {first_few(repeated)}")
        return flags, None
    if flags and not texts:
        raise UserError(
            f"0 and 1 need a column for each label, or one column called labels: {table} has only "
            f"{printable(header[flags[0]])}"
        )
    if len(best) != 1:
        raise UserError(
            f"it is not clear which column of {table} holds the labels "
            f"({first_few([header[i] for i in best]) or 'none may'}): call only that one labels, "
            "or write 0 and 1 if each column is a label"
        )
    return best, _separator(survey, best[0])


def _separator(survey: Survey, position: int) -> str:
    return next((mark for mark in SEPARATORS if mark in survey.separators[position]), " ")


def _lists(survey: Survey, position: int, titles: set[str]) -> bool:
    """Whether a column lists most of these titles and nothing else."""
    separator = _separator(survey, position)
    cells = (labels_in(row[position], separator) for row in survey.sample)
    listed = {label.strip(" '\"") for labels in cells for label in labels}
    return listed <= titles and 2 * len(listed) > len(titles)


def _slip(table: AnyPath, title: str, slip: tuple[int, str]) -> UserError:
    line, cell = slip
    return UserError(
        f"the column {printable(title)} of {table} says {cell.strip()[:40]!r} on line {line}, and "
        "nearly all its other cells are 0 or 1, or marks: correct it, or take the column out if it "
        "is not a label"
    )


class _Rank(enum.IntEnum):
    """What a title says of labels, the surest first."""

    LABELS = 0
    WORD = 1
    WORD_AND_OTHERS = 2
    NUMBERS = 3
    OTHER = 4


def _rank(title: str) -> _Rank:
    words = set(re.split(r"[\W_]+", title))
    if title in LABEL_WORDS:
        return _Rank.LABELS if title == "labels" else _Rank.WORD
    if not words & LABEL_WORDS:
        return _Rank.OTHER
    return _Rank.NUMBERS if words & NUMBER_WORDS else _Rank.WORD_AND_OTHERS


def _image_columns(
    table: AnyPath, header: Sequence[str], survey: Survey, *, index: ImageIndex
) -> tuple[int, list[int]]:
    """Find the column that names the images, and others that may be it as well."""
    columns = [[row[i].strip() for row in survey.sample] for i in range(len(header))]
    images = [_images_named(cells, index) for cells in columns]
    counts = [len(set(named.values())) for named in images]
    most = max(counts)
    if not most:
        shown = first_few([beginning(cells[0]) for cells in columns if cells], 3)
        raise UserError(
            f"no column of {table} names images below {index.folder} (its first row begins with "
            f"{shown}): give the folder that holds them with --dataset"
        )
    # A row number names about as many images as the right column, if their names are numbers. A
    # suffix tells the two apart, or else a title: pandas writes its row numbers without one.
    likely = [position for position, count in enumerate(counts) if 2 * count >= most]
    ranks = {
        i: (any(map(has_image_suffix, images[i])), _is_titled(header[i]), not survey.is_flags[i])
        for i in likely
    }
    best = [position for position in likely if ranks[position] == max(ranks.values())]
    called = [position for position in best if header[position].casefold() == "image"]
    if len(called) == 1:
        return called[0], []
    name = max(best, key=lambda position: counts[position])
    return name, [position for position in best if position != name]


def _images_named(cells: Iterable[str], index: ImageIndex) -> dict[str, str]:
    """Return the cells that name an image, each with its path."""
    return {cell: image for cell in set(cells) if (image := index.find(cell))}


def _is_titled(title: str) -> bool:
    """Tell whether a column has a title. pandas reads a column without one as ``Unnamed: 0``."""
    return bool(title) and not title.casefold().startswith("unnamed:")
