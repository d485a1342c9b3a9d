"""``Link`` headers (RFC 8288): where a list goes on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passback.lms.http.client import Reply

_REL = re.compile(r";\s*rel\s*=", re.IGNORECASE)
"""The parameter, whose name may be in any case; httpx2 knows it only in lower case."""


def links_of(reply: Reply) -> dict[str, str]:
    """Return the targets of a reply's links by their relations, in lower case; the first of each counts."""
    import httpx2

    found: dict[str, str] = {}
    header = _REL.sub("; rel=", reply.headers.get("link", ""))
    for link in httpx2.Response(200, headers={"link": header}).links.values():
        for relation in link.get("rel", "").lower().split():
            found.setdefault(relation, link["url"])
    return found


def next_page(reply: Reply) -> str | None:
    """Return the address of the next page of a list; None if the reply says that there is none.

    An LMS that pages by links sends some with every page. Raises `Unavailable` if there are none: a proxy may have
    removed them, and a part would be taken for the whole.
    """
    links = links_of(reply)
    if not links:
        raise reply.useless("does not say whether the list goes on")
    return links.get("next")
