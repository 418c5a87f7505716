import json
import pickle
import zipfile

import keras
import numpy as np
import pytest
from sklearn.preprocessing import MultiLabelBinarizer

from pyimagesearch.artifacts import label_file, model_file
from pyimagesearch.errors import UserError
from pyimagesearch.smallervggnet import SmallerVGGNet

METADATA = {"labels": ["blue", "jeans"], "image_size": 24}


@pytest.fixture(scope="module")
def model():
    return SmallerVGGNet.build(24, 24, 3, 2, finalAct="sigmoid")


@pytest.fixture
def saved(tmp_path, model):
    path = tmp_path / "fashion.model"
    model_file.save_model(path, model, METADATA)
    return path


def test_a_model_comes_back_under_any_name(saved, model):
    images = np.random.default_rng(0).random((3, 24, 24, 3))
    loaded = model_file.load_model(saved)
    np.testing.assert_allclose(
        loaded.model.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-6
    )
    assert loaded.metadata == METADATA


def test_anybodys_keras_opens_the_model(saved, tmp_path):
    renamed = saved.rename(tmp_path / "fashion.keras")
    assert keras.saving.load_model(renamed).count_params() > 0


def test_the_model_holds_no_optimizer_state(saved, model):
    weights = 4 * model.count_params()
    assert saved.stat().st_size < 1.1 * weights


def test_only_the_file_asked_for_is_left(saved):
    assert [path.name for path in saved.parent.iterdir()] == ["fashion.model"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "train one"), (b"", "no model that"), (b"just text", "no model that")],
)
def test_what_is_no_model_is_one_line(tmp_path, content, complaint):
    path = tmp_path / "fashion.model"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=complaint) as caught:
        model_file.load_model(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_or_foreign_archive_is_one_line(saved, tmp_path):
    cut = tmp_path / "cut.model"
    cut.write_bytes(saved.read_bytes()[:-1000])
    foreign = tmp_path / "foreign.model"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("readme.txt", "no network in here")
    for path in (cut, foreign):
        with pytest.raises(UserError) as caught:
            model_file.load_model(path)
        assert "\n" not in str(caught.value)


def test_a_model_without_metadata_loads(model, tmp_path):
    path = tmp_path / "plain.keras"
    model.save(path)
    assert model_file.load_model(path).metadata == {}


def test_the_tutorials_own_code_reads_the_binarizer(tmp_path):
    mlb = MultiLabelBinarizer().fit([("blue", "jeans"), ("red", "dress")])
    label_file.save_binarizer(tmp_path / "mlb.pickle", mlb, "2026-01-02T03:04:05+00:00")
    read = pickle.loads((tmp_path / "mlb.pickle").read_bytes())
    assert isinstance(read, MultiLabelBinarizer)
    stored = label_file.load_binarizer(tmp_path / "mlb.pickle")
    assert stored == (read.classes_.tolist(), "2026-01-02T03:04:05+00:00")


def test_a_binarizer_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "mlb.pickle").write_bytes(pickle.dumps({"no": "binarizer"}))
    with pytest.raises(UserError, match="not a label binarizer"):
        label_file.load_binarizer(tmp_path / "mlb.pickle")
    with pytest.raises(UserError, match="No such file"):
        label_file.load_binarizer(tmp_path / "missing.pickle")


def write_binarizer(path, labels):
    mlb = MultiLabelBinarizer(classes=labels).fit([])
    label_file.save_binarizer(path, mlb, "2026-01-02T03:04:05+00:00")
    return str(path)


def test_model_and_binarizer_of_one_run_match(model, tmp_path):
    path = write_binarizer(tmp_path / "mlb.pickle", ["blue", "jeans"])
    trained = model_file.TrainedModel(model, METADATA)
    assert label_file.load_labels(trained, "m", path) == (["blue", "jeans"], None)


@pytest.mark.parametrize("labels", [["jeans", "blue"], ["blue", "dress"], ["one", "two", "three"]])
def test_model_and_binarizer_of_different_runs_are_refused_with_what_is_known_of_both(
    model, tmp_path, labels
):
    path = write_binarizer(tmp_path / "mlb.pickle", labels)
    trained = model_file.TrainedModel(model, METADATA | {"trained_at": "2025-09-08T07:06:05+00:00"})
    with pytest.raises(UserError) as refusal:
        label_file.load_labels(trained, "my.model", path)
    for told in ("my.model", path, "2025-09-08", "2026-01-02", "blue, jeans", ", ".join(labels)):
        assert told in str(refusal.value)


def test_a_foreign_model_takes_any_labels_of_the_right_number(model, tmp_path):
    foreign = model_file.TrainedModel(model, {})
    two = write_binarizer(tmp_path / "two.pickle", ["any", "two"])
    assert label_file.load_labels(foreign, "m", two) == (["any", "two"], None)
    three = write_binarizer(tmp_path / "three.pickle", ["one", "two", "three"])
    with pytest.raises(UserError, match="on 2 labels"):
        label_file.load_labels(foreign, "m", three)


def test_without_a_binarizer_the_models_own_labels_serve_with_a_note(model, tmp_path):
    missing = str(tmp_path / "mlb.pickle")
    labels, note = label_file.load_labels(model_file.TrainedModel(model, METADATA), "m", missing)
    assert labels == ["blue", "jeans"]
    assert missing in note
    with pytest.raises(UserError, match="No such file"):
        label_file.load_labels(model_file.TrainedModel(model, {}), "m", missing)


def test_metadata_is_readable_without_keras(saved):
    with zipfile.ZipFile(saved) as archive:
        assert json.loads(archive.read(model_file.METADATA_ENTRY)) == METADATA
