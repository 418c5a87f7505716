"""Reads the labels out of a pickled MultiLabelBinarizer without unpickling it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pyimagesearch.artifacts.pickle_records import (
    Name,
    PickleRefusedError,
    Record,
    of_kind,
    read_records,
)

MAX_PICKLE_BYTES = 2**24
# Characters of a time, and of the names of attributes and types. A pickle can use a value again and
# again at one byte a time, so that what is done with it must not take long.
LONGEST_TIME = LONGEST_NAME = 100
# As many as fit into the instructions that a pickle may have.
MAX_LABELS = 10_000


def _known_names() -> dict[str, str]:
    """Map every name that a binarizer's pickle may mention to what it stands for here."""
    known = {
        "numpy.dtype": "dtype",
        "numpy.ndarray": "ndarray",
        # Protocols 0 to 2 have no instruction for bytes, 0 and 1 none for objects.
        "_codecs.encode": "bytes",
        "builtins.object": "object",
        "__builtin__.object": "object",
        "copyreg._reconstructor": "instance",
        "copy_reg._reconstructor": "instance",
        # scikit-learn renamed its module in 0.22.
        "sklearn.preprocessing.label.MultiLabelBinarizer": "binarizer",
        "sklearn.preprocessing._label.MultiLabelBinarizer": "binarizer",
    }
    # NumPy renamed its package in 2.0; release 1.16.0 named the module written in C
    # (https://github.com/numpy/numpy/pull/12842). Protocol 5 came with 1.16.
    for core in ("core", "_core"):
        for module in ("multiarray", "_multiarray_umath"):
            known[f"numpy.{core}.{module}._reconstruct"] = "array"
            known[f"numpy.{core}.{module}.scalar"] = "scalar"
        known[f"numpy.{core}.numeric._frombuffer"] = "buffer"
    return known


KNOWN_NAMES = _known_names()


class StoredBinarizer(NamedTuple):
    """What a pickled MultiLabelBinarizer holds.

    Attributes
    ----------
    classes : list of str
        ``mlb.classes_``, the labels in the order of the network's outputs. Numbers become text.
    trained_at : str or None
        When the training run ended that it belongs to; None if train.py did not write it.
    """

    classes: list[str]
    trained_at: str | None


def read_binarizer(data: bytes) -> StoredBinarizer:
    """Read the labels out of a pickled MultiLabelBinarizer.

    Parameters
    ----------
    data : bytes
        A pickle of any protocol, by any release of scikit-learn and NumPy since 2018.

    Returns
    -------
    StoredBinarizer
        The labels, and when they were stored.

    Raises
    ------
    PickleRefusedError
        If the pickle mentions anything that a MultiLabelBinarizer does not need, is damaged, or
        holds something else.
    """
    if len(data) > MAX_PICKLE_BYTES:
        raise PickleRefusedError(f"it is larger than {MAX_PICKLE_BYTES >> 20} MiB")
    try:
        state = _binarizer_state(read_records(data, KNOWN_NAMES))
        classes = _labels(state["classes_"], most_bytes=len(data))
        trained_at = state.get("trained_at")
        is_time = isinstance(trained_at, str) and len(trained_at) <= LONGEST_TIME
    except PickleRefusedError:
        raise
    # Instructions in a wrong order and values of a wrong kind raise these, and no others.
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise PickleRefusedError("it is damaged, or not a pickle") from error
    return StoredBinarizer(classes, trained_at if is_time else None)


def _call(value: Any) -> tuple[str, list[Any]]:
    """Return what a call calls, by its meaning, and the arguments."""
    name, arguments = of_kind(value, "call").items
    if not isinstance(name, Name):
        raise TypeError("not a class or function")
    return name.meaning, arguments.items


