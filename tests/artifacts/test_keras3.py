import io
import zipfile

import h5py
import keras
import numpy as np
import pytest
from counting import count_events, traced_memory
from keras import layers
from legacy_models import LEGACY
from model_archives import with_config, with_entries

from pyimagesearch.artifacts import keras3
from pyimagesearch.artifacts.model_file import save_model
from pyimagesearch.artifacts.network_description import (
    SETTINGS,
    DescriptionError,
    NetworkDescription,
)

RELU = {"module": "keras.layers", "class_name": "ReLU", "config": {}, "registered_name": None}


def read(path):
    return keras3.read_archive(keras3.open_archive(path.read_bytes()))


def refusal(path):
    with pytest.raises(DescriptionError) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def own(change=lambda description: None):
    """Make SmallerVGGNet somebody's own network by another layer, and change it further."""

    def changed(description):
        description[2] = RELU
        change(description)

    return changed


def test_smallervggnet_is_described_completely(archive, model):
    network = read(archive)
    assert isinstance(network, NetworkDescription)
    assert [layer.kind for layer in network.layers] == [
        type(layer).__name__ for layer in model.layers
    ]
    for ours, theirs in zip(network.layers, model.layers, strict=True):
        for array, weights in zip(ours.weights.values(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(array, weights)


# What Keras asks for to make a layer.
REQUIRED = {"filters": 5, "kernel_size": 3, "pool_size": 2, "units": 5, "rate": 0.5}
REQUIRED |= {"activation": "relu"}


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_layer_of_each_kind_has_the_weights_and_the_output_of_keras(tmp_path, kind):
    settings = {name: REQUIRED[name] for name in SETTINGS[kind] if name in REQUIRED}
    # Twice, because Keras numbers the weights of layers of a kind.
    sequence = [getattr(layers, kind)(**settings) for _ in range(1 + (kind in keras3.GROUPS))]
    model = keras.Sequential([layers.Input((9, 9, 3)), *sequence, layers.Flatten()])
    save_model(tmp_path / "fashion.model", model, {})
    network = read(tmp_path / "fashion.model")
    assert isinstance(network, NetworkDescription)
    for ours, theirs in zip(network.layers, model.layers, strict=True):
        assert ours.output_shape == theirs.output.shape[1:]
        for array, weights in zip(ours.weights.values(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(array, weights)


def test_weights_that_are_compressed_are_read(archive, tmp_path):
    with (
        zipfile.ZipFile(archive) as source,
        zipfile.ZipFile(tmp_path / "small.model", "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert isinstance(read(tmp_path / "small.model"), NetworkDescription)


def test_an_archive_of_keras_2_is_refused_with_what_to_do():
    assert "Keras 2.15" in refusal(LEGACY / "keras2.keras")
    assert "HDF5" in refusal(LEGACY / "keras2.keras")


@pytest.mark.parametrize("entry", ["config", "metadata", "weights"])
def test_an_archive_that_lacks_an_entry_is_refused(archive, tmp_path, entry):
    path = with_entries(archive, tmp_path / "h.model", **{entry: None})
    assert "not a model that Keras 3 saved" in refusal(path)


@pytest.mark.parametrize("entry", ["config", "metadata", "weights"])
@pytest.mark.parametrize("content", [b"", b"damaged", b"[" * 100_000])
def test_an_archive_with_a_damaged_entry_is_refused(archive, tmp_path, entry, content):
    refusal(with_entries(archive, tmp_path / "h.model", **{entry: content}))


def test_an_archive_that_is_cut_off_or_changed_is_refused(archive, tmp_path):
    data = archive.read_bytes()
    path = tmp_path / "h.model"
    middle = len(data) // 2
    flipped = bytes([data[middle] ^ 0xFF])
    for damaged in (data[:-1000], data[:middle] + flipped + data[middle + 1 :]):
        path.write_bytes(damaged)
        refusal(path)


def test_an_entry_that_begins_beyond_all_addresses_is_refused(archive, tmp_path):
    path = with_entries(archive, tmp_path / "h.model")
    with zipfile.ZipFile(path, "a") as entries:
        entries.getinfo("model.weights.h5").header_offset = 2**63
        entries.writestr("more", b"")  # so that the directory of entries is written again
    assert "damaged" in refusal(path)


@pytest.fixture
def bomb(tmp_path):
    path = tmp_path / "h.model"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as entries:
        entries.writestr("metadata.json", '{"keras_version": "3.13.2"}')
        entries.writestr("config.json", "{}")
        entries.writestr("model.weights.h5", bytes(2**26))
    return path


def test_a_zip_bomb_is_refused_before_it_is_unpacked(bomb):
    assert "unpack" in refusal(bomb)


def test_a_zip_bomb_that_claims_to_be_large_is_refused_before_it_is_unpacked(bomb):
    with zipfile.ZipFile(bomb, "a") as entries:
        # Without any bytes behind them, the weights would be found to be cut off.
        entries.writestr("more", bytes(2**21))
    data = bytearray(bomb.read_bytes())
    packed_size = data.index(b"model.weights.h5", data.index(b"PK\1\2")) - 26
    data[packed_size : packed_size + 4] = (2**32 - 16).to_bytes(4, "little")
    archive = keras3.open_archive(bytes(data))
    with traced_memory() as memory, pytest.raises(DescriptionError, match="would unpack"):
        keras3.read_archive(archive)
    assert memory.peak < 2**24


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_compression_that_keras_does_not_use_is_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "h.model", "w", method) as entries:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            entries.writestr(name, "{}")
    assert "compressed" in refusal(tmp_path / "h.model")


def test_an_archive_of_thousands_of_files_is_refused_at_once(tmp_path):
    with zipfile.ZipFile(tmp_path / "h.model", "w") as entries:
        for number in range(20_000):
            entries.writestr(str(number), b"")
    data = (tmp_path / "h.model").read_bytes()

    def refuse():
        with pytest.raises(DescriptionError, match="more than 10,000 files"):
            keras3.open_archive(data)

    assert count_events("line", refuse) < 20_000  # not one of each file


def test_a_network_of_a_thousand_nested_layers_is_refused(archive, tmp_path):
    nested = b'{"class_name":"Sequential","config":{"layers":[' * 1000 + b"]}}" * 1000
    path = with_entries(archive, tmp_path / "h.model", config=nested)
    assert "nested too deeply" in refusal(path)


def with_weights(archive, target, path, change):
    """Change an array of an archive's weights."""
    with zipfile.ZipFile(archive) as source:
        buffer = io.BytesIO(source.read("model.weights.h5"))
    with h5py.File(buffer, "a") as file:
        changed = change(file[path][()])
        del file[path]
        file[path] = changed
    return with_entries(archive, target, weights=buffer.getvalue())


def test_weights_of_another_shape_are_refused_by_name(archive, tmp_path):
    path = with_weights(archive, tmp_path / "h.model", "layers/dense/vars/1", lambda a: a[1:])
    assert "the bias of layer 24 (Dense) has the shape (1023,)" in refusal(path)


@pytest.fixture(scope="module")
def own_model():
    image = layers.Input((24, 24, 3))
    features = layers.SeparableConv2D(8, 3, activation="gelu")(image)
    features = layers.RandomFlip()(features)
    features = layers.add([features, layers.Conv2D(8, 1)(features)])
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(features)))


def test_somebodys_own_network_is_built_by_keras(own_model, tmp_path):
    own_model.compile("adam", "mse")
    own_model.save(tmp_path / "own.keras")
    network = read(tmp_path / "own.keras")
    assert isinstance(network, keras3.OwnNetwork)
    built = keras3.build_own_network(network)
    images = np.random.default_rng(0).random((3, 24, 24, 3))
    np.testing.assert_array_equal(
        built.predict_on_batch(images), own_model.predict_on_batch(images)
    )


def build(path):
    return keras3.build_own_network(read(path))


def test_a_network_with_one_layer_of_somebodys_own_is_built(archive, model, tmp_path):
    built = build(with_config(archive, tmp_path / "h.model", own()))
    for found, expected in zip(built.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("position", "settings"), [(-2, {"units": 4 * 10**8}), (1, {"kernel_size": [3000, 3000]})]
)
def test_an_own_network_of_more_weights_than_stored_is_refused(
    archive, tmp_path, position, settings
):
    change = own(lambda description: description[position]["config"].update(settings))
    with pytest.raises(DescriptionError, match="weights and stores"):
        build(with_config(archive, tmp_path / "h.model", change))


def test_an_own_network_of_enormous_images_is_refused(own_model, tmp_path):
    own_model.save(tmp_path / "own.keras")

    def change(description):
        description[0]["config"]["batch_shape"] = [None, 100_000, 100_000, 3]

    path = with_config(tmp_path / "own.keras", tmp_path / "h.keras", change)
    with pytest.raises(DescriptionError, match="too much memory or time"):
        build(path)


def test_an_own_network_of_thousands_of_layers_is_refused(archive, tmp_path):
    def change(description):
        inner = {"class_name": "Sequential", "config": {"layers": [RELU] * 900}}
        description[2:3] = [inner] * 12

    assert "layers and parts" in refusal(with_config(archive, tmp_path / "h.model", change))


def test_an_own_network_whose_parts_call_each_other_ten_thousand_times_is_refused(tmp_path):
    model = keras.Sequential([layers.Input((24, 24, 3)), layers.ReLU()])
    for _ in range(4):
        image = output = layers.Input((24, 24, 3))
        for _ in range(10):
            output = model(output)
        model = keras.Model(image, output)
    model.save(tmp_path / "own.keras")
    assert "layers and parts" in refusal(tmp_path / "own.keras")


def test_an_own_network_of_many_large_outputs_is_refused(own_model, tmp_path, monkeypatch):
    own_model.save(tmp_path / "own.keras")
    monkeypatch.setattr(keras3, "MAX_OUTPUTS", 4 * 22 * 22 * 8)
    with pytest.raises(DescriptionError, match="too much memory or time"):
        build(tmp_path / "own.keras")


def test_an_own_network_with_weights_that_are_not_finite_is_refused(archive, tmp_path):
    path = with_config(archive, tmp_path / "own.model", own())
    path = with_weights(path, tmp_path / "h.model", "layers/dense/vars/1", lambda a: a + np.nan)
    assert "layers/dense/vars/1 are not finite" in refusal(path)


def test_an_own_network_that_brings_code_along_is_refused(archive, tmp_path):
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}
    evil = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": code}}
    path = with_config(archive, tmp_path / "h.model", own(lambda layers: layers.insert(1, evil)))
    with pytest.raises(ValueError, match="Lambda"):
        build(path)
