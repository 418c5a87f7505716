from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyimagesearch.search.plain_text import LONGEST_HTML, plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Ann", "Ann"),
        ('<a href="https://a/" title="User:Ann">Ann</a>', "Ann"),
        ("J<b>ea</b>ns", "Jeans"),
        ("Ann<br>Bob<br/>Eve", "Ann Bob Eve"),
        ("<ul><li>Ann</li><li>Bob</li></ul>", "Ann Bob"),
        (" Ann\n\t Bob ", "Ann Bob"),
        ("Ann &amp; Bob &#8211; &eacute;", "Ann & Bob \u2013 \u00e9"),
        ("a<script>alert(1)</script>b<style>p {}</style>c", "a b c"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("Ann<!-- not seen -->", "Ann"),
        ("Ann <![<", "Ann"),
        ("", ""),
    ],
)
def test_a_text_is_what_a_browser_shows(html, text):
    assert plain_text(html) == text


@given(st.text(alphabet="<>/&;!-b r\"'='\x00?[", max_size=60))
def test_any_text_becomes_one_line(html):
    assert "\n" not in plain_text(html)


@pytest.mark.parametrize("piece", ["<", "<!--", "<a ", "&", "<![", "</", "<script>", "<?", "<b>"])
def test_of_a_malformed_text_of_any_length_only_the_beginning_is_read(piece, monkeypatch):
    fed = []
    feed = HTMLParser.feed
    monkeypatch.setattr(HTMLParser, "feed", lambda own, text: fed.append(text) or feed(own, text))
    text = piece * LONGEST_HTML
    assert len(plain_text(text)) <= LONGEST_HTML
    assert fed == [text[:LONGEST_HTML]]
