"""Predictions in words, as JSON and as CSV."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pyimagesearch.console import complain, counted, highlighted, printable
from pyimagesearch.inference.classification import Choice, Prediction
from pyimagesearch.spreadsheets import escaped_cell, joined_labels
from pyimagesearch.streams import is_output_lost

# A label at least this likely is coloured as sure.
SURE = 0.5
# Longer file names stick out of their column; a wider table would be hard to read.
WIDEST_NAME = 60
# Columns before and after those of the labels; only clips have seconds.
FIRST_COLUMNS = ("image", "seconds", "labels")
LAST_COLUMNS = ("note", "error", "unknown", "nearness")
# Of more labels than this, a single image shows only the likeliest.
MOST_LABELS = 50


def reporter(
    form: str,
    paths: Sequence[str],
    classes: Sequence[str],
    *,
    show: Callable[[str], None],
    is_timed: bool = False,
) -> Callable[..., bool]:
    """Choose how predictions are reported.

    Parameters
    ----------
    form, paths, classes
        As for :func:`describer`.
    show : callable
        Prints a line. That of CSV's headings comes at once.
    is_timed : bool
        As for :func:`describer`.

    Returns
    -------
    callable
        Takes a prediction, what is chosen of it and, if timed, ``seconds``. Prints the prediction,
        complains of a file that cannot be read, and returns whether anybody still reads.
    """
    describe = describer(form, paths, classes, is_timed=is_timed)
    if form == "csv":
        show(csv_header(classes, is_timed=is_timed))

    def report(prediction: Prediction, choice: Choice, **time: float) -> bool:
        if form != "text" or not prediction.error:
            show(describe(prediction, choice, **time))
        if prediction.error:
            complain(f"cannot read {prediction.path}: {prediction.error}")
        return not is_output_lost()

    return report


def describer(
    form: str, paths: Sequence[str], classes: Sequence[str], *, is_timed: bool = False
) -> Callable[..., str]:
    """Choose how predictions are put into words.

    Parameters
    ----------
    form : {"text", "json", "csv"}
        For a person or for programs.
    paths : sequence of str
        All files.
    classes : sequence of str
        All labels.
    is_timed : bool
        Whether predictions are those of moments in clips.

    Returns
    -------
    callable
        Takes a prediction, what is chosen of it and, if timed, ``seconds``.
    """
    if form == "json":
        return as_json
    if form == "csv":
        return partial(as_csv, classes=classes, is_timed=is_timed)
    name_width, label_width = column_widths(paths, classes)
    if is_timed:
        return partial(as_timed_row, label_width=label_width)
    if len(paths) == 1:
        return as_text
    return partial(as_row, widths=(name_width, label_width))


def as_text(prediction: Prediction, choice: Choice) -> str:
    """Describe a single image in lines: first the chosen labels, then all or the likeliest ones.

    Parameters
    ----------
    prediction : Prediction
        For an image that could be read.
    choice : Choice
        What is chosen of it.

    Returns
    -------
    str
        Lines of text.
    """
    top = [_colored(f"{printable(label)}: {likely:.2%}", likely) for label, likely in choice.labels]
    every = list(prediction.probabilities.items())
    if len(every) > MOST_LABELS:
        every.sort(key=lambda item: -item[1])
    lines = [f"{printable(label)}: {likely:.2%}" for label, likely in every[:MOST_LABELS]]
    if len(every) > MOST_LABELS:
        lines.append(f"and {counted(len(every) - MOST_LABELS, 'less likely label')}")
    unknown = [highlighted(line, "unsure") for line in unknown_lines(prediction)]
    return "\n".join([*unknown, *(top or ["no label is that likely"]), "", *lines])


def unknown_lines(prediction: Prediction) -> list[str]:
    """Say in one line that an image is unknown and how near it is to known ones, or say nothing."""
    return [f"unknown (nearness {prediction.nearness:.0%})"] if prediction.is_unknown else []


def as_row(
    prediction: Prediction, choice: Choice, *, widths: tuple[int, int], name: str | None = None
) -> str:
    """Describe one of many images in a row of a table.

    Parameters
    ----------
    prediction, choice
        As for :func:`as_text`.
    widths : (int, int)
        From :func:`column_widths`.
    name : str, optional
        What the row begins with; the file by default.

    Returns
    -------
    str
        A line: the name, whether it is unknown, then each label with its probability.
    """
    name_width, label_width = widths
    cells = [highlighted(line, "unsure") for line in unknown_lines(prediction)]
    cells += [
        _colored(f"{printable(label):<{label_width}} {likely:7.2%}", likely)
        for label, likely in choice.labels
    ]
    remark = f"  ({choice.note})" if choice.note else ""
    beginning = printable(prediction.path if name is None else name)
    return f"{beginning:<{name_width}}  {'  '.join(cells) or 'no label'}{remark}"


def as_timed_row(
    prediction: Prediction, choice: Choice, *, seconds: float, label_width: int
) -> str:
    """Describe a moment of a video in a row of a table.

    Parameters
    ----------
    prediction, choice
        As for :func:`as_row`.
    seconds : float
        The time of the moment.
    label_width : int
        From :func:`column_widths`.

    Returns
    -------
    str
        A line: minutes, seconds and tenths, then each label with its probability.
    """
    minutes, tenths = divmod(int(seconds * 10), 600)
    clock = f"{minutes}:{tenths // 10:02}.{tenths % 10}"
    return as_row(prediction, choice, widths=(8, label_width), name=clock)


def column_widths(paths: Sequence[str], classes: Sequence[str]) -> tuple[int, int]:
    """Return the widths of a table's columns, file names and labels, in characters."""
    name_width = max((len(printable(path)) for path in paths), default=0)
    return min(name_width, WIDEST_NAME), max(len(printable(label)) for label in classes)


