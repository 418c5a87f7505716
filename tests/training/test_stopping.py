import os
import signal

import keras
import numpy as np
import pytest

from pyimagesearch.training.stopping import StopOnSignal

pytestmark = pytest.mark.slow


class SignalAtStep(keras.callbacks.Callback):
    def __init__(self, number, step):
        super().__init__()
        self.number, self.step, self.steps_done = number, step, 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.steps_done == self.step:
            os.kill(os.getpid(), self.number)

    def on_train_batch_end(self, batch, logs=None):
        self.steps_done += 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_training_after_the_current_step(number):
    network = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse", jit_compile=False)
    stop, sender = StopOnSignal(), SignalAtStep(number, 3)
    with stop.listening():
        network.fit(
            np.zeros((10, 1)),
            np.zeros((10, 1)),
            batch_size=1,
            epochs=5,
            verbose=0,
            callbacks=[stop, sender],
        )
    assert sender.steps_done == 4
    assert stop.requested_by == signal.Signals(number).name


def test_a_second_interruption_is_not_caught():
    with pytest.raises(KeyboardInterrupt), StopOnSignal().listening():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_signals_mean_what_they_meant_once_training_is_over():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopOnSignal().listening():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
