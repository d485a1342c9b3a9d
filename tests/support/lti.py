"""An LMS that starts the gateway by LTI, as far as launches go: it signs whatever a test has it say."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from passback.store import connections, districts
from passback.store.engine.database import Connection
from support.sandbox import Reply, Sandbox

PUBLIC_URL = "https://passback.test"
ISSUER = "https://lms.test"
CLIENT_ID = "client-1"
DEPLOYMENT = "deployment-1"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
MEMBER = "http://purl.imsglobal.org/vocab/lis/v2/membership#"

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@cache
def key(name: str) -> RSAKey:
    """A private key with that ``kid``; made once, as it takes a while."""
    return RSAKey.generate_key(2048, {"kid": name}, auto_kid=False)


def jwks(*names: str) -> dict[str, Any]:
    """The document that publishes these keys."""
    return {
        "keys": [{**key(it).as_dict(private=False), "kid": it, "use": "sig", "alg": "RS256"} for it in names]
    }


@dataclass
class Platform:
    """The LMS. Its keys are published at `jwks_url`."""

    jwks_url: str
    document: bytes = field(default_factory=lambda: json.dumps(jwks("first")).encode())
    status: int = 200
    asked: int = 0
    """How many times its keys were read."""
    configuration: Any = None
    """What it says of itself, at `configuration_url`."""
    answer: tuple[int, bytes] = (200, b"{}")
    """What it answers to a registration."""
    registrations: list[tuple[str, Any]] = field(default_factory=list)
    """What it was sent: the authorization, and the body."""

    @property
    def url(self) -> str:
        return self.jwks_url.removesuffix("/jwks")

    @property
    def configuration_url(self) -> str:
        return f"{self.url}/configuration"

    def describe(self, **changes: Any) -> None:
        """Have it say what a sound LMS says of itself, but for the changes."""
        self.configuration = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": self.jwks_url,
            "registration_endpoint": f"{self.url}/register",
            "scopes_supported": ["openid"],
            **changes,
        }

    def publish(self, *names: str) -> None:
        self.document = json.dumps(jwks(*names)).encode()

    def claims(self, nonce: str, now: int, /, **changes: Any) -> dict[str, Any]:
        """What it says of a launch, with changes by the names of the claims; None leaves one out."""
        claims = {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "sub": "lms-user-1",
            "iat": now // 1000,
            "exp": now // 1000 + 300,
            "nonce": nonce,
            LTI + "version": "1.3.0",
            LTI + "message_type": "LtiResourceLinkRequest",
            LTI + "deployment_id": DEPLOYMENT,
            LTI + "target_link_uri": f"{PUBLIC_URL}/lti/launch",
            LTI + "resource_link": {"id": "link-1", "title": "Fractions"},
            LTI + "roles": [MEMBER + "Learner"],
            LTI + "context": {"id": "course-1", "label": "ALG", "title": "Algebra"},
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}


@contextlib.contextmanager
def serving_platform() -> Iterator[Platform]:
    """A platform whose keys can be read."""

    class Keys(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/configuration":
                said = platform.configuration
                self._send(200, said if isinstance(said, bytes) else json.dumps(said).encode())
                return
            platform.asked += 1
            self._send(platform.status, platform.document)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            platform.registrations.append((self.headers.get("Authorization", ""), json.loads(body)))
            self._send(*platform.answer)

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        platform = Platform(f"http://127.0.0.1:{server.server_address[1]}/jwks")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield platform
        finally:
            server.shutdown()
            thread.join(10)


def connect(sandbox: Sandbox, platform: Platform, district_id: str, **changes: str) -> None:
    """Connect a district to the platform."""
    options = {
        "issuer": ISSUER,
        "client_id": CLIENT_ID,
        "auth_login_url": f"{ISSUER}/auth",
        "token_url": f"{ISSUER}/token",
        "jwks_url": platform.jwks_url,
        "family": "other",
        "deployment_ids": DEPLOYMENT,
        **changes,
    }

    def write(conn: Connection) -> None:
        sealed = connections.seal(sandbox.gateway.vault, district_id, {})
        now = sandbox.clock()
        connections.save(
            conn, district_id, address=f"{ISSUER}/", options=options, credentials=sealed, now=now
        )
        districts.set_lms(conn, district_id, "lti", "success", f"{ISSUER}/")

    sandbox.write(write)


@dataclass
class Browser:
    """A browser that is sent from the LMS to the gateway and back. It keeps cookies if it is let."""

    sandbox: Sandbox
    keeps_cookies: bool = True
    cookies: dict[str, str] = field(default_factory=dict)

    def log_in(self, **given: str) -> Reply:
        """The LMS's first request."""
        query = {"iss": ISSUER, "login_hint": "hint", "target_link_uri": f"{PUBLIC_URL}/lti/launch", **given}
        return self._keep(self.sandbox.client(None).get(f"/lti/login?{urlencode(query)}"))

    def asked(self, **given: str) -> Mapping[str, str]:
        """What the gateway asks the LMS in answer to that."""
        return query_of(self.log_in(**given).headers["location"])

    def launch(self, form: Mapping[str, str], origin: str = ISSUER) -> Reply:
        """The LMS's second request, or another page's."""
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers = {**FORM, "Origin": origin, **(cookie if self.cookies else {})}
        return self._keep(self.sandbox.client(None).call("POST", "/lti/launch", urlencode(form), headers))

    def _keep(self, reply: Reply) -> Reply:
        found = re.match(r"([^=]+)=([^;]*); .*Max-Age=(\d+)", reply.headers.get("set-cookie", ""))
        if found and self.keeps_cookies:
            self.cookies[found[1]] = found[2]
            if found[3] == "0":
                del self.cookies[found[1]]
        return reply


def query_of(url: str) -> Mapping[str, str]:
    return {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}


def data_of(page: Reply) -> Mapping[str, str]:
    """What a page tells its script."""
    body = re.search(rb"<body([^>]*)>", page.body)
    assert body is not None
    return {name: unescape(value) for name, value in re.findall(r'data-([a-z]+)="([^"]*)"', body[1].decode())}


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """Where the form of a page goes, and its fields."""
    action = re.search(r'action="([^"]*)"', page)
    assert action is not None, page
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', page)
    return unescape(action[1]), {name: unescape(value) for name, value in fields}


def signed(claims: Mapping[str, Any], name: str = "first", **header: Any) -> str:
    """A token of the platform."""
    return jwt.encode({"alg": "RS256", "kid": name, **header}, dict(claims), key(name))


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(it).rstrip(b"=").decode() for it in parts)
