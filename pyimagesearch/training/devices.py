"""The devices that TensorFlow trains on: a processor, GPUs, or several machines."""

import contextlib
import json
import os
import platform
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pyimagesearch.artifacts.keras_settings import overrule_configuration
from pyimagesearch.console import counted
from pyimagesearch.errors import WORK_FAILED, UserError, first_line
from pyimagesearch.interruption import interruption_postponed
from pyimagesearch.light_imports import import_keras_lightly
from pyimagesearch.streams import quiet_stderr
from pyimagesearch.training.memory import return_large_blocks
from pyimagesearch.training.processor import instruction_sets

if TYPE_CHECKING:
    import tensorflow as tf

WANTED = ("auto", "cpu", "gpu")
EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)
LONGEST_CONFIG = 2**20
# What reading a TF_CONFIG of any other shape raises.
WRONG = (LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError)
# An IPv6 address stands in brackets, since it has colons of its own.
HOST_AND_PORT = re.compile(r"(?:\[[^\s\[\]/]+\]|[^\s:\[\]/]+):([0-9]{1,5})")
LAST_PORT = 65535
HEAD_START = 1.0  # seconds


class TrainingDevice(NamedTuple):
    """Where the network is trained.

    Attributes
    ----------
    strategy : tf.distribute.Strategy
        How the work is shared. One device alone has TensorFlow's default strategy.
    name : str
        What a person calls the device.
    is_chief : bool
        Whether this process is the one, of all workers, that prints and writes files.
    has_bfloat16 : bool
        Whether it is a processor that multiplies bfloat16 numbers faster than float32.
    """

    strategy: "tf.distribute.Strategy"
    name: str
    is_chief: bool
    has_bfloat16: bool = False

    @contextmanager
    def fast_products(self) -> Iterator[None]:
        """Let TensorFlow compute convolutions and products in bfloat16 within the block.

        That is done only where it is faster.

        TensorFlow rewrites the graphs that run in the block: what is multiplied is rounded to eight
        bits of mantissa, the sums, the weights and their updates stay float32. Micikevicius et al.,
        "Mixed Precision Training" (2017); TensorFlow's ``auto_mixed_precision_onednn_bfloat16``.
        """
        if not self.has_bfloat16:
            yield
            return
        import tensorflow as tf

        option = "auto_mixed_precision_onednn_bfloat16"
        tf.config.optimizer.set_experimental_options({option: True})
        try:
            yield
        finally:
            tf.config.optimizer.set_experimental_options({option: False})

    def check_shares(self, batch_size: int, images: int) -> None:
        """Make sure that every replica gets an equal part of each batch, and an image to test.

        Parameters
        ----------
        batch_size : int
            Images a step, of all replicas together.
        images : int
            Images on the smaller side of the split.

        Raises
        ------
        UserError
            If a batch cannot be shared equally, or there are fewer images than replicas.
        """
        replicas = self.strategy.num_replicas_in_sync
        if batch_size % replicas:
            raise UserError(
                f"batches of {batch_size} images cannot be shared equally by {replicas} devices: "
                f"choose a multiple of {replicas}"
            )
        if images < replicas:
            raise UserError(
                f"the smaller side of the split has {counted(images, 'image')}, fewer than the "
                f"{replicas} devices that share them: add images, or train on fewer devices"
            )


def is_chief() -> bool:
    """Tell whether this process, of all workers that ``TF_CONFIG`` names, prints and writes files.

    Raises
    ------
    UserError
        If ``TF_CONFIG`` is not right.
    """
    return _workers()[1] == 0


@contextmanager
def importing_tensorflow() -> Iterator[None]:
    """Import TensorFlow and Keras in a thread while the block does something else.

    Importing them keeps one core busy for seconds. The block ends when both are imported, or fails
    without them. A block that is done within ``HEAD_START`` seconds has Python's lock for itself:
    taking turns with the import costs small images more time than both cores together save.
    """

    def import_both() -> None:
        # If this fails, it fails again where they are needed, and is reported there.
        with contextlib.suppress(ImportError), quiet_stderr():
            import_keras_lightly()
            import tensorflow  # noqa: F401

    return_large_blocks()
    _set_environment()
    beside = threading.Timer(HEAD_START, import_both)
    beside.start()
    try:
        yield
    finally:
        beside.cancel()
        # The thread keeps stderr silent, and the process could not end before it anyway.
        with interruption_postponed():
            beside.join()
    import_both()  # Does nothing if the thread did it.


