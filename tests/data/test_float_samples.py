import numpy as np
import pytest
from image_files import written
from PIL import Image

from pyimagesearch.data.decoding import UnreadableImageError, decode_image

RAMP = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)


def decoded(samples):
    return decode_image(written(Image.fromarray(samples.astype(np.float32)), "TIFF"))[:, :, 0]


@pytest.mark.parametrize("white", [1, 255, 65535])
@pytest.mark.parametrize("share", [0.1, 0.5, 1])
def test_floating_point_samples_are_scaled_from_the_white_that_they_fit(white, share):
    shown = decoded(RAMP * white * share)
    np.testing.assert_array_equal(shown, np.floor(RAMP * share * 255 + 0.5))


def test_samples_slightly_beyond_black_and_white_are_clipped():
    shown = decoded(RAMP * 1.2 - 0.1)
    np.testing.assert_allclose(shown, np.clip((RAMP * 1.2 - 0.1) * 255, 0, 255), atol=1)


def test_an_image_that_is_black_stays_black():
    assert not decoded(RAMP * 0).any()


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1.6), (0, 12), (-1, 1), (0, 1000), (0, 1e9), (0, np.inf)]
)
def test_samples_that_tell_no_white_are_refused_with_their_range(low, high):
    samples = RAMP * 0 + low
    samples[0, 0] = high
    with pytest.raises(UnreadableImageError, match=f"from {low} to {high:g}".replace("+", r"\+")):
        decoded(samples)
