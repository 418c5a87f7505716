import errno
import io
import json
import zipfile
import zlib

import keras
import numpy as np
import pytest
from counting import traced_memory

from pyimagesearch.command_lines.train import parse_arguments
from pyimagesearch.data.loading import Dataset
from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.training import checkpoints

pytestmark = pytest.mark.slow

DESCRIPTION = {"--epochs": 4, "--seed": 1, "images": [2, 3, 4]}


@pytest.fixture
def run(tmp_path):
    return checkpoints.Run(tmp_path / "model.checkpoint", DESCRIPTION)


def compiled_network():
    """A small network with all that a checkpoint must hold: averages, dropout, an optimizer."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.layers.Input((3,)),
            keras.layers.Dense(4),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 40)
    network.compile(keras.optimizers.Adam(schedule), "binary_crossentropy", jit_compile=False)
    return network


def trained(network, epochs, *callbacks):
    random = np.random.default_rng(0)
    inputs, targets = random.normal(size=(40, 3)), random.integers(0, 2, (40, 1))
    return network.fit(
        inputs,
        targets,
        initial_epoch=epochs.start,
        epochs=epochs.stop,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    ).history


@pytest.fixture(scope="module")
def untrained_network():
    return compiled_network()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The content of a checkpoint after one epoch."""
    run = checkpoints.Run(tmp_path_factory.mktemp("saved") / "model.checkpoint", DESCRIPTION)
    trained(compiled_network(), range(1), checkpoints.SaveCheckpoint(run, {}))
    return run.checkpoint.read_bytes()


@pytest.fixture
def saved_run(run, saved):
    """A run that has trained for one epoch."""
    run.checkpoint.write_bytes(saved)
    return run


def test_saving_a_checkpoint_makes_one_copy_of_an_array(run):
    network = keras.Sequential([keras.layers.Input((500,)), keras.layers.Dense(500)])
    network.compile("adam", "mse", jit_compile=False)
    callback = checkpoints.SaveCheckpoint(run, {"loss": []})
    callback.set_model(network)
    callback.on_epoch_end(0, {"loss": 1.0})  # makes what it needs
    with traced_memory() as memory:
        callback.on_epoch_end(1, {"loss": 1.0})
    assert memory.peak < 1.5 * 4 * 500 * 500


def test_a_resumed_run_ends_as_one_that_was_not_interrupted(run):
    whole = compiled_network()
    losses = trained(whole, range(6))["loss"]

    history = {}
    trained(compiled_network(), range(3), checkpoints.SaveCheckpoint(run, history))
    resumed = compiled_network()
    history = checkpoints.load(run, resumed)
    trained(resumed, range(3, 6), checkpoints.SaveCheckpoint(run, history))
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-6)
    for expected, found in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_an_epoch_that_was_not_finished_is_not_saved(run):
    class StopInTheMiddle(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    history = {}
    save = checkpoints.SaveCheckpoint(run, history)
    trained(compiled_network(), range(2), StopInTheMiddle(), save)
    assert not run.checkpoint.exists()
    assert len(history["loss"]) == 1


def fill_disk(monkeypatch):
    def fail(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", fail)


def test_a_disk_that_is_full_leaves_the_checkpoint_before_and_says_so(run, monkeypatch):
    network, history = compiled_network(), {}
    trained(network, range(2), checkpoints.SaveCheckpoint(run, history))
    kept = run.checkpoint.read_bytes()
    fill_disk(monkeypatch)
    with pytest.raises(UserError, match=r"No space left .* of epoch 2 is kept: --resume") as caught:
        trained(network, range(2, 3), checkpoints.SaveCheckpoint(run, history))
    assert caught.value.exit_code == WORK_FAILED
    assert run.checkpoint.read_bytes() == kept


def test_a_disk_that_is_full_in_the_first_epoch_leaves_nothing_to_resume(run, monkeypatch):
    run.checkpoint.write_bytes(b"of another run")
    fill_disk(monkeypatch)
    with pytest.raises(UserError, match=r"No space left on device$"):
        trained(compiled_network(), range(1), checkpoints.SaveCheckpoint(run, {}))


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({"--seed": 2, "images": [2, 3, 5]}, "--seed, images"),
        ({"--fit": "pad"}, "--fit"),  # of which the checkpoint says nothing
    ],
)
def test_another_run_is_refused_by_what_differs(saved_run, untrained_network, changes, differing):
    other = saved_run._replace(description=DESCRIPTION | changes)
    with pytest.raises(UserError, match=f"is of a run with other {differing}: train without"):
        checkpoints.load(other, untrained_network)


