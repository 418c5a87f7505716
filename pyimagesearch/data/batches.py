"""Arrays become batches: shuffling, augmentation and prefetching with tf.data."""

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pyimagesearch.data.augmentation import (
    TUTORIAL_RANGES,
    AugmentationRanges,
    augment,
    draw_amounts,
)
from pyimagesearch.data.decoding import scale
from pyimagesearch.data.image_arrays import Concatenated, Images


class Share(NamedTuple):
    """Which part of every batch one process computes, a replica of the network at a time.

    Attributes
    ----------
    first, count : int
        The replicas of this process: `count` of them, from the one numbered `first`.
    replicas : int
        How many there are in all processes. Each takes an equal part of a batch.
    """

    first: int = 0
    count: int = 1
    replicas: int = 1

    def of(self, parts: np.ndarray) -> np.ndarray:
        """Take this share of an array of shape (steps * replicas, ...)."""
        steps = parts.reshape(-1, self.replicas, *parts.shape[1:])
        own = steps[:, self.first : self.first + self.count]
        return own.reshape(-1, *parts.shape[1:])


WHOLE = Share()
NONE_IN_TURN = (np.zeros(0, np.int64), 1)


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Count the training steps of an epoch.

    Whole batches only, as in the tutorial: batch normalisation learns nonsense from a batch of one
    or two. With fewer images than a batch there is one step with all of them.
    """
    return max(1, count // batch_size)


def evaluation_steps(count: int, batch_size: int, replicas: int = 1) -> int:
    """Count the steps in which images are tested; none is left out, and no replica is without."""
    return max(1, min(-(-count // batch_size), count // replicas))


def training_batches(
    images: Images | Concatenated,
    targets: np.ndarray,
    indices: np.ndarray,
    batch_size: int,
    epochs: range,
    seed: int,
    ranges: AugmentationRanges = TUTORIAL_RANGES,
    in_turn: tuple[np.ndarray, int] = NONE_IN_TURN,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """Make the batches of all epochs: shuffled anew, augmented and scaled.

    What a step sees depends on the seed, the epoch and the step alone, not on what ran before, so
    that training can be taken up again in the middle, nor on how many share the work.

    Parameters
    ----------
    images : numpy.ndarray, StoredImages or Concatenated
        uint8, shape (N, height, width, channels). Not copied.
    targets : numpy.ndarray
        float32, shape (N, L).
    indices : numpy.ndarray
        int, the positions of the images to train on, as many as there are replicas or more.
    batch_size : int
        Images a step, of all replicas together.
    epochs : range
        The epochs to make batches for.
    seed : int
        Of the order and the augmentation.
    ranges : AugmentationRanges
        How far images may be moved.
    in_turn : (numpy.ndarray, int)
        More positions, and in how many epochs all of them are shown once, an equal part in each.
    share : Share
        Which part of each batch to make.

    Returns
    -------
    tf.data.Dataset
        ``share.count * steps_per_epoch(images an epoch, batch_size)`` parts of batches an epoch, of
        (float32 (batch_size / replicas, height, width, channels) in [0, 1], float32 (batch_size /
        replicas, L)).
    """
    positions = tf.constant(indices, tf.int64)
    turn_positions, turns = tf.constant(in_turn[0], tf.int64), in_turn[1]
    turn_size = len(in_turn[0]) // turns
    count = len(indices) + turn_size
    steps = steps_per_epoch(count, batch_size)
    part_size = min(batch_size, count) // share.replicas
    parts = steps * share.replicas
    own_parts = share.of(np.arange(parts))

    stateless_shuffle = tf.random.experimental.stateless_shuffle

    def shuffled_parts(epoch: tf.Tensor) -> tf.data.Dataset:
        round_of_turns, turn = epoch // turns, epoch % turns
        turn_order = stateless_shuffle(turn_positions, seed=[seed, -1 - round_of_turns])
        shown_now = turn_order[turn * turn_size : (turn + 1) * turn_size]
        order = stateless_shuffle(tf.concat([positions, shown_now], 0), seed=[seed, epoch])
        shuffled = tf.reshape(order[: parts * part_size], (parts, part_size))
        numbers = epoch * parts + own_parts
        return tf.data.Dataset.from_tensor_slices((numbers, tf.gather(shuffled, own_parts)))

    def augmented(number: np.int64, part: np.ndarray) -> np.ndarray:
        step, place = divmod(int(number), share.replicas)
        part_of_batch = slice(place * part_size, (place + 1) * part_size)
        amounts = draw_amounts(part_size * share.replicas, (seed, step))[:, part_of_batch]
        return augment(scale(images[part]), ranges, amounts)

    epoch_numbers = tf.data.Dataset.range(epochs.start, epochs.stop)
    # Few batches at once: each takes memory from between the activations of the training step,
    # which then find no room as large as before.
    at_once = max(1, (os.cpu_count() or 1) // 4)
    batches = epoch_numbers.flat_map(shuffled_parts).map(
        lambda number, part: (
            _computed(augmented, [number, part], images),
            _computed(targets.__getitem__, [part], targets),
        ),
        num_parallel_calls=at_once if at_once > 1 else None,
    )
    return _configured(batches.prefetch(at_once))


def evaluation_batches(
    images: Images,
    targets: np.ndarray,
    indices: np.ndarray,
    batch_size: int,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """Make batches of images as they are, in order, once.

    Parameters
    ----------
    images, targets, indices, batch_size, share
        As for :func:`training_batches`.

    Returns
    -------
    tf.data.Dataset
        All images at `indices`, in ``evaluation_steps(len(indices), batch_size, replicas)`` nearly
        equal batches, each of which the replicas share nearly equally.
    """
    parts = share.replicas * evaluation_steps(len(indices), batch_size, share.replicas)
    edges = np.arange(parts + 1) * len(indices) // parts
    own_edges = share.of(np.stack([edges[:-1], edges[1:]], axis=1))
    positions = tf.constant(indices, tf.int64)
    batches = tf.data.Dataset.from_tensor_slices(own_edges)
    batches = batches.map(lambda edge: positions[edge[0] : edge[1]]).map(
        lambda batch: (
            _computed(lambda where: scale(images[where]), [batch], images),
            _computed(targets.__getitem__, [batch], targets),
        )
    )
    return _configured(batches.prefetch(1))


def _computed(
    function: Callable[..., np.ndarray],
    inputs: list[tf.Tensor],
    like: np.ndarray | Images | Concatenated,
) -> tf.Tensor:
    """Compute a batch in NumPy: float32, each of its rows of the shape that those of `like` have.

    The arrays stay where they are: as a tensor they would be held in memory a second time.
    """
    batch = tf.numpy_function(function, inputs, tf.float32)
    batch.set_shape((None, *like.shape[1:]))
    return batch


def _configured(batches: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    # Whenever an iterator is destroyed, it waits for the autotuner's thread to wake up: some five
    # seconds at the end of every epoch.
    options.autotune.enabled = False
    return batches.with_options(options)
