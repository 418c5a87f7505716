import errno
import io
import struct
import threading
import zlib
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from pyimagesearch import reading
from pyimagesearch.artifacts import known_images
from pyimagesearch.artifacts.known_images import KnownImages
from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.inference import classification, standard_input
from pyimagesearch.inference.paths import expand

CLASSES = ["blue", "green", "red"]


def mean_color(batches=None):
    """Stand in for a network: the probability of a label is how much of its colour there is."""

    def predict(images):
        if batches is not None:
            batches.append(len(images))
        return images.mean(axis=(1, 2))

    return TrainedModel(predict, 8, 3, {})


@pytest.fixture
def folder(tmp_path):
    """Seventy-one images of one colour each; the eleventh cannot be read."""
    for number in range(71):
        image = np.full((20, 10, 3), (0, number, 200), np.uint8)
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), image)
    (tmp_path / "10.png").write_bytes(b"bad")
    return tmp_path


@pytest.fixture
def reads(monkeypatch):
    """The files that are read, in order."""
    paths = []
    real = reading.read_file
    monkeypatch.setattr(standard_input, "read_file", lambda path: paths.append(path) or real(path))
    return paths


def test_every_file_is_classified_in_order_and_in_batches(folder):
    batches = []
    paths = expand([str(folder)])
    predictions = list(classification.classify_files(mean_color(batches), CLASSES, paths))
    assert [prediction.path for prediction in predictions] == paths
    greens = [each.probabilities["green"] for each in predictions if not each.error]
    assert greens == pytest.approx([n / 255 for n in range(71) if n != 10])
    assert [each.path for each in predictions if each.error] == [str(folder / "10.png")]
    assert all(each.image is None for each in predictions)
    assert sum(batches) == 70
    assert max(batches) <= classification.BATCH_SIZE


@pytest.mark.parametrize(
    ("metadata", "red"), [({}, 0.75), ({"fit": "squeeze"}, 0.75), ({"fit": "pad"}, 0.625)]
)
@pytest.mark.parametrize("keep", [None, np.copy])
def test_images_become_squares_in_the_way_of_the_model(tmp_path, metadata, red, keep):
    image = np.zeros((8, 16, 3), np.uint8)
    image[:6, :, 2] = 255  # padded to a square of 16 rows, the 10 upper ones are red
    path = str(tmp_path / "a.png")
    cv2.imwrite(path, image)
    trained = mean_color()._replace(metadata=metadata)
    (prediction,) = classification.classify_files(trained, CLASSES, [path], keep=keep)
    assert prediction.probabilities["red"] == pytest.approx(red)


def test_batches_are_predicted_side_by_side_and_a_slow_one_does_not_change_the_order(
    folder, monkeypatch
):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    second_is_done = threading.Event()

    def predict(images):
        if images[..., 1].min() == 0:  # The first image has no green.
            assert second_is_done.wait(timeout=20)
        else:
            second_is_done.set()
        return images.mean(axis=(1, 2))

    paths = expand([str(folder)])[:8]
    trained = TrainedModel(predict, 8, 3, {})
    predictions = list(classification.classify_files(trained, CLASSES, paths))
    assert [prediction.path for prediction in predictions] == paths


