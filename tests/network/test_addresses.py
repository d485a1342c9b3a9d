"""Which addresses are on the public network."""

from __future__ import annotations

import asyncio

import pytest

from passback.network.addresses import Unreachable, addresses_of, is_loopback, is_public, resolve
from support.sandbox import resolver


@pytest.mark.parametrize(
    "address",
    [
        "93.184.215.14",
        "8.8.8.8",
        "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",  # a cloud's metadata
        "100.64.0.1",  # behind a carrier's NAT
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",  # 6to4
        "2002:808:808::",
        "2001:0:7f00:1::",  # Teredo
        "2001:db8::1",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:2800:21f::1%eth0",
        "fec0::1",
        "ff0e::1",
        "not an address",
        "",
    ],
)
def test_not_public(address: str) -> None:
    assert not is_public(address)


def test_one_address_of_the_own_network_among_others_is_one_too_many() -> None:
    names = {"both.example": ["93.184.215.14", "10.0.0.1"]}
    with pytest.raises(Unreachable, match="not on the public network"):
        asyncio.run(addresses_of("both.example", reach="public", resolve=resolver(names)))
    found = asyncio.run(addresses_of("both.example", reach="private", resolve=resolver(names)))
    assert found == names["both.example"]


@pytest.mark.parametrize("host", ["nowhere.example", "empty.example", "a" * 64 + ".example"])
def test_a_name_without_addresses_cannot_be_found(host: str) -> None:
    with pytest.raises(Unreachable, match="cannot be found"):
        asyncio.run(addresses_of(host, reach="private", resolve=resolver({"empty.example": []})))


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_the_machines_own_resolver_is_judged_by_what_it_says(host: str) -> None:
    assert not any(map(is_public, asyncio.run(resolve(host))))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_itself(address: str) -> None:
    assert is_loopback(address)
    assert asyncio.run(
        addresses_of("own.example", reach="loopback", resolve=resolver({"own.example": [address]}))
    )


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "::", "10.0.0.1", "169.254.1.1", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "::127.0.0.1", "2002:7f00:1::", ""],
)  # fmt: skip
def test_no_other_address_is_this_machine(address: str) -> None:
    assert not is_loopback(address)
    with pytest.raises(Unreachable):
        asyncio.run(
            addresses_of("own.example", reach="loopback", resolve=resolver({"own.example": [address]}))
        )
