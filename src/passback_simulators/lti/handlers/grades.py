"""Scores that tools send, and what becomes of them in the gradebook (AGS 2.0)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from passback_simulators.lti import access
from passback_simulators.lti.replies import (
    BAD_GATEWAY,
    RESULTS,
    SCORE,
    content_of,
    listed,
    number,
    page_of,
    plain,
    refused,
    refused_score,
    require_type,
)
from passback_simulators.lti.seed import RESULT_READ
from passback_simulators.lti.seed import SCORE as SCORE_SCOPE
from passback_simulators.reply import Refusal, Reply, json_reply, text_reply

if TYPE_CHECKING:
    from passback_simulators.lti.state import LtiState
    from passback_simulators.records import Record
    from passback_simulators.request import Request

_ACTIVITY = ("Initialized", "Started", "InProgress", "Submitted", "Completed")
_GRADING = ("FullyGraded", "Pending", "PendingManual", "Failed", "NotReady")
_SUBMISSION = "https://canvas.instructure.com/lti/submission"
_DECIMALS = 5


def of_item(lms: LtiState, item: str) -> list[Record]:
    """The grades of a line item."""
    return [it for it in lms.records.all("scores") if it["item"] == item]


def score_of(lms: LtiState, item: str, user: str) -> Record | None:
    """A user's grade."""
    return lms.records.get("scores", f"{item}/{user}")


def put(lms: LtiState, item: str, user: str, **fields: Any) -> Record:
    """Set fields of a user's grade."""
    none: Record = {
        "item": item, "user": user, "points": None, "maximum": None, "comment": None, "comments": [], "stamp": None,
        "overridden": False, "published": None, "activity": None, "attempts": 0,
    }  # fmt: skip
    record = (score_of(lms, item, user) or none) | fields
    return lms.records.put("scores", f"{item}/{user}", record)


def rescale(lms: LtiState, item: str, factor: float) -> None:
    """Rescale all grades of a line item, as Moodle does when its maximum changes; they count as changed now."""
    for score in of_item(lms, item):
        if score["points"] is not None:
            points = round(score["points"] * factor, _DECIMALS)
            put(lms, item, score["user"], points=points, published=points, stamp=lms.clock())


def send(lms: LtiState, request: Request, course: str, item: str) -> Reply:
    """POST a score."""
    profile = lms.profile
    require_type(profile, request, SCORE, sends=True)
    client = access.client_of(lms, request, SCORE_SCOPE)
    found = access.own_item(lms, request, course, item, client)
    given = content_of(profile, request)
    user = given.get("userId")
    if profile.numeric_users and not str(user).isdecimal():
        raise Refusal(text_reply(502, BAD_GATEWAY, "text/html"))
    stamp = _checked(lms, request, given)
    if found.get("locked"):
        raise refused_score(profile, request, 500, "Internal Server Error")
    if not isinstance(user, str) or not lms.is_gradable(request, course, user):
        raise _not_gradable(lms, request, course, str(user))
    before = score_of(lms, item, user)
    ignored = _check_stamp(lms, request, before, stamp)
    if not ignored:
        _keep(lms, found, user, given, stamp)
    return _answer(lms, request, found, user, given)


def _checked(lms: LtiState, request: Request, given: dict[str, Any]) -> int:
    """The time of a score that has all it needs, in milliseconds since 1970. Raises `Refusal`."""
    stamp = instant(given.get("timestamp"))
    if stamp is None:
        raise refused_score(lms.profile, request, 400, "Bad Request: timestamp", "timestamp")
    lax = lms.profile.dialect == "moodle"  # does not look at the words
    for name, words in (("activityProgress", _ACTIVITY), ("gradingProgress", _GRADING)):
        if given.get(name) not in words and not (lax and name in given):
            raise refused_score(lms.profile, request, 400, f"Bad Request: {name}", name)
    points, maximum = number(given.get("scoreGiven")), number(given.get("scoreMaximum"))
    # Moodle takes the points of a maximum of 0 as they are.
    wrong = points is None or points < 0 or maximum is None or maximum < 0 or not (maximum or lax)
    if given.get("scoreGiven") is not None and wrong:
        raise refused_score(lms.profile, request, 400, "Bad Request: scoreGiven", "scoreGiven")
    return stamp


def instant(text: Any) -> int | None:
    """A time as scores have it, in milliseconds since 1970; None if it is none."""
    try:
        parsed = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)


def _not_gradable(lms: LtiState, request: Request, course: str, user: str) -> Refusal:
    """What is said of somebody who cannot be graded."""
    match lms.profile.family:
        case "canvas":
            return refused(lms.profile, request, 422, "User not found in course or is not a student")
        case "brightspace" if lms.records.get("users", user) is None:
            return refused(lms.profile, request, 404, "User in requested score does not exist")
        case "brightspace" if request.fault is None and lms.member(course, user) is not None:
            return refused(lms.profile, request, 422, "User in requested score cannot be graded")
        case "brightspace":
            return refused(
                lms.profile, request, 403, "User in requested score is not enrolled in the org unit"
            )
        case "blackboard":
            return refused(lms.profile, request, 400, "User could not be found: the id is unknown")
        case _:
            return refused_score(lms.profile, request, 400, "Bad Request: Incorrect score received")


