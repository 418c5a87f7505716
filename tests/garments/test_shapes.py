import numpy as np

from pyimagesearch.garments import shapes
from pyimagesearch.garments.shapes import LEFT, RIGHT, Body, Figure, Pose

BODY = Body(shoulder=0.1, chest=0.09, waist=0.07, hip=0.1)


def test_rounding_an_open_line_keeps_its_ends():
    corner = [(0, 0), (1, 0), (1, 1)]
    curve = shapes.rounded(corner)
    assert np.array_equal(curve[[0, -1]], [(0, 0), (1, 1)])
    assert not (curve == (1, 0)).all(axis=1).any()


def test_rounding_a_polygon_cuts_all_its_corners():
    curve = shapes.rounded(shapes.rectangle((0, 0), (1, 1)), closed=True)
    assert len(curve) == 16
    assert curve.min() == 0
    assert curve.max() == 1
    assert np.hypot(*(curve - 0.5).T).max() < 0.65


def test_a_limb_has_its_half_widths_on_both_sides_of_its_path():
    outline = shapes.limb(np.array([(0, 0), (0, 0.5), (0, 1)]), (0.2, 0.1))
    down, up = np.split(outline, 2)
    assert np.allclose(down, up[::-1] * (-1, 1))
    assert np.allclose(np.abs(down[[0, -1], 0]), (0.2, 0.1))


def test_a_path_is_shortened_and_extended_along_its_length():
    path = np.array([(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
    assert np.allclose(shapes.shortened(path, 0.75), [(0, 0), (0, 1), (0.5, 1)])
    assert np.allclose(shapes.shortened(path, 1.5)[-1], (2, 1))


def test_limbs_of_the_same_angles_mirror_each_other():
    arm, leg = (10.0, -20.0), (3.0, 1.0)
    figure = Figure(BODY, Pose((arm, arm), (leg, leg)), worn=True)
    for locate in (shapes.arm, shapes.leg):
        left, right = locate(figure, LEFT), locate(figure, RIGHT)
        assert np.allclose(left, right * (-1, 1))
        assert (right[:, 0] > 0).all()


def test_positive_angles_point_outwards():
    straight, raised = (0.0, 0.0), (90.0, 0.0)
    figure = Figure(BODY, Pose((raised, straight), (straight, straight)), worn=True)
    shoulder, elbow, _ = shapes.arm(figure, LEFT)
    assert np.allclose(elbow - shoulder, (-shapes.UPPER_ARM, 0))


def test_a_hem_sags_in_the_middle_and_waves_between_its_ends():
    flat = shapes.wavy_hem(0.5, 0.8, sag=0.1)
    assert np.allclose(flat[[0, 12, 24]], [(0.5, 0.8), (0, 0.9), (-0.5, 0.8)])
    waves = shapes.wavy_hem(0.5, 0.8, sag=0.1, waves=3, amplitude=0.01) - flat
    assert np.allclose(waves[[0, 12, 24]], 0)
    assert np.abs(waves).max() > 0.009
