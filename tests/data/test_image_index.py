import ntpath
from types import SimpleNamespace

from pyimagesearch.data import image_index
from pyimagesearch.data.folders import Listing


def test_images_in_subfolders_are_found_on_windows_too(monkeypatch):
    monkeypatch.setattr(image_index, "os", SimpleNamespace(path=ntpath, sep="\\", fspath=str))
    found = Listing([r"data\sub\a.jpg", r"data\b.jpg"], [])
    monkeypatch.setattr(image_index, "list_images", lambda _: found)
    index = image_index.ImageIndex("data")
    for cell in ("sub/a.jpg", r"sub\a.jpg", "SUB/A", "a.jpg", "a"):
        assert index.find(cell) == r"data\sub\a.jpg"
    assert index.find("b.jpg") == r"data\b.jpg"
