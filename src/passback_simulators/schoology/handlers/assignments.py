"""Assignments and other grade items (Schoology REST API: Assignment).

One table holds all grade items: assignments, graded discussions, and tests, which only the web UI can create.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.access import enrollments, member, membership, section, taught, teaches
from passback_simulators.schoology.handlers import attachments, triggers
from passback_simulators.schoology.handlers.grade_setup import of_section
from passback_simulators.schoology.html_filter import filtered
from passback_simulators.schoology.replies import (
    as_list,
    as_text,
    content,
    created,
    decimal,
    flag,
    forbidden,
    integer,
    link,
    missing,
    page,
    page_links,
    paged,
    refusal,
    several,
    updated,
)
from passback_simulators.schoology.times import instant, local

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState

FIRST_ITEM = 8_100_000_001
"""The first id of a grade item or discussion; both share one series."""

_FLAGS = {
    "is_final": 0, "show_comments": 0, "grade_stats": 0, "allow_dropbox": 1, "allow_discussion": 1, "published": 1,
    "count_in_grade": 1, "collected_only": 0, "auto_publish_grades": 1,
}  # fmt: skip
DEFAULTS: dict[str, Any] = {
    "description": "", "due": None, "max_points": 100.0, "factor": 1.0, "grading_scale": 0, "grading_period": 0,
    "grading_category": 0, "assignees": [], "grading_group_ids": [], "attachments": [], "dropbox_locked": 0,
    **_FLAGS,
}  # fmt: skip
"""The defaults of a grade item. Without a category it is "Ungraded"."""


def find(lms: SchoologyState, request: Request | None, section_id: str, item_id: object) -> Record | None:
    """A grade item of a section, by its id; None if the request has the fault ``deleted``."""
    item = of_section(lms, "grade_items", section_id, item_id)
    return None if request is not None and request.fault == "deleted" else item


def is_assigned(lms: SchoologyState, item: Record, enrollment_id: str) -> bool:
    """Whether a student has the item: everyone has, unless it names students or groups."""
    if not item["assignees"] and not item["grading_group_ids"]:
        return True
    members = set(item["assignees"])
    for group_id in item["grading_group_ids"]:
        members.update((lms.records.get("groups", group_id) or {"members": []})["members"])
    return int(enrollment_id) in members


def _visible(lms: SchoologyState, section_id: str, item: Record) -> bool:
    """Whether the actor sees an item: students see only published ones that are assigned to them."""
    if teaches(lms, section_id):
        return True
    own = membership(lms, section_id, lms.actor.uid)
    return bool(own and item["published"] and is_assigned(lms, item, own["id"]))


def graded(lms: SchoologyState, request: Request, section_id: str, item_id: str) -> Record:
    """A grade item that the actor sees. Raises `Refusal`."""
    item = find(lms, request, section_id, item_id)
    if item is None or not _visible(lms, section_id, item):
        raise missing("Assignment")
    return item


def _assignment(lms: SchoologyState, request: Request, section_id: str, item_id: str) -> Record:
    item = graded(lms, request, section_id, item_id)
    if item["type"] != "assignment":  # a grade item, but not an assignment
        raise missing("Assignment")
    return item


# What is sent.


def read(lms: SchoologyState, place: Record, given: Record, *, existing: Record | None = None) -> Record:
    """The fields of a grade item that a body sets; unknown ones are ignored. Raises `Refusal`."""
    fields: Record = {name: flag(given[name]) for name in _FLAGS if name in given}
    if "description" in given:
        fields["description"] = filtered(str(given["description"] or ""))
    if "due" in given:
        fields["due"] = _due(lms, given["due"])
    for name in ("max_points", "factor"):
        if name in given:
            value = decimal(given[name])
            if value is None or value < 0:
                raise refusal(400, f"{name} is not valid")
            fields[name] = rounded(lms, value)
    _read_setup(lms, place, given, fields)
    if "assignees" in given:
        # Anything but the enrollment id of an active member is silently dropped.
        ids = [one for one in as_list(given["assignees"]) if member(lms, None, place["id"], one)]
        fields["assignees"] = list(dict.fromkeys(int(one) for one in ids))
    if "grading_group_ids" in given:
        ids = as_list(given["grading_group_ids"])
        fields["grading_group_ids"] = [int(one) for one in ids if of_section(lms, "groups", place["id"], one)]
    sent = attachments.sent(given)
    if sent is not None:
        fields["attachments"] = attachments.replaced(lms, existing["attachments"] if existing else [], sent)
    return fields


def rounded(lms: SchoologyState, value: float) -> float:
    """A number as it is kept."""
    return float(round(value, lms.settings["decimals"]))


def _due(lms: SchoologyState, value: object) -> int | None:
    if value in ("", None):
        return None
    due = instant(lms, str(value))
    if due is None:
        raise refusal(400, "due is not valid")
    return due


def _read_setup(lms: SchoologyState, place: Record, given: Record, fields: Record) -> None:
    """Read scale, period and category, which must belong to the section; 0 means none."""
    for name, words in (
        ("grading_scale", "The grading scale"),
        ("grading_period", "The grading period"),
        ("grading_category", "The grading category"),
    ):
        if name not in given:
            continue
        id_ = integer(given[name] or 0)
        if name == "grading_period":
            good = id_ in place["grading_periods"]
        else:
            table = "scales" if name == "grading_scale" else "categories"
            good = of_section(lms, table, place["id"], id_) is not None
        if id_ != 0 and not good:
            raise refusal(400, f"{words} is not valid for that course section")
        fields[name] = id_


def title_of(given: Record) -> str:
    """The title, which a body must have. Raises `Refusal`."""
    title = str(given.get("title") or "").strip()
    if not title:
        raise refusal(400, "title is required")
    return title


# What is shown.


def shown(lms: SchoologyState, request: Request, item: Record) -> Record:
    """A grade item as the API shows it, half of its numbers as text."""
    scale = lms.records.get("scales", item["grading_scale"])
    people = [e for e in enrollments(lms, request, item["section_id"]) if int(e["id"]) in item["assignees"]]
    shape = {
        "id": item["id"],
        "title": item["title"],
        "description": item["description"],
        "due": "" if item["due"] is None else local(lms, item["due"]),
        "grading_scale": str(item["grading_scale"]),
        "grading_period": str(item["grading_period"]),
        "grading_category": str(item["grading_category"]),
        "max_points": as_text(item["max_points"]),
        "factor": as_text(item["factor"]),
        "is_final": str(item["is_final"]),
        "show_comments": str(item["show_comments"]),
        "grade_stats": str(item["grade_stats"]),
        "allow_dropbox": str(item["allow_dropbox"]),
        "allow_discussion": str(item["allow_discussion"]),
        "published": item["published"],
        "type": item["type"],
        # For a discussion this is the discussion's own id, while `id` is the one used for grades.
        "grade_item_id": item.get("discussion_id") or item["id"],
        "available": item["published"],
        "completed": 0,
        "dropbox_locked": item["dropbox_locked"],
        "grading_scale_type": scale["type"] if scale else 0,
        "show_rubric": False,
        "auto_publish_grades": item["auto_publish_grades"],
        "num_assignees": len(people),
        "assignees": [int(enrollment["id"]) for enrollment in people],
        "grading_group_ids": item["grading_group_ids"],
        "completion_status": "",
    }
    if not item["count_in_grade"] or item["collected_only"]:
        shape |= {"count_in_grade": item["count_in_grade"], "collected_only": item["collected_only"]}
    if request.param("with_attachments") in ("1", "TRUE", "true"):
        shape["attachments"] = attachments.shown(lms, request, item["attachments"])
    if request.param("with_dropbox_stats") in ("1", "TRUE", "true") and teaches(lms, item["section_id"]):
        shape |= _dropbox_stats(lms, item)
    return shape


def _dropbox_stats(lms: SchoologyState, item: Record) -> Record:
    revisions = [r for r in lms.records.all("revisions") if r["item"] == item["id"] and not r["draft"]]
    last = max((revision["created"] for revision in revisions), default=0)
    return {"dropbox_submissions": len({r["uid"] for r in revisions}), "dropbox_last_submission": last}


def with_links(lms: SchoologyState, request: Request, item: Record) -> Record:
    """A grade item as lists and creations show it."""
    return shown(lms, request, item) | {"links": {"self": location(lms, request, item)}}


def location(lms: SchoologyState, request: Request, item: Record) -> str:
    """The API's address of a grade item."""
    place = f"sections/{item['section_id']}"
    if item.get("discussion_id"):
        return link(lms, request, f"{place}/discussions/{item['discussion_id']}")
    kind = "assignments" if item["type"] == "assignment" else "grade_items"
    return link(lms, request, f"{place}/{kind}/{item['id']}")


