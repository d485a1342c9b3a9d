"""``Link`` headers (RFC 8288): where a list goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passback.lms.http.reply import Reply


def links_of(reply: Reply) -> dict[str, str]:
    """Return the targets of a reply's links by their relations, in lower case; the first of each counts.

    A target may be relative. A header that cannot be read has none.
    """
    import httplink

    try:
        links = httplink.parse_link_header(reply.headers.get("link", "")).links
    except ValueError:
        return {}
    found: dict[str, str] = {}
    for link in links:
        [relations, *_] = [value for name, value in link.attributes if name.lower() == "rel"]
        for relation in relations.lower().split():
            found.setdefault(relation.strip("'"), link.target)  # some quote as in HTML
    return found


def next_page(reply: Reply) -> str | None:
    """Return the address of the next page of a list, which may be relative; None if the reply says that there is none.

    An LMS that pages by links sends some with every page. Raises `Unavailable` if there are none, or if they cannot be
    read: a proxy may have removed them, and a part would be taken for the whole.
    """
    links = links_of(reply)
    if not links:
        raise reply.useless("does not say whether the list goes on")
    return links.get("next")
