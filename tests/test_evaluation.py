import numpy as np

from pyimagesearch import evaluation

TARGETS = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]], float)


def test_binary_accuracy_counts_decisions_and_exact_match_images():
    probabilities = np.array([[0.9, 0.1, 0.8], [0.2, 0.6, 0.4], [0.7, 0.9, 0.1], [0.6, 0.1, 0.3]])
    found = evaluation.accuracies(probabilities, TARGETS)
    assert found.binary == 9 / 12
    assert found.exact == 2 / 4


def test_binary_accuracy_is_not_the_categorical_one():
    likeliest_is_right = np.array([[0.4, 0.1, 0.2], [0.1, 0.4, 0.2], [0.4, 0.3, 0.1], [0, 0, 0.4]])
    assert evaluation.accuracies(likeliest_is_right, TARGETS).binary == 5 / 12


def test_the_report_names_every_label_even_one_never_predicted():
    report = evaluation.label_report(np.zeros((4, 3)), TARGETS, ["blue", "jeans", "red"])
    for label in ("blue", "jeans", "red"):
        assert label in report
