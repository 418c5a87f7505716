import numpy as np
import pytest
from scipy import ndimage

from pyimagesearch.data import augmentation


@pytest.fixture
def picture():
    """A smooth image whose every part looks different, float32 (1, 40, 60, 3)."""
    noise = np.random.default_rng(1).random((40, 60, 3)).astype(np.float32)
    return ndimage.gaussian_filter(noise, (4, 4, 0))[None]


# An image that these move stays as it is.
STILL = {"angle": 0, "shift_x": 0, "shift_y": 0, "shear": 0, "zoom_x": 1, "zoom_y": 1}


def moved(picture, **amounts):
    amounts = {**STILL, "mirrored": False, **amounts}
    return augmentation.move(
        picture, **{name: np.array([value]) for name, value in amounts.items()}
    )


@pytest.fixture
def drawn(monkeypatch):
    """By how much each of 4,000 images is moved."""
    amounts = {}
    monkeypatch.setattr(augmentation, "move", lambda images, **given: amounts.update(given))
    images = np.zeros((4000, 40, 60, 3), np.float32)
    augmentation.augment(images, augmentation.draw_amounts(4000, seed=1))
    return amounts


def as_image_data_generator(image, angle, shift_x, shift_y, shear, zoom_x, zoom_y):
    """Keras 2.x's apply_affine_transform, on (row, column), with scipy, as published."""
    rotation = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    shift = np.array([[1, 0, shift_y], [0, 1, shift_x], [0, 0, 1]])
    shearing = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    zoom = np.diag([zoom_y, zoom_x, 1])
    matrix = rotation @ shift @ shearing @ zoom
    centre = np.array([(image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2])
    to_centre, back = np.eye(3), np.eye(3)
    to_centre[:2, 2], back[:2, 2] = centre, -centre
    matrix = to_centre @ matrix @ back
    channels = [
        ndimage.affine_transform(channel, matrix[:2, :2], matrix[:2, 2], order=1, mode="nearest")
        for channel in np.moveaxis(image, -1, 0)
    ]
    return np.stack(channels, axis=-1)


@pytest.mark.parametrize(
    "amounts",
    [
        {"angle": 0.4},
        {"shift_x": 5.5},
        {"shift_y": -3.25},
        {"shear": 0.3},
        {"zoom_x": 1.2},
        {"zoom_y": 0.8},
        {"angle": -0.3, "shift_x": 2, "shift_y": 4, "shear": 0.1, "zoom_x": 0.9, "zoom_y": 1.15},
    ],
    ids=lambda amounts: "+".join(amounts),
)
def test_moves_as_image_data_generator_did(picture, amounts):
    expected = as_image_data_generator(picture[0], **STILL | amounts)
    np.testing.assert_allclose(moved(picture, **amounts)[0], expected, atol=2e-3)


def test_mirror_turns_left_into_right(picture):
    np.testing.assert_allclose(moved(picture, mirrored=True), picture[:, :, ::-1], atol=1e-5)


def test_pixels_from_outside_repeat_the_nearest(picture):
    shifted = moved(picture, shift_x=-10)
    np.testing.assert_allclose(shifted[:, :, :10], np.repeat(picture[:, :, :1], 10, axis=2))


@pytest.mark.parametrize(
    ("amount", "middle", "spread"),
    [
        ("angle", 0, np.radians(25)),
        ("shift_x", 0, 6.0),
        ("shift_y", 0, 4.0),
        ("shear", 0, np.radians(0.2)),
        ("zoom_x", 1, 0.2),
        ("zoom_y", 1, 0.2),
    ],
)
def test_each_range_is_used_in_full_and_never_exceeded(drawn, amount, middle, spread):
    values = drawn[amount] - middle
    assert np.abs(values).max() <= spread * (1 + 1e-6)
    assert values.min() < -0.98 * spread
    assert values.max() > 0.98 * spread
    assert abs(values.mean()) < 0.05 * spread


def test_each_move_is_drawn_on_its_own(drawn):
    correlations = np.corrcoef(list(drawn.values()))
    assert np.abs(correlations - np.eye(len(correlations))).max() < 0.06


def test_half_of_the_images_are_mirrored(drawn):
    assert 0.45 < drawn["mirrored"].mean() < 0.55


def test_images_of_a_batch_move_independently():
    image = np.random.default_rng(0).random((1, 16, 16, 3)).astype(np.float32)
    amounts = augmentation.draw_amounts(8, seed=3)
    augmented = augmentation.augment(image.repeat(8, axis=0), amounts)
    assert len(np.unique(augmented.reshape(8, -1), axis=0)) == 8