def test_a_few_files_are_shared_among_the_cores(folder, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    batches = []
    paths = expand([str(folder)])[:7]
    list(classification.classify_files(mean_color(batches), CLASSES, paths))
    assert sorted(batches) == [1, 2, 2, 2]


def test_large_images_come_in_small_batches(folder, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    batches = []
    trained = mean_color(batches)._replace(image_size=192)
    list(classification.classify_files(trained, CLASSES, expand([str(folder)])))
    assert max(batches) == classification.BATCH_SIZE // 4


def test_no_file_is_read_more_than_a_few_batches_ahead(folder, reads, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(classification, "BATCH_SIZE", 4)
    paths = expand([str(folder)])
    predictions = classification.classify_files(mean_color(), CLASSES, paths)
    next(predictions)
    predictions.close()
    assert len(reads) <= 3 * 4


def test_an_error_in_the_network_is_not_lost(folder):
    def predict(images):
        raise RuntimeError("no memory")

    trained = TrainedModel(predict, 8, 3, {})
    with pytest.raises(RuntimeError, match="no memory"):
        list(classification.classify_files(trained, CLASSES, expand([str(folder)])))


def test_no_file_is_classified_without_paths():
    assert list(classification.classify_files(mean_color(), CLASSES, [])) == []


def test_a_batch_of_nothing_but_unreadable_files_has_a_prediction_for_each(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"bad")
    paths = [str(tmp_path / "bad.png"), str(tmp_path / "missing.png")]
    predictions = list(classification.classify_files(mean_color(), CLASSES, paths))
    assert [bool(prediction.error) for prediction in predictions] == [True, True]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_image_that_is_kept_is_read_once_and_gets_the_same_prediction(tmp_path, reads, suffix):
    path = str(tmp_path / f"image{suffix}")
    noise = np.random.default_rng(0).integers(0, 256, (96, 64, 3), np.uint8)
    cv2.imwrite(path, noise)
    (plain,) = classification.classify_files(mean_color(), CLASSES, [path])
    reads.clear()
    (kept,) = classification.classify_files(mean_color(), CLASSES, [path], keep=lambda image: image)
    assert reads == [path]
    assert kept.image.shape == noise.shape
    assert kept.probabilities == plain.probabilities


def test_the_standard_input_is_classified(monkeypatch):
    data = cv2.imencode(".png", np.full((4, 4, 3), 255, np.uint8))[1].tobytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert expand(["-"]) == ["-"]
    (prediction,) = classification.classify_files(mean_color(), CLASSES, ["-"])
    assert prediction.probabilities["red"] == 1


@pytest.mark.parametrize("stdin", [None, io.TextIOWrapper(io.BytesIO())])
def test_a_closed_or_empty_standard_input_is_an_unreadable_file(monkeypatch, stdin):
    monkeypatch.setattr("sys.stdin", stdin)
    (prediction,) = classification.classify_files(mean_color(), CLASSES, ["-"])
    assert "nothing on the standard input" in prediction.error


def test_a_standard_input_without_end_is_an_unreadable_file(monkeypatch):
    monkeypatch.setattr(standard_input, "MAX_FILE_BYTES", 2**20)
    stream = io.BytesIO(bytes(2**21))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stream))
    (prediction,) = classification.classify_files(mean_color(), CLASSES, ["-"])
    assert prediction.error == "it is larger than 1 MiB"
    assert stream.tell() == 2**20 + 1


def test_a_standard_input_that_cannot_be_read_is_an_unreadable_file(monkeypatch):
    def read(_):
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=SimpleNamespace(read=read)))
    (prediction,) = classification.classify_files(mean_color(), CLASSES, ["-"])
    assert prediction.error == "Bad file descriptor"


def test_the_standard_input_is_read_where_ctrl_c_arrives(monkeypatch):
    threads = []

    def read(_):
        threads.append(threading.current_thread())
        return b""

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=SimpleNamespace(read=read)))
    list(classification.classify_files(mean_color(), CLASSES, ["-"]))
    assert threads == [threading.main_thread()]


def png_header(width, height):
    """A PNG file that claims a size and holds no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.slow
def test_a_huge_image_that_can_be_classified_can_be_drawn_and_one_that_cannot_is_one_failed_file(
    tmp_path,
):
    large, bomb, small = (str(tmp_path / name) for name in ("large.jpg", "bomb.png", "small.jpg"))
    cv2.imwrite(large, np.zeros((8200, 8400, 3), np.uint8))
    Path(bomb).write_bytes(png_header(30000, 30000))
    cv2.imwrite(small, np.zeros((20, 20, 3), np.uint8))
    paths = [large, bomb, small]
    for keep in (None, lambda image: image[:400, :400]):
        predictions = classification.classify_files(mean_color(), CLASSES, paths, keep=keep)
        assert [bool(each.error) for each in predictions] == [False, True, False]


def knows(*colors):
    """Stand in for a network whose features are the mean colour, and that knows some colours."""
    known = KnownImages(
        np.array([3], np.int32),
        np.array([3], np.int32),
        np.full(3, 0.5, np.float32),
        np.eye(3, dtype=np.float32).ravel(),
        np.zeros((1, 3), np.float32),
        np.zeros((1, 3), np.float32),
        np.linspace(0.9, 1, 101, dtype=np.float32),
    )
    points = known_images.points(np.array(colors, np.float32), known)
    known = known._replace(known=points)
    predict = mean_color().predict
    return mean_color()._replace(known=known, predict_both=lambda images: (predict(images),) * 2)


@pytest.mark.parametrize(
    ("named", "is_unknown"),
    [({}, False), ({"reject": 0}, False), ({"reject": 0.02}, True)],
    ids=str,
)
def test_an_image_far_from_all_known_ones_is_unknown_only_if_some_may_be(
    tmp_path, named, is_unknown
):
    for name, color in (("red", (0, 0, 255)), ("blue", (255, 0, 0))):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((8, 8, 3), color, np.uint8))
    paths = expand([str(tmp_path)])
    trained = knows((0, 0, 1))
    blue, red = classification.classify_files(trained, CLASSES, paths, **named)
    assert red.nearness == pytest.approx(1, abs=0.01)
    assert blue.nearness == 0
    assert (red.is_unknown, blue.is_unknown) == (False, is_unknown)
    assert blue.probabilities["blue"] == 1


def test_a_model_that_knows_no_images_calls_none_unknown(folder):
    paths = expand([str(folder)])[:1]
    (prediction,) = classification.classify_files(mean_color(), CLASSES, paths, reject=1)
    assert (prediction.nearness, prediction.is_unknown) == (None, False)
