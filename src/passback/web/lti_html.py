"""The pages that people see in a launch, in a window of their own or inside of the LMS's page."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from passback.lti import login
from passback.web.messages import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.lti.login import Login, State
    from passback.web.messages import Header

LOGIN, LAUNCH = "/lti/login", "/lti/launch"

PRIVATE = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)
"""Headers of every page of a launch. Our own must be known to us as such (Origin); no other site learns an address."""

_HTML = b"text/html; charset=utf-8"
_MOMENT = ("One moment", "You are being signed in.")
_COOKIE_SECONDS = login.LASTS // 1000


def cookie(base_url: str, state: State, secret: str) -> Header:
    """Have the browser keep a secret, also inside of another site's page; an empty one is forgotten.

    Browsers take such a cookie over HTTPS only. Without, the LMS is on the same machine, and so the same site.
    """
    age = _COOKIE_SECONDS if secret else 0
    text = f"{state.name}={secret}{_cookie_attributes(base_url)}; Max-Age={age}; HttpOnly"
    return (b"set-cookie", text.encode())


def _cookie_attributes(base_url: str) -> str:
    base = urlsplit(base_url)
    across = "; Secure; SameSite=None; Partitioned" if base.scheme == "https" else ""
    return f"; Path={base.path}/lti{across}"


def beginning(base_url: str, begun: Login, given: Mapping[str, str]) -> Response:
    """A page that goes on to the LMS if the browser, or the LMS's own page, keeps the secret until it comes back.

    Else it offers to begin again in a window of its own, where cookies are kept.
    """
    attributes = {
        "do": "begin",
        "url": begun.url,
        "key": begun.state.name,
        "value": begun.secret,
        "cookie": _cookie_attributes(base_url),
        "target": begun.state.storage,
        "origin": begun.state.storage_origin,
    }
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(given[name])}">'
        for name in login.PARAMETERS
        if name in given
    )
    again = (
        '<div id="again" hidden><h1>Open this in a new window</h1>'
        "<p>Your browser keeps nothing for a page inside of another, so you cannot be signed in here.</p>"
        f'<form method="post" action="{escape(base_url + LOGIN)}" target="_blank">{fields}'
        "<button>Open in a new window</button></form></div>"
    )
    kept = cookie(base_url, begun.state, begun.secret)
    return page(200, *_MOMENT, attributes, more=again, headers=(kept,))


def fetching(base_url: str, state: State, given: Mapping[str, str]) -> Response:
    """A page that asks the LMS's own page for the secret, and comes back with it."""
    attributes = {
        "do": "fetch",
        "target": state.storage,
        "origin": state.storage_origin,
        "key": state.name,
        "state": given.get("state", ""),
        "token": given.get("id_token", ""),
        "url": base_url + LAUNCH,
    }
    return page(200, *_MOMENT, attributes)


def page(
    status: int,
    title: str,
    text: str,
    attributes: Mapping[str, str] | None = None,
    *,
    more: str = "",
    headers: tuple[Header, ...] = (),
) -> Response:
    """A page for people, which may be inside of the LMS's. With `attributes` it does what they say. `more` is HTML."""
    given = "".join(f' data-{name}="{escape(value)}"' for name, value in (attributes or {}).items())
    script = f"<script>{_script()}</script>" if attributes else ""
    allowed = f"'sha256-{_script_hash()}'" if attributes else "'none'"
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><body{given}>"
        f'<div id="wait"><h1>{escape(title)}</h1><p>{escape(text)}</p></div>{more}{script}</body></html>'
    )
    policy = f"default-src 'none'; script-src {allowed}; base-uri 'none'"
    return Response(
        HTTPStatus(status),
        body.encode(errors="backslashreplace"),
        _HTML,
        (*headers, *PRIVATE, (b"content-security-policy", policy.encode())),
    )


@cache
def _script() -> str:
    return files("passback.web").joinpath("lti.js").read_text("utf-8")


@cache
def _script_hash() -> str:
    return base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
