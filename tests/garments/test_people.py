import numpy as np
import pytest

from pyimagesearch.garments import people


def test_mannequins_are_grey_and_have_neither_hair_nor_a_face():
    persons = [people.random_person("dress", np.random.default_rng(seed)) for seed in range(200)]
    mannequins = [person for person in persons if person.is_mannequin]
    assert 2 <= len(mannequins) <= 30
    for mannequin in mannequins:
        assert len(set(mannequin.skin)) == 1
        assert mannequin.hair_length == 0
        assert len(people.head_layers(mannequin, np.random.default_rng(0))) == 1


@pytest.mark.parametrize("kind", ["jeans", "shirt"])
def test_short_sleeves_stick_out_further_than_long_ones(kind):
    def mean_angle(long_sleeved):
        figures = (
            people.unworn_figure(kind, np.random.default_rng(seed), long_sleeved=long_sleeved)
            for seed in range(50)
        )
        return np.mean([figure.pose.arms for figure in figures])

    assert mean_angle(False) > mean_angle(True) + 10


def test_unworn_garments_lie_symmetrically():
    figure = people.unworn_figure("shirt", np.random.default_rng(0), long_sleeved=True)
    assert not figure.worn
    assert figure.pose.arms[0] == figure.pose.arms[1]
