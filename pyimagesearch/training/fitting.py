"""The training itself: the loss, the optimizer and its learning rate, and how a run ends."""

import io
import math
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pyimagesearch.data.batches import (
    Examples,
    check_examples,
    evaluation_batches,
    steps_per_epoch,
    training_batches,
)
from pyimagesearch.errors import INTERRUPTED, WORK_FAILED, UserError
from pyimagesearch.files import AnyPath, remove_file
from pyimagesearch.training import checkpoints, workers
from pyimagesearch.training.balance import Loss, balanced_crossentropy, label_weights
from pyimagesearch.training.devices import TrainingDevice
from pyimagesearch.training.fast_layers import FusedAdam, fast_layers, moments_shared
from pyimagesearch.training.normalization import measure_normalization
from pyimagesearch.training.output_bias import output_bias
from pyimagesearch.training.stopping import StopOnSignal

# How much of its mean of squared gradients Adam keeps at each step. With Keras's 0.999 that mean
# covers a thousand steps. Twelve epochs of two thousand images have six hundred, in which the
# gradients shrink a great deal; Adam corrects the mean for its start at zero, not for being out of
# date.
ADAM_BETA_2 = 0.99
# After more training steps, the averages of batch normalisation are as good as measured ones.
SHORT_RUN = 400


