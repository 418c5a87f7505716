"""Hostile files, each made from a good one by a random generator, so that a seed names a file."""

import io
import json
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from sklearn.preprocessing import MultiLabelBinarizer

if TYPE_CHECKING:
    import keras

    from pyimagesearch.artifacts.known_images import KnownImages

LABELS = ["black", "blue", "dress", "jeans", "red", "shirt"]
METADATA = {
    "labels": LABELS,
    "image_size": 24,
    "combinations": [["black", "jeans"], ["blue", "dress"]],
    "composed": [["black", "dress"]],
    "trained_at": "2026-01-02T03:04:05+00:00",
    "images": {"training": 80, "composed": 20, "test": 20},
    "test_accuracies": {"binary": 0.99, "exact": 0.96},
    "thresholds": dict.fromkeys(LABELS, 0.5),
}

NASTY_NUMBERS = [-1, 0, 1, 2, 255, 2**16, 4 * 10**8, 2**31, 2**63, 10**4000, 0.5, 1e308]
NASTY_TEXTS = [
    "",
    "x" * 100_000,
    "../../../evil",
    "evil/../../evil",
    "\0",
    "\ud800",
    "\x1b[2J",
    "a\nb",
]
# Instructions of pickles, among them all that a binarizer needs, and arguments for them.
INSTRUCTIONS = [
    *(bytes([code]) for code in range(256)),
    b"cnumpy.core.multiarray\n_reconstruct\n",
    b"cnumpy.core.multiarray\nscalar\n",
    b"cnumpy\nndarray\n",
    b"cnumpy\ndtype\n",
    b"csklearn.preprocessing._label\nMultiLabelBinarizer\n",
    b"c_codecs\nencode\n",
    b"cos\nsystem\n",
    b"cbuiltins\neval\n",
    b"X\x08\0\0\0classes_",
    b"X\x02\0\0\0U5",
    b"X\x09\0\0\0touch evil",
    b"C\x08a\0\0\0b\0\0\0",
    b"h\0",
    b"q\0",
    b"r\xff\xff\xff\x7f",
    b"\x85" * 1000,
    b"]" * 100_000,
]
# NumPy evaluates the header of an array as a Python literal.
NASTY_HEADERS = [
    *(b"", b"\n", b"\0", b"  x\n y\n", b"{[]: 1}\n", b"{1: 2, 'a': 3}\n"),
    *(b"(" * 9000, b"-" * 9000 + b"1", b"[" * 99 + b"]" * 99, b"{" * 20_000),
    b"{'descr': ('<f4',), 'fortran_order': False, 'shape': (8,)}",
    b"{'descr': {}, 'fortran_order': False, 'shape': (8,)}",
    b"{'descr': [('a', '<f4', (%d,))], 'fortran_order': False, 'shape': (8,)}" % 10**30,
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (8,",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (True,)}",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d,)}" % 10**30,
    b"{'descr': '<f2', 'fortran_order': False, 'shape': (0, %d)}" % 2**62,
]
# NumPy pads a short header with its magic number to so many bytes.
HEADER_BYTES = 128


def damaged(choose: Random, data: bytes) -> bytes:
    """Change bytes, or cut, repeat, swap or insert pieces."""
    changed = bytearray(data)
    for _ in range(choose.choice([1, 1, 1, 3, 10, 100])):
        start = choose.randrange(len(changed) + 1)
        end = start + choose.choice([1, 2, 4, 8, 8, 100])
        piece = changed[start:end]
        change = choose.randrange(8)
        if change < 3:
            changed[start:end] = choose.randbytes(len(piece))
        elif change == 3:
            changed[start:end] = choose.choice([b"\0", b"\xff", b"\x7f"]) * len(piece)
        elif change == 4:
            changed[start:end] = struct.pack("<Q", choose.choice([1, 8, 2**31, 2**40, 2**63]))
        elif change == 5:
            changed[start:end] = piece * choose.choice([2, 50])
        elif choose.random() < 0.2:
            del changed[start:]
        else:
            del changed[start:end]
    return bytes(changed)


