import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pyimagesearch.data import split
from pyimagesearch.errors import UserError

THREE = [("black", "jeans"), ("blue", "dress"), ("blue", "jeans")]


@st.composite
def labelled_groups(draw):
    """Labels of some images, and which of them are copies of one another."""
    group_sizes = draw(st.lists(st.integers(1, 4), min_size=6, max_size=60))
    labels, groups = [], []
    for group, size in enumerate(group_sizes):
        labels += [THREE[group % 3]] * size
        groups += [group] * size
    order = draw(st.permutations(range(len(groups))))
    return [labels[i] for i in order], np.array(groups)[list(order)]


@given(labelled_groups(), st.floats(0.05, 0.95), st.integers(0, 99))
def test_every_image_is_on_one_side_and_copies_on_the_same(labelled, test_size, seed):
    labels, groups = labelled
    train, test = split.split(labels, groups, test_size=test_size, seed=seed)
    assert sorted([*train, *test]) == list(range(len(labels)))
    assert not set(groups[train]) & set(groups[test])


@given(labelled_groups(), st.floats(0.05, 0.95), st.integers(0, 99))
def test_every_combination_is_on_both_sides(labelled, test_size, seed):
    labels, groups = labelled
    train, test = split.split(labels, groups, test_size=test_size, seed=seed)
    assert {labels[i] for i in train} == {labels[i] for i in test} == set(THREE)


@given(st.integers(0, 99))
def test_each_combination_gives_its_share(seed):
    labels = [combination for combination in THREE for _ in range(50)]
    _, test = split.split(labels, np.arange(150), test_size=0.2, seed=seed)
    assert [sum(labels[i] == combination for i in test) for combination in THREE] == [10, 10, 10]


@given(st.integers(2, 90), st.floats(0.05, 0.5), st.integers(0, 99))
def test_copies_that_outnumber_the_test_side_are_tested_only_if_no_others_come_closer(
    copies, test_size, seed
):
    assume(copies > test_size * 100)
    labels = [("a", "b")] * 100 + [("c", "d")] * 100
    groups = np.concatenate([np.zeros(copies, int), np.arange(1, 201 - copies)])
    _, test = split.split(labels, groups, test_size=test_size, seed=seed)
    possible = [*range(1, 101 - copies), *range(copies, 100)]
    best = min(abs(count - test_size * 100) for count in possible)
    assert abs((test < 100).sum() - test_size * 100) == pytest.approx(best)


@pytest.mark.slow
@given(labelled_groups(), st.floats(0.05, 0.95), st.integers(0, 99))
def test_groups_that_fit_into_the_test_side_are_taken_in_the_order_of_the_seed(
    labelled, test_size, seed
):
    groups = labelled[1]
    sizes, wanted = np.bincount(groups), test_size * len(groups)
    assume(sizes.max() <= wanted)
    order = np.random.default_rng(seed).permutation(len(sizes))
    count = np.argmin(np.abs(np.cumsum(sizes[order])[:-1] - wanted)) + 1
    _, test = split.split([("x", "y")] * len(groups), groups, test_size=test_size, seed=seed)
    assert set(groups[test]) == set(order[:count])


@pytest.mark.parametrize("test_size", [0, 1, 20, -0.2, np.nan])
@pytest.mark.parametrize("divide", [split.split, split.split_free])
def test_a_share_that_leaves_a_side_empty_is_refused(divide, test_size):
    with pytest.raises(ValueError, match=f"test_size must be .*, not {test_size}"):
        divide([("a",), ("b",)] * 5, np.arange(10), test_size=test_size, seed=0)


