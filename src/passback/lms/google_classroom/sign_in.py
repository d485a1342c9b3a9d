"""Signing in to Google (OAuth 2, authorization code), for a district without a service account.

Source: Google Identity's "Using OAuth 2.0 for Web Server Applications".
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from passback.lms.google_classroom.credentials import TOKEN_URI, teacher_scopes
from passback.lms.http.oauth2 import exchange_code
from passback.lms.interface import NotAllowed

AUTHORIZE_URI = "https://accounts.google.com/o/oauth2/v2/auth"


class GoogleSignIn:
    """See `passback.lms.interface.SignIn`."""

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
            "prompt": "consent",  # otherwise Google issues a refresh token only the first time
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
        answer = await exchange_code(given.get("token_uri") or TOKEN_URI, given, callback, begun, query)
        missing = set(teacher_scopes(given)) - set(str(answer.get("scope", "")).split())
        if missing:
            raise NotAllowed("not everything that is needed was allowed: tick all boxes on Google's page")
        return {"refresh_token": answer["refresh_token"]}
