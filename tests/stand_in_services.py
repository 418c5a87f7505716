"""Search services that answer as their documentation says, errors included."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from misbehaving_results import Item

KEY = "s3cret-key-that-nobody-may-see"
# What Openverse gives of one query, and how many requests a day to whom it does not know.
OPENVERSE_DEPTH, OPENVERSE_DAILY = 240, 200
CREATIVE_COMMONS = "https://creativecommons.org/licenses/by/4.0/"


class Request(NamedTuple):
    """A search.

    Attributes
    ----------
    parameters : dict of str to str
        Of the URL.
    headers : mapping of str to str
        Names in any case.
    items : sequence of Item
        What there is to find.
    times_searched : int
        How many searches there have been today, this one included.
    """

    parameters: dict[str, str]
    headers: Mapping[str, str]
    items: Sequence[Item]
    times_searched: int = 1


Answer = tuple[int, dict[str, str], Any]


def bing(request: Request) -> Answer:
    if request.headers.get("Ocp-Apim-Subscription-Key") != KEY:
        return 401, {}, {}
    offset, count = int(request.parameters["offset"]), int(request.parameters["count"])
    found = request.items[offset : offset + count]
    value = [
        {"contentUrl": item.url, "hostPageUrl": f"{item.url}.html", "name": "=1+1"}
        for item in found
    ]
    return (
        200,
        {},
        {
            "_type": "Images",
            "totalEstimatedMatches": len(request.items),
            "nextOffset": offset + len(found),
            "value": value,
        },
    )


def brave(request: Request) -> Answer:
    """See https://api-dashboard.search.brave.com/api-reference/images/image_search."""
    token = request.headers.get("X-Subscription-Token")
    query, count = request.parameters.get("q", ""), int(request.parameters.get("count", 50))
    if token != KEY:
        code = "SUBSCRIPTION_TOKEN_INVALID" if token else "VALIDATION"
        return 422, {}, brave_error(422, code)
    if not 1 <= count <= 200 or not 1 <= len(query) <= 400:
        return 422, {}, brave_error(422, "VALIDATION")
    results = [
        {
            "type": "image_result",
            "title": "=1+1",
            "url": f"{item.url}.html",
            "source": "127.0.0.1",
            "thumbnail": {"src": f"{item.url}?thumbnail", "width": 500, "height": 375},
            "properties": {"url": item.url, "placeholder": "", "width": 960, "height": 720},
            "confidence": "medium",
        }
        for item in request.items[:count]
    ]
    extra = {"might_be_offensive": False}
    return 200, {}, {"type": "images", "query": {"original": query}, "results": results} | extra


def brave_error(status: int, code: str) -> Any:
    error = {"id": "1", "status": status, "code": code, "detail": "", "meta": {}}
    return {"type": "ErrorResponse", "error": error, "time": 1663072993}


def openverse(request: Request) -> Answer:
    """See https://api.openverse.org/v1/, and what it answers where that is silent."""
    page, size = int(request.parameters["page"]), int(request.parameters["page_size"])
    is_anonymous = request.headers.get("Authorization") != f"Bearer {KEY}"
    if is_anonymous and request.times_searched > OPENVERSE_DAILY:
        detail = "Request was throttled. Expected available in 43200 seconds."
        return 429, {"Retry-After": "43200"}, {"detail": detail}
    most = 20 if is_anonymous else 50
    if size > most:
        return 401, {}, {"detail": f"page_size may not exceed {most}"}
    if page * size > OPENVERSE_DEPTH:
        return 401, {}, {"detail": f"pagination depth may not exceed {OPENVERSE_DEPTH}"}
    results = [
        {
            "url": item.url,
            "foreign_landing_url": f"{item.url}.html",
            "creator": "Ann",
            "license": "by",
            "license_version": "4.0",
            "license_url": CREATIVE_COMMONS,
            "title": None,
        }
        for item in request.items[(page - 1) * size : page * size]
    ]
    total = min(len(request.items), OPENVERSE_DEPTH)
    # It counts a page that is only begun although it then refuses it.
    pages = -(-total // size)
    counts = {"result_count": total, "page_count": pages, "page_size": size, "page": page}
    return 200, {}, counts | {"results": results}


def wikimedia(request: Request) -> Answer:
    """See https://www.mediawiki.org/wiki/API:Search, API:Imageinfo and API:Continue."""
    asked = request.parameters
    if "(" not in request.headers.get("User-Agent", ""):
        return 403, {}, {}
    if (asked["action"], asked["generator"], asked["prop"]) != ("query", "search", "imageinfo"):
        return 200, {}, {"error": {"code": "badvalue", "info": "Unrecognized value"}}
    offset, limit = int(asked.get("gsroffset", 0)), int(asked["gsrlimit"])
    end = offset + limit
    pages = [
        {
            "pageid": 7000 + number,
            "ns": 6,
            "title": f"File:{number}.jpg",
            "index": number + 1,
            "imagerepository": "local",
            "imageinfo": [image_info(item, asked)],
        }
        for number, item in enumerate(request.items[offset:end], offset)
    ]
    # Pages are in the order of their numbers, which has nothing to do with that of the search.
    pages.reverse()
    document = {"batchcomplete": True}
    if end < len(request.items):
        document |= {"continue": {"gsroffset": end, "continue": "gsroffset||"}}
    if pages:
        document |= {"query": {"pages": pages}}
    return 200, {}, document


def image_info(item: Item, asked: Mapping[str, str]) -> dict[str, Any]:
    metadata = {
        "LicenseShortName": {"value": "CC BY 4.0", "source": "commons-desc-page", "hidden": ""},
        "License": {"value": "cc-by-4.0", "source": "commons-templates", "hidden": ""},
        "LicenseUrl": {"value": CREATIVE_COMMONS, "source": "commons-desc-page", "hidden": ""},
        "Artist": {"value": '<a href="//wiki/User:Ann" title="User:Ann">Ann</a> &amp; <b>Bob</b>'},
        "ImageDescription": {"value": "<p>Jeans</p>"},
    }
    fields = asked["iiextmetadatafilter"].split("|")
    return {
        "size": len(item.body),
        "width": 4000,
        "height": 3000,
        "thumburl": item.url,
        "thumbwidth": int(asked["iiurlwidth"]),
        "url": f"{item.url}?original",
        "descriptionurl": f"{item.url}.html",
        "mime": "image/jpeg",
        "extmetadata": {name: metadata[name] for name in fields if name in metadata},
    }


SERVICES: dict[str, Callable[[Request], Answer]] = {
    "bing": bing,
    "brave": brave,
    "openverse": openverse,
    "wikimedia": wikimedia,
}
