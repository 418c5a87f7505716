import io
import struct
import zipfile

import h5py
import numpy as np
import pytest
from damage import damaged_copies, read_or_refused_at_once
from hypothesis import given, settings
from hypothesis import strategies as st
from legacy_models import LEGACY

from pyimagesearch.artifacts import hdf5
from pyimagesearch.artifacts.hdf5 import Hdf5Error, Hdf5File

OF_KERAS_2 = (LEGACY / "tutorial.model").read_bytes()


def written(write, **options):
    """Return the bytes of a file that h5py writes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        write(file)
    return buffer.getvalue()


def assert_reads_like_h5py(data):
    ours = Hdf5File(data)
    found = {}

    def compare(path, theirs):
        for name, value in theirs.attrs.items():
            value = value.tolist() if isinstance(value, np.ndarray) else value
            texts = [v.decode() if isinstance(v, bytes) else v for v in np.atleast_1d(value)]
            assert ours.attribute(path, name) == (texts if isinstance(value, list) else texts[0])
        if isinstance(theirs, h5py.Group):
            assert sorted(ours.names(path)) == sorted(theirs)
        else:
            found[path] = theirs[()]
            assert ours.array(path).dtype == theirs.dtype

    with h5py.File(io.BytesIO(data)) as file:
        compare("", file)
        file.visititems(compare)
    arrays = ours.arrays()
    assert set(arrays) == set(found)
    for path, array in found.items():
        np.testing.assert_array_equal(arrays[path], array)


def test_a_file_of_keras_2_is_read_like_h5py_reads_it():
    assert_reads_like_h5py(OF_KERAS_2)


def test_the_weights_of_keras_3_are_read_like_h5py_reads_them(archive):
    with zipfile.ZipFile(archive) as entries:
        assert_reads_like_h5py(entries.read("model.weights.h5"))


@settings(max_examples=20)
@given(
    st.sampled_from(["<f2", "<f4", ">f8", "u1", "<i2", ">u4", "<i8"]),
    st.lists(st.integers(0, 5), max_size=4),
    st.lists(st.text(st.characters(min_codepoint=1, codec="utf-8"), max_size=9), max_size=9),
    st.integers(1, 40),
)
def test_arrays_texts_and_groups_of_all_kinds_are_read_like_h5py_reads_them(
    dtype, shape, texts, count
):
    array = np.arange(np.prod(shape, dtype=int)).astype(dtype).reshape(shape)

    def write(file):
        for number in range(count):
            file[f"group {number}/{'inner/' * (number % 3)}array"] = array
        file.attrs["text"] = "".join(texts)
        file.attrs["bytes"] = np.bytes_("".join(texts).encode() or b"x")
        file.attrs["list"] = texts
        file["group 0"].attrs["fixed"] = np.array([text.encode() for text in texts], "S40")

    assert_reads_like_h5py(written(write))


def test_an_array_is_no_copy():
    data = written(lambda file: file.update(a=np.zeros(1000)))
    assert np.shares_memory(Hdf5File(data).array("a"), np.frombuffer(data, "u1"))


def test_an_attribute_that_is_not_there_is_none():
    data = written(lambda file: file.attrs.update(here="x"))
    assert Hdf5File(data).attribute("", "there") is None


def test_what_is_missing_is_named():
    file = Hdf5File(written(lambda file: file.update({"a/b": 1.0})))
    for path in ("x", "a/x"):
        with pytest.raises(Hdf5Error, match=f"{path} is missing"):
            file.array(path)
    with pytest.raises(Hdf5Error, match="not an array"):
        file.array("a")
    with pytest.raises(Hdf5Error, match="a/b is not a group"):
        file.names("a/b")


def external_link(file):
    file["a"] = h5py.ExternalLink("other.h5", "/a")


def soft_link(file):
    file["b"] = 1.0
    file["a"] = h5py.SoftLink("/b")


def external_storage(file):
    file.create_dataset("a", (4,), "f4", external=[("other", 0, 16)])


def compressed(file):
    file.create_dataset("a", data=np.zeros(100), compression="gzip")


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "a", (4,))
    file.create_virtual_dataset("a", layout)


def never_written(file):
    file.create_dataset("a", (10**9,), "f4")


def text(file):
    file["a"] = "text"


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (external_link, "link"),
        (soft_link, "link"),
        (external_storage, "another file"),
        (virtual, "not use"),
        (compressed, "not use"),
        (never_written, "more numbers"),
        (text, "not hold numbers"),
    ],
)
def test_an_array_that_does_not_lie_in_the_file_is_refused(write, reason):
    with pytest.raises(Hdf5Error, match=reason):
        Hdf5File(written(write)).array("a")


def test_groups_in_circles_are_refused():
    def write(file):
        file["a/b/c"] = file["/"]

    with pytest.raises(Hdf5Error, match="circles"):
        Hdf5File(written(write)).arrays()


def test_a_list_that_repeats_a_long_text_is_refused(monkeypatch):
    monkeypatch.setattr(hdf5, "MAX_TEXT", 10_000)
    data = written(lambda file: file.attrs.update(a=["long" * 1000, "b", "c"]))
    # An element of a list is the length of a text, where it lies and its number there.
    start = data.index(struct.pack("<IQ", 4000, data.index(b"GCOL")))
    assert Hdf5File(data).attribute("", "a") == ["long" * 1000, "b", "c"]
    shared = data[:start] + data[start : start + 16] * 3 + data[start + 48 :]
    with pytest.raises(Hdf5Error, match="more text"):
        Hdf5File(shared).attribute("", "a")


def test_many_members_of_a_group_with_a_long_name_are_refused(monkeypatch):
    data = written(lambda file: file.update({f"{'long' * 100}/{n}": 1.0 for n in range(30)}))
    assert len(Hdf5File(data).arrays()) == 30
    monkeypatch.setattr(hdf5, "MAX_TEXT", 10_000)
    with pytest.raises(Hdf5Error, match="more text"):
        Hdf5File(data).arrays()


def test_groups_that_hold_the_same_group_are_refused():
    def write(file):
        file["a/array"] = 1.0
        file["b"] = file["a"]

    with pytest.raises(Hdf5Error, match="circles"):
        Hdf5File(written(write)).arrays()


def test_a_file_of_more_parts_than_any_model_is_refused(monkeypatch):
    data = written(lambda file: file.update({f"{n}": 1.0 for n in range(30)}))
    assert len(Hdf5File(data).arrays()) == 30
    monkeypatch.setattr(hdf5, "MAX_READS", 100)
    with pytest.raises(Hdf5Error, match="too many"):
        Hdf5File(data).arrays()


@pytest.mark.parametrize(
    "data",
    [b"", b"text", written(lambda file: None, libver="latest")],
    ids=["empty", "text", "a newer form"],
)
def test_other_files_are_refused(data):
    with pytest.raises(Hdf5Error, match="not an HDF5 file of the kind that Keras writes"):
        Hdf5File(data)


def test_a_file_cut_off_anywhere_is_refused():
    for kept in (*range(100), *range(100, len(OF_KERAS_2), 997)):
        with pytest.raises(Hdf5Error):
            Hdf5File(OF_KERAS_2[:kept]).arrays()


@pytest.mark.slow
def test_a_damaged_file_is_read_or_refused_at_once():
    for damaged in damaged_copies(OF_KERAS_2, 500):
        with read_or_refused_at_once(Hdf5Error):
            file = Hdf5File(damaged)
            file.arrays()
            file.attribute("", "model_config")
