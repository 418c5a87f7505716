"""A pickled MultiLabelBinarizer read as data: nothing that a pickle asks for is ever called.

A pickle is a program. This reader runs it with stand-ins for the few classes and functions that a
MultiLabelBinarizer needs, under all the names they have had, and refuses every other name. The
stand-ins keep what they are given and do nothing.
"""

import io
import os
import pickle
import pickletools
from pathlib import Path
from typing import Any, NamedTuple

from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.errors import UserError
from pyimagesearch.files import written_whole

MAX_PICKLE_BYTES = 2**24


class PickleRefusedError(ValueError):
    """A pickle is damaged, or holds something other than a MultiLabelBinarizer."""


class StoredBinarizer(NamedTuple):
    """What a pickled MultiLabelBinarizer says.

    Attributes
    ----------
    classes : list of str
        ``mlb.classes_``, the labels in the order of the network's outputs.
    trained_at : str or None
        When the run that it comes from ended, where train.py has noted that.
    """

    classes: list[str]
    trained_at: str | None


class _Binarizer:
    """Stands in for ``sklearn.preprocessing.MultiLabelBinarizer``."""


class _Array:
    """Stands in for a NumPy array: keeps its state, which is its shape, type and data."""

    state: tuple = ()

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _DataType:
    """Stands in for ``numpy.dtype``."""

    def __init__(self, *description: Any) -> None:
        self.description = description
        self.byte_order = "<"

    def __setstate__(self, state: Any) -> None:
        self.byte_order = state[1]


def _reconstruct_array(*_: Any) -> _Array:
    return _Array()


