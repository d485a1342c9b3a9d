from __future__ import annotations

import pytest

from passback.network.proxies import MOST_HOPS, Proxies

NAMED = Proxies("127.0.0.1, 10.1.0.0/16,::1,fd00::/8")
CLIENT = "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        # Nobody else is believed.
        (CLIENT, ["198.51.100.1"], CLIENT),
        (CLIENT, ["127.0.0.1"], CLIENT),
        ("10.2.0.1", [CLIENT], "10.2.0.1"),
        ("", [CLIENT], ""),
        ("no address", [CLIENT], "no address"),
        # A proxy is, for what it has added.
        ("127.0.0.1", [CLIENT], CLIENT),
        ("127.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("::1", [CLIENT], CLIENT),
        ("::ffff:127.0.0.1", [CLIENT], CLIENT),
        ("127.0.0.1", [f"198.51.100.1, {CLIENT}"], CLIENT),
        ("127.0.0.1", ["198.51.100.1", CLIENT], CLIENT),
        ("127.0.0.1", [f"10.1.0.9, {CLIENT}"], CLIENT),
        ("127.0.0.1", [f"127.0.0.1,{CLIENT}"], CLIENT),
        # Proxies in a row are passed.
        ("127.0.0.1", [f"198.51.100.1, {CLIENT}, 10.1.2.3"], CLIENT),
        ("127.0.0.1", [CLIENT, "fd00::1, 10.1.2.3"], CLIENT),
        ("127.0.0.1", [f"{CLIENT},10.1.2.3,10.2.2.3"], "10.2.2.3"),
        # Without a client, it is the proxy itself, or the first of them.
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", ["10.1.2.3"], "10.1.2.3"),
        # What is no address ends what is believed.
        ("127.0.0.1", [f"{CLIENT}, unknown"], "127.0.0.1"),
        ("127.0.0.1", [f"{CLIENT}, _hidden, 10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", [f"{CLIENT},,"], "127.0.0.1"),
        ("127.0.0.1", ["127.1"], "127.0.0.1"),
        ("127.0.0.1", ["0x7f000001"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.07"], "127.0.0.1"),
        ("127.0.0.1", [f"{CLIENT}/32"], "127.0.0.1"),
        ("127.0.0.1", ["<script>, \r\nx: y"], "127.0.0.1"),
        ("127.0.0.1", ["٢٠٣.0.113.7"], "127.0.0.1"),
        # Spellings of one address are one.
        ("127.0.0.1", [f"  {CLIENT}\t"], CLIENT),
        ("127.0.0.1", [f"{CLIENT}:51234"], CLIENT),
        ("127.0.0.1", ["[2001:DB8:0::7]:51234"], "2001:db8::7"),
        ("127.0.0.1", ["[2001:db8::7]"], "2001:db8::7"),
        ("127.0.0.1", [f"::ffff:{CLIENT}"], CLIENT),
    ],
)  # fmt: skip
def test_a_request_comes_from_where_the_proxies_that_are_named_say(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert NAMED.client(peer, [it.encode() for it in forwarded]) == client


def test_no_more_is_read_than_proxies_stand_in_a_row() -> None:
    chain = [CLIENT, *["10.1.2.3"] * (MOST_HOPS - 1)]
    assert NAMED.client("127.0.0.1", [", ".join(chain).encode()]) == CLIENT
    assert NAMED.client("127.0.0.1", [", ".join([*chain, "10.1.2.3"]).encode()]) == "10.1.2.3"
    assert NAMED.client("127.0.0.1", [b"10.1.2.3," * 3000]) == "127.0.0.1"


def test_without_names_there_are_no_proxies() -> None:
    assert not Proxies("")
    assert not Proxies(" , ")
    assert Proxies("").client("127.0.0.1", [b"203.0.113.7"]) == "127.0.0.1"


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("proxy.example", "does not appear to be"),
        ("10.0.0.1/8", "host bits set"),
        ("10.1.0.0/33", "does not appear to be"),
        ("*", "does not appear to be"),
        ("0.0.0.0/0", "is everybody"),
        ("::/0", "is everybody"),
    ],
)
def test_what_names_no_proxy_is_refused(named: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Proxies(f"127.0.0.1,{named}")
