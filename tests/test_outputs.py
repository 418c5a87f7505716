import errno
import os

import pytest

from pyimagesearch import files, outputs
from pyimagesearch.errors import BAD_INPUT, UserError


def test_a_second_run_with_the_same_output_is_told_so_before_it_works(tmp_path):
    wanted = {"network": tmp_path / "fashion.model", "plot": None}
    with outputs.reserved(wanted):
        with (
            pytest.raises(UserError, match=r"another run .*fashion\.model"),
            outputs.reserved(wanted),
        ):
            pass
        with outputs.reserved({"network": tmp_path / "other.model"}):
            pass
    with outputs.reserved(wanted):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", ["fashion.model", "./fashion.model", "link.model"])
def test_two_outputs_in_one_file_are_refused(tmp_path, other):
    (tmp_path / "link.model").symlink_to(tmp_path / "fashion.model")
    wanted = {"network": tmp_path / "fashion.model", "labels": tmp_path / other}
    with (
        pytest.raises(UserError, match="cannot be both network and labels"),
        outputs.reserved(wanted),
    ):
        pass


def test_output_that_cannot_be_written_is_found_before_training(tmp_path):
    outputs.check_writable(tmp_path / "fashion.model")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    for path, complaint in [
        (tmp_path, "is a folder"),
        (tmp_path / "missing" / "fashion.model", "does not exist"),
        (tmp_path / "file" / "fashion.model", "does not exist"),
        (tmp_path / "\0", "cannot write"),
    ]:
        with pytest.raises(UserError, match=complaint):
            outputs.check_writable(path)


def test_a_folder_that_can_be_made_passes_and_is_not_made(tmp_path):
    for folder in (tmp_path / "dataset" / "blue_jeans", tmp_path):
        outputs.check_makeable(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_found_before_the_work(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "dataset" / "blue_jeans"):
        with pytest.raises(UserError, match=f"cannot write {folder}: Not a directory") as caught:
            outputs.check_makeable(folder)
        assert caught.value.exit_code == BAD_INPUT

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UserError, match="Permission denied"):
        outputs.check_makeable(tmp_path / "dataset")


def test_a_folder_on_a_drive_that_does_not_exist_is_one_line(tmp_path, monkeypatch):
    # On Windows, nothing of Z:\\photos needs to exist.
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    with pytest.raises(UserError, match=r"cannot write .*photos: Not a directory"):
        outputs.check_makeable(tmp_path / "photos")


def test_output_that_is_protected_is_found_before_training(tmp_path, monkeypatch):
    (tmp_path / "fashion.model").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(UserError, match="Permission denied"):
        outputs.check_writable(tmp_path / "fashion.model")


def test_where_files_cannot_be_locked_runs_work_and_no_temporary_file_is_taken_for_litter(
    tmp_path, monkeypatch
):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(files.fcntl, "flock", refuse)
    path = tmp_path / "fashion.model"
    with outputs.reserved({"network": path}), files.temporary_file(path) as temporary:
        files.remove_litter(path)
        assert temporary.exists()
