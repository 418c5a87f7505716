import codecs
import csv
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from counting import traced_memory

from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.reports import label_audit, montage

LABELS = [("blue", "jeans")] * 10 + [("red", "dress")] * 10
ONE_DEVICE = SimpleNamespace(strategy=SimpleNamespace(num_replicas_in_sync=1))
CLASSES = ["blue", "dress", "jeans", "red"]


@pytest.fixture
def dataset(make_dataset, tmp_path):
    """Twenty images of stripes; the last but two are dark, empty and small."""
    paths = [str(tmp_path / f"{number:02}.png") for number in range(20)]
    images = np.full((20, 8, 8, 3), 60, np.uint8)
    images[:, ::2] = 200
    images[17], images[18] = 5, 128
    for number, path in enumerate(paths):
        size = (20, 20) if number == 19 else (64, 64)
        cv2.imwrite(path, cv2.resize(images[number], size))
    return make_dataset(LABELS, paths=paths)._replace(images=images)


@pytest.fixture
def unusual():
    """Probabilities: the first image's own labels are the likeliest, but unusually unlikely."""
    likely = np.repeat([[0.95, 0.05, 0.95, 0.05], [0.6, 0.4, 0.6, 0.4]], 10, axis=0)
    likely[0] = [0.55, 0.45, 0.55, 0.45]
    return likely.astype(np.float32)


@pytest.fixture
def probabilities():
    """Those of a network that is right and sure of all but the fourth and the eleventh image."""
    likely = np.array([[label in labels for label in CLASSES] for labels in LABELS], np.float32)
    likely = likely * 0.8 + 0.1
    likely[3] = [0.05, 0.95, 0.05, 0.95]
    likely[10] = [0.8, 0.3, 0.7, 0.2]
    return likely


def read_rows(table):
    with table.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_wrong_labels_are_ranked_by_the_probability_of_their_own_labels(dataset, probabilities):
    findings, _ = label_audit.audit_labels(dataset, probabilities)
    wrong = [finding for finding in findings if finding.why == label_audit.WRONG]
    assert [finding.position for finding in wrong] == [3, 10]
    assert wrong[0].suggested == ("red", "dress")
    assert wrong[1].suggested == ("blue", "jeans")
    assert wrong[0].confidence < wrong[1].confidence < 0.5


def test_an_image_whose_own_labels_are_the_likeliest_and_usual_is_not_called_wrong(
    dataset, probabilities
):
    # Its own labels are likelier than on average, and so are the others.
    probabilities[:] = np.where(probabilities > 0.5, 0.55, 0.45)
    probabilities[0] = [0.9, 0.7, 0.9, 0.7]
    probabilities[10:] = [0.9, 0.1, 0.9, 0.1]
    findings, _ = label_audit.audit_labels(dataset, probabilities)
    assert 0 not in [finding.position for finding in findings]


def test_labels_that_are_called_wrong_are_never_suggested(dataset, unusual):
    findings, recognised = label_audit.audit_labels(dataset, unusual)
    (first,) = [finding for finding in findings if finding.position == 0]
    assert first.why == label_audit.WRONG
    assert first.suggested == ("red", "dress")
    assert recognised == 0.5  # its own among them


def test_the_order_of_the_images_does_not_matter(dataset, unusual):
    backwards = dataset._replace(
        images=dataset.images[::-1], labels=LABELS[::-1], paths=dataset.paths[::-1]
    )
    findings, _ = label_audit.audit_labels(dataset, unusual)
    same, _ = label_audit.audit_labels(backwards, unusual[::-1])
    turned = [finding._replace(position=19 - finding.position) for finding in same]
    assert sorted(turned) == sorted(findings)


def test_an_image_that_resembles_no_usual_image_is_not_called_wrong(dataset, probabilities):
    # Others have the likeliest labels, but are much surer of them.
    probabilities[12] = [0.53, 0.47, 0.53, 0.47]
    findings, _ = label_audit.audit_labels(dataset, probabilities)
    assert 12 not in [finding.position for finding in findings]


def test_the_only_image_of_its_labels_is_not_called_wrong_where_they_are_the_likeliest(
    dataset, probabilities
):
    # Of the others, nobody is sure, so that its second likeliest labels are usual ones.
    probabilities[:10] = 0.5
    probabilities[19] = [0.45, 0.1, 0.9, 0.55]
    labels = [*LABELS[:-1], ("red", "jeans")]
    findings, _ = label_audit.audit_labels(dataset._replace(labels=labels), probabilities)
    assert label_audit.WRONG not in [f.why for f in findings if f.position == 19]


