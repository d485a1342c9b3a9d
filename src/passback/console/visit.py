"""A visit: a request to the console by somebody who is signed in, or is about to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse

from passback.console.figures import Figures
from passback.console.sent import text

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from passback.context import Gateway
    from passback.domain.account import Account, Right
    from passback.domain.clock import Clock
    from passback.operations.accounts import AccountSession

ROOT = "/console"


class Provider(Struct, frozen=True):
    """An OpenID Connect provider that people may sign in at."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    """What people call it."""

    def __repr__(self) -> str:
        return f"Provider({self.issuer!r})"  # never the secret


class Console(Struct, frozen=True):
    """What all pages work with."""

    gateway: Gateway
    kind: Literal["sandbox", "production"]
    clock: Clock
    """What accounts and their sessions go by: in a sandbox, the gateway's can be moved."""
    provider: Provider | None = None
    signs_in_itself: bool = False
    """Whether people on the same machine need not sign in."""
    figures: Figures = msgspec.field(default_factory=Figures)
    links: tuple[tuple[str, str, Right], ...] = ()
    """What the navigation has besides for accounts of all districts: text, path and the right that it needs."""

    @property
    def is_secure(self) -> bool:
        """Whether browsers come over TLS."""
        return self.gateway.base_url.startswith("https:")


class NotHere(Exception):
    """There is no such page, or the account may not see it: the answer is the same."""


class Visit(Struct, frozen=True):
    """A request by somebody who is signed in, to a page that their role may see."""

    console: Console
    request: Request
    session: AccountSession
    form: FormData = FormData()
    """What was sent with a POST."""

    @property
    def gateway(self) -> Gateway:
        """The gateway."""
        return self.console.gateway

    @property
    def account(self) -> Account:
        """Who it is."""
        return self.session.account

    @property
    def actor(self) -> str:
        """Who it is, as the audit names them."""
        return f"account:{self.account.name}"

    @property
    def district_id(self) -> str:
        """The district of the page's address."""
        return str(self.request.path_params["district_id"])

    def of_path(self, name: str) -> str:
        """A part of the page's address."""
        return str(self.request.path_params[name])

    def asked(self, name: str) -> str:
        """A parameter of the query; empty if it is not there."""
        return text(self.request.query_params.get(name, ""))

    @property
    def done(self) -> str:
        """What a form of the console says that it has done; a link from elsewhere cannot put words here."""
        is_from_here = self.request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
        return self.asked("done") if is_from_here else ""

    def sent(self, name: str) -> str:
        """A field of the form that was sent; empty if it is not there, or is a file."""
        value = self.form.get(name, "")
        return text(value) if isinstance(value, str) else ""

    def sent_all(self, name: str) -> list[str]:
        """The values of a field that may be sent more than once."""
        return [text(it) for it in self.form.getlist(name) if isinstance(it, str)]

    def may(self, right: Right, district_id: str | None = None) -> bool:
        """Whether the account has a right, in a district if one is named."""
        return self.account.may(right) and (district_id is None or self.account.sees(district_id))

    def require_district(self, district_id: str) -> None:
        """Raise `NotHere` if the account sees nothing of a district."""
        if not self.account.sees(district_id):
            raise NotHere


def redirect(path: str, **parameters: Any) -> Response:
    """Send the browser on to a page of the console (`path` begins with a slash), after a POST."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    return RedirectResponse(ROOT + path + (f"?{query}" if query else ""), 303)
