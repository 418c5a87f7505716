"""Hostile files of training runs and of searches, and what reads them; for hostile_files.py."""

import io
import json
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from hostile_content import damaged, json_bytes, read_archive, write_archive
from measure import ROOT

from pyimagesearch.errors import UserError

# The tests of the search draw what strangers may send, and have stand-ins for the network.
sys.path.insert(0, str(ROOT / "tests" / "search"))

CACHE, CHECKPOINT = Path("good.decoded"), Path("good.checkpoint")
RECORD, PAGE, ANSWER = Path("good.csv"), Path("good.json"), Path("good.http")
IMAGES = np.random.default_rng(1).integers(0, 256, (12, 24, 24, 3), np.uint8)
KEYS = np.random.default_rng(2).integers(0, 2**63, (12, 2)).astype(np.uint64)
DESCRIPTION = {"--epochs": 4, "--seed": 1, "images": [2, 3, 4]}


def write_good_run_files() -> None:
    """Write an honest file of each of these kinds."""
    from pyimagesearch.data import cache
    from pyimagesearch.training.checkpoints import Run, SaveCheckpoint

    checksums = np.array([zlib.crc32(image) for image in IMAGES], np.uint32)
    cache.save(CACHE, KEYS, IMAGES, checksums=checksums)
    save = SaveCheckpoint(Run(CHECKPOINT, DESCRIPTION), {})
    save.set_model(network())
    save.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})
    RECORD.write_text("file,url,page,licence,creator,title,sha256,reason\n", encoding="utf-8")
    page = {"value": [{"contentUrl": "http://a/1"}], "results": [], "page_count": 1}
    PAGE.write_text(json.dumps(page | {"result_count": 0}), encoding="utf-8")
    ANSWER.write_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nimage")


def network() -> Any:
    """Build a small compiled network with all that a checkpoint holds."""
    import keras

    layers = [keras.layers.Dense(4), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
    made = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(1)])
    made.compile("adam", "mse")
    return made


def read_cache(path: Path) -> None:
    """Recall images, and see that no other pixels come in."""
    from pyimagesearch.data import cache

    images, checksums = np.zeros_like(IMAGES), np.zeros(len(IMAGES), np.uint32)
    found = cache.load(path, KEYS, images, checksums=checksums)
    if not np.array_equal(images[found], IMAGES[found]):
        raise AssertionError("other pixels than were decoded")


def read_checkpoint(path: Path) -> None:
    """Resume a run."""
    from pyimagesearch.training import checkpoints

    checkpoints.load(checkpoints.Run(path, DESCRIPTION), network())


def read_record(path: Path) -> None:
    """Read a record of sources."""
    import hostile

    hostile.read_record(path.read_bytes())


def read_page(path: Path) -> None:
    """Read a page of results as a service gives them."""
    import hostile

    data = path.read_bytes()
    services = hostile.services("http://api.test/")
    hostile.read_page(data, services[len(data) % len(services)])


def read_answer(path: Path) -> None:
    """Read whatever a web server answers."""
    import hostile

    from pyimagesearch.search.errors import FetchError

    try:
        hostile.read_answer(path.read_bytes())
    except FetchError as error:
        raise UserError(str(error)) from error


def cache_writer(good: Path) -> Callable[[Random, Path], None]:
    """Damage a cache of decoded images."""
    data = good.read_bytes()

    def write(choose: Random, path: Path) -> None:
        path.write_bytes(damaged(choose, data))
        path.chmod(0o600)

    return write


def checkpoint_writer(good: Path) -> Callable[[Random, Path], None]:
    """Change a checkpoint's description or arrays, or damage it as a whole."""
    entries = read_archive(good.read_bytes())
    arrays = [name for name in entries if name.endswith(".npy")]

    def write(choose: Random, path: Path) -> None:
        changed = dict(entries)
        match choose.randrange(5):
            case 0:
                about = json.loads(entries["about.json"])
                changed["about.json"] = json_bytes(choose, about)
            case 1:
                del changed[choose.choice(list(changed))]
            case 2:
                changed[choose.choice(["9999.npy", *arrays])] = npy(nasty_array(choose))
            case 3:
                name = choose.choice(arrays)
                changed[name] = damaged(choose, entries[name])
        # Few are packed, because none of these is read.
        packed = choose.random() < 0.1
        write_archive(path, changed, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
        if choose.random() < 0.3:
            path.write_bytes(damaged(choose, path.read_bytes()))

    return write


def nasty_array(choose: Random) -> np.ndarray:
    """Make an array that fits no variable, or holds what is no number."""
    arrays: list[np.ndarray] = [
        *(np.full((3, 4), np.nan), np.full(4, np.inf), np.zeros(2**22), np.zeros((0, 4))),
        *(np.array("text"), np.zeros((1,) * 30), np.zeros(4, "U9"), np.zeros((3, 4), complex)),
    ]
    return choose.choice(arrays)


def npy(array: np.ndarray) -> bytes:
    """Encode an array as NumPy does."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def drawn_writer(draw: Callable[[int, int], Iterator[bytes]]) -> Callable[[Random, Path], None]:
    """Write what a generator of the tests draws from a seed."""

    def write(choose: Random, path: Path) -> None:
        path.write_bytes(next(draw(choose.randrange(2**31), 1)))

    return write


def record_writer(good: Path) -> Callable[[Random, Path], None]:
    """Write hostile records of sources."""
    import hostile

    return drawn_writer(hostile.hostile_records)


def page_writer(good: Path) -> Callable[[Random, Path], None]:
    """Write hostile pages of search results."""
    import hostile

    return drawn_writer(hostile.hostile_pages)


def answer_writer(good: Path) -> Callable[[Random, Path], None]:
    """Write hostile answers of web servers."""
    import hostile

    return drawn_writer(hostile.hostile_answers)
