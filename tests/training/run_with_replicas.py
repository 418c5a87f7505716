"""Run train.py as it is, on a processor that TensorFlow takes for several, and tell its weights.

python tests/run_with_replicas.py DEVICES [arguments of train.py ...]
"""

import os
import sys
import zlib
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import tensorflow as tf

import train
from pyimagesearch.console import run
from pyimagesearch.training import fitting

fit = fitting.fit


def fit_and_tell(network, *rest):
    """Train, and print what identifies the weights that this process has arrived at."""
    outcome = fit(network, *rest)
    checksum = 0
    for weights in network.get_weights():
        checksum = zlib.crc32(weights, checksum)
    print(f"weights {checksum:08x}", file=sys.stderr, flush=True)
    return outcome


devices = int(sys.argv.pop(1))
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
fitting.fit = fit_and_tell
sys.exit(run(train.main))