def _check_stamp(lms: LtiState, request: Request, before: Record | None, stamp: int) -> bool:
    """Whether a score is to be ignored for its time; most LMSs refuse it instead. Raises `Refusal`."""
    profile, known = lms.profile, None if before is None else before["stamp"]
    if known is None:
        return False
    unit = 1000 if profile.whole_seconds else 1
    stale = stamp // unit < known // unit if profile.accepts_equal else stamp // unit <= known // unit
    if not stale:
        return False
    match profile.dialect:
        case "canvas":
            reason = f"Provided timestamp of {stamp} before last updated timestamp of {known}"
        case _:
            reason = "Conflict: Refusing score with an earlier timestamp"
    raise refused_score(profile, request, profile.stale_status, reason, "timestamp")


def _keep(lms: LtiState, item: Record, user: str, given: dict[str, Any], stamp: int) -> None:
    """Keep a score as this LMS does."""
    profile, before = lms.profile, score_of(lms, item["id"], user) or {}
    fields: dict[str, Any] = {"stamp": stamp, "activity": given["activityProgress"]}
    fields |= _comment(lms, before, given)
    points, maximum = number(given.get("scoreGiven")), number(given.get("scoreMaximum"))
    graded = given["gradingProgress"] == "FullyGraded"
    if profile.family == "canvas" and given["gradingProgress"] not in ("FullyGraded", "PendingManual"):
        points = before.get("points") if _extension(given).get("preserve_score") else None
    elif not graded and not profile.progress_erases:
        points = before.get("points")
    elif not graded and profile.dialect == "moodle":
        points = None
    elif points is not None:
        points = _kept(lms, item, points, maximum or item["scoreMaximum"])
    if not (before.get("overridden") and item["resourceLinkId"]):
        fields |= {"points": points, "published": points}
    if profile.dialect == "moodle" and before.get("stamp") is not None:
        if (points, fields["comment"]) == (before["points"], before["comment"]):
            fields = {"activity": given["activityProgress"]}  # what is there already is not written
        elif points is None and not item["resourceLinkId"]:
            fields["stamp"] = lms.clock()  # what is taken away counts as changed now
    if profile.family == "canvas" and _extension(given).get("new_submission", True):
        fields["attempts"] = before.get("attempts", 0) + 1
    put(lms, item["id"], user, **fields)


def _extension(given: dict[str, Any]) -> dict[str, Any]:
    found = given.get(_SUBMISSION)
    return found if isinstance(found, dict) else {}


def _comment(lms: LtiState, before: Record, given: dict[str, Any]) -> dict[str, Any]:
    """What becomes of the comment."""
    comment = given.get("comment")
    match lms.profile.comments:
        case "added":
            return {"comments": [*before.get("comments", []), comment]} if comment else {}
        case _:
            return {"comment": comment or None}


def _kept(lms: LtiState, item: Record, points: float, maximum: float) -> float:
    """The points that the gradebook keeps of a score."""
    kept: float = points * item["scoreMaximum"] / maximum
    if lms.profile.caps and not lms.settings["can_exceed"]:
        kept = min(kept, item["scoreMaximum"])
    return round(kept, _DECIMALS)


def _answer(lms: LtiState, request: Request, item: Record, user: str, given: dict[str, Any]) -> Reply:
    match lms.profile.family:
        case "canvas":
            path = lms.path(lms.profile.item, course=item["course"], item=item["id"])
            return json_reply(200, {"resultUrl": f"{request.base_url}{path}/results/{user}"})
        case _:
            return Reply(lms.profile.score_status)


def results(lms: LtiState, request: Request, course: str, item: str, user: str = "") -> Reply:
    """GET what the gradebook has: a teacher's changes, too."""
    profile = lms.profile
    require_type(profile, request, RESULTS)
    client = access.client_of(lms, request, RESULT_READ)
    found = access.own_item(lms, request, course, item, client)
    if request.param("limit") and not profile.results_paged:
        raise Refusal(text_reply(404, "<!DOCTYPE html><html><h1>Not found</h1></html>", "text/html"))
    wanted = user or request.param("user_id")
    scores = {it["user"]: it for it in of_item(lms, item)}
    listed_users = [it["user"] for it in lms.members(course) if lms.is_gradable(request, course, it["user"])]
    shown = []
    for one in listed_users:
        score = scores.get(one)
        if wanted in ("", one) and (score is not None or profile.lists_ungraded):
            shown.append(_result(lms, request, found, one, score, filtered=bool(wanted)))
    part, headers = page_of(lms, request, shown)
    return listed(part, RESULTS, headers)


def _result(
    lms: LtiState, request: Request, item: Record, user: str, score: Record | None, *, filtered: bool
) -> dict[str, Any]:
    profile = lms.profile
    path = lms.path(profile.item, course=item["course"], item=item["id"])
    address, _, query = f"{request.base_url}{path}".partition("?")
    query = f"?{query}" if query else ""
    content: dict[str, Any] = {
        "id": f"{address}/results/{user}{query}", "scoreOf": address + query, "userId": user,
        "resultMaximum": plain(item["scoreMaximum"]),
    }  # fmt: skip
    if score is None:
        return content
    points = score["points"]
    if points is not None and not (points == 0 and lms.settings["omits_zero"]):
        content["resultScore"] = plain(points)
    if score["comment"] and profile.shows_comments and (profile.filtered_comment or not filtered):
        content["comment"] = score["comment"]
    if profile.dialect == "moodle" and score["stamp"] is not None:
        content["timestamp"] = datetime.fromtimestamp(score["stamp"] // 1000, UTC).isoformat()
    return content


OPERATIONS = (
    ("POST", "scores", send),
    ("GET", "results", results),
    ("GET", "result", results),
)
