import pytest
from tables import write_images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three files that are called images, one of them in a sub-folder."""
    folder = tmp_path_factory.mktemp("table")
    write_images(folder, ["a.jpg", "000005.png", "Images/tt0151137.JPG"])
    return folder
