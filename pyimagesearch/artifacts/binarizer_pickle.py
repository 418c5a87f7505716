"""Reads the labels out of a pickled MultiLabelBinarizer without unpickling it.

A pickle is a program for a small stack machine. The interpreter here knows the few instructions
that a MultiLabelBinarizer needs. It calls nothing that the pickle names, but takes down what would
be called, and with which arguments; the labels are then taken out of these notes.
"""

import pickletools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

MAX_PICKLE_BYTES = 2**24
# A label takes about 20 instructions, so this is enough for 20,000 of them.
MAX_INSTRUCTIONS = 400_000
# Values inside values: a binarizer's go 8 deep.
MAX_DEPTH = 32
# What a message quotes of a pickle, in characters.
LONGEST_QUOTE = 100

MARK = object()

# Instructions that push their own argument, or a constant.
LITERALS = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# What Python 2 calls a string is bytes; pickletools decodes it as Latin-1.
PYTHON_2_STRINGS = frozenset({"STRING", "BINSTRING", "SHORT_BINSTRING"})
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
# Instructions that only describe the pickle itself.
IGNORED = frozenset({"PROTO", "FRAME"})


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


class PickleRefusedError(ValueError):
    """A pickle is damaged or holds something other than a MultiLabelBinarizer; says which."""


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
        state = _binarizer_state(_run(data))
        classes = _labels(state["classes_"], most_bytes=len(data))
        trained_at = state.get("trained_at")
        is_time = isinstance(trained_at, str) and len(trained_at) <= LONGEST_QUOTE
    except PickleRefusedError:
        raise
    # Instructions in a wrong order and values of a wrong kind raise these, and no others.
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise PickleRefusedError("it is damaged, or not a pickle") from error
    return StoredBinarizer(classes, trained_at if is_time else None)


class _Name(NamedTuple):
    """A class or function that the pickle mentions, by its meaning in ``KNOWN_NAMES``."""

    meaning: str


class _Record:
    """A tuple, list, dictionary or call: what it holds, and how deep the values in it are nested.

    A call holds the function and its arguments, and has the state that its result would get.
    """

    __slots__ = ("depth", "items", "kind", "state")

    def __init__(self, kind: str, items: Iterable[Any]) -> None:
        self.kind = kind
        self.items: list[Any] = []
        self.state: Any = None
        self.depth = 1
        self.extend(items)

    def extend(self, items: Iterable[Any]) -> None:
        for item in items:
            self.items.append(item)
            self.deepen(item)

    def deepen(self, item: Any) -> None:
        if isinstance(item, _Record):
            self.depth = max(self.depth, item.depth + 1)
        if self.depth > MAX_DEPTH:
            raise PickleRefusedError("its values are nested too deeply")


