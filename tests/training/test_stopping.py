import os
import signal
from concurrent.futures import ThreadPoolExecutor

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


class SignalInTest(SignalAtStep):
    on_train_batch_begin = keras.callbacks.Callback.on_train_batch_begin
    on_train_batch_end = keras.callbacks.Callback.on_train_batch_end
    on_test_batch_begin = SignalAtStep.on_train_batch_begin
    on_test_batch_end = SignalAtStep.on_train_batch_end


def fit(stop, sender):
    network = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse", jit_compile=False)
    data = np.zeros((10, 1)), np.zeros((10, 1))
    with stop.listening():
        network.fit(
            *data,
            batch_size=1,
            epochs=5,
            verbose=0,
            validation_data=data,
            validation_batch_size=1,
            callbacks=[sender, stop],
        )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_training_after_the_current_step(number):
    stop, sender = StopOnSignal(), SignalAtStep(number, 3)
    fit(stop, sender)
    assert sender.steps_done == 4
    assert stop.requested_by == signal.Signals(number).name


@pytest.mark.parametrize(
    "sender", [SignalAtStep(signal.SIGINT, 3), SignalInTest(signal.SIGTERM, 3)]
)
def test_a_signal_ends_a_worker_after_the_current_step_and_not_within_it(sender):
    with pytest.raises(KeyboardInterrupt):
        fit(StopOnSignal(alone=False), sender)
    assert sender.steps_done == 4


def test_a_second_interruption_is_not_caught():
    with pytest.raises(KeyboardInterrupt), StopOnSignal().listening():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_signals_mean_what_they_meant_once_training_is_over():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopOnSignal().listening():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_training_in_another_thread_leaves_the_signals_to_the_main_one():
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]

    def work():
        with StopOnSignal().listening():
            return [signal.getsignal(number) for number in numbers]

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == before
