"""``sources.csv``: where each downloaded image is from, and why other results were left out."""

import csv
import io
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pyimagesearch.errors import WORK_FAILED, UnreadableFileError, UserError, reason_of
from pyimagesearch.files import fcntl, is_still_at, remove_litter, resolved, written_whole
from pyimagesearch.reading import read_file
from pyimagesearch.search.copies import images_in
from pyimagesearch.search.services import SearchResult
from pyimagesearch.spreadsheets import escaped_cell

NAME = "sources.csv"
# Longer texts are cut when they are written, and rows are added only within the other two limits.
# So no search has written a file that exceeds one of them.
LONGEST_CELL = 4096
MOST_BYTES = 2**25
MOST_ROWS = 200_000


class Row(NamedTuple):
    """A row; the fields are the columns.

    Attributes
    ----------
    file : str
        Name of the image in the label folder; empty if the result was left out.
    url, page, licence, creator, title : str
        What the search says about the image; see :class:`SearchResult`.
    sha256 : str
        Checksum of the file, in hexadecimal.
    reason : str
        Why the result was left out.
    """

    file: str
    url: str
    page: str
    licence: str
    creator: str
    title: str
    sha256: str
    reason: str


class Sources:
    """A folder's ``sources.csv``, written row by row, so that a kill loses one row at most.

    Parameters
    ----------
    folder : pathlib.Path
        The label folder. If its ``sources.csv`` has an incomplete line, or rows whose file has
        gone, these are dropped.

    Raises
    ------
    UserError
        If the file has other columns, or cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        try:
            kept = _read_repaired(self._path)
            remove_litter(self._path)
            # Without a buffer, closing the file writes nothing, and so cannot fail on a full disk.
            self._file = self._path.open("ab", buffering=0)
            self._target = resolved(self._path)
            self._size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise UserError(f"cannot use {self._path}: {reason_of(error)}") from error
        self._rows = {row.url: row for row in kept}
        self._files = {row.file for row in kept}
        self._count = len(kept)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def row_of(self, url: str) -> Row | None:
        """Return the row of a URL, or None if it has none."""
        return self._rows.get(_cell(url))

    def has_file(self, name: str) -> bool:
        """Tell whether a file of the folder has a row."""
        return _cell(name) in self._files

    def add(
        self, result: SearchResult, *, file: str = "", sha256: str = "", reason: str = ""
    ) -> None:
        """Write a row.

        Parameters
        ----------
        result : SearchResult
            What the search says about the image.
        file, sha256 : str
            Name and checksum of the file that was kept.
        reason : str
            Why none was.

        Raises
        ------
        UserError
            If it cannot be written, if another program has changed the file since the last row, or
            if the file would be too large for the next run to read. There is no such row then.
        """
        cells = result._asdict() | {"file": file, "sha256": sha256, "reason": reason}
        row = Row(**{column: _cell(text) for column, text in cells.items()})
        line = _lines([row])
        if self._size + len(line) > MOST_BYTES or self._count >= MOST_ROWS:
            raise UserError(
                f"{self._path} is full: fill another folder, or delete rows without a file",
                WORK_FAILED,
            )
        if self._is_changed():
            raise UserError(
                f"another program has changed {self._path}: close it there, then run the same "
                "command again",
                WORK_FAILED,
            )
        self._write(line)
        self._rows[row.url] = row
        self._files.add(row.file)
        self._count += 1

    def _is_changed(self) -> bool:
        """Tell whether another program has changed the file, or put another one in its place."""
        descriptor = self._file.fileno()
        if os.fstat(descriptor).st_size != self._size:
            return True
        # Windows replaces no file that is open.
        return fcntl is not None and not is_still_at(self._target, descriptor)

    def _write(self, line: bytes) -> None:
        """Write a whole line or nothing."""
        left = line
        try:
            while left:  # A disk that is nearly full takes a part.
                left = left[self._file.write(left) :]
        except OSError as error:
            # Otherwise the next row would go on where this one breaks off.
            with suppress(OSError):
                self._file.truncate(self._size)
            raise UserError(
                f"cannot write {self._path}: {reason_of(error)}", WORK_FAILED
            ) from error
        self._size += len(line)


def _read_repaired(path: Path) -> list[Row]:
    """Read the rows, and rewrite the file if some of them had to be changed or dropped."""
    data = _read(path)
    whole = data[: data.rfind(b"\n") + 1]
    if not whole and not HEADER.startswith(data):
        raise _other_columns(path)
    found = _parsed(whole, path)
    present = {_cell(image.name) for image in images_in(path.parent) if image.is_file()}
    # Escaping again changes only what others wrote.
    count = len(Row._fields)
    rows = [Row(*map(_cell, cells[:count])) for cells in found if len(cells) >= count]
    rows = [row for row in rows if (row.file in present if row.file else row.url + row.reason)]
    rows = _latest(rows)
    if whole != data or not data or list(map(list, rows)) != found:
        with written_whole(path) as partial:
            partial.write_bytes(_lines([Row(*Row._fields), *rows]))
    return rows


def _latest(rows: Sequence[Row]) -> list[Row]:
    """Keep the last row of each file, and of each URL that no file is from."""
    latest = {(row.file, "" if row.file else row.url): row for row in rows}
    kept = {row.url for row in latest.values() if row.file}
    return [row for row in latest.values() if row.file or row.url not in kept]


def _other_columns(path: Path) -> UserError:
    return UserError(f"{path} has other columns than {','.join(Row._fields)}: move it away")


def _read(path: Path) -> bytes:
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return b""
    try:
        return read_file(path, most_bytes=MOST_BYTES)
    except UnreadableFileError as error:
        raise UserError(f"cannot read {path} ({error}): move it away") from error


def _parsed(data: bytes, path: Path) -> list[list[str]]:
    """Split the rows after the first into cells."""
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        header = next(reader, None)
        if header is not None and tuple(header) != Row._fields:
            raise _other_columns(path)
        found: list[list[str]] = []
        for cells in reader:
            if len(found) == MOST_ROWS:
                raise UserError(f"{path} has more than {MOST_ROWS:,} rows: move it away")
            if any(len(cell) > LONGEST_CELL for cell in cells):
                raise UserError(f"{path} is damaged (a cell is too long): move it away")
            found.append(cells)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is damaged ({error}): move it away") from error
    return found


def _lines(rows: list[Row]) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


HEADER = _lines([Row(*Row._fields)])


def _cell(text: str) -> str:
    return escaped_cell(text)[:LONGEST_CELL]
