from collections import Counter

import numpy as np

from pyimagesearch.garments.choices import one_of, weighted_key


def test_every_item_is_chosen_equally_often():
    rng = np.random.default_rng(0)
    counts = Counter(one_of("abcd", rng) for _ in range(4000))
    assert sorted(counts) == list("abcd")
    assert all(900 < count < 1100 for count in counts.values())


def test_keys_are_chosen_in_proportion_to_their_weights():
    rng = np.random.default_rng(0)
    counts = Counter(weighted_key({"rare": 1, "never": 0, "often": 3}, rng) for _ in range(4000))
    assert sorted(counts) == ["often", "rare"]
    assert 900 < counts["rare"] < 1100
