"""A browser's side of the console, without a browser: cookies, and the token that forms send."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

from support.sandbox import Client, Reply

OWNER = "owner@example.org"
PASSWORD = "correct horse battery staple"


ONLY_READ: Mapping[str, bytes] = {
    r"/console/deliveries/[^/]+/held": b"",
    r"/console/districts/[^/]+/connection": b"do=check",
    r"/console/districts/[^/]+/gradebook/[^/]+/[^/]+/[^/]+": b"",
}
"""The forms that may answer with a page, and what they send: they only read, or set what is set already."""


def _may_answer_with_a_page(path: str, body: bytes) -> bool:
    return any(re.fullmatch(form, path) and sent in body for form, sent in ONLY_READ.items())


@dataclass
class Visitor:
    """Somebody with a browser."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    """Of the page that was read last."""
    _client: Client = field(init=False)

    def __post_init__(self) -> None:
        self._client = Client(self.port, None)

    def get(self, path: str, **headers: str) -> Reply:
        return self._seen(self._client.call("GET", path, headers={**self._cookie(), **headers}))

    def post(
        self,
        path: str,
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        csrf: str | None = None,
        **headers: str,
    ) -> Reply:
        return self.send(
            path,
            urlencode(
                {"csrf_token": self.csrf if csrf is None else csrf, **(fields or {})}, doseq=True
            ).encode(),
            "application/x-www-form-urlencoded",
            **headers,
        )

    def send(self, path: str, body: bytes, content_type: str, **headers: str) -> Reply:
        """Send a form as it is."""
        own = {"Content-Type": content_type, **self._cookie(), **headers}
        reply = self._seen(self._client.call("POST", path, body, own))
        assert reply.headers.get("location", "/").startswith("/"), (
            f"browsers let no form lead to another site, as {path} does: see `form-action` in the policy"
        )
        assert reply.status != 200 or _may_answer_with_a_page(path, body), (
            f"reloading the answer to {path} does it again: redirect, or add it to ONLY_READ"
        )
        return reply

    def follow(
        self, path: str, fields: Mapping[str, str | Sequence[str]] | None = None, *, csrf: str | None = None
    ) -> str:
        """Send a form, and return the page that its answer leads to."""
        reply = self.post(path, fields, csrf=csrf)
        assert reply.status == 303, reply
        return self.get(reply.headers["location"]).body.decode()

    def sign_in(self, name: str, password: str = PASSWORD) -> Visitor:
        reply = self.post("/console/sign-in", {"name": name, "password": password})
        assert reply.status == 303, reply
        return self

    def close(self) -> None:
        self._client.close()

    def _cookie(self) -> Mapping[str, str]:
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": pairs} if pairs else {}

    def _seen(self, reply: Reply) -> Reply:
        if (cookie := reply.headers.get("set-cookie")) is not None:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        if found := re.search(rb'name="csrf_token" value="([^"]+)"', reply.body):
            self.csrf = found[1].decode()
        return reply


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def links(page: bytes) -> list[str]:
    """The addresses that a page links to."""
    parser = _Links()
    parser.feed(page.decode())
    return [it for it in parser.found if it.startswith("/")]
