import pytest

from pyimagesearch.errors import BAD_INPUT, WORK_FAILED, exit_code


@pytest.mark.parametrize(("unreadable", "code"), [(0, 0), (1, WORK_FAILED), (2, BAD_INPUT)])
def test_the_exit_code_tells_whether_all_some_or_no_files_could_be_read(unreadable, code):
    assert exit_code(unreadable, 2) == code
