import os
import runpy
import stat
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyimagesearch.data import cache as cache_module
from pyimagesearch.data import decoding, loading
from pyimagesearch.errors import UserError
from pyimagesearch.files import temporary_file
from pyimagesearch.image_files import save_image


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)


@pytest.fixture
def paths(tmp_path):
    made = [tmp_path / "in" / f"{number}.png" for number in range(5)]
    made[0].parent.mkdir()
    for path in made:
        path.write_bytes(path.name.encode())
    return [str(path) for path in made]


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "a.decoded"


def remember(cache, paths, images, *, size=8, fit="pad", image_keys=cache_module.image_keys):
    checksums = np.array([zlib.crc32(image) for image in images], np.uint32)
    keys = image_keys(paths, size, fit)
    cache_module.save(cache, keys, images, checksums=checksums)


def recalled(cache, paths):
    images = np.zeros((len(paths), 8, 8, 3), np.uint8)
    checksums = np.zeros(len(paths), np.uint32)
    keys = cache_module.image_keys(paths, 8, "pad")
    hits = cache_module.load(cache, keys, images, checksums=checksums)
    expected = [zlib.crc32(image) if hit else 0 for image, hit in zip(images, hits, strict=True)]
    assert checksums.tolist() == expected
    return images, hits


def test_unchanged_files_are_recalled_in_any_order(cache, paths, images):
    remember(cache, paths, images)
    found, hits = recalled(cache, paths[::-1])
    assert hits.all()
    np.testing.assert_array_equal(found, images[::-1])


def test_what_a_killed_run_left_beside_the_cache_is_removed(cache, paths, images):
    cache.parent.mkdir()
    with temporary_file(cache) as left:
        pass
    left.touch()
    remember(cache, paths, images)
    assert list(cache.parent.iterdir()) == [cache]


