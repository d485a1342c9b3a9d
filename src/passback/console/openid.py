"""Signing in with OpenID Connect: at the provider of the settings, by Authlib's authorization code flow with PKCE.

Somebody has an account here first (`passback account create NAME --role ROLE --sso`). The first time, the provider's
verified e-mail address finds it; from then on, the provider's own id of the person.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from httpx2 import HTTPError
from joserfc.errors import JoseError
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from passback.console import sign_in
from passback.console.visit import ROOT, Console
from passback.operations import accounts

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

log = logging.getLogger(__name__)

PATH = sign_in.SIGN_IN + "/openid"
CALLBACK = PATH + "/callback"
_MINUTES_TO_SIGN_IN = 10


def routes(console: Console) -> list[Mount]:
    """The pages; none if no provider is set."""
    provider = console.provider
    if provider is None:
        return []
    clients = OAuth()
    clients.register(
        "provider",
        server_metadata_url=provider.issuer.rstrip("/") + "/.well-known/openid-configuration",
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        client_kwargs={"scope": "openid email", "code_challenge_method": "S256"},
    )
    client = clients.provider

    async def begin(request: Request) -> Response:
        request.session["next"] = request.query_params.get("next", "")
        try:
            found: Response = await client.authorize_redirect(request, console.gateway.base_url + CALLBACK)
        except (HTTPError, OAuthError, ValueError) as error:
            log.error("the OpenID Connect provider cannot be asked: %s", error)  # noqa: TRY400 - nothing more
            return await sign_in.refused(
                console, f"{provider.name} cannot be reached. Try again in a moment.", 503
            )
        return found

    async def land(request: Request) -> Response:
        onward = str(request.session.pop("next", ""))
        try:
            token = await client.authorize_access_token(request)
            claims: dict[str, Any] = token["userinfo"]
        except (HTTPError, OAuthError, JoseError, ValueError, KeyError) as error:
            log.warning("a sign-in with OpenID Connect came to nothing: %s", type(error).__name__)
            return await sign_in.refused(console, f"{provider.name} did not sign you in. Try again.", 401)
        finally:
            request.session.clear()
        email = claims.get("email") if claims.get("email_verified") is True else None
        try:
            secret = await accounts.sign_in_of_provider(
                console.gateway.database,
                provider.issuer,
                str(claims.get("sub", "")),
                email if isinstance(email, str) else None,
                console.clock,
            )
        except accounts.SignInRefused as refused:
            return await sign_in.refused(console, str(refused), 403)
        response = RedirectResponse(onward if sign_in.is_ours(onward) else ROOT, 303)
        sign_in.set_cookie(console, response, secret)
        return response

    # What must be remembered until the provider sends the browser back, in a cookie of its own that nobody can change.
    remembering = Middleware(
        SessionMiddleware,
        secret_key=hashlib.sha256(b"console openid" + console.gateway.cursor_key).hexdigest(),
        session_cookie="passback-openid",
        max_age=_MINUTES_TO_SIGN_IN * 60,
        path=PATH,
        same_site="lax",
        https_only=console.is_secure,
    )
    return [Mount(PATH, routes=[Route("/", begin), Route("/callback", land)], middleware=[remembering])]
