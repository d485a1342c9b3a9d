"""Launches: the LMS sends people to a tool, and says who they are (OpenID Connect, LTI 1.3)."""

from __future__ import annotations

import json
import secrets
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from passback_simulators.lti import keys
from passback_simulators.lti.seed import CLIENT_ID, DEPLOYMENT_ID, MEMBERS_READ
from passback_simulators.reply import Refusal, Reply, json_reply, text_reply

if TYPE_CHECKING:
    from passback_simulators.lti.state import LtiState
    from passback_simulators.records import Record
    from passback_simulators.request import Request

_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
_LIFE_SECONDS = 60
RETURN = "/deep_link_return"


def published_keys(lms: LtiState, request: Request) -> Reply:
    """GET the keys that launches are signed with."""
    return json_reply(200, {"keys": keys.published(lms)})


def open_link(lms: LtiState, request: Request) -> Reply:
    """Somebody clicks: the browser is sent to the tool's login. In the query are who, where and what.

    ``user`` and ``course`` are ids; ``link`` is the id of an activity of the tool in the course, or ``choose`` is given
    if a teacher adds one.
    """
    client = lms.records.get("clients", request.param("client", CLIENT_ID))
    course, user = request.param("course"), request.param("user")
    if client is None or not client.get("login"):
        raise Refusal(json_reply(400, {"message": "the tool has told no address to log in at"}))
    if lms.member(course, user) is None:
        raise Refusal(json_reply(400, {"message": "there is no such member of the course"}))
    link = lms.records.get("links", request.param("link")) if request.param("link") else None
    if (link is None or link["course"] != course) and not request.param("choose"):
        raise Refusal(json_reply(400, {"message": "there is no such link"}))
    hint = secrets.token_urlsafe(12)
    lms.records.put("hints", hint, {
        "user": user, "course": course, "client": client["id"], "link": None if link is None else link["id"],
    })  # fmt: skip
    query = {
        "iss": request.base_url,
        "login_hint": user,
        "target_link_uri": _target(client, link),
        "lti_message_hint": hint,
        "client_id": client["id"],
        "lti_deployment_id": DEPLOYMENT_ID,
        **({"lti_storage_target": "_parent"} if request.param("storage") else {}),
    }
    return Reply(302, headers=(("location", f"{client['login']}?{urlencode(query)}"),))


def _target(client: Record, link: Record | None) -> str:
    """Where a launch is to end: at the link's own address, or at the one that the tool has told."""
    return str((link or {}).get("url") or client["launch"])


def authorize(lms: LtiState, request: Request) -> Reply:
    """GET or POST: the tool asks who it is, and the browser takes the answer back."""
    given = (
        dict(request.query)
        if request.method == "GET"
        else dict(parse_qsl(request.body.decode("utf-8", "replace")))
    )
    client = lms.records.get("clients", given.get("client_id", ""))
    back = given.get("redirect_uri", "")
    if client is None or back not in client.get("redirects", []):
        return text_reply(400, "<html>Unregistered redirect_uri</html>", "text/html; charset=utf-8")
    hint = lms.records.get("hints", given.get("lti_message_hint", ""))
    if hint is not None:  # Canvas and Moodle answer once
        lms.records.remove("hints", given["lti_message_hint"])
    wanted = {"scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none"}
    if (
        hint is None
        or hint["client"] != client["id"]
        or any(given.get(name) != it for name, it in wanted.items())
    ):
        return _form(back, {"error": "invalid_request", "state": given.get("state", "")})
    if given.get("login_hint") != hint["user"] or not given.get("nonce"):
        return _form(back, {"error": "login_required", "state": given.get("state", "")})
    claims = _claims(lms, request, client, hint, given["nonce"])
    return _form(back, {"id_token": _signed(lms, claims), "state": given.get("state", "")})


