import numpy as np
import pytest

from pyimagesearch.artifacts import known_images
from pyimagesearch.reports import strays


def points(*rows):
    """Points around some directions, each a little different, of unit length."""
    noise = np.random.default_rng(0).normal(scale=0.05, size=(len(rows), 3))
    placed = (np.array(rows) + noise).astype(np.float32)
    return placed / np.linalg.norm(placed, axis=1, keepdims=True)


LABELS = [("blue", "jeans")] * 20 + [("red", "dress")] * 20
USUAL = [[1, 0, 0]] * 20 + [[0, 1, 0]] * 20


def odd_rows(*odd):
    """Directions of images that are usual but for some, which resemble those of other labels."""
    return [[0, 1, 0] if number in odd else row for number, row in enumerate(USUAL)]


@pytest.fixture
def find(make_dataset):
    """Return a function that finds the strays among images whose points have some directions."""

    def find(rows, labels=LABELS, *, groups=None, has_free_labels=False):
        dataset = make_dataset(labels, groups=groups)._replace(has_free_labels=has_free_labels)
        return strays.find_strays(dataset, points(*rows), indices=np.arange(len(rows)))

    return find


def test_an_image_among_those_of_other_labels_is_a_stray(find):
    stray, *_ = find(odd_rows(3))
    assert stray["path"].endswith("/3.png")
    assert stray["labels"] == ("blue", "jeans")
    assert stray["nearest"] == ("red", "dress")
    assert stray["similarity"] < 0.5


def test_strays_are_over_three_and_a_half_deviations_below_the_usual_similarity(find, monkeypatch):
    # Their median is 0.9, and half of them are within 0.05 of it: a deviation of 0.074.
    usual = np.linspace(0.8, 1, 37)
    odd = 0.9 - 0.074 * np.array([3.2, 4, -1])
    similar = np.concatenate([usual, odd]).astype(np.float32)
    monkeypatch.setattr(strays, "_similarities", lambda *_: similar[:, None])
    found = find(USUAL, [("blue", "jeans")] * 40)
    assert [stray["path"] for stray in found] == ["d/blue_jeans/38.png"]


def similarity_to(image, others, placed, groups):
    """The mean of the five nearest that are no copies, each compared alone."""
    similar = sorted(placed[image] @ placed[i] for i in others if groups[i] != groups[image])
    return np.mean(similar[-5:]) if similar else -np.inf


def test_images_are_as_near_as_if_combinations_were_compared_one_by_one(monkeypatch):
    monkeypatch.setattr(strays, "ROWS_AT_ONCE", 30)
    monkeypatch.setattr(strays, "COLUMNS_AT_ONCE", 9)
    random = np.random.default_rng(0)
    own = random.permutation(
        np.repeat(np.arange(20), [1] * 5 + [2] * 6 + [4] * 4 + [7, 7, 9, 9, 30])
    )
    placed = random.normal(size=(len(own), 8)).astype(np.float32)
    groups = random.integers(0, 60, len(own))
    near, nearest = strays._nearest(placed, own, groups)
    for image in range(len(own)):
        similar = [
            similarity_to(image, np.flatnonzero(own == number), placed, groups)
            for number in range(20)
        ]
        assert near[image] == pytest.approx(similar[own[image]], rel=1e-4)
        assert nearest[image] == np.argmax(similar)


# Combinations of one image are compared before those of two.
@pytest.mark.parametrize("own", [[0, 0, 1, 1, 2, 3, 4, 4], [0, 1, 1, 2, 2, 3]])
def test_of_combinations_that_are_equally_similar_the_first_is_named(own):
    placed = np.ones((len(own), 3), np.float32)
    nearest = strays._nearest(placed, np.array(own), np.arange(100, 100 + len(own)))[1]
    # An image that is alone in its combination is not like itself.
    assert nearest.tolist() == [1 if own.count(0) == 1 and number == 0 else 0 for number in own]


def test_combinations_of_few_images_are_compared_at_once(monkeypatch):
    blocks, compare = [], strays._similarities

    def recorded(placed, others, groups):
        blocks.append(others.shape)
        return compare(placed, others, groups)

    monkeypatch.setattr(strays, "_similarities", recorded)
    own = np.repeat(np.arange(1001), [2] * 1000 + [300])
    strays._nearest(np.ones((len(own), 3), np.float32), own, np.arange(len(own)))
    assert blocks == [(64, 2)] * 15 + [(40, 2), (1, 50)]


@pytest.mark.parametrize(("images", "combinations", "compared"), [(80, 2, 50), (150, 3, 100)])
def test_an_image_is_compared_with_some_of_many(monkeypatch, images, combinations, compared):
    monkeypatch.setattr(strays, "MOST_COMPARED", {2: 90, 3: 300}[combinations])
    own = np.repeat(np.arange(combinations), images)
    blocks = [others for _, others in strays._combinations_of_one_size(own)]
    others = np.concatenate(blocks)
    assert others.shape == (combinations, compared)
    for number, row in enumerate(others):
        assert len(set(row.tolist())) == compared
        assert (own[row] == number).all()
        assert row.max() >= number * images + compared


