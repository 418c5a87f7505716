import json
import os
import zipfile

import keras
import numpy as np
import pytest
from counting import traced_memory
from damage import damaged_copies, read_or_refused_at_once
from legacy_models import LEGACY, recorded_prediction
from model_archives import with_config, with_entries
from running import run_python

from pyimagesearch.artifacts import model_file
from pyimagesearch.data.decoding import scale
from pyimagesearch.errors import UserError

METADATA = {"labels": ["blue", "jeans"], "image_size": 24}


def load(path):
    """Read a file, and have Keras build its network and predict with it."""
    file = model_file.read_model_file(path)
    model = model_file.build_model(file)
    shapes = {"input_shape": model.input_shape, "output_shape": model.output_shape}
    return model_file.trained_model(file, model.predict_on_batch, **shapes)


def refusal(path):
    with pytest.raises(UserError) as caught:
        load(path)
    return str(caught.value)


def test_the_command_to_train_a_model_that_is_not_there_is_quoted_for_a_shell():
    assert refusal("my model").endswith("python train.py --model 'my model'")


def test_a_model_comes_back_under_any_name(archive, model):
    images = np.random.default_rng(0).random((3, 24, 24, 3))
    loaded = load(archive)
    np.testing.assert_array_equal(loaded.predict(images), model.predict_on_batch(images))
    assert loaded[1:] == (24, 2, METADATA, None, None, None)


def test_anybodys_keras_opens_the_model(archive, model, tmp_path):
    renamed = tmp_path / "fashion.keras"
    renamed.write_bytes(archive.read_bytes())
    opened = keras.saving.load_model(renamed)
    for found, expected in zip(opened.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_model_holds_no_optimizer_state(archive, model):
    weights = 4 * model.count_params()
    assert archive.stat().st_size < 1.1 * weights


def test_only_the_file_asked_for_is_left(model, tmp_path):
    model_file.save_model(tmp_path / "fashion.model", model, METADATA)
    assert [path.name for path in tmp_path.iterdir()] == ["fashion.model"]


def test_saving_copies_one_array_at_a_time(model, tmp_path):
    model_file.save_model(tmp_path / "fashion.model", model, METADATA)  # imports what it needs
    largest = max(array.nbytes for array in model.get_weights())
    with traced_memory() as memory:
        model_file.save_model(tmp_path / "fashion.model", model, METADATA)
    assert memory.peak < 1.5 * largest


def test_metadata_are_readable_without_this_project(archive):
    with zipfile.ZipFile(archive) as entries:
        assert json.loads(entries.read("pyimagesearch.json")) == METADATA


def test_the_names_of_many_folders_come_back(model, tmp_path):
    labels = ["a color with a long name", "a kind of garment with a longer one"]
    metadata = METADATA | {"labels": labels, "fit": "pad", "combinations": [labels] * 40_000}
    assert len(json.dumps(metadata)) > 2**21
    model_file.save_model(tmp_path / "fashion.model", model, metadata)
    loaded = load(tmp_path / "fashion.model")
    assert (loaded.metadata, loaded.note) == (metadata, None)


def test_names_that_a_model_file_has_no_room_for_are_not_written(model, tmp_path):
    with pytest.raises(UserError, match="too long for a model file"):
        model_file.save_model(tmp_path / "fashion.model", model, {"labels": ["x" * 2**24]})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"labels": ["blue", "jeans", "red"]}, "its labels are not 2 different names"),
        ({"labels": None}, "its labels are not 2 different names"),
        ({"fit": "Pad"}, "its field fit is not pad or"),
        ({"image_size": 96}, "its field image_size is not the network's, 24"),
        ({"Fit": "pad", "treshold": 0.5}, "FIELDS does not have Fit, treshold"),
    ],
)
def test_metadata_that_nobody_could_read_are_not_written(model, tmp_path, change, told):
    with pytest.raises(ValueError, match=f"no use in a model file: {told}") as refusal:
        model_file.save_model(tmp_path / "fashion.model", model, METADATA | change)
    assert refusal.type is ValueError
    assert not list(tmp_path.iterdir())


def test_metadata_may_be_the_labels_alone_or_none(model, tmp_path):
    labels = {"labels": METADATA["labels"]}
    model_file.save_model(tmp_path / "labels.model", model, labels)
    assert load(tmp_path / "labels.model")[3:5] == (labels, None)
    model_file.save_model(tmp_path / "none.model", model, {})
    assert load(tmp_path / "none.model").metadata == {}


