"""Which machines an address from outside may point to.

It must not make the gateway call what only the gateway can reach: itself, its own network, a cloud's metadata service.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Literal

Network = Literal["public", "loopback", "private"]
"""Which servers may be called: those on the public network, besides those of this machine, or all."""

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Resolves a host name to its addresses. Raises `OSError` if there are none."""

_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")
_DOCUMENTATION = IPv6Network("3fff::/20")  # older Pythons do not know it
_IPV4_BITS = 0xFFFF_FFFF
_MAX_LOOKUPS = 4


class Unreachable(Exception):
    """A server must not or cannot be called; the message says why and begins with "its"."""


async def resolve(host: str) -> list[str]:
    """Resolve a host name with the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(
        _threads(), partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    )
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@cache
def _threads() -> ThreadPoolExecutor:
    """A separate pool, so that names whose servers never answer do not delay lookups of LMSs' names."""
    return ThreadPoolExecutor(_MAX_LOOKUPS, thread_name_prefix="passback-names")


async def addresses_of(host: str, *, reach: Network, resolve: Resolve = resolve) -> list[str]:
    """All addresses of `host`, each of them within `reach`. Raises `Unreachable`."""
    try:
        found = list(await resolve(host))
    except (OSError, UnicodeError):  # UnicodeError: not a valid host name
        found = []
    if not found:
        raise Unreachable("its server cannot be found")
    # A single private address is one too many: the next lookup may return it first.
    if not all(_is_within(reach, address) for address in found):
        raise Unreachable("its server is not on the public network")
    return found


def _is_within(reach: Network, address: str) -> bool:
    return reach == "private" or is_public(address) or (reach == "loopback" and is_loopback(address))


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine itself, on its loopback interface."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    inside = _ipv4_inside(found) if isinstance(found, IPv6Address) and found not in _NAT64 else None
    return (inside or found).is_loopback


def is_this_machine(host: str) -> bool:
    """Whether a server's name or address, as in a URL, is this machine itself, on its loopback interface."""
    return host == "localhost" or is_loopback(host)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to a single machine on the public network."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            return False
        inside = _ipv4_inside(found)
        if inside is None:
            tunnel = found.sixtofour or found.teredo
            return found.is_global and found in _UNICAST and not tunnel and found not in _DOCUMENTATION
        found = inside
    return found.is_global and not found.is_multicast


def _ipv4_inside(address: IPv6Address) -> IPv4Address | None:
    """The embedded IPv4 address, if any. IPv6-only networks reach all others by NAT64."""
    if address in _NAT64:
        return IPv4Address(int(address) & _IPV4_BITS)
    return address.ipv4_mapped
