"""Likes of updates and of their comments (Schoology REST API: Like). They exist only as fields of what is liked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.access import no_personal_key, section, writable
from passback_simulators.schoology.handlers.roster import shown_user
from passback_simulators.schoology.replies import content, flag, missing, paged, refusal

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState


def fields(lms: SchoologyState, liked: Record) -> Record:
    """The two fields of everything that can be liked."""
    return {"likes": len(liked["likes"]), "user_like_action": lms.actor.uid in liked["likes"]}


def _find(lms: SchoologyState, update_id: str, comment_id: str | None) -> tuple[str, Record, Record]:
    """The table and record of an update or a comment on it, and its section. Raises `Refusal`."""
    update = lms.records.get("updates", update_id)
    if update is None:
        raise missing("Update")
    place = section(lms, update["section_id"])
    if comment_id is None:
        return "updates", update, place
    comment = lms.records.get("update_comments", comment_id)
    if comment is None or comment["update_id"] != update["id"]:
        raise missing("Comment")
    return "update_comments", comment, place


def users(lms: SchoologyState, request: Request, update_id: str, comment_id: str | None = None) -> Reply:
    """GET /like/{id} and /like/{id}/comment/{id}: who likes it."""
    _, liked, _ = _find(lms, update_id, comment_id)
    no_personal_key(lms)
    found = [user for uid in liked["likes"] if (user := lms.records.get("users", uid)) is not None]
    return paged(lms, request, "users", found, lambda user: shown_user(lms, request, user), int)


def like(lms: SchoologyState, request: Request, update_id: str, comment_id: str | None = None) -> Reply:
    """POST /like/{id} and /like/{id}/comment/{id}: like it, or no longer.

    If that changes nothing, the reply is an empty list. It is not documented; schoolopy takes anything that is not an
    object for it.
    """
    table, liked, place = _find(lms, update_id, comment_id)
    writable(lms, place)
    given = content(request)
    if "like_action" not in given:
        raise refusal(400, "like_action is required")
    wanted = bool(flag(given["like_action"]))
    if wanted == (lms.actor.uid in liked["likes"]):
        return json_reply(200, [])
    others = [uid for uid in liked["likes"] if uid != lms.actor.uid]
    liked = liked | {"likes": [*others, lms.actor.uid] if wanted else others}
    return json_reply(200, fields(lms, lms.records.put(table, liked["id"], liked)))


ROUTES = (
    ("GET", "/like/{update_id}", users),
    ("POST", "/like/{update_id}", like),
    ("GET", "/like/{update_id}/comment/{comment_id}", users),
    ("POST", "/like/{update_id}/comment/{comment_id}", like),
)
