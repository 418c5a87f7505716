from types import SimpleNamespace

import numpy as np
import pytest
from counting import count_events

from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.inference import classifier


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    """Load a classifier of a network about which the model file says something."""

    def load(reject=0.0, known=None, **metadata):
        outputs = len(metadata["labels"])
        trained = TrainedModel(lambda images: images, 24, outputs, metadata, known=known)
        monkeypatch.setattr(classifier, "load_network", lambda *_, **__: trained)
        monkeypatch.chdir(tmp_path)
        return classifier.load_classifier("fashion.model", None, reject=reject)

    return load


@pytest.mark.parametrize(
    ("likely", "labels", "note"),
    [
        ({"old": 0.9, "red": 0.8, "dress": 0.7}, ["old", "red", "dress"], None),
        ({"new": 0.6, "blue": 0.9, "dress": 0.7}, ["new", "blue", "dress"], "composed"),
        ({"new": 0.9, "red": 0.8, "jeans": 0.7}, ["new", "red", "jeans"], "never trained"),
    ],
)
def test_of_names_with_three_parts_a_new_combination_gets_its_note(loaded, likely, labels, note):
    loaded_classifier = loaded(
        labels=["blue", "dress", "jeans", "new", "old", "red"],
        combinations=[["old", "red", "dress"], ["new", "blue", "jeans"]],
        composed=[["new", "blue", "dress"]],
    )
    choice = loaded_classifier.choose(dict.fromkeys(loaded_classifier.classes, 0.1) | likely)
    assert [label for label, _ in choice.labels] == labels
    assert choice.note is None if note is None else note in choice.note


def test_of_names_with_one_part_the_likeliest_label_is_given_without_a_note(loaded):
    choice = loaded(labels=["dress", "jeans"], combinations=[["dress"], ["jeans"]]).choose(
        {"dress": 0.9999, "jeans": 0.0004}
    )
    assert choice == ([("dress", 0.9999)], None)


@pytest.mark.parametrize(
    ("chosen", "note"),
    [
        (["jeans", "black"], None),
        (["dress", "black"], "composed"),
        (["red", "jeans"], "never trained"),
        (["black"], None),
        (["old", "black", "dress"], None),
        ([], None),
    ],
)
def test_a_combination_that_was_never_shown_gets_a_note(chosen, note):
    composed = [["black", "dress"], ["old", "black", "dress"]]
    metadata = {"combinations": [["black", "jeans"]], "composed": composed}
    known = classifier.known_combinations(metadata)
    said = classifier.combination_note(chosen, known)
    assert said is None if note is None else note in said


def test_a_note_takes_as_many_calls_for_many_combinations_as_for_few():
    def calls(count):
        shown = [[f"color{number}", "jeans"] for number in range(count)]
        known = classifier.known_combinations({"combinations": shown})
        return count_events("call", classifier.combination_note, ["black"], known)

    assert calls(1000) == calls(10)


def test_without_metadata_there_is_no_note():
    known = classifier.known_combinations({})
    assert classifier.combination_note(["black", "dress"], known) is None


SOME = SimpleNamespace(quantiles=np.linspace(0, 1, 101))


@pytest.mark.parametrize(
    ("reject", "known", "count"), [(0.02, None, 1), (0, None, 0), (0.02, SOME, 0), (1, SOME, 0)]
)
def test_a_model_that_does_not_know_its_images_is_remarked_only_where_it_matters(
    loaded, reject, known, count
):
    notes = loaded(reject, known, labels=["blue"]).notes
    assert sum("none is called unknown" in note for note in notes) == count


@pytest.mark.parametrize("reject", [-0.1, 2, float("nan")])
@pytest.mark.parametrize("known", [None, SOME])
def test_a_share_to_reject_that_is_none_is_refused_when_loading(loaded, reject, known):
    with pytest.raises(ValueError, match="not from 0 to 1"):
        loaded(reject, known, labels=["blue"])


def test_the_network_is_loaded_for_the_device_and_the_number_of_images(monkeypatch, loaded):
    trained, given = loaded(labels=["blue"]).trained, []

    def load_network(*arguments, images):
        given.extend([*arguments, images])
        return trained

    monkeypatch.setattr(classifier, "load_network", load_network)
    classifier.load_classifier("fashion.model", None, device="gpu", images=7)
    assert given == ["fashion.model", "gpu", 7]
