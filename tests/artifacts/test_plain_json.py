import contextlib

import pytest
from counting import count_events
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.artifacts.plain_json import MAX_DEPTH, MAX_JSON_BYTES, JsonError, read_json


def test_values_come_back():
    assert read_json('{"a": [1, null, "é"]}') == {"a": [1, None, "é"]}
    assert read_json('"é"'.encode()) == "é"


@pytest.mark.parametrize("text", ["", "{", "[1,]", b"\xff", "1" * 5000])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(JsonError, match="damaged"):
        read_json(text)


def test_depth_is_limited():
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for depth in (MAX_DEPTH + 2, 100_000):
        with pytest.raises(JsonError, match="deeply"):
            read_json("[" * depth + "1" + "]" * depth)


def test_size_is_limited():
    with pytest.raises(JsonError, match="larger"):
        read_json(" " * (MAX_JSON_BYTES + 1))
    with pytest.raises(JsonError, match="larger than 1 MiB"):
        read_json(" " * (2**20 + 1), most_bytes=2**20)
    assert read_json("1" + " " * MAX_JSON_BYTES, most_bytes=2 * MAX_JSON_BYTES) == 1


def test_the_work_for_a_text_grows_as_its_length_does():
    texts = ["[" + "[]," * count + "[[[]]]]" for count in (500, 2000)]
    short, long = (count_events("line", read_json, text) for text in texts)
    assert long < 5 * short


@given(st.binary(max_size=50) | st.text('[]{}":,0\\', max_size=50))
def test_anything_is_read_or_refused(text):
    with contextlib.suppress(JsonError):
        read_json(text)
