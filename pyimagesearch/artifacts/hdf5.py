"""Reads the HDF5 files that Keras writes, in plain Python.

The HDF5 library reads many more, but loops for ever on some damaged files, where nothing can stop
it. Keras writes the oldest form of the format: groups are trees of names, arrays lie in the file as
they lie in memory. Arrays are therefore views of the file's bytes, and cost no memory of their own.

The format: "HDF5 File Format Specification", version 3.0,
https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html. Names in this module are its.
"""

import math
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from pyimagesearch.artifacts.network_description import DescriptionError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Reads of a few bytes each, so that parts which refer to each other in circles come to an end. The
# largest networks in keras.applications need a tenth of them.
MAX_READS = 500_000
MAX_DEPTH = 32
LONGEST_NAME = 1000
# Bytes of all names, paths and texts that are read. Many parts may share a long one.
MAX_TEXT = 2**25

DATASPACE, DATATYPE, EXTERNAL_FILES, DATA_LAYOUT, FILTERS = 0x01, 0x03, 0x07, 0x08, 0x0B
LINK_INFO, LINK, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE = 0x02, 0x06, 0x0C, 0x10, 0x11
COMPACT, CONTIGUOUS = 0, 1
INTEGER, FLOAT, STRING, VARIABLE_LENGTH = 0, 1, 3, 9
IS_SHARED = 0x02
NO_LINK = (0, 1)
# Bits of the exponent and of the mantissa of IEEE 754's numbers, by their size in bytes.
IEEE_FLOATS = {2: (5, 10), 4: (8, 23), 8: (11, 52)}


class Hdf5Error(DescriptionError):
    """An HDF5 file is damaged, or is not of the kind that Keras writes; says why."""


class _Datatype(NamedTuple):
    kind: int
    flags: int
    size: int
    numpy_type: np.dtype | None


class _Object(NamedTuple):
    """A group or an array: the messages in its header."""

    path: str
    messages: list[tuple[int, memoryview]]

    def find(self, kind: int) -> memoryview | None:
        return next((body for found, body in self.messages if found == kind), None)