def in_order(lms: SchoologyState, section_id: str) -> list[Record]:
    """A section's grade items that the actor sees, by due date; those without one come last."""
    found = [item for item in lms.records.all("grade_items") if item["section_id"] == section_id]
    found = [item for item in found if _visible(lms, section_id, item)]
    return sorted(found, key=lambda item: (item["due"] is None, item["due"] or 0, item["id"]))


# The operations.


def list_assignments(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/assignments: non-finals, then finals; start and limit count within each of the two."""
    section(lms, section_id)
    found = [item for item in in_order(lms, section_id) if item["type"] == "assignment"]
    kinds = [[item for item in found if item["is_final"] == final] for final in (0, 1)]
    start, limit = page(lms, request)
    part = [with_links(lms, request, item) for kind in kinds for item in kind[start : start + limit]]
    envelope: Record = {"assignment": several(lms, part)}
    if lms.settings["total_in_lists"]:
        envelope["total"] = len(found)
    more = any(start + limit < len(kind) for kind in kinds)
    envelope["links"] = page_links(lms, request, start, limit, more=more)
    return json_reply(200, envelope)


def list_grade_items(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/grade_items: of all kinds."""
    section(lms, section_id)
    found = in_order(lms, section_id)
    return paged(lms, request, "assignment", found, lambda item: with_links(lms, request, item), int)


def show(lms: SchoologyState, request: Request, section_id: str, item_id: str) -> Reply:
    """GET /sections/{id}/assignments/{id}."""
    section(lms, section_id)
    return json_reply(200, shown(lms, request, _assignment(lms, request, section_id, item_id)))


def create(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """POST /sections/{id}/assignments. It cannot safely be repeated: nothing distinguishes a second from the first."""
    place = taught(lms, section_id)
    given = content(request)
    title = title_of(given)
    item = add(lms, section_id, "assignment", {"title": title, **read(lms, place, given)})
    announce(lms, request, item, "update")
    return created(lms, with_links(lms, request, item))


def add(lms: SchoologyState, section_id: str, kind: str, fields: Record) -> Record:
    """Create a grade item. `kind`: assignment, discussion or assessment."""
    id_ = lms.records.next_number("grade_item", FIRST_ITEM)
    item = {**DEFAULTS, **fields, "id": id_, "section_id": section_id, "type": kind}
    return lms.records.put("grade_items", id_, item)


def update(lms: SchoologyState, request: Request, section_id: str, item_id: str) -> Reply:
    """PUT /sections/{id}/assignments/{id}: only what is sent changes."""
    place = taught(lms, section_id)
    item = _assignment(lms, request, section_id, item_id)
    if item.get("closed"):
        raise forbidden()
    given = content(request)
    fields = read(lms, place, given, existing=item)
    if "title" in given:
        fields["title"] = title_of(given)
    item = lms.records.put("grade_items", item["id"], item | fields)
    announce(lms, request, item, "update")
    return updated(lms, shown(lms, request, item))


def delete(lms: SchoologyState, request: Request, section_id: str, item_id: str) -> Reply:
    """DELETE /sections/{id}/assignments/{id}, for good."""
    taught(lms, section_id)
    item = _assignment(lms, request, section_id, item_id)
    announce(lms, request, item, "delete")
    remove(lms, item)
    return Reply(204)


def announce(lms: SchoologyState, request: Request, item: Record, operation: str) -> None:
    """Emit the event of a change; a creation is an update, too."""
    data = triggers.place(lms, item["section_id"]) | {
        "id": item["id"], "grade_item_type": item["type"], "object": shown(lms, request, item)
    }  # fmt: skip
    triggers.emit(lms, f"grade_item.{operation}", [data])


def remove(lms: SchoologyState, item: Record) -> None:
    """Delete a grade item with everything that belongs to it."""
    lms.records.remove("grade_items", item["id"])
    for grade in lms.records.all("grades"):
        if grade["assignment_id"] == item["id"]:
            lms.records.remove("grades", f"{item['id']}/{grade['enrollment_id']}")
    for revision in lms.records.all("revisions"):
        if revision["item"] == item["id"]:
            lms.records.remove("revisions", f"{item['id']}/{revision['uid']}/{revision['revision_id']}")


ROUTES = (
    ("GET", "/sections/{section_id}/assignments", list_assignments),
    ("POST", "/sections/{section_id}/assignments", create),
    ("GET", "/sections/{section_id}/assignments/{item_id}", show),
    ("PUT", "/sections/{section_id}/assignments/{item_id}", update),
    ("DELETE", "/sections/{section_id}/assignments/{item_id}", delete),
    ("GET", "/sections/{section_id}/grade_items", list_grade_items),
)
