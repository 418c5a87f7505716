import keras
import pytest

from pyimagesearch.artifacts.keras_settings import overrule_configuration


@pytest.fixture(autouse=True)
def settings_restored():
    before = keras.config.floatx(), keras.config.image_data_format()
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_image_data_format(before[1])


@pytest.mark.parametrize(
    ("configured", "used"),
    [("float16", "float32"), ("float32", "float32"), ("float64", "float64")],
)
def test_numbers_have_at_least_32_bits(configured, used):
    keras.config.set_floatx(configured)
    overrule_configuration()
    assert keras.config.floatx() == used


def test_images_have_their_channels_last():
    keras.config.set_image_data_format("channels_first")
    overrule_configuration()
    assert keras.config.image_data_format() == "channels_last"
