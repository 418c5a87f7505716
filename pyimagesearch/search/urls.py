"""URLs that may be fetched."""

from typing import NamedTuple
from urllib.parse import urljoin

from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from pyimagesearch.search.errors import FetchError

DEFAULT_PORTS = {"http": 80, "https": 443}


class Target(NamedTuple):
    """A URL, taken apart for a request.

    Attributes
    ----------
    url : str
        Normalised, without credentials and fragment.
    scheme : str
        ``"http"`` or ``"https"``.
    host : str
        A name in ASCII (IDNA) or an address, an IPv6 address without brackets.
    port : int
        The scheme's own where the URL names none.
    authority : str
        Host and port as the header ``Host`` gives them.
    path : str
        Path and query.
    """

    url: str
    scheme: str
    host: str
    port: int
    authority: str
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what two URLs of one server share."""
        return self.scheme, self.host, self.port


def parse(url: str) -> Target:
    """Take a URL apart.

    Parameters
    ----------
    url : str
        Anything.

    Returns
    -------
    Target
        What a request needs to know.

    Raises
    ------
    FetchError
        If it is not an http or https URL with a host.
    """
    try:
        parsed = parse_url(url)
    except (ValueError, HTTPError) as error:
        raise FetchError("not a usable URL") from error
    scheme, host = parsed.scheme, parsed.host
    if scheme not in DEFAULT_PORTS or not host:
        raise FetchError("neither an http nor an https URL")
    return Target(
        url=parsed._replace(auth=None, fragment=None).url,
        scheme=scheme,
        host=host.strip("[]"),
        port=parsed.port or DEFAULT_PORTS[scheme],
        authority=parsed.netloc or host,
        path=parsed.request_uri,
    )


def follow(target: Target, location: str) -> Target:
    """Resolve where a redirect leads; see :func:`parse`.

    Parameters
    ----------
    target : Target
        What was requested.
    location : str
        The header ``Location`` of the answer, absolute or relative.

    Returns
    -------
    Target
        What to request next.

    Raises
    ------
    FetchError
        If the redirect does not lead to an http or https URL with a host.
    """
    return parse(urljoin(target.url, location))
