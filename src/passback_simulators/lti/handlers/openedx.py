"""Open edX's services, which differ in most that can differ.

They are as its own code has them (``lti-consumer-xblock`` 11.4.4), which tests run beside them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from passback_simulators.lti import access
from passback_simulators.lti.handlers import grades, line_items
from passback_simulators.lti.replies import (
    ITEM,
    ITEMS,
    MEMBERS,
    RESULTS,
    SCORE,
    content_of,
    listed,
    number,
    refused,
)
from passback_simulators.lti.seed import LINE_ITEM, LINE_ITEM_READ, MEMBERS_READ, RESULT_READ
from passback_simulators.lti.seed import SCORE as SCORE_SCOPE
from passback_simulators.reply import Refusal, Reply, json_reply, text_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback_simulators.lti.state import LtiState
    from passback_simulators.records import Record
    from passback_simulators.request import Request

_LONGEST = {"label": 100, "resourceId": 255, "tag": 50}
_DATES = ("startDateTime", "endDateTime")
_PROGRESS = {
    "activityProgress": ("Initialized", "Started", "InProgress", "Submitted", "Completed"),
    "gradingProgress": ("FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"),
}


def list_items(lms: LtiState, request: Request, course: str) -> Reply:
    """GET the line items, all at once."""
    client = access.client_of(lms, request, LINE_ITEM, LINE_ITEM_READ)
    access.course(lms, request, course)
    found = lms.items_of(request, course, client)
    for param, name in (
        ("resource_id", "resourceId"),
        ("resource_link_id", "resourceLinkId"),
        ("tag", "tag"),
    ):
        if wanted := request.param(param):
            found = [it for it in found if it[name] == wanted]
    return listed([_shown_item(lms, request, it) for it in found], ITEMS)


def read_item(lms: LtiState, request: Request, course: str, item: str) -> Reply:
    """GET a line item."""
    client = access.client_of(lms, request, LINE_ITEM, LINE_ITEM_READ)
    return json_reply(200, _shown_item(lms, request, _own_item(lms, request, course, item, client)), ITEM)


def create_item(lms: LtiState, request: Request, course: str) -> Reply:
    """POST a new line item."""
    client = access.client_of(lms, request, LINE_ITEM)
    access.course(lms, request, course)
    fields = _item_fields(lms, content_of(lms.profile, request), None)
    item = str(lms.records.next_number("items", 501))
    made = lms.records.put("items", item, {"id": item, "course": course, "client": client, **fields})
    return json_reply(201, _shown_item(lms, request, made), ITEM)


def change_item(lms: LtiState, request: Request, course: str, item: str) -> Reply:
    """PUT a line item: what is left out stays, even the link that it belongs to can change."""
    client = access.client_of(lms, request, LINE_ITEM)
    found = _own_item(lms, request, course, item, client)
    changed = lms.records.put(
        "items", item, found | _item_fields(lms, content_of(lms.profile, request), found)
    )
    return json_reply(200, _shown_item(lms, request, changed), ITEM)


def remove_item(lms: LtiState, request: Request, course: str, item: str) -> Reply:
    """DELETE a line item, which no token is good for."""
    access.client_of(lms, request, LINE_ITEM, LINE_ITEM_READ)
    raise refused(lms.profile, request, 403, "You do not have permission to perform this action.")


def send_score(lms: LtiState, request: Request, course: str, item: str) -> Reply:
    """POST a score, of anybody whom the LMS knows."""
    client = access.client_of(lms, request, SCORE_SCOPE)
    found = _own_item(lms, request, course, item, client)
    given = content_of(lms.profile, request)
    user = str(given.get("userId"))
    before = grades.score_of(lms, item, user)
    stamp = grades.instant(given.get("timestamp"))
    _check_score(given, before, stamp)
    if lms.records.get("users", user) is None:
        raise _failure()
    points, maximum = number(given.get("scoreGiven")), number(given.get("scoreMaximum"))
    fields: dict[str, Any] = {"stamp": stamp, "points": points, "maximum": maximum}
    if "comment" in given:
        comment = given["comment"]
        fields["comment"] = comment.strip() if isinstance(comment, str) else comment
    # The gradebook gets only what is final, and of the launched link itself.
    final = given["gradingProgress"] == "FullyGraded" and found["resourceLinkId"] is not None
    if final and points is not None and maximum:
        fields["published"] = min(points / maximum, 1.0)
    kept = grades.put(lms, item, user, **fields)
    shown = {
        "timestamp": datetime.fromtimestamp(kept["stamp"] / 1000, UTC).isoformat().replace("+00:00", "Z"),
        "scoreGiven": points, "scoreMaximum": maximum, "comment": kept["comment"],
        "activityProgress": given["activityProgress"], "gradingProgress": given["gradingProgress"], "userId": user,
    }  # fmt: skip
    return json_reply(201, shown, SCORE)


def read_results(lms: LtiState, request: Request, course: str, item: str, user: str = "") -> Reply:
    """GET the scores that have points, the newest first. The query says only how many."""
    client = access.client_of(lms, request, RESULT_READ)
    found = _own_item(lms, request, course, item, client)
    scores = [it for it in grades.of_item(lms, item) if it["points"] is not None and user in ("", it["user"])]
    scores.sort(key=lambda it: int(it["stamp"]), reverse=True)
    if limit := request.param("limit"):
        if not limit.isdecimal():
            raise _failure()
        scores = scores[: int(limit)]
    address = line_items.url_of(lms, request, found)
    shown = [
        {
            "id": f"{address}/results/{it['user']}", "scoreOf": address, "userId": it["user"],
            "resultScore": it["points"], "resultMaximum": it["maximum"] or found["scoreMaximum"],
            "comment": it["comment"],
        }
        for it in scores
    ]  # fmt: skip
    return listed(shown, RESULTS)


def list_members(lms: LtiState, request: Request, course: str) -> Reply:
    """GET the members of a course, whatever their roles, in numbered pages if that is asked for."""
    access.client_of(lms, request, MEMBERS_READ)
    access.course(lms, request, course)
    members = [it for it in lms.members(course) if it["status"] == "Active"]
    if request.fault == "not-enrolled":
        members = [it for it in members if not any(role.endswith("#Learner") for role in it["roles"])]
    headers: tuple[tuple[str, str], ...] = ()
    if size := _positive(request.param("limit"), 0):
        page = _positive(request.param("page"), 1)
        total, members = len(members), members[(page - 1) * size : page * size]
        if page * size < total:
            query = urlencode(dict(request.query) | {"limit": size, "page": page + 1})
            headers = (("link", f'<{request.base_url}{request.path}?{query}>; rel="next"'),)
    content = {
        "id": f"{request.base_url}{request.path}",
        "context": {"id": course},
        "members": [_shown_member(lms, it) for it in members],
    }
    return listed(content, MEMBERS, headers)


OPERATIONS = (
    ("GET", "items", list_items),
    ("POST", "items", create_item),
    ("GET", "item", read_item),
    ("PUT", "item", change_item),
    ("DELETE", "item", remove_item),
    ("POST", "scores", send_score),
    ("GET", "results", read_results),
    ("GET", "result", read_results),
    ("GET", "memberships", list_members),
)


def _own_item(lms: LtiState, request: Request, course: str, item: str, client: str) -> Record:
    """A line item of the tool; another tool's does not exist for it. Raises `Refusal`."""
    access.course(lms, request, course)
    found = lms.item(request, course, item)
    if found is None or found["client"] != client:
        raise refused(lms.profile, request, 404, "No LtiAgsLineItem matches the given query.")
    return found


