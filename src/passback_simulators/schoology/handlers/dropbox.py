"""Submissions, formerly "dropbox": by uid, never by enrollment (Schoology REST API: Submissions).

Only students themselves can submit: no body has a field for the student.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.reply import Refusal, Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.access import (
    member,
    membership,
    no_personal_key,
    section,
    teaches,
    writable,
)
from passback_simulators.schoology.handlers import assignments, attachments, files, triggers
from passback_simulators.schoology.replies import (
    content,
    flag,
    forbidden,
    missing,
    page,
    page_links,
    paged,
    refusal,
    several,
)
from passback_simulators.schoology.times import seconds_now

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState


def _revisions(lms: SchoologyState, item: Record, uid: str) -> list[Record]:
    """A student's revisions of an item, oldest first, including a draft."""
    found = [one for one in lms.records.all("revisions") if one["item"] == item["id"] and one["uid"] == uid]
    return sorted(found, key=lambda one: int(one["revision_id"]))


def _shown(lms: SchoologyState, request: Request, revision: Record, *, full: bool = False) -> Record:
    shape = {
        "revision_id": revision["revision_id"], "uid": int(revision["uid"]), "created": revision["created"],
        "num_items": len(revision["attachments"]), "late": revision["late"], "draft": revision["draft"],
    }  # fmt: skip
    if full or request.param("with_attachments") in ("1", "TRUE", "true"):
        shape["attachments"] = attachments.shown(lms, request, revision["attachments"])
    return shape


def _item(lms: SchoologyState, request: Request, section_id: str, item_id: str) -> Record:
    """The assignment that a dropbox belongs to. Raises `Refusal`."""
    section(lms, section_id)
    item = assignments.graded(lms, request, section_id, item_id)
    if item["type"] != "assignment":
        raise missing("Assignment")
    return item


def _may_see(lms: SchoologyState, section_id: str, uid: str) -> None:
    if uid != lms.actor.uid:
        no_personal_key(lms)
        if not teaches(lms, section_id):
            raise forbidden()


# Reading.


def list_all(lms: SchoologyState, request: Request, section_id: str, item_id: str) -> Reply:
    """GET /sections/{id}/submissions/{item}: of the students who submitted, newest first; no total."""
    item = _item(lms, request, section_id, item_id)
    no_personal_key(lms)
    if not teaches(lms, section_id):
        raise forbidden()
    gone = request.fault == "not-enrolled"
    uids = dict.fromkeys(one["uid"] for one in lms.records.all("revisions") if one["item"] == item["id"])
    present = [uid for uid in uids if not gone and membership(lms, section_id, uid) is not None]
    found = [_revisions(lms, item, uid)[::-1] for uid in present]
    found.sort(key=lambda revisions: -int(revisions[0]["created"]))
    every = request.param("all_revisions") in ("1", "TRUE", "true")
    rows = [one for revisions in found for one in (revisions if every else revisions[:1])]
    start, limit = page(lms, request)
    part = [_shown(lms, request, one) for one in rows[start : start + limit]]
    links = page_links(lms, request, start, limit, more=start + limit < len(rows))
    return json_reply(200, {"revision": several(lms, part), "links": links})


def list_of_user(lms: SchoologyState, request: Request, section_id: str, item_id: str, uid: str) -> Reply:
    """GET .../{uid}: the revisions of one student, oldest first; an empty list if there are none."""
    item = _item(lms, request, section_id, item_id)
    _may_see(lms, section_id, uid)
    if membership(lms, section_id, uid, request) is None:
        raise missing("User")
    shown = [_shown(lms, request, one) for one in _revisions(lms, item, uid)]
    return json_reply(200, {"revision": several(lms, shown)})


def _revision(lms: SchoologyState, item: Record, uid: str, revision_id: str) -> Record:
    revision = lms.records.get("revisions", f"{item['id']}/{uid}/{revision_id}")
    if revision is None:
        raise missing("Revision")
    return revision


def show(
    lms: SchoologyState, request: Request, section_id: str, item_id: str, uid: str, revision_id: str
) -> Reply:
    """GET .../{uid}/revision/{revision}."""
    item = _item(lms, request, section_id, item_id)
    _may_see(lms, section_id, uid)
    return json_reply(200, {"revision": [_shown(lms, request, _revision(lms, item, uid, revision_id))]})


def delete(
    lms: SchoologyState, request: Request, section_id: str, item_id: str, uid: str, revision_id: str
) -> Reply:
    """DELETE .../{uid}/revision/{revision}."""
    item = _item(lms, request, section_id, item_id)
    _may_see(lms, section_id, uid)
    _revision(lms, item, uid, revision_id)
    lms.records.remove("revisions", f"{item['id']}/{uid}/{revision_id}")
    return Reply(204)


def list_comments(lms: SchoologyState, request: Request, section_id: str, item_id: str, uid: str) -> Reply:
    """GET .../{uid}/comments."""
    item = _item(lms, request, section_id, item_id)
    _may_see(lms, section_id, uid)
    found = [
        one for one in lms.records.all("comments") if one["item"] == item["id"] and one["student"] == uid
    ]
    names = ("id", "uid", "comment", "created")
    return paged(lms, request, "comment", found, lambda one: {name: one[name] for name in names}, int)


def comment(lms: SchoologyState, item_id: int, student: str, uid: str, text: str) -> None:
    """Add a comment in a student's dropbox, by the student or someone else."""
    id_ = lms.records.next_number("comment", 1559)
    row = {
        "id": id_,
        "item": item_id,
        "student": student,
        "uid": int(uid),
        "comment": text,
        "created": seconds_now(lms),
    }
    lms.records.put("comments", id_, row)


