"""The Brave Image Search."""

from collections.abc import Mapping
from typing import Any

from pyimagesearch.errors import UserError
from pyimagesearch.search.services import Page, SearchResult, results_in, text_in, value_in

BRAVE_KEY = "BRAVE_SEARCH_API_KEY"

# https://api-dashboard.search.brave.com/api-reference/images/image_search
MOST_PER_QUERY = 200
MOST_CHARACTERS, MOST_WORDS = 400, 50


class Brave:
    """The Brave Image Search, whose results are all on one page.

    Described at https://api-dashboard.search.brave.com/api-reference/images/image_search.

    Parameters
    ----------
    key : str
        Sent in the header ``X-Subscription-Token``.
    endpoint : str, optional
        That of a compatible service.
    """

    name = "brave"
    first_cursor = 0
    # A request costs the same, whatever it asks for.
    fewest_per_page = MOST_PER_QUERY
    most_per_page = MOST_PER_QUERY
    most_results: int | None = MOST_PER_QUERY
    pause_seconds = 0.0
    limits = ""
    advice = (
        f"{BRAVE_KEY} or the key file must hold a key of a plan with image search, from "
        "https://api-dashboard.search.brave.com"
    )
    is_retired = False

    def __init__(self, key: str, endpoint: str | None = None) -> None:
        self.endpoint = endpoint or "https://api.search.brave.com/res/v1/images/search"
        self.headers: Mapping[str, str] = {"X-Subscription-Token": key}

    def parameters(
        self, query: str, licence: str | None, *, cursor: int, count: int
    ) -> dict[str, Any]:
        """See :class:`Service`."""
        if licence:
            raise UserError(
                "brave does not know the licences of images: search without a licence, or with "
                "openverse or wikimedia"
            )
        # A query that is too long is refused with the same status as a wrong key.
        if not query.strip() or len(query) > MOST_CHARACTERS or len(query.split()) > MOST_WORDS:
            raise UserError(
                f"brave takes a query of at most {MOST_CHARACTERS} characters and {MOST_WORDS} "
                "words, and not an empty one: change it"
            )
        return {"q": query, "count": count}

    def read_page(self, document: Any, cursor: int, licence: str | None = None) -> Page:
        """See :class:`Service`."""
        results = [
            SearchResult(
                url=text_in(value_in(item, "properties"), "url"),
                page=text_in(item, "url"),
                title=text_in(item, "title"),
            )
            for item in results_in(document["results"])
        ]
        return Page(results, len(results), None)
