import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.artifacts.model_metadata import (
    FIELDS,
    MOST_BYTES,
    MetadataError,
    from_bytes,
    to_bytes,
)
from pyimagesearch.errors import UserError

METADATA = {
    "labels": ["blue", "jeans"],
    "free_labels": True,
    "image_size": 24,
    "fit": "pad",
    "combinations": [["blue", "jeans"], ["blue"]],
    "composed": [],
    "trained_at": "2026-01-02T03:04:05+00:00",
    "images": {"training": 8, "composed": 0, "test": 2},
    "test_accuracies": {"binary": 1.0, "exact": 0},
    "thresholds": {"blue": 0.5, "jeans": 0.1},
}


def read(metadata):
    return from_bytes(json.dumps(metadata).encode(), image_size=24, outputs=2)


def test_every_field_comes_back():
    assert set(METADATA) == set(FIELDS)
    assert read(METADATA) == METADATA


def test_every_name_comes_back():
    # A folder whose name is no UTF-8 has a lone surrogate in it.
    names = ["blue", "größe", "青", "👗", 'a "b"', "a\\b\n", "\udcff"]
    metadata = {"labels": names, "combinations": [[name] for name in names]}
    assert from_bytes(to_bytes(metadata), image_size=24, outputs=len(names)) == metadata


def test_a_name_takes_no_more_room_than_its_characters_two_quotes_and_a_comma():
    one, two = (len(to_bytes({"labels": names})) for names in (["blue"], ["blue", "größe 青"]))
    assert two - one == len("größe 青".encode()) + 3


def test_the_longest_metadata_that_are_written_are_read():
    longest = "x" * (MOST_BYTES - len(to_bytes({"labels": [""]})))
    text = to_bytes({"labels": [longest]})
    assert from_bytes(text, image_size=24, outputs=1) == {"labels": [longest]}
    with pytest.raises(UserError, match="room for 16 MiB"):
        to_bytes({"labels": [f"{longest}x"]})


def test_longer_metadata_are_not_read():
    text = to_bytes({"labels": ["blue"]}) + b" " * MOST_BYTES
    with pytest.raises(MetadataError, match="larger than 16 MiB"):
        from_bytes(text, image_size=24, outputs=1)


def test_only_the_labels_are_needed():
    assert read({"labels": ["blue", "jeans"]}) == {"labels": ["blue", "jeans"]}


def test_fields_that_nobody_describes_are_left_out():
    assert read(METADATA | {"colour": "blue"}) == METADATA


WRONG = {
    "labels": [None, [], ["blue"], ["blue", "blue"], ["blue", 1], ["blue", ["jeans"]], "ab", {}],
    "image_size": [None, 23, 0, -1, True, "24", [24]],
    "fit": [None, 0, "", "stretch", ["pad"], {"pad": 1}],
    "combinations": [None, 1, [1], [["red"]], [["blue", "blue"]], [[]], [[["blue"]]], "blue"],
    "composed": [None, {}, [["blue", None]]],
    "trained_at": [None, 0, ["2026"], "x" * 1000],
    "images": [None, 3, [1], {"training": -1}, {"training": "8"}, {"training": True}],
    "test_accuracies": [None, 1, {"binary": 2}, {"binary": float("nan")}, {"binary": "1"}],
    "thresholds": [
        *(None, [0.5, 0.5], 0.5, {"blue": 0.5}, {"blue": 0.5, "jeans": None}),
        *({"blue": 0.5, "jeans": 1.5}, {"blue": 0.5, "jeans": float("inf")}),
        {"blue": 0.5, "jeans": True},
    ],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in WRONG.items() for value in values]
)
def test_a_wrong_field_is_named(field, value):
    complaint = "its labels are not " if field == "labels" else f"its field {field} is not "
    with pytest.raises(MetadataError, match=complaint):
        read(METADATA | {field: value})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "it is damaged"),
        (b"{", "it is damaged"),
        (b"\xff", "it is damaged"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"null", "it is not an object"),
        (b"[]", "it is not an object"),
        (b'"labels"', "it is not an object"),
    ],
)
def test_what_is_not_an_object_is_refused(text, reason):
    with pytest.raises(MetadataError, match=reason):
        from_bytes(text, image_size=24, outputs=2)


def test_labels_of_another_network_are_refused():
    with pytest.raises(MetadataError, match="3 different names"):
        from_bytes(json.dumps(METADATA).encode(), image_size=24, outputs=3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["blue", "jeans"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["blue", "jeans", "test"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(list(FIELDS)), JSON))
def test_any_values_are_read_or_refused(changes):
    try:
        metadata = read(METADATA | changes)
    except MetadataError as error:
        assert "\n" not in str(error)
    else:
        assert metadata["labels"] == ["blue", "jeans"]
        assert all(0 <= value <= 1 for value in metadata["thresholds"].values())
        assert all(set(labels) <= {"blue", "jeans"} for labels in metadata["combinations"])
