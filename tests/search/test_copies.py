from pathlib import Path

import numpy as np
import pytest
from counting import traced_memory
from misbehaving_results import encoded, pattern

from pyimagesearch.console import no_progress
from pyimagesearch.data.duplicates import perceptual_hash
from pyimagesearch.data.image_arrays import room_for_images
from pyimagesearch.errors import UserError
from pyimagesearch.search import copies
from pyimagesearch.search.copies import FolderImages, images_in, load_folder_images
from pyimagesearch.search.judging import Judged, judge


def judged(seed, quality=92):
    return judge(encoded(pattern(seed), quality=quality), 64)


def small(seed):
    return judged(seed).small


def test_a_copy_is_found_by_its_pixels(tmp_path):
    smalls = np.stack([small(1), small(2)])
    known = FolderImages([tmp_path / "1.jpg", tmp_path / "2.jpg"], smalls)
    assert known.find_copy(judged(2, quality=60)) == tmp_path / "2.jpg"
    assert known.find_copy(judged(3)) is None


def test_an_image_that_is_added_is_compared_with_as_well(tmp_path):
    known = FolderImages([tmp_path / "0.jpg"], small(0)[None])
    for seed in (1, 2):
        assert known.find_copy(judged(seed)) is None
        known.add(tmp_path / f"{seed}.jpg", judged(seed))
    for seed in (0, 1, 2):
        assert known.find_copy(judged(seed)) == tmp_path / f"{seed}.jpg"


def test_of_equal_images_the_first_is_found(tmp_path):
    known = FolderImages([tmp_path / "1.jpg", tmp_path / "2.jpg"], np.stack([small(1)] * 2))
    known.add(tmp_path / "3.jpg", judged(1))
    assert known.find_copy(judged(1)) == tmp_path / "1.jpg"


def test_images_in_a_file_are_not_all_loaded(tmp_path):
    smalls = room_for_images((5000, 16, 16, 3), 1, tmp_path)
    for position in range(len(smalls)):
        smalls[position] = position % 256
    with traced_memory() as memory:
        known = FolderImages([tmp_path] * len(smalls), smalls)
        known.find_copy(Judged(".png", "", smalls[7], perceptual_hash(smalls[7])))
    assert memory.peak < smalls.nbytes / 5


def test_hashes_are_not_gathered_anew_for_each_image(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(
        copies, "find_copy", lambda _, others, hashes, **named: given.append(hashes)
    )
    known = FolderImages([tmp_path / "1.jpg"], small(1)[None])
    for _ in range(2):
        assert known.find_copy(judged(2)) is None
    assert all(isinstance(hashes, np.ndarray) for hashes in given)
    first, again = (hashes for hashes in given if len(hashes))
    assert np.shares_memory(first, again)


@pytest.fixture
def dataset(tmp_path):
    for name, seed in (("blue_jeans/a.png", 1), ("red_dress/b.png", 2), (".hidden/c.png", 3)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(encoded(pattern(seed), ".png"))
    (tmp_path / "red_dress" / "broken.jpg").write_bytes(b"no image")
    (tmp_path / "labels.csv").touch()
    return tmp_path


def number_loaded(folder):
    """Load the images of a folder and of its siblings; return how many files that are."""
    totals = []
    load_folder_images(folder, lambda items, total: totals.append(total) or items)
    (total,) = totals
    return total


def test_images_of_the_folder_and_of_its_siblings_are_known(dataset):
    known = load_folder_images(dataset / "blue_jeans", no_progress)
    assert known.find_copy(judged(1)) == dataset / "blue_jeans" / "a.png"
    assert known.find_copy(judged(2)) == dataset / "red_dress" / "b.png"


def test_a_folder_that_is_a_link_has_its_siblings_where_the_link_lies(dataset, tmp_path_factory):
    real = tmp_path_factory.mktemp("elsewhere")
    (dataset / "blue_shirt").symlink_to(real)
    known = load_folder_images(dataset / "blue_shirt", no_progress)
    assert known.find_copy(judged(2)) == dataset / "red_dress" / "b.png"


def test_a_link_that_leads_to_itself_is_no_sibling(dataset):
    (dataset / "loop").symlink_to("loop")
    known = load_folder_images(dataset / "blue_jeans", no_progress)
    assert known.find_copy(judged(2)) == dataset / "red_dress" / "b.png"


def test_the_folder_is_not_its_own_sibling_under_another_name(dataset):
    (dataset / "alias").symlink_to("blue_jeans")
    assert number_loaded(dataset / "blue_jeans") == 3


def test_the_folder_may_be_the_working_directory(dataset, monkeypatch):
    monkeypatch.chdir(dataset / "blue_jeans")
    assert number_loaded(Path()) == 3


def test_of_siblings_with_the_same_image_the_first_by_name_is_found(dataset, monkeypatch):
    for name in ("red_shirt", "black_dress"):
        (dataset / name).mkdir()
        (dataset / name / "d.png").write_bytes(encoded(pattern(4), ".png"))
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: sorted(iterdir(path), reverse=True))
    known = load_folder_images(dataset / "blue_jeans", no_progress)
    assert known.find_copy(judged(4)) == dataset / "black_dress" / "d.png"


def test_hidden_folders_are_no_siblings(dataset):
    known = load_folder_images(dataset / "blue_jeans", no_progress)
    assert known.find_copy(judged(3)) is None


def test_loading_reports_its_progress(dataset):
    assert number_loaded(dataset / "blue_jeans") == 3


def test_images_are_listed_by_name_without_hidden_and_other_files(tmp_path):
    for name in ("b.JPG", "a.png", ".c.png", "sources.csv"):
        (tmp_path / name).touch()
    assert [path.name for path in images_in(tmp_path)] == ["a.png", "b.JPG"]


def test_an_empty_folder_knows_nothing(tmp_path):
    (tmp_path / "blue_jeans").mkdir()
    known = load_folder_images(tmp_path / "blue_jeans", no_progress)
    assert known.find_copy(judged(1)) is None


def test_a_sibling_that_cannot_be_read_is_passed_over(dataset, monkeypatch):
    (dataset / "music").mkdir()
    iterdir = Path.iterdir

    def refuse_music(path):
        # As for folders that Windows protects, os.access says that they can be read.
        if path.name == "music":
            raise PermissionError(13, "Permission denied", str(path))
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refuse_music)
    known = load_folder_images(dataset / "blue_jeans", no_progress)
    assert known.find_copy(judged(2)) == dataset / "red_dress" / "b.png"


@pytest.mark.parametrize("refused", ["blue_jeans", "."], ids=["its own", "the one above"])
def test_a_folder_that_cannot_be_read_is_named(dataset, monkeypatch, refused):
    iterdir = Path.iterdir

    def refuse_one(path):
        if path == dataset / refused:
            raise PermissionError(13, "Permission denied", str(path))
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refuse_one)
    with pytest.raises(UserError, match=rf"cannot read {dataset / refused}: Permission denied"):
        load_folder_images(dataset / "blue_jeans", no_progress)
