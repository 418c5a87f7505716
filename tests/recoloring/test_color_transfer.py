import cv2
import numpy as np
import pytest

from pyimagesearch.recoloring.color_statistics import to_lab
from pyimagesearch.recoloring.color_transfer import Color, color_of, recolor

SIZE = 48
WHITE, BLUE = (240, 238, 236), (150, 60, 30)
BLACK = Color(np.array([12.0, 0.0, 0.0]), np.array([2.0, 0.5, 0.5]))
RED = Color(np.array([45.0, 60.0, 35.0]), np.array([5.0, 4.0, 4.0]))
ORANGE = Color(np.array([70.0, 40.0, 20.0]), RED.deviation)  # lighter than the disk


@pytest.fixture
def disk():
    """A blue disk, darker towards its right, that blends into a white background."""
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    mask = (np.hypot(x, y) < 15).astype(np.float32)
    opacity = cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None]
    cloth = np.array(BLUE) * np.linspace(1.3, 0.7, SIZE)[None, :, None]
    image = opacity * cloth + (1 - opacity) * np.array(WHITE)
    return image.astype(np.uint8), mask


def inside(mask):
    return cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=2) > 0


def recolored(disk, color, darkness_kept=0.0, least_lightness=0.0):
    image, mask = disk
    return recolor(
        image, mask, color=color, darkness_kept=darkness_kept, least_lightness=least_lightness
    )


def test_the_colour_of_the_masked_pixels_is_measured():
    lab = np.zeros((2, 2, 3))
    lab[0] = [[50, 10, -10], [60, 20, -10]]
    color = color_of(lab, np.array([[1, 1], [0, 0]]))
    np.testing.assert_allclose(color.mean, [55, 15, -10])
    np.testing.assert_allclose(color.deviation, [5, 5, 0])


def test_without_a_mask_the_colour_of_the_whole_image_is_measured():
    lab = np.full((2, 2, 3), [50.0, 10, -10])
    np.testing.assert_allclose(color_of(lab, np.zeros((2, 2))).mean, [50, 10, -10])


@pytest.mark.parametrize("color", [BLACK, RED])
def test_the_garment_gets_the_mean_of_the_new_colour(disk, color):
    lab = to_lab(recolored(disk, color))[inside(disk[1])]
    np.testing.assert_allclose(lab.mean(axis=0), color.mean, atol=3)


def test_the_garment_keeps_its_folds(disk):
    image, mask = disk
    before, after = to_lab(image)[inside(mask)][:, 0], to_lab(recolored(disk, RED))[inside(mask)]
    assert np.corrcoef(before, after[:, 0])[0, 1] > 0.95
    assert after[:, 0].std() > before.std() / 2.2


def test_the_garment_varies_as_much_as_the_new_colour_does(disk):
    _, mask = disk
    noise = np.random.default_rng(0).normal(0, 14, (SIZE, SIZE, 1))
    mottled = (120 + noise).clip(0, 255).repeat(3, axis=2).astype(np.uint8)
    before = to_lab(mottled)[inside(mask)][:, 0].std()
    for factor in (0.7, 1.5):
        color = Color(np.array([50.0, 0, 0]), np.array([factor * before, 1, 1]))
        after = to_lab(recolored((mottled, mask), color))[inside(mask)]
        assert after[:, 0].std() == pytest.approx(factor * before, rel=0.15)


def test_an_evenly_coloured_garment_stays_even_in_an_even_colour(disk):
    image, mask = disk
    image[:] = WHITE
    image[mask > 0] = BLUE
    after = to_lab(recolored((image, mask), RED._replace(deviation=np.zeros(3))))[inside(mask)]
    np.testing.assert_allclose(after, np.broadcast_to(RED.mean, after.shape), atol=1)


def test_the_noise_of_a_black_cloth_is_amplified_at_most_twice(disk):
    _, mask = disk
    noise = np.random.default_rng(0).normal(0, 2, (SIZE, SIZE, 1))
    black = (30 + noise).clip(0, 255).repeat(3, axis=2).astype(np.uint8)
    patterned = Color(RED.mean, np.array([30.0, 30, 30]))
    after = to_lab(recolored((black, mask), patterned))[inside(mask)]
    assert after[:, 0].std() < 2.1 * to_lab(black)[inside(mask)][:, 0].std()


def test_the_background_is_left_alone(disk):
    image, mask = disk
    far = cv2.dilate(mask, np.ones((5, 5), np.uint8)) == 0
    change = recolored(disk, RED)[far].astype(int) - image[far]
    assert np.abs(change).max() <= 1


def test_what_has_the_colour_of_the_garment_in_the_background_nearby_is_left_alone(disk):
    image, _ = disk
    spot = np.s_[23:26, 43:44]  # five pixels from the disk
    image[spot] = BLUE
    change = recolored(disk, RED)[spot].astype(int) - image[spot]
    assert np.abs(change).max() <= 1


def test_no_rim_in_the_old_colour_is_left(disk):
    image, mask = disk
    rim = (cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0) & ~inside(mask)
    assert to_lab(image)[rim][:, 2].min() < -30
    assert to_lab(recolored(disk, BLACK))[rim][:, 2].min() > -10


def test_a_garment_that_keeps_its_darkness_comes_out_darker_and_less_vivid(disk):
    is_cloth = inside(disk[1])
    own = to_lab(disk[0])[is_cloth][:, 0].mean()
    plain, half, dark = (
        to_lab(recolored(disk, ORANGE, darkness_kept=kept))[is_cloth].mean(axis=0)
        for kept in (0, 0.5, 1)
    )
    assert plain[0] == pytest.approx(70, abs=3)
    assert half[0] == pytest.approx((70 + own) / 2, abs=3)
    assert dark[0] == pytest.approx(own, abs=3)
    assert dark[1] < half[1] < plain[1]


def test_a_garment_that_keeps_nearly_black_still_shows_the_new_colour(disk):
    image, mask = disk
    image[mask > 0] = (30, 18, 14)
    lab = to_lab(recolored((image, mask), ORANGE, darkness_kept=1))[inside(mask)].mean(axis=0)
    assert lab[0] < 7
    np.testing.assert_allclose(lab[1:], 0.3 * ORANGE.mean[1:], atol=1)


def test_where_the_background_looks_like_the_garment_nothing_outside_is_painted(disk):
    image, mask = disk
    noise = np.random.default_rng(0).normal(0, 2, image.shape)
    image[:] = 120 + noise
    change = to_lab(recolored(disk, RED)) - to_lab(image)
    assert np.abs(change)[mask == 0].max() < RED.mean[1] / 2
    assert change[inside(mask)][:, 1].mean() > 50


def test_kept_darkness_never_goes_below_the_least_lightness(disk):
    lab = to_lab(recolored(disk, ORANGE, darkness_kept=1.0, least_lightness=60.0))
    assert lab[inside(disk[1])][:, 0].mean() == pytest.approx(60, abs=3)


def test_a_garment_lighter_than_the_colour_keeps_nothing(disk):
    np.testing.assert_array_equal(
        recolored(disk, BLACK, darkness_kept=0.8), recolored(disk, BLACK, darkness_kept=0.0)
    )
