"""Deep linking: a tool gives back what a teacher has chosen, and the LMS puts it into the course."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from passback_simulators.lti.seed import DEPLOYMENT_ID
from passback_simulators.reply import Refusal, Reply, json_reply, text_reply

if TYPE_CHECKING:
    from passback_simulators.lti.state import LtiState
    from passback_simulators.request import Request

_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
_ITEMS = "https://purl.imsglobal.org/spec/lti-dl/claim/content_items"
_SKEW = 60
_OPENEDX_COLUMN: dict[str, Any] = {"label": "LTI Consumer", "scoreMaximum": 1}
"""An activity that a teacher has added without saying more."""


def take_back(lms: LtiState, request: Request) -> Reply:
    """POST the form with the tool's answer: each item becomes a link, with a column if it asks for one."""
    token = parse_qs(request.body.decode("utf-8", "replace")).get("JWT", [""])[0]
    client, claims = _verified(lms, token)
    now = lms.clock() / 1000
    if claims.get("aud") not in (request.base_url, [request.base_url]):
        raise _refused("the audience is wrong")
    if not now - _SKEW < claims.get("exp", 0) or claims.get(_CLAIM + "deployment_id") != DEPLOYMENT_ID:
        raise _refused("it has expired, or is of another deployment")
    if claims.get(_CLAIM + "message_type") != "LtiDeepLinkingResponse":
        raise _refused("it is no answer to a deep link")
    course = str(claims.get("https://purl.imsglobal.org/spec/lti-dl/claim/data", ""))
    added = [_add(lms, course, client, item) for item in claims.get(_ITEMS, [])]
    return text_reply(200, f"<html>Added: {', '.join(added)}</html>", "text/html; charset=utf-8")


def _add(lms: LtiState, course: str, client: str, item: dict[str, Any]) -> str:
    """Put one item into a course; returns the id of the link."""
    link = str(lms.records.next_number("links", 901))
    lms.records.put("links", link, {
        "id": link, "course": course, "client": client, "title": item.get("title", ""), "url": item.get("url"),
        "custom": item.get("custom", {}),
    })  # fmt: skip
    # In Open edX the choice is made for an activity that is there, whose title and points it leaves as they are.
    column = _OPENEDX_COLUMN if lms.profile.family == "openedx" else item.get("lineItem")
    if column is not None:
        number = str(lms.records.next_number("items", 501))
        lms.records.put("items", number, {
            "id": number, "course": course, "client": client, "label": column.get("label", item.get("title", "")),
            "scoreMaximum": float(column["scoreMaximum"]), "resourceId": column.get("resourceId"),
            "tag": column.get("tag"), "resourceLinkId": link, "dates": {},
        })  # fmt: skip
    return link


def _verified(lms: LtiState, token: str) -> tuple[str, dict[str, Any]]:
    """The tool that signed a token, and its claims. Raises `Refusal`."""
    from joserfc import jws, jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    try:
        unverified = jws.extract_compact(token.encode())
        client = lms.records.get("clients", str(_json(unverified.payload).get("iss")))
        key = None if client is None else client["keys"].get(unverified.headers().get("kid"))
        if client is not None and key is not None:
            return str(client["id"]), jwt.decode(token, RSAKey.import_key(key), algorithms=["RS256"]).claims
    except (JoseError, ValueError, AttributeError, RecursionError):
        pass
    raise _refused("it is not signed by a key of the tool")


def _json(content: bytes) -> Any:
    import json

    return json.loads(content)


def _refused(why: str) -> Refusal:
    return Refusal(json_reply(400, {"error": why}))
