from ipaddress import ip_address

import pytest

from pyimagesearch.search.addresses import check_addresses, is_public, resolve
from pyimagesearch.search.errors import FetchError

NOT_PUBLIC = """
0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.1.2.3 169.254.169.254 172.16.0.1 192.0.0.1 192.168.1.1
198.18.0.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 64:ff9b::10.0.0.1 64:ff9b:1::1 100::1 2001::1
2001:db8::1 2002:a00:1::1 2002:808:808::1 fc00::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1
"""


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_an_address_that_is_not_public_is_recognised(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:2800:21f:cb07::1", "64:ff9b::808:808"]
)
def test_a_public_address_is_recognised(address):
    assert is_public(ip_address(address))


def test_allowing_loopback_allows_two_addresses_and_no_more():
    check_addresses([ip_address("127.0.0.1"), ip_address("::1")], allow_loopback=True)
    for address in ("127.0.0.2", "10.0.0.1", "::ffff:127.0.0.1", "0.0.0.0"):
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
