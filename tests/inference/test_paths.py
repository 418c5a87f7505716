import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from closed_folders import close_folder
from counting import count_events
from hypothesis import given
from hypothesis import strategies as st
from unnumbered_files import number_no_files

from pyimagesearch.errors import UserError
from pyimagesearch.inference.paths import check_different, expand, output_paths


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_is_refused_with_the_command_to_fetch_it(scheme):
    with pytest.raises(UserError, match=rf"curl -LO {scheme}://example\.org/a\.jpg"):
        expand([f"{scheme}://example.org/a.jpg"])


def test_the_command_to_fetch_an_address_is_quoted_for_a_shell():
    with pytest.raises(UserError, match=r"curl -LO 'http://example\.org/\?a=1&b=2'$"):
        expand(["http://example.org/?a=1&b=2"])


def test_the_standard_input_cannot_be_given_twice():
    with pytest.raises(UserError, match="only once"):
        expand(["-", "-"])


def test_one_string_is_not_taken_for_a_list_of_files_with_names_of_one_letter():
    with pytest.raises(TypeError, match="give a list, not the string 'examples'"):
        expand("examples")


def test_paths_are_as_good_as_strings(tmp_path):
    (tmp_path / "a.jpg").touch()
    for path in (tmp_path, tmp_path / "a.jpg"):
        assert expand([path]) == [str(tmp_path / "a.jpg")]


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no image .*missing"):
        expand([str(tmp_path / "missing.png")])
    with pytest.raises(UserError, match="no images below"):
        expand([str(tmp_path / "empty")])


@pytest.fixture
def forbidden(tmp_path, monkeypatch):
    """A folder that nobody may list, beside one with an image."""
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").touch()
    close_folder(monkeypatch, "closed")
    return tmp_path


def test_a_folder_that_cannot_be_listed_is_among_the_files_to_read(forbidden):
    assert expand([str(forbidden)]) == [f"{forbidden}/open/1.jpg", f"{forbidden}/closed"]


def test_a_given_folder_that_cannot_be_listed_is_not_called_empty(forbidden):
    with pytest.raises(UserError, match=r"cannot read .*closed: Permission denied"):
        expand([str(forbidden / "closed")])


def test_an_output_that_is_the_image_under_another_name_is_refused(tmp_path):
    (tmp_path / "IMG_1.JPG").touch()
    # Where case makes no difference, img_1.jpg is the same file, as a second link to it is here.
    with suppress(FileExistsError):
        os.link(tmp_path / "IMG_1.JPG", tmp_path / "img_1.jpg")
    inputs = [str(tmp_path / "IMG_1.JPG")]
    with pytest.raises(UserError, match="is itself to be classified"):
        output_paths(inputs, inputs, str(tmp_path / "img_1.jpg"))


