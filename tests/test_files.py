import contextlib
import errno
import multiprocessing
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from pyimagesearch import files
from pyimagesearch.errors import WORK_FAILED, UserError


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "plot.png"
    path.write_text("old")
    with pytest.raises(RuntimeError), files.written_whole(path) as temporary:
        temporary.write_text("half")
        assert path.read_text() == "old"
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_the_system_refuses_is_one_line(tmp_path):
    with (
        pytest.raises(UserError, match="No space left") as caught,
        files.written_whole(tmp_path / "plot.png"),
    ):
        raise OSError(28, "No space left on device")
    assert caught.value.exit_code == WORK_FAILED
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_one_file_have_temporary_files_of_their_own(tmp_path):
    path = tmp_path / "fashion.model"
    with files.written_whole(path) as first, files.written_whole(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_has_the_name_of_a_temporary_one_is_not_overwritten(tmp_path, monkeypatch):
    monkeypatch.setattr(files.secrets, "token_hex", lambda count: "0" * 2 * count)
    path = tmp_path / "fashion.model"
    with files.written_whole(path) as temporary:
        temporary.write_text("old")
    temporary.write_text("another's")
    with pytest.raises(UserError, match="File exists"), files.written_whole(path) as again:
        again.write_text("new")
    assert (path.read_text(), temporary.read_text()) == ("old", "another's")


def test_an_output_that_is_a_link_stays_one_and_its_target_gets_the_content(tmp_path):
    (tmp_path / "store").mkdir()
    target, link = tmp_path / "store" / "real.model", tmp_path / "fashion.model"
    target.write_text("old")
    link.symlink_to(target)
    with files.written_whole(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_file_keeps_its_permissions_and_a_new_one_gets_the_umasks(tmp_path):
    kept, made = tmp_path / "kept", tmp_path / "made"
    kept.touch()
    kept.chmod(0o604)
    umask = os.umask(0o027)
    try:
        for path in (kept, made):
            with files.written_whole(path) as temporary:
                temporary.write_text("new")
    finally:
        os.umask(umask)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (kept, made)] == [0o604, 0o640]


def test_a_protected_file_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "fashion.model"
    path.write_text("old")
    # Tests may run as root, to whom nothing is forbidden.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with (
        pytest.raises(UserError, match="Permission denied"),
        files.written_whole(path) as temporary,
    ):
        temporary.write_text("new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="folders are flushed on POSIX alone")
def test_a_file_would_survive_a_power_failure_before_it_replaces_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "plot.png"
    path.write_text("old")
    flushed = []

    def fsync(descriptor):
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        flushed.append((os.pread(descriptor, 9, 0) if is_file else b"folder", path.read_text()))

    monkeypatch.setattr(os, "fsync", fsync)
    with files.written_whole(path) as temporary:
        temporary.write_text("new")
    assert flushed == [(b"new", "old"), (b"folder", "new")]
    flushed.clear()
    with files.written_whole(path, flushed=False) as temporary:
        temporary.write_text("newer")
    assert flushed == []


@pytest.mark.skipif(os.name != "posix", reason="folders are flushed on POSIX alone")
@pytest.mark.parametrize(("number", "is_fatal"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_that_flushes_no_folders_gets_files_all_the_same(
    tmp_path, monkeypatch, number, is_fatal
):
    fsync = os.fsync

    def refuse_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    expected = pytest.raises(UserError, match="error") if is_fatal else contextlib.nullcontext()
    with expected, files.written_whole(tmp_path / "file") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "file").read_text() == "new"


def test_a_name_that_is_too_long_is_one_line_when_it_is_written(tmp_path):
    path = files.resolved(tmp_path / ("a" * 300 + ".png"))
    with pytest.raises(UserError, match="File name too long"), files.written_whole(path):
        pass


def test_a_device_is_not_replaced_by_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UserError, match="pipe or a device"), files.written_whole(pipe):
        pass
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_names_as_long_as_a_file_system_takes_can_be_written(tmp_path):
    path = tmp_path / ("x" * 251 + ".png")
    with files.written_whole(path) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole"


def test_a_temporary_folder_vanishes_with_its_content_whatever_happens(tmp_path):
    with (
        pytest.raises(RuntimeError, match="disk on fire"),
        files.temporary_folder(tmp_path / "fashion.model") as folder,
    ):
        assert folder.parent == tmp_path
        (folder / "assets").mkdir()
        (folder / "assets" / "file").touch()
        raise RuntimeError("disk on fire")
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_folder_that_is_taken_for_litter_at_once_is_made_again(tmp_path, monkeypatch):
    open_file, taken = os.open, []

    def open_late(path, *arguments, **settings):
        if not taken:
            taken.append(path)
            path.rmdir()
        return open_file(path, *arguments, **settings)

    monkeypatch.setattr(files.os, "open", open_late)
    with files.temporary_folder(tmp_path / "fashion.model") as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert taken != [folder]


@pytest.mark.parametrize("make", [files.temporary_file, files.temporary_folder])
def test_what_is_taken_for_litter_before_it_is_locked_is_made_again(tmp_path, monkeypatch, make):
    lock, taken = files.lock, []

    def lock_late(descriptor):
        if not taken:
            taken.extend(tmp_path.iterdir())
            (taken[0].rmdir if taken[0].is_dir() else taken[0].unlink)()
        return lock(descriptor)

    monkeypatch.setattr(files, "lock", lock_late)
    with make(tmp_path / "fashion.model") as made:
        assert list(tmp_path.iterdir()) == [made]
    assert taken != [made]


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
    files.remove_litter(path)
    assert left.exists()
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert left.exists()
    files.remove_litter(path)
    assert set(tmp_path.iterdir()) == {stranger}


def test_litter_of_an_output_with_an_odd_suffix_is_removed(tmp_path):
    path = tmp_path / "fashion.v1-final"
    with files.temporary_file(path) as temporary:
        kept = temporary.read_bytes()
    temporary.write_bytes(kept)
    files.remove_litter(path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_took_the_place_of_litter_before_it_was_locked_stays(tmp_path, monkeypatch):
    path = tmp_path / "fashion.model"
    with files.temporary_file(path) as litter:
        pass
    litter.touch()
    (tmp_path / "new").write_text("another run's")

    lock = files.lock

    def lock_late(descriptor):
        (tmp_path / "new").replace(litter)
        return lock(descriptor)

    monkeypatch.setattr(files, "lock", lock_late)
    files.remove_litter(path)
    assert litter.read_text() == "another run's"


def test_a_lock_file_that_another_run_removes_before_it_is_locked_is_made_again(
    tmp_path, monkeypatch
):
    lock, removed = files.lock, []

    def lock_late(descriptor):
        if not removed:
            removed.extend(tmp_path.iterdir())
            removed[0].unlink()
        return lock(descriptor)

    monkeypatch.setattr(files, "lock", lock_late)
    with files.locked(tmp_path / "fashion.model"):
        assert list(tmp_path.iterdir()) == removed


def test_a_link_in_the_place_of_a_lock_file_is_not_followed(tmp_path, monkeypatch):
    path = tmp_path / "fashion.model"
    # Otherwise a link that is followed is tried again for ever.
    monkeypatch.setattr(files, "is_still_at", lambda *_: True)
    with files.locked(path):
        (lock_file,) = tmp_path.iterdir()
    lock_file.symlink_to(tmp_path / "made")
    with (
        pytest.raises(UserError, match=rf"{lock_file.name}: .*; remove"),
        files.locked(path),
    ):
        pass
    assert list(tmp_path.iterdir()) == [lock_file]


def test_a_lock_file_that_must_not_be_opened_is_named(tmp_path):
    path = tmp_path / "fashion.model"
    with files.locked(path):
        (lock_file,) = tmp_path.iterdir()
    # A folder of its name refuses whoever it is, as a stranger's file refuses other users.
    lock_file.mkdir()
    with (
        pytest.raises(UserError, match=rf"{lock_file.name}: .*; remove"),
        files.locked(path),
    ):
        pass


@pytest.fixture
def two_folders(tmp_path):
    """A folder and another one that is going to replace it."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    return tmp_path / "old", tmp_path / "new"


def test_a_folder_that_is_a_link_stays_one_and_its_target_is_replaced(two_folders, tmp_path):
    old, new = two_folders
    (tmp_path / "link").symlink_to(old)
    files.replace_folder(tmp_path / "link", new)
    assert (tmp_path / "link").readlink() == old
    assert (old / "file").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "new", "old"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_folder_stays_if_the_new_one_does_not_take_its_place(two_folders, monkeypatch, error):
    old, new = two_folders
    rename, failures = os.rename, [error]

    def fails_once(source, target):
        if Path(target) == old and failures:
            raise failures.pop()
        rename(source, target)

    monkeypatch.setattr(os, "rename", fails_once)
    with pytest.raises(error):
        files.replace_folder(old, new)
    assert (old / "file").read_text() == "old"
    assert sorted(path.name for path in old.parent.iterdir()) == ["new", "old"]
