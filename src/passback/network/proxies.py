"""Whose word is taken for where a request comes from: that of the proxies that the operator names, and of nobody else.

A proxy appends the address that a request reached it from to ``X-Forwarded-For``; all before that is what the client
sent. So the header is read from the right, past the proxies that are named, and the first address that is none of them
is the client's. ``Forwarded`` (RFC 7239) is not read: of two headers with one meaning, a proxy that sets one passes the
other on as the client sent it.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

HEADER = b"x-forwarded-for"
MOST_HOPS = 20
"""How many addresses are read at most. A client may send thousands, and each takes time."""


class Proxies:
    """The proxies in front of the gateway."""

    def __init__(self, named: str) -> None:
        """`named` are addresses and networks, with commas. Raises `ValueError` with what is wrong."""
        self._networks = [_network(it.strip()) for it in named.split(",") if it.strip()]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def client(self, peer: str, forwarded: Sequence[bytes]) -> str:
        """Where a request comes from.

        Args:
            peer: The address that the connection comes from.
            forwarded: The values of the request's ``X-Forwarded-For`` headers.
        """
        nearest = _address(peer)
        if nearest is None or not self._include(nearest):
            return peer
        hops = b",".join(forwarded).rsplit(b",", MOST_HOPS)[-MOST_HOPS:]
        for hop in reversed(hops):
            found = _address(hop.decode("latin-1"))
            if found is None:  # what is no address was not added by a proxy that is named
                break
            nearest = found
            if not self._include(nearest):
                break
        return str(nearest)

    def _include(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


def _network(named: str) -> IPv4Network | IPv6Network:
    try:
        found = ip_network(named)
    except ValueError as error:
        raise ValueError(
            f"{error}; proxies are named by IP addresses and networks, such as 10.1.0.0/16"
        ) from None
    if not found.prefixlen:
        raise ValueError(f"{named} is everybody: anyone could say where a request comes from")
    return found


def _address(written: str) -> IPv4Address | IPv6Address | None:
    """An address, which some proxies write with a port; None if it is none."""
    written = written.strip()
    if written.startswith("["):
        written, _, _ = written[1:].partition("]")
    elif written.count(":") == 1:
        written, _, _ = written.partition(":")
    try:
        found = ip_address(written)
    except ValueError:
        return None
    return (isinstance(found, IPv6Address) and found.ipv4_mapped) or found
