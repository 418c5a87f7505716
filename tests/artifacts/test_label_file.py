import io
import os
import pickle
import struct
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import MultiLabelBinarizer

from pyimagesearch.artifacts.label_file import PickleRefusedError, read_binarizer

NAMES = ["black", "blue", "dréss", "джинсы"]


class PicklerWithOldNames(pickle._Pickler):
    """Writes names as scikit-learn 0.19 and NumPy 1.15 did."""

    def save_global(self, obj, name=None):
        old = {"sklearn.preprocessing._label": "sklearn.preprocessing.label"}
        module = obj.__module__
        module = old.get(module, module).replace("numpy._core", "numpy.core")
        self.write(b"c" + f"{module}\n{name or obj.__qualname__}\n".encode())
        self.memoize(obj)

    dispatch: ClassVar = pickle._Pickler.dispatch | {
        type: save_global,
        type(pickle.dumps): save_global,
    }


def binarizer(dtype=object):
    mlb = MultiLabelBinarizer().fit([NAMES])
    mlb.classes_ = mlb.classes_.astype(dtype)
    return mlb


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", [object, str, ">U9"])
def test_reads_every_protocol(protocol, dtype):
    assert read_binarizer(pickle.dumps(binarizer(dtype), protocol)).classes == NAMES


@pytest.mark.parametrize("protocol", [2, 3])
def test_reads_the_names_of_older_releases(protocol):
    buffer = io.BytesIO()
    PicklerWithOldNames(buffer, protocol).dump(binarizer())
    assert b"sklearn.preprocessing.label\n" in buffer.getvalue()
    assert b"numpy.core.multiarray\n" in buffer.getvalue()
    assert read_binarizer(buffer.getvalue()).classes == NAMES


class Hostile:
    def __init__(self, function, *arguments):
        self.recipe = (function, arguments)

    def __reduce__(self):
        return self.recipe


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (os.system, ("touch {}",), "system"),
        (eval, ("open('{}', 'w')",), "eval"),
        (open, ("{}", "w"), "open"),
        (np.save, ("{}", [1]), "save"),
        (getattr, (np, "save"), "getattr"),
    ],
)
def test_a_pickle_that_asks_for_more_is_refused_by_name_and_not_run(
    tmp_path, function, arguments, named
):
    target = tmp_path / "payload"
    arguments = [a.format(target) if isinstance(a, str) else a for a in arguments]
    if function is getattr:
        arguments = [0, "real"]
    mlb = binarizer()
    mlb.extra = Hostile(function, *arguments)
    with pytest.raises(PickleRefusedError, match=f"asks for .*{named}"):
        read_binarizer(pickle.dumps(mlb))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        pickle.dumps(NAMES),
        pickle.dumps(MultiLabelBinarizer()),
        pickle.dumps(binarizer())[:-20],
    ],
    ids=["empty", "text", "a list", "not fitted", "cut off"],
)
def test_what_holds_no_labels_is_refused(content):
    with pytest.raises(PickleRefusedError):
        read_binarizer(content)


def test_classes_that_are_no_names_are_refused():
    mlb = binarizer()
    for classes in (np.arange(3), np.array([1, "a"], object), np.array([NAMES])):
        mlb.classes_ = classes
        with pytest.raises(PickleRefusedError):
            read_binarizer(pickle.dumps(mlb))


def test_a_memo_of_gigabytes_is_refused_before_it_is_allocated():
    claim = b"\x80\x02]r" + struct.pack("<I", 2**31 - 1) + b"."
    with pytest.raises(PickleRefusedError, match="memo"):
        read_binarizer(claim)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=5))
def test_damage_is_refused_or_read_but_never_anything_else(damage):
    data = bytearray(pickle.dumps(binarizer()))
    for place, value in damage:
        data[place % len(data)] = value
    try:
        names = read_binarizer(bytes(data)).classes
    except PickleRefusedError:
        return
    assert all(isinstance(name, str) for name in names)
