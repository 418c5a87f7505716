import numpy as np
import pytest

from pyimagesearch import files
from pyimagesearch.errors import WORK_FAILED, UserError


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "plot.png"
    path.write_text("old")
    with pytest.raises(RuntimeError), files.written_whole(path) as partial:
        partial.write_text("half")
        assert path.read_text() == "old"
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_the_system_refuses_is_one_line(tmp_path):
    with (
        pytest.raises(UserError, match="No space left") as caught,
        files.written_whole(tmp_path / "plot.png") as partial,
    ):
        partial.touch()
        raise OSError(28, "No space left on device")
    assert caught.value.exit_code == WORK_FAILED
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_gone_after_the_next(tmp_path):
    path = tmp_path / "plot.png"
    with files.written_whole(path) as partial:
        partial.write_text("whole")
        name_of_partial = partial
    name_of_partial.write_text("left by a killed run")
    with files.written_whole(path) as partial:
        partial.write_text("whole again")
    assert path.read_text() == "whole again"
    assert list(tmp_path.iterdir()) == [path]


def test_output_that_cannot_be_written_is_found_before_training(tmp_path):
    files.check_writable(tmp_path / "fashion.model")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    for path, complaint in [
        (tmp_path, "is a folder"),
        (tmp_path / "missing" / "fashion.model", "does not exist"),
        (tmp_path / "file" / "fashion.model", "does not exist"),
    ]:
        with pytest.raises(UserError, match=complaint):
            files.check_writable(path)


def test_an_image_is_written_in_the_format_of_its_name(tmp_path):
    image = np.full((5, 6, 3), 7, np.uint8)
    files.save_image(tmp_path / "new" / "ä.png", image)
    assert (tmp_path / "new" / "ä.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match=r"\.jpg"):
        files.save_image(tmp_path / "image.xyz", image)
