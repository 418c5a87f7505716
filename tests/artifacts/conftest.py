import pytest

from pyimagesearch.artifacts import model_file


@pytest.fixture(scope="session")
def model():
    # Pytest shows what is printed while it reads this file, and Keras has TensorFlow print.
    from pyimagesearch.smallervggnet import SmallerVGGNet

    return SmallerVGGNet.build(24, 24, 3, 2, finalAct="sigmoid")


@pytest.fixture(scope="session")
def archive(model, tmp_path_factory):
    """The path of a model file; tests change copies of it."""
    path = tmp_path_factory.mktemp("archive") / "fashion.model"
    model_file.save_model(path, model, {"labels": ["blue", "jeans"], "image_size": 24})
    return path
