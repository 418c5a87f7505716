"""Cells of a CSV file: what a spreadsheet would run as a formula is escaped."""

import re
from collections.abc import Iterable

from pyimagesearch.console import printable

# What starts a formula, and the full-width forms, which programs in some languages treat alike.
FORMULA_STARTS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
# Each of these may be what separates cells on the reader's machine, or what quotes them.
SEPARATORS = ',;|:^~"'

# A space is a weaker separator than the others: the minus in "jeans - blue" stands by itself, which
# is no formula anywhere, and stays as it is.
FORMULA = re.compile(
    f"(?:^|(?<=[{SEPARATORS}]))(?= *[{FORMULA_STARTS}])|(?<= )(?=[{FORMULA_STARTS}](?! ))"
)

# Each of these in a cell may be taken for what stands between two labels.
BETWEEN_LABELS = " ,;"


def joined_labels(labels: Iterable[str], classes: Iterable[str]) -> str:
    """Write labels into one cell, so that they can be taken apart again.

    Parameters
    ----------
    labels : iterable of str
        Those of one image.
    classes : iterable of str
        All labels, so that every cell of a table is written in the same way.

    Returns
    -------
    str
        The labels separated by spaces, or by ``|`` if any of all labels holds a space, a comma or a
        semicolon. :func:`pyimagesearch.data.label_table.read_label_table` finds out which it is,
        unless a label holds ``|`` or is escaped by :func:`escaped_cell`, or no image of a table has
        two labels.

    Examples
    --------
    >>> joined_labels(["blue", "jeans"], ["blue", "jeans", "red"])
    'blue jeans'
    >>> joined_labels(["blue", "jeans"], ["blue", "jeans", "long skirt"])
    'blue|jeans'
    """
    # Each row of a table asks this, and a search in one text is much faster than in many.
    every = "".join(classes)
    return ("|" if any(mark in every for mark in BETWEEN_LABELS) else " ").join(labels)


def escaped_cell(text: str) -> str:
    r"""Escape what a spreadsheet program would run as a formula or take for another row.

    Which character separates the cells of a CSV file is up to the settings of whoever opens it. So
    an apostrophe goes before each formula that any usual separator would bring to the start of a
    cell. Programs then show the formula as text
    (https://owasp.org/www-community/attacks/CSV_Injection).

    Parameters
    ----------
    text : str
        Anything, line breaks and terminal escapes included.

    Returns
    -------
    str
        One printable line. Control characters, and bytes that are not UTF-8, are written as
        ``\x1b`` is here. Escaping a cell once more does not change it.

    Examples
    --------
    >>> escaped_cell("=1+1")
    "'=1+1"
    >>> escaped_cell("a;=1+1")
    "a;'=1+1"
    >>> escaped_cell("https://example.org/a-b?c=d")
    'https://example.org/a-b?c=d'
    """
    return FORMULA.sub("'", printable(text))