class Hdf5File:
    """An HDF5 file in memory.

    Parameters
    ----------
    data : bytes or bytearray
        The whole file.

    Raises
    ------
    Hdf5Error
        Here, and in each method, if the file is damaged or not of the kind that Keras writes.
    """

    def __init__(self, data: bytes | bytearray) -> None:
        self._data = memoryview(data)
        self._reads_left = MAX_READS
        self._text_left = MAX_TEXT
        self._members_of: dict[int, dict[str, int]] = {}
        # Offsets and lengths have 8 bytes; version 0 is the oldest form of the file's header.
        if data[:9] != SIGNATURE + b"\0" or data[13:15] != b"\x08\x08":
            raise Hdf5Error("it is not an HDF5 file of the kind that Keras writes")
        end, self._root = self._unpack("<Q16xQ", 40)
        if end > len(data):
            raise Hdf5Error("it is cut off")

    def array(self, path: str) -> np.ndarray:
        """Return an array of numbers by its path, such as ``"layers/dense/vars/0"``: a view."""
        return self._array(self._object(path))

    def names(self, path: str) -> list[str]:
        """List what a group holds."""
        return list(self._members(self._object(path)))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays in the file by their paths."""
        found: dict[str, np.ndarray] = {}
        seen = set()
        waiting = [("", self._root)]
        while waiting:
            path, address = waiting.pop()
            if address in seen or path.count("/") > MAX_DEPTH:
                raise Hdf5Error("its groups hold each other in circles")
            seen.add(address)
            node = self._read_object(path, address)
            if node.find(SYMBOL_TABLE) is None:
                found[path] = self._array(node)
            else:
                members = self._members(node).items()
                self._count_text(len(path) * len(members))
                waiting += [(f"{path}/{name}".lstrip("/"), child) for name, child in members]
        return found

    def attribute(self, path: str, name: str) -> str | list[str] | None:
        """Return an attribute that holds text, or a list of text; None if there is no such one."""
        for kind, body in self._object(path).messages:
            if kind == ATTRIBUTE and (value := self._attribute(body, name)) is not None:
                return value
        return None

    def _unpack(self, layout: str, offset: int) -> tuple[Any, ...]:
        if self._reads_left == 0:
            raise Hdf5Error("its parts refer to each other in circles, or there are too many")
        self._reads_left -= 1
        return _unpack(layout, self._data, offset)

    def _slice(self, offset: int, size: int) -> memoryview:
        if offset + size > len(self._data):
            raise Hdf5Error("it is cut off, or damaged")
        return self._data[offset : offset + size]

    def _count_text(self, size: int) -> None:
        self._text_left -= size
        if self._text_left < 0:
            raise Hdf5Error("it has more text than any model")

    def _text(self, data: memoryview) -> str:
        """Return a text that ends where the data do, or with a zero before."""
        text = bytes(data).partition(b"\0")[0]
        self._count_text(len(text))
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Hdf5Error("a text in it is damaged") from error

    def _object(self, path: str) -> _Object:
        address = self._root
        for name in filter(None, path.split("/")):
            members = self._members(self._read_object(path, address))
            if name not in members:
                raise Hdf5Error(f"{path} is missing")
            address = members[name]
        return self._read_object(path, address)

    def _read_object(self, path: str, address: int) -> _Object:
        version, _, count, _, size = self._unpack("<BBHII", address)
        if version != 1:
            raise Hdf5Error(f"{path} is damaged, or not of the kind that Keras writes")
        messages: list[tuple[int, memoryview]] = []
        blocks = [(address + 16, size)]
        while blocks and len(messages) < count:
            offset, size = blocks.pop(0)
            end = offset + size
            while offset + 8 <= end and len(messages) < count:
                kind, length, flags = self._unpack("<HHB", offset)
                if flags & IS_SHARED:
                    raise Hdf5Error(f"{path} shares its description with others")
                body = self._slice(offset + 8, length)
                messages.append((kind, body))
                if kind == CONTINUATION:
                    blocks.append(_unpack("<QQ", body, 0))
                offset += 8 + length
        return _Object(path, messages)

    def _members(self, group: _Object) -> dict[str, int]:
        """Return the addresses of what a group holds, by name."""
        table = group.find(SYMBOL_TABLE)
        if table is None:
            if group.find(LINK_INFO) is not None or group.find(LINK) is not None:
                raise Hdf5Error(f"{group.path} may be a link to elsewhere")
            raise Hdf5Error(f"{group.path} is not a group")
        tree, heap = _unpack("<QQ", table, 0)
        if tree not in self._members_of:
            self._members_of[tree] = self._read_members(tree, self._heap(heap), group.path)
        return self._members_of[tree]

    def _read_members(self, tree: int, names: memoryview, path: str) -> dict[str, int]:
        members: dict[str, int] = {}
        for node in self._leaves(tree):
            (count,) = self._unpack("<H", node + 6)
            for entry in range(node + 8, node + 8 + 40 * count, 40):
                offset, address, link = self._unpack("<QQI", entry)
                name = self._text(names[offset : offset + LONGEST_NAME])
                if link not in NO_LINK:
                    raise Hdf5Error(f"{path}/{name} is a link to elsewhere")
                members[name] = address
        return members

    def _leaves(self, tree: int) -> Iterator[int]:
        """Yield the addresses of the nodes of a tree that hold names."""
        waiting = [tree]
        while waiting:
            address = waiting.pop()
            signature, count = self._unpack("<4s2xH", address)
            if signature == b"SNOD":
                yield address
            elif signature == b"TREE":
                waiting += [self._unpack("<Q", address + 32 + 16 * i)[0] for i in range(count)]
            else:
                raise Hdf5Error("its list of names is damaged")

    def _heap(self, address: int) -> memoryview:
        signature, size, _, segment = self._unpack("<4s4xQQQ", address)
        if signature != b"HEAP":
            raise Hdf5Error("its list of names is damaged")
        return self._slice(segment, size)

    def _array(self, node: _Object) -> np.ndarray:
        if node.find(EXTERNAL_FILES) is not None:
            raise Hdf5Error(f"{node.path} is stored in another file")
        space, datatype, layout = map(node.find, (DATASPACE, DATATYPE, DATA_LAYOUT))
        if space is None or datatype is None or layout is None:
            raise Hdf5Error(f"{node.path} is not an array")
        shape, numpy_type = _shape(space), _datatype(datatype).numpy_type
        if numpy_type is None:
            raise Hdf5Error(f"{node.path} does not hold numbers")
        count = math.prod(shape)
        offset, data = self._storage(layout, node, count * numpy_type.itemsize)
        try:
            return np.frombuffer(data, numpy_type, count, offset).reshape(shape)
        except ValueError as error:
            raise Hdf5Error(f"{node.path} has an impossible shape") from error

    def _storage(self, layout: memoryview, node: _Object, size: int) -> tuple[int, memoryview]:
        """Find where an array of `size` bytes lies."""
        version, kind = _unpack("<BB", layout, 0)
        if version != 3 or kind not in (COMPACT, CONTIGUOUS) or node.find(FILTERS) is not None:
            raise Hdf5Error(f"{node.path} is stored in a way that Keras does not use")
        offset, data = (4, layout) if kind == COMPACT else (_unpack("<Q", layout, 2)[0], self._data)
        if size == 0:
            return 0, data
        if offset + size > len(data):
            raise Hdf5Error(f"{node.path} claims more numbers than the file stores")
        return offset, data

    def _attribute(self, body: memoryview, wanted: str) -> str | list[str] | None:
        version, _, name_size, type_size, space_size = _unpack("<BBHHH", body, 0)
        if version not in (1, 3):
            raise Hdf5Error("an attribute is not of the kind that Keras writes")
        # Version 1 fills each part up to a multiple of 8 bytes; 3 also names the encoding.
        unit, offset = (8, 8) if version == 1 else (1, 9)
        parts = []
        for size in (name_size, type_size, space_size):
            parts.append(body[offset : offset + size])
            offset += -(-size // unit) * unit
        name = wanted.encode() + b"\0"
        if parts[0][: len(name)] != name:
            return None
        datatype, shape = _datatype(parts[1]), _shape(parts[2])
        texts = self._texts(datatype, math.prod(shape), body[offset:])
        return texts if shape else texts[0]

    def _texts(self, datatype: _Datatype, count: int, data: memoryview) -> list[str]:
        # An empty list has the type of numbers.
        if count == 0:
            return []
        if not 0 < count * datatype.size <= len(data):
            raise Hdf5Error("an attribute is cut off")
        elements = [data[i * datatype.size : (i + 1) * datatype.size] for i in range(count)]
        if datatype.kind == STRING:
            return [self._text(element) for element in elements]
        if datatype.kind == VARIABLE_LENGTH and datatype.flags & 0x0F == 1:
            return [self._heap_text(*_unpack("<IQI", element, 0)) for element in elements]
        raise Hdf5Error("an attribute does not hold text")

    def _heap_text(self, length: int, collection: int, wanted: int) -> str:
        signature, size = self._unpack("<4s4xQ", collection)
        offset, end = collection + 16, min(collection + size, len(self._data))
        while signature == b"GCOL" and offset + 16 <= end:
            index, object_size = self._unpack("<H6xQ", offset)
            if index == wanted and length <= object_size:
                return self._text(self._slice(offset + 16, length))
            offset += 16 + -(-object_size // 8) * 8
        raise Hdf5Error("a text is missing")


def _unpack(layout: str, data: memoryview, offset: int) -> tuple[Any, ...]:
    if offset + struct.calcsize(layout) > len(data):
        raise Hdf5Error("it is cut off, or damaged")
    return struct.unpack_from(layout, data, offset)


def _shape(space: memoryview) -> tuple[int, ...]:
    version, rank = _unpack("<BB", space, 0)
    if version not in (1, 2) or (version == 2 and space[3:4] == b"\x02"):
        raise Hdf5Error("an array has no shape")
    return _unpack(f"<{rank}Q", space, 8 if version == 1 else 4)


def _datatype(body: memoryview) -> _Datatype:
    kind_and_version, flags, size = _unpack("<BB2xI", body, 0)
    kind = kind_and_version & 0x0F
    order = ">" if flags & 1 else "<"
    numpy_type = None
    if kind == FLOAT and size in IEEE_FLOATS:
        exponent_bits, _, mantissa_bits = _unpack("<BBB", body, 13)
        if (exponent_bits, mantissa_bits) == IEEE_FLOATS[size]:
            numpy_type = np.dtype(f"{order}f{size}")
    elif kind == INTEGER and size in (1, 2, 4, 8):
        numpy_type = np.dtype(f"{order}{'i' if flags & 8 else 'u'}{size}")
    return _Datatype(kind, flags, size, numpy_type)