def test_metadata_that_are_spread_over_many_lines_are_read(archive, tmp_path):
    spread = json.dumps(METADATA | {"fit": "pad"}, indent=1).encode()
    path = with_entries(archive, tmp_path / "fashion.model", pyimagesearch=spread)
    assert load(path).fit == "pad"


@pytest.mark.parametrize("name", ["tutorial.model", "saved_model"])
def test_a_model_of_keras_2_predicts_as_it_did(name):
    image, expected = recorded_prediction()
    loaded = load(LEGACY / name)
    np.testing.assert_allclose(loaded.predict(scale(image[None]))[0], expected, atol=1e-5)
    assert loaded.metadata == {}


def test_every_format_is_read_without_keras(archive):
    program = (
        "import sys; from pyimagesearch.artifacts.model_file import read_model_file\n"
        "for path in sys.argv[1:]: print(len(read_model_file(path).network.layers))\n"
        "assert not {'keras', 'tensorflow', 'h5py'} & set(sys.modules)"
    )
    paths = [archive, LEGACY / "tutorial.model", LEGACY / "saved_model"]
    done = run_python("-c", program, *paths)
    assert (done.returncode, done.stdout.split()) == (0, ["28"] * 3), done.stderr


def test_a_model_without_metadata_loads(model, tmp_path):
    model.save(tmp_path / "plain.keras")
    assert load(tmp_path / "plain.keras")[1:5] == (24, 2, {}, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (b"\xff", "it is damaged"),
        (
            json.dumps(METADATA | {"thresholds": 3}).encode(),
            "its field thresholds is not a number between 0 and 1 for each label",
        ),
    ],
)
def test_a_model_with_wrong_metadata_loads_with_a_note(archive, tmp_path, metadata, reason):
    path = with_entries(archive, tmp_path / "fashion.model", pyimagesearch=metadata)
    loaded = load(path)
    assert loaded.metadata == {}
    assert str(path) in loaded.note
    assert reason in loaded.note
    assert loaded.outputs == 2


def test_what_is_missing_is_named_with_what_to_do(tmp_path):
    (tmp_path / "fashion.model").touch()
    message = refusal(tmp_path / "fashion.modle")
    assert "did you mean" in message
    assert "train.py" in message


@pytest.mark.parametrize("content", [b"", b"just text", bytes(1000)])
def test_what_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "fashion.model").write_bytes(content)
    assert "not a model that Keras saved" in refusal(tmp_path / "fashion.model")


def test_what_is_no_regular_file_of_a_sane_size_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    with (tmp_path / "sparse archive").open("wb") as file:
        file.write(b"PK\3\4")
        file.truncate(2**40)
    assert "not a regular file" in refusal(tmp_path / "pipe")
    assert "not a regular file" in refusal("/dev/zero")
    assert "not a regular file" in refusal(tmp_path)
    assert "not a model" in refusal(tmp_path / "sparse")
    assert "larger than 1024 MiB" in refusal(tmp_path / "sparse archive")
    assert "no model" in refusal("m" * 1000)


def test_a_damaged_archive_is_refused(archive, tmp_path):
    path = tmp_path / "fashion.model"
    path.write_bytes(archive.read_bytes()[:-1000])
    assert "cannot be used" in refusal(path)


def test_what_keras_cannot_build_is_refused_in_one_line(archive, tmp_path):
    def change(layers):
        layers[2] = {"module": "keras.layers", "class_name": "Nonsense", "config": {}}

    path = with_config(archive, tmp_path / "fashion.model", change)
    assert "Keras cannot load the model" in refusal(path)


@pytest.mark.parametrize("shape", [(24, 24, 1), (24, 12, 3)])
def test_a_network_of_other_images_than_square_colour_images_is_refused(tmp_path, shape):
    network = keras.Sequential([keras.layers.Input(shape), keras.layers.Flatten()])
    network.save(tmp_path / "fashion.keras")
    assert "does not label square colour images" in refusal(tmp_path / "fashion.keras")


@pytest.mark.slow
def test_a_damaged_file_is_read_or_refused_at_once(archive, tmp_path):
    path = tmp_path / "fashion.model"
    for source in (archive, LEGACY / "tutorial.model"):
        for damaged in damaged_copies(source.read_bytes(), 100, places=(1, 10)):
            path.write_bytes(damaged)
            with read_or_refused_at_once(UserError):
                model_file.read_model_file(path)
