"""The protocol of the Bing Image Search."""

from collections.abc import Mapping
from typing import Any

from pyimagesearch.errors import UserError
from pyimagesearch.search.services import Page, SearchResult, results_in, text_in, value_in

BING_KEY = "BING_SEARCH_API_KEY"
# "Any" leaves out images whose licence is not known.
LICENCES = ("Public", "Share", "ShareCommercially", "Modify", "ModifyCommercially", "Any", "All")
RETIRED = (
    "Microsoft retired the Bing Search APIs on 11 August 2025; set the endpoint of a compatible "
    "service, or use the provider openverse, which needs no key"
)
KEY_NEEDED = (
    f"{BING_KEY} or the key file must hold a key for the service there; the provider openverse "
    "needs none"
)


class Bing:
    """The Bing Image Search v7 protocol.

    Described at https://learn.microsoft.com/bing/search-apis/bing-image-search/reference/.
    Microsoft retired Bing's own service on 11 August 2025; compatible services remain.

    Parameters
    ----------
    key : str
        Sent in the header ``Ocp-Apim-Subscription-Key``.
    endpoint : str, optional
        That of a compatible service.
    """

    name = "bing"
    first_cursor = 0
    fewest_per_page = 1
    most_per_page = 150
    most_results: int | None = None
    pause_seconds = 0.0
    limits = ""

    def __init__(self, key: str, endpoint: str | None = None) -> None:
        self.endpoint = endpoint or "https://api.bing.microsoft.com/v7.0/images/search"
        self.is_retired = endpoint is None
        self.advice = RETIRED if self.is_retired else KEY_NEEDED
        self.headers: Mapping[str, str] = {"Ocp-Apim-Subscription-Key": key}

    def parameters(
        self, query: str, licence: str | None, *, cursor: int, count: int
    ) -> dict[str, Any]:
        """See :class:`Service`."""
        asked = {"q": query, "offset": cursor, "count": count}
        return asked | ({"license": _licence(licence)} if licence else {})

    def read_page(self, document: Any, cursor: int, licence: str | None = None) -> Page:
        """See :class:`Service`."""
        found = results_in(document["value"])
        estimate = int(document.get("totalEstimatedMatches", cursor + len(found)))
        following = int(document.get("nextOffset", cursor + len(found)))
        # The last page may name itself as the next one.
        has_more = bool(found) and cursor < following < estimate
        results = [
            SearchResult(
                url=text_in(item, "contentUrl"),
                page=text_in(item, "hostPageUrl"),
                licence=text_in(item, "license"),
                creator=text_in(value_in(item, "creator"), "name") or text_in(item, "creator"),
                title=text_in(item, "name"),
            )
            for item in found
        ]
        # The estimate differs from page to page, so that more or fewer may come.
        total = None if cursor or has_more else len(found)
        return Page(results, total, following if has_more else None)


def _licence(wanted: str) -> str:
    for licence in LICENCES:
        if licence.lower() == wanted.strip().lower():
            return licence
    raise UserError(f"bing knows no licence {wanted!r}: choose one of {', '.join(LICENCES)}")