def test_of_a_copy_that_resembles_no_usual_image_the_likeliest_labels_are_suggested(
    dataset, probabilities
):
    labels = [("a", "first"), *LABELS[1:]]
    odd = dataset._replace(labels=labels, classes=["a", *CLASSES, "first"])
    likely = np.full((20, 6), 0.05, np.float32)
    likely[:, 1:5] = probabilities
    likely[0, [0, 5]] = 0.95
    likely[12] = [0.05, 0.05, 0.45, 0.05, 0.45, 0.05]
    groups = np.arange(20)
    groups[12] = groups[5]
    findings, _ = label_audit.audit_labels(odd._replace(groups=groups), likely)
    (copy,) = [finding for finding in findings if finding.position == 12]
    assert (copy.why, copy.suggested) == (label_audit.COPIES, ("red", "dress"))


def test_folders_of_the_same_labels_in_another_order_are_one_combination(dataset, probabilities):
    before, _ = label_audit.audit_labels(dataset, probabilities)
    swapped = [labels[::-1] if i % 2 else labels for i, labels in enumerate(LABELS)]
    after, _ = label_audit.audit_labels(dataset._replace(labels=swapped), probabilities)
    assert after == before


def test_an_image_that_can_no_longer_be_read_is_reported(dataset, probabilities):
    paths = [*dataset.paths[:-1], "gone.png"]
    (*_, last), _ = label_audit.audit_labels(dataset._replace(paths=paths), probabilities)
    assert (last.position, last.why) == (19, "no longer readable")


def test_copies_with_different_labels_come_first_and_once(dataset, probabilities):
    groups = np.arange(20)
    groups[12] = groups[3]
    findings, _ = label_audit.audit_labels(dataset._replace(groups=groups), probabilities)
    assert [finding.position for finding in findings[:3]] == [3, 12, 10]
    assert [finding.why for finding in findings[:2]] == [label_audit.COPIES] * 2
    assert [finding.position for finding in findings].count(3) == 1


def test_images_that_show_little_come_last(dataset, probabilities):
    findings, _ = label_audit.audit_labels(dataset, probabilities)
    assert [(finding.position, finding.why) for finding in findings[2:]] == [
        (17, "very dark"),
        (18, "nearly empty"),
        (19, "very small"),
    ]


@pytest.mark.parametrize(
    ("shape", "why"), [((20, 47), "very small"), ((20, 48), None), ((48, 20), None)]
)
def test_an_image_is_very_small_by_its_longer_side(dataset, tmp_path, shape, why):
    image = dataset.images[0]
    cv2.imwrite(str(tmp_path / "long.png"), cv2.resize(image, shape))
    assert label_audit.little_shown(image, str(tmp_path / "long.png")) == why


def test_probabilities_of_combinations_are_those_of_their_labels():
    likely = np.array([[0.9, 0.2], [1.0, 0.0]])
    slices = label_audit.combination_probabilities(likely, [("a",), ("b",)], ["a", "b"])
    ((positions, shares),) = slices
    assert positions.tolist() == [0, 1]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert shares[0, 0] / shares[0, 1] == pytest.approx(0.9 * 0.8 / (0.1 * 0.2))
    assert shares[1, 0] > 0.99


@pytest.mark.parametrize("size", [1, 3, 7, 19])
def test_how_many_images_are_judged_at_a_time_does_not_matter(
    dataset, probabilities, monkeypatch, size
):
    noisy = np.random.default_rng(0).uniform(-0.3, 0.3, probabilities.shape) + probabilities
    likely = noisy.clip(0, 1).astype(np.float32)
    groups = np.arange(20)
    groups[12] = groups[5]
    findings, recognised = label_audit.audit_labels(dataset._replace(groups=groups), likely)
    monkeypatch.setattr(label_audit, "PROBABILITIES_AT_ONCE", size * 2)  # of two combinations
    same, same_recognised = label_audit.audit_labels(dataset._replace(groups=groups), likely)
    assert [finding[:3] for finding in same] == [finding[:3] for finding in findings]
    assert [each.confidence for each in same] == pytest.approx(
        [each.confidence for each in findings], rel=1e-12
    )
    assert len({finding.why for finding in findings}) > 2
    assert same_recognised == recognised < 1


