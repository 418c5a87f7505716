"""The training itself: what is minimised, how fast, and how a run ends, whatever ends it."""

import contextlib
import math
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.training import checkpoints
from pyimagesearch.training.fast_layers import FusedAdam, with_fast_layers
from pyimagesearch.training.workers import in_several_processes, losses_of_workers_named

# How much of its mean of squared gradients Adam keeps at each step. With Keras's 0.999 that mean
# lags a thousand steps behind, and twelve epochs of two thousand images have six hundred in all.
ADAM_BETA_2 = 0.99


class Outcome(NamedTuple):
    """How training ended.

    Attributes
    ----------
    history : dict of str to list of float
        ``loss``, ``binary_accuracy``, ``val_loss`` and ``val_binary_accuracy``, a value an epoch.
    ended_by : str or None
        Name of the signal that ended it before its time.
    """

    history: checkpoints.History
    ended_by: str | None


def compile_network(
    model: keras.Sequential, learning_rate: float, total_steps: int
) -> keras.Sequential:
    """Set a network up for training: fast layers, Adam, a loss of its own a label.

    The tutorial's learning rate hardly falls, which leaves the accuracy of the last epoch to
    chance. One that rises first, and then falls to zero, learns faster and settles (Smith and
    Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates",
    2018).

    Parameters
    ----------
    model : keras.Sequential
        Built of plain layers, with a sigmoid at its end.
    learning_rate : float
        At the start. It rises to three times as much over the first quarter of the steps, and
        falls to zero along a cosine over the others.
    total_steps : int
        Training steps of the whole run.

    Returns
    -------
    keras.Sequential
        Compiled; shares its weights with `model`, which is trained with it.
    """
    rising_steps = total_steps // 4
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate,
        decay_steps=total_steps - rising_steps,
        warmup_target=3 * learning_rate,
        warmup_steps=rising_steps,
    )
    network = with_fast_layers(model)
    network.compile(
        optimizer=FusedAdam(schedule, beta_2=ADAM_BETA_2),
        # Each label is a question of its own, with the answer yes or no.
        loss="binary_crossentropy",
        # By name: "accuracy" would mean that only the likeliest label is looked at.
        metrics=["binary_accuracy"],
        jit_compile=False,
    )
    # Now, where several devices are in scope, rather than at the first step.
    network.optimizer.build(network.trainable_variables)
    return network


def fit(
    network: keras.Sequential,
    training_batches: tf.data.Dataset,
    test_batches: tf.data.Dataset,
    steps: int,
    epochs: range,
    history: checkpoints.History,
    run: checkpoints.Run,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Outcome:
    """Train, save a checkpoint after each epoch, and stop early where it is asked for.

    Parameters
    ----------
    network : keras.Sequential
        From :func:`compile_network`, trained in place.
    training_batches : tf.data.Dataset
        Those of all `epochs`.
    test_batches : tf.data.Dataset
        What the network is tested on after each epoch.
    steps : int
        Training steps an epoch.
    epochs : range
        Those left to train.
    history : dict of str to list of float
        The metrics of the epochs done before.
    run : pyimagesearch.checkpoints.Run
        Says where to save.
    callbacks : sequence of keras.callbacks.Callback
        Called besides those that this function needs, such as :func:`loggers`.

    Returns
    -------
    Outcome
        With the history of all epochs.

    Raises
    ------
    UserError
        If the loss becomes infinite or NaN.
    """
    stop = StopOnRequest()
    save = checkpoints.SaveCheckpoint(run, history)
    strategy = network.distribute_strategy
    # A worker that stopped by itself would leave the others waiting for it.
    may_stop = not in_several_processes(strategy)
    stopping = stopping_on_signals(stop) if may_stop else contextlib.nullcontext()
    with stopping, losses_of_workers_named(strategy):
        network.fit(
            training_batches,
            validation_data=test_batches,
            steps_per_epoch=steps,
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[stop, keras.callbacks.TerminateOnNaN(), save, *callbacks],
        )
    loss = save.history["loss"][-1]
    if not math.isfinite(loss):
        raise UserError(
            f"the loss became {loss} in epoch {len(save.history['loss'])}, so nothing is written: "
            "try a lower --learning-rate",
            WORK_FAILED,
        )
    return Outcome(save.history, stop.requested_by)


def subtract_from_logits(model: keras.Sequential, logit_offsets: np.ndarray) -> None:
    """Have a trained network answer as if some labels had been less frequent in training.

    Saerens, Latinne and Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori
    Probabilities" (2002).

    Parameters
    ----------
    model : keras.Sequential
        Ends with a dense layer of L outputs and a sigmoid, and is changed in place.
    logit_offsets : numpy.ndarray
        float, shape (L,): the log odds of each label in training less those that are wanted, such
        as :func:`pyimagesearch.recolor.logit_offsets`.
    """
    model.layers[-2].bias.assign_sub(logit_offsets)


def predict(network: keras.Model, batches: tf.data.Dataset) -> np.ndarray:
    """Predict in this process alone, whoever else the network was trained by.

    Parameters
    ----------
    network : keras.Model
        The network.
    batches : tf.data.Dataset
        Images and targets, which do not matter.

    Returns
    -------
    numpy.ndarray
        float32, shape (N, L).
    """
    forward = tf.function(lambda images: network(images, training=False), reduce_retracing=True)
    return np.concatenate([forward(images) for images, _ in batches])


def loggers(
    csv_path: str | os.PathLike | None, tensorboard_folder: str | os.PathLike | None, append: bool
) -> list[keras.callbacks.Callback]:
    """Make the callbacks that write the metrics of each epoch as soon as it is done.

    Parameters
    ----------
    csv_path : path, optional
        A file that gets a line an epoch.
    tensorboard_folder : path, optional
        A folder for TensorBoard.
    append : bool
        Whether the file goes on, rather than being begun anew.

    Returns
    -------
    list of keras.callbacks.Callback
        One for each that was given.
    """
    callbacks: list[keras.callbacks.Callback] = []
    if csv_path is not None:
        callbacks.append(keras.callbacks.CSVLogger(csv_path, append=append))
    if tensorboard_folder is not None:
        callbacks.append(keras.callbacks.TensorBoard(tensorboard_folder, write_graph=False))
    return callbacks


class StopOnRequest(keras.callbacks.Callback):
    """Ends training after the current step once :attr:`requested_by` has been set.

    Attributes
    ----------
    requested_by : str or None
        Name of the signal that asked for the end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.requested_by: str | None = None

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        """Stop where it was asked for; see ``keras.callbacks.Callback``."""
        if self.requested_by:
            self.model.stop_training = True


@contextmanager
def stopping_on_signals(stop: StopOnRequest) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into requests to stop, for as long as the block.

    Parameters
    ----------
    stop : StopOnRequest
        Told of the first signal. A second one does what it would have done without us.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    usual = {number: signal.getsignal(number) for number in signals}

    def request(number: int, frame: FrameType | None) -> None:
        stop.requested_by = signal.Signals(number).name
        restore()

    def restore() -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)

    for number in signals:
        signal.signal(number, request)
    try:
        yield
    finally:
        restore()
