from pyimagesearch.artifacts.receptive_fields import Cells, padding


def test_a_padded_convolution_leaves_cells_where_they_are():
    cells = Cells((1, 1), (3, 3))
    assert cells.after((3, 3), (1, 1), taken=(11, 11), returned=(11, 11)) == cells


def test_poolings_that_drop_the_last_pixels_begin_at_the_first():
    cells = Cells().after((3, 3), (3, 3), taken=(34, 34), returned=(11, 11))
    assert cells == ((1, 1), (3, 3))
    cells = cells.after((2, 2), (2, 2), taken=(11, 11), returned=(5, 5))
    assert cells == ((2.5, 2.5), (6, 6))


def test_cropping_and_padding_count_in_cells():
    cells = Cells((1, 2), (3, 4))
    assert cells.cropped(2, 1) == ((7, 6), (3, 4))
    assert cells.cropped(2, 1).cropped(-2, -1) == cells


def test_rows_and_columns_have_windows_of_their_own():
    cells = Cells().after((5, 3), (2, 1), taken=(35, 34), returned=(16, 32))
    assert cells == ((2, 1), (2, 1))


def test_of_an_odd_number_of_padded_pixels_one_more_is_at_the_end():
    pads = padding((2, 5), (1, 2), taken=(7, 8), returned=(7, 4))
    assert pads == [(0, 1), (1, 2)]
    cells = Cells().after((2, 5), (1, 2), taken=(7, 8), returned=(7, 4))
    assert cells == ((0.5, 1), (1, 2))


def test_what_drops_pixels_or_uses_all_pads_none():
    assert padding((2, 3), (2, 3), taken=(11, 12), returned=(5, 4)) == [(0, 0), (0, 0)]
