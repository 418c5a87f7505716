"""Arrays become batches: shuffling, augmentation and prefetching with tf.data."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from scipy.sparse import csr_array
from sklearn.preprocessing import MultiLabelBinarizer

from pyimagesearch.console import first_few
from pyimagesearch.data.augmentation import augment, draw_amounts
from pyimagesearch.data.decoding import scale
from pyimagesearch.data.image_arrays import NO_TURNS, Concatenated, Images, Turns


class Share(NamedTuple):
    """The part of every batch that one process computes.

    Attributes
    ----------
    first, own : int
        The replicas of this process: `own` of them, from number `first` on.
    replicas : int
        The replicas of all processes. Each takes an equal part of a batch.
    """

    first: int = 0
    own: int = 1
    replicas: int = 1

    def of(self, parts: np.ndarray) -> np.ndarray:
        """Select this share of an array of shape (steps * replicas, ...)."""
        steps = parts.reshape(-1, self.replicas, *parts.shape[1:])
        shared = steps[:, self.first : self.first + self.own]
        return shared.reshape(-1, *parts.shape[1:])


WHOLE = Share()


class Examples(NamedTuple):
    """Images with their targets, and which of them are used.

    Attributes
    ----------
    images : numpy.ndarray, StoredImages or Concatenated
        uint8, shape (N, height, width, channels). Never copied as a whole.
    targets : scipy.sparse.csr_array
        Shape (N, L), 0 or 1.
    indices : numpy.ndarray
        int, the images that are used, at least as many as there are replicas.
    turns : Turns
        More images, of which each training epoch shows an equal part.
    """

    images: Images | Concatenated
    targets: csr_array
    indices: np.ndarray
    turns: Turns = NO_TURNS

    @property
    def images_per_epoch(self) -> int:
        """How many images a training epoch shows."""
        return len(self.indices) + self.turns.images_per_epoch


def check_examples(examples: Examples, image_shape: tuple[int | None, ...], outputs: int) -> None:
    """Refuse examples on which a network would train, but learn nonsense.

    Parameters
    ----------
    examples : Examples
        To train on, or to test on.
    image_shape : tuple of int or None
        What the network takes: height, width and channels. None stands for any number.
    outputs : int
        How many labels the network has.

    Raises
    ------
    ValueError
        If they are not as :class:`Examples` says, do not fit the network, or are none.
    """
    images, targets, indices, turns = examples
    for part in images.parts if isinstance(images, Concatenated) else [images]:
        _check_images(part, image_shape)
    _check_targets(targets, outputs)
    if not len(indices):
        raise ValueError("indices must be of at least one image")
    for each in (indices, turns.indices):
        _check_indices(np.asarray(each), min(images.shape[0], targets.shape[0]))


def _check_images(images: Images, shape: tuple[int | None, ...]) -> None:
    given = images.shape[1:]
    fits = len(given) == len(shape) and all(
        wanted in (None, size) for wanted, size in zip(shape, given, strict=True)
    )
    if images.dtype != np.uint8 or not fits:
        raise ValueError(
            f"images must be uint8 of shape (N, {', '.join(map(str, shape))}), "
            f"not {images.dtype} of shape {images.shape}"
        )


def _check_targets(targets: csr_array, outputs: int) -> None:
    if not isinstance(targets, csr_array) or targets.shape[1:] != (outputs,):
        raise ValueError(
            f"targets must be a csr_array of shape (N, {outputs}), "
            f"not a {type(targets).__name__} of shape {np.shape(targets)}"
        )
    wrong = targets.data[(targets.data < 0) | (targets.data > 1)]
    if len(wrong):
        raise ValueError(f"targets must be 0 or 1, not {wrong[0]:g}")


def _check_indices(indices: np.ndarray, count: int) -> None:
    if indices.dtype.kind not in "iu":
        raise ValueError(f"indices must be whole numbers, not {indices.dtype}")
    if indices.ndim != 1:
        raise ValueError(f"indices must be of one dimension, not of shape {indices.shape}")
    for extreme in (indices.min(), indices.max()) if len(indices) else ():
        if not 0 <= extreme < count:
            raise ValueError(f"indices must be from 0 to {count - 1}, not {extreme}")


def make_targets(labels: Sequence[Iterable[str]], classes: Sequence[str]) -> csr_array:
    """Encode label sets, with memory for the labels that there are and for no others.

    Parameters
    ----------
    labels : sequence of iterable of str
        The labels of each of N images, all of them among the classes.
    classes : sequence of str
        The L labels, in the order of the columns.

    Returns
    -------
    scipy.sparse.csr_array
        float32, shape (N, L), 0 or 1.

    Raises
    ------
    ValueError
        If a label is none of the classes.
    """
    # scikit-learn would only warn of them.
    if unknown := {label for each in labels for label in each}.difference(classes):
        raise ValueError(f"labels that are none of the classes: {first_few(sorted(unknown))}")
    binarizer = MultiLabelBinarizer(classes=classes, sparse_output=True)
    return csr_array(binarizer.fit_transform(labels), dtype=np.float32)


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Count the training steps of an epoch that shows `count` images.

    Only whole batches are used, as in the tutorial, because batch normalisation learns nonsense
    from a batch of one or two. Fewer images than a batch make one step.
    """
    return max(1, count // batch_size)


def evaluation_steps(count: int, batch_size: int, replicas: int) -> int:
    """Count the steps that test every image and leave no replica without one."""
    return max(1, min(-(-count // batch_size), count // replicas))


def training_batches(
    examples: Examples,
    *,
    batch_size: int,
    epochs: range,
    seed: int,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """Make the batches of all epochs, shuffled anew in each, augmented and scaled.

    A batch depends only on seed, epoch and step, so a resumed run repeats it exactly, and so do
    any number of replicas that share it.

    Parameters
    ----------
    examples : Examples
        The images to train on.
    batch_size : int
        Images a step, of all replicas together.
    epochs : range
        The epochs to make batches for.
    seed : int
        Seed of the order and the augmentation.
    share : Share
        Which part of each batch to make.

    Returns
    -------
    tf.data.Dataset
        ``share.own * steps_per_epoch(...)`` parts of batches an epoch, each of
        (float32 (batch_size / replicas, height, width, channels) in [0, 1], float32 (batch_size /
        replicas, L)).
    """
    # A batch has one part for each replica. All parts of all epochs are numbered, so that
    # number // replicas is the step, and number % replicas the place of the part in the batch.
    images, targets, count = examples.images, examples.targets, examples.images_per_epoch
    part_size = min(batch_size, count) // share.replicas
    order_of = _shuffled_indices(examples.indices, examples.turns, seed)
    parts = steps_per_epoch(count, batch_size) * share.replicas
    own_parts = share.of(np.arange(parts))

    def shuffled_parts(epoch: tf.Tensor) -> tf.data.Dataset:
        shuffled = tf.reshape(order_of(epoch)[: parts * part_size], (parts, part_size))
        numbers = epoch * parts + own_parts
        return tf.data.Dataset.from_tensor_slices((numbers, tf.gather(shuffled, own_parts)))

    def augmented(number: np.int64, part: np.ndarray) -> np.ndarray:
        step, place = divmod(int(number), share.replicas)
        part_of_batch = slice(place * part_size, (place + 1) * part_size)
        amounts = draw_amounts(part_size * share.replicas, (seed, step))[:, part_of_batch]
        return augment(scale(images[part]), amounts)

    # Prefetch little: buffers fragment the allocator and raise peak memory.
    at_once = max(1, (os.cpu_count() or 1) // 4)
    batches = (
        tf.data.Dataset.range(epochs.start, epochs.stop)
        .flat_map(shuffled_parts)
        .map(
            lambda number, part: (
                _computed(augmented, [number, part], images.shape),
                _computed(lambda where: targets[where].toarray(), [part], targets.shape),
            ),
            num_parallel_calls=at_once if at_once > 1 else None,
        )
    )
    return _configured(batches.prefetch(at_once))


def evaluation_batches(
    examples: Examples, *, batch_size: int, share: Share = WHOLE
) -> tf.data.Dataset:
    """Make batches of images as they are, in order, once.

    Parameters
    ----------
    examples, batch_size, share
        As for :func:`training_batches`. Images that take turns are left out.

    Returns
    -------
    tf.data.Dataset
        All images in ``evaluation_steps(len(examples.indices), batch_size, replicas)`` batches of
        nearly equal size, which the replicas share nearly equally.
    """
    images, targets, indices, _ = examples
    parts = share.replicas * evaluation_steps(len(indices), batch_size, share.replicas)
    edges = np.arange(parts + 1) * len(indices) // parts
    own_edges = share.of(np.stack([edges[:-1], edges[1:]], axis=1))
    positions = tf.constant(indices, tf.int64)
    batches = tf.data.Dataset.from_tensor_slices(own_edges)
    batches = batches.map(lambda edge: positions[edge[0] : edge[1]]).map(
        lambda batch: (
            _computed(lambda where: scale(images[where]), [batch], images.shape),
            _computed(lambda where: targets[where].toarray(), [batch], targets.shape),
        )
    )
    return _configured(batches.prefetch(1))


def _shuffled_indices(
    indices: np.ndarray, turns: Turns, seed: int
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function from an epoch to the order of the images that it shows."""
    fixed, taking_turns = (tf.constant(each, tf.int64) for each in (indices, turns.indices))
    part_size = turns.images_per_epoch
    shuffle = tf.random.experimental.stateless_shuffle

    def order_of(epoch: tf.Tensor) -> tf.Tensor:
        round_of_epochs, turn = epoch // turns.epochs, epoch % turns.epochs
        # Negative, so that no epoch's own order is drawn from the same seed.
        order = shuffle(taking_turns, seed=[seed, -1 - round_of_epochs])
        shown = order[turn * part_size : (turn + 1) * part_size]
        return shuffle(tf.concat([fixed, shown], 0), seed=[seed, epoch])

    return order_of


def _computed(
    function: Callable[..., np.ndarray], inputs: list[tf.Tensor], shape: tuple[int, ...]
) -> tf.Tensor:
    """Compute a batch in NumPy, from an array that is not copied into a tensor.

    Parameters
    ----------
    function : callable
        Returns the batch. It takes the inputs as NumPy arrays.
    inputs : list of tf.Tensor
        Which part of the array the batch is made from.
    shape : tuple of int
        That of the whole array.

    Returns
    -------
    tf.Tensor
        float32, shape (any number, *shape[1:]).
    """
    batch: Any = tf.numpy_function(
        lambda *rows: function(*rows).astype(np.float32, copy=False), inputs, tf.float32
    )
    batch.set_shape((None, *shape[1:]))
    return batch


def _configured(batches: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    # An iterator that is destroyed waits for the autotuner's thread to wake up: some five seconds
    # at the end of every epoch.
    options.autotune.enabled = False
    return batches.with_options(options)
