"""Arrays become batches: shuffling, augmentation and prefetching with tf.data."""

import math
import os
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pyimagesearch.dataset import scale


class AugmentationRanges(NamedTuple):
    """How far an image may be moved at random; every amount is drawn evenly from its range.

    Attributes
    ----------
    rotation : float
        Degrees, to either side.
    width_shift, height_shift : float
        Share of the width and of the height, to either side.
    shear : float
        Degrees, to either side.
    zoom : float
        Each axis by itself, from ``1 - zoom`` to ``1 + zoom``.
    horizontal_flip : bool
        Whether half of the images are mirrored.
    """

    rotation: float = 25.0
    width_shift: float = 0.1
    height_shift: float = 0.1
    # The tutorial's 0.2 is in degrees (ImageDataGenerator's documentation), so next to nothing.
    shear: float = 0.2
    zoom: float = 0.2
    horizontal_flip: bool = True


TUTORIAL_RANGES = AugmentationRanges()


class Concatenated:
    """Arrays of images that are addressed as one, without being copied into one.

    Parameters
    ----------
    *parts : numpy.ndarray
        uint8, each of shape (any number, height, width, channels).

    Attributes
    ----------
    shape : tuple of int
        What the shape of the one array would be.
    """

    def __init__(self, *parts: np.ndarray) -> None:
        self.parts = parts
        self.starts = np.cumsum([0, *map(len, parts)])
        self.shape = (int(self.starts[-1]), *parts[0].shape[1:])

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """Copy the images at some positions, an array of int, as NumPy does."""
        taken = np.empty((len(positions), *self.shape[1:]), np.uint8)
        for part, start in zip(self.parts, self.starts, strict=False):
            inside = (positions >= start) & (positions < start + len(part))
            taken[inside] = part[positions[inside] - start]
        return taken


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Count the training steps of an epoch.

    Whole batches only, as in the tutorial: batch normalisation learns nonsense from a batch of one
    or two. With fewer images than a batch there is one step with all of them.
    """
    return max(1, count // batch_size)


def training_batches(
    images: np.ndarray | Concatenated,
    targets: np.ndarray,
    indices: np.ndarray,
    batch_size: int,
    epochs: range,
    seed: int,
    ranges: AugmentationRanges = TUTORIAL_RANGES,
) -> tf.data.Dataset:
    """Make the batches of all epochs: shuffled anew, augmented and scaled.

    What a step sees depends on the seed, the epoch and the step alone, not on what ran before, so
    that training can be taken up again in the middle.

    Parameters
    ----------
    images : numpy.ndarray or Concatenated
        uint8, shape (N, height, width, channels). Not copied; may be a memory map.
    targets : numpy.ndarray
        float32, shape (N, L).
    indices : numpy.ndarray
        int, the positions of the images to train on.
    batch_size : int
        Images a step.
    epochs : range
        The epochs to make batches for.
    seed : int
        Of the order and the augmentation.
    ranges : AugmentationRanges
        How far images may be moved.

    Returns
    -------
    tf.data.Dataset
        ``steps_per_epoch(len(indices), batch_size)`` batches an epoch of (float32 (batch_size,
        height, width, channels) in [0, 1], float32 (batch_size, L)).
    """
    steps = steps_per_epoch(len(indices), batch_size)
    positions = tf.constant(indices, tf.int64)

    def shuffled_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(positions, seed=[seed, epoch])
        batches = tf.data.Dataset.from_tensor_slices(order).batch(batch_size).take(steps)
        return batches.enumerate(epoch * steps)

    def augmented(step: tf.Tensor, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels, labels = _fetch(images, targets, batch)
        return augment(pixels, ranges, seed=tf.stack([tf.constant(seed, tf.int64), step])), labels

    epoch_numbers = tf.data.Dataset.range(epochs.start, epochs.stop)
    # Few batches at once: each takes memory from between the activations of the training step,
    # which then find no room as large as before.
    at_once = max(1, (os.cpu_count() or 1) // 4)
    batches = epoch_numbers.flat_map(shuffled_batches)
    batches = batches.map(augmented, num_parallel_calls=at_once if at_once > 1 else None)
    return _configured(batches.prefetch(at_once))


def evaluation_batches(
    images: np.ndarray, targets: np.ndarray, indices: np.ndarray, batch_size: int
) -> tf.data.Dataset:
    """Make batches of images as they are, in order, once.

    Parameters
    ----------
    images, targets, indices, batch_size
        As for :func:`training_batches`.

    Returns
    -------
    tf.data.Dataset
        All images at `indices`, the last batch smaller where they do not come out even.
    """
    batches = tf.data.Dataset.from_tensor_slices(np.asarray(indices, np.int64)).batch(batch_size)
    return _configured(batches.map(lambda batch: _fetch(images, targets, batch)).prefetch(1))


def augment(images: tf.Tensor, ranges: AugmentationRanges, seed: tf.Tensor) -> tf.Tensor:
    """Rotate, shift, shear, zoom and mirror each image of a batch at random, by itself.

    Parameters
    ----------
    images : tf.Tensor
        float32, shape (N, height, width, channels).
    ranges : AugmentationRanges
        How far.
    seed : tf.Tensor
        int, shape (2,): the same seed moves the same batch the same way.

    Returns
    -------
    tf.Tensor
        float32, shape (N, height, width, channels).
    """
    count, height, width = tf.unstack(tf.cast(tf.shape(images)[:3], tf.float32))
    draws = tf.random.stateless_uniform((7, tf.cast(count, tf.int32)), seed, -1.0, 1.0)
    draws = tf.unstack(draws)
    return move(
        images,
        angle=draws[0] * math.radians(ranges.rotation),
        shift_x=draws[1] * ranges.width_shift * width,
        shift_y=draws[2] * ranges.height_shift * height,
        shear=draws[3] * math.radians(ranges.shear),
        zoom_x=1 + draws[4] * ranges.zoom,
        zoom_y=1 + draws[5] * ranges.zoom,
        mirrored=tf.logical_and(draws[6] < 0, ranges.horizontal_flip),
    )


def move(
    images: tf.Tensor,
    angle: tf.Tensor,
    shift_x: tf.Tensor,
    shift_y: tf.Tensor,
    shear: tf.Tensor,
    zoom_x: tf.Tensor,
    zoom_y: tf.Tensor,
    mirrored: tf.Tensor,
) -> tf.Tensor:
    """Move each image of a batch by amounts of its own.

    All movements are affine, so that a single bilinear interpolation does them together. The
    matrices are those of Keras 2's ImageDataGenerator (``apply_affine_transform``): rotation,
    shift, shear and zoom about the centre, then the mirror. What comes in from outside the image
    repeats its nearest pixel.

    Parameters
    ----------
    images : tf.Tensor
        float32, shape (N, height, width, channels).
    angle, shear : tf.Tensor
        float32, shape (N,), in radians.
    shift_x, shift_y : tf.Tensor
        float32, shape (N,), in pixels.
    zoom_x, zoom_y : tf.Tensor
        float32, shape (N,); above 1 the content shrinks, as with ImageDataGenerator.
    mirrored : tf.Tensor
        bool, shape (N,).

    Returns
    -------
    tf.Tensor
        float32, shape (N, height, width, channels).
    """
    output_shape = tf.shape(images)[1:3]
    height, width = tf.unstack(tf.cast(output_shape, tf.float32))
    mirror = tf.where(mirrored, -1.0, 1.0)

    # From a pixel of the output to the point of the input it is taken from, both measured from
    # the centre: the product of the matrices, written out.
    x_from_x = tf.cos(angle + shear) * zoom_x * mirror
    x_from_y = tf.sin(angle) * zoom_y
    y_from_x = -tf.sin(angle + shear) * zoom_x * mirror
    y_from_y = tf.cos(angle) * zoom_y
    offset_x = tf.cos(angle) * shift_x + tf.sin(angle) * shift_y
    offset_y = tf.cos(angle) * shift_y - tf.sin(angle) * shift_x

    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    corner_x = centre_x + offset_x - x_from_x * centre_x - x_from_y * centre_y
    corner_y = centre_y + offset_y - y_from_x * centre_x - y_from_y * centre_y
    none = tf.zeros_like(angle)
    rows = [x_from_x, x_from_y, corner_x, y_from_x, y_from_y, corner_y, none, none]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack(rows, axis=1),
        output_shape=output_shape,
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )


def _fetch(
    images: np.ndarray | Concatenated, targets: np.ndarray, positions: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Take the images and targets at some positions out of the arrays, scaled to [0, 1].

    The arrays stay where they are: as a tensor they would be held in memory a second time.
    """
    pixels, labels = tf.numpy_function(
        lambda where: (scale(images[where]), targets[where]), [positions], (tf.float32, tf.float32)
    )
    pixels.set_shape((None, *images.shape[1:]))
    labels.set_shape((None, *targets.shape[1:]))
    return pixels, labels


def _configured(batches: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    # Whenever an iterator is destroyed, it waits for the autotuner's thread to wake up: some five
    # seconds at the end of every epoch.
    options.autotune.enabled = False
    return batches.with_options(options)
