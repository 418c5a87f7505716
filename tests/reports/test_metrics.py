import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.reports import metrics

PROBABILITIES = np.array([[0.9, 0.1, 0.8], [0.2, 0.6, 0.4], [0.7, 0.9, 0.1], [0.6, 0.1, 0.3]])
TARGETS = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]], float)


def test_binary_accuracy_counts_decisions_and_exact_accuracy_counts_images():
    found = metrics.accuracies(PROBABILITIES, TARGETS)
    assert found.binary == 9 / 12
    assert found.exact == 2 / 4


def test_a_probability_of_one_half_is_no_label_as_in_keras():
    probabilities = np.full(TARGETS.shape, 0.5)
    expected = np.mean(keras.metrics.binary_accuracy(TARGETS, probabilities))
    assert metrics.accuracies(probabilities, TARGETS).binary == pytest.approx(expected)
    assert metrics.free_scores(probabilities, TARGETS)["micro_f1"] == 0
    scores = metrics.label_scores(probabilities, TARGETS, ["blue", "jeans", "red"])
    assert [scores[label]["recall"] for label in scores] == [0, 0, 0]
    row = metrics.label_report(probabilities, TARGETS, ["blue", "jeans", "red"]).splitlines()[2]
    assert row.split() == ["blue", "0.00", "0.00", "0.00", "2"]


def test_binary_accuracy_is_not_the_categorical_one():
    likeliest_is_right = np.array([[0.4, 0.1, 0.2], [0.1, 0.4, 0.2], [0.4, 0.3, 0.1], [0, 0, 0.4]])
    assert metrics.accuracies(likeliest_is_right, TARGETS).binary == 5 / 12


def test_the_likeliest_label_of_each_part_needs_no_threshold():
    classes, parts = ["blue", "dress", "jeans", "red"], [{"blue", "red"}, {"dress", "jeans"}]
    targets = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [0, 1, 0, 1]])
    unlikely, two_colors, wrong_type = (
        [0.4, 0.2, 0.3, 0.1],
        [0.8, 0.6, 0.2, 0.9],
        [0.1, 0.3, 0.4, 1],
    )
    probabilities = np.array([unlikely, two_colors, wrong_type])
    assert metrics.accuracies(probabilities, targets).exact == 0
    found = metrics.likeliest_right(probabilities, targets, classes, parts=parts)
    assert found == pytest.approx(2 / 3)


def named_in(report):
    """What the rows of a report begin with, below the headings."""
    return [line.split()[0] for line in report.splitlines()[1:] if line]


def test_the_report_names_every_label_even_if_it_is_never_predicted():
    report = metrics.label_report(np.zeros((4, 3)), TARGETS, ["blue", "jeans", "red"])
    assert named_in(report)[:3] == ["blue", "jeans", "red"]


def test_the_report_has_the_scores_of_each_label():
    rows = metrics.label_report(PROBABILITIES, TARGETS, ["blue", "jeans", "red"]).splitlines()[2:5]
    assert [row.split() for row in rows] == [
        ["blue", "0.67", "1.00", "0.80", "2"],
        ["jeans", "1.00", "1.00", "1.00", "2"],
        ["red", "1.00", "0.33", "0.50", "3"],
    ]


def test_each_label_has_its_scores():
    scores = metrics.label_scores(PROBABILITIES, TARGETS, ["blue", "jeans", "red"])
    assert scores["blue"]["precision"] == pytest.approx(2 / 3)
    assert scores["red"]["recall"] == pytest.approx(1 / 3)
    assert scores["jeans"]["f1-score"] == 1
    assert scores["jeans"]["support"] == 2


@given(
    st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(0, 20)), min_size=2, max_size=12),
)
def test_no_other_threshold_has_a_greater_f1_than_the_best(images):
    images *= metrics.LEAST_IMAGES
    targets = np.array([[target] for target, _ in images], float)
    probabilities = np.array([[twentieths / 20] for _, twentieths in images])
    threshold = metrics.best_thresholds(probabilities, targets, ["blue"])["blue"]
    assert 0 < threshold < 1

    def f1(at):
        is_predicted, has_label = probabilities[:, 0] >= at, targets[:, 0] > 0
        hits = (is_predicted & has_label).sum()
        return 2 * hits / max(is_predicted.sum() + has_label.sum(), 1)

    best = max(f1(at / 40) for at in range(1, 40))
    needed = max(metrics.LEAST_F1, f1(0) + min(metrics.LEAST_GAIN, (1 - f1(0)) / 2))
    if best < needed - 1e-9:
        assert threshold == 0.5
    elif best > needed + 1e-9:
        assert f1(threshold) >= best - 1e-9


def test_a_label_of_few_images_keeps_a_threshold_of_a_half():
    targets = np.array([[1]] * (metrics.LEAST_IMAGES - 1) + [[0]] * 9)
    likely = np.where(targets, 0.3, 0.1)
    assert metrics.best_thresholds(likely, targets, ["a"]) == {"a": 0.5}
    more = np.vstack([likely, [[0.3]]]), np.vstack([targets, [[1]]])
    assert metrics.best_thresholds(*more, ["a"])["a"] == pytest.approx(0.2)