def nasty_value(choose: Random) -> Any:
    """Choose a JSON value that an honest file does not hold."""
    return choose.choice(
        [
            *(None, True, {}, [], [[]], {"a": {}}, float("nan"), float("inf")),
            choose.choice(NASTY_NUMBERS),
            choose.choice(NASTY_NUMBERS),
            choose.choice(NASTY_TEXTS),
            [choose.choice(NASTY_NUMBERS)] * choose.choice([1, 2, 4, 1000]),
            json.loads("[" * 90 + "]" * 90),
            [{"class_name": "Sequential", "config": {"layers": []}}] * 50,
        ]
    )


def damaged_json(choose: Random, value: Any) -> Any:
    """Replace, remove or repeat values somewhere in a JSON value, which is changed."""
    for _ in range(choose.choice([1, 1, 1, 2, 5])):
        parent = value
        while True:
            keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
            if not keys:
                return value
            key = choose.choice(keys)
            if not isinstance(parent[key], dict | list) or choose.random() < 0.15:
                break
            parent = parent[key]
        change = choose.randrange(10)
        if change == 0:
            del parent[key]
        elif change == 1 and isinstance(parent, list):
            parent[key:key] = [parent[key]] * choose.choice([1, 3, 2000])
        elif change == 2 and isinstance(parent, dict):
            parent[choose.choice(["filters", "axis", "dtype", "module", "x"])] = nasty_value(choose)
        else:
            parent[key] = nasty_value(choose)
    return value


def json_bytes(choose: Random, value: Any) -> bytes:
    """Write a damaged value as JSON, sometimes not quite."""
    text = json.dumps(damaged_json(choose, value)).encode()
    return damaged(choose, text) if choose.random() < 0.2 else text


