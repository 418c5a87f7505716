"""Openverse: images under open licences."""

from collections.abc import Mapping
from typing import Any

from pyimagesearch.search.services import (
    Page,
    SearchResult,
    licence_with_url,
    open_licences,
    results_in,
    text_in,
)

OPENVERSE_TOKEN = "OPENVERSE_TOKEN"

# The last page ends here, with and without a token; the service refuses those after it.
MOST_PER_QUERY = 240


class Openverse:
    """Images under open licences, described at https://api.openverse.org/v1/.

    Parameters
    ----------
    token : str, optional
        Lifts the limits for anonymous users: 20 results a page, 20 requests a minute, 200 a day.
    endpoint : str, optional
        That of another installation.
    """

    name = "openverse"
    first_cursor = 1
    most_results: int | None = MOST_PER_QUERY
    advice = f"the environment variable {OPENVERSE_TOKEN} must hold a valid token, or be unset"
    is_retired = False

    def __init__(self, token: str | None = None, endpoint: str | None = None) -> None:
        self.endpoint = endpoint or "https://api.openverse.org/v1/images/"
        self.headers: Mapping[str, str] = {"Authorization": f"Bearer {token}"} if token else {}
        # With a token, a page may have 50 results. Pages of 48 end exactly at result 240.
        self.fewest_per_page, self.most_per_page = (1, 48) if token else (20, 20)
        self.pause_seconds = 0.6 if token else 3.0
        self.limits = (
            "100 requests a minute and 10,000 a day with a token"
            if token
            else f"20 requests a minute and 200 a day without a token in {OPENVERSE_TOKEN}"
        )

    def parameters(
        self, query: str, licence: str | None, *, cursor: int, count: int
    ) -> dict[str, Any]:
        """See :class:`Service`."""
        asked = {"q": query, "page": cursor, "page_size": count}
        return asked | ({"license": ",".join(open_licences(licence))} if licence else {})

    def read_page(self, document: Any, cursor: int, licence: str | None = None) -> Page:
        """See :class:`Service`."""
        results = [
            SearchResult(
                url=text_in(item, "url"),
                page=text_in(item, "foreign_landing_url"),
                licence=_licence(item),
                creator=text_in(item, "creator"),
                title=text_in(item, "title"),
            )
            for item in results_in(document["results"])
        ]
        end_of_next = (cursor + 1) * int(document.get("page_size", 0))
        has_more = cursor < int(document["page_count"]) and end_of_next <= MOST_PER_QUERY
        total = int(document["result_count"])
        return Page(results, total, cursor + 1 if results and has_more else None)


def _licence(item: Any) -> str:
    licence = f"{text_in(item, 'license')} {text_in(item, 'license_version')}".strip()
    return licence_with_url(licence, text_in(item, "license_url"))
