import itertools
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyimagesearch.data import stratification
from pyimagesearch.data.stratification import share_out


@st.composite
def few_groups(draw):
    """Some images, at most seven groups that stay together, and labels of few groups each."""
    count = draw(st.integers(2, 7))
    some_groups = st.sets(st.integers(0, count - 1), min_size=1, max_size=3)
    groups_of = draw(st.lists(some_groups, min_size=1, max_size=10))
    images = [
        tuple(sorted(f"{i}" for i, of in enumerate(groups_of) if g in of)) for g in range(count)
    ]
    bare = draw(st.lists(st.integers(0, count - 1), max_size=6))  # images without a label
    return images + [()] * len(bare), np.array([*range(count), *bare])


def groups_of_labels(labels, groups):
    return [
        sorted({int(group) for each, group in zip(labels, groups, strict=True) if label in each})
        for label in sorted(set(itertools.chain.from_iterable(labels)))
    ]


def is_good(is_test, groups_of):
    """Tell whether each label is trained on, and tested on if it has several groups."""
    sides = [{bool(is_test[group]) for group in groups} for groups in groups_of]
    return all(
        side == ({False, True} if len(groups) > 1 else {False})
        for side, groups in zip(sides, groups_of, strict=True)
    )


def shared_out(labels, groups, test_size=0.2, seed=0):
    return share_out(labels, groups, test_size=test_size, rng=np.random.default_rng(seed))


@pytest.mark.slow
@settings(max_examples=300)
@given(few_groups(), st.floats(0.05, 0.95), st.integers(0, 99))
def test_all_labels_are_on_both_sides_wherever_any_choice_of_a_few_groups_allows_it(
    labelled, test_size, seed
):
    labels, groups = labelled
    groups_of = groups_of_labels(labels, groups)
    choices = itertools.product([False, True], repeat=int(groups.max()) + 1)
    if any(is_good(choice, groups_of) for choice in choices):
        assert is_good(shared_out(labels, groups, test_size, seed), groups_of)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("label_sets", "without_label"),
    [
        ("df ace bc ad bcde", []),
        ("cdh cfg bc abeg dfgh", []),
        ("abeghj bdeh abcdfgh acdfij cefg", []),
        ("bf ac af def bcdf", []),  # a group is moved for one label, and again for another
        ("c a ab d", [1]),  # groups that have images without a label, too
    ],
)
def test_all_labels_are_on_both_sides_where_few_choices_allow_it(label_sets, without_label, seed):
    labels = [*map(tuple, label_sets.split()), *[()] * len(without_label)]
    groups = np.array([*range(len(labels) - len(without_label)), *without_label])
    assert is_good(shared_out(labels, groups, seed=seed), groups_of_labels(labels, groups))


@given(few_groups(), st.floats(0.05, 0.95), st.integers(0, 99))
def test_every_label_is_trained_on(labelled, test_size, seed):
    is_test = shared_out(*labelled, test_size, seed)
    assert all(not is_test[groups].all() for groups in groups_of_labels(*labelled))


@pytest.mark.parametrize("seed", range(5))
def test_a_label_of_one_group_is_trained_on_though_another_label_needs_a_test(seed):
    labels = [("a", "b"), *[("a",)] * 4, ("b",), *[("c",)] * 20]
    is_test = shared_out(labels, np.array([0] * 5 + [1, *range(2, 22)]), seed=seed)
    assert is_test[:2].tolist() == [False, True]
    assert is_test[2:].sum() == 4


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_moved_for_a_label_whose_groups_rarer_labels_train_on(seed):
    # Each image has two of three labels, so that two of a label's images leave the third no choice.
    labels = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "z"), ("c", "y"), ("c", "z")]
    is_test = shared_out(labels, np.arange(6), seed=seed)
    assert is_good(is_test, groups_of_labels(labels, np.arange(6)))


def test_for_a_label_that_cannot_be_tested_only_so_many_moves_are_tried(monkeypatch):
    monkeypatch.setattr(stratification, "MOVES", 3)
    move = Mock(side_effect=stratification._Sides.move)
    monkeypatch.setattr(stratification._Sides, "move", lambda *given: move(*given))
    labels = [("all", f"only {i}") for i in range(9)]  # each group trains on a label of its own
    assert not shared_out(labels, np.arange(9)).any()
    assert move.call_count == 2 * 3  # each move is undone


@pytest.mark.parametrize("seed", range(9))
def test_a_large_group_does_not_take_the_place_of_small_ones(seed):
    groups = np.array([0] * 60 + [1] * 20 + [2] * 20)
    is_test = shared_out([("a",)] * 100, groups, seed=seed)
    assert not is_test[0]
    assert is_test.sum() == 1


@given(st.integers(0, 99))
def test_images_tested_for_rare_labels_count_for_the_share_of_frequent_ones(seed):
    labels = [("all", f"rare_{image // 2}") for image in range(40)] + [("all",)] * 60
    assert shared_out(labels, np.arange(100), seed=seed).sum() == 20


@given(st.integers(0, 99))
def test_each_label_gets_its_share(seed):
    labels = [("a",)] * 100 + [("b",)] * 50 + [("a", "b")] * 50 + [()] * 20
    tested = shared_out(labels, np.arange(220), seed=seed)
    for label, wanted in (("a", 30), ("b", 20)):
        assert sum(label in labels[i] for i in np.flatnonzero(tested)) == wanted
    assert tested[200:].sum() == 4
