"""Updates, the short posts on a section's page, and their comments (Schoology REST API: Update, Update Comment)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.access import section, teaches, writable
from passback_simulators.schoology.handlers import attachments, likes
from passback_simulators.schoology.handlers.grade_setup import of_section
from passback_simulators.schoology.html_filter import filtered
from passback_simulators.schoology.replies import content, created, forbidden, link, missing, paged, refusal
from passback_simulators.schoology.times import seconds_now

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState


def _text(given: Record, name: str) -> str:
    text = filtered(str(given.get(name) or "")).strip()
    if not text:
        raise refusal(400, f"{name} is required")
    return text


def _own(lms: SchoologyState, section_id: str, record: Record) -> None:
    """Refuse everyone except the author and the section's teachers."""
    if record["uid"] != lms.actor.uid and not teaches(lms, section_id):
        raise forbidden()


# Updates.


def _shown(lms: SchoologyState, request: Request, update: Record, *, attached: bool = False) -> Record:
    shape: Record = {
        "id": update["id"], "body": update["body"], "uid": int(update["uid"]), "created": update["created"],
        "last_updated": update["last_updated"], **likes.fields(lms, update), "realm": "section",
        "section_id": int(update["section_id"]), "num_comments": len(_comments(lms, update)),
    }  # fmt: skip
    if attached or request.param("with_attachments") == "1":
        shape["attachments"] = attachments.shown(lms, request, update["attachments"])
    return shape


def _find(lms: SchoologyState, section_id: str, update_id: str) -> Record:
    section(lms, section_id)
    update = of_section(lms, "updates", section_id, update_id)
    if update is None:
        raise missing("Update")
    return update


def list_all(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/updates: newest first, and without a total."""
    section(lms, section_id)
    found = [one for one in lms.records.all("updates") if one["section_id"] == section_id]
    return paged(lms, request, "update", found[::-1], lambda one: _shown(lms, request, one), None)


def show(lms: SchoologyState, request: Request, section_id: str, update_id: str) -> Reply:
    """GET /sections/{id}/updates/{id}."""
    return json_reply(200, _shown(lms, request, _find(lms, section_id, update_id)))


def create(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """POST /sections/{id}/updates: members post, too, and always as themselves."""
    writable(lms, section(lms, section_id))
    given = content(request)
    now = seconds_now(lms)
    update: Record = {
        "id": lms.records.next_number("update", 5_692_165_001), "section_id": section_id, "uid": lms.actor.uid,
        "body": _text(given, "body"), "created": now, "last_updated": now, "likes": [],
        "attachments": attachments.replaced(lms, [], attachments.sent(given) or []),
    }  # fmt: skip
    lms.records.put("updates", update["id"], update)
    return created(lms, _shown(lms, request, update, attached=bool(update["attachments"])))


def change(lms: SchoologyState, request: Request, section_id: str, update_id: str) -> Reply:
    """PUT /sections/{id}/updates/{id}: returns the update; its author stays, whoever edits it."""
    update = _find(lms, section_id, update_id)
    writable(lms, section(lms, section_id))
    _own(lms, section_id, update)
    given = content(request)
    changed = update | {"last_updated": seconds_now(lms)}
    if "body" in given:
        changed["body"] = _text(given, "body")
    if (sent := attachments.sent(given)) is not None:
        changed["attachments"] = attachments.replaced(lms, update["attachments"], sent)
    lms.records.put("updates", update["id"], changed)
    return json_reply(200, _shown(lms, request, changed, attached=bool(changed["attachments"])))


def delete(lms: SchoologyState, request: Request, section_id: str, update_id: str) -> Reply:
    """DELETE /sections/{id}/updates/{id}, with its comments."""
    update = _find(lms, section_id, update_id)
    writable(lms, section(lms, section_id))
    _own(lms, section_id, update)
    for one in _comments(lms, update):
        lms.records.remove("update_comments", one["id"])
    lms.records.remove("updates", update["id"])
    return Reply(204)


# Comments.


def _comments(lms: SchoologyState, update: Record) -> list[Record]:
    return [one for one in lms.records.all("update_comments") if one["update_id"] == update["id"]]


def _shown_comment(lms: SchoologyState, request: Request, comment: Record, section_id: str = "") -> Record:
    """A comment. `section_id`: with its address, which a single one does not show."""
    shape = {
        "id": comment["id"], "uid": int(comment["uid"]), "comment": comment["comment"],
        "created": comment["created"], "parent_id": 0, "status": 1, **likes.fields(lms, comment),
    }  # fmt: skip
    if section_id:
        place = f"sections/{section_id}/updates/{comment['update_id']}/comments/{comment['id']}"
        shape["links"] = {"self": link(lms, request, place)}
    return shape


def _comment(lms: SchoologyState, section_id: str, update_id: str, comment_id: str) -> Record:
    update = _find(lms, section_id, update_id)
    comment = lms.records.get("update_comments", comment_id)
    if comment is None or comment["update_id"] != update["id"]:
        raise missing("Comment")
    return comment


def list_comments(lms: SchoologyState, request: Request, section_id: str, update_id: str) -> Reply:
    """GET /sections/{id}/updates/{id}/comments: oldest first, and without a total."""
    found = _comments(lms, _find(lms, section_id, update_id))
    return paged(
        lms, request, "comment", found, lambda one: _shown_comment(lms, request, one, section_id), None
    )


def show_comment(
    lms: SchoologyState, request: Request, section_id: str, update_id: str, comment_id: str
) -> Reply:
    """GET /sections/{id}/updates/{id}/comments/{id}."""
    return json_reply(200, _shown_comment(lms, request, _comment(lms, section_id, update_id, comment_id)))


def create_comment(lms: SchoologyState, request: Request, section_id: str, update_id: str) -> Reply:
    """POST /sections/{id}/updates/{id}/comments: as the actor, whatever ``uid`` is sent."""
    update = _find(lms, section_id, update_id)
    writable(lms, section(lms, section_id))
    comment = {
        "id": lms.records.next_number("update_comment", 3_570_319), "update_id": update["id"],
        "uid": lms.actor.uid, "comment": _text(content(request), "comment"), "created": seconds_now(lms), "likes": [],
    }  # fmt: skip
    lms.records.put("update_comments", comment["id"], comment)
    return created(lms, _shown_comment(lms, request, comment, section_id))


def delete_comment(
    lms: SchoologyState,
    request: Request,
    section_id: str,
    update_id: str,
    comment_id: str,
) -> Reply:
    """DELETE /sections/{id}/updates/{id}/comments/{id}."""
    comment = _comment(lms, section_id, update_id, comment_id)
    writable(lms, section(lms, section_id))
    _own(lms, section_id, comment)
    lms.records.remove("update_comments", comment["id"])
    return Reply(204)


_UPDATES = "/sections/{section_id}/updates"
_UPDATE = f"{_UPDATES}/{{update_id}}"
_COMMENT = f"{_UPDATE}/comments/{{comment_id}}"

ROUTES = (
    ("GET", _UPDATES, list_all),
    ("POST", _UPDATES, create),
    ("GET", _UPDATE, show),
    ("PUT", _UPDATE, change),
    ("DELETE", _UPDATE, delete),
    ("GET", f"{_UPDATE}/comments", list_comments),
    ("POST", f"{_UPDATE}/comments", create_comment),
    ("GET", _COMMENT, show_comment),
    ("DELETE", _COMMENT, delete_comment),
)
