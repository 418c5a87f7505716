from misbehaving_results import KINDS

from pyimagesearch.search.outcomes import (
    DUPLICATE,
    FAILED,
    KEPT,
    NO_IMAGE,
    OTHER_FOLDER,
    TOO_SMALL,
    Outcome,
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


def test_the_summary_of_nothing_counts_zeros():
    assert [line.partition(": ")[2] for line in summary([])] == ["0"] * 6


def test_a_url_reaches_no_terminal_unescaped():
    assert summary([Outcome("\x1b[31m\n", OTHER_FOLDER, "a/1.jpg")])[2].isprintable()


def test_the_misbehaving_server_covers_each_category():
    covered = {expected for expected, _, _ in KINDS.values()}
    assert covered == {KEPT, DUPLICATE, OTHER_FOLDER, TOO_SMALL, NO_IMAGE, FAILED}
