import os
import pickle
import re
from pathlib import Path

import pytest
from sklearn.preprocessing import MultiLabelBinarizer

from pyimagesearch.artifacts import label_file
from pyimagesearch.artifacts.model_file import TrainedModel
from pyimagesearch.errors import UserError

TRAINED_AT = "2026-01-02T03:04:05+00:00"


def trained(**metadata):
    """Stand in for a network with two outputs."""
    return TrainedModel(lambda images: images, 24, 2, metadata)


def written(path, labels):
    mlb = MultiLabelBinarizer(classes=labels).fit([])
    label_file.save_binarizer(path, mlb, TRAINED_AT)
    return str(path)


def test_the_tutorials_own_code_reads_the_label_file(tmp_path):
    mlb = MultiLabelBinarizer().fit([("blue", "jeans"), ("red", "dress")])
    label_file.save_binarizer(tmp_path / "mlb.pickle", mlb, TRAINED_AT)
    read = pickle.loads((tmp_path / "mlb.pickle").read_bytes())
    assert isinstance(read, MultiLabelBinarizer)
    stored = label_file.load_binarizer(tmp_path / "mlb.pickle")
    assert stored == (read.classes_.tolist(), TRAINED_AT)


def test_another_pickle_is_refused(tmp_path):
    (tmp_path / "mlb.pickle").write_bytes(pickle.dumps({"no": "binarizer"}))
    with pytest.raises(UserError, match="not a label file"):
        label_file.load_binarizer(tmp_path / "mlb.pickle")


def test_what_is_no_regular_file_of_a_sane_size_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    for path, reason in [
        (tmp_path / "missing", "No such file"),
        (tmp_path / "pipe", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "sparse", "larger than 16 MiB"),
    ]:
        with pytest.raises(UserError, match=f"cannot read the label file .*{reason}"):
            label_file.load_binarizer(path)


def test_model_and_label_file_of_one_run_match(tmp_path):
    path = written(tmp_path / "mlb.pickle", ["blue", "jeans"])
    loaded = label_file.load_labels(trained(labels=["blue", "jeans"]), "m", path)
    assert loaded == (["blue", "jeans"], None)


@pytest.mark.parametrize(
    ("labels", "told_of_model", "told_of_file"),
    [
        (["jeans", "blue"], "on blue, jeans;", "for jeans, blue;"),
        (["blue", "dress"], "on jeans, blue;", "for dress, blue;"),
        (["one", "two", "three"], "on blue, jeans;", "for one, two, three;"),
    ],
)
def test_files_of_different_runs_are_refused_with_what_is_known_of_both(
    tmp_path, labels, told_of_model, told_of_file
):
    path = written(tmp_path / "mlb.pickle", labels)
    model = trained(labels=["blue", "jeans"], trained_at="2025-09-08T07:06:05+00:00")
    with pytest.raises(UserError) as refusal:
        label_file.load_labels(model, "my.model", path)
    for told in ("my.model", path, "2025-09-08", "2026-01-02", told_of_model, told_of_file):
        assert told in str(refusal.value)
    assert str(refusal.value).endswith("; leave out -l to use the labels in my.model")


def test_of_many_labels_those_that_one_side_lacks_are_told_first(tmp_path):
    own = [f"label{number:04}" for number in range(2000)]
    others = [*own[:1000], "another", *own[1001:]]
    path = written(tmp_path / "mlb.pickle", others)
    model = TrainedModel(lambda images: images, 24, 2000, {"labels": own})
    with pytest.raises(UserError) as refusal:
        label_file.load_labels(model, "my.model", path)
    for told in ("on label1000, label0000,", "for another, label0000,"):
        assert told in str(refusal.value)
    assert str(refusal.value).count("and 1,995 more") == 2


def test_a_usual_label_file_that_nobody_named_is_not_used_if_it_belongs_to_another_model(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "mlb.pickle", ["blue", "dress"])
    model = trained(labels=["blue", "jeans"])
    labels, note = label_file.load_labels(model, "my.model", None)
    assert labels == ["blue", "jeans"]
    assert note == "mlb.pickle belongs to another model: the labels are those in my.model"
    with pytest.raises(UserError, match="do not belong together"):
        label_file.load_labels(model, "my.model", "mlb.pickle")


def test_the_usual_label_file_is_read_where_nobody_named_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "mlb.pickle", ["any", "two"])
    assert label_file.load_labels(trained(), "m", None) == (["any", "two"], None)
    written(tmp_path / "mlb.pickle", ["one", "two", "three"])
    with pytest.raises(UserError, match="do not belong together"):
        label_file.load_labels(trained(), "m", None)


def test_without_the_usual_label_file_the_models_own_labels_are_used_with_a_note(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    labels, note = label_file.load_labels(trained(labels=["blue", "jeans"]), "m", None)
    assert labels == ["blue", "jeans"]
    assert note == "there is no mlb.pickle: the labels are those in m"


def test_a_model_without_labels_of_its_own_takes_any_of_the_right_number(tmp_path):
    two = written(tmp_path / "two.pickle", ["any", "two"])
    assert label_file.load_labels(trained(), "m", two) == (["any", "two"], None)
    three = written(tmp_path / "three.pickle", ["one", "two", "three"])
    with pytest.raises(UserError, match=r"on 2 labels.*; name its label file with -l$"):
        label_file.load_labels(trained(), "m", three)


@pytest.mark.parametrize("name", ["mlb.pickle", "mlb" * 100, "damaged.pickle", "."])
def test_a_label_file_that_the_user_named_and_that_cannot_be_read_is_an_error(tmp_path, name):
    (tmp_path / "damaged.pickle").write_bytes(b"no pickle")
    named = str(tmp_path / name)
    with pytest.raises(UserError, match=r"; leave out -l to use the labels in m$") as refusal:
        label_file.load_labels(trained(labels=["blue", "jeans"]), "m", named)
    assert named in str(refusal.value)


def damaged(path):
    path.write_bytes(b"no pickle")


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (damaged, r"mlb.pickle is not a label file that train.py wrote: .+"),
        (Path.mkdir, r"cannot read the label file mlb.pickle: .+"),
    ],
)
def test_a_usual_label_file_that_nobody_named_is_not_used_if_it_cannot_be_read(
    tmp_path, monkeypatch, write, told
):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "mlb.pickle")
    labels, note = label_file.load_labels(trained(labels=["blue", "jeans"]), "m", None)
    assert labels == ["blue", "jeans"]
    assert re.fullmatch(f"{told}; the labels are those in m", note)
    with pytest.raises(UserError, match=f"^{told}; name its label file with -l$"):
        label_file.load_labels(trained(), "m", None)


def test_without_any_labels_the_missing_label_file_is_named(tmp_path):
    missing = str(tmp_path / "mlb.pickle")
    with pytest.raises(UserError, match=rf"{missing}: No such file.*; name its label file"):
        label_file.load_labels(trained(), "m", missing)


def test_a_missing_label_file_is_named_with_the_reason_why_the_models_own_labels_are_not_used(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    model = trained()._replace(note="what m says is ignored: it is damaged")
    told = r"; name its label file with -l \(what m says is ignored: it is damaged\)$"
    with pytest.raises(UserError, match=rf"mlb.pickle: No such file.*{told}"):
        label_file.load_labels(model, "m", None)
    three = written(tmp_path / "three.pickle", ["one", "two", "three"])
    with pytest.raises(UserError, match=rf"do not belong together.*{told}"):
        label_file.load_labels(model, "m", three)
