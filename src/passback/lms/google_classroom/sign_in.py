"""Signing in to Google (OAuth 2, authorization code), for a district without a service account.

Source: Google Identity's "Using OAuth 2.0 for Web Server Applications".
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from passback.domain.clock import system_clock
from passback.lms.connector import NotAllowed
from passback.lms.google_classroom.tokens import TOKEN_URI, teacher_scopes
from passback.lms.oauth2 import TokenEndpoint

AUTHORIZE_URI = "https://accounts.google.com/o/oauth2/v2/auth"


class GoogleSignIn:
    """See `passback.lms.connector.SignIn`."""

    async def begin(
        self,
        address: str,  # noqa: ARG002 - people sign in elsewhere
        given: Mapping[str, str],
        callback: str,
    ) -> tuple[str, Mapping[str, str]]:
        state = secrets.token_urlsafe(24)
        query = {
            "response_type": "code",
            "access_type": "offline",
            "prompt": "consent",  # otherwise Google gives a refresh token only the first time
            "client_id": given.get("client_id", ""),
            "redirect_uri": callback,
            "scope": " ".join(teacher_scopes(given)),
            "state": state,
        }
        return f"{given.get('authorize_uri') or AUTHORIZE_URI}?{urlencode(query)}", {"state": state}

    async def finish(
        self,
        address: str,  # noqa: ARG002
        given: Mapping[str, str],
        callback: str,
        begun: Mapping[str, str],
        query: Mapping[str, str],
    ) -> Mapping[str, str]:
        if not secrets.compare_digest(query.get("state", ""), begun["state"]):
            raise NotAllowed("the browser came back from another sign-in")
        if "code" not in query:
            raise NotAllowed("Google was not allowed to let us in")
        endpoint = TokenEndpoint(given.get("token_uri") or TOKEN_URI, system_clock)
        try:
            answer = await endpoint.grant(
                {
                    "grant_type": "authorization_code",
                    "client_id": given.get("client_id", ""),
                    "client_secret": given.get("client_secret", ""),
                    "redirect_uri": callback,
                    "code": query["code"],
                }
            )
        finally:
            await endpoint.close()
        if not isinstance(answer.get("refresh_token"), str):
            raise NotAllowed("Google gave no refresh token")
        missing = set(teacher_scopes(given)) - set(str(answer.get("scope", "")).split())
        if missing:
            raise NotAllowed("not everything was allowed that is needed: tick all boxes on Google's page")
        return {"refresh_token": answer["refresh_token"]}
