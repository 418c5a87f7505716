import io
import os
import pickle
import struct
import time
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MultiLabelBinarizer

from pyimagesearch.artifacts import binarizer_pickle
from pyimagesearch.artifacts.binarizer_pickle import read_binarizer
from pyimagesearch.artifacts.pickle_records import PickleRefusedError

LABELS = ["black", "blue", "dréss", "джинсы"]
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

# Python 2.7 with NumPy 1.15: the labels are byte strings, the first one of NumPy's.
PYTHON_2 = rb"""ccopy_reg
_reconstructor
p0
(csklearn.preprocessing.label
MultiLabelBinarizer
p1
c__builtin__
object
p2
Ntp3
Rp4
(dp5
S'classes_'
p6
cnumpy.core.multiarray
_reconstruct
p7
(cnumpy
ndarray
p8
(I0
tp9
S'b'
p10
tp11
Rp12
(I1
(I2
tp13
cnumpy
dtype
p14
(S'O8'
p15
I0
I1
tp16
Rp17
(I3
S'|'
p18
NNNI-1
I-1
I63
tp19
bI00
(lp20
cnumpy.core.multiarray
scalar
p21
(g14
(S'S5'
p22
I0
I1
tp23
Rp24
(I3
S'|'
p25
NNNI5
I1
I0
tp26
bS'black'
p27
tp28
Rp29
aS'jeans'
p30
atp31
bsS'classes'
p32
NsS'sparse_output'
p33
I00
sb."""


def fitted(*labels, dtype=None):
    mlb = MultiLabelBinarizer().fit([labels])
    if dtype is not None:
        mlb.classes_ = mlb.classes_.astype(dtype)
    return mlb


def pickled_by_release(mlb, protocol, label_module, array_module):
    """Pickle a binarizer under the module names of other releases."""

    class Pickler(pickle._Pickler):
        def save_global(self, obj, name=None):
            names = {
                "sklearn.preprocessing._label": f"sklearn.preprocessing.{label_module}",
                "numpy._core.multiarray": f"numpy.{array_module}",
                "numpy._core.numeric": f"numpy.{array_module.split('.')[0]}.numeric",
            }
            module = names.get(obj.__module__, obj.__module__)
            self.write(f"c{module}\n{name or obj.__qualname__}\n".encode())
            self.memoize(obj)

        dispatch: ClassVar = pickle._Pickler.dispatch | {
            type: save_global,
            type(pickle.dumps): save_global,
            type(np.frombuffer): save_global,
        }

    buffer = io.BytesIO()
    Pickler(buffer, protocol).dump(mlb)
    return buffer.getvalue()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", [object, str, ">U9"])
def test_every_protocol_is_read(protocol, dtype):
    data = pickle.dumps(fitted(*LABELS, dtype=dtype), protocol)
    assert read_binarizer(data).classes == LABELS


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("label_module", ["label", "_label"])
@pytest.mark.parametrize(
    "array_module",
    ["core.multiarray", "core._multiarray_umath", "_core.multiarray", "_core._multiarray_umath"],
)
def test_the_module_names_of_all_releases_are_read(protocol, label_module, array_module):
    mlb = fitted(*(np.str_(label) for label in LABELS))
    data = pickled_by_release(mlb, protocol, label_module, array_module)
    assert f"sklearn.preprocessing.{label_module}\n".encode() in data
    assert f"numpy.{array_module}\nscalar\n".encode() in data
    assert read_binarizer(data).classes == LABELS


