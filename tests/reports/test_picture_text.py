import cv2
import numpy as np
import pytest

from pyimagesearch.reports.picture_text import (
    FONT,
    fitted,
    fitted_labels,
    text_width,
    write_text,
)

LONG = "A very long label number 055"


@pytest.mark.parametrize("text", ["Für Größe", "красный", "赤い", "bl\\udce9"])
def test_letters_of_every_script_are_written_as_far_as_the_font_has_them(text):
    written, expected = np.full((2, 40, 200, 3), 255, np.uint8)
    write_text(written, text, (4, 20), size=0.5)
    cv2.putText(expected, text, (4, 20), FONT, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    np.testing.assert_array_equal(written, expected)


def test_letters_that_are_spelt_as_two_characters_are_written_as_one():
    one, two = np.full((2, 40, 200, 3), 255, np.uint8)
    write_text(one, "M\u00fctze", (4, 20), size=0.5)
    write_text(two, "Mu\u0308tze", (4, 20), size=0.5)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("text", ["i" * 300, "W" * 300, "Ü" * 300, "\x1b" * 300])
@pytest.mark.parametrize("cut", ["start", "middle", "end"])
def test_fitted_text_fills_the_width_and_no_more(text, cut):
    short = fitted(text, 200, size=0.5, cut=cut)
    assert "..." in short
    assert 175 < text_width(short, 0.5) <= 200
    image = np.full((40, 300, 3), 255, np.uint8)
    write_text(image, short, (0, 20), size=0.5)
    assert (image[:, 204:] == 255).all()


def test_text_that_fits_stays_as_it_is():
    assert fitted("blue jeans", text_width("blue jeans", 0.5), size=0.5) == "blue jeans"


def test_text_without_any_room_is_empty():
    assert fitted("blue", -5, size=0.5) == ""


def test_of_labels_that_do_not_fit_the_longest_are_shortened_and_all_are_named():
    line = fitted_labels(["blue", LONG, LONG], 220, size=0.5, write=", ".join)
    first, second, third = line.split(", ")
    assert first == "blue"
    assert second == third != LONG
    assert second.startswith("A ")
    assert second.endswith("55")
    assert text_width(line, 0.5) <= 220


def test_of_more_labels_than_fit_the_first_are_named():
    line = fitted_labels([f"label {n}" for n in range(90)], 220, size=0.5, write=", ".join)
    assert line.startswith("l...0, ")
    assert line.endswith("...")
    assert text_width(line, 0.5) <= 220