def _run(data: bytes) -> Any:
    """Interpret a pickle and return its value, made of records, names, text, bytes and numbers."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if count == MAX_INSTRUCTIONS:
            raise PickleRefusedError("it has more instructions than any MultiLabelBinarizer")
        name = opcode.name
        if name == "STOP":
            break
        if name in LITERALS:
            stack.append(argument)
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in PYTHON_2_STRINGS:
            stack.append(argument.encode("latin-1"))
        elif name == "MARK":
            stack.append(MARK)
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name.endswith("PUT"):
            memo[_memo_index(argument, data)] = stack[-1]
        elif name.endswith("GET"):
            stack.append(memo[_memo_index(argument, data)])
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            module_and_name = _popped(stack, 2) if argument is None else argument.split(" ", 1)
            stack.append(_name(*module_and_name))
        elif name not in IGNORED:
            _build(name, stack)
    (value,) = stack
    return value


def _memo_index(argument: int, data: bytes) -> int:
    if not 0 <= argument < len(data):
        raise PickleRefusedError("its memo is larger than itself")
    return argument


def _name(module: str, name: str) -> _Name:
    full_name = f"{module}.{name}"
    if full_name not in KNOWN_NAMES:
        raise PickleRefusedError(f"it asks for {full_name[:LONGEST_QUOTE]}")
    return _Name(KNOWN_NAMES[full_name])


def _build(instruction: str, stack: list[Any]) -> None:
    """Run an instruction that puts values together."""
    if instruction in TUPLES:
        stack.append(_Record("tuple", _popped(stack, TUPLES[instruction])))
    elif instruction in ("TUPLE", "LIST", "DICT"):
        stack.append(_Record(instruction.lower(), _popped_to_mark(stack)))
    elif instruction in ("EMPTY_LIST", "EMPTY_DICT"):
        stack.append(_Record(instruction[len("EMPTY_") :].lower(), []))
    elif instruction in ("APPENDS", "SETITEMS"):
        items = _popped_to_mark(stack)
        _of_kind(stack[-1], "list" if instruction == "APPENDS" else "dict").extend(items)
    elif instruction == "APPEND":
        items = _popped(stack, 1)
        _of_kind(stack[-1], "list").extend(items)
    elif instruction == "SETITEM":
        items = _popped(stack, 2)
        _of_kind(stack[-1], "dict").extend(items)
    elif instruction in ("REDUCE", "NEWOBJ"):
        function, arguments = _popped(stack, 2)
        stack.append(_Record("call", [function, *_of_kind(arguments, "tuple").items]))
    elif instruction == "BUILD":
        (state,) = _popped(stack, 1)
        called = _of_kind(stack[-1], "call")
        called.state = state
        called.deepen(state)
    else:
        raise PickleRefusedError(f"it uses {instruction}, which no MultiLabelBinarizer needs")


def _popped(stack: list[Any], count: int) -> list[Any]:
    if count == 0:
        return []
    items = stack[-count:]
    if len(items) < count or any(item is MARK for item in items):
        raise LookupError("the stack is empty")
    del stack[-count:]
    return items


def _popped_to_mark(stack: list[Any]) -> list[Any]:
    items = []
    while (item := stack.pop()) is not MARK:
        items.append(item)
    return items[::-1]


def _of_kind(value: Any, kind: str) -> _Record:
    if not isinstance(value, _Record) or value.kind != kind:
        raise TypeError(f"not a {kind}")
    return value


def _call(value: Any, *functions: str) -> _Record:
    """Check that a value comes from a call of one of these functions or classes."""
    function = _of_kind(value, "call").items[0]
    if not isinstance(function, _Name) or function.meaning not in functions:
        raise TypeError(f"not made by {functions}")
    return value


def _binarizer_state(value: Any) -> dict[str, Any]:
    """Take the attributes out of the record of a binarizer."""
    try:
        call = _call(value, "binarizer", "instance")
        named = call.items[1] if call.items[0].meaning == "instance" else call.items[0]
        if named.meaning != "binarizer":
            raise TypeError("an instance of another class")
    except (TypeError, LookupError, AttributeError) as error:
        raise PickleRefusedError("it holds no MultiLabelBinarizer") from error
    pairs = iter(_of_kind(call.state, "dict").items)
    state = {_text(key): attribute for key, attribute in zip(pairs, pairs, strict=True)}
    if "classes_" not in state:
        raise PickleRefusedError("its MultiLabelBinarizer has never been fitted")
    return state


def _labels(array: Any, *, most_bytes: int) -> list[str]:
    """Take the labels out of the record of an array.

    Shared values could make the labels longer than the pickle is; `most_bytes` limits them.
    """
    if _call(array, "array", "buffer").items[0].meaning == "buffer":
        _, content, dtype, shape, _ = array.items
    else:
        _, shape, dtype, _, content = _of_kind(array.state, "tuple").items
    if isinstance(content, _Record) and content.kind == "list":
        labels = list(_element_texts(content.items, most_bytes))
    else:
        labels = _decoded(dtype, _bytes(content))
    if _of_kind(shape, "tuple").items != [len(labels)]:
        raise PickleRefusedError("its classes are not a list of labels")
    if len(set(labels)) < len(labels):
        raise PickleRefusedError("it names a label twice")
    return labels


def _element_texts(elements: list[Any], most_bytes: int) -> Iterator[str]:
    """Yield each element of an array of Python objects as text."""
    left = most_bytes
    for element in elements:
        if isinstance(element, _Record):
            _, dtype, content = _call(element, "scalar").items
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


def _bytes(value: Any) -> bytes:
    if isinstance(value, _Record):
        _, text, *_ = _call(value, "bytes").items
        return text.encode("latin-1")
    if not isinstance(value, bytes | bytearray):
        raise TypeError("not bytes")
    return bytes(value)


def _decoded(dtype: Any, content: bytes) -> list[str]:
    """Decode the memory of a NumPy array of strings or whole numbers.

    Strings are as wide as the longest one, the others filled up with zeros.
    """
    description = _text(_call(dtype, "dtype").items[1])
    kind, width = description[0], int(description[1:])
    is_big_endian = dtype.state is not None and _text(dtype.state.items[1]) == ">"
    stride = 4 * width if kind == "U" else width
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
