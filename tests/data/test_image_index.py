import ntpath
import os
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import write_images

from pyimagesearch.data import image_index
from pyimagesearch.data.folders import IMAGE_SUFFIXES, Listing

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


@pytest.mark.parametrize("cell", ["b.jpg/", "b.jpg/.", "b.jpg/x/.."])
def test_what_does_not_end_in_a_name_is_no_image(index, cell):
    assert index.candidates(cell) == []


def test_the_end_of_a_path_is_not_guessed_from_the_working_directory(tmp_path, monkeypatch):
    write_images(tmp_path, ["one/b.jpg", "two/b.jpg"])
    monkeypatch.chdir(tmp_path / "one")
    assert image_index.ImageIndex("..").candidates("b.jpg") == ["../one/b.jpg", "../two/b.jpg"]


def index_of(*below):
    """An index of images in a folder that need not be there."""
    listing = Listing([f"/top/data/{path}" for path in sorted(below)], [])
    with mock.patch.object(image_index, "list_images", lambda _: listing):
        return image_index.ImageIndex("/top/data")


def compared_with_each(paths, cell):
    """List what a cell may name: at its place in the folder, or else whatever ends in it."""
    wanted = cell.replace("\\", "/").removeprefix("./")
    named = [path for path in paths if ends_in(path, wanted.rpartition("/")[2])]
    exact = os.path.normpath(Path("/top/data") / wanted)
    if named and exact in paths:
        return [exact]
    return [path for path in named if ends_in(path, wanted)]


def ends_in(path, wanted):
    whole = Path(path.casefold())
    ends = {str(whole), str(whole.with_suffix("") if whole.suffix in IMAGE_SUFFIXES else whole)}
    return any(end.endswith(f"/{wanted.casefold()}") for end in ends)


FOLDERS = st.sampled_from(["a", "A", "b", "ß", "SS", "a.jpg", "top", "data"])
STEMS = st.sampled_from(["a", "A", "b", "aa", "ß", "ss", "a.jpg", "a.b"])
SUFFIXES = st.sampled_from([".jpg", ".JPG", ".png", ".heic"])
IMAGES = st.builds(
    lambda folders, stem, suffix: "/".join([*folders, stem + suffix]),
    st.lists(FOLDERS, max_size=3),
    STEMS,
    SUFFIXES,
)
CELLS = st.builds(
    lambda start, between, folders, name: start + between.join([*folders, name]),
    st.sampled_from(["", "./", "/", "../", "/top/data/", "data/"]),
    st.sampled_from(["/", "\\", "//"]),
    st.lists(FOLDERS, max_size=2),
    st.builds(str.__add__, STEMS, SUFFIXES | st.just(""))
    | st.sampled_from(["", ".", "..", ".jpg"]),
)


@pytest.mark.slow
@given(st.sets(IMAGES, max_size=12), st.lists(CELLS, max_size=12))
def test_what_a_cell_may_name_is_found_as_if_each_image_were_compared_with_it(images, cells):
    index = index_of(*images)
    for cell in cells * 2:
        assert index.candidates(cell) == compared_with_each(index.paths, cell)


class Counted(list):
    """A list that counts how often one of its items is read."""

    reads = 0

    def __getitem__(self, position):
        self.reads += 1
        return super().__getitem__(position)


@pytest.mark.parametrize("cell", ["data/{number:03}/image.jpg", "data/{number:03}/image", "image"])
def test_few_images_are_compared_with_a_cell_though_all_have_one_name(cell):
    count = 500
    index = index_of(*(f"{number:03}/image.jpg" for number in range(count)))
    index._backwards = Counted(index._backwards)
    for number in range(count):
        found = index.candidates(cell.format(number=number))
        assert len(found) == (count if cell == "image" else 1)
    assert index._backwards.reads < 20 * count


@pytest.mark.parametrize("letter", ["\u00e9", "e\u0301"], ids=["one character", "two"])
def test_a_letter_with_an_accent_may_be_one_character_or_two(letter):
    index = index_of(f"robes/bl{letter}.jpg", "robes/b.jpg")
    for cell in (
        "bl\u00e9.jpg",
        "ble\u0301.jpg",
        "BL\u00c9",
        "robes/bl\u00e9",
        "data/robes/ble\u0301",
    ):
        assert index.find(cell) == index.paths[1]


def test_of_two_images_whose_names_look_alike_the_one_at_its_place_is_found():
    index = index_of("bl\u00e9.jpg", "ble\u0301.jpg")
    assert index.find("bl\u00e9.jpg") == "/top/data/bl\u00e9.jpg"
    assert index.find("ble\u0301.jpg") == "/top/data/ble\u0301.jpg"
    assert len(index.candidates("bl\u00e9")) == 2


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
