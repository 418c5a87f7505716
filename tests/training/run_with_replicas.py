"""Run train.py on a processor that TensorFlow takes for several, and print its weights.

    python tests/training/run_with_replicas.py DEVICES [arguments of train.py ...]

Two things differ from an ordinary run, so that any number of replicas must arrive at the same
numbers: nothing is dropped, since each replica drops units of its own, and batch normalisation is
Keras's own, which computes in the double precision that the tests ask for.
"""

import faulthandler
import os
import sys
import zlib
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import keras
import tensorflow as tf

import train
from pyimagesearch.console import run
from pyimagesearch.training import fitting


class TellingTrainer(fitting.Trainer):
    """Prints what identifies the weights that this process has arrived at."""

    def fit(self, *arguments, **options):
        """Train without dropout."""
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0
        ended_by = super().fit(*arguments, **options)
        checksum = 0
        for weights in self.model.get_weights():
            checksum = zlib.crc32(weights, checksum)
        print(f"weights {checksum:08x}", file=sys.stderr, flush=True)
        return ended_by


def plain_layers(model, *, synchronized):
    """Return Keras's own layers."""
    return model.layers


faulthandler.enable()
devices = int(sys.argv.pop(1))
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
fitting.Trainer, fitting.fast_layers = TellingTrainer, plain_layers
sys.exit(run(train.main))
