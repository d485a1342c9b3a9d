"""Discussions, graded or not (Schoology REST API: Discussion Thread).

A graded one has two ids: its own, and that of its grade item, which grades refer to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.access import section, taught, teaches
from passback_simulators.schoology.handlers import assignments, attachments
from passback_simulators.schoology.handlers.grade_setup import of_section
from passback_simulators.schoology.html_filter import filtered
from passback_simulators.schoology.replies import (
    as_text,
    content,
    created,
    flag,
    link,
    missing,
    paged,
    updated,
)
from passback_simulators.schoology.times import local

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState


def _shown(lms: SchoologyState, request: Request, thread: Record, *, links: bool = False) -> Record:
    shape: Record = {
        "id": thread["id"], "uid": int(thread["uid"]), "title": thread["title"], "body": thread["body"],
        "weight": 20, "graded": int(thread["grade_item_id"] is not None),
        "require_initial_post": thread["require_initial_post"], "published": thread["published"],
        "available": thread["published"], "completed": 0, "count_in_grade": 1, "collected_only": 0,
        "auto_publish_grades": 1, "comments_closed": 0, "completion_status": "",
    }  # fmt: skip
    item = lms.records.get("grade_items", thread["grade_item_id"] or "")
    if item is not None:
        shape |= {name: item[name] for name in ("count_in_grade", "collected_only", "auto_publish_grades")}
        shape |= {
            name: str(item[name])
            for name in ("grading_scale", "grading_period", "grading_category", "is_final")
        }
        shape |= {
            "grade_item_id": item["id"], "due": "" if item["due"] is None else local(lms, item["due"]),
            "max_points": as_text(item["max_points"]), "factor": as_text(item["factor"]),
        }  # fmt: skip
        if request.param("with_attachments") == "1":
            shape["attachments"] = attachments.shown(lms, request, item["attachments"])
    if links:
        place = f"sections/{thread['section_id']}/discussions/{thread['id']}"
        shape["links"] = {"self": link(lms, request, place)}
    return shape


def _find(lms: SchoologyState, request: Request, section_id: str, thread_id: str) -> Record:
    thread = of_section(lms, "discussions", section_id, thread_id)
    hidden = thread is not None and not thread["published"] and not teaches(lms, section_id)
    if thread is None or hidden or request.fault == "deleted":
        raise missing("Discussion")
    return thread


def list_all(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/discussions."""
    section(lms, section_id)
    found = [one for one in lms.records.all("discussions") if one["section_id"] == section_id]
    found = [one for one in found if one["published"] or teaches(lms, section_id)]
    return paged(lms, request, "discussion", found, lambda one: _shown(lms, request, one, links=True), int)


def show(lms: SchoologyState, request: Request, section_id: str, thread_id: str) -> Reply:
    """GET /sections/{id}/discussions/{id}."""
    section(lms, section_id)
    return json_reply(200, _shown(lms, request, _find(lms, request, section_id, thread_id)))


def create(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """POST /sections/{id}/discussions."""
    place = taught(lms, section_id)
    given = content(request)
    fields = {"title": assignments.title_of(given), **assignments.read(lms, place, given)}
    id_ = lms.records.next_number("grade_item", assignments.FIRST_ITEM)
    thread = {
        "id": id_, "section_id": section_id, "uid": lms.actor.uid, "title": fields["title"],
        "body": filtered(str(given.get("body") or "")), "published": fields.get("published", 1),
        "require_initial_post": flag(given.get("require_initial_post")), "grade_item_id": None,
    }  # fmt: skip
    if flag(given.get("graded")):
        own = {"description": thread["body"], "allow_dropbox": 0, "discussion_id": id_}
        item = assignments.add(lms, section_id, "discussion", fields | own)
        thread["grade_item_id"] = item["id"]
        assignments.announce(lms, request, item, "update")
    lms.records.put("discussions", id_, thread)
    return created(lms, _shown(lms, request, thread, links=True))


def update(lms: SchoologyState, request: Request, section_id: str, thread_id: str) -> Reply:
    """PUT /sections/{id}/discussions/{id}."""
    place = taught(lms, section_id)
    thread = _find(lms, request, section_id, thread_id)
    given = content(request)
    item = lms.records.get("grade_items", thread["grade_item_id"] or "")
    fields = assignments.read(lms, place, given, existing=item)
    if "title" in given:
        fields["title"] = thread["title"] = assignments.title_of(given)
    if "body" in given:
        fields["description"] = thread["body"] = filtered(str(given["body"] or ""))
    thread["published"] = fields.get("published", thread["published"])
    lms.records.put("discussions", thread["id"], thread)
    if item is not None:
        item = lms.records.put("grade_items", item["id"], item | fields)
        assignments.announce(lms, request, item, "update")
    return updated(lms, _shown(lms, request, thread))


def delete(lms: SchoologyState, request: Request, section_id: str, thread_id: str) -> Reply:
    """DELETE /sections/{id}/discussions/{id}, with its grade item."""
    taught(lms, section_id)
    thread = _find(lms, request, section_id, thread_id)
    item = lms.records.get("grade_items", thread["grade_item_id"] or "")
    if item is not None:
        assignments.announce(lms, request, item, "delete")
        assignments.remove(lms, item)
    lms.records.remove("discussions", thread["id"])
    return Reply(204)


ROUTES = (
    ("GET", "/sections/{section_id}/discussions", list_all),
    ("POST", "/sections/{section_id}/discussions", create),
    ("GET", "/sections/{section_id}/discussions/{thread_id}", show),
    ("PUT", "/sections/{section_id}/discussions/{thread_id}", update),
    ("DELETE", "/sections/{section_id}/discussions/{thread_id}", delete),
)
