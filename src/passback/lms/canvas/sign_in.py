"""Signing in to Canvas with a developer key (OAuth 2, authorization code)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from passback.lms.http.oauth2 import exchange_code


class CanvasSignIn:
    """See `passback.lms.interface.SignIn`."""

    async def begin(
        self, address: str, given: Mapping[str, str], callback: str
    ) -> tuple[str, Mapping[str, str]]:
        state = secrets.token_urlsafe(24)
        query = {
            "client_id": given.get("client_id", ""),
            "response_type": "code",
            "redirect_uri": callback,
            "state": state,
            "purpose": "Passback",
        }
        return f"{address}login/oauth2/auth?{urlencode(query)}", {"state": state}

    async def finish(
        self,
        address: str,
        given: Mapping[str, str],
        callback: str,
        begun: Mapping[str, str],
        query: Mapping[str, str],
    ) -> Mapping[str, str]:
        answer = await exchange_code(address + "login/oauth2/token", given, callback, begun, query)
        return {"refresh_token": answer["refresh_token"]}
