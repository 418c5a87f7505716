"""Command lines: one-line errors, defaults in the help, and types for numbers and sizes."""

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from pyimagesearch.console import printable
from pyimagesearch.errors import BAD_INPUT


class ArgumentParser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line and shows defaults in its help.

    Parameters
    ----------
    description : str
        What the script does.
    epilog : str
        Example commands, printed as they are.
    """

    def __init__(self, description: str | None, epilog: str) -> None:
        super().__init__(description=description, epilog=epilog, formatter_class=_HelpFormatter)

    def parse_args(self, *given: Any, **more: Any) -> Any:
        """Parse, and refuse empty texts, such as shell variables that are not set."""
        args = super().parse_args(*given, **more)
        for name, value in vars(args).items():
            if "" in (value if isinstance(value, list) else [value]):
                self.error(f"--{name.replace('_', '-')} is empty")
        return args

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with ``BAD_INPUT``."""
        self.exit(BAD_INPUT, f"{self.prog}: {printable(message)} (see --help)\n")


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults beside their flags and keeps the line breaks of the examples."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        # "default: None" and "default: False" tell the reader nothing, nor does the default of a
        # flag that takes no value.
        tells = action.nargs != 0 and (action.default or type(action.default) is int)
        return super()._get_help_string(action) if tells else action.help


def number(kind: type[int] | type[float], low: float, high: float) -> Callable[[str], int | float]:
    """Make an argparse type for a number within a range.

    Parameters
    ----------
    kind : {int, float}
        Whole numbers, or any.
    low, high : float
        The smallest and the largest value that is accepted.

    Returns
    -------
    callable
        Turns the text of an argument into its value; its error says what was expected.
    """

    def parse(text: str) -> int | float:
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
    """Parse an amount of memory; an argparse type.

    Parameters
    ----------
    text : str
        For example ``8GB``, ``512M``, ``1.5 GiB`` or a number of bytes. A K is 1,024 bytes.

    Returns
    -------
    int
        Bytes, at least one.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is no such amount. The message says what was expected.
    """
    match = re.fullmatch(r"(\d{1,18}(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", text.strip().upper())
    count = int(float(match[1]) * 1024 ** " KMGT".index(match[2] or " ")) if match else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount such as 8GB or 512MB")
    return count


def either(word: str, parse: Callable[[str], int | float]) -> Callable[[str], int | float | str]:
    """Make an argparse type that accepts one word, or whatever another type accepts."""

    def parse_either(text: str) -> int | float | str:
        if text == word:
            return word
        try:
            return parse(text)
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentTypeError(f"{error}, nor {word}") from None

    return parse_either
