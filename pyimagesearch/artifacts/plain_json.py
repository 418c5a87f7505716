"""Read JSON from untrusted files: limited in size and depth."""

import json
from collections.abc import Iterable
from typing import Any

MAX_JSON_BYTES = 2**21
MAX_DEPTH = 64


class JsonError(ValueError):
    """A text is not JSON, or has more in it than is read; says which."""


def read_json(text: str | bytes | bytearray, *, most_bytes: int = MAX_JSON_BYTES) -> Any:
    """Read JSON values of a sane size.

    Parameters
    ----------
    text : str, bytes or bytearray
        Bytes are UTF-8.
    most_bytes : int
        The greatest length that is read.

    Returns
    -------
    object
        Dictionaries, lists, text, numbers, booleans and None, nested at most ``MAX_DEPTH`` deep.

    Raises
    ------
    JsonError
        If it is not JSON, longer than `most_bytes`, or nested more deeply.
    """
    if len(text) > most_bytes:
        raise JsonError(f"is larger than {most_bytes >> 20} MiB")
    try:
        value = json.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except RecursionError as error:
        raise JsonError("is nested too deeply") from error
    except ValueError as error:
        raise JsonError("is damaged") from error
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for parent in level for child in _children(parent) if child]
        if not level:
            return
    raise JsonError("is nested too deeply")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