def test_a_pickle_of_python_2_is_read():
    assert read_binarizer(PYTHON_2).classes == ["black", "jeans"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", [int, np.int64, np.uint16, np.dtype(">i4").type])
def test_whole_numbers_are_read_as_text(protocol, kind):
    mlb = fitted(*(kind(year) for year in (1999, 2018, 2024)))
    assert read_binarizer(pickle.dumps(mlb, protocol)).classes == ["1999", "2018", "2024"]


def test_negative_and_big_endian_numbers_are_read():
    data = pickle.dumps(fitted(-3, 300, dtype=">i2"))
    assert read_binarizer(data).classes == ["-3", "300"]


def test_what_scikit_learn_has_cached_does_not_disturb():
    mlb = fitted(1, 2)
    mlb.transform([[1]])
    assert mlb._cached_dict
    assert read_binarizer(pickle.dumps(mlb)).classes == ["1", "2"]


def test_the_time_of_training_comes_along():
    mlb = fitted(*LABELS)
    mlb.trained_at = "2026-01-02T03:04:05+00:00"
    assert read_binarizer(pickle.dumps(mlb)) == (LABELS, mlb.trained_at)
    mlb.trained_at = ["no", "time"]
    assert read_binarizer(pickle.dumps(mlb)) == (LABELS, None)


class Hostile:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (os.system, ("touch {}",), "system"),
        (eval, ("open('{}', 'w')",), "eval"),
        (open, ("{}", "w"), "open"),
        (np.save, ("{}", [1]), "save"),
        (getattr, (0, "real"), "getattr"),
        (bytes, (10**8,), "bytes"),
    ],
)
def test_a_pickle_that_asks_for_more_is_refused_by_name_and_not_run(
    tmp_path, function, arguments, named
):
    target = tmp_path / "payload"
    arguments = [a.format(target) if isinstance(a, str) else a for a in arguments]
    mlb = fitted(*LABELS)
    mlb.extra = Hostile(function, *arguments)
    with pytest.raises(PickleRefusedError, match=f"asks for .*{named}"):
        read_binarizer(pickle.dumps(mlb))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a pickle"),
        (b"not a pickle", "not a pickle"),
        (pickle.dumps(LABELS), "no MultiLabelBinarizer"),
        (pickle.dumps(MultiLabelBinarizer), "no MultiLabelBinarizer"),
        (pickle.dumps(MultiLabelBinarizer()), "never been fitted"),
        (pickle.dumps(fitted(*LABELS))[:-20], "damaged"),
    ],
    ids=["empty", "text", "a list", "a class", "not fitted", "cut off"],
)
def test_what_holds_no_labels_is_refused(data, reason):
    with pytest.raises(PickleRefusedError, match=reason):
        read_binarizer(data)


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        (np.arange(3) / 2, "neither text nor whole numbers"),
        (np.array([None, "a"], object), "neither text nor whole numbers"),
        (np.array([LABELS]), "not a list of labels"),
        (np.array(["a", "a"]), "names a label twice"),
    ],
    ids=["fractions", "None", "two dimensions", "twice the same"],
)
def test_classes_that_are_no_labels_are_refused(classes, reason):
    mlb = fitted(*LABELS)
    mlb.classes_ = classes
    with pytest.raises(PickleRefusedError, match=reason):
        read_binarizer(pickle.dumps(mlb))


def with_shared_elements(element, count):
    """Write a binarizer whose classes are `count` times the same element, stored once."""
    data = pickle.dumps(fitted("a", "b", dtype=object), 2)
    start = data.index(b"(X\x01\x00\x00\x00a")
    end = data.index(b"e", start)
    return (
        data[:start]
        + b"("
        + element
        + b"r\x00\x04\x00\x00"
        + b"j\x00\x04\x00\x00" * (count - 1)
        + data[end:].replace(b"K\x02\x85", struct.pack("<BIB", ord("J"), count, 0x85))
    )


SCALAR = (
    b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x05\x00\x00\x00U9999K\x00K\x01\x87R"
    + b"c_codecs\nencode\nX"
    + struct.pack("<I", 4 * 9999)
    + bytes(4 * 9999)
    + b"X\x06\x00\x00\x00latin1\x86R\x86R"
)


def scalar(description, *more):
    """Write a label of NumPy's, of one letter; `more` stands behind its description."""
    dtype = b"cnumpy\ndtype\n(" + description + b"".join(more) + b"tR"
    return b"cnumpy.core.multiarray\nscalar\n" + dtype + b"B\4\0\0\0a\0\0\0\x86R"


def binary(content):
    return b"B" + struct.pack("<I", len(content)) + content


