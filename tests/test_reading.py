import os
import stat

import pytest
from counting import traced_memory

from pyimagesearch.errors import UnreadableFileError
from pyimagesearch.reading import did_you_mean, read_file, read_start


def test_a_file_is_read_whole(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "link") == b"content"


def test_a_small_file_takes_little_memory_to_read(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 5000)
    with traced_memory() as memory:
        read_file(tmp_path / "file")
    assert memory.peak < 2**20


def test_a_file_that_is_longer_than_the_system_said_is_read_to_its_end_or_refused(
    tmp_path, monkeypatch
):
    path, fstat = tmp_path / "file", os.fstat
    path.write_bytes(b"x" * 4096)

    def fstat_of_an_empty_file(descriptor):
        fields = list(fstat(descriptor))
        fields[stat.ST_SIZE] = 0  # as for files in /proc
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", fstat_of_an_empty_file)
    assert read_file(path, most_bytes=4096) == path.read_bytes()
    with pytest.raises(UnreadableFileError, match="larger than 3 KiB"):
        read_file(path, most_bytes=4095)


def test_what_is_no_file_of_a_sane_size_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    for name, complaint in [
        ("pipe", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("folder", "not a regular file"),
        ("loop", "symbolic links"),
        ("empty", "is empty"),
        ("sparse", "larger than 256 MiB"),
        ("missing", "No such file"),
        ("\0", "null"),
    ]:
        with pytest.raises(UnreadableFileError, match=complaint):
            read_file(tmp_path / name)


def test_a_smaller_limit_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 5000)
    with pytest.raises(UnreadableFileError, match="larger than 4 KiB"):
        read_file(tmp_path / "file", most_bytes=4096)


def test_of_a_file_of_any_size_the_start_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "empty").touch()
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    starts = [read_start(tmp_path / name, 4) for name in ("file", "empty", "sparse")]
    assert starts == [b"cont", b"", bytes(4)]


def test_what_is_no_regular_file_has_no_start(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, complaint in [("pipe", "not a regular file"), ("missing", "No such file")]:
        with pytest.raises(UnreadableFileError, match=complaint):
            read_start(tmp_path / name, 4)


def test_a_file_that_exists_is_not_suggested_in_its_own_place(tmp_path):
    (tmp_path / "dataset").touch()
    assert did_you_mean(tmp_path / "dataset") == ""


def test_a_slip_in_a_name_is_met_with_the_name_that_was_meant(tmp_path):
    (tmp_path / "dataset").mkdir()
    for slip in ("datset", "Dataset", "datasets", "our_dataset"):
        assert did_you_mean(tmp_path / slip) == f" (did you mean {tmp_path / 'dataset'}?)"
    for other in ("data", "photographs", "x/y", "\0"):
        assert did_you_mean(tmp_path / other) == ""
