"""Where the network runs."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pyimagesearch.console import info, quiet_stderr
from pyimagesearch.errors import UserError
from pyimagesearch.inference.backend import import_keras_lightly

if TYPE_CHECKING:
    import tensorflow as tf

EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)


class TrainingDevice(NamedTuple):
    """Where the network is trained.

    Attributes
    ----------
    strategy : tf.distribute.Strategy
        How the work is shared; TensorFlow's default where one device does it alone.
    name : str
        What the device is, for people.
    is_chief : bool
        Whether this process is the one, of all workers, that prints and writes files.
    """

    strategy: "tf.distribute.Strategy"
    name: str
    is_chief: bool


def prepare_training_device(wanted: str = "auto") -> TrainingDevice:
    """Set TensorFlow up for the devices it is going to train on.

    Several machines train together where ``TF_CONFIG`` names them (see "Multi-worker training with
    Keras" in TensorFlow's guide), otherwise several GPUs of this machine, otherwise one, otherwise
    its processor.

    Parameters
    ----------
    wanted : {"auto", "cpu", "gpu"}
        Whether GPUs are used: where there are any, never, or without fail.

    Returns
    -------
    TrainingDevice
        In processes other than the chief's, standard output is closed.

    Raises
    ------
    UserError
        If there is no GPU where one is wanted, or ``TF_CONFIG`` is not right.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Whatever else Keras is set to compute with, it is TensorFlow that trains here.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    workers, number = _workers()
    # TensorFlow says at every start, whatever the log level, that it found no GPU.
    with quiet_stderr():
        import_keras_lightly()
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    if wanted == "gpu" and not gpus:
        raise UserError(
            "TensorFlow finds no GPU: install tensorflow[and-cuda], or use --device cpu"
        )
    if wanted == "cpu":
        tf.config.set_visible_devices([], "GPU")
        gpus = []
    for gpu in gpus:
        # By default TensorFlow takes all of a card's memory, whatever it needs.
        tf.config.experimental.set_memory_growth(gpu, True)
    name = _name(gpus)
    if len(workers) > 1:
        is_chief = number == 0
        if not is_chief:
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 (until the process ends)
        info(f"waiting for all {len(workers)} workers...")
        # The wait is inside TensorFlow, where Python would not hear of Ctrl-C.
        handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
        with quiet_stderr():
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
        signal.signal(signal.SIGINT, handler)
        return TrainingDevice(strategy, f"{len(workers)} workers, each with {name}", is_chief)
    if len(gpus) > 1 or len(tf.config.list_logical_devices("CPU")) > 1:
        return TrainingDevice(tf.distribute.MirroredStrategy(), name, True)
    return TrainingDevice(tf.distribute.get_strategy(), name, True)


def _workers() -> tuple[list[str], int]:
    """Read TF_CONFIG: the addresses of all workers, the chief first, and which one this is."""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return [], 0
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        chiefs, workers = cluster.get("chief", []), cluster.get("worker", [])
        everyone = [(kind, place) for kind in cluster for place in range(len(cluster[kind]))]
        everyone.sort()  # by which the chief comes first
        number = everyone.index((task["type"], int(task["index"])))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(f"TF_CONFIG is not right ({error!r}): it looks like {EXAMPLE}") from error
    if len(chiefs) > 1 or set(cluster) - {"chief", "worker"}:
        raise UserError("TF_CONFIG may name one chief and workers, and nothing else")
    return [*chiefs, *workers], number


def _name(gpus: "list[tf.config.PhysicalDevice]") -> str:
    import tensorflow as tf

    if not gpus:
        return f"CPU, {os.cpu_count()} cores"
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus
    ]
    return f"{len(gpus)} GPUs, {names[0]}" if len(gpus) > 1 else names[0]
