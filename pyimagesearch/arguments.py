"""TODO."""

import argparse
import re
from collections.abc import Callable
from typing import NoReturn

from pyimagesearch.console import printable
from pyimagesearch.errors import BAD_INPUT


class ArgumentParser(argparse.ArgumentParser):
    """argparse's parser, which says what is wrong in one line and shows defaults in its help."""

    def __init__(self, description: str, epilog: str) -> None:
        super().__init__(description=description, epilog=epilog, formatter_class=_HelpFormatter)

    def error(self, message: str) -> NoReturn:
        """Print one line and leave with ``BAD_INPUT``."""
        self.exit(BAD_INPUT, f"{self.prog}: {printable(message)} (see --help)\n")


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Defaults beside their flags, and the examples at the end as they were typed."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        # That a flag is off, or names nothing, unless it is given goes without saying.
        return super()._get_help_string(action) if action.default else action.help


def number(kind: type, low: float, high: float) -> Callable[[str], float]:
    """Make a type for argparse: a number of some kind in a range, both ends included.

    Parameters
    ----------
    kind : type
        ``int`` or ``float``.
    low, high : float
        The least and the greatest value allowed.

    Returns
    -------
    callable
        From the text of an argument to its value; its error says what was expected.
    """

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            expected = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {expected} from {low} to {high}")
        return value

    return parse


def bytes_of(text: str) -> int:
    """Read an amount of memory: a type for argparse.

    Parameters
    ----------
    text : str
        Such as ``8GB``, ``512M``, ``1.5 GiB``, or a number of bytes; a K is 1,024 bytes.

    Returns
    -------
    int
        Bytes, at least one.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", text.strip().upper())
    count = int(float(match[1]) * 1024 ** " KMGT".index(match[2] or " ")) if match else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of memory, such as 8GB or 512MB")
    return count


def either(word: str, parse: Callable[[str], float]) -> Callable[[str], float | str]:
    """Make a type for argparse: a certain word, or what another type takes."""
    return lambda text: word if text == word else parse(text)
