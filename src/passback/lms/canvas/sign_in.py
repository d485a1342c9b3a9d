"""Signing in to Canvas with a developer key (OAuth 2, authorization code)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from passback.domain.clock import system_clock
from passback.lms.connector import NotAllowed
from passback.lms.oauth2 import TokenEndpoint


class CanvasSignIn:
    """See `passback.lms.connector.SignIn`."""

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
        if not secrets.compare_digest(query.get("state", ""), begun["state"]):
            raise NotAllowed("the browser came back from another sign-in")
        if "code" not in query:
            raise NotAllowed("Canvas was not allowed to let us in")
        endpoint = TokenEndpoint(address + "login/oauth2/token", system_clock)
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
            raise NotAllowed("Canvas gave no refresh token")
        return {"refresh_token": answer["refresh_token"]}
