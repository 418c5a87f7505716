import errno
import os
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from running import run_python
from scipy.sparse import csr_array

from pyimagesearch.data import batches as batch_module
from pyimagesearch.data import cache as cache_module
from pyimagesearch.data import duplicates, image_arrays
from pyimagesearch.errors import UserError


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (600, 8, 8, 3), np.uint8)


@pytest.fixture
def stored(images, tmp_path):
    made = image_arrays.room_for_images(images.shape, images.nbytes, tmp_path / "cache")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda i: made.__setitem__(i, images[i]), range(len(images))))
    return made


@pytest.mark.parametrize(
    ("limit", "kind"),
    [
        (None, np.ndarray),
        (4 * 1920, np.ndarray),
        (4 * 1920 - 1, image_arrays.StoredImages),
        (0, image_arrays.StoredImages),
    ],
)
def test_images_stay_in_memory_up_to_a_quarter_of_it(tmp_path, limit, kind):
    made = image_arrays.room_for_images((10, 8, 8, 3), limit, tmp_path)
    assert isinstance(made, kind)
    assert made.dtype == np.uint8
    assert made.shape == (10, 8, 8, 3)
    assert made.nbytes == 1920


def test_is_addressed_as_an_array_is(images, stored):
    positions = np.array([599, 0, 5, 5])
    assert len(stored) == len(images)
    np.testing.assert_array_equal(stored[7], images[7])
    np.testing.assert_array_equal(stored[positions], images[positions])
    np.testing.assert_array_equal(stored[250:260], images[250:260])
    np.testing.assert_array_equal(np.stack(list(stored)), images)
    np.testing.assert_array_equal(np.stack(list(stored.first(3))), images[:3])


def test_the_file_leaves_no_name_behind(stored, tmp_path):
    assert len(stored) == 600
    assert list((tmp_path / "cache").iterdir()) == []


def test_copies_are_found_among_stored_images(images, stored):
    checksums = np.arange(600, dtype=np.uint32)
    stored[599] = images[599] = images[3]
    groups = duplicates.duplicate_groups(stored, checksums)
    assert groups[599] == groups[3]
    np.testing.assert_array_equal(groups, duplicates.duplicate_groups(images, checksums))


def test_stored_images_make_the_same_batches(images, stored):
    targets = csr_array(np.arange(600, dtype=np.float32)[:, None])

    def batches(images):
        pool = image_arrays.Concatenated(images, np.empty((0, 8, 8, 3), np.uint8))
        examples = batch_module.Examples(pool, targets, np.arange(600))
        made = batch_module.training_batches(examples, batch_size=64, epochs=range(1), seed=1)
        return [pixels.numpy() for pixels, _ in made]

    np.testing.assert_array_equal(batches(stored), batches(images))


def test_stored_images_are_kept_in_the_cache_and_recalled(images, stored, tmp_path):
    cache = tmp_path / "a.decoded"
    checksums = np.array([zlib.crc32(image) for image in images], np.uint32)
    keys = np.random.default_rng(1).integers(0, 2**63, (600, 2)).astype(np.uint64)
    cache_module.save(cache, keys, stored, checksums=checksums)
    recalled = image_arrays.room_for_images(images.shape, 4, tmp_path)
    found = np.zeros(600, np.uint32)
    assert cache_module.load(cache, keys, recalled, checksums=found).all()
    np.testing.assert_array_equal(recalled[:], images)


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def no_space(*given):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(image_arrays, "_allocate", no_space)
    with pytest.raises(
        UserError,
        match=r"cannot keep 0\.\d GiB .* No space left .* train with a larger --memory-limit",
    ):
        image_arrays.room_for_images((4000, 96, 96, 3), 1, tmp_path)


# Prints by how much the memory has grown after 4,000 images were written, and after all were read.
WRITE_AND_READ = """
import os, sys, numpy as np
from pathlib import Path
from pyimagesearch.data import image_arrays

def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

images = image_arrays.room_for_images((4000, 96, 96, 3), 1, Path(sys.argv[1]))
before = resident()
for position in range(len(images)):
    images[position] = position % 251
written = resident() - before
total = sum(int(image[0, 0, 0]) for image in images)
assert total == sum(position % 251 for position in range(4000))
images[np.arange(0, 4000, 40)]
print(written, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says what is in memory now")
def test_what_was_written_or_read_does_not_stay_in_memory(tmp_path):
    done = run_python("-c", WRITE_AND_READ, tmp_path)
    assert done.returncode == 0, done.stderr
    assert max(map(int, done.stdout.split())) < 4000 * 96 * 96 * 3 / 4


def test_the_machine_has_memory():
    assert image_arrays.physical_memory() > 2**28


def test_a_container_has_the_memory_that_it_is_allowed(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("12345\n")
    monkeypatch.setattr(image_arrays, "Path", lambda path: tmp_path / Path(path).name)
    assert image_arrays.physical_memory() == 12345


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        # Some builds of Python for macOS know one name of a page's size, and some not these pages.
        ({"SC_PAGESIZE": 4096, "SC_PHYS_PAGES": 2**20}, 2**32),
        ({"SC_PAGESIZE": 4096}, None),
        (None, None),  # Windows
    ],
)
def test_a_system_that_does_not_tell_its_memory_ends_nothing(
    tmp_path, monkeypatch, known, expected
):
    def sysconf(name):
        if name not in known:
            raise ValueError("unrecognized configuration name")
        return known[name]

    if known is None:
        monkeypatch.delattr(os, "sysconf")
    else:
        monkeypatch.setattr(os, "sysconf", sysconf)
    monkeypatch.setattr(image_arrays, "Path", lambda path: tmp_path / "no container")
    assert image_arrays.physical_memory() == expected
    assert isinstance(image_arrays.room_for_images((2, 8, 8, 3), None, None), np.ndarray)


def test_arrays_addressed_as_one_are_taken_from_the_right_one(images):
    joined = image_arrays.Concatenated(images[:4], images[4:9], images[9:])
    positions = np.array([9, 0, 4, 3, 8, 4])
    assert joined.shape == images.shape
    np.testing.assert_array_equal(joined[positions], images[positions])
