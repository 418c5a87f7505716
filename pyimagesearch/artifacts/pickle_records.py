"""Reads pickles without unpickling them.

A pickle is a program for a small stack machine. The interpreter here knows the few instructions
that an object with arrays of NumPy in it needs. It calls nothing that the pickle names, but records
what would be called, and with which arguments. It neither compares nor hashes what it reads.
"""

import pickletools
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pyimagesearch.console import printable

# A label takes 20 instructions at most, so this is enough for 10,000 labels.
MAX_INSTRUCTIONS = 200_000
# Values inside values: a binarizer's go 8 deep.
MAX_DEPTH = 32
LONGEST_QUOTE = 100  # characters

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


class PickleRefusedError(ValueError):
    """A pickle is damaged or holds something else than it should; says which."""


class Name(NamedTuple):
    """A class or function that a pickle mentions.

    Attributes
    ----------
    meaning : str
        What the caller of :func:`read_records` takes it for.
    """

    meaning: str


class Record:
    """A value that holds others.

    Parameters
    ----------
    kind : {"tuple", "list", "dict", "call"}
        What it is.
    items : iterable
        What it holds: of a dictionary keys and values in turn, of a call the function and the tuple
        of its arguments.

    Attributes
    ----------
    state : object
        What the result of a call would be given as its state.
    depth : int
        How many records lie inside each other in it.
    """

    __slots__ = ("depth", "items", "kind", "state")

    def __init__(self, kind: str, items: Iterable[Any]) -> None:
        self.kind = kind
        self.items: list[Any] = []
        self.state: Any = None
        self.depth = 1
        self.extend(items)

    def extend(self, items: Iterable[Any]) -> None:
        """Add items."""
        for item in items:
            self.items.append(item)
            self.deepen(item)

    def deepen(self, item: Any) -> None:
        """Count an item's depth in, and refuse what no honest pickle holds."""
        if isinstance(item, Record):
            self.depth = max(self.depth, item.depth + 1)
        if self.depth > MAX_DEPTH:
            raise PickleRefusedError("its values are nested too deeply")


def read_records(data: bytes, known_names: Mapping[str, str]) -> Any:
    """Read a pickle's value.

    Parameters
    ----------
    data : bytes
        A pickle of any protocol.
    known_names : mapping of str to str
        The full names of the classes and functions that the pickle may mention, and their meanings.

    Returns
    -------
    object
        A record, name, text, bytes, number, boolean or None.

    Raises
    ------
    PickleRefusedError
        If the pickle mentions another name, uses an instruction that is not known here, or is
        larger or more deeply nested than any honest one.
    ValueError, TypeError, LookupError, AttributeError
        If it is damaged.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if count == MAX_INSTRUCTIONS:
            raise PickleRefusedError("it has too many instructions")
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
            module, attribute = _popped(stack, 2) if argument is None else argument.split(" ", 1)
            stack.append(_name(f"{module}.{attribute}", known_names))
        elif name not in IGNORED:
            _build(name, stack)
    (value,) = stack
    return value


def of_kind(value: Any, kind: str) -> Record:
    """Return a record that has to be of this kind; raise TypeError if it is anything else."""
    if not isinstance(value, Record) or value.kind != kind:
        raise TypeError(f"not a {kind}")
    return value


def _memo_index(argument: int, data: bytes) -> int:
    if not 0 <= argument < len(data):
        raise PickleRefusedError("its memo is larger than itself")
    return argument


def _name(full_name: str, known_names: Mapping[str, str]) -> Name:
    if full_name not in known_names:
        raise PickleRefusedError(f"it asks for {printable(full_name[:LONGEST_QUOTE])}")
    return Name(known_names[full_name])


def _build(instruction: str, stack: list[Any]) -> None:
    """Run an instruction that puts values together."""
    if instruction in TUPLES:
        stack.append(Record("tuple", _popped(stack, TUPLES[instruction])))
    elif instruction in ("TUPLE", "LIST", "DICT"):
        stack.append(Record(instruction.lower(), _popped_to_mark(stack)))
    elif instruction in ("EMPTY_LIST", "EMPTY_DICT"):
        stack.append(Record(instruction[len("EMPTY_") :].lower(), []))
    elif instruction in ("APPENDS", "SETITEMS"):
        items = _popped_to_mark(stack)
        of_kind(stack[-1], "list" if instruction == "APPENDS" else "dict").extend(items)
    elif instruction == "APPEND":
        items = _popped(stack, 1)
        of_kind(stack[-1], "list").extend(items)
    elif instruction == "SETITEM":
        items = _popped(stack, 2)
        of_kind(stack[-1], "dict").extend(items)
    elif instruction in ("REDUCE", "NEWOBJ"):
        function, arguments = _popped(stack, 2)
        stack.append(Record("call", [function, of_kind(arguments, "tuple")]))
    elif instruction == "BUILD":
        (state,) = _popped(stack, 1)
        called = of_kind(stack[-1], "call")
        called.state = state
        called.deepen(state)
    else:
        raise PickleRefusedError(
            f"it uses {instruction}, which a MultiLabelBinarizer does not need"
        )


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
