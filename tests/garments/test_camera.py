import numpy as np

from pyimagesearch.garments.camera import View, photograph, to_pixels


def test_the_corners_of_the_view_are_the_corners_of_the_image():
    view = View(left=-0.25, top=0.1, width=0.5, height=0.8)
    corners = np.array([(-0.25, 0.1), (0.25, 0.9)])
    assert np.allclose(to_pixels(corners, view, 100), [(-0.5, -0.5), (49.5, 79.5)])


def test_tilting_the_camera_turns_the_image_about_its_centre():
    view = View(left=-0.5, top=0.0, width=1.0, height=1.0, tilt=90.0)
    points = np.array([(0.0, 0.5), (0.0, 0.0)])
    centre, top = to_pixels(points, view, 100)
    assert np.allclose(centre, (49.5, 49.5))
    assert np.allclose(np.abs(top - centre), (50, 0))


def test_a_photograph_has_the_given_size_and_nearly_the_colors_of_the_scene():
    scene = np.full((90, 60, 3), (200, 120, 40), np.float32)
    for seed in range(20):
        image = photograph(scene, (45, 30), np.random.default_rng(seed))
        assert image.dtype == np.uint8
        assert image.shape == (45, 30, 3)
        assert np.abs(image.mean(axis=(0, 1)) - (200, 120, 40)).max() < 60
