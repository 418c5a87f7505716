"""How an answer is put into words: for a person, as JSON, as CSV."""

import csv
import io
import json
from collections.abc import Mapping, Sequence

from pyimagesearch.console import highlighted, printable
from pyimagesearch.inference.classification import Answer

# An answer at least this likely is highlighted as sure.
SURE = 0.5
# Longer names of files are not aligned with one another: the table would be too wide to read.
WIDEST_NAME = 60


def as_text(answer: Answer, chosen: Sequence[tuple[str, float]]) -> str:
    """Put the answer for a single image into words: the chosen labels, then all of them.

    Parameters
    ----------
    answer : Answer
        For an image that could be read.
    chosen : sequence of (str, float)
        Labels and probabilities from :func:`pyimagesearch.classification.choose`.

    Returns
    -------
    str
        Lines.
    """
    top = [_highlighted(f"{printable(label)}: {likely:.2%}", likely) for label, likely in chosen]
    every = [f"{printable(label)}: {likely:.2%}" for label, likely in answer.probabilities.items()]
    return "\n".join([*(top or ["no label is that likely"]), "", *every])


def as_row(
    answer: Answer, chosen: Sequence[tuple[str, float]], note: str | None, widths: tuple[int, int]
) -> str:
    """Put the answer for one of many images into a row of a table.

    Parameters
    ----------
    answer, chosen
        As for :func:`as_text`.
    note : str or None
        From :func:`pyimagesearch.classification.combination_note`.
    widths : (int, int)
        From :func:`column_widths`.

    Returns
    -------
    str
        A line: the file, then each label with its probability.
    """
    name_width, label_width = widths
    cells = [
        _highlighted(f"{printable(label):<{label_width}} {likely:7.2%}", likely)
        for label, likely in chosen
    ]
    remark = f"  ({note})" if note else ""
    return f"{printable(answer.path):<{name_width}}  {'  '.join(cells) or 'no label'}{remark}"


def column_widths(files: Sequence[str], labels: Sequence[str]) -> tuple[int, int]:
    """Measure the columns of a table: the files' names and the labels, in characters."""
    names = max((len(printable(path)) for path in files), default=0)
    return min(names, WIDEST_NAME), max(len(printable(label)) for label in labels)


def as_json(answer: Answer, chosen: Sequence[tuple[str, float]], note: str | None) -> str:
    """Put an answer into one line of JSON: ``image``, and ``error`` or what the network says."""
    if answer.error:
        return json.dumps({"image": answer.path, "error": answer.error})
    return json.dumps(
        {
            "image": answer.path,
            "labels": [{"label": label, "probability": likely} for label, likely in chosen],
            "probabilities": answer.probabilities,
            "note": note,
        }
    )


def csv_header(labels: Sequence[str]) -> str:
    """Name the columns of :func:`as_csv`."""
    return _csv_line(["image", "labels", *labels, "note", "error"])


def as_csv(
    answer: Answer, chosen: Sequence[tuple[str, float]], note: str | None, labels: Sequence[str]
) -> str:
    """Put an answer into one line of CSV (RFC 4180).

    Parameters
    ----------
    answer, chosen, note
        As for :func:`as_row`; the image may be one that could not be read.
    labels : sequence of str
        Of all outputs, a column each.

    Returns
    -------
    str
        The file, the chosen labels separated by spaces, all probabilities, the note, the error.
    """
    names = " ".join(label for label, _ in chosen)
    columns = _likely_or_empty(answer.probabilities, labels)
    return _csv_line([answer.path, names, *columns, note or "", answer.error or ""])


def _likely_or_empty(probabilities: Mapping[str, float], labels: Sequence[str]) -> list[str]:
    return [f"{probabilities[label]:.6f}" if probabilities else "" for label in labels]


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    # Bytes of a file's name that are no UTF-8 could not be printed.
    return line.getvalue().encode("utf-8", "backslashreplace").decode()


def _highlighted(text: str, likely: float) -> str:
    return highlighted(text, "sure" if likely >= SURE else "unsure")