def test_the_probabilities_of_all_combinations_are_not_in_memory_at_once(make_dataset, monkeypatch):
    monkeypatch.setattr(label_audit, "PROBABILITIES_AT_ONCE", 50 * 400)
    monkeypatch.setattr(label_audit, "little_shown", lambda *_: None)
    combinations = [(f"colour {i}", f"type {j}") for i in range(20) for j in range(20)]
    dataset = make_dataset(combinations * 5)
    likely = np.random.default_rng(0).random((2000, 40), np.float32)
    with traced_memory() as memory:
        label_audit.audit_labels(dataset, likely)
    assert memory.peak < 2000 * 400 * 8 / 2


def test_the_table_is_escaped_and_has_a_picture_beside_it(dataset, probabilities, tmp_path):
    hostile = ["=1+1", *dataset.paths[1:]]
    findings, _ = label_audit.audit_labels(dataset, probabilities)
    findings.append(label_audit.Finding(0, "nothing", (), 1.0))
    table = tmp_path / "audit.csv"
    label_audit.write_audit(table, dataset._replace(paths=hostile), findings)
    rows = read_rows(table)
    assert tuple(rows[0]) == label_audit.HEADINGS
    assert rows[0]["labels"] == "blue jeans"
    assert rows[0]["suggested labels"] == "red dress"
    assert rows[-1]["path"] == "'=1+1"
    assert cv2.imread(str(tmp_path / "audit.png")).shape[1] == montage.ROW_WIDTH


def test_the_picture_says_what_each_image_is_called_and_what_is_the_matter(
    dataset, tmp_path, captions
):
    named = dataset._replace(paths=[f"d/photos/{number}.png" for number in range(20)])
    findings = [
        label_audit.Finding(10, label_audit.WRONG, ("blue", "jeans"), 0.1),
        label_audit.Finding(3, label_audit.COPIES, ("red", "dress"), 0.1),
        label_audit.Finding(17, "very dark", (), 0.9),
    ]
    label_audit.write_audit(tmp_path / "audit.csv", named, findings)
    assert captions == [
        *("photos/10.png", "is red dress", "rather blue jeans?"),
        *("photos/3.png", "is blue jeans", label_audit.COPIES),
        *("photos/17.png", "is red dress", "very dark"),
    ]


def test_of_many_findings_the_picture_shows_the_first_and_the_table_all(
    dataset, tmp_path, captions
):
    most = label_audit.MOST_DRAWN
    findings = [label_audit.Finding(0, f"reason {n}", (), 1.0) for n in range(most + 1)]
    label_audit.write_audit(tmp_path / "audit.csv", dataset, findings)
    assert captions[2::3] == [f"reason {n}" for n in range(most)]
    assert len(read_rows(tmp_path / "audit.csv")) == most + 1


def test_no_picture_of_earlier_findings_stays_beside_a_table_without_any(dataset, tmp_path):
    finding = label_audit.Finding(0, label_audit.WRONG, ("red", "dress"), 0.1)
    for findings, has_picture in (([finding], True), ([], False)):
        label_audit.write_audit(tmp_path / "audit.csv", dataset, findings)
        assert (tmp_path / "audit.png").exists() == has_picture
        assert len(read_rows(tmp_path / "audit.csv")) == len(findings)


def test_a_picture_that_is_a_link_is_removed_where_it_leads(dataset, tmp_path):
    real, link = tmp_path / "real.png", tmp_path / "audit.png"
    real.touch()
    link.symlink_to(real)
    label_audit.write_audit(tmp_path / "audit.csv", dataset, [])
    assert not real.exists()


def test_an_earlier_picture_that_cannot_be_removed_is_named(dataset, tmp_path):
    (tmp_path / "audit.png").mkdir()
    with pytest.raises(UserError, match=r"^cannot remove .*audit\.png: ") as caught:
        label_audit.write_audit(tmp_path / "audit.csv", dataset, [])
    assert caught.value.exit_code == WORK_FAILED