# Submitting.


def _author(lms: SchoologyState, request: Request, section_id: str, item_id: str) -> tuple[Record, str]:
    """The assignment and the student who submits. Raises `Refusal`."""
    place = section(lms, section_id)
    writable(lms, place)
    own = membership(lms, section_id, lms.actor.uid, request)
    # Teachers cannot submit for a student.
    if own is None or member(lms, request, section_id, own["id"]) is None:
        raise forbidden()
    item = _item(lms, request, section_id, item_id)
    if not item["allow_dropbox"] or item["dropbox_locked"]:
        raise forbidden()
    if lms.actor.impersonated and lms.settings["submission_needs_token"] and not _launched(lms):
        raise Refusal(json_reply(500, {"message": "Error updating submission"}))
    return item, lms.actor.uid


def _launched(lms: SchoologyState) -> bool:
    """Whether the student has opened an app, which gave it an access token."""
    return any(
        token["uid"] == lms.actor.uid and token["kind"] == "access" for token in lms.records.all("tokens")
    )


def hand_in_text(lms: SchoologyState, request: Request, section_id: str, item_id: str) -> Reply:
    """POST /sections/{id}/submissions/{item}/create: text or HTML, stored as an HTML file."""
    item, uid = _author(lms, request, section_id, item_id)
    given = content(request)
    if not str(given.get("body") or ""):
        raise refusal(400, "body is required")
    return _answer(lms, request, submit_text(lms, item, uid, str(given["body"]), flag(given.get("draft"))))


def hand_in_files(lms: SchoologyState, request: Request, section_id: str, item_id: str) -> Reply:
    """POST /sections/{id}/submissions/{item}/file: the student's own uploads. 409 if there is an open draft."""
    item, uid = _author(lms, request, section_id, item_id)
    sent = attachments.sent(content(request)) or []
    if not sent or not all("fid" in one for one in sent):
        raise refusal(400, "file-attachment is required")
    if _draft(lms, item, uid) is not None:
        raise refusal(409, "There is an open draft")
    revision = _keep(lms, item, uid, attachments.replaced(lms, [], sent), draft=0)
    return _answer(lms, request, revision)


def _draft(lms: SchoologyState, item: Record, uid: str) -> Record | None:
    return next((one for one in _revisions(lms, item, uid) if one["draft"]), None)


def submit_text(lms: SchoologyState, item: Record, uid: str, text: str, draft: int = 0) -> Record:
    """Store a revision of text. An open draft is changed, or submitted."""
    revisions = _revisions(lms, item, uid)
    open_draft = _draft(lms, item, uid)
    id_ = open_draft["revision_id"] if open_draft else _next(revisions)
    html = f'<html><head><meta charset="utf-8"></head><body>{text}</body></html>'  # text is treated as HTML
    file = files.add(lms, uid, f"dropbox_{uid}_r{id_}.html", "text/html", html.encode())
    attachment = {
        "id": lms.records.next_number("attachment", 2_300_000_001), "kind": "file", "title": file["filename"],
        "file": file["id"],
    }  # fmt: skip
    return _keep(lms, item, uid, [attachment], draft=draft, revision_id=id_)


def _next(revisions: list[Record]) -> int:
    return int(revisions[-1]["revision_id"]) + 1 if revisions else 1


def _keep(
    lms: SchoologyState,
    item: Record,
    uid: str,
    attached: list[Record],
    *,
    draft: int,
    revision_id: int | None = None,
) -> Record:
    now = seconds_now(lms)
    id_ = revision_id or _next(_revisions(lms, item, uid))
    revision = {
        "item": item["id"], "uid": uid, "revision_id": id_, "created": now, "draft": draft,
        "late": int(item["due"] is not None and now > item["due"]), "attachments": attached,
    }  # fmt: skip
    if not draft:
        comment(lms, item["id"], uid, uid, f"Revision {id_} submitted")
    return lms.records.put("revisions", f"{item['id']}/{uid}/{id_}", revision)


def _answer(lms: SchoologyState, request: Request, revision: Record) -> Reply:
    announce(lms, request, revision)
    return json_reply(201, {"revision": [_shown(lms, request, revision, full=True)]})


def announce(lms: SchoologyState, request: Request, revision: Record) -> None:
    """Emit the event of a submission; here the data is not a list."""
    if revision["draft"]:
        return
    item = lms.records.get("grade_items", revision["item"])
    assert item is not None
    shown = _shown(lms, request, revision, full=True) | {"assignment_nid": item["id"]}
    data = triggers.place(lms, item["section_id"]) | {
        "uid": int(revision["uid"]), "revision_id": revision["revision_id"], "assignment_nid": item["id"],
        "object": shown,
    }  # fmt: skip
    triggers.emit(lms, "dropbox_submission.update", data)


_ITEM = "/sections/{section_id}/submissions/{item_id}"
ROUTES = (
    ("GET", _ITEM, list_all),
    ("GET", f"{_ITEM}/", list_all),
    ("POST", f"{_ITEM}/create", hand_in_text),
    ("POST", f"{_ITEM}/file", hand_in_files),
    ("GET", f"{_ITEM}/{{uid}}", list_of_user),
    ("GET", f"{_ITEM}/{{uid}}/comments", list_comments),
    ("GET", f"{_ITEM}/{{uid}}/revision/{{revision_id}}", show),
    ("DELETE", f"{_ITEM}/{{uid}}/revision/{{revision_id}}", delete),
)