@pytest.mark.parametrize("divide", [split.split, split.split_free])
def test_the_seed_decides_the_split(divide):
    labels = [combination for combination in THREE for _ in range(50)]
    first, same, other = (
        divide(labels, np.arange(150), test_size=0.2, seed=seed)[1] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_a_combination_with_a_single_image_is_named():
    labels = [("a", "b"), ("a", "b"), ("c", "d")]
    with pytest.raises(UserError, match="c_d"):
        split.split(labels, np.array([0, 1, 2]), test_size=0.2, seed=0)


def test_a_combination_of_copies_of_one_image_is_named():
    labels = [("a", "b"), ("a", "b"), ("c", "d"), ("c", "d")]
    with pytest.raises(UserError, match=r"c_d \(2 copies of one image\)"):
        split.split(labels, np.array([0, 1, 2, 2]), test_size=0.2, seed=0)


def test_all_folders_with_too_few_different_images_are_named_with_what_they_hold():
    folders = ["in/a_b", "in/a_b", "in/c_d", "in/e_f", "in/e_f", "in/g_h", "more/e_f"]
    labels = [tuple(folder[-3:].split("_")) for folder in folders]
    paths = [f"{folder}/{n}.png" for n, folder in enumerate(folders)]
    with pytest.raises(UserError) as caught:
        split.split(labels, np.array([0, 1, 0, 2, 2, 3, 2]), test_size=0.2, seed=0, paths=paths)
    assert str(caught.value).endswith(
        ": in/c_d (1 image, with copies in other folders), "
        "in/e_f, more/e_f (3 copies of one image), in/g_h (1 image)"
    )


def test_of_many_combinations_with_too_few_images_five_are_named_and_the_others_counted():
    labels = [(letter,) for letter in "abcdefgh"]
    with pytest.raises(UserError, match=r"e \(1 image\) and 3 more$"):
        split.split(labels, np.arange(8), test_size=0.2, seed=0)


@st.composite
def free_labels(draw):
    """Any labels of some images, and which images stay together."""
    label_sets = draw(st.lists(st.sets(st.sampled_from("abcde")), min_size=40, max_size=90))
    groups = draw(st.lists(st.integers(0, 30), min_size=len(label_sets), max_size=len(label_sets)))
    return [tuple(sorted(each)) for each in label_sets], np.unique(groups, return_inverse=True)[1]


@pytest.mark.slow
@given(free_labels(), st.floats(0.1, 0.9), st.integers(0, 99))
def test_each_free_label_is_trained_on_and_tested_on_if_several_groups_have_it(
    labelled, test_size, seed
):
    labels, groups = labelled
    groups_of = {x: {g for g, has in zip(groups, labels, strict=True) if x in has} for x in "abcde"}
    # Five labels of at least six groups each can always be on both sides.
    assume(all(len(each) < 2 or len(each) > 5 for each in groups_of.values()))
    assume(any(len(each) > 5 for each in groups_of.values()))
    train, test = split.split_free(labels, groups, test_size=test_size, seed=seed)
    assert sorted([*train, *test]) == list(range(len(labels)))
    trained, tested = set(groups[train]), set(groups[test])
    assert not trained & tested
    for each in groups_of.values():
        assert each & trained or not each
        assert each & tested or len(each) < 2


def test_groups_of_a_table_join_groups_of_copies():
    joined = split.joined_groups(np.array([0, 0, 1, 2, 3]), ["p", "", "q", "q", ""])
    assert joined.tolist() == [0, 0, 1, 1, 2]


def test_a_given_side_is_obeyed_and_copies_follow_the_tested_image():
    labels, groups = [("x",), ("y",), (), ("x",)], np.array([0, 1, 1, 2])
    is_test = np.array([False, True, False, False])
    train, test = split.split_free(labels, groups, test_size=0.5, seed=0, is_test=is_test)
    assert (train.tolist(), test.tolist()) == ([0, 3], [1, 2])


@pytest.mark.parametrize(("is_test", "what"), [(False, "test"), (True, "train")])
def test_a_table_that_puts_all_images_on_one_side_is_refused(is_test, what):
    labels, sides = [("x",), ("y",)], np.full(2, is_test)
    with pytest.raises(UserError, match=f"nothing to {what} on"):
        split.split_free(labels, np.arange(2), test_size=0.5, seed=0, is_test=sides)


def test_a_split_of_no_images_is_refused():
    with pytest.raises(UserError, match="nothing to train on"):
        split.split_free([], np.arange(0), test_size=0.5, seed=0)


@pytest.mark.parametrize("seed", range(5))
def test_the_last_group_of_a_label_is_tested_on_if_rarer_labels_took_the_others(seed):
    labels = [("a", "b"), ("b",)] + [("c",)] * 20
    _, test = split.split_free(labels, np.arange(len(labels)), test_size=0.2, seed=seed)
    assert 1 in test
    assert 0 not in test
