import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.reports.shortening import shortened


@given(st.text(max_size=30), st.integers(0, 20), st.sampled_from(["start", "middle", "end"]))
def test_shortened_text_is_as_long_as_allowed(text, most, cut):
    short = shortened(text, most, cut=cut)
    assert len(short) == min(len(text), most)


@pytest.mark.parametrize(
    ("cut", "short"), [("start", "...ghij"), ("middle", "ab...ij"), ("end", "abcd...")]
)
def test_text_is_shortened_where_its_least_important_part_is(cut, short):
    assert shortened("abcdefghij", 7, cut=cut) == short
