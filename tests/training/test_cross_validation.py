import signal
from functools import partial
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from counting import traced_memory
from keras import layers

from pyimagesearch.data.image_arrays import StoredImages, room_for_images
from pyimagesearch.data.loading import Dataset
from pyimagesearch.errors import UserError
from pyimagesearch.training import cross_validation, fitting
from pyimagesearch.training.devices import TrainingDevice

pytestmark = pytest.mark.slow

SETTINGS = fitting.Settings(4, 8, 3e-2, 1)
LABELS = [("bright",) if i % 2 else ("dark",) for i in range(30)]


@pytest.fixture
def device():
    return TrainingDevice(tf.distribute.get_strategy(), "CPU", is_chief=True)


def build(size, labels=2):
    sequence = [layers.Input((size, size, 3)), layers.Flatten(), layers.Dense(labels)]
    return keras.Sequential([*sequence, layers.Activation("sigmoid")])


def make_dataset(labels=LABELS, groups=None):
    """Thirty bright and dark images; the labels may say something else."""
    images = np.where(np.arange(30) % 2, 220, 20)[:, None, None, None]
    return Dataset(
        np.broadcast_to(images, (30, 8, 8, 3)).astype(np.uint8),
        labels,
        [f"{labels[i][0]}/{i}.png" for i in range(30)],
        ["bright", "dark"],
        np.arange(30) if groups is None else groups,
        np.arange(30, dtype=np.uint32),
        [],
    )


def test_a_wrong_label_does_not_teach_the_network_that_judges_it(device):
    labels = [*LABELS]
    labels[5] = ("dark",)
    found = cross_validation.cross_validated(make_dataset(labels), build, device, settings=SETTINGS)
    assert found.shape == (30, 2)
    assert found[5, 0] > found[5, 1]


@pytest.mark.parametrize("largest_table", [cross_validation.LARGEST_TABLE, 0])
def test_each_image_is_predicted_once_by_a_network_that_saw_no_copy_of_it(
    device, monkeypatch, largest_table
):
    monkeypatch.setattr(cross_validation, "LARGEST_TABLE", largest_table)
    groups = np.arange(30) // 4 * 2 + np.arange(30) % 2  # two images each
    learned, predicted = [], []

    class Watched(fitting.Trainer):
        def __init__(self, *arguments, examples, **settings):
            learned.append(set(groups[examples.indices]))
            super().__init__(*arguments, examples=examples, **settings)

        def fit(self, examples):
            predicted.extend(examples.indices.tolist())
            assert not learned[-1] & set(groups[examples.indices])

    monkeypatch.setattr(cross_validation, "Trainer", Watched)
    dataset = make_dataset(groups=groups)
    cross_validation.cross_validated(dataset, build, device, settings=SETTINGS)
    assert sorted(predicted) == list(range(30))


@pytest.mark.parametrize(("spared", "is_small"), [(0, False), (1, True)])
def test_a_large_table_of_copies_and_combinations_is_not_made_to_share_each_out_evenly(
    device, monkeypatch, spared, is_small
):
    labels = [(f"colour {i}", f"type {j}") for i in range(20) for j in range(30)] * 3
    everything = np.arange(len(labels))
    dataset = make_dataset()._replace(
        images=np.zeros((len(labels), 8, 8, 3), np.uint8),
        labels=labels,
        paths=["0.png"] * len(labels),
        classes=sorted({label for each in labels for label in each}),
        groups=everything,
    )
    cells = len(labels) * len(set(labels))
    monkeypatch.setattr(cross_validation, "LARGEST_TABLE", cells - spared)
    tested = []

    def fit(trainer, examples):
        tested.extend(labels[i] for i in examples.indices)
        trainer.requested_by = "SIGINT"

    monkeypatch.setattr(fitting.Trainer, "fit", fit)
    of_fifty = partial(build, labels=50)
    with traced_memory() as memory:
        cross_validation.cross_validated(dataset, of_fifty, device, settings=SETTINGS)
    assert sorted(tested) == sorted(set(labels))  # a third of the three images of each
    assert (memory.peak < cells * 8) == is_small