def _shown_item(lms: LtiState, request: Request, item: Record) -> dict[str, Any]:
    """A line item with all its members, also those that it has no value for."""
    return {
        "id": line_items.url_of(lms, request, item), "resourceId": item["resourceId"] or "",
        "scoreMaximum": int(item["scoreMaximum"]), "label": item["label"], "tag": item["tag"] or "",
        "resourceLinkId": item["resourceLinkId"], **{name: item["dates"].get(name) for name in _DATES},
    }  # fmt: skip


def _shown_member(lms: LtiState, member: Record) -> dict[str, Any]:
    user = lms.records.get("users", member["user"]) or {}
    shown = {"status": "Active", "user_id": member["user"], "roles": member["roles"]}
    if lms.settings["private_people"]:
        return shown
    return {**shown, "name": f"{user.get('given', '')} {user.get('family', '')}", "email": user.get("email")}


def _positive(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and int(text) > 0 else otherwise


def _item_fields(lms: LtiState, given: Mapping[str, Any], before: Record | None) -> dict[str, Any]:
    """What a line item is to have; what is left out stays. Raises `Refusal`."""
    wrong: dict[str, str] = {}
    for name in ("label", "resourceId", "tag"):
        text = given.get(name)
        if name in given and text is None:
            wrong[name] = "This field may not be null."
        elif name in given and not str(text).strip() and name != "tag":
            wrong[name] = "This field may not be blank."
        elif len(str(text or "")) > _LONGEST[name]:
            wrong[name] = f"Ensure this field has no more than {_LONGEST[name]} characters."
    for name in ("label", "scoreMaximum"):
        if name not in given:
            wrong[name] = "This field is required."
    maximum = number(given.get("scoreMaximum"))
    if "scoreMaximum" in given and (maximum is None or maximum != int(maximum)):
        wrong["scoreMaximum"] = "A valid integer is required."
    wrong |= {it: "This field may not be null." for it in _DATES if it in given and given[it] is None}
    if "resourceLinkId" in given and lms.records.get("links", str(given["resourceLinkId"])) is None:
        wrong["resourceLinkId"] = f"Invalid usage key: {given['resourceLinkId']!r}"
    if not wrong and not {"resourceId", "resourceLinkId"} & given.keys():
        wrong["non_field_errors"] = "Must provide at least one of resource_id or resource_link_id"
    if wrong:
        raise _wrong(wrong)
    kept: Record = before or {"resourceId": None, "tag": None, "resourceLinkId": None, "dates": {}}
    texts = {name: given.get(name, kept[name]) or None for name in ("resourceId", "tag", "resourceLinkId")}
    dates = kept["dates"] | {name: given[name] for name in _DATES if name in given}
    return {"label": given["label"].strip(), "scoreMaximum": maximum, "dates": dates, **texts}


def _check_score(given: Mapping[str, Any], before: Record | None, stamp: int | None) -> None:
    """Refuse what is no score, and what is not newer than the one `before`. Raises `Refusal`."""
    wrong = {
        name: "This field is required." for name in ("timestamp", "userId", *_PROGRESS) if name not in given
    }
    if "timestamp" in given and stamp is None:
        wrong["timestamp"] = (
            "Datetime has wrong format. Use one of these formats instead:"
            " YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
        )
    known = None if before is None else before["stamp"]
    if stamp is not None and known is not None and stamp <= known:
        wrong["timestamp"] = (
            "Score already exists for the provided timestamp"
            if stamp == known
            else "Score timestamp can only be updated to a later point in time"
        )
    points, maximum = number(given.get("scoreGiven")), number(given.get("scoreMaximum"))
    if given.get("scoreGiven") is not None and points is None:
        wrong["scoreGiven"] = "A valid number is required."
    elif points is not None and maximum is None:
        wrong["scoreMaximum"] = "scoreMaximum is a required field when providing a scoreGiven value."
    elif points is not None and maximum is not None and maximum <= 0:
        wrong["scoreMaximum"] = "scoreMaximum must be a positive number when scoreGiven is provided."
    if "\0" in str(given.get("comment")):
        wrong["comment"] = "Null characters are not allowed."
    if wrong:
        raise _wrong(wrong)
    # What its form lets through, its database does not.
    if any(given[name] not in words for name, words in _PROGRESS.items()) or (
        points is not None and points < 0
    ):
        raise _failure()


def _failure() -> Refusal:
    """What is answered if something goes wrong that nobody thought of."""
    page = "<!doctype html><html><head><title>Server Error (500)</title></head></html>"
    return Refusal(text_reply(500, page, "text/html; charset=utf-8"))


def _wrong(fields: Mapping[str, str]) -> Refusal:
    return Refusal(json_reply(400, {name: [reason] for name, reason in fields.items()}, "application/json"))
