import pytest

from pyimagesearch.artifacts import model_file
from pyimagesearch.smallervggnet import SmallerVGGNet


@pytest.fixture(scope="session")
def model():
    return SmallerVGGNet.build(24, 24, 3, 2, finalAct="sigmoid")


@pytest.fixture(scope="session")
def archive(model, tmp_path_factory):
    """The path of a model file; tests change copies of it."""
    path = tmp_path_factory.mktemp("archive") / "fashion.model"
    model_file.save_model(path, model, {"labels": ["blue", "jeans"], "image_size": 24})
    return path
