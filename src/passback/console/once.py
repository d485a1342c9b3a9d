"""What is shown once, such as a new token: the form that made it sends the browser on to a page that shows it.

It travels in a cookie that only this server can read, and only for that page and session. Reloading the page repeats
nothing, and no longer shows it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec

from passback.console.visit import ROOT, redirect
from passback.operations.errors import VaultError
from passback.operations.open import Vault

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from passback.console.visit import Visit

COOKIE = "passback-once"
_LONGEST_TEXT = 300
"""How many characters a text from elsewhere may have: browsers keep cookies of 4,096 bytes."""
_SECONDS = 60

T = TypeVar("T", bound=msgspec.Struct)


class Secret(msgspec.Struct, frozen=True):
    """A token, a password or whatever else nobody can read again."""

    of: str
    """The name of what it belongs to."""
    text: str


def lead_to(visit: Visit, path: str, found: msgspec.Struct) -> Response:
    """Send the browser on to a page of the console, which shows what a form has made."""
    response = redirect(path)
    sealed = _vault(visit).encrypt(msgspec.json.encode(found), _for(visit, ROOT + path, type(found)))
    response.set_cookie(
        COOKIE,
        sealed,
        max_age=_SECONDS,
        path=ROOT + path,
        secure=visit.console.is_secure,
        httponly=True,
        samesite="lax",
    )
    return response


def shown(visit: Visit, kind: type[T]) -> T | None:
    """What a form has made for this page; None if none has, or the page has been shown since."""
    path = visit.request.url.path
    try:
        found = _vault(visit).decrypt(visit.request.cookies.get(COOKIE, ""), _for(visit, path, kind))
        return msgspec.json.decode(found, type=kind)
    except (VaultError, msgspec.MsgspecError):
        return None


def shortened(text: str | None) -> str | None:
    """A text from elsewhere, which may be of any length."""
    return text if text is None or len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " ..."


def forget(request: Request, response: Response) -> None:
    """Have the browser forget it with the page that shows it; a page that only refreshes a part shows nothing."""
    if COOKIE in request.cookies and request.method == "GET" and "hx-request" not in request.headers:
        response.delete_cookie(COOKIE, path=quote(request.url.path))


def _vault(visit: Visit) -> Vault:
    key = hashlib.sha256(b"console, shown once" + visit.gateway.cursor_key).digest()
    return Vault(lambda: [key])


def _for(visit: Visit, path: str, kind: type) -> str:
    return f"{kind.__name__} for {path} of {visit.session.csrf}"
