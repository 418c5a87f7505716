"""Addresses: resolving a host's name, and telling public addresses from all others."""

import ipaddress
import socket
from collections.abc import Sequence

from pyimagesearch.search.errors import FetchError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
TRANSLATED_IPV4 = ipaddress.ip_network("64:ff9b::/96")


def resolve(host: str, port: int) -> list[IPAddress]:
    """Resolve a host's name.

    Parameters
    ----------
    host : str
        A name, or an address in any notation.
    port : int
        The port to connect to.

    Returns
    -------
    list of ipaddress.IPv4Address or ipaddress.IPv6Address
        All its addresses, in the order that the system prefers.

    Raises
    ------
    FetchError
        If it does not resolve.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise FetchError(
            "the host's name does not resolve", is_transient=True, is_unresolved=True
        ) from error
    except UnicodeError as error:  # A label of the name is empty or too long.
        raise FetchError("not a usable URL") from error
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    return list(dict.fromkeys(addresses))


def check_addresses(addresses: Sequence[IPAddress], *, allow_loopback: bool) -> None:
    """Refuse a host unless all its addresses are public.

    Parameters
    ----------
    addresses : sequence of ipaddress.IPv4Address or ipaddress.IPv6Address
        Those of one host.
    allow_loopback : bool
        Whether 127.0.0.1 and ::1 are allowed as well.

    Raises
    ------
    FetchError
        If one of them is not public; see :func:`is_public`.
    """
    loopback = ("127.0.0.1", "::1") if allow_loopback else ()
    for address in addresses:
        if not is_public(address) and str(address) not in loopback:
            raise FetchError(f"{address} is not a public address")


def is_public(address: IPAddress) -> bool:
    """Tell whether an address belongs to the public internet.

    An IPv6 address must be a global unicast one (RFC 4291, section 2.4). Those that wrap an IPv4
    address for a tunnel (6to4, Teredo) or as a notation (IPv4-mapped) are not public. One for a
    translator (NAT64, RFC 6052) is as public as the IPv4 address in it.

    Parameters
    ----------
    address : ipaddress.IPv4Address or ipaddress.IPv6Address
        Any address.

    Returns
    -------
    bool
        Whether a stranger's URL may lead there.
    """
    if address.version == 4:
        return address.is_global and not address.is_multicast and not address.is_reserved
    if address in TRANSLATED_IPV4:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    is_tunnel = address.sixtofour is not None or address.teredo is not None
    has_scope = address.scope_id is not None
    return address in GLOBAL_UNICAST and address.is_global and not is_tunnel and not has_scope
