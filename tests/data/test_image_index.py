import ntpath
from pathlib import Path
from types import SimpleNamespace

import pytest
from tables import write_images

from pyimagesearch.data import image_index
from pyimagesearch.data.folders import Listing

NAMES = ["b.jpg", "black_jeans/0.jpg", "blue_dress/0.jpg"]


@pytest.fixture(params=["two", "./two", "two/", "{above}/two", "link", "two/../two"])
def index(request, tmp_path, monkeypatch):
    """Three images below a folder that is spelled in one of many ways."""
    write_images(tmp_path / "two", NAMES)
    write_images(tmp_path / "elsewhere", ["b.jpg"])
    (tmp_path / "link").symlink_to("two")
    monkeypatch.chdir(tmp_path)
    return image_index.ImageIndex(request.param.format(above=tmp_path))


@pytest.mark.parametrize(
    "cell",
    [
        *("{name}", "./{name}", "blue_dress/../{name}", "two/{name}", "./two/{name}"),
        *("elsewhere/../two/{name}", "two//{name}"),
        *("{above}/two/{name}", "{above}/elsewhere/../two/{name}"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_found_however_it_and_its_folder_are_spelled(index, tmp_path, name, cell):
    found = index.find(cell.format(name=name, above=tmp_path))
    assert isinstance(found, str)
    assert found in index.paths
    assert Path(found).samefile(tmp_path / "two" / name)


@pytest.mark.parametrize(
    "cell",
    [
        "{above}/elsewhere/b.jpg",
        "../elsewhere/b.jpg",
        "elsewhere/b.jpg",
        "../b.jpg",
        "/b.jpg",
        "..",
    ],
)
def test_nothing_outside_the_folder_is_found(index, tmp_path, cell):
    assert index.candidates(cell.format(above=tmp_path)) == []


def test_the_end_of_a_path_is_not_guessed_from_the_working_directory(tmp_path, monkeypatch):
    write_images(tmp_path, ["one/b.jpg", "two/b.jpg"])
    monkeypatch.chdir(tmp_path / "one")
    assert image_index.ImageIndex("..").candidates("b.jpg") == ["../one/b.jpg", "../two/b.jpg"]


@pytest.mark.parametrize("folder", ["data", r"C:\work\data", "C:/work/data/"])
def test_images_in_subfolders_are_found_on_windows_too(monkeypatch, folder):
    path = SimpleNamespace(**{**vars(ntpath), "abspath": windows_path, "realpath": windows_path})
    monkeypatch.setattr(
        image_index, "os", SimpleNamespace(path=path, sep="\\", curdir=".", fspath=str)
    )
    listing = Listing([ntpath.join(folder, r"sub\a.jpg"), ntpath.join(folder, "b.jpg")], [])
    monkeypatch.setattr(image_index, "list_images", lambda _: listing)
    index = image_index.ImageIndex(folder)
    for cell in ("sub/a.jpg", r"sub\a.jpg", "SUB/A", "a.jpg", "a", "data/sub/a.jpg"):
        assert index.find(cell) == listing.paths[0]
    for cell in ("b.jpg", r"C:\work\data\b.jpg", "c:/WORK/data/b.JPG"):
        assert index.find(cell) == listing.paths[1]
    for cell in (r"D:\work\data\b.jpg", r"C:\work\b.jpg", r"..\b.jpg"):
        assert index.find(cell) is None


def windows_path(path):
    """Make a path absolute as Windows does where C:\\work is the working directory."""
    return ntpath.normpath(ntpath.join(r"C:\work", path))
