import pytest
from misbehaving_results import KINDS

from pyimagesearch.errors import WORK_FAILED, UserError
from pyimagesearch.search.outcomes import (
    DUPLICATE,
    FAILED,
    KEPT,
    NO_IMAGE,
    OTHER_FOLDER,
    TOO_SMALL,
    Outcome,
    check_any_kept,
    summary,
)


def test_the_summary_has_a_line_for_each_category():
    outcomes = [
        Outcome("a", KEPT, "00000000.jpg"),
        Outcome("b", KEPT, "00000001.jpg", is_earlier=True),
        Outcome("c", DUPLICATE, "of 00000000.jpg"),
        Outcome("d", OTHER_FOLDER, "red_dress/1.jpg"),
        Outcome("e", TOO_SMALL, "1 x 1 pixels"),
        Outcome("f", NO_IMAGE, "not an image"),
        Outcome("g", FAILED, "gone"),
        Outcome("h", FAILED, "gone"),
    ]
    assert summary(outcomes) == [
        "kept: 2, 1 of them by an earlier run",
        "duplicates: 1",
        "left out as they are under other labels: 1 (d is red_dress/1.jpg)",
        "too small: 1",
        "not an image: 1",
        "failed: 2 (2 x gone)",
    ]


def test_the_summary_separates_thousands():
    outcomes = [Outcome("a", KEPT, "0.jpg", is_earlier=True), Outcome("b", FAILED, "gone")] * 1234
    lines = summary(outcomes)
    assert lines[0] == "kept: 1,234, 1,234 of them by an earlier run"
    assert lines[-1] == "failed: 1,234 (1,234 x gone)"


def test_the_summary_of_nothing_counts_zeros():
    assert [line.partition(": ")[2] for line in summary([])] == ["0"] * 6


def test_a_url_reaches_no_terminal_unescaped():
    assert summary([Outcome("\x1b[31m\n", OTHER_FOLDER, "a/1.jpg")])[2].isprintable()


def test_the_misbehaving_server_covers_each_category():
    covered = {expected for expected, _, _ in KINDS.values()}
    assert covered == {KEPT, DUPLICATE, OTHER_FOLDER, TOO_SMALL, NO_IMAGE, FAILED}


@pytest.mark.parametrize(
    ("outcomes", "complaint"),
    [
        ([], "nothing was found: search with other words"),
        ([Outcome("a", TOO_SMALL, "9 x 9 pixels")], "no image was kept, and the summary says why"),
    ],
)
def test_a_search_that_brings_nothing_says_so_and_what_to_do(outcomes, complaint):
    with pytest.raises(UserError, match=complaint) as caught:
        check_any_kept(outcomes)
    assert caught.value.exit_code == WORK_FAILED


def test_an_image_that_an_earlier_run_kept_is_enough():
    check_any_kept([Outcome("a", KEPT, "0.jpg", is_earlier=True), Outcome("b", FAILED, "gone")])
