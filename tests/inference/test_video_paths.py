from pathlib import Path

import pytest

from pyimagesearch.errors import UserError
from pyimagesearch.inference.video_paths import video_output_paths, videos_among


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "B.MOV", "image.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "folder.mp4").mkdir()


@pytest.mark.usefixtures("files")
def test_clips_are_known_by_their_suffix_and_cameras_by_their_name():
    assert videos_among(["a.mp4", "B.MOV"]) == ["a.mp4", "B.MOV"]
    assert videos_among(["camera:12"]) == ["camera:12"]
    assert videos_among(["image.jpg", "-", "http://example.org/a.mp4"]) == []


@pytest.mark.usefixtures("files")
def test_a_folder_is_one_of_images_whatever_its_name():
    assert videos_among(["folder.mp4"]) == []


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["image.jpg", "a.mp4"], "a.mp4 is a clip and image.jpg is not"),
        (["a.mp4", "camera:0"], "camera:0 has no end"),
        (["camera:0", "camera:1"], "camera:0 has no end"),
        (["camera:"], "such as camera:0"),
        (["camera:-1"], "such as camera:0"),
        (["camera:²"], "such as camera:0"),
        (["camera:" + "9" * 5000], "such as camera:0"),
        (["b.mp4"], r"no clip b.mp4 \(did you mean a.mp4\?\)"),
    ],
)
def test_what_cannot_be_labelled_together_or_at_all_is_named(inputs, message):
    with pytest.raises(UserError, match=message):
        videos_among(inputs)


def test_of_several_clips_that_are_missing_the_first_is_named():
    clips = [f"{name}.mp4" for name in "abcdefghij"]
    for first in clips:
        with pytest.raises(UserError, match=f"no clip {first}"):
            videos_among([first, *clips])


def test_a_clip_is_labelled_into_an_mp4_file_or_a_folder(tmp_path):
    inputs = ["in/a.avi"]
    assert video_output_paths(inputs, inputs, None) == [None]
    assert video_output_paths(inputs, inputs, "b.MP4") == [Path("b.MP4")]
    assert video_output_paths(inputs, inputs, str(tmp_path)) == [tmp_path / "a.avi.mp4"]
    with pytest.raises(UserError, match=r"cannot write b\.avi: use a name that ends in \.mp4"):
        video_output_paths(inputs, inputs, "b.avi")


def test_several_clips_are_labelled_into_a_folder(tmp_path):
    inputs = ["in/a.mp4", "in/b.mov"]
    folder = tmp_path / "out"
    assert video_output_paths(inputs, inputs, str(folder)) == [
        folder / "a.mp4",
        folder / "b.mov.mp4",
    ]


def test_a_clip_never_replaces_itself():
    with pytest.raises(UserError, match="itself to be classified"):
        video_output_paths(["in/a.mp4"], ["in/a.mp4"], "in/a.mp4")