def test_its_own_copies_do_not_make_an_image_familiar(find):
    copies = range(3, 9)
    rows = [[0, 0, 1] if number in copies else row for number, row in enumerate(USUAL)]
    found = find(rows, groups=[3 if number in copies else number for number in range(40)])
    assert {stray["path"] for stray in found[:6]} == {f"d/blue_jeans/{n}.png" for n in copies}
    assert all(stray["similarity"] < 0.5 for stray in found[:6])
    assert all(stray["similarity"] > 0.9 for stray in find(rows))


def test_labels_in_another_order_are_no_other_labels(find):
    mixed = [("jeans", "blue"), *LABELS[1:]]
    found = find(USUAL, mixed)
    assert all(stray["similarity"] > 0.9 for stray in found)
    assert {stray["nearest"] for stray in found} <= {("jeans", "blue"), ("red", "dress")}
    stray, *_ = find([[0, 0, 1], *USUAL[1:]], mixed)
    assert stray["labels"] == ("jeans", "blue")


def test_a_combination_of_few_images_is_compared_with_those_few(find):
    labels, rows = LABELS[:24], USUAL[:24]
    assert all(stray["similarity"] > 0.9 for stray in find(rows, labels))
    stray, *others = find([*rows[:22], [0, 0, 1], rows[23]], labels)
    assert stray["path"].endswith("/22.png")
    assert stray["similarity"] < 0.5 < min(other["similarity"] for other in others)


def test_an_image_without_any_other_of_its_labels_is_no_stray(find):
    rows = [*USUAL[:21], [0, 0, 1]]
    found = find(rows, LABELS[:22], groups=[*range(20), 20, 20])
    assert {stray["labels"] for stray in found} == {("blue", "jeans")}


@pytest.mark.filterwarnings("error")
def test_where_all_images_of_all_labels_are_copies_there_are_no_strays(find):
    assert find(USUAL[18:22], LABELS[18:22], groups=[0, 0, 1, 1]) == []


def test_a_report_lists_strays_and_says_which_of_the_worst_predictions_are_some():
    report = {"worst": [{"path": "a"}, {"path": "b"}]}
    strays.report_strays(report, [{"path": "b"}])
    assert report["strays"] == [{"path": "b"}]
    assert [error["is_stray"] for error in report["worst"]] == [False, True]


def test_strays_are_counted_and_named_if_there_are_any():
    assert strays.report_strays({"worst": []}, []) == []
    (line,) = strays.report_strays({"worst": []}, [{"path": "a.png"}, {"path": "b\n.png"}])
    assert line.startswith("2 images unlike")
    assert "a.png" in line
    assert "\n" not in line


def test_where_images_have_any_number_of_labels_there_are_no_strays(find):
    assert find(odd_rows(3), has_free_labels=True) == []


def test_where_no_images_are_remembered_there_are_no_strays(make_dataset):
    none = np.empty((40, 0), np.float32)
    assert strays.find_strays(make_dataset(LABELS), none, indices=np.arange(40)) == []


def test_some_images_are_enough_to_find_strays_among_them(make_dataset):
    rows = odd_rows(3, 4)
    some = np.array([n for n in range(40) if n % 4 != 0] + [40, 41])  # the last are composed
    of_some = points(*(rows[n] for n in some[:-2]), [1, 0, 0], [1, 0, 0])
    found = strays.find_strays(make_dataset(LABELS), of_some, indices=some)
    assert found[0]["path"].endswith("/3.png")
    assert not any(stray["path"].endswith("/4.png") for stray in found)


def test_strays_do_not_depend_on_how_many_images_are_compared_at_once(find, monkeypatch):
    together = find(odd_rows(3, 17))
    monkeypatch.setattr(strays, "ROWS_AT_ONCE", 7)
    for stray, other in zip(together, find(odd_rows(3, 17)), strict=True):
        similarity = pytest.approx(other["similarity"], abs=1e-5)
        assert stray == other | {"similarity": similarity}


def test_of_many_strays_the_farthest_are_listed(find, monkeypatch):
    every = find(odd_rows(3, 17))
    assert len(every) > 1
    monkeypatch.setattr(strays, "MOST_STRAYS", 1)
    assert find(odd_rows(3, 17)) == every[:1]


@pytest.mark.parametrize(
    ("in_all", "of_each", "compared"), [(20_000, 50, 20), (20, 5, 10), (20, 12, 12)]
)
def test_each_image_is_compared_once_with_some_of_each_combination(
    find, monkeypatch, in_all, of_each, compared
):
    shapes = []

    def largest_of(similarities, count):
        shapes.append(similarities.shape)
        return known_images.largest_of(similarities, count)

    monkeypatch.setattr(strays, "largest_of", largest_of)
    monkeypatch.setattr(strays, "MOST_COMPARED", in_all)
    monkeypatch.setattr(strays, "LEAST_COMPARED", of_each)
    monkeypatch.setattr(strays, "ROWS_AT_ONCE", 16)
    monkeypatch.setattr(strays, "COLUMNS_AT_ONCE", 1)
    stray, *_ = find(odd_rows(3))
    assert stray["path"].endswith("/3.png")
    assert shapes == [(16, compared), (16, compared), (8, compared)] * 2