def prepare_training_device(wanted: str = "auto", *, say: Callable[[str], None]) -> TrainingDevice:
    """Set TensorFlow up for the devices that it is going to train on.

    Several machines train together where ``TF_CONFIG`` names them ("Multi-worker training with
    Keras" in TensorFlow's guide). Otherwise all GPUs of this machine do, or its processor if there
    are none.

    The environment variable ``KERAS_BACKEND`` is set; ``TF_CPP_MIN_LOG_LEVEL`` and, on x86,
    ``TF_ENABLE_ONEDNN_OPTS`` are set unless they were. Processes that this one starts inherit them,
    and so predict with TensorFlow.

    Parameters
    ----------
    wanted : {"auto", "cpu", "gpu"}
        Whether GPUs are used: if there are any, never, or without fail.
    say : callable
        Told, in the chief's process, what there is to wait for.

    Returns
    -------
    TrainingDevice
        Ready to train.

    Raises
    ------
    UserError
        If there is no GPU where one is wanted, ``TF_CONFIG`` is not right, this worker's port is in
        use, or Keras was imported with another backend than TensorFlow.
    ValueError
        If `wanted` is none of the three.
    """
    if wanted not in WANTED:
        raise ValueError(f"wanted is {wanted!r}, but must be one of {', '.join(WANTED)}")
    _refuse_other_backends()
    _set_environment()
    workers, number = _workers()
    # TensorFlow says at every start, whatever the log level, that it found no GPU.
    with quiet_stderr():
        overrule_configuration()
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    # TensorFlow warns of functions that are traced several times, as those of several networks are.
    tf.get_logger().setLevel("ERROR")
    if wanted == "gpu" and not gpus:
        raise UserError(
            "TensorFlow finds no GPU: install tensorflow[and-cuda], which is for Linux, or use "
            "--device cpu"
        )
    if wanted == "cpu":
        tf.config.set_visible_devices([], "GPU")
        gpus = []
    for gpu in gpus:
        # By default TensorFlow takes all of a card's memory.
        tf.config.experimental.set_memory_growth(gpu, True)
    sets = [] if gpus else instruction_sets()
    cores = counted(os.cpu_count() or 1, "core")
    name = _name_of_gpus(gpus) if gpus else ", ".join(["CPU", cores, *sets])
    if len(workers) > 1:
        if number == 0:
            say(f"waiting for all {len(workers)} workers...")
        strategy = _connected_to_workers(own=workers[number])
        name = f"{len(workers)} workers, each with {name}"
    elif len(gpus) > 1 or len(tf.config.list_logical_devices("CPU")) > 1:
        strategy = tf.distribute.MirroredStrategy()
    else:
        strategy = tf.distribute.get_strategy()
    return TrainingDevice(strategy, name, number == 0, has_bfloat16="bfloat16" in sets)


def _refuse_other_backends() -> None:
    """Refuse to train with a Keras that was imported to predict: its backend cannot be changed."""
    if "keras" not in sys.modules:
        return
    import keras

    backend = keras.config.backend()
    if backend != "tensorflow":
        raise UserError(
            f"Keras was imported with {backend}, and trains only with TensorFlow: train in a "
            "process of its own"
        )


def _set_environment() -> None:
    """Set what TensorFlow and Keras read when they are imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if platform.machine() in ("x86_64", "AMD64"):
        # TensorFlow uses oneDNN by default only on processors with instructions for small numbers,
        # such as AVX512_VNNI (tensorflow/core/util/port.cc). On one with AVX2 alone, a training
        # step takes 0.55 times as long with it.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Whatever Keras is set to predict with, it trains with TensorFlow here.
    os.environ["KERAS_BACKEND"] = "tensorflow"


def _connected_to_workers(own: str) -> "tf.distribute.Strategy":
    import tensorflow as tf

    # TensorFlow waits in C++, where Python would not notice Ctrl-C.
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with quiet_stderr():
            return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise UserError(
            f"{own} cannot be used by this worker ({first_line(error)}): end what uses the port, "
            "or name another one in the TF_CONFIG of all workers",
            WORK_FAILED,
        ) from error
    finally:
        signal.signal(signal.SIGINT, handler)


def _workers() -> tuple[list[str], int]:
    """Read TF_CONFIG: the addresses of all workers, the chief first, and the number of this one."""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return [], 0
    if len(text) > LONGEST_CONFIG:
        raise UserError(f"TF_CONFIG is longer than {LONGEST_CONFIG:,} characters")
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        chiefs, workers = cluster.get("chief", []), cluster.get("worker", [])
        everyone = [(kind, place) for kind in cluster for place in range(len(cluster[kind]))]
        everyone.sort()  # puts the chief first
        number = everyone.index((task["type"], int(task["index"])))
    except WRONG as error:
        raise _wrong_config(repr(error)) from error
    for kind, addresses in cluster.items():
        if not isinstance(addresses, list):
            raise _wrong_config(f"{kind} is not a list")
    if len(chiefs) > 1 or set(cluster) - {"chief", "worker"}:
        raise UserError("TF_CONFIG may name one chief and workers, and nothing else")
    _check_addresses([*chiefs, *workers])
    return [*chiefs, *workers], number


def _check_addresses(addresses: list[Any]) -> None:
    """Refuse what TensorFlow would fail at in many lines, or wait for without end."""
    seen: set[str] = set()
    for address in addresses:
        match = isinstance(address, str) and HOST_AND_PORT.fullmatch(address)
        if not match or not 1 <= int(match[1]) <= LAST_PORT:
            raise _wrong_config(f"{address!r} is not host:port, with a port up to {LAST_PORT}")
        if address in seen:
            raise _wrong_config(f"two workers are at {address}")
        seen.add(address)


def _wrong_config(reason: str) -> UserError:
    return UserError(f"TF_CONFIG is not right ({reason}): it looks like {EXAMPLE}")


def _name_of_gpus(gpus: "list[tf.config.PhysicalDevice]") -> str:
    import tensorflow as tf

    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus
    ]
    return f"{len(gpus)} GPUs, {names[0]}" if len(gpus) > 1 else names[0]
