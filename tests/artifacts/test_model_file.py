import json
import zipfile

import keras
import numpy as np
import pytest

from pyimagesearch.artifacts import model_file
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


def test_metadata_is_readable_without_keras(saved):
    with zipfile.ZipFile(saved) as archive:
        assert json.loads(archive.read(model_file.METADATA_ENTRY)) == METADATA
