import struct

import numpy as np
import pytest
from damage import damaged_copies, read_or_refused_at_once
from legacy_models import LEGACY

from pyimagesearch.artifacts import tensorflow_files
from pyimagesearch.artifacts.tensorflow_files import (
    TABLE_MAGIC,
    TensorFlowFileError,
    message_fields,
    read_checkpoint,
    submessages,
)

VARIABLES = LEGACY / "saved_model" / "variables"
INDEX = (VARIABLES / "variables.index").read_bytes()
DATA = (VARIABLES / "variables.data-00000-of-00001").read_bytes()


def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(shape, offset, size, dtype=1):
    dimensions = b"".join(field(2, field(1, length)) for length in shape)
    return field(1, dtype) + field(2, dimensions) + field(4, offset) + field(5, size)


def block(pairs):
    """Write a block of a sorted table, and what follows it: no compression, and a checksum."""
    content = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in pairs
    )
    return content + struct.pack("<II", 0, 1) + bytes(5)


def table(entries, *, pointed_to=1):
    """Write a sorted table with one block of entries, to which its index points so many times."""
    data = block(entries)
    index = block([(b"z", varint(0) + varint(len(data) - 5))] * pointed_to)
    handles = varint(0) + varint(0) + varint(len(data)) + varint(len(index) - 5)
    return data + index + handles.ljust(40, b"\0") + struct.pack("<Q", TABLE_MAGIC)


def test_a_message_is_taken_apart():
    message = field(1, 300) + field(2, b"text") + b"\x1d\1\2\3\4" + b"\x21" + bytes(8)
    assert list(message_fields(message)) == [
        (1, 300),
        (2, b"text"),
        (3, b"\1\2\3\4"),
        (4, bytes(8)),
    ]
    assert submessages(message, 2) == [b"text"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"\x08", "cut off"),
        (b"\x0a\x05abc", "cut off"),
        (b"\x0b", "a message in it is damaged"),
        (b"\x08" + b"\xff" * 20, "a number in it is damaged"),
    ],
    ids=["no number", "part of a text", "an unknown kind of field", "an endless number"],
)
def test_a_damaged_message_is_refused(message, reason):
    with pytest.raises(TensorFlowFileError, match=reason):
        list(message_fields(message))


def test_a_message_of_endless_fields_is_refused_at_once():
    with pytest.raises(TensorFlowFileError, match="fields"):
        list(message_fields(field(1, 0) * 10**6))


def test_the_arrays_of_a_checkpoint_are_views_of_its_data():
    numbers = np.arange(6, dtype="<f4")
    index = table([(b"", b""), (b"a", entry((2, 3), 0, 24)), (b"step", entry((), 0, 8, dtype=9))])
    arrays = read_checkpoint(index, numbers.tobytes())
    assert set(arrays) == {"a"}
    np.testing.assert_array_equal(arrays["a"], numbers.reshape(2, 3))


def test_a_checkpoint_of_tensorflow_is_read():
    arrays = read_checkpoint(INDEX, DATA)
    kernel = arrays["layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE"]
    assert kernel.shape == (3, 3, 3, 3)
    assert 0.05 < np.abs(kernel).mean() < 0.5


@pytest.mark.parametrize(
    "claim",
    [
        entry((10**9,), 0, 4 * 10**9),
        entry((10**9,), 0, 24),
        entry((2, 3), 8, 24),
        entry((2**62, 0), 0, 0),
        entry((2**40,) * 20, 0, 24),
    ],
    ids=["more than stored", "more than its size", "over the end", "odd", "enormous"],
)
def test_an_array_that_claims_more_than_is_stored_is_refused_by_name(claim):
    with pytest.raises(TensorFlowFileError, match=r"^kernel "):
        read_checkpoint(table([(b"kernel", claim)]), bytes(24))


def test_a_table_of_endless_entries_is_refused(monkeypatch):
    index = table([(b"", b"")] * 11)
    assert read_checkpoint(index, b"") == {}
    monkeypatch.setattr(tensorflow_files, "MAX_ENTRIES", 10)
    with pytest.raises(TensorFlowFileError, match="more than 10 weights"):
        read_checkpoint(index, b"")


def test_a_table_of_endless_names_is_refused():
    with pytest.raises(TensorFlowFileError, match="list of weights is damaged"):
        read_checkpoint(table([(b"a" * 1001, entry((), 0, 4))]), bytes(4))


@pytest.mark.parametrize("entries", [[], [(b"a", bytes(1000))]], ids=["empty", "of an entry"])
def test_a_table_that_points_to_a_block_again_and_again_is_refused(entries):
    with pytest.raises(TensorFlowFileError, match="list of weights is damaged"):
        read_checkpoint(table(entries, pointed_to=50), b"")


def test_a_checkpoint_cut_off_anywhere_is_refused():
    for kept in range(0, len(INDEX), 97):
        with pytest.raises(TensorFlowFileError):
            read_checkpoint(INDEX[:kept], DATA)
    with pytest.raises(TensorFlowFileError):
        read_checkpoint(INDEX, DATA[: len(DATA) // 2])


@pytest.mark.slow
def test_a_damaged_checkpoint_is_read_or_refused_at_once():
    for damaged in damaged_copies(INDEX, 500):
        with read_or_refused_at_once(TensorFlowFileError):
            read_checkpoint(damaged, DATA)
