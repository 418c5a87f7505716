"""``sources.csv``: where each downloaded image is from, and why other results were left out."""

import csv
import io
from pathlib import Path

from pyimagesearch.console import printable
from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.files import written_whole
from pyimagesearch.search.services import SearchResult

NAME = "sources.csv"
COLUMNS = ("file", "url", "page", "licence", "creator", "title", "sha256", "reason")
LONGEST_CELL = 4096


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
        If the file has other columns or cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._rows = _read_repaired(self._path)
        self._file = self._path.open("a", encoding="utf-8", newline="")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def row_of(self, url: str) -> dict[str, str] | None:
        """Return the row of a URL, by column, or None if it has none."""
        return self._rows.get(_cell(url))

    def has_file(self, name: str) -> bool:
        """Tell whether a file has a row."""
        return any(row["file"] == name for row in self._rows.values())

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
            If it cannot be written.
        """
        found = result._asdict() | {"file": file, "sha256": sha256, "reason": reason}
        row = {column: _cell(found[column]) for column in COLUMNS}
        self._rows[row["url"]] = row
        try:
            csv.DictWriter(self._file, COLUMNS, lineterminator="\n").writerow(row)
            self._file.flush()
        except OSError as error:
            raise UserError(f"cannot write {self._path}: {error.strerror}", WORK_FAILED) from error


def _read_repaired(path: Path) -> dict[str, dict[str, str]]:
    """Read the rows by URL, and rewrite the file if some of it had to be dropped."""
    data = path.read_bytes() if path.exists() else b""
    whole = data[: data.rfind(b"\n") + 1]
    try:
        reader = csv.DictReader(io.StringIO(whole.decode("utf-8-sig"), newline=""))
        found = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is damaged ({error}): move it away") from error
    if whole and tuple(reader.fieldnames or ()) != COLUMNS:
        raise UserError(f"{path} has other columns than {','.join(COLUMNS)}: move it away")

    rows = {
        row["url"]: row
        for row in found
        if set(row) == set(COLUMNS)
        and None not in row.values()
        and (not row["file"] or (path.parent / row["file"]).is_file())
    }
    if whole != data or len(rows) != len(found) or not data:
        with (
            written_whole(path) as partial,
            partial.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows.values())
    return rows


def _cell(text: str) -> str:
    """Make a stranger's text a cell of one line that no spreadsheet program takes for a formula.

    After https://owasp.org/www-community/attacks/CSV_Injection.
    """
    line = printable(text)[:LONGEST_CELL]
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line
