"""Addresses from outside: whether they are to be asked, or people sent there, and with what."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from passback.network.addresses import is_this_machine

_LONGEST = 2048
_PLAIN = re.compile(r"[!-~]+")


def with_query(url: str, query: str) -> str:
    """The address with more in its query. It has no fragment."""
    joint = "" if url.endswith(("?", "&")) else "&" if "?" in url else "?"
    return f"{url}{joint}{query}"


def problem(url: str) -> str | None:
    """Why an address is not one of the web, by TLS unless it is on this machine; None if it is.

    The text begins with "its".
    """
    if len(url) > _LONGEST or not _PLAIN.fullmatch(url) or "\\" in url:
        return "its address is not a valid web address"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "its address is not a valid web address"
    if parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(host)):
        return "its address must begin with https://"
    if not host or parts.username is not None or parts.password is not None:
        return "its address must name a server, and no user"
    return "its address must not have a fragment" if "#" in url else None
