import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyimagesearch.search.addresses import check_addresses, is_public, resolve
from pyimagesearch.search.errors import FetchError

# All entries of IANA's registries of special-purpose addresses, as of 9 October 2025, except
# 64:ff9b::/96, and multicast.
SPECIAL = """
0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
192.0.0.0/29 192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24
192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.88.99.2/32 192.168.0.0/16 192.175.48.0/24
198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 255.255.255.255/32 224.0.0.0/4
::1/128 ::/128 ::ffff:0:0/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32
2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28
2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7
fe80::/10 ff00::/8
"""
NETWORKS = [ip_network(text) for text in SPECIAL.split()]
# Addresses that belong to nobody else's network, and would be reached through a translator.
PRIVATE = "10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16"
METADATA = [
    "169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254",
    "fd20:ce::254",
]  # fmt: skip


def addresses_in(network):
    return st.integers(0, network.num_addresses - 1).map(lambda offset: network[offset])


private_ipv4 = st.one_of(
    [st.just(IPv4Address("168.63.129.16"))]
    + [addresses_in(ip_network(text)) for text in PRIVATE.split()]
)
prefixes = addresses_in(ip_network("2000::/3")).map(lambda address: address.packed)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@settings(max_examples=20)
@given(data=st.data())
def test_no_address_for_a_special_purpose_is_public(network, data):
    assert not is_public(network[0])
    assert not is_public(network[-1])
    assert not is_public(data.draw(addresses_in(network)))


@pytest.mark.parametrize("address", METADATA)
def test_no_address_of_a_cloud_platform_itself_is_public(address):
    assert not is_public(ip_address(address))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_takes_for_private(address):
    assert not is_public(address) or (address.is_global and not address.is_multicast)


@given(prefixes, private_ipv4, st.sampled_from([4, 5, 6, 7, 8]))
def test_no_private_address_behind_a_translator_is_public(prefix, private, length):
    # RFC 6052, section 2.2: byte 8 is zero, and the IPv4 address lies around it.
    spread = prefix[:length] + private.packed
    address = IPv6Address((spread[:8] + b"\0" + spread[8:]).ljust(16, b"\0"))
    assert not is_public(address), address


@given(prefixes, private_ipv4)
def test_no_private_address_behind_a_translator_with_a_long_prefix_is_public(prefix, private):
    address = IPv6Address(prefix[:8] + b"\0" + prefix[9:12] + private.packed)
    assert not is_public(address), address


@given(prefixes, private_ipv4, st.sampled_from([b"\0\0\x5e\xfe", b"\2\0\x5e\xfe"]))
def test_no_private_address_in_a_tunnel_is_public(prefix, private, isatap):
    assert not is_public(IPv6Address(prefix[:8] + isatap + private.packed))


@given(private_ipv4)
def test_no_private_address_behind_the_well_known_translator_is_public(private):
    assert not is_public(IPv6Address(ip_network("64:ff9b::/96")[0].packed[:12] + private.packed))


ORDINARY = """
8.8.8.8 93.184.215.14 192.0.1.1 198.20.0.1 168.63.129.17 223.255.255.255
64:ff9b::808:808 2606:2800:21f:cb07:6820:80da:af6b:8b2c 2001:4860:4860::8888 2606:4700::6810:84e5
2a00:1450:4001:80e::200e 2a03:2880:f12f:83:face:b00c:0:25de 2620:0:861:ed1a::1 2a04:4e42:600::396
2600:9000:2490:7a00:10:474:36c0:93a1 2a01:4f8::1 2606:4700::
"""


@pytest.mark.parametrize("address", ORDINARY.split())
def test_an_ordinary_address_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", ["fe80::1%eth0", "2606:2800::1%2", "::1%lo"])
def test_an_address_with_a_scope_is_not_public(address):
    assert not is_public(ip_address(address))


def test_allowing_loopback_allows_two_addresses_and_no_more():
    check_addresses([ip_address("127.0.0.1"), ip_address("::1")], allow_loopback=True)
    for address in ("127.0.0.2", "10.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "::1%lo"):
        with pytest.raises(FetchError, match="not a public address"):
            check_addresses([ip_address(address)], allow_loopback=True)
    with pytest.raises(FetchError, match="not a public address"):
        check_addresses([ip_address("127.0.0.1")], allow_loopback=False)


def test_one_address_that_is_not_public_is_enough_to_refuse_a_host():
    with pytest.raises(FetchError, match=r"10\.0\.0\.1 is not a public address"):
        check_addresses([ip_address("8.8.8.8"), ip_address("10.0.0.1")], allow_loopback=False)


def test_a_name_is_resolved_to_all_its_addresses_in_order(network):
    network.answers["images.test"] = [["151.101.1.6", "93.184.215.14", "151.101.1.6"]]
    expected = [ip_address("151.101.1.6"), ip_address("93.184.215.14")]
    assert resolve("images.test", 80) == expected


def test_a_name_that_does_not_resolve_is_reported_as_such(network):
    with pytest.raises(FetchError) as caught:
        resolve("nowhere.test", 80)
    assert caught.value.is_unresolved
    assert caught.value.is_transient


def test_a_name_that_cannot_be_looked_up_is_refused():
    with pytest.raises(FetchError, match="not a usable URL"):
        resolve(f"{'a' * 64}.test", 80)


@pytest.mark.parametrize("answer", ["", "not an address", "fe80::1%", "1.2.3.4.5", b"\xff", None])
def test_an_answer_that_is_not_an_address_is_refused(network, answer):
    network.answers["images.test"] = [[answer]]
    with pytest.raises(FetchError, match="does not resolve to an address"):
        resolve("images.test", 80)


@pytest.mark.parametrize("error", [ValueError, UnicodeError, OverflowError, TypeError])
def test_whatever_a_look_up_raises_is_a_failed_download(monkeypatch, error):
    def getaddrinfo(*arguments, **named):
        raise error("embedded null character")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(FetchError):
        resolve("images.test", 80)