def archive_writer(good: Path) -> Callable[[Random, Path], None]:
    """Return a function that writes hostile copies of a Keras 3 archive."""
    entries = read_archive(good.read_bytes())

    def write(choose: Random, path: Path) -> None:
        changed = dict(entries)
        change = choose.randrange(10)
        name = choose.choice(list(changed))
        if change < 5:
            config = json.loads(entries["config.json"])
            changed["config.json"] = json_bytes(choose, config)
        elif change == 5:
            changed["model.weights.h5"] = damaged(choose, entries["model.weights.h5"])
        elif change == 6:
            changed[name] = damaged(choose, entries[name])
        elif change == 7:
            del changed[name]
        elif change == 8:
            changed[choose.choice(NASTY_TEXTS[2:4])] = b"evil"
            changed[name] = bytes(choose.choice([0, 1000, 2**26]))
        method = choose.choice([zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
        write_archive(path, changed, method)
        if change == 9:
            path.write_bytes(damaged(choose, path.read_bytes()))

    return write


def read_archive(data: bytes) -> dict[str, bytes]:
    """Read all entries of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_archive(
    path: Path | io.BytesIO, entries: dict[str, bytes], method: int = zipfile.ZIP_STORED
) -> None:
    """Write a zip archive."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def metadata_writer(good: Path) -> Callable[[Random, Path], None]:
    """Return a function that writes copies of a Keras 3 archive with hostile metadata."""
    entries = read_archive(good.read_bytes())

    def write(choose: Random, path: Path) -> None:
        metadata = json.loads(json.dumps(METADATA))
        if choose.random() < 0.1:
            metadata = nasty_value(choose)
            text = json.dumps(metadata).encode()
        else:
            text = json_bytes(choose, metadata)
        write_archive(path, entries | {"pyimagesearch.json": text})

    return write


def known_images_writer(good: Path) -> Callable[[Random, Path], None]:
    """Return a function that writes copies of a Keras 3 archive with hostile known images."""
    entries = read_archive(good.read_bytes())
    arrays = read_archive(entries["pyimagesearch.features.npz"])

    def write(choose: Random, path: Path) -> None:
        name = choose.choice(list(arrays))
        header, numbers = arrays[name][:HEADER_BYTES], arrays[name][HEADER_BYTES:]
        if choose.random() < 0.5:
            header = damaged(choose, header)
        elif choose.random() < 0.8:
            text = choose.choice(NASTY_HEADERS)
            header = struct.pack("<8sH", header[:8], len(text)) + text
        else:
            numbers = damaged(choose, numbers)
        known = io.BytesIO()
        write_archive(known, arrays | {name: header + numbers})
        write_archive(path, entries | {"pyimagesearch.features.npz": known.getvalue()})

    return write


def hdf5_writer(good: Path) -> Callable[[Random, Path], None]:
    """Return a function that writes hostile copies of Keras 2's HDF5 file."""

    def write(choose: Random, path: Path) -> None:
        if choose.random() < 0.5:
            path.write_bytes(damaged(choose, good.read_bytes()))
            return
        shutil.copyfile(good, path)
        with h5py.File(path, "a") as file:
            config = json.loads(file.attrs["model_config"])
            # HDF5 stores no text with zeros in it.
            text = json_bytes(choose, config).replace(b"\0", b"0")
            file.attrs["model_config"] = text
            if choose.random() < 0.1:
                file["model_weights/dense/dense/bias:0"][0] = choose.choice([np.nan, np.inf, 1e38])

    return write


def saved_model_writer(good: Path) -> Callable[[Random, Path], None]:
    """Return a function that writes hostile copies of TensorFlow 2's folder."""

    def write(choose: Random, path: Path) -> None:
        shutil.copytree(good, path)
        files = sorted(file for file in path.rglob("*") if file.is_file())
        file = choose.choice(files)
        if choose.random() < 0.1:
            file.unlink()
        else:
            file.write_bytes(damaged(choose, file.read_bytes()))

    return write


def label_writer(good: Path) -> Callable[[Random, Path], None]:
    """Return a function that writes hostile label files, made from all kinds of good ones."""

    def write(choose: Random, path: Path) -> None:
        labels = choose.choice([LABELS, [1999, 2018], list(map(np.str_, LABELS))])
        mlb = MultiLabelBinarizer().fit([labels])
        if choose.random() < 0.2:
            mlb.classes_ = mlb.classes_.astype(choose.choice(["U9", ">U9"]))
        data = pickle.dumps(mlb, choose.randrange(pickle.HIGHEST_PROTOCOL + 1))
        if choose.random() < 0.3:
            pieces = choose.choices(INSTRUCTIONS, k=choose.choice([5, 20, 100]))
            where = choose.randrange(len(data))
            data = data[:where] + b"".join(pieces) + data[choose.choice([where, len(data) - 1]) :]
        path.write_bytes(damaged(choose, data) if choose.random() < 0.7 else data)

    return write


def write_good_files(hdf5: Path, archive: Path, label_file: Path) -> None:
    """Write a model file of the network in an HDF5 file, and its label file.

    The model file holds all that training puts there: metadata, and known images.
    """
    from pyimagesearch.artifacts.label_file import save_binarizer
    from pyimagesearch.artifacts.model_file import save_model
    from pyimagesearch.streams import quiet_stderr

    # Keras recognises HDF5 files by their names.
    renamed = Path(shutil.copy(hdf5, "good.h5"))
    with quiet_stderr():
        import keras

        model = keras.saving.load_model(renamed, compile=False)
        save_model(archive, model, METADATA, known=some_known_images(model))
    save_binarizer(label_file, MultiLabelBinarizer().fit([LABELS]), "2026-01-02T03:04:05+00:00")


def some_known_images(model: "keras.Model") -> "KnownImages":
    """Let a network know two images, each at a point of its own."""
    from pyimagesearch.artifacts.known_images import KnownImages, feature_counts_of_model

    sizes = list(feature_counts_of_model(model).values())
    axes = np.ones(len(sizes), np.int32)
    points = np.eye(2, len(sizes), dtype=np.float32)
    features = np.ones(sum(sizes), np.float32)
    quantiles = np.linspace(0, 1, 101, dtype=np.float32)
    return KnownImages(
        *(np.array(sizes, np.int32), axes, 0 * features, features), points, points, quantiles
    )
