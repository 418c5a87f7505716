import keras
import numpy as np
import pytest

from pyimagesearch.training.fast_layers import FusedAdam


def trained(optimizer_type, epochs=5):
    """Weights of a small network after some steps."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    schedule = keras.optimizers.schedules.CosineDecay(0.05, 40)
    network.compile(optimizer_type(schedule), "mse", jit_compile=False)
    random = np.random.default_rng(0)
    inputs, targets = random.normal(size=(32, 3)), random.normal(size=(32, 2))
    network.fit(inputs, targets, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return network.get_weights() + [np.asarray(value) for value in network.optimizer.variables]


def test_weights_and_moments_are_those_of_keras_adam():
    expected, found = trained(keras.optimizers.Adam), trained(FusedAdam)
    assert len(expected) == len(found)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)
    assert not np.allclose(found[0], trained(FusedAdam, epochs=1)[0], atol=1e-3)


def test_gradients_are_still_clipped_where_that_is_asked_for():
    clipped = FusedAdam(0.1, clipvalue=1e-9)
    variable = keras.Variable(np.ones(3, np.float32))
    clipped.build([variable])
    clipped.apply_gradients([(keras.ops.ones(3) * 1e6, variable)])
    # A gradient far below epsilon hardly moves anything.
    assert np.asarray(variable) == pytest.approx(np.ones(3), abs=2e-2)