@pytest.mark.parametrize("platform", ["darwin", "win32", "linux"])
def test_outputs_that_differ_in_case_are_one_file_where_systems_ignore_it(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    inputs = ["x/a.jpg", "y/A.jpg"]
    if platform == "linux":
        assert output_paths(inputs, inputs, "out") == [Path("out/a.jpg"), Path("out/A.jpg")]
        return
    with pytest.raises(UserError, match="would both be written"):
        output_paths(inputs, inputs, "out")


def test_on_a_drive_that_numbers_no_files_images_differ_by_their_paths(tmp_path, monkeypatch):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    number_no_files(monkeypatch)
    inputs = [str(tmp_path / "a.jpg")]
    assert output_paths(inputs, inputs, tmp_path / "b.jpg") == [tmp_path / "b.jpg"]
    with pytest.raises(UserError, match="is itself to be classified"):
        output_paths(inputs, inputs, tmp_path / "x" / ".." / "a.jpg")


def test_one_image_is_labelled_to_a_file_or_into_a_folder(tmp_path):
    inputs = ["in/a.png"]
    assert output_paths(inputs, inputs, None) == [None]
    out = str(tmp_path / "out.jpg")
    assert [str(path) for path in output_paths(inputs, inputs, out)] == [out]
    into = output_paths(inputs, inputs, str(tmp_path))
    assert into == [tmp_path / "a.png.jpg"]


def test_a_slash_at_its_end_makes_an_output_a_folder(tmp_path):
    inputs, folder = ["in/a.png"], tmp_path / "out.jpg"
    assert output_paths(inputs, inputs, f"{folder}/") == [folder / "a.png.jpg"]
    folder.touch()
    for count in (1, 2):
        with pytest.raises(UserError, match=r"out\.jpg is a file: give it without a slash"):
            output_paths(inputs * count, inputs * count, f"{folder}/")


def test_outputs_are_decided_for_paths_as_for_texts(tmp_path):
    images = [tmp_path / "a.png"]
    images[0].touch()
    assert output_paths(images, expand(images), tmp_path / "out.jpg") == [tmp_path / "out.jpg"]


def test_labelled_images_keep_their_places_below_the_folder(tmp_path):
    (tmp_path / "in" / "b").mkdir(parents=True)
    folder = str(tmp_path / "in")
    paths = [f"{folder}/b/1.JPG", f"{folder}/b/1.png"]
    outputs = output_paths([folder], paths, str(tmp_path / "out"))
    assert outputs == [tmp_path / "out" / "b" / "1.JPG", tmp_path / "out" / "b" / "1.png.jpg"]


@pytest.mark.parametrize(
    ("inputs", "path", "place"),
    [
        (["a", "a/b"], "a/b/1.jpg", "b/1.jpg"),
        (["a/b", "a"], "a/b/1.jpg", "1.jpg"),
        (["a/b", "a", "a/b"], "a/b/1.jpg", "1.jpg"),
        (["c", "a", "a/b", "a"], "a/b/1.jpg", "b/1.jpg"),
        (["c/../a"], "a/b/1.jpg", "b/1.jpg"),
        (["a"], "c/../a/b/1.jpg", "b/1.jpg"),
        (["a/b", "."], "c/1.jpg", "c/1.jpg"),
        (["/"], "/nowhere/1.jpg", "nowhere/1.jpg"),
        (["link"], "link/b/1.jpg", "b/1.jpg"),
        (["link"], "a/b/1.jpg", "1.jpg"),
        (["a"], "ab/1.jpg", "1.jpg"),
    ],
)
def test_an_image_keeps_its_place_below_the_first_given_folder_that_holds_it(
    tmp_path, monkeypatch, inputs, path, place
):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    (tmp_path / "link").symlink_to("a")
    monkeypatch.chdir(tmp_path)
    assert output_paths(inputs, [path], "out") == [Path("out", place)]


def test_the_work_for_many_folders_grows_as_they_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [f"{number}" for number in range(80)]
    for folder in folders:
        Path(folder).mkdir()
    files = [f"{folder}/{folder}.jpg" for folder in folders]
    few, many = (
        count_events("call", output_paths, folders[:count], files[:count], "out")
        for count in (20, 80)
    )
    assert many < 6 * few


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG"])
def test_the_labelled_image_of_a_jpeg_file_keeps_its_name(tmp_path, suffix):
    assert output_paths(["a" + suffix], ["a" + suffix], tmp_path) == [tmp_path / f"a{suffix}"]


@pytest.mark.parametrize("name", ["out.jpg", "notes"])
def test_several_images_cannot_be_labelled_into_one_file(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(UserError, match=f"{name} is a file: give a folder for several images"):
        output_paths(["a", "b"], ["a", "b"], str(tmp_path / name))


@pytest.mark.parametrize("name", ["out.jpg", "out.PNG", "out.webp"])
def test_several_images_are_not_labelled_into_a_folder_with_the_name_of_an_image(tmp_path, name):
    output = tmp_path / name
    with pytest.raises(UserError, match=f"{name} is the name of a file: give a folder for several"):
        output_paths(["a", "b"], ["a", "b"], str(output))
    assert not output.exists()
    output.mkdir()
    assert output_paths(["a", "b"], ["a", "b"], str(output))[0] == output / "a.jpg"


def test_a_labelled_image_never_replaces_an_image_that_is_classified(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"precious")
    (tmp_path / "link").symlink_to("photos")
    photos, photo = str(tmp_path / "photos"), str(tmp_path / "photos" / "a.jpg")
    for inputs, output in [
        ([photos], photos),
        ([photos], str(tmp_path / "link")),
        ([photo], photos),
        ([photo], photo),
        ([str(tmp_path)], str(tmp_path)),
    ]:
        with pytest.raises(UserError, match="itself to be classified"):
            output_paths(inputs, [photo], output)


def test_no_two_images_are_labelled_into_one_file(tmp_path):
    for paths in (["a/x.jpg", "b/x.jpg"], ["a/x.png", "a/x.png.jpg"]):
        with pytest.raises(UserError, match=f"{paths[0]} and {paths[1]} would both be written"):
            output_paths(paths, paths, str(tmp_path))


def test_an_image_that_is_given_twice_is_labelled_twice(tmp_path):
    outputs = output_paths(["a.jpg"] * 2, ["a.jpg"] * 2, str(tmp_path))
    assert outputs == [tmp_path / "a.jpg"] * 2


FOLDERS = st.lists(st.sampled_from(["a", "b", "out", "..", "."]), max_size=3)
# No folder beside the one that the tests run in has such a name.
STEM = "no-such-image"
NAMES = st.sampled_from([STEM + suffix for suffix in (".jpg", ".JPG", ".png", ".png.jpg", "")])


@given(st.lists(st.builds(lambda folders, name: "/".join([*folders, name]), FOLDERS, NAMES)))
def test_labelled_images_go_to_places_of_their_own_below_the_output(inputs):
    try:
        outputs = output_paths(inputs, inputs, "/nowhere/out")
    except UserError:
        return
    sources = {}
    for path, output in zip(inputs, outputs, strict=True):
        assert os.path.realpath(output).startswith("/nowhere/out")
        assert sources.setdefault(os.path.realpath(output), path) == path


def test_no_labelled_image_replaces_a_picture_of_heat_maps(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    check_different([tmp_path / "a.jpg", None], [tmp_path / "b.jpg", None])
    with pytest.raises(UserError, match="both a labelled image and heat maps"):
        check_different([tmp_path / "a.jpg"], [tmp_path / "link" / "a.jpg"])


def test_an_output_whose_name_is_too_long_is_left_to_whoever_writes_it():
    output = "a" * 300 + ".jpg"
    assert output_paths(["a.jpg"], ["a.jpg"], output) == [Path(output)]


def test_an_image_beside_the_folder_is_labelled_below_the_output(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    (tmp_path / "e").mkdir()
    for name in ("d/a.jpg", "e/b.jpg"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path / "d")
    inputs = [".", "../e/b.jpg"]
    assert output_paths(inputs, expand(inputs), "out") == [Path("out/a.jpg"), Path("out/b.jpg")]
