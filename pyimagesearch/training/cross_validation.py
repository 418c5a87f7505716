"""Predict every image by a network that was not trained on it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import cv2
import keras
import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from pyimagesearch.console import counted, first_few
from pyimagesearch.data.batches import Examples, make_targets, steps_per_epoch
from pyimagesearch.data.cache import cache_folder
from pyimagesearch.data.folders import in_one_order, positions_of
from pyimagesearch.data.image_arrays import StoredImages, room_for_images
from pyimagesearch.data.loading import Dataset
from pyimagesearch.errors import UserError
from pyimagesearch.training import workers
from pyimagesearch.training.checkpoints import Run
from pyimagesearch.training.devices import TrainingDevice
from pyimagesearch.training.fitting import Settings, Trainer

FOLDS = 3
# Cells of a table of all groups of copies and all combinations. More would take over 0.5 GB.
LARGEST_TABLE = 2**25
# Wrong labels show in images of half the size, which take a quarter of the time.
SMALLEST_SIZE = 48
# With fewer steps an epoch, networks learn too little of the labels that they judge.
LEAST_STEPS = 12
# Batch normalisation is poor in smaller batches.
SMALLEST_BATCH = 4
# What two cores take for a pixel of an image in a training step.
SECONDS_PER_PIXEL = 1e-6
# From a width and height to a network that is not compiled.
Build = Callable[[int], keras.Sequential]


def announcement(dataset: Dataset, settings: Settings) -> str:
    """Say how much an audit has to train, and about how long that takes."""
    learned = len(dataset.paths) * (FOLDS - 1) // FOLDS
    steps = FOLDS * settings.epochs * steps_per_epoch(learned, settings.batch_size)
    seconds = steps * settings.batch_size * SECONDS_PER_PIXEL * audit_size(dataset) ** 2
    minutes = max(1, round(seconds / 60))
    return (
        f"auditing labels with {FOLDS} networks, {steps:,} steps: "
        f"about {counted(minutes, 'minute')} on two cores"
    )


def audit_batch_size(images: int, batch_size: int, *, replicas: int) -> int:
    """Halve the batches of a small dataset until an epoch has enough steps.

    Parameters
    ----------
    images : int
        Of the dataset.
    batch_size : int
        Images a step, of all replicas together.
    replicas : int
        Each has an equal part of a batch.

    Returns
    -------
    int
        At most `batch_size`, and not halved below ``SMALLEST_BATCH``. Still a multiple of
        `replicas` if it was one.
    """
    learned = images * (FOLDS - 1) // FOLDS
    while (
        learned // batch_size < LEAST_STEPS
        and batch_size >= 2 * SMALLEST_BATCH
        and batch_size % (2 * replicas) == 0
    ):
        batch_size //= 2
    return batch_size


def audit_size(dataset: Dataset) -> int:
    """Return the width and height of the images that an audit trains on."""
    whole = dataset.images.shape[1]
    return min(whole, max(SMALLEST_SIZE, whole // 2))


def cross_validated(
    dataset: Dataset, build: Build, device: TrainingDevice, *, settings: Settings
) -> np.ndarray | str:
    """Predict each image by a network that saw neither the image nor its copies.

    Parameters
    ----------
    dataset : Dataset
        All images.
    build : callable
        Builds the network for images of some width and height.
    device : TrainingDevice
        Where to train.
    settings : Settings
        How to train each of the three networks.

    Returns
    -------
    numpy.ndarray or str
        float32, shape (N, L), probabilities; the name of the signal that ended the audit early.

    Raises
    ------
    UserError
        If a combination has fewer different images than there are folds, if there are several
        workers, if the images go into a file that cannot be made, or if the loss becomes infinite
        or NaN.
    TypeError, ValueError
        As :class:`pyimagesearch.training.fitting.Trainer`, if it refuses what `build` returns.
    """
    combinations = in_one_order(dataset.labels)
    # Copies stay in one fold.
    different = set(zip(combinations, dataset.groups.tolist(), strict=True))
    counts = Counter(labels for labels, _ in different)
    if too_few := sorted(labels for labels, count in counts.items() if count < FOLDS):
        raise UserError(
            f"an audit needs at least {FOLDS} different images in each folder: add some to "
            f"{first_few(['_'.join(labels) for labels in too_few])}"
        )
    if workers.in_several_processes(device.strategy):
        raise UserError("an audit runs in one process: start it without TF_CONFIG")
    size = audit_size(dataset)
    # The reduced images go where the dataset's are: to a file if those are too large for memory.
    limit = 1 if isinstance(dataset.images, StoredImages) else None
    images = room_for_images((len(dataset.images), size, size, 3), limit, cache_folder())
    for position, image in enumerate(dataset.images):
        images[position] = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    targets = make_targets(dataset.labels, dataset.classes)
    everything = Examples(images, targets, np.arange(len(images)))
    probabilities = np.empty(targets.shape, np.float32)
    for learned, tested in _folds(combinations, dataset.groups, seed=settings.seed):
        keras.utils.set_random_seed(settings.seed)
        trainer = Trainer(
            partial(build, size),
            device,
            Run(None, {}),
            examples=everything._replace(indices=learned),
            settings=settings,
        )
        test_examples = everything._replace(indices=tested)
        trainer.fit(test_examples)
        # An audit that a signal ends writes nothing, even if it comes after a network's last step.
        if trainer.requested_by:
            return trainer.requested_by
        probabilities[tested] = trainer.predict(test_examples)
    return probabilities


def _folds(
    combinations: Sequence[tuple[str, ...]], groups: np.ndarray, *, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the images to learn from and to test on in turn, each combination's evenly shared."""
    joined = np.array(["\0".join(labels) for labels in combinations])
    _, first_of_group, group = np.unique(groups, return_index=True, return_inverse=True)
    if len(first_of_group) * len(set(combinations)) <= LARGEST_TABLE:
        whole = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        yield from whole.split(joined, joined, groups)
        return
    # Without that table, a group in several folders counts for the folder of its first image.
    rng = np.random.default_rng(seed)
    groups_of_combination = positions_of(joined[first_of_group].tolist()).values()
    dealt = np.concatenate([rng.permutation(each) for each in groups_of_combination])
    fold = np.empty(len(dealt), int)
    fold[dealt] = np.arange(len(dealt)) % FOLDS
    for number in range(FOLDS):
        is_tested = fold[group] == number
        yield np.flatnonzero(~is_tested), np.flatnonzero(is_tested)
