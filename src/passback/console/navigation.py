"""What leads where: the links that every page has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.console.visit import ROOT

if TYPE_CHECKING:
    from passback.console.visit import Visit
    from passback.domain.account import Right


class Link(Struct, frozen=True):
    """A link in the navigation."""

    text: str
    url: str
    is_current: bool


_EVERYWHERE: tuple[tuple[str, str, Right], ...] = (
    ("Districts", "/districts", "see"),
    ("Not arrived", "/not-arrived", "see"),
    ("Audit", "/audit", "audit"),
    ("Accounts", "/accounts", "accounts"),
)
_IN_DISTRICT: tuple[tuple[str, str, Right], ...] = (
    ("Overview", "", "see"),
    ("Not arrived", "/not-arrived", "see"),
    ("Matches", "/matches", "match"),
    ("Apps", "/apps", "apps"),
)


def navigation(visit: Visit) -> list[Link]:
    """The links to the pages of all districts that the account may see."""
    return [_link(visit, text, path) for text, path, right in _EVERYWHERE if visit.may(right)]


def district_navigation(visit: Visit, district_id: str) -> list[Link]:
    """The links to a district's pages that the account may see."""
    base = f"/districts/{district_id}"
    return [
        Link(text, ROOT + base + path, visit.request.url.path == ROOT + base + path)
        for text, path, right in _IN_DISTRICT
        if visit.may(right, district_id)
    ]


def _link(visit: Visit, text: str, path: str) -> Link:
    here = visit.request.url.path
    return Link(text, ROOT + path, here == ROOT + path or here.startswith(f"{ROOT}{path}/"))