def test_another_run_is_refused_by_what_differs_even_if_its_network_has_other_shapes(saved_run):
    larger = keras.Sequential([keras.Input((3,)), keras.layers.Dense(50)])
    larger.compile("adam", "mse", jit_compile=False)
    other = saved_run._replace(description=DESCRIPTION | {"--seed": 2})
    with pytest.raises(UserError, match="other --seed"):
        checkpoints.load(other, larger)
    with pytest.raises(UserError, match="damaged"):
        checkpoints.load(saved_run, larger)


def test_a_missing_checkpoint_is_named(run, untrained_network):
    with pytest.raises(UserError, match="no checkpoint"):
        checkpoints.load(run, untrained_network)


@pytest.mark.parametrize("kept", [0, 10, 1000, -1])
def test_a_checkpoint_that_is_cut_off_is_called_damaged(run, saved, untrained_network, kept):
    run.checkpoint.write_bytes(saved[:kept])
    with pytest.raises(UserError, match="damaged"):
        checkpoints.load(run, untrained_network)


def dataset_of(paths, images):
    checksums = np.array([zlib.crc32(image) for image in images], np.uint32)
    return Dataset(images, [], paths, [], np.arange(len(images)), checksums, [])


# The flags of train.py that change neither the network that is trained nor what it learns: where
# files are, what is written and said, and what a run takes.
NOT_DECISIVE = (
    *("dataset", "labels", "model", "labelbin", "plot", "errors", "report", "audit", "log"),
    *("tensorboard", "no_cache", "memory_limit", "resume", "export", "quantize", "device"),
    "recolor_preview",
)


@pytest.fixture
def settings(monkeypatch):
    """What train.py is told by its flags, if none is given."""
    monkeypatch.setattr("sys.argv", ["train.py"])
    return vars(parse_arguments("Train."))


def test_each_flag_of_the_script_either_decides_what_a_run_is_or_does_not(settings):
    assert sorted(settings) == sorted([*checkpoints.DECISIVE, *NOT_DECISIVE])


def test_a_run_with_another_decisive_setting_is_refused(tmp_path, settings):
    images = np.zeros((2, 4, 4, 3), np.uint8)

    def describe(settings):
        dataset = dataset_of(["data/a_b/0.png", "data/a_b/1.png"], images)
        return checkpoints.describe_run(
            tmp_path / "fashion.model", settings, dataset, test=np.array([1]), composed=0
        )

    network = compiled_network()
    trained(network, range(1), checkpoints.SaveCheckpoint(describe(settings), {}))
    assert checkpoints.load(describe(settings), network)
    for name in set(settings) - set(NOT_DECISIVE):
        flag = f"--{name.replace('_', '-')}"
        with pytest.raises(UserError, match=f"with other {flag}"):
            checkpoints.load(describe(settings | {name: "another"}), network)
    for name in NOT_DECISIVE:
        assert checkpoints.load(describe(settings | {name: "another"}), network)