def _form(url: str, fields: dict[str, str]) -> Reply:
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items()
    )
    page = (
        f'<!doctype html><html><body><form method="post" action="{escape(url)}">{inputs}</form>'
        "<script>document.forms[0].submit()</script></body></html>"
    )
    return text_reply(200, page, "text/html; charset=utf-8")


def _claims(lms: LtiState, request: Request, client: Record, hint: Record, nonce: str) -> dict[str, Any]:
    fault, now = lms.settings["launch_fault"], lms.clock() // 1000
    issued = now - 2 * _LIFE_SECONDS - 60 if fault == "expired" else now
    member, course = lms.member(hint["course"], hint["user"]), lms.records.get("courses", hint["course"])
    link = None if hint["link"] is None else lms.records.get("links", hint["link"])
    user = lms.records.get("users", hint["user"])
    assert member is not None
    assert course is not None
    assert user is not None
    claims = {
        "iss": request.base_url,
        "aud": "another tool" if fault == "wrong-audience" else hint["client"],
        "iat": issued,
        "exp": issued + _LIFE_SECONDS,
        "nonce": "another" if fault == "wrong-nonce" else nonce,
        "sub": hint["user"],
        _CLAIM + "version": "1.3.0",
        _CLAIM + "deployment_id": "another" if fault == "wrong-deployment" else DEPLOYMENT_ID,
        _CLAIM + "target_link_uri": _target(client, link),
        _CLAIM + "roles": member["roles"],
        _CLAIM + "context": {"id": course["id"], "label": course["label"], "title": course["title"]},
        _CLAIM + "lis": {
            "person_sourcedid": user["sourcedid"],
            "course_section_sourcedid": course["sourcedid"],
        },
        _CLAIM + "tool_platform": {"product_family_code": lms.profile.family, "guid": "simulated"},
        "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
            "context_memberships_url": request.base_url + lms.profile.memberships.format(course=course["id"]),
            "service_versions": ["2.0"],
        },
    }
    if not lms.settings["private_people"]:
        claims |= {
            "name": f"{user['given']} {user['family']}", "given_name": user["given"],
            "family_name": user["family"], "email": user["email"],
        }  # fmt: skip
    if hint["link"] is None:
        return claims | _choosing(request, hint)
    assert link is not None
    return claims | _of_link(lms, request, client, hint, link)


def _choosing(request: Request, hint: Record) -> dict[str, Any]:
    return {
        _CLAIM + "message_type": "LtiDeepLinkingRequest",
        "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings": {
            "deep_link_return_url": request.base_url + RETURN,
            "accept_types": ["ltiResourceLink"],
            "accept_presentation_document_targets": ["frame", "iframe", "window"],
            "accept_multiple": True,
            "data": hint["course"],
        },
    }


def _of_link(lms: LtiState, request: Request, client: Record, hint: Record, link: Record) -> dict[str, Any]:
    items = [it["id"] for it in lms.records.all("items") if it["resourceLinkId"] == link["id"]]
    own = lms.path(lms.profile.item, course=hint["course"], item=items[0]) if len(items) == 1 else ""
    return {
        _CLAIM + "message_type": "LtiResourceLinkRequest",
        _CLAIM + "resource_link": {"id": link["id"], "title": link["title"]},
        # PHP writes an empty object as an empty list.
        _CLAIM + "custom": link.get("custom") or ([] if lms.profile.family == "moodle" else {}),
        "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {
            "scope": [it for it in lms.scopes_of(client) if it != MEMBERS_READ],
            "lineitems": request.base_url + lms.path(lms.profile.items, course=hint["course"]),
            "lineitem": request.base_url + own if own else "",
        },
    }


def _signed(lms: LtiState, claims: dict[str, Any]) -> str:
    from joserfc import jwt

    key_id, key = keys.own(lms)
    shown = "unknown" if lms.settings["launch_fault"] == "unknown-key" else key_id
    return jwt.encode({"alg": "RS256", "kid": shown}, json.loads(json.dumps(claims)), key)
