"""HTML from strangers as plain text."""

from contextlib import suppress
from html.parser import HTMLParser

# Longer texts are cut. Credits are hardly ever as long, and for some malformed texts the parser
# takes a time that grows with the square of their length (CVE-2025-6069).
LONGEST_HTML = 4096
# Elements whose text a browser does not show.
HIDDEN = ("script", "style", "template", "title")
# Tags that may stand within a word. All others separate words.
INLINE = ("a", "abbr", "b", "bdi", "big", "cite", "em", "font", "i", "small", "span", "strong", "u")


def plain_text(html: str) -> str:
    """Return what a browser would show of HTML.

    Parameters
    ----------
    html : str
        Anything; the first ``LONGEST_HTML`` characters are read.

    Returns
    -------
    str
        One line, with single spaces.

    Examples
    --------
    >>> plain_text('<a href="//example.org">Ann</a> &amp; <br/>Bob')
    'Ann & Bob'
    """
    parser = _Texts()
    # Older parsers give up on a malformed declaration such as "<![<"; what came before it is kept.
    with suppress(AssertionError):
        parser.feed(html[:LONGEST_HTML])
        parser.close()
    return " ".join("".join(parser.texts).split())


class _Texts(HTMLParser):
    """Collects the texts between tags."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in HIDDEN and not self._hidden:
            self._hidden = tag
        self._separate(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""
        self._separate(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)

    def _separate(self, tag: str) -> None:
        if tag not in INLINE:
            self.texts.append(" ")