def test_a_run_is_known_by_its_settings_its_files_and_its_pixels(settings):
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    paths = ["data/a_b/0.png", "data/a_b/1.png"]

    def describe(seed, paths, images, test=(1,), composed=0, **of_table):
        dataset = dataset_of(paths, images)._replace(**of_table)
        chosen = settings | {"seed": seed}
        return checkpoints.describe_run(
            "fashion.model", chosen, dataset, test=np.array(test), composed=composed
        )

    run = describe(1, paths, images)
    assert run == describe(1, ["x/a_b/0.png", "x/a_b/1.png"], images)
    assert run != describe(2, paths, images)
    assert run != describe(1, ["data/a_b/0.png", "data/c_d/1.png"], images)
    changed = images.copy()
    changed[1, 2, 3, 0] += 1
    assert run != describe(1, paths, changed)
    assert run != describe(1, paths, images, test=[0])
    assert run != describe(1, paths, images, composed=3)
    assert run.checkpoint.name == "fashion.model.checkpoint"
    table = {"has_free_labels": True, "labels": [("a",), ("b",)]}
    run = describe(1, paths, images, **table)
    assert run != describe(1, paths, images, **table | {"labels": [("a",), ("a", "b")]})
    assert run != describe(1, paths, images, **table, is_test=np.array([False, True]))


def rewrite(path, change, method=zipfile.ZIP_STORED):
    """Rewrite a checkpoint's entries, each a name and its bytes, as `change` has them."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def with_history(history):
    def change(entries):
        about = json.loads(entries["about.json"])
        entries["about.json"] = json.dumps(about | {"history": history})

    return change


FORGERIES = {
    "no description": lambda entries: entries.pop("about.json"),
    "description is a list": lambda entries: entries.update({"about.json": "[]"}),
    "run is null": lambda entries: entries.update(
        {"about.json": '{"run": null, "history": {"loss": [1.0]}}'}
    ),
    "no history": with_history(None),
    "history without losses": with_history({"val_loss": [1.0]}),
    "history of text": with_history({"loss": ["1.0"]}),
    "uneven history": with_history({"loss": [1.0], "val_loss": [1.0, 2.0]}),
    "nested description": lambda entries: entries.update({"about.json": "[" * 100_000}),
    "an array less": lambda entries: entries.pop("0000.npy"),
    "an array more": lambda entries: entries.update({"9999.npy": npy(np.zeros(3))}),
    "another shape": lambda entries: entries.update({"0000.npy": npy(np.zeros((4, 3)))}),
    "not a number": lambda entries: entries.update({"0000.npy": npy(np.full((3, 4), np.nan))}),
    "objects": lambda entries: entries.update({"0000.npy": npy(np.full((3, 4), None))}),
    "text": lambda entries: entries.update({"0000.npy": npy(np.full((3, 4), "a"))}),
    "no array": lambda entries: entries.update({"0000.npy": b"no array"}),
    "a large array": lambda entries: entries.update({"0000.npy": bytes(2**25)}),
    "enormous shape": lambda entries: entries.update(
        {"0000.npy": npy(np.zeros((3, 4))).replace(b"(3, 4)", b"(9**9,")}
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_checkpoint_is_called_damaged_and_nothing_of_it_is_loaded(
    saved_run, untrained_network, forgery
):
    rewrite(saved_run.checkpoint, FORGERIES[forgery])
    before = untrained_network.get_weights()
    with pytest.raises(UserError, match="damaged"):
        checkpoints.load(saved_run, untrained_network)
    for value, expected in zip(untrained_network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_STORED])
@pytest.mark.parametrize("name", ["about.json", "0000.npy"])
def test_a_packed_checkpoint_is_refused_before_it_is_unpacked_whatever_it_claims(
    saved_run, untrained_network, name, method
):
    path = saved_run.checkpoint
    rewrite(path, lambda entries: entries.update({name: bytes(2**26)}), method)
    data = bytearray(path.read_bytes())
    size = data.index(name.encode(), data.index(b"PK\1\2")) - 22
    data[size : size + 4] = (2**23).to_bytes(4, "little")
    path.write_bytes(data)
    with traced_memory() as memory, pytest.raises(UserError, match="damaged"):
        checkpoints.load(saved_run, untrained_network)
    assert memory.peak < 2**23
