"""URLs that may be fetched."""

from typing import NamedTuple
from urllib.parse import urljoin

from urllib3.util import parse_url

from pyimagesearch.search.errors import FetchError

DEFAULT_PORTS = {"http": 80, "https": 443}
# Browsers speak HTTP to none of these ports, because other protocols may obey a line of a request.
# https://fetch.spec.whatwg.org/#port-blocking, as of 2025.
BLOCKED_BY_BROWSERS = (
    *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95),
    *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179),
    *(389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601),
    *(636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566),
    *(6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
)
# Redis and Memcached take commands line by line, too.
BAD_PORTS = frozenset((*BLOCKED_BY_BROWSERS, 6379, 11211))


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
        If it is not an http or https URL with a host, or if the host is an address with a scope.
    """
    try:
        parsed = parse_url(url)
    except Exception as error:  # LocationParseError, ValueError, UnicodeError, ...
        raise FetchError("not a usable URL") from error
    scheme, host = parsed.scheme, parsed.host
    if scheme not in DEFAULT_PORTS or not host:
        raise FetchError("neither an http nor an https URL")
    if host.startswith("[") and "%" in host:
        raise FetchError("an address with a scope, which only its own machine understands")
    return Target(
        url=parsed._replace(auth=None, fragment=None).url,
        scheme=scheme,
        host=host.strip("[]"),
        port=DEFAULT_PORTS[scheme] if parsed.port is None else parsed.port,
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
    try:
        url = urljoin(target.url, location)
    except ValueError as error:
        raise FetchError("not a usable URL") from error
    return parse(url)


def check_port(target: Target) -> None:
    """Refuse ports that are for other protocols than HTTP.

    Parameters
    ----------
    target : Target
        What is to be requested.

    Raises
    ------
    FetchError
        If it has such a port.
    """
    if target.port in BAD_PORTS:
        raise FetchError(f"port {target.port} is for another protocol than HTTP")