def test_labels_with_spaces_can_be_taken_apart_in_the_table(dataset, probabilities, tmp_path):
    labels = [("blau", "langes Kleid") if "blue" in each else each for each in LABELS]
    spaced = dataset._replace(labels=labels, classes=["blau", "dress", "langes Kleid", "red"])
    findings, _ = label_audit.audit_labels(spaced, probabilities)
    label_audit.write_audit(tmp_path / "audit.csv", spaced, findings)
    rows = read_rows(tmp_path / "audit.csv")
    assert rows[0]["labels"].split("|") == ["blau", "langes Kleid"]
    assert rows[1]["suggested labels"].split("|") == ["blau", "langes Kleid"]


def test_a_spreadsheet_reads_the_letters_of_the_table(dataset, tmp_path):
    paths = ["grün/ü.jpg", *dataset.paths[1:]]
    finding = label_audit.Finding(0, label_audit.WRONG, ("red", "dress"), 0.1)
    label_audit.write_audit(tmp_path / "audit.csv", dataset._replace(paths=paths), [finding])
    assert (tmp_path / "audit.csv").read_bytes().startswith(codecs.BOM_UTF8)
    assert read_rows(tmp_path / "audit.csv")[0]["path"] == "grün/ü.jpg"


def test_where_nothing_is_found_that_is_said(dataset):
    lines = label_audit.audit_lines(dataset, [], "audit.csv", recognised=1)
    assert lines[0] == "nothing found"


def test_the_networks_are_said_to_recognise_images_whose_own_labels_are_the_likeliest(
    dataset, probabilities
):
    _, share = label_audit.audit_labels(dataset, probabilities)
    assert share == 0.9
    lines = label_audit.audit_lines(dataset, [], "audit.csv", recognised=share)
    assert "the networks recognise 90.0% of the images" in lines
    assert "too poor" not in "\n".join(lines)


@pytest.mark.parametrize(
    ("recognised", "shown", "suspected", "is_poor"),
    [(0.4951, "49.5%", 0, True), (0.5, "50.0%", 5, False), (0.9, "90.0%", 6, True)],
)
def test_networks_that_recognise_few_images_or_suspect_many_are_called_too_poor(
    dataset, recognised, shown, suspected, is_poor
):
    findings = [label_audit.Finding(i, label_audit.WRONG, (), 0.1) for i in range(suspected)]
    findings += [label_audit.Finding(i, "very dark", (), 0.1) for i in range(20)]
    lines = label_audit.audit_lines(dataset, findings, "audit.csv", recognised=recognised)
    assert any("too poor to judge labels" in line for line in lines) == is_poor
    assert f"the networks recognise {shown} of the images" in lines


@pytest.mark.slow
def test_networks_that_have_learned_nothing_are_called_too_poor_and_the_table_is_written(
    dataset, tmp_path, monkeypatch
):
    from pyimagesearch.training import cross_validation, fitting

    guesses = np.random.default_rng(1).uniform(0.3, 0.31, (20, 4))
    monkeypatch.setattr(cross_validation, "cross_validated", lambda *_, **__: guesses)
    table, said = tmp_path / "audit.csv", []
    code = label_audit.audit(
        table,
        dataset,
        None,
        device=ONE_DEVICE,
        settings=fitting.Settings(1, 8, 1e-3, 1),
        say=said.append,
    )
    assert code == 0
    assert any("too poor to judge labels" in line for line in said)
    assert len(read_rows(table)) > 5


def test_the_table_must_not_be_where_the_picture_goes(dataset):
    with pytest.raises(UserError, match="where the picture goes"):
        label_audit.audit("audit.png", dataset, None, device=None, settings=None, say=print)


@pytest.mark.slow
@pytest.mark.parametrize(("asked_for", "trained"), [(75, 12), (5, 5)])
def test_networks_that_judge_labels_are_not_trained_until_they_know_them_by_heart(
    dataset, tmp_path, monkeypatch, asked_for, trained
):
    from pyimagesearch.training import cross_validation, fitting

    def cross_validated(dataset, build, device, *, settings):
        assert settings == fitting.Settings(trained, 4, 1e-3, 1)
        return "SIGINT"

    monkeypatch.setattr(cross_validation, "cross_validated", cross_validated)
    settings, said = fitting.Settings(asked_for, 4, 1e-3, 1), []
    code = label_audit.audit(
        tmp_path / "a.csv", dataset, None, device=ONE_DEVICE, settings=settings, say=said.append
    )
    assert code == 130
    assert f"{9 * trained} steps" in said[0]  # of 3 networks, each of 3 steps an epoch
