"""accounts.google.com's consent page: a user chooses an account and which scopes to allow."""

from __future__ import annotations

import html
import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from passback_simulators.reply import Refusal, Reply, text_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record
    from passback_simulators.request import Request

CODE_LIFETIME_MS = 600_000

_NARROWED = {
    "https://www.googleapis.com/auth/classroom.coursework.students.readonly": (
        "https://www.googleapis.com/auth/classroom.student-submissions.students.readonly"
    )
}
"""Scopes that Google has been observed to grant in place of the requested ones."""


def page(lms: ClassroomState, request: Request) -> Reply:
    """``GET /o/oauth2/v2/auth``: the page with an Allow and a Cancel button."""
    asked = dict(request.query)
    _checked_client(lms, asked)
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">\n'
        for name, value in asked.items()
        if name != "scope"
    )
    scopes = "".join(
        f'<li><label><input type="checkbox" name="scope" value="{html.escape(scope)}" checked> '
        f"{html.escape(scope)}</label></li>\n"
        for scope in asked.get("scope", "").split()
    )
    accounts = "".join(f'<option value="{one["email"]}">' for one in _accounts(lms))
    return text_reply(
        200,
        "<!DOCTYPE html>\n<html lang=en>\n<head><meta charset=utf-8><title>Sign in - Google Accounts</title></head>\n"
        "<body>\n<h1>Passback wants access to your Google Account</h1>\n"
        f'<form method="post" action="/o/oauth2/v2/auth">\n{hidden}'
        f'<p><label>Account <input name="email" list="accounts" required '
        f'value="{html.escape(asked.get("login_hint", ""))}"></label></p>\n'
        f'<datalist id="accounts">{accounts}</datalist>\n<ul>\n{scopes}</ul>\n'
        '<button name="decision" value="cancel" formnovalidate>Cancel</button>\n'
        '<button name="decision" value="allow">Allow</button>\n</form>\n</body>\n</html>\n',
        "text/html; charset=utf-8",
    )


def decide(lms: ClassroomState, request: Request) -> Reply:
    """``POST /o/oauth2/v2/auth``: redirect to the client, with a code or an error."""
    form = parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)
    asked = {name: values[-1] for name, values in form.items()}
    scopes = form.get("scope", [])
    client = _checked_client(lms, asked | {"scope": " ".join(scopes) or "none"})
    state = {"state": asked["state"]} if "state" in asked else {}
    if asked.get("decision") != "allow" or not scopes:
        return _redirect(asked["redirect_uri"], {"error": "access_denied", **state})
    user = lms.find_user(asked.get("email", ""))
    if user is None:
        raise Refusal(_error_page(400, "invalid_request", "Couldn't find your Google Account"))
    if user["minor"] and not lms.settings["app_trusted"]:
        raise Refusal(
            _error_page(400, "admin_policy_enforced", "Your institution's admin needs to review this app")
        )
    if lms.settings["readonly_scope_narrowed"]:
        scopes = [_NARROWED.get(scope, scope) for scope in scopes]
    code = f"4/0A{secrets.token_urlsafe(40)}"
    row = {
        "code": code, "client_id": client["id"], "user_id": user["id"], "scopes": scopes,
        "redirect_uri": asked["redirect_uri"], "offline": asked.get("access_type") == "offline",
        "challenge": asked.get("code_challenge", ""), "method": asked.get("code_challenge_method", "plain"),
        "expires": lms.clock() + CODE_LIFETIME_MS,
    }  # fmt: skip
    lms.records.put("codes", code, row)
    back = {"code": code, "scope": " ".join(scopes), "authuser": "0", "prompt": "consent"}
    return _redirect(asked["redirect_uri"], {**state, **back})


def _accounts(lms: ClassroomState) -> list[Record]:
    return [one for one in lms.records.all("users") if not one["deleted"]]


def _checked_client(lms: ClassroomState, asked: Mapping[str, str]) -> Record:
    """The requesting client. Raises `Refusal` with an error page, not a redirect, if the request cannot be trusted."""
    client = lms.records.get("clients", asked.get("client_id", ""))
    if client is None:
        raise Refusal(_error_page(401, "invalid_client", "The OAuth client was not found."))
    address = asked.get("redirect_uri", "")
    if not address.startswith(("http://", "https://")):
        raise Refusal(_error_page(400, "invalid_request", "Missing required parameter: redirect_uri"))
    if lms.settings["redirect_uris"] and address not in lms.settings["redirect_uris"]:
        message = "The redirect URI in the request does not match the ones authorized for the OAuth client."
        raise Refusal(_error_page(400, "redirect_uri_mismatch", message))
    if asked.get("response_type") != "code":
        raise Refusal(_error_page(400, "unsupported_response_type", "Invalid response_type"))
    if not asked.get("scope"):
        raise Refusal(_error_page(400, "invalid_request", "Missing required parameter: scope"))
    return client


def _redirect(address: str, parameters: Mapping[str, str]) -> Reply:
    joined = "&" if "?" in address else "?"
    return Reply(302, b"", (("location", f"{address}{joined}{urlencode(parameters)}"),))


def _error_page(status: int, error: str, message: str) -> Reply:
    return text_reply(
        status,
        "<!DOCTYPE html>\n<html lang=en>\n<title>Error</title>\n<h1>Access blocked: Authorization Error</h1>\n"
        f"<p>{html.escape(message)}</p>\n<p>Error {status}: {error}</p>\n",
        "text/html; charset=utf-8",
    )
