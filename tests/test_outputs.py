import errno
import multiprocessing
import os
import signal
import time

import pytest

from pyimagesearch import files, outputs
from pyimagesearch.errors import BAD_INPUT, UserError


def write_slowly(path, ready):
    with files.written_whole(path) as temporary:
        temporary.write_text("half")
        ready.set()
        time.sleep(60)


def fill_slowly(path, ready):
    with files.temporary_folder(path) as folder:
        (folder / "half").touch()
        ready.set()
        time.sleep(60)


@pytest.mark.parametrize("work", [write_slowly, fill_slowly])
def test_litter_of_a_killed_run_is_removed_and_that_of_a_living_one_stays(tmp_path, work):
    path = tmp_path / "fashion.model"
    stranger = tmp_path / ".fashion.model.notes"
    stranger.touch()
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    writer = context.Process(target=work, args=(path, ready))
    writer.start()
    assert ready.wait(10)
    (left,) = set(tmp_path.iterdir()) - {stranger}
    outputs.remove_litter(path)
    assert left.exists()
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert left.exists()
    outputs.remove_litter(path)
    assert set(tmp_path.iterdir()) == {stranger}


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


def test_output_that_is_protected_is_found_before_training(tmp_path, monkeypatch):
    (tmp_path / "fashion.model").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(UserError, match="Permission denied"):
        outputs.check_writable(tmp_path / "fashion.model")


def test_litter_of_an_output_with_an_odd_suffix_is_removed(tmp_path):
    path = tmp_path / "fashion.v1-final"
    with files.temporary_file(path) as temporary:
        kept = temporary.read_bytes()
    temporary.write_bytes(kept)
    outputs.remove_litter(path)
    assert list(tmp_path.iterdir()) == []


def test_where_files_cannot_be_locked_runs_work_and_no_temporary_file_is_taken_for_litter(
    tmp_path, monkeypatch
):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(files.fcntl, "flock", refuse)
    path = tmp_path / "fashion.model"
    with outputs.reserved({"network": path}), files.temporary_file(path) as temporary:
        outputs.remove_litter(path)
        assert temporary.exists()


def test_a_file_that_took_the_place_of_litter_before_it_was_locked_stays(tmp_path, monkeypatch):
    path = tmp_path / "fashion.model"
    with files.temporary_file(path) as litter:
        pass
    litter.touch()
    (tmp_path / "new").write_text("another run's")

    def lock_late(descriptor):
        (tmp_path / "new").replace(litter)
        return files.lock(descriptor)

    monkeypatch.setattr(outputs, "lock", lock_late)
    outputs.remove_litter(path)
    assert litter.read_text() == "another run's"


def test_a_lock_file_that_another_run_removes_before_it_is_locked_is_made_again(
    tmp_path, monkeypatch
):
    removed = []

    def lock_late(descriptor):
        if not removed:
            removed.extend(tmp_path.iterdir())
            removed[0].unlink()
        return files.lock(descriptor)

    monkeypatch.setattr(outputs, "lock", lock_late)
    with outputs.reserved({"network": tmp_path / "fashion.model"}):
        assert list(tmp_path.iterdir()) == removed


def test_a_link_in_the_place_of_a_lock_file_is_not_followed(tmp_path, monkeypatch):
    path = tmp_path / "fashion.model"
    # Otherwise a link that is followed is tried again for ever.
    monkeypatch.setattr(outputs, "is_still_at", lambda *_: True)
    with outputs.reserved({"network": path}):
        (lock_file,) = tmp_path.iterdir()
    lock_file.symlink_to(tmp_path / "made")
    with (
        pytest.raises(UserError, match=rf"{lock_file.name}: .*; remove"),
        outputs.reserved({"network": path}),
    ):
        pass
    assert list(tmp_path.iterdir()) == [lock_file]


def test_a_lock_file_that_must_not_be_opened_is_named(tmp_path):
    path = tmp_path / "fashion.model"
    with outputs.reserved({"network": path}):
        (lock_file,) = tmp_path.iterdir()
    # A folder of its name refuses whoever it is, as a stranger's file refuses other users.
    lock_file.mkdir()
    with (
        pytest.raises(UserError, match=rf"{lock_file.name}: .*; remove"),
        outputs.reserved({"network": path}),
    ):
        pass
