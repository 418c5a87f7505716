import sys

import numpy as np
import pytest

from pyimagesearch.errors import UserError
from pyimagesearch.image_files import check_image_names, save_image


def test_an_image_is_written_in_the_format_of_its_name(tmp_path):
    image = np.full((5, 6, 3), 7, np.uint8)
    save_image(tmp_path / "new" / "ä.png", image)
    assert (tmp_path / "new" / "ä.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match=r"\.jpg"):
        save_image(tmp_path / "image.xyz", image)


@pytest.mark.parametrize("name", [".png", "a.pgm", "a.mp4", "a.pdf", "a"])
def test_a_name_that_no_coloured_image_can_have_is_refused_before_and_when_it_is_written(
    tmp_path, name
):
    with pytest.raises(UserError, match=r"ends in \.jpg or \.png"):
        check_image_names(None, tmp_path / name)
    with pytest.raises(UserError, match=r"ends in \.jpg or \.png"):
        save_image(tmp_path / name, np.zeros((5, 6, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS takes only names in UTF-8")
@pytest.mark.parametrize("name", ["caf\udce9.png", "caf\udce9/a.png"])
def test_an_image_can_have_a_name_that_is_not_utf_8(tmp_path, name):
    image = np.full((5, 6, 3), 7, np.uint8)
    check_image_names(tmp_path / name)
    save_image(tmp_path / name, image)
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match="ends in"):
        save_image(tmp_path / "a.pn\udce9", image)


def test_names_that_images_can_have_are_accepted_and_nothing_is_written(tmp_path, capfd):
    names = ("a.png", "b.JPG", "c.webp", "d.jp2")
    check_image_names(None, *(tmp_path / name for name in names))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
