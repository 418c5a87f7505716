import numpy as np
import pytest
from scipy import ndimage

from pyimagesearch.data import augmentation, image_arrays
from pyimagesearch.data import batches as module

STILL = augmentation.AugmentationRanges(0, 0, 0, 0, 0, False)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (10, 24, 32, 3), np.uint8)


@pytest.fixture
def targets():
    return np.arange(10, dtype=np.float32)[:, None]


@pytest.fixture
def picture():
    """A smooth image whose every part looks different, float32 (1, 40, 60, 3)."""
    noise = np.random.default_rng(1).random((40, 60, 3)).astype(np.float32)
    return ndimage.gaussian_filter(noise, (4, 4, 0))[None]


def moved(picture, **amounts):
    still = {"angle": 0, "shift_x": 0, "shift_y": 0, "shear": 0, "zoom_x": 1, "zoom_y": 1}
    still |= {"mirrored": False} | amounts
    return augmentation.move(picture, **{name: np.array([value]) for name, value in still.items()})


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
    still = {"angle": 0, "shift_x": 0, "shift_y": 0, "shear": 0, "zoom_x": 1, "zoom_y": 1}
    expected = as_image_data_generator(picture[0], **still | amounts)
    np.testing.assert_allclose(moved(picture, **amounts)[0], expected, atol=2e-3)


def test_mirror_turns_left_into_right(picture):
    np.testing.assert_allclose(moved(picture, mirrored=True), picture[:, :, ::-1], atol=1e-5)


def test_pixels_from_outside_repeat_the_nearest(picture):
    shifted = moved(picture, shift_x=-10)
    np.testing.assert_allclose(shifted[:, :, :10], np.repeat(picture[:, :, :1], 10, axis=2))


@pytest.mark.parametrize(
    ("field", "amount", "high"),
    [
        ("rotation", "angle", np.radians(25)),
        ("width_shift", "shift_x", 6.0),
        ("height_shift", "shift_y", 4.0),
        ("shear", "shear", np.radians(0.2)),
        ("zoom", "zoom_x", 1.2),
        ("zoom", "zoom_y", 1.2),
    ],
)
def test_each_range_is_used_in_full_and_never_exceeded(monkeypatch, field, amount, high):
    seen = {}
    monkeypatch.setattr(augmentation, "move", lambda images, **amounts: seen.update(amounts))
    only = STILL._replace(**{field: getattr(augmentation.TUTORIAL_RANGES, field)})
    augmentation.augment(
        np.zeros((4000, 40, 60, 3), np.float32), only, augmentation.draw_amounts(4000, seed=1)
    )
    middle = 1.0 if field == "zoom" else 0.0
    spread = high - middle
    values = seen[amount] - middle
    assert np.abs(values).max() <= spread * (1 + 1e-6)
    assert values.min() < -0.98 * spread
    assert values.max() > 0.98 * spread
    assert abs(values.mean()) < 0.05 * spread


def test_half_of_the_images_are_mirrored(monkeypatch):
    seen = {}
    monkeypatch.setattr(augmentation, "move", lambda images, **amounts: seen.update(amounts))
    images = np.zeros((4000, 8, 8, 3), np.float32)
    augmentation.augment(
        images, augmentation.TUTORIAL_RANGES, augmentation.draw_amounts(4000, seed=0)
    )
    assert 0.45 < seen["mirrored"].mean() < 0.55


def test_images_of_a_batch_move_independently():
    image = np.random.default_rng(0).random((1, 16, 16, 3)).astype(np.float32)
    amounts = augmentation.draw_amounts(8, seed=3)
    augmented = augmentation.augment(image.repeat(8, axis=0), augmentation.TUTORIAL_RANGES, amounts)
    assert len(np.unique(augmented.reshape(8, -1), axis=0)) == 8


def test_an_epoch_shows_every_image_of_whole_batches_once(images, targets):
    indices = np.array([1, 2, 3, 5, 6, 7, 8])
    batches = list(
        module.training_batches(images, targets, indices, 3, range(2), seed=0, ranges=STILL)
    )
    assert [len(labels) for _, labels in batches] == [3, 3, 3, 3]
    for epoch in (batches[:2], batches[2:]):
        shown = np.concatenate([labels.numpy()[:, 0] for _, labels in epoch])
        assert len(set(shown)) == 6
        assert set(shown) <= set(indices)


