import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyimagesearch.spreadsheets import FORMULA_STARTS, SEPARATORS, escaped_cell

STARTS = FORMULA_STARTS.replace("\\", "")
# A few letters stand for all, so that formulas after separators are frequent.
HOSTILE = st.text(st.sampled_from(f"{STARTS}{SEPARATORS}' \t\r\n\\ab1\x1b\udcff"))


@pytest.mark.parametrize("separator", [*SEPARATORS, "\t", " "])
@example(texts=[" =", ""])
@given(texts=st.lists(HOSTILE, min_size=1, max_size=3))
def test_no_cell_is_a_formula_whatever_separates_cells(separator, texts):
    file = io.StringIO()
    csv.writer(file).writerow([escaped_cell(text) for text in texts])
    if separator == '"':
        rows = [file.getvalue().rstrip("\r\n").split('"')]
    else:
        rows = list(csv.reader(io.StringIO(file.getvalue()), delimiter=separator))
    assert len(rows) == 1
    for cell in rows[0]:
        # A sign that stands by itself is no formula.
        assert not cell.lstrip(' "').startswith(tuple(STARTS)) or len(cell.strip(' "')) == 1


@given(st.text() | HOSTILE)
def test_a_cell_is_one_printable_line(text):
    assert escaped_cell(text).isprintable()


@given(st.text() | HOSTILE)
def test_escaping_twice_is_escaping_once(text):
    assert escaped_cell(escaped_cell(text)) == escaped_cell(text)


@pytest.mark.parametrize(
    "text",
    ["", "blue_jeans/00000012.jpg", "https://example.org/a-b?c=d&e=-1", "jeans - blue", "0.5"]
    + ["me@example.org", "Ångström's 图"],
)
def test_ordinary_text_stays_as_it_is(text):
    assert escaped_cell(text) == text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("a;=1+1", "a;'=1+1"),
        ("  @SUM(1)", "'  '@SUM(1)"),
        ('"=1"', '"\'=1"'),
        ("a\n=1+1", r"a\n=1+1"),
        ("\x1b[31m\udcff", r"\x1b[31m\udcff"),
        ("\uff1d1+1", "'\uff1d1+1"),
    ],
)
def test_hostile_text_is_escaped(text, cell):
    assert escaped_cell(text) == cell
