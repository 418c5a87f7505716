import cv2
import numpy as np
import pytest

from pyimagesearch.reports import montage
from pyimagesearch.reports.montage import CAPTION_HEIGHT, CELL_WIDTH


@pytest.mark.parametrize("text", ["Wg", "Wg" * 60], ids=["short", "long"])
def test_each_line_of_a_caption_has_a_row_of_its_own_and_nothing_is_cut_off(text):
    inks = []
    for number in range(3):
        lines = [text if each == number else "" for each in range(3)]
        caption = montage.captioned(np.zeros((8, 8, 3), np.uint8), lines)[CELL_WIDTH:]
        inks.append(cv2.boundingRect((caption < 255).any(axis=2).astype(np.uint8)))
    (x, y, width, height), second, third = inks
    assert second[1] - y == third[1] - second[1] >= height
    assert [ink[0] for ink in inks] == [x] * 3
    assert [ink[2:] for ink in inks] == [(width, height)] * 3
    assert 0 < x < x + width < CELL_WIDTH
    assert 0 < y < third[1] + height < CAPTION_HEIGHT