@pytest.mark.parametrize("is_stored", [False, True])
def test_images_that_stay_in_a_file_are_reduced_into_one(device, monkeypatch, tmp_path, is_stored):
    monkeypatch.setattr(cross_validation, "cache_folder", lambda: tmp_path)
    dataset = make_dataset()
    if is_stored:
        stored = room_for_images(dataset.images.shape, 1, tmp_path)
        for position, image in enumerate(dataset.images):
            stored[position] = image
        dataset = dataset._replace(images=stored)
    used = []

    def fit(trainer, examples):
        used.append(examples.images)
        trainer.requested_by = "SIGINT"

    monkeypatch.setattr(fitting.Trainer, "fit", fit)
    cross_validation.cross_validated(dataset, build, device, settings=SETTINGS)
    assert isinstance(used[0], StoredImages) == is_stored
    np.testing.assert_array_equal(used[0][:], make_dataset().images)


def test_all_combinations_with_fewer_images_than_folds_are_named(device):
    labels = [("dark",), ("red", "dark"), ("red", "dark"), *[("bright",)] * 27]
    with pytest.raises(
        UserError, match=r"at least 3 different images .* add some to dark, red_dark$"
    ):
        cross_validation.cross_validated(make_dataset(labels), build, device, settings=SETTINGS)


def test_copies_of_one_image_do_not_make_a_folder_large_enough(device):
    groups = np.arange(30) % 2 * np.arange(30)  # the dark images are copies of one
    groups[2] = 2
    dataset = make_dataset(groups=np.unique(groups, return_inverse=True)[1])
    with pytest.raises(UserError, match=r"add some to dark$"):
        cross_validation.cross_validated(dataset, build, device, settings=SETTINGS)


def test_folders_of_the_same_labels_in_another_order_are_one_combination(device, monkeypatch):
    make_trainer = mock.Mock(return_value=mock.Mock(requested_by="SIGINT"))
    monkeypatch.setattr(cross_validation, "Trainer", make_trainer)
    labels = [("bright", "dark")] * 29 + [("dark", "bright")]
    cross_validation.cross_validated(make_dataset(labels), build, device, settings=SETTINGS)
    make_trainer.assert_called_once()


def test_a_signal_ends_the_audit_even_after_the_last_step_of_a_network(device, monkeypatch):
    measured = []

    def measure(*arguments, **settings):
        measured.append(arguments)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(fitting, "measure_normalization", measure)
    found = cross_validation.cross_validated(make_dataset(), build, device, settings=SETTINGS)
    assert found == "SIGINT"
    assert len(measured) == 1


@pytest.mark.parametrize(
    ("images", "asked_for", "replicas", "used"),
    [
        (1830, 32, 1, 32),
        (600, 32, 1, 32),
        (360, 32, 1, 16),
        (180, 32, 1, 8),
        (30, 32, 1, 4),
        (30, 2, 1, 2),
        (180, 33, 1, 33),
        (180, 32, 16, 16),
        (180, 48, 6, 6),
    ],
)
def test_few_images_make_smaller_batches_that_devices_can_share(images, asked_for, replicas, used):
    assert cross_validation.audit_batch_size(images, asked_for, replicas=replicas) == used


def test_the_announcement_counts_all_steps():
    line = cross_validation.announcement(make_dataset(), SETTINGS)
    assert "24 steps" in line  # 3 networks, 4 epochs, 20 images in whole batches of 8
    assert "about 1 minute on" in line


def test_the_announcement_takes_larger_images_to_take_longer():
    dataset = make_dataset()._replace(images=np.empty((30, 400, 400, 3), np.uint8))
    # 3 networks, 50 epochs, 2 steps of 8 images of 200 x 200 pixels
    line = cross_validation.announcement(dataset, SETTINGS._replace(epochs=50))
    assert "about 2 minutes on" in line


@pytest.mark.parametrize(("size", "used"), [(96, 48), (64, 48), (32, 32), (200, 100)])
def test_an_audit_halves_images_but_not_below_the_smallest_size(size, used):
    dataset = make_dataset()._replace(images=np.empty((30, size, size, 3), np.uint8))
    assert cross_validation.audit_size(dataset) == used
