"""Which services to search, and the keys for them."""

import os
from collections.abc import Callable

from pyimagesearch.errors import UnreadableFileError, UserError
from pyimagesearch.reading import read_file
from pyimagesearch.search.bing import BING_KEY, Bing
from pyimagesearch.search.brave import BRAVE_KEY, Brave
from pyimagesearch.search.courtesy import WIKIMEDIA_CONTACT
from pyimagesearch.search.errors import FetchError
from pyimagesearch.search.openverse import OPENVERSE_TOKEN, Openverse
from pyimagesearch.search.services import Service
from pyimagesearch.search.urls import parse
from pyimagesearch.search.wikimedia import Wikimedia

# Far more than any key has.
KEY_BYTES = 2**12
# The services that need a key, and the environment variable that may hold it.
WITH_KEY: dict[str, tuple[Callable[[str, str | None], Service], str]] = {
    "bing": (Bing, BING_KEY),
    "brave": (Brave, BRAVE_KEY),
}


def choose_services(
    provider: str | None, endpoint: str | None, key_file: str | None
) -> tuple[list[Service], str]:
    """Choose Bing's protocol or Brave if there is a key, otherwise Openverse, then Wikimedia.

    Parameters
    ----------
    provider : {"bing", "brave", "openverse", "wikimedia"} or None
        What the user asks for, if anything.
    endpoint : str or None
        Replaces the service's own, and no other service is searched then.
    key_file : str or None
        File that holds the key, for bing if `provider` names no service. Without one, the
        environment variable ``BING_SEARCH_API_KEY`` or ``BRAVE_SEARCH_API_KEY`` may hold it.

    Returns
    -------
    services : list of Service
        Ready to search. The next one is for what the one before it does not find.
    reason : str
        Why these.

    Raises
    ------
    UserError
        If a key is missing, unreadable, malformed or not needed, or if the endpoint is not a URL.
    """
    if endpoint is not None:
        _require_url(endpoint)
    if key_file and provider and provider not in WITH_KEY:
        takers = " or ".join(WITH_KEY)
        raise UserError(f"{provider} takes no key file: leave it out, or search with {takers}")
    if provider == "openverse":
        return [_openverse(endpoint)], "you asked for it"
    if provider == "wikimedia":
        return [Wikimedia(endpoint)], "you asked for it"
    names = [provider] if provider else ["bing"] if key_file else list(WITH_KEY)
    for name in names:
        service, variable = WITH_KEY[name]
        key = _read_key(key_file) if key_file else _environment(variable)
        if key:
            where = f"{key_file or variable} holds a key"
            return [service(key, endpoint)], "you asked for it" if provider else where
    if provider:
        raise UserError(
            f"{provider} needs a key: put it into a key file or into {WITH_KEY[provider][1]}, or "
            "use the provider openverse, which needs none"
        )
    variables = " or ".join(variable for _, variable in WITH_KEY.values())
    reason = f"there is no key for {' or '.join(WITH_KEY)} in a key file, {variables}"
    openverse = _openverse(endpoint)
    return [openverse] if endpoint else [openverse, Wikimedia()], reason


def contact() -> str | None:
    """Return what the environment says about who runs this program.

    Returns
    -------
    str or None
        A mail address or a web page.

    Raises
    ------
    UserError
        If it is something else.
    """
    return _checked(os.environ.get(WIKIMEDIA_CONTACT, ""), WIKIMEDIA_CONTACT, "an address") or None


def _openverse(endpoint: str | None) -> Openverse:
    return Openverse(_environment(OPENVERSE_TOKEN), endpoint)


def _require_url(endpoint: str) -> None:
    try:
        parse(endpoint)
    except FetchError as error:
        # It is not repeated, because it may hold a password or a key.
        raise UserError(
            f"cannot search the endpoint ({error}): it must be a URL such as https://host/search"
        ) from error


def _environment(name: str) -> str | None:
    return _checked(os.environ.get(name, ""), name, "a key") or None


def _read_key(path: str) -> str:
    try:
        text = read_file(path, most_bytes=KEY_BYTES).decode("utf-8-sig")
    except UnreadableFileError as error:
        raise UserError(f"cannot read the key from {path}: {error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read the key from {path}: it is not text") from error
    key = _checked(text, path, "a key")
    if not key:
        raise UserError(f"{path} is empty: a key file holds the key, and nothing else")
    return key


def _checked(text: str, source: str, what: str) -> str:
    # A later error would quote the header that cannot be sent, and the key with it.
    word = text.strip()
    if not (word.isascii() and word.isprintable()) or " " in word:
        raise UserError(f"{source} does not hold {what}: it must be one word of ASCII characters")
    return word
