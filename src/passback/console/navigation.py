"""What leads where: the links that every page has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.console.visit import ROOT
from passback.lms.registry import BUILTIN

if TYPE_CHECKING:
    from passback.console.visit import Visit
    from passback.domain.account import Right
    from passback.domain.roster import District


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
    ("Connection", "/connection", "connect"),
    ("Matches", "/matches", "match"),
    ("Roster", "/roster", "roster"),
    ("Gradebook", "/gradebook", "grade"),
    ("Apps", "/apps", "apps"),
)


_OF_BUILTIN = ("/gradebook",)
_BESIDE = {"/apps": "/webhooks/"}
"""What begins so belongs to the page, too."""
_OF_AN_LMS = ("/connection", "/matches")


def navigation(visit: Visit) -> list[Link]:
    """The links to the pages of all districts that the account may see."""
    of_all = visit.account.district_id is None
    everywhere = (*_EVERYWHERE, *(visit.console.links if of_all else ()))
    return [_link(visit, text, path) for text, path, right in everywhere if visit.may(right)]


def district_navigation(visit: Visit, district: District) -> list[Link]:
    """The links to a district's pages that the account may see, and that its LMS has."""
    base = f"{ROOT}/districts/{district.id}"
    here = visit.request.url.path.removeprefix(base)
    is_builtin = district.lms_type == BUILTIN
    return [
        Link(text, base + path, here == path or (bool(path) and here.startswith(_below(path))))
        for text, path, right in _IN_DISTRICT
        if visit.may(right, district.id) and path not in (_OF_AN_LMS if is_builtin else _OF_BUILTIN)
    ]


def _below(path: str) -> tuple[str, ...]:
    return (path + "/", _BESIDE[path]) if path in _BESIDE else (path + "/",)


def _link(visit: Visit, text: str, path: str) -> Link:
    here = visit.request.url.path
    return Link(text, ROOT + path, here == ROOT + path or here.startswith(f"{ROOT}{path}/"))