def test_changed_touched_and_unknown_files_are_not_recalled(cache, paths, images, tmp_path):
    remember(cache, paths, images)
    status = Path(paths[1]).stat()
    Path(paths[1]).write_bytes(b"longer than it was")
    os.utime(paths[1], ns=(status.st_atime_ns, status.st_mtime_ns))
    os.utime(paths[2], ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    Path(paths[3]).unlink()
    _, hits = recalled(cache, [*paths, str(tmp_path / "unknown.png")])
    assert hits.tolist() == [True, False, False, False, True, False]


def test_each_dataset_size_and_fit_has_its_own_cache(tmp_path):
    given = [("a", 8, "pad"), ("b", 8, "pad"), ("a", 16, "pad"), ("a", 8, "squeeze")]
    caches = {cache_module.cache_path(tmp_path / name, *rest) for name, *rest in given}
    assert len(caches) == len(given)


def test_a_relative_dataset_has_the_cache_of_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    same = cache_module.cache_path(tmp_path / "dataset", 8, "pad")
    assert cache_module.cache_path("dataset", 8, "pad") == same


def test_files_of_one_name_length_and_time_in_two_folders_are_told_apart(tmp_path, monkeypatch):
    keys = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        Path("0.png").touch()
        os.utime("0.png", (0, 0))
        keys.append(cache_module.image_keys(["0.png"], 8, "pad").tolist())
    assert keys[0] != keys[1]


@pytest.mark.parametrize(("size", "fit"), [(16, "pad"), (8, "squeeze")])
def test_another_image_size_or_fit_is_not_recalled(cache, paths, images, size, fit):
    remember(cache, paths, images, size=size, fit=fit)
    assert not recalled(cache, paths)[1].any()


def test_a_damaged_image_is_not_recalled_and_the_others_are(cache, paths, images):
    remember(cache, paths, images)
    data = bytearray(cache.read_bytes())
    data[-1] ^= 1
    cache.write_bytes(data)
    assert recalled(cache, paths)[1].tolist() == [True, True, True, True, False]


@pytest.mark.parametrize("position", [0, 20, 24, 40, 120, 150])
def test_a_flipped_bit_anywhere_before_the_pixels_makes_it_no_cache(cache, paths, images, position):
    remember(cache, paths, images)
    data = bytearray(cache.read_bytes())
    data[position] ^= 4
    cache.write_bytes(data)
    assert not recalled(cache, paths)[1].any()


@given(data=st.binary(max_size=300), keeps_beginning=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cache_of_any_bytes_is_as_good_as_none(cache, paths, data, keeps_beginning):
    cache.parent.mkdir(exist_ok=True)
    cache.write_bytes(cache_module.SIGNATURE * keeps_beginning + data)
    assert not recalled(cache, paths)[1].any()


@pytest.mark.parametrize("mode", [0o620, 0o602], ids=["the group", "everybody"])
def test_a_cache_that_others_may_write_is_not_used(cache, paths, images, mode):
    remember(cache, paths, images)
    assert recalled(cache, paths)[1].all()
    cache.chmod(mode)
    assert not recalled(cache, paths)[1].any()


def test_a_cache_of_another_user_is_not_used(cache, paths, images, monkeypatch):
    remember(cache, paths, images)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert not recalled(cache, paths)[1].any()


def test_a_cache_is_for_its_user_alone_whatever_the_umask(cache, paths, images):
    umask = os.umask(0)
    try:
        remember(cache, paths, images)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.parent.stat().st_mode) == 0o700
    assert recalled(cache, paths)[1].all()


@pytest.mark.parametrize("release", ["cv2.__version__", "PIL.__version__"])
def test_images_that_another_release_decoded_are_not_used(
    cache, paths, images, monkeypatch, release
):
    monkeypatch.setattr(release, "another")
    with_another = runpy.run_path(cache_module.__file__)
    remember(cache, paths, images, image_keys=with_another["image_keys"])
    assert not recalled(cache, paths)[1].any()


@pytest.mark.parametrize("kept", [0, 3, 100, 300, -1])
def test_a_cache_cut_off_anywhere_is_as_good_as_none(cache, paths, images, kept):
    remember(cache, paths, images)
    cache.write_bytes(cache.read_bytes()[:kept])
    assert not recalled(cache, paths)[1].any()


def test_the_least_recently_used_is_removed_when_the_cache_is_full(
    cache, paths, images, monkeypatch
):
    caches = [cache.with_name(f"{name}.decoded") for name in "abc"]
    remember(caches[0], paths, images)
    monkeypatch.setattr(cache_module, "MAX_CACHE_BYTES", 5 * caches[0].stat().st_size // 2)
    for age, path in ((30, caches[0]), (20, caches[1])):
        remember(path, paths, images)
        os.utime(path, (1e9 - age, 1e9 - age))
    recalled(caches[0], paths)
    remember(caches[2], paths, images)
    assert [path.exists() for path in caches] == [True, False, True]


def test_a_full_cache_leaves_other_files_alone(cache, paths, images, monkeypatch):
    cache.parent.mkdir()
    cache.with_name("other").touch()
    os.utime(cache.with_name("other"), (0, 0))
    monkeypatch.setattr(cache_module, "MAX_CACHE_BYTES", images.nbytes)  # without keys
    remember(cache, paths, images)
    assert list(cache.parent.iterdir()) == [cache.with_name("other")]


def test_more_than_the_cache_may_hold_is_not_kept(cache, paths, images, monkeypatch):
    monkeypatch.setattr(cache_module, "MAX_CACHE_BYTES", images.nbytes - 1)
    remember(cache, paths, images)
    assert not cache.exists()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, paths, images):
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "a.decoded"
    remember(cache, paths, images)


def test_loading_decodes_only_what_has_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "dataset"
    for name in ("a_b/0.png", "a_b/1.png", "c_d/2.png"):
        save_image(folder / name, np.full((9, 9, 3), len(name), np.uint8))
    (folder / "c_d" / "bad.png").write_bytes(b"bad")
    first = loading.load_dataset(folder, 8, use_cache=True)

    decoded = []
    real = decoding.decode_image
    monkeypatch.setattr(
        loading,
        "decode_image",
        lambda *given, fit: decoded.append(given) or real(*given, fit=fit),
    )
    save_image(folder / "a_b" / "1.png", np.full((9, 9, 3), 77, np.uint8))
    second = loading.load_dataset(folder, 8, use_cache=True)
    assert len(decoded) == 2  # the changed one, and the bad one
    assert second.paths == first.paths
    assert second.images[:, 0, 0, 0].tolist() == [9, 77, 9]
    assert [path for path, _ in second.skipped] == [str(folder / "c_d" / "bad.png")]


@pytest.fixture
def dataset(tmp_path, images):
    """A folder of two images."""
    for name in ("a_b/0.png", "c_d/1.png"):
        save_image(tmp_path / "dataset" / name, images[0])
    return tmp_path / "dataset"


@pytest.fixture
def no_home(monkeypatch):
    """Let the user have no home folder, as in a container."""

    def refuse(user):
        raise KeyError(user)

    monkeypatch.setattr("pwd.getpwuid", refuse)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_home")
def test_without_a_home_folder_a_dataset_is_loaded_and_nothing_kept(dataset, monkeypatch):
    monkeypatch.chdir(dataset.parent)
    assert len(loading.load_dataset("dataset", 8, use_cache=True).images) == 2
    assert list(dataset.parent.iterdir()) == [dataset]


@pytest.mark.usefixtures("no_home")
def test_images_that_need_a_disk_are_refused_where_there_is_no_home_folder(dataset):
    with pytest.raises(UserError, match=r"no home folder.* XDG_CACHE_HOME .*--memory-limit"):
        loading.load_dataset(dataset, 8, memory_limit=1)


@pytest.mark.usefixtures("no_home")
def test_a_named_cache_folder_takes_the_place_of_a_home_folder(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert len(loading.load_dataset(dataset, 8, memory_limit=1, use_cache=True).images) == 2
    assert list((tmp_path / "cache" / "pyimagesearch").iterdir()) != []


def test_without_the_cache_nothing_is_written(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    loading.load_dataset(dataset, 8)
    assert not (tmp_path / "cache").exists()
