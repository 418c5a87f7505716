"""Reads what TensorFlow 2 stores in a SavedModel folder, in plain Python.

Importing TensorFlow takes longer than everything else that classification does, and the graph in
such a folder could do anything that TensorFlow can. Only two things are needed of it: messages of
protocol buffers (https://protobuf.dev/programming-guides/encoding) and the checkpoint with the
weights: a sorted table of names in the format of LevelDB
(https://github.com/google/leveldb/blob/main/doc/table_format.md), and a file with the numbers
(tensorflow/core/protobuf/tensor_bundle.proto in TensorFlow's sources).
"""

import math
import struct
from collections.abc import Iterator

import numpy as np

from pyimagesearch.artifacts.network_description import DescriptionError

TABLE_MAGIC = 0xDB4775248B80FB57
FOOTER_BYTES = 48
TRAILER_BYTES = 5  # after each block: the kind of compression, a checksum
UNCOMPRESSED = 0
LONGEST_NAME = 1000
MAX_ENTRIES = 50_000
MAX_DIMENSIONS = 32

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
# The numbers of types in tensorflow/core/framework/types.proto.
FLOAT_TYPES = {1: "<f4", 2: "<f8", 19: "<f2"}


class TensorFlowFileError(DescriptionError):
    """A file is damaged, or is not one that TensorFlow writes; says why."""


def message_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Take a message of protocol buffers apart.

    Parameters
    ----------
    message : bytes
        Encoded.

    Yields
    ------
    int
        The field's number.
    int or bytes
        Its value; text and messages in the message are bytes.

    Raises
    ------
    TensorFlowFileError
        If the message is damaged.
    """
    offset = count = 0
    while offset < len(message):
        count += 1
        if count > MAX_ENTRIES:
            raise TensorFlowFileError(f"a message in it has more than {MAX_ENTRIES:,} fields")
        key, offset = _varint(message, offset)
        wire_type = key & 7
        value: int | bytes
        if wire_type == VARINT:
            value, offset = _varint(message, offset)
        else:
            if wire_type == BYTES:
                size, offset = _varint(message, offset)
            elif wire_type in (FIXED32, FIXED64):
                size = 4 if wire_type == FIXED32 else 8
            else:
                raise TensorFlowFileError("a message in it is damaged")
            value = _slice(message, offset, size)
            offset += size
        yield key >> 3, value


def submessages(message: bytes, number: int) -> list[bytes]:
    """Return all values of a field that holds text or messages.

    Parameters
    ----------
    message : bytes
        Encoded.
    number : int
        The field's number.

    Returns
    -------
    list of bytes
        In their order in the message.

    Raises
    ------
    TensorFlowFileError
        If the message is damaged.
    """
    fields = message_fields(message)
    return [value for found, value in fields if found == number and isinstance(value, bytes)]


def read_checkpoint(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """Read the floating-point numbers of a checkpoint.

    Parameters
    ----------
    index : bytes
        The file ``variables.index``.
    data : bytes
        The file ``variables.data-00000-of-00001``.

    Returns
    -------
    dict of str to numpy.ndarray
        The arrays by their names, views of `data`.

    Raises
    ------
    TensorFlowFileError
        If a file is damaged.
    """
    arrays = {}
    for name, entry in _table(index):
        # The entry without a name describes the checkpoint as a whole.
        array = _array(entry, data, name) if name else None
        if array is not None:
            arrays[name] = array
    return arrays


def _array(entry: bytes, data: bytes, name: str) -> np.ndarray | None:
    """Return the array that an entry of the table describes, None if it does not hold floats."""
    numbers = _integers(entry)
    dtype, shard, offset, size = (numbers.get(number, 0) for number in (1, 3, 4, 5))
    if dtype not in FLOAT_TYPES:
        return None
    dimensions = [dim for shape in submessages(entry, 2) for dim in submessages(shape, 2)]
    shape = [_integers(dim).get(1, 0) for dim in dimensions[:MAX_DIMENSIONS]]
    itemsize = np.dtype(FLOAT_TYPES[dtype]).itemsize
    if shard != 0 or size != math.prod(shape) * itemsize or offset + size > len(data):
        raise TensorFlowFileError(f"{name} claims other numbers than are stored")
    try:
        return np.ndarray(shape, FLOAT_TYPES[dtype], data, offset)
    except (ValueError, OverflowError) as error:
        raise TensorFlowFileError(f"{name} has an impossible shape") from error


def _integers(message: bytes) -> dict[int, int]:
    """Return the fields of a message that hold whole numbers; those with the value 0 are absent."""
    return {number: value for number, value in message_fields(message) if isinstance(value, int)}


def _table(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the keys and values of a sorted table."""
    footer = _slice(data, max(0, len(data) - FOOTER_BYTES), FOOTER_BYTES)
    if struct.unpack_from("<Q", footer, 40)[0] != TABLE_MAGIC:
        raise TensorFlowFileError("its list of weights is damaged")
    _, offset = _block_handle(footer, 0)
    index_block, _ = _block_handle(footer, offset)
    count, left = 0, len(data)
    for _, handle in _block_entries(data, index_block):
        block, _ = _block_handle(handle, 0)
        # Blocks do not overlap. A block that is named again and again would be read as often.
        left -= block[1] + TRAILER_BYTES
        if left < 0:
            raise TensorFlowFileError("its list of weights is damaged")
        for key, value in _block_entries(data, block):
            count += 1
            if count > MAX_ENTRIES:
                raise TensorFlowFileError(f"it lists more than {MAX_ENTRIES:,} weights")
            yield key.decode("utf-8", "replace"), value


def _block_handle(data: bytes, offset: int) -> tuple[tuple[int, int], int]:
    start, offset = _varint(data, offset)
    size, offset = _varint(data, offset)
    return (start, size), offset


def _block_entries(data: bytes, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of a block, each key stored as what differs from the key before it."""
    start, size = handle
    block = _slice(data, start, size)
    if _slice(data, start + size, 1)[0] != UNCOMPRESSED or size < 4:
        raise TensorFlowFileError("its list of weights is compressed, or damaged")
    # At the end of a block stand offsets into it for searching, and their number.
    end = size - 4 * (1 + struct.unpack_from("<I", block, size - 4)[0])
    offset, key = 0, b""
    while offset < end:
        shared, offset = _varint(block, offset)
        unshared, offset = _varint(block, offset)
        value_size, offset = _varint(block, offset)
        key = key[:shared] + _slice(block, offset, unshared)
        if len(key) > LONGEST_NAME:
            raise TensorFlowFileError("its list of weights is damaged")
        yield key, _slice(block, offset + unshared, value_size)
        offset += unshared + value_size


def _slice(data: bytes, offset: int, size: int) -> bytes:
    if offset + size > len(data):
        raise TensorFlowFileError("it is cut off, or damaged")
    return data[offset : offset + size]


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    """Read a number of 7 bits a byte, and return it with the offset of what follows."""
    value = 0
    for shift in range(0, 64, 7):
        if offset >= len(data):
            raise TensorFlowFileError("it is cut off, or damaged")
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
    raise TensorFlowFileError("a number in it is damaged")
