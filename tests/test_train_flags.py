"""What train.py does with its flags: one small run in which each has a value of its own."""

import contextlib

import cv2
import numpy as np
import pytest
from recorder import record

import train

pytestmark = pytest.mark.slow

# A flag, the function that it has to reach, and what arrives there as which argument.
ARRIVALS = [
    ("--dataset images", "load_dataset", "folder", "images"),
    ("--dataset images", "draw_training", "by_label", False),
    ("--image-size 12", "load_dataset", "size", 12),
    ("--fit squeeze", "load_dataset", "fit", "squeeze"),
    ("--no-cache", "load_dataset", "use_cache", False),
    ("--memory-limit 9GB", "load_dataset", "memory_limit", 9 * 2**30),
    ("--memory-limit 9GB", "compose_missing", "memory_limit", 9 * 2**30),
    ("--device cpu", "prepare_training_device", "wanted", "cpu"),
    ("--test-size 0.4", "split_dataset", "test_size", 0.4),
    ("--seed 7", "set_random_seed", "seed", 7),
    ("--seed 7", "split_dataset", "seed", 7),
    ("--seed 7", "compose_missing", "seed", 7),
    ("--seed 7", "Settings", "seed", 7),
    ("--epochs 1", "Settings", "epochs", 1),
    ("--batch-size 4", "Settings", "batch_size", 4),
    ("--batch-size 4", "check_shares", "batch_size", 4),
    ("--learning-rate 0.002", "Settings", "learning_rate", 0.002),
    ("--balance", "Settings", "balance", True),
    ("--recolor 3", "choose_recoloring", "wanted", 3),
    ("--recolor 3", "compose_missing", "per_combination", 3),
    ("--recolor-part 2", "choose_recoloring", "part", 1),
    ("--recolor-part 2", "compose_missing", "part", 1),
    ("--recolor-part 2", "logit_offsets", "part", 1),
    ("--recolor-preview composed.png", "write_preview", "path", "composed.png"),
    ("--log log.csv", "loggers", "csv_path", "log.csv"),
    ("--tensorboard board", "loggers", "tensorboard_folder", "board"),
    ("--resume", "loggers", "append", True),
    ("--model our.model", "save_model", "path", "our.model"),
    ("--model our.model", "export_model", "model", "our.model"),
    ("--labelbin our.pickle", "save_binarizer", "path", "our.pickle"),
    ("--labelbin our.pickle", "export_model", "labelbin", "our.pickle"),
    ("--report our.json", "write", "path", "our.json"),
    ("--plot our.png", "draw_training", "path", "our.png"),
    ("--errors errors.png", "draw_errors", "path", "errors.png"),
    ("--export litert", "export_paths", "formats", ["litert"]),
    ("--quantize", "export_model", "quantize", True),
]
CALLED = [
    "keras.utils.set_random_seed",
    "pyimagesearch.artifacts.export.export_paths",
    "pyimagesearch.data.loading.load_dataset",
    "pyimagesearch.data.split.split_dataset",
    "pyimagesearch.recoloring.color_part.choose_recoloring",
    "pyimagesearch.recoloring.composition.compose_missing",
    "pyimagesearch.recoloring.prior.logit_offsets",
    "pyimagesearch.reports.strays.find_strays",
    "pyimagesearch.training.devices.TrainingDevice.check_shares",
    "pyimagesearch.training.fitting.Settings",
    "pyimagesearch.training.fitting.Trainer.fit",
    "pyimagesearch.training.fitting.Trainer.predict",
    "pyimagesearch.training.fitting.Trainer.subtract_from_logits",
    "pyimagesearch.training.fitting.Trainer",
    "pyimagesearch.training.remembering.remember",
]
# What writes, starts devices or reads a checkpoint has a value in its place.
NOT_CALLED = {
    "pyimagesearch.artifacts.export.export_model": None,
    "pyimagesearch.artifacts.label_file.save_binarizer": None,
    "pyimagesearch.artifacts.model_file.save_model": None,
    "pyimagesearch.reports.error_montage.draw_errors": None,
    "pyimagesearch.reports.pictures.draw_training": None,
    "pyimagesearch.reports.pictures.write_preview": None,
    "pyimagesearch.reports.training_report.write": None,
    "pyimagesearch.training.devices.importing_tensorflow": contextlib.nullcontext(),
    "pyimagesearch.training.fitting.Trainer.resume": 0,
    "pyimagesearch.training.logs.loggers": [],
}


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """What functions were given and returned while train.py trained on images of noise."""
    import tensorflow as tf

    from pyimagesearch.training.devices import TrainingDevice

    folder, random = tmp_path_factory.mktemp("run"), np.random.default_rng(0)
    # Folders are named type first. No folder holds red jeans.
    for name in ("jeans_black", "dress_black", "dress_red"):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(5):
            noise = random.integers(0, 256, (12, 12, 3), np.uint8)
            cv2.imwrite(str(folder / "images" / name / f"{number}.png"), noise)
    (folder / "our.model.checkpoint").touch()
    device = TrainingDevice(tf.distribute.get_strategy(), "CPU", is_chief=True)
    devices = {"pyimagesearch.training.devices.prepare_training_device": device}
    stand_ins = NOT_CALLED | devices
    flags = dict.fromkeys(flag for flag, *_ in ARRIVALS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.argv", ["train.py", *" ".join(flags).split()])
        calls = record(patch, [*CALLED, *stand_ins], stand_ins)
        assert train.main() == 0
    return calls


@pytest.mark.parametrize(("flag", "function", "argument", "value"), ARRIVALS)
def test_a_flag_reaches_what_it_is_about(calls, flag, function, argument, value):
    assert calls[function].arguments[argument] == value


def test_images_are_learned_and_composed_from_the_training_side_alone(calls):
    trained, tested = (indices.tolist() for indices in calls["split_dataset"].result)
    assert len(tested) == 6
    for function in ("choose_recoloring", "compose_missing"):
        assert calls[function].arguments["indices"].tolist() == trained
    assert calls["Trainer"].arguments["examples"].indices.tolist() == trained
    assert calls["fit"].arguments["test_examples"].indices.tolist() == tested


def test_every_device_gets_an_image_of_the_smaller_side(calls):
    assert calls["check_shares"].arguments["images"] == 6


def test_the_network_is_trained_with_these_settings_on_this_device(calls):
    arguments = calls["Trainer"].arguments
    assert arguments["settings"] is calls["Settings"].result
    assert arguments["device"] is calls["prepare_training_device"].result


def test_the_correction_for_composed_colours_is_of_this_run_and_weighed_as_in_the_loss(calls):
    from pyimagesearch.training.balance import weight_in_loss

    given, labels = calls["logit_offsets"].arguments, calls["load_dataset"].result.labels
    assert given["labels"] == [labels[index] for index in calls["split_dataset"].result[0]]
    assert set(given["composed_labels"]) == {("jeans", "red")}
    assert given["weigh"] is weight_in_loss


def test_predictions_are_corrected_for_colours_that_composed_images_made_more_frequent(calls):
    offsets = calls["logit_offsets"].result
    assert np.abs(offsets).max() > 1e-3
    assert calls["subtract_from_logits"].arguments["offsets"] is offsets
    predicted = calls["predict"].result
    corrected = calls["Trainer"].result.predict(calls["fit"].arguments["test_examples"])
    np.testing.assert_allclose(predicted, corrected, rtol=1e-5)


def test_what_is_remembered_of_all_images_reaches_the_model_file_and_the_strays(calls):
    given, remembered = calls["remember"].arguments, calls["remember"].result
    assert given["images"] is calls["Trainer"].arguments["examples"].images
    assert given["test"] is calls["split_dataset"].result[1]
    assert calls["save_model"].arguments["known"] is remembered.known
    assert calls["find_strays"].arguments["points"] is remembered.points
    assert calls["find_strays"].arguments["indices"] is remembered.indices


def test_an_export_is_compared_on_test_images(calls):
    dataset, (_, tested) = calls["load_dataset"].result, calls["split_dataset"].result
    shown = calls["export_model"].arguments["images"]
    np.testing.assert_array_equal(shown, dataset.images[tested])


class LoadedError(Exception):
    """Ends a run as soon as images would be loaded."""


def test_a_table_of_labels_reaches_the_loading_of_images(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "table.csv").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train.py", "--labels", "photos/table.csv"])
    given = {}

    def load_dataset(folder, size, **more):
        given.update(more, folder=folder)
        raise LoadedError

    monkeypatch.setattr("pyimagesearch.data.loading.load_dataset", load_dataset)
    nothing = contextlib.nullcontext
    monkeypatch.setattr("pyimagesearch.training.devices.importing_tensorflow", nothing)
    with pytest.raises(LoadedError):
        train.main()
    assert given["label_table"] == "photos/table.csv"
    assert given["folder"] == "photos"
