"""Training in step in several processes: what Keras 3 and TensorFlow leave to do.

Every worker goes through the same run with the same data, and computes its share of each batch.
"""

import itertools
import json
import os
import socket
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pyimagesearch.data.batches import Share
from pyimagesearch.errors import WORK_FAILED, UserError

# A worker that does not accept a connection within so many seconds is taken to be gone.
SECONDS_TO_ANSWER = 5
# One that ends of its own accord saves first, and accepts connections until it has: so long.
SECONDS_TO_END = 30


class InStep(keras.Sequential):
    """A network that Keras 3 can train in several processes.

    Its `fit` fails there twice (https://github.com/keras-team/keras/issues/20585): when it takes
    the mean of a first batch over all workers, to learn its shape, and when it takes the mean of
    the metrics along an axis that scalars do not have.
    """

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        # The shapes are known without looking at any data.
        data_batch = [tf.zeros((1, *shape[1:])) for shape in (self.input_shape, self.output_shape)]
        super()._maybe_symbolic_build(data_batch=tuple(data_batch))

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Train on a batch; see ``keras.Model``."""
        return _along_an_axis(super().train_step(data))

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Test on a batch; see ``keras.Model``."""
        return _along_an_axis(super().test_step(data))


def _along_an_axis(logs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    if not in_several_processes(tf.distribute.get_strategy()):
        return dict(logs)
    return {name: tf.reshape(value, (1,)) for name, value in logs.items()}


def in_several_processes(strategy: tf.distribute.Strategy) -> bool:
    """Tell whether other processes take part in the training."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def shared_batches(
    strategy: tf.distribute.Strategy, make_batches: Callable[..., tf.data.Dataset]
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """Have every process make the batches of its own replicas, and no others.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
        Of the training.
    make_batches : callable
        Makes the batches of the :class:`pyimagesearch.pipeline.Share` that it is given as `share`.

    Returns
    -------
    tf.data.Dataset or tf.distribute.DistributedDataset
        For `fit`.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return make_batches()

    def of_this_process(context: tf.distribute.InputContext) -> tf.data.Dataset:
        count = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * count
        return make_batches(share=Share(first, count, replicas))

    return strategy.distribute_datasets_from_function(of_this_process)


def check_shares(strategy: tf.distribute.Strategy, batch_size: int, *sides: np.ndarray) -> None:
    """Make sure that every replica gets an equal part of each batch, and an image to test.

    Raises
    ------
    UserError
        If the batch size cannot be shared equally, or there are fewer images than replicas.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise UserError(
            f"--batch-size {batch_size} cannot be shared equally by {replicas} devices: choose a "
            f"multiple of {replicas}, which they share"
        )
    if min(map(len, sides)) < replicas:
        raise UserError(
            f"there are fewer images than the {replicas} devices that are to share them"
        )


def check_agreement(strategy: tf.distribute.Strategy, description: Mapping[str, Any]) -> None:
    """Make sure that all workers are about to do the same training.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
        Of the training.
    description : mapping
        JSON values: settings and checksums.

    Raises
    ------
    UserError
        In all of them, if they differ from the chief's; the message names which.
    """
    if not in_several_processes(strategy):
        return
    sums = [zlib.crc32(json.dumps(value).encode()) for value in description.values()]

    def in_own_row(context: tf.distribute.ReplicaContext) -> tf.Tensor:
        row = tf.one_hot(
            context.replica_id_in_sync_group, strategy.num_replicas_in_sync, dtype=tf.int64
        )
        return row[:, None] * tf.constant([sums], tf.int64)

    rows = _added_up(strategy, in_own_row).numpy()
    if (differs := (rows != rows[0]).any(axis=0)).any():
        names = ", ".join(itertools.compress(description, differs))
        raise UserError(
            f"the workers differ in {names}: start all of them with the same flags, on the same "
            "images"
        )


def share_state(strategy: tf.distribute.Strategy, network: keras.Model, epochs_done: int) -> int:
    """Give all workers the chief's state of the training.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
        Of the training.
    network : keras.Model
        Compiled; all that training changes is overwritten in the other processes.
    epochs_done : int
        Those that this process knows of.

    Returns
    -------
    int
        The epochs that the chief has done.
    """
    if not in_several_processes(strategy):
        return epochs_done
    variables = [*network.variables, *network.optimizer.variables]
    own = [*(tf.convert_to_tensor(variable.value) for variable in variables), epochs_done]

    def nothing_but_the_chiefs(context: tf.distribute.ReplicaContext) -> list[tf.Tensor]:
        is_chief = context.replica_id_in_sync_group == 0
        return [tf.where(is_chief, value, tf.zeros_like(value)) for value in own]

    *values, epochs_done = _added_up(strategy, nothing_but_the_chiefs)
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return int(epochs_done)


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Wait until all workers have come this far: none may leave while another one needs it."""
    if in_several_processes(strategy):
        _added_up(strategy, lambda context: tf.constant(0))


def _added_up(
    strategy: tf.distribute.Strategy, make: Callable[[tf.distribute.ReplicaContext], Any]
) -> Any:
    """Add up what every replica makes, tensor by tensor."""

    @tf.function
    def added_up() -> Any:
        def in_replica() -> Any:
            context = tf.distribute.get_replica_context()
            add_up = partial(context.all_reduce, tf.distribute.ReduceOp.SUM)
            return tf.nest.map_structure(add_up, make(context))

        return strategy.run(in_replica)

    with losses_of_workers_named(strategy):
        return tf.nest.map_structure(
            lambda value: strategy.experimental_local_results(value)[0], added_up()
        )


@contextmanager
def losses_of_workers_named(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Say in a line which worker is gone, where that is why TensorFlow fails.

    Raises
    ------
    UserError
        If an operation of TensorFlow fails and a worker cannot be reached.
    """
    try:
        yield
    except tf.errors.OpError as error:
        gone = _workers_that_end() if in_several_processes(strategy) else []
        if not gone:
            raise
        raise UserError(
            f"{', '.join(gone)} no longer answers, so the training cannot go on: start all workers "
            "again with --resume",
            WORK_FAILED,
        ) from error


def _workers_that_end() -> list[str]:
    give_up = time.monotonic() + SECONDS_TO_END
    while not (gone := unreachable_workers()) and time.monotonic() < give_up:
        time.sleep(0.5)
    return gone


def unreachable_workers() -> list[str]:
    """List the workers of TF_CONFIG that accept no connection, such as ``worker 1 (host:port)``."""
    cluster = json.loads(os.environ["TF_CONFIG"])["cluster"]
    gone = []
    for kind, addresses in cluster.items():
        for number, address in enumerate(addresses):
            host, _, port = address.rpartition(":")
            try:
                socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_ANSWER).close()
            except OSError:
                gone.append(f"{kind} {number} ({address})")
    return gone