def _binarizer_state(value: Any) -> dict[str, Any]:
    """Take the attributes out of the record of a binarizer."""
    try:
        meaning, arguments = _call(value)
        if meaning == "instance":
            meaning = arguments[0].meaning
    except (TypeError, LookupError, AttributeError):
        meaning = "something else"
    if meaning != "binarizer":
        raise PickleRefusedError("it holds no MultiLabelBinarizer")
    pairs = iter(of_kind(value.state, "dict").items)
    state = {_name(key): attribute for key, attribute in zip(pairs, pairs, strict=True)}
    if "classes_" not in state:
        raise PickleRefusedError("its MultiLabelBinarizer has never been fitted")
    return state


def _labels(array: Any, *, most_bytes: int) -> list[str]:
    """Take the labels out of the record of an array.

    Shared values could make the labels longer than the pickle is; `most_bytes` limits them.
    """
    meaning, arguments = _call(array)
    if meaning == "buffer":
        content, dtype, shape, _ = arguments
    else:
        _, shape, dtype, _, content = of_kind(array.state, "tuple").items
    if isinstance(content, Record) and content.kind == "list":
        labels = list(_element_texts(content.items, most_bytes))
    else:
        labels = _decoded(dtype, _bytes(content))
    if of_kind(shape, "tuple").items != [len(labels)]:
        raise PickleRefusedError("its classes are not a list of labels")
    if len(set(labels)) < len(labels):
        raise PickleRefusedError("it names a label twice")
    return labels


def _element_texts(elements: list[Any], most_bytes: int) -> Iterator[str]:
    """Yield each element of an array of Python objects as text."""
    left = most_bytes
    for element in elements:
        if isinstance(element, Record):
            meaning, (dtype, content) = _call(element)
            if meaning != "scalar":
                raise TypeError("not a scalar")
            encoded = _bytes(content)
            left -= len(encoded)
            (text,) = _decoded(dtype, encoded) if left >= 0 else ("",)
        else:
            text = str(element) if isinstance(element, int) else _text(element)
            left -= len(text)
        if left < 0:
            raise PickleRefusedError("its labels are longer than itself")
        yield text


def _text(value: Any) -> str:
    """Return text as it is, and the strings of Python 2 decoded."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if not isinstance(value, str):
        raise PickleRefusedError("its classes are neither text nor whole numbers")
    return value


def _name(value: Any) -> str:
    """Return the name of an attribute or a type."""
    if isinstance(value, str | bytes) and len(value) > LONGEST_NAME:
        raise PickleRefusedError("a name in it is too long")
    return _text(value)


def _bytes(value: Any) -> bytes:
    """Return bytes, also as protocols 0 to 2 write them: as text that is to be encoded."""
    if isinstance(value, Record):
        meaning, arguments = _call(value)
        if meaning != "bytes":
            raise TypeError("not bytes")
        return arguments[0].encode("latin-1")
    if not isinstance(value, bytes | bytearray):
        raise TypeError("not bytes")
    return bytes(value)


def _decoded(dtype: Any, content: bytes) -> list[str]:
    """Decode the memory of a NumPy array of strings or whole numbers.

    Strings are as wide as the longest one, the others filled up with zeros.
    """
    meaning, arguments = _call(dtype)
    if meaning != "dtype":
        raise TypeError("not a dtype")
    description = _name(arguments[0])
    kind, width = description[0], int(description[1:])
    is_big_endian = dtype.state is not None and _name(dtype.state.items[1]) == ">"
    stride = 4 * width if kind == "U" else width
    if len(content) > MAX_LABELS * stride:
        raise PickleRefusedError(f"it has more than {MAX_LABELS:,} labels")
    if len(content) % stride:
        raise ValueError("cut off")
    chunks = [content[start : start + stride] for start in range(0, len(content), stride)]
    if kind == "U":
        encoding = "utf-32-be" if is_big_endian else "utf-32-le"
        return [chunk.decode(encoding).rstrip("\0") for chunk in chunks]
    if kind == "S":
        return [chunk.rstrip(b"\0").decode("utf-8") for chunk in chunks]
    if kind in "iu" and width <= 8:
        order: Any = "big" if is_big_endian else "little"
        numbers = (int.from_bytes(chunk, order, signed=kind == "i") for chunk in chunks)
        return [str(number) for number in numbers]
    raise PickleRefusedError("its classes are neither text nor whole numbers")
