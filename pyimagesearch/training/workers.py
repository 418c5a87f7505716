"""Training in step in several processes: what Keras 3 and TensorFlow do not do themselves.

Every worker does the same run on the same data, and computes its share of each batch.
"""

import itertools
import json
import os
import socket
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from pyimagesearch.data.batches import Share
from pyimagesearch.errors import WORK_FAILED, UserError

# A worker that accepts no connection within this time is taken to be gone.
SECONDS_TO_ANSWER = 5
# A worker that is about to end still accepts connections while it saves, for up to this time.
SECONDS_TO_END = 30


class InStep(keras.Sequential):
    """A network that Keras 3 can train in several processes.

    Keras's own `fit` fails there twice (https://github.com/keras-team/keras/issues/20585): it
    averages a first batch over all workers to learn its shape, and it averages the metrics along an
    axis that scalars do not have.
    """

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        # The shapes are known without any data.
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
    """Make the batches of this process's replicas, and no others.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
        The strategy of the training.
    make_batches : callable
        Takes a :class:`pyimagesearch.data.batches.Share` as `share` and makes its batches.

    Returns
    -------
    tf.data.Dataset or tf.distribute.DistributedDataset
        What `fit` takes.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return make_batches()

    def of_this_process(context: tf.distribute.InputContext) -> tf.data.Dataset:
        count = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * count
        return make_batches(share=Share(first, count, replicas))

    return strategy.distribute_datasets_from_function(of_this_process)


def check_agreement(strategy: tf.distribute.Strategy, description: Mapping[str, Any]) -> None:
    """Make sure that all workers are about to do the same training.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
        The strategy of the training.
    description : mapping
        JSON values: settings and checksums.

    Raises
    ------
    UserError
        In every worker, if one's description differs from the chief's. The message names what
        differs. Also if another worker is lost.
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


def share_state(
    strategy: tf.distribute.Strategy, state: Sequence[keras.Variable], epochs_done: int
) -> int:
    """Copy the chief's state of the training to all workers.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
        The strategy of the training.
    state : sequence of keras.Variable
        From :func:`pyimagesearch.training.checkpoints.training_state`; overwritten in the others.
    epochs_done : int
        The epochs that this process knows to be done.

    Returns
    -------
    int
        The epochs that the chief has done.

    Raises
    ------
    UserError
        If another worker is lost.
    """
    if not in_several_processes(strategy):
        return epochs_done
    own = [*(tf.convert_to_tensor(variable.value) for variable in state), epochs_done]

    def zero_unless_chief(context: tf.distribute.ReplicaContext) -> list[tf.Tensor]:
        is_chief = context.replica_id_in_sync_group == 0
        return [tf.where(is_chief, value, tf.zeros_like(value)) for value in own]

    *values, epochs_done = _added_up(strategy, zero_unless_chief)
    for variable, value in zip(state, values, strict=True):
        variable.assign(value)
    return int(epochs_done)


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Wait until all workers have come this far; one that left early would take others with it."""
    if in_several_processes(strategy):
        _added_up(strategy, lambda context: tf.constant(0))


def _added_up(
    strategy: tf.distribute.Strategy, make: Callable[[tf.distribute.ReplicaContext], Any]
) -> Any:
    """Add up the tensors that the replicas make, one by one."""

    @tf.function
    def added_up() -> Any:
        def in_replica() -> Any:
            context = tf.distribute.get_replica_context()
            add_up = partial(context.all_reduce, tf.distribute.ReduceOp.SUM)
            return tf.nest.map_structure(add_up, make(context))

        return strategy.run(in_replica)

    with lost_workers_named(strategy):
        return tf.nest.map_structure(
            lambda value: strategy.experimental_local_results(value)[0], added_up()
        )


@contextmanager
def lost_workers_named(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Turn a failure of TensorFlow into one line if a lost worker explains it.

    Raises
    ------
    UserError
        If an operation of TensorFlow fails and a worker cannot be reached. The message names it.
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