def test_images_keep_their_targets_and_are_scaled_to_one(images, targets):
    batches = module.training_batches(
        images, targets, np.arange(10), 5, range(1), seed=3, ranges=STILL
    )
    for pixels, labels in batches:
        expected = images[labels.numpy()[:, 0].astype(int)] / 255
        np.testing.assert_allclose(pixels, expected, atol=1e-5)


def test_epochs_differ_in_order(images, targets):
    batches = module.training_batches(
        images, targets, np.arange(10), 10, range(2), seed=0, ranges=STILL
    )
    first, second = (labels.numpy() for _, labels in batches)
    assert not np.array_equal(first, second)


def test_training_taken_up_later_sees_what_it_would_have_seen(images, targets):
    def batches(epochs, seed=5):
        made = module.training_batches(images, targets, np.arange(10), 4, epochs, seed)
        return [pixels.numpy() for pixels, _ in made]

    np.testing.assert_array_equal(batches(range(3))[4:], batches(range(2, 3)))
    assert not np.array_equal(batches(range(1)), batches(range(1), seed=6))


def test_fewer_images_than_a_batch_make_one_step(images, targets):
    batches = list(module.training_batches(images, targets, np.arange(3), 32, range(1), seed=0))
    assert len(batches) == module.steps_per_epoch(3, 32) == 1
    assert batches[0][0].shape == (3, 24, 32, 3)


def test_replicas_share_each_batch_as_one_process_would_see_it(images, targets):
    def batches(share):
        made = module.training_batches(
            images, targets, np.arange(10), 6, range(2), seed=5, share=share
        )
        return [(pixels.numpy(), labels.numpy()) for pixels, labels in made]

    whole = batches(module.WHOLE)
    first_process = batches(module.Share(0, 2, 3))
    second_process = batches(module.Share(2, 1, 3))
    assert len(first_process) == 2 * len(second_process) == 2 * len(whole)
    for step, expected in enumerate(whole):
        parts = [*first_process[2 * step : 2 * step + 2], second_process[step]]
        for found, wanted in zip(zip(*parts, strict=True), expected, strict=True):
            np.testing.assert_array_equal(np.concatenate(found), wanted)


@pytest.mark.parametrize("count", [3, 4, 7, 10])
def test_replicas_share_the_evaluation_and_none_is_without(images, targets, count):
    shares = [module.Share(number, 1, 3) for number in range(3)]
    seen = [
        [
            labels.numpy()[:, 0].tolist()
            for _, labels in module.evaluation_batches(images, targets, np.arange(count), 4, share)
        ]
        for share in shares
    ]
    steps = module.evaluation_steps(count, 4, 3)
    assert [len(batches) for batches in seen] == [steps] * 3
    assert all(batch for batches in seen for batch in batches)
    in_order = [seen[number][step] for step in range(steps) for number in range(3)]
    assert np.concatenate(in_order).tolist() == list(range(count))


def test_evaluation_shows_every_image_in_order_as_it_is(images, targets):
    batches = list(module.evaluation_batches(images, targets, np.array([7, 2, 9]), 2))
    np.testing.assert_array_equal(
        np.concatenate([labels for _, labels in batches])[:, 0], [7, 2, 9]
    )
    np.testing.assert_allclose(
        np.concatenate([pixels for pixels, _ in batches]), images[[7, 2, 9]] / 255
    )


def test_no_dataset_is_autotuned(images, targets):
    training = module.training_batches(images, targets, np.arange(10), 4, range(1), seed=0)
    evaluation = module.evaluation_batches(images, targets, np.arange(10), 4)
    assert not training.options().autotune.enabled
    assert not evaluation.options().autotune.enabled


def test_arrays_addressed_as_one_are_taken_from_the_right_one(images):
    joined = image_arrays.Concatenated(images[:4], images[4:9], images[9:])
    positions = np.array([9, 0, 4, 3, 8, 4])
    assert joined.shape == images.shape
    np.testing.assert_array_equal(joined[positions], images[positions])


def test_some_images_take_turns_from_epoch_to_epoch(images, targets):
    batches = module.training_batches(
        images, targets, np.arange(4), 6, range(4), 0, STILL, (np.arange(4, 10), 3)
    )
    epochs = [set(labels.numpy()[:, 0].astype(int)) for _, labels in batches]
    assert all(set(range(4)) <= shown for shown in epochs)
    turns = [shown - set(range(4)) for shown in epochs]
    assert [len(turn) for turn in turns] == [2, 2, 2, 2]
    assert turns[0] | turns[1] | turns[2] == set(range(4, 10))