def as_json(prediction: Prediction, choice: Choice, *, seconds: float | None = None) -> str:
    """Describe an image, or a moment of a video, in one line of JSON.

    Parameters
    ----------
    prediction, choice
        As for :func:`as_row`; the image may be one that could not be read.
    seconds : float, optional
        The time of the moment.

    Returns
    -------
    str
        An object with ``image`` and either ``error`` or ``labels`` (those chosen),
        ``probabilities`` (of all labels), ``note``, ``unknown`` and ``nearness``, for a video with
        ``seconds``, too.
    """
    if prediction.error:
        return json.dumps({"image": prediction.path, "error": prediction.error})
    return json.dumps(
        {
            "image": prediction.path,
            **({} if seconds is None else {"seconds": round(seconds, 3)}),
            "labels": [{"label": label, "probability": likely} for label, likely in choice.labels],
            "probabilities": prediction.probabilities,
            "note": choice.note,
            "unknown": prediction.is_unknown,
            "nearness": prediction.nearness,
        }
    )


def csv_header(classes: Sequence[str], *, is_timed: bool = False) -> str:
    """Name the columns of :func:`as_csv`, each differently whatever the labels are."""
    first = [column for column in FIRST_COLUMNS if is_timed or column != "seconds"]
    return _csv_line([*first, *_label_columns(classes), *LAST_COLUMNS])


def as_csv(
    prediction: Prediction,
    choice: Choice,
    *,
    classes: Sequence[str],
    is_timed: bool = False,
    seconds: float | None = None,
) -> str:
    r"""Describe an image, or a moment of a video, in one line of CSV (RFC 4180).

    Parameters
    ----------
    prediction, choice
        As for :func:`as_row`; the image may be one that could not be read.
    classes : sequence of str
        All labels; each has a column.
    is_timed : bool
        Whether there is a column for the time.
    seconds : float, optional
        The time of the moment.

    Returns
    -------
    str
        The file, the time, the chosen labels as :func:`joined_labels` writes them, all
        probabilities, the note, the error, "yes" or "no" for unknown, the nearness. Cells that a
        spreadsheet would run as formulas are escaped, and line breaks and other control characters
        are written as ``\n`` or ``\x1b``.
    """
    moment = ["" if seconds is None else f"{seconds:.3f}"] * is_timed
    labels = joined_labels((label for label, _ in choice.labels), classes)
    first = [prediction.path, *moment, labels]
    last = [choice.note or "", prediction.error or "", *_nearness_cells(prediction)]
    # There may be thousands of probabilities, which are no formulas.
    columns = _probability_cells(prediction.probabilities, classes)
    return _csv_line([*map(escaped_cell, first), *columns, *map(escaped_cell, last)])


def _label_columns(classes: Sequence[str]) -> list[str]:
    """Name each label's column after it, escaped: ``label note`` if another is called ``note``."""
    labels = [escaped_cell(label) for label in classes]
    # Seconds are taken for images, too, so that a label's column has one name in all tables.
    taken = {*FIRST_COLUMNS, *LAST_COLUMNS}
    columns: list[str] = []
    for label in labels:
        column = label
        # Another label that is called "label note" keeps its own column.
        while column in taken or (column != label and column in labels):
            column = f"label {column}"
        taken.add(column)
        columns.append(column)
    return columns


def _probability_cells(probabilities: Mapping[str, float], classes: Sequence[str]) -> list[str]:
    return [f"{probabilities[label]:.6f}" if probabilities else "" for label in classes]


def _nearness_cells(prediction: Prediction) -> list[str]:
    if prediction.error:
        return ["", ""]
    near = "" if prediction.nearness is None else f"{prediction.nearness:.6f}"
    return ["yes" if prediction.is_unknown else "no", near]


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def _colored(text: str, likely: float) -> str:
    return highlighted(text, "sure" if likely >= SURE else "unsure")
