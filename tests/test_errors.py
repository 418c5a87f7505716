import pytest

from pyimagesearch.errors import (
    BAD_INPUT,
    LONGEST_SHOWN,
    WORK_FAILED,
    exit_code,
    first_line,
    reason_of,
)


@pytest.mark.parametrize(("unreadable", "code"), [(0, 0), (1, WORK_FAILED), (2, BAD_INPUT)])
def test_the_exit_code_tells_whether_all_some_or_no_files_could_be_read(unreadable, code):
    assert exit_code(unreadable, 2) == code


@pytest.mark.parametrize("text", [1000 * "A", 500 * "A "])
def test_a_long_reason_is_cut_wherever_its_spaces_are(text):
    line = first_line(RuntimeError(f"{text}\nsecond line"))
    assert LONGEST_SHOWN - 10 < len(line) <= LONGEST_SHOWN
    assert (line[:1], line[-3:]) == ("A", "...")


@pytest.mark.parametrize(
    ("text", "expected"), [("a\nb", "a"), ("  a\t b ", "a b"), ("", "RuntimeError")]
)
def test_a_reason_is_the_first_line_or_the_type_of_the_exception(text, expected):
    assert first_line(RuntimeError(text)) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileNotFoundError(2, "No such file or directory", "a.jpg"), "No such file or directory"),
        (OSError("no room"), "no room"),
        (OSError(), "OSError"),
        (ValueError("embedded null byte"), "embedded null byte"),
    ],
)
def test_the_system_and_python_say_why_they_refuse_something(error, expected):
    assert reason_of(error) == expected