def test_a_label_of_nearly_all_images_has_a_threshold_of_its_own():
    targets = np.repeat([[1.0], [0.0]], [190, 10], axis=0)
    likely = np.where(targets, 0.3, 0.2)
    assert metrics.best_thresholds(likely, targets, ["a"])["a"] == pytest.approx(0.25)


def test_a_label_of_all_images_keeps_a_threshold_of_a_half():
    likely = np.linspace(0.1, 0.3, 40, dtype=np.float32)[:, None]
    assert metrics.best_thresholds(likely, np.ones((40, 1)), ["a"]) == {"a": 0.5}


@pytest.mark.parametrize("count", [20, 80])
def test_a_label_that_the_network_cannot_tell_is_not_given_to_nearly_all_images(count):
    targets = np.repeat([[1.0], [0.0]], [count, 200 - count], axis=0)
    likely = np.random.default_rng(0).uniform(0.05, 0.15, targets.shape)
    assert metrics.best_thresholds(likely, targets, ["a"]) == {"a": 0.5}


def test_of_equally_good_thresholds_the_nearest_to_a_half_is_chosen():
    # The last one chosen, or the last four: an F1 of two thirds either way, and no other as good.
    probabilities = np.repeat([[0.1], [0.1], [0.1], [0.2], [0.25], [0.3], [0.45]], 5, axis=0)
    targets = np.repeat([[0.0], [0], [0], [1], [0], [0], [1]], 5, axis=0)
    assert metrics.best_thresholds(probabilities, targets, ["a"])["a"] == pytest.approx(0.375)


def test_the_threshold_is_a_half_if_no_other_is_better():
    probabilities = np.repeat([[0.9, 0.2], [0.8, 0.4], [0.1, 0.3]], 10, axis=0)
    targets = np.repeat([[1.0, 0], [1, 1], [0, 0]], 10, axis=0)
    found = metrics.best_thresholds(probabilities, targets, ["blue", "red"])
    assert found == {"blue": 0.5, "red": pytest.approx(0.35)}
    assert metrics.best_thresholds(probabilities, targets * 0, ["a", "b"]) == {
        "a": 0.5,
        "b": 0.5,
    }


@pytest.mark.parametrize("name", ["macro avg", "micro avg", "weighted avg", "samples avg"])
def test_a_label_called_like_an_average_has_its_own_scores(name):
    assert metrics.label_scores(TARGETS, TARGETS, ["blue", name, "red"])[name] == {
        "precision": 1,
        "recall": 1,
        "f1-score": 1,
        "support": 2,
    }


def test_the_loss_of_an_image_is_the_one_that_keras_computes():
    random = np.random.default_rng(0)
    probabilities = random.random((4, 3))
    probabilities[0, 0] = 0
    expected = keras.losses.binary_crossentropy(TARGETS, probabilities)
    np.testing.assert_allclose(metrics.image_losses(probabilities, TARGETS), expected, rtol=1e-4)


def test_of_many_labels_those_with_the_most_and_the_fewest_images_are_reported():
    classes = [f"label{n:03}" for n in range(300)]
    targets = (np.arange(300)[:, None] >= np.arange(300)).astype(float)
    report = metrics.label_report(targets, targets, classes)
    half = metrics.MOST_LABELS // 2
    averages = ["micro", "macro", "weighted", "samples"]
    assert named_in(report) == [*classes[:half], "...", *classes[-half:], *averages]
    assert f"... {300 - 2 * half} more" in report


def test_control_characters_in_labels_never_reach_the_terminal():
    report = metrics.label_report(TARGETS, TARGETS, ["\x1b[2J", "blue\n", "\rred"])
    assert named_in(report)[:3] == [r"\x1b[2J", r"blue\n", r"\rred"]


def test_free_labels_have_scores_of_their_own_and_none_for_labels_without_images():
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]], np.float32)
    probabilities = np.array([[0.9, 0.6, 0.1], [0.8, 0.7, 0.1], [0.2, 0.1, 0.3]], np.float32)
    scores = metrics.free_scores(probabilities, targets)
    assert scores["micro_f1"] == pytest.approx(6 / 7)
    assert scores["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert scores["mean_average_precision"] == 1


def test_the_mean_average_precision_counts_every_label_that_occurs_alike():
    targets = np.array([[1, 0, 0], [0, 0, 0], [1, 1, 0], [0, 0, 0]], np.float32)
    probabilities = np.array(
        [[0.9, 0.3, 0.9], [0.8, 0.4, 0.8], [0.7, 0.2, 0.7], [0.1, 0.1, 0.6]], np.float32
    )
    # The first label has the first and the third image, the second label the third.
    precisions = [(1 / 1 + 2 / 3) / 2, 1 / 3]
    scores = metrics.free_scores(probabilities, targets)
    assert scores["mean_average_precision"] == pytest.approx(np.mean(precisions))


def test_where_no_image_has_a_label_all_scores_are_0():
    scores = metrics.free_scores(np.full((2, 3), 0.1), np.zeros((2, 3)))
    assert set(scores.values()) == {0.0}
