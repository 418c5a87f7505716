"""Say which of Keras's failures in several processes are still there; for a worker of TF_CONFIG."""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import keras
import tensorflow as tf

from pyimagesearch.data.batches import WHOLE
from pyimagesearch.training.workers import InStep, shared_batches


def batches(share=WHOLE):
    """Make batches of two rows for every replica."""
    images, targets = tf.random.normal((4, 3)), tf.ones((4, 1))
    return tf.data.Dataset.from_tensor_slices((images, targets)).batch(2)


def fails(strategy, *uncured):
    """Tell whether a network fails to train with Keras's own in place of these methods."""
    methods = {name: getattr(keras.Sequential, name) for name in uncured}
    with strategy.scope():
        network = type("LessCured", (InStep,), methods)([keras.Input((3,)), keras.layers.Dense(1)])
        network.compile("sgd", "mse", jit_compile=False)
    try:
        network.fit(shared_batches(strategy, batches), steps_per_epoch=1, verbose=0)
    except (ValueError, tf.errors.OpError) as error:
        print(uncured, error, file=sys.stderr)
        return True
    return False


strategy = tf.distribute.MultiWorkerMirroredStrategy()
print("cured", fails(strategy))
print("peeking", fails(strategy, "_maybe_symbolic_build"))
print("logs", fails(strategy, "train_step", "test_step"))
