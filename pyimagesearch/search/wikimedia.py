"""Wikimedia Commons: free images, searched through the API of MediaWiki."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pyimagesearch.search.errors import BusyError, RefusedError
from pyimagesearch.search.plain_text import plain_text
from pyimagesearch.search.services import (
    OPENVERSE_NAMES,
    Page,
    SearchResult,
    licence_code,
    licence_with_url,
    open_licences,
    results_in,
    text_in,
    value_in,
)

# Wikimedia asks programs not to download originals where a smaller size will do. This is one of
# the widths that it keeps ready (https://www.mediawiki.org/wiki/Common_thumbnail_sizes).
WIDTH = 960
# Replies that ask for patience. After "maxlag", programs should wait at least five seconds
# (https://www.mediawiki.org/wiki/Manual:Maxlag_parameter).
BUSY = ("maxlag", "ratelimited", "readonly")
MAXLAG_SECONDS = PATIENCE_SECONDS = 5

METADATA = ("LicenseShortName", "License", "LicenseUrl", "Artist")
# The code of a licence on Commons, such as cc-by-sa-4.0.
LICENCE = re.compile(r"(?:cc-)?(by(?:-(?:nc|nd|sa))*|cc0|zero|pdm|pd|public-domain)\b")


class Wikimedia:
    """Wikimedia Commons, described at https://www.mediawiki.org/wiki/API:Search.

    Parameters
    ----------
    endpoint : str, optional
        That of another wiki.
    """

    name = "wikimedia"
    # What "continue" held on the page before.
    first_cursor: Mapping[str, Any] = {}
    # As many as the API makes smaller images for at once, and each page takes it a whole search.
    fewest_per_page = 50
    most_per_page = 50
    most_results: int | None = None
    pause_seconds = 1.0
    limits = ""
    headers: Mapping[str, str] = {}
    advice = (
        "it asks for the name of whoever runs a program: set WIKIMEDIA_CONTACT to your mail "
        "address or web page"
    )
    is_retired = False

    def __init__(self, endpoint: str | None = None) -> None:
        self.endpoint = endpoint or "https://commons.wikimedia.org/w/api.php"

    def parameters(
        self, query: str, licence: str | None, *, cursor: Mapping[str, Any], count: int
    ) -> dict[str, Any]:
        """See :class:`Service`."""
        if licence:
            open_licences(licence)  # refuses what nothing is under
        return dict(cursor) | {
            "action": "query",
            "format": "json",
            "formatversion": 2,
            "maxlag": MAXLAG_SECONDS,
            "generator": "search",
            "gsrsearch": f"{query} filetype:bitmap",
            "gsrnamespace": 6,
            "gsrlimit": count,
            "prop": "imageinfo",
            "iiprop": "url|size|mime|extmetadata",
            "iiurlwidth": WIDTH,
            "iiextmetadatafilter": "|".join(METADATA),
        }

    def read_page(
        self, document: Any, cursor: Mapping[str, Any], licence: str | None = None
    ) -> Page:
        """See :class:`Service`."""
        if not isinstance(document, dict):
            raise TypeError(f"expected an object, not {type(document)}")
        if "error" in document:
            raise _error(document["error"])
        following = _continuation(document)
        if "query" in document:
            found = document["query"]["pages"]
        elif "batchcomplete" in document:
            found = []  # There is no "query" where nothing was found.
        else:
            raise KeyError("query")
        # The first version of the format has them by number and not in the order of the search.
        pages = results_in(list(found.values()) if isinstance(found, dict) else found)
        pages.sort(key=_rank)
        described = [(item, info) for item in pages if (info := _image_info(item))]
        wanted = set(open_licences(licence)) if licence else None
        results = [
            _result(item, info)
            for item, info in described
            if wanted is None or wanted & _kinds(_licences(info))
        ]
        total = len(results) if not cursor and following is None else None
        return Page(results, total, following)


def _continuation(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a request for the next page has to repeat (API:Continue)."""
    following = document.get("continue")
    if following is None:
        return None
    if not isinstance(following, dict) or not all(
        isinstance(value, str | int) for value in following.values()
    ):
        raise TypeError("expected texts and numbers to go on with")
    return following


def _error(error: Any) -> BusyError | RefusedError:
    code = text_in(error, "code")
    if code not in BUSY:
        return RefusedError(f"{code}: {plain_text(text_in(error, 'info'))}")
    lag = value_in(error, "lag")
    seconds = lag if isinstance(lag, int | float) else 0
    return BusyError(max(PATIENCE_SECONDS, seconds))


def _rank(item: Any) -> float:
    index = value_in(item, "index")
    return index if isinstance(index, int | float) else 0


def _image_info(item: Any) -> Mapping[str, Any] | None:
    """Return what a page says about its image; None if that is not on this page of results."""
    versions = value_in(item, "imageinfo")
    info = versions[0] if isinstance(versions, list) and versions else None
    if not isinstance(info, dict) or not text_in(info, "url"):
        return None
    is_image = text_in(info, "mime").startswith("image/") or "mime" not in info
    return info if is_image else None


def _result(item: Any, info: Mapping[str, Any]) -> SearchResult:
    licence = licence_with_url(_metadata(info, "LicenseShortName"), _metadata(info, "LicenseUrl"))
    return SearchResult(
        url=text_in(info, "thumburl") or text_in(info, "url"),
        page=text_in(info, "descriptionurl"),
        licence=licence,
        creator=_metadata(info, "Artist"),
        title=text_in(item, "title").removeprefix("File:"),
    )


def _metadata(info: Mapping[str, Any], name: str) -> str:
    """Return a field of "extmetadata", whose values are HTML, as plain text."""
    return plain_text(text_in(value_in(value_in(info, "extmetadata"), name), "value"))


def _licences(info: Mapping[str, Any]) -> list[str]:
    return [_metadata(info, name) for name in ("License", "LicenseShortName")]


def _kinds(licences: Iterable[str]) -> set[str]:
    """Spell licences as Openverse does, without their versions; leave out all others."""
    names = [match[1] for name in licences if (match := LICENCE.match(licence_code(name)))]
    return {OPENVERSE_NAMES.get(name, name) for name in names}
