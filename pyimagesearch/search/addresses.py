"""Addresses: resolving a host's name, and telling public addresses from all others."""

import socket
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from pyimagesearch.search.errors import FetchError

IPAddress = IPv4Address | IPv6Address

# IANA's registries of special-purpose addresses as of 9 October 2025, entries within other entries
# left out. Some are reachable from anywhere, but no image is there.
# https://www.iana.org/assignments/iana-ipv4-special-registry/
SPECIAL_IPV4 = (
    ip_network("0.0.0.0/8"),  # this network
    ip_network("10.0.0.0/8"),  # private
    ip_network("100.64.0.0/10"),  # shared by a provider's customers
    ip_network("127.0.0.0/8"),  # loopback
    ip_network("169.254.0.0/16"),  # link-local
    ip_network("172.16.0.0/12"),  # private
    ip_network("192.0.0.0/24"),  # protocol assignments
    ip_network("192.0.2.0/24"),  # documentation
    ip_network("192.31.196.0/24"),  # AS112
    ip_network("192.52.193.0/24"),  # multicast tunnels (AMT)
    ip_network("192.88.99.0/24"),  # 6to4 relays
    ip_network("192.168.0.0/16"),  # private
    ip_network("192.175.48.0/24"),  # AS112
    ip_network("198.18.0.0/15"),  # benchmarks
    ip_network("198.51.100.0/24"),  # documentation
    ip_network("203.0.113.0/24"),  # documentation
    ip_network("224.0.0.0/4"),  # multicast, which has a registry of its own
    ip_network("240.0.0.0/4"),  # reserved
)
# Of IPv6, only global unicast addresses are allowed (RFC 4291, section 2.4), so these are the
# special-purpose ones among them. https://www.iana.org/assignments/iana-ipv6-special-registry/
GLOBAL_UNICAST = ip_network("2000::/3")
SPECIAL_IPV6 = (
    ip_network("2001::/23"),  # protocol assignments, Teredo among them
    ip_network("2001:db8::/32"),  # documentation
    ip_network("2002::/16"),  # 6to4
    ip_network("2620:4f:8000::/48"),  # AS112
    ip_network("3fff::/20"),  # documentation
)
# What cloud platforms offer to their own virtual machines outside the ranges above.
PLATFORMS = (ip_network("168.63.129.16/32"),)  # Azure

# NAT64's well-known prefix (RFC 6052, section 2.1).
TRANSLATED_IPV4 = ip_network("64:ff9b::/96")
# Bytes 8 to 11 of an ISATAP address (RFC 5214, section 6.1), the universal bit clear or set.
ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")
# Translators pass nothing on to these. Ordinary addresses such as 2606:4700::1 look like them.
NOT_TRANSLATED = (ip_network("0.0.0.0/8"), ip_network("224.0.0.0/4"), ip_network("240.0.0.0/4"))


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
    except Exception as error:  # UnicodeError for an empty label, ValueError for a null byte, ...
        raise FetchError("not a usable URL") from error
    try:
        addresses = [ip_address(str(entry[4][0])) for entry in found]
    except ValueError as error:
        raise FetchError("the host's name does not resolve to an address") from error
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

    An IPv6 address that may lead to a private IPv4 address through a translator (NAT64, RFC 6052)
    or a tunnel (ISATAP, RFC 5214) is not public, whatever its prefix: any network may have chosen
    that prefix for its own translator. Of a hundred ordinary addresses whose ninth byte is zero,
    one looks like that by chance, and is refused as well.

    Parameters
    ----------
    address : ipaddress.IPv4Address or ipaddress.IPv6Address
        Any address.

    Returns
    -------
    bool
        Whether a stranger's URL may lead there.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in (*SPECIAL_IPV4, *PLATFORMS))
    if address.scope_id is not None:
        return False
    if address in TRANSLATED_IPV4:
        return is_public(IPv4Address(address.packed[12:]))
    if address not in GLOBAL_UNICAST or any(address in network for network in SPECIAL_IPV6):
        return False
    return all(
        is_public(wrapped) or any(wrapped in network for network in NOT_TRANSLATED)
        for wrapped in _wrapped_ipv4(address)
    )


def _wrapped_ipv4(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield each IPv4 address that a translator or a tunnel may find in an IPv6 address."""
    packed = address.packed
    # RFC 6052, section 2.2: after a prefix of 4 to 8 bytes, the IPv4 address skips byte 8, which is
    # zero, and only zeros follow. After one of 12 bytes, it is the rest.
    if packed[8] == 0:
        for start in range(4, 9):
            end = start + 5
            if not any(packed[end:]):
                yield IPv4Address(packed[start:8] + packed[9:end])
        yield IPv4Address(packed[12:])
    if packed[8:12] in ISATAP:
        yield IPv4Address(packed[12:])
