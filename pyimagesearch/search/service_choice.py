"""Which service to search, and the key for it."""

import os

from pyimagesearch.errors import UnreadableFileError, UserError
from pyimagesearch.files import read_file
from pyimagesearch.search.errors import FetchError
from pyimagesearch.search.services import BING_KEY, OPENVERSE_TOKEN, Bing, Openverse, Service
from pyimagesearch.search.urls import parse

# Far more than any key has.
KEY_BYTES = 2**12


def choose_service(
    provider: str | None, endpoint: str | None, key_file: str | None
) -> tuple[Service, str]:
    """Choose Bing's protocol if there is a key for it, otherwise Openverse.

    Parameters
    ----------
    provider : {"bing", "openverse"} or None
        What the user asks for, if anything.
    endpoint : str or None
        Replaces the service's own.
    key_file : str or None
        File that holds the key. Without one, the environment variable ``BING_SEARCH_API_KEY`` may
        hold it.

    Returns
    -------
    service : Service
        Ready to search.
    reason : str
        Why this one.

    Raises
    ------
    UserError
        If a key is missing, unreadable or malformed, or if the endpoint is not a URL.
    """
    if endpoint is not None:
        _require_url(endpoint)
    asked = "you asked for it"
    if provider == "openverse":
        return Openverse(_environment(OPENVERSE_TOKEN), endpoint), asked
    key, where = _environment(BING_KEY), f"{BING_KEY} holds a key"
    if key_file:
        key, where = _read_key(key_file), f"{key_file} holds a key"
    if key:
        return Bing(key, endpoint), asked if provider else where
    if provider == "bing":
        raise UserError(
            f"bing needs a key: put it into a key file or into {BING_KEY}, or use the provider "
            "openverse, which needs none"
        )
    reason = f"there is no key for bing in a key file or in {BING_KEY}"
    return Openverse(_environment(OPENVERSE_TOKEN), endpoint), reason


def _require_url(endpoint: str) -> None:
    try:
        parse(endpoint)
    except FetchError as error:
        raise UserError(
            f"cannot search {endpoint} ({error}): the endpoint must be a URL such as "
            "https://host/search"
        ) from error


def _environment(name: str) -> str | None:
    return _checked_key(os.environ.get(name, ""), name) or None


def _read_key(path: str) -> str:
    try:
        text = read_file(path, most_bytes=KEY_BYTES).decode("utf-8-sig")
    except UnreadableFileError as error:
        raise UserError(f"cannot read the key from {path}: {error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read the key from {path}: it is not text") from error
    key = _checked_key(text, path)
    if not key:
        raise UserError(f"{path} is empty: a key file holds the key, and nothing else")
    return key


def _checked_key(text: str, source: str) -> str:
    # A later error would quote the header that cannot be sent, and the key with it.
    key = text.strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(f"{source} does not hold a key: it must be one word of ASCII characters")
    return key