def _array_from_buffer(buffer: Any, data_type: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.state = (1, shape, data_type, order == "F", bytes(buffer))
    return array


def _scalar(data_type: Any, data: Any) -> str:
    return _decode_strings(data_type, data)[0]


def _encode(text: str, encoding: str = "latin1") -> bytes:
    return text.encode("latin1")


def _reconstruct_object(*_: Any) -> _Binarizer:
    return _Binarizer()


def _allowed_names() -> dict[tuple[str, str], Any]:
    allowed: dict[tuple[str, str], Any] = {
        ("numpy", "dtype"): _DataType,
        ("numpy", "ndarray"): _Array,
        # How pickles of protocol 0 to 2 spell bytes and objects.
        ("_codecs", "encode"): _encode,
        ("copyreg", "_reconstructor"): _reconstruct_object,
        ("copy_reg", "_reconstructor"): _reconstruct_object,
        ("builtins", "object"): object,
        ("__builtin__", "object"): object,
    }
    # scikit-learn renamed its module in 0.22, NumPy its package in 2.0.
    for module in ("label", "_label"):
        allowed[f"sklearn.preprocessing.{module}", "MultiLabelBinarizer"] = _Binarizer
    for core in ("core", "_core"):
        allowed[f"numpy.{core}.multiarray", "_reconstruct"] = _reconstruct_array
        allowed[f"numpy.{core}.multiarray", "scalar"] = _scalar
        allowed[f"numpy.{core}.numeric", "_frombuffer"] = _array_from_buffer
    return allowed


class _BinarizerUnpickler(pickle.Unpickler):
    allowed = _allowed_names()

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self.allowed[module, name]
        except KeyError:
            raise PickleRefusedError(f"it asks for {module}.{name}") from None


def read_binarizer(data: bytes) -> StoredBinarizer:
    """Read the label names out of a pickled MultiLabelBinarizer.

    Parameters
    ----------
    data : bytes
        The pickle, of any protocol.

    Returns
    -------
    StoredBinarizer
        All that is used of it.

    Raises
    ------
    PickleRefusedError
        If the pickle asks for anything that a MultiLabelBinarizer does not need, is damaged, or
        holds something else. Its message says what.
    """
    if len(data) > MAX_PICKLE_BYTES:
        raise PickleRefusedError(f"it is larger than {MAX_PICKLE_BYTES >> 20} MiB")
    try:
        _check_memo(data)
        binarizer = _BinarizerUnpickler(io.BytesIO(data)).load()
        if not isinstance(binarizer, _Binarizer):
            raise PickleRefusedError("it holds no MultiLabelBinarizer")
        trained_at = getattr(binarizer, "trained_at", None)
        return StoredBinarizer(
            _array_strings(binarizer.classes_), trained_at if isinstance(trained_at, str) else None
        )
    except PickleRefusedError:
        raise
    # A damaged pickle makes the unpickler, or a stand-in given something odd, raise almost any
    # exception; whichever it is, there are no labels in it.
    except Exception as error:
        raise PickleRefusedError("it is damaged, or no pickle at all") from error


def _check_memo(data: bytes) -> None:
    """Refuse a pickle whose memo index is beyond its own length.

    The unpickler allocates its memo up to the highest index, so a few bytes could claim gigabytes.
    """
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > len(data):
            raise PickleRefusedError("its memo is larger than itself")


def _array_strings(array: Any) -> list[str]:
    if not isinstance(array, _Array):
        raise PickleRefusedError("its classes are no array")
    _, shape, data_type, _, content = array.state
    strings = content if isinstance(content, list) else _decode_strings(data_type, content)
    if not all(isinstance(string, str) for string in strings) or tuple(shape) != (len(strings),):
        raise PickleRefusedError("its classes are not a list of names")
    return [str(string) for string in strings]


def _decode_strings(data_type: _DataType, content: bytes) -> list[str]:
    """Decode an array of NumPy's fixed-width strings: UTF-32, filled up with zeros."""
    kind, width = data_type.description[0][0], int(data_type.description[0][1:])
    if kind != "U":
        raise PickleRefusedError("its classes are not a list of names")
    if isinstance(content, str):
        content = content.encode("latin1")
    encoding = "utf-32-be" if data_type.byte_order == ">" else "utf-32-le"
    stride = 4 * width
    return [
        content[start : start + stride].decode(encoding).rstrip("\0")
        for start in range(0, len(content), stride)
    ]


def save_binarizer(path: str | os.PathLike, mlb: Any, trained_at: str) -> None:
    """Pickle a MultiLabelBinarizer, as the tutorial does, and note in it which run it is from.

    Parameters
    ----------
    path : path
        For example ``mlb.pickle``.
    mlb : sklearn.preprocessing.MultiLabelBinarizer
        Fitted. Gets the attribute ``trained_at``, which scikit-learn pays no attention to.
    trained_at : str
        As in the model's metadata.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    mlb.trained_at = trained_at
    with written_whole(path) as partial:
        partial.write_bytes(pickle.dumps(mlb))


def load_binarizer(path: str | os.PathLike) -> StoredBinarizer:
    """Read a pickled MultiLabelBinarizer, without running any of it.

    Parameters
    ----------
    path : path
        For example ``mlb.pickle``, of whatever release of scikit-learn and NumPy.

    Returns
    -------
    StoredBinarizer
        Its labels, and when it was written.

    Raises
    ------
    UserError
        If the file cannot be read or is anything but a pickled MultiLabelBinarizer.
    """
    path = Path(path)
    try:
        return read_binarizer(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot read the label binarizer {path}: {error.strerror}") from error
    except PickleRefusedError as error:
        raise UserError(f"{path} is not a label binarizer that train.py wrote: {error}") from error


def load_labels(
    trained: TrainedModel, model_path: str, labelbin_path: str
) -> tuple[list[str], str | None]:
    """Name the outputs of a network: by its label binarizer, or by the model file itself.

    Parameters
    ----------
    trained : TrainedModel
        From :func:`load_model`.
    model_path, labelbin_path : str
        The files.

    Returns
    -------
    labels : list of str
        In the order of the network's outputs.
    note : str or None
        That there is no label binarizer, and that the model's own labels serve.

    Raises
    ------
    UserError
        If neither file names the labels, the binarizer is damaged, or the two come from different
        training runs.
    """
    own_labels = trained.metadata.get("labels")
    if own_labels is not None and not Path(labelbin_path).exists():
        return own_labels, f"there is no {labelbin_path}: the labels are those in {model_path}"
    binarizer = load_binarizer(labelbin_path)
    outputs = trained.model.output_shape[-1]
    differs = own_labels is not None and binarizer.classes != own_labels
    if differs or outputs != len(binarizer.classes):
        trained_on = ", ".join(own_labels) if own_labels else f"{outputs} labels"
        raise UserError(
            f"{model_path} and {labelbin_path} do not belong together: "
            f"the model was trained {_when(trained.metadata.get('trained_at'))}on {trained_on}; "
            f"the binarizer was written {_when(binarizer.trained_at)}"
            f"for {', '.join(binarizer.classes)}"
        )
    return binarizer.classes, None


def _when(moment: Any) -> str:
    return f"at {moment} " if isinstance(moment, str) else ""