class Settings(NamedTuple):
    """How to train.

    Attributes
    ----------
    epochs : int
        How often each image is shown.
    batch_size : int
        Images a step, of all replicas together.
    learning_rate : float
        At the start. It rises to twice as much over the first quarter of the steps, or one step,
        and falls to zero along a cosine over the others.
    seed : int
        Seed of the order and the augmentation.
    balance : bool
        Whether rare labels count more in the loss.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    balance: bool = False


class Trainer:
    """Trains a network, alone or with other workers, and continues a run that was ended early.

    It owns two networks that share their weights: the plain one that is saved, and one with faster
    layers that is trained.

    Parameters
    ----------
    build : callable
        Builds the plain network: Keras's own layers, at the end a Dense one and an Activation.
    device : TrainingDevice
        Where to train.
    run : pyimagesearch.training.checkpoints.Run
        What the run depends on, and where its checkpoint is kept.
    examples : Examples
        What to train on.
    settings : Settings
        How to train.

    Attributes
    ----------
    model : keras.Sequential
        The plain network.
    history : dict of str to list of float
        ``loss``, ``binary_accuracy``, ``val_loss`` and ``val_binary_accuracy``, one value an epoch.
    requested_by : str or None
        The name of the signal that asked :meth:`fit` to stop, in time or too late.

    Raises
    ------
    UserError
        If the workers are about to do different runs, or another one is lost.
    TypeError
        If :func:`pyimagesearch.training.output_bias.output_bias` finds none.
    ValueError
        If :func:`pyimagesearch.data.batches.check_examples` refuses the examples.
    """

    def __init__(
        self,
        build: Callable[[], keras.Sequential],
        device: TrainingDevice,
        run: checkpoints.Run,
        *,
        examples: Examples,
        settings: Settings,
    ) -> None:
        self._device, self._examples, self._settings = device, examples, settings
        self._steps = steps_per_epoch(examples.images_per_epoch, settings.batch_size)
        workers.check_agreement(device.strategy, run.description)
        loss: str | Loss = "binary_crossentropy"
        with device.strategy.scope():
            self.model = build()
            self._output_bias = output_bias(self.model)
            self._check(examples)
            if settings.balance:
                loss = balanced_crossentropy(label_weights(examples))
            self._run = checkpoints.with_network(run, self.model)
            self._network = compile_network(
                self.model, settings.learning_rate, self._steps * settings.epochs, loss=loss
            )
        self.history: checkpoints.History = {"loss": []}
        self.requested_by: str | None = None

    def resume(self) -> int:
        """Restore the state of the checkpoint, which the chief has.

        Returns
        -------
        int
            The epochs that are done.

        Raises
        ------
        UserError
            If there is no checkpoint, or it is damaged or of another run.
        """
        self.history = checkpoints.load(self._run, self._network)
        return len(self.history["loss"])

    def fit(
        self, test_examples: Examples, *, log: Sequence[keras.callbacks.Callback] = ()
    ) -> str | None:
        """Train, save a checkpoint after each epoch, and stop early if a signal asks for it.

        Parameters
        ----------
        test_examples : Examples
            What the network is tested on after each epoch.
        log : sequence of keras.callbacks.Callback
            From :func:`pyimagesearch.training.logs.loggers`; called in the chief's process.

        Returns
        -------
        str or None
            The name of the signal that ended the run early, which only the main thread receives.

        Raises
        ------
        UserError
            If the loss becomes infinite or NaN, a checkpoint or log cannot be written, or another
            worker is lost.
        ValueError
            If :func:`pyimagesearch.data.batches.check_examples` refuses the test examples.
        KeyboardInterrupt
            If a signal ended one of several workers.
        """
        self._check(test_examples)
        settings = self._settings
        epochs, batch_size, seed = settings.epochs, settings.batch_size, settings.seed
        strategy = self._device.strategy
        state = checkpoints.training_state(self._network)
        done = workers.share_state(strategy, state, len(self.history["loss"]))
        left = range(done, epochs)
        stop = StopOnSignal(alone=not workers.in_several_processes(strategy))
        save = checkpoints.SaveCheckpoint(self._run, self.history)
        callbacks = [stop, keras.callbacks.TerminateOnNaN(), save]
        make_batches = partial(
            training_batches, self._examples, batch_size=batch_size, epochs=left, seed=seed
        )
        make_test_batches = partial(evaluation_batches, test_examples, batch_size=batch_size)
        is_shared = strategy.num_replicas_in_sync > 1
        # Keras prints, though a service may have no stdout.
        stdout = redirect_stdout(sys.stdout or io.StringIO())
        with stdout, stop.listening(), moments_shared(self.model, synchronized=is_shared):
            with workers.lost_workers_named(strategy), self._device.fast_products():
                self._network.fit(
                    workers.shared_batches(strategy, make_batches),
                    validation_data=workers.shared_batches(strategy, make_test_batches),
                    steps_per_epoch=self._steps,
                    initial_epoch=left.start,
                    epochs=left.stop,
                    shuffle=False,
                    verbose=1 if sys.stdout.isatty() else 2,
                    callbacks=[*callbacks, *(log if self._device.is_chief else ())],
                )
            self._check_loss()
            if tf.convert_to_tensor(self._network.optimizer.iterations) <= SHORT_RUN:
                measure_normalization(self.model, self._examples, seed=seed)
        self.requested_by = stop.requested_by
        # After the last training step, a signal finds nothing left to stop.
        return self.requested_by if self._network.stop_training else None

    def _check(self, examples: Examples) -> None:
        check_examples(examples, self.model.input_shape[1:], self.model.output_shape[-1])

    def _check_loss(self) -> None:
        # Only the chief knows the loss of epochs that were trained before this run.
        losses = self.history["loss"]
        if losses and not math.isfinite(losses[-1]):
            raise UserError(
                f"the loss became {losses[-1]} in epoch {len(losses)}, so nothing is written: "
                "try a lower --learning-rate",
                WORK_FAILED,
            )

    def keeps(self, model_path: AnyPath, ended_by: str | None) -> bool:
        """Tell whether a model is there, and a signal ended the run in its first epoch."""
        return bool(ended_by) and len(self.history["loss"]) == 1 and Path(model_path).exists()

    def subtract_from_logits(self, offsets: np.ndarray) -> None:
        """Predict as if some labels had been less frequent in training.

        Saerens, Latinne and Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori
        Probabilities" (2002).

        Parameters
        ----------
        offsets : numpy.ndarray
            float, shape (L,): the log odds of each label in training less the wanted ones.
        """
        self._output_bias.assign_sub(offsets)

    def predict(self, examples: Examples) -> np.ndarray:
        """Predict in this process alone, even if several workers took part in the training.

        Parameters
        ----------
        examples : Examples
            The images.

        Returns
        -------
        numpy.ndarray
            float32, shape (number of indices, L), probabilities.

        Raises
        ------
        ValueError
            If :func:`pyimagesearch.data.batches.check_examples` refuses the examples.
        """
        self._check(examples)
        network = self._network
        forward = tf.function(lambda images: network(images, training=False), reduce_retracing=True)
        batches = evaluation_batches(examples, batch_size=self._settings.batch_size)
        return np.concatenate([forward(images) for images, _ in batches])

    def end(self, ended_by: str | None) -> int:
        """Wait for all workers to end; remove the checkpoint of a run that is complete.

        Parameters
        ----------
        ended_by : str or None
            What :meth:`fit` returned.

        Returns
        -------
        int
            The exit code.

        Raises
        ------
        UserError
            If the checkpoint cannot be removed, or another worker is lost.
        """
        if self._run.checkpoint and not ended_by:
            remove_file(self._run.checkpoint)
        workers.wait_for_all(self._device.strategy)
        return INTERRUPTED if ended_by else 0


def compile_network(
    model: keras.Sequential,
    learning_rate: float,
    total_steps: int,
    *,
    loss: str | Loss = "binary_crossentropy",
) -> keras.Sequential:
    """Make the network that is trained: faster layers, Adam and a loss for each label.

    The tutorial's learning rate hardly falls, which leaves the accuracy of the last epoch to
    chance. A rate that first rises and then falls to zero learns faster and settles (Smith and
    Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates",
    2018).

    Parameters
    ----------
    model : keras.Sequential
        The plain network.
    learning_rate : float
        At the start, as for :class:`Settings`.
    total_steps : int
        Training steps of the whole run.
    loss : str or callable
        As Keras takes it. By default, each label is a yes-or-no question of its own, and all count
        the same.

    Returns
    -------
    keras.Sequential
        Compiled. It shares its weights with `model`.
    """
    # With no rising step, Keras starts at the highest rate.
    rising_steps = max(total_steps // 4, min(total_steps - 1, 1))
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate,
        decay_steps=total_steps - rising_steps,
        warmup_target=2 * learning_rate,
        warmup_steps=rising_steps,
    )
    is_shared = tf.distribute.get_strategy().num_replicas_in_sync > 1
    layers = fast_layers(model, synchronized=is_shared)
    network = workers.InStep([keras.Input(model.input_shape[1:]), *layers])
    network.compile(
        optimizer=FusedAdam(schedule, beta_2=ADAM_BETA_2),
        loss=loss,
        # "accuracy" would mean that only the likeliest label counts. A metric that is named by a
        # string makes its variables in the first step, which TensorFlow then traces twice.
        metrics=[keras.metrics.BinaryAccuracy()],
        jit_compile=False,
    )
    # Its variables must be made now, while the devices are in scope.
    network.optimizer.build(network.trainable_variables)
    return network