EMPTY_BINARIZER = pickle.dumps(MultiLabelBinarizer(), 2)
AN_INSTANCE = EMPTY_BINARIZER[: EMPTY_BINARIZER.index(b"}")]
BOMBS = {
    "nested tuples as a key": ("nested", b"\x80\x04})" + b"\x85" * 60 + b"K\x01s."),
    "pairs of one tuple": ("nested", b"\x80\x04)" + b"\x94h\x00\x86" * 60 + b"."),
    "200 kB of nested tuples": ("nested", b"\x80\x04)" + b"\x85" * 200_000 + b"."),
    "a list in itself": ("nested", b"\x80\x04]\x94" + b"h\x00h\x00a" * 100_000 + b"."),
    "empty sets": ("EMPTY_SET", b"\x80\x04" + b"\x8f" * 15_000_000 + b"."),
    "empty lists": ("instructions", b"\x80\x04" + b"]" * 15_000_000 + b"."),
    "marks": ("instructions", b"\x80\x04" + b"(" * 15_000_000 + b"."),
    "a memo of gigabytes": ("memo", b"\x80\x02]r" + struct.pack("<I", 2**31 - 1) + b"."),
    "a number of a million digits": ("damaged", b"I" + b"1" * 10**6 + b"\n."),
    "arguments replayed": (
        "instructions",
        b"\x80\x04cnumpy\nndarray\nq\0(" + b"N" * 100_000 + b"tq\1" + b"h\0h\1R" * 100_000 + b".",
    ),
    "an encoding replayed": ("longer", with_shared_elements(SCALAR, 50_000)),
    "a name replayed": (
        "too long",
        AN_INSTANCE + b"}(" + binary(bytes(10**7)) + b"q\xffN" + b"h\xffN" * 90_000 + b"ub.",
    ),
    "a type replayed": (
        "too long",
        with_shared_elements(scalar(binary(b"U" + b" " * 10**7 + b"1")), 190_000),
    ),
    "many arguments of a type replayed": (
        "list of labels",
        with_shared_elements(scalar(b"U\2U1", b"N" * 90_000), 90_000),
    ),
    "a text replayed": (
        "longer",
        with_shared_elements(b"X\xff\xff\x00\x00" + b"a" * 65_535, 50_000),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("reason", "data"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_at_once(reason, data):
    began = time.process_time()
    with pytest.raises(PickleRefusedError, match=reason):
        read_binarizer(data)
    assert time.process_time() - began < 5


def test_labels_of_one_letter_that_fill_a_file_are_refused():
    mlb = fitted("a", dtype="S1")
    mlb.classes_ = np.frombuffer(bytes(10_001), "S1")
    with pytest.raises(PickleRefusedError, match="more than 10,000 labels"):
        read_binarizer(pickle.dumps(mlb))


def test_a_thousand_labels_are_within_the_limits():
    labels = sorted(f"label {number}" for number in range(1000))
    mlb = fitted(*(np.str_(label) for label in labels))
    for protocol in PROTOCOLS:
        assert read_binarizer(pickle.dumps(mlb, protocol)).classes == labels


def read_or_refused(data):
    try:
        classes = read_binarizer(data).classes
    except PickleRefusedError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(label, str) for label in classes)


# Where the module's name begins in a pickle of protocol 4.
DAMAGED_NAME = pickle.dumps(fitted(*LABELS), 4).index(b"sklearn")


@given(
    st.sampled_from(PROTOCOLS),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), max_size=5),
)
@example(protocol=4, damage=[(DAMAGED_NAME, ord("\n"))])
def test_damage_is_read_or_refused(protocol, damage):
    data = bytearray(pickle.dumps(fitted(*LABELS), protocol))
    for place, value in damage:
        data[place % len(data)] = value
    read_or_refused(bytes(data))


NAMES = [
    "c{0}\n{2}\n".format(*name.rpartition(".")).encode() for name in binarizer_pickle.KNOWN_NAMES
]
PIECES = [
    *NAMES, b"(", b")", b"]", b"}", b"l", b"d", b"t", b"\x85", b"\x86", b"\x87", b"a", b"e", b"s",
    b"u", b"b", b"R", b"\x81", b"\x94", b"h\x00", b"h\x01", b"q\x00", b"N", b"K\x01", b"K\x05",
    b"C\x04a\0\0\0", b"X\x08\0\0\0classes_", b"X\x02\0\0\0U1", b"X\x02\0\0\0i4", b"X\x01\0\0\0<",
    b"J\xff\xff\xff\xff", b"G\x7f\xf0\0\0\0\0\0\0", b"U\x01\xff",
]  # fmt: skip


@pytest.mark.slow
@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_random_programs_are_read_or_refused(pieces):
    read_or_refused(b"\x80\x02" + b"".join(pieces) + b".")
