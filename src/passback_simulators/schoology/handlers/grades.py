"""Grades: by enrollment, never by uid (Schoology REST API: Grade)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology import course_grades
from passback_simulators.schoology.access import (
    ACTIVE,
    enrollments,
    member,
    membership,
    no_personal_key,
    section,
    taught,
    teaches,
)
from passback_simulators.schoology.handlers import assignments, triggers
from passback_simulators.schoology.handlers.roster import user_of
from passback_simulators.schoology.replies import (
    as_list,
    content,
    decimal,
    forbidden,
    integer,
    link,
    missing,
    number,
    page,
    page_links,
    several,
    wrapped,
)
from passback_simulators.schoology.times import seconds_now

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState

EXCUSED, INCOMPLETE, MISSING = 1, 2, 3
"""Exceptions: why there is no grade. Only the first two are documented."""


class Rejected(Exception):
    """Raised to refuse one grade of many; the others are unaffected."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


# Writing.


def write(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """PUT /sections/{id}/grades: each grade succeeds or fails by itself, inside a 2xx."""
    taught(lms, section_id)
    given = content(request)
    wanted = (
        as_list((given.get("grades") or {}).get("grade")) if isinstance(given.get("grades"), dict) else []
    )
    if wanted and all(_is_closed(lms, section_id, one) for one in wanted):
        raise forbidden()
    if "final_comments" in given:
        return _write_comments(lms, request, section_id, given)
    results, changed = [], []
    for one in wrapped(given, "grades", "grade"):
        ids = {name: one.get(name) for name in ("enrollment_id", "assignment_id")}
        try:
            item, enrollment = _meant(lms, request, section_id, one)
            changed.append((item, enrollment, put(lms, item, enrollment["id"], one)))
            results.append(
                {"response_code": 200, **ids, "location": assignments.location(lms, request, item)}
            )
        except Rejected as rejected:
            results.append({"response_code": rejected.status, **ids, "message": rejected.message})
    announce(lms, request, changed)
    match lms.settings["bulk_grades_status"]:
        case 207:
            return json_reply(207, {"grades": {"grade": several(lms, results)}})
        case status:
            return Reply(status)


def _meant(lms: SchoologyState, request: Request, section_id: str, given: Record) -> tuple[Record, Record]:
    """The grade item and the enrollment that a grade is for. Raises `Rejected`."""
    item = assignments.find(lms, request, section_id, given.get("assignment_id"))
    if item is None or given.get("type", item["type"]) != item["type"]:
        raise Rejected(404, "The assignment does not exist")
    if item.get("closed"):
        raise Rejected(403, "")
    enrollment = member(lms, request, section_id, given.get("enrollment_id"))
    if enrollment is None:
        raise Rejected(404, "The enrollment does not exist")
    if not assignments.is_assigned(lms, item, enrollment["id"]):
        raise Rejected(400, "The enrollment is not assigned to this item")
    return item, enrollment


def _is_closed(lms: SchoologyState, section_id: str, given: object) -> bool:
    item = (
        assignments.find(lms, None, section_id, given.get("assignment_id"))
        if isinstance(given, dict)
        else None
    )
    return bool(item and item.get("closed"))


def put(lms: SchoologyState, item: Record, enrollment_id: str, given: Record) -> Record | None:
    """Set the given fields of a grade; None if nothing of it remains. Raises `Rejected`."""
    key = f"{item['id']}/{enrollment_id}"
    grade = dict(
        lms.records.get("grades", key)
        or {
            "enrollment_id": int(enrollment_id), "assignment_id": item["id"], "grade": None, "exception": 0,
            "comment": "", "comment_status": None,
        }
    )  # fmt: skip
    if "exception" in given:
        known = (0, EXCUSED, INCOMPLETE, *((MISSING,) if lms.settings["grade_exception_missing"] else ()))
        grade["exception"] = integer(given["exception"] or 0)
        if grade["exception"] not in known:
            raise Rejected(400, "The exception is not valid")
    if "grade" in given:
        grade["grade"] = _points(lms, item, given["grade"])
    if grade["exception"]:  # an exception stays until exception 0 lifts it
        grade["grade"] = None
    if "comment" in given:
        grade["comment"] = str(given["comment"] or "")
    if "comment_status" in given:
        grade["comment_status"] = integer(given["comment_status"])
    if grade["grade"] is None and not grade["exception"] and not grade["comment"]:
        lms.records.remove("grades", key)
        return None
    grade["timestamp"] = seconds_now(lms)
    return lms.records.put("grades", key, grade)


def _points(lms: SchoologyState, item: Record, value: object) -> float | None:
    """A grade as points: letters become those of their level."""
    if value in ("", None):
        return None
    points = decimal(value)
    if points is not None:
        if points < 0:
            raise Rejected(400, "The grade is not valid")
        return assignments.rounded(lms, points)
    scale = lms.records.get("scales", item["grading_scale"]) or {"levels": []}
    for level in scale["levels"]:
        if level.get("grade") == value:
            return float(level["average"] * item["max_points"] / 100)
        if level.get("description") == value:
            return float(level["points"])
    raise Rejected(400, "The grade is not valid for the grading scale")


def announce(
    lms: SchoologyState, request: Request, changed: list[tuple[Record, Record, Record | None]]
) -> None:
    """Emit the event of changed grades, each with its item and enrollment."""
    data = []
    for item, enrollment, grade in changed:
        user = lms.records.get("users", enrollment["uid"])
        if grade is None or user is None:
            continue
        course = course_grades.percent(lms, item["section_id"], enrollment["id"])
        place = triggers.place(lms, item["section_id"])
        own = {"enrollment_id": int(enrollment["id"]), "school_uid": user["school_uid"]}
        object_ = _shown(lms, request, item, grade)
        data.append({**place, **own, "updated_overall_grade": course, "object": object_})
    if data:
        triggers.emit(lms, "grades.update", data)


def _write_comments(lms: SchoologyState, request: Request, section_id: str, given: Record) -> Reply:
    """The other operation of this path: comments on a whole period or the course."""
    results = []
    for one in wrapped(given, "final_comments", "final_comment"):
        ids = {name: one.get(name) for name in ("enrollment_id", "period_id")}
        enrollment = member(lms, request, section_id, one.get("enrollment_id"))
        if enrollment is None:
            results.append({"response_code": 404, **ids, "message": "The enrollment does not exist"})
            continue
        period = str(one.get("period_id"))
        period = period if period in ("final", "other") else f"p{period.removeprefix('p')}"
        comment = {
            "comment": str(one.get("comment") or ""),
            "comment_status": integer(one.get("comment_status", 0)),
        }
        lms.records.put("final_comments", f"{enrollment['id']}/{period}", comment)
        results.append({"response_code": 200, **ids})
    return json_reply(207, {"final_comments": {"final_comment": several(lms, results)}})


# Reading.


def _shown(lms: SchoologyState, request: Request, item: Record, grade: Record) -> Record:
    scale = lms.records.get("scales", item["grading_scale"])
    admin = teaches(lms, item["section_id"])
    comment = grade["comment"] if admin or (item["show_comments"] and grade["comment_status"] != 0) else ""
    return {
        "enrollment_id": grade["enrollment_id"],
        "assignment_id": grade["assignment_id"],
        "grade": number(grade["grade"]),
        "exception": grade["exception"],
        "max_points": number(item["max_points"]),
        "is_final": item["is_final"],
        "timestamp": grade["timestamp"],
        "comment": comment,
        "comment_status": grade["comment_status"] if admin else None,
        "override": None,
        "calculated_grade": None,
        "pending": None,
        "type": item["type"],
        "location": assignments.location(lms, request, item),
        "scale_id": item["grading_scale"],
        "scale_type": scale["type"] if scale else 0,
        "category_id": item["grading_category"],
    }


class _Filter(Struct, frozen=True):
    """Which grades of a section are requested; empty strings match all."""

    assignment: str
    enrollment: str
    since: int


def waits(lms: SchoologyState, item: Record, enrollment_id: str) -> bool:
    """Whether the web pages hide a grade until the student has handed in: the waiting dropbox."""
    enrollment = lms.records.get("enrollments", enrollment_id)
    if not (lms.settings["dropbox_hides_grades"] and item["allow_dropbox"] and enrollment):
        return False
    return not any(
        one["item"] == item["id"] and one["uid"] == enrollment["uid"] and not one["draft"]
        for one in lms.records.all("revisions")
    )


def _grades(
    lms: SchoologyState, request: Request, section_id: str, wanted: _Filter
) -> list[tuple[Record, Record]]:
    """A section's grades with their items; students see only their own, once published."""
    present = {e["id"] for e in enrollments(lms, request, section_id) if e["status"] == ACTIVE}
    if not teaches(lms, section_id):
        own = membership(lms, section_id, lms.actor.uid)
        present &= {own["id"]} if own else set()
    found = []
    for grade in lms.records.all("grades"):
        enrollment_id = str(grade["enrollment_id"])
        item = assignments.find(lms, None, section_id, grade["assignment_id"])
        if item is None or enrollment_id not in present or wanted.enrollment not in ("", enrollment_id):
            continue
        if wanted.assignment not in ("", str(item["id"])) or grade["timestamp"] < wanted.since:
            continue
        if request.fault == "deleted" and wanted.assignment:
            continue
        if teaches(lms, section_id) or (item["auto_publish_grades"] and item["published"]):
            found.append((item, grade))
    return found


def list_grades(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/grades: the existing grades, with the periods and the grades of whole periods."""
    section(lms, section_id)
    no_personal_key(lms)
    wanted = _Filter(
        request.param("assignment_id"),
        request.param("enrollment_id"),
        integer(request.param("timestamp")) or 0,
    )
    found = _grades(lms, request, section_id, wanted)
    start, limit = page(lms, request)
    part = found[start : start + limit]
    people = dict.fromkeys(str(grade["enrollment_id"]) for _, grade in part)
    finals = [
        {"enrollment_id": one, "period": course_grades.final(lms, section_id, one), "scale_id": 0}
        for one in people
    ]
    return json_reply(
        200,
        {
            "grades": {"grade": several(lms, [_shown(lms, request, item, grade) for item, grade in part])},
            "period": course_grades.periods(lms, section_id),
            "final_grade": finals,
            "links": page_links(lms, request, start, limit, more=start + limit < len(found)),
        },
    )


def list_user_grades(lms: SchoologyState, request: Request, uid: str) -> Reply:
    """GET /users/{uid}/grades: by section and period; some systems require the section."""
    user_of(lms, uid)
    only = request.param("section_id")
    if not only and lms.settings["user_grades_need_section"]:
        raise forbidden()
    if only and lms.records.get("sections", only) is None:
        raise missing("Section")
    since = integer(request.param("timestamp")) or 0
    sections = []
    for enrollment in lms.records.all("enrollments"):
        if enrollment["uid"] != uid or enrollment["status"] != ACTIVE or enrollment["admin"]:
            continue
        section_id = enrollment["section_id"]
        own = uid == lms.actor.uid or uid in lms.actor.user["child_uids"]
        if only in ("", section_id) and (own or teaches(lms, section_id)):
            sections.append(_user_section(lms, request, section_id, _Filter("", enrollment["id"], since)))
    path = request.path.removeprefix("/v1/")
    return json_reply(200, {"section": several(lms, sections), "links": {"self": link(lms, request, path)}})


def _user_section(lms: SchoologyState, request: Request, section_id: str, wanted: _Filter) -> Record:
    found = _grades(lms, request, section_id, wanted)
    periods = []
    for period in [
        *course_grades.periods(lms, section_id),
        {"period_id": "p0", "period_title": "(no grading period)"},
    ]:
        id_ = int(period["period_id"][1:])
        graded = [_shown(lms, request, item, grade) for item, grade in found if item["grading_period"] == id_]
        if graded:
            periods.append(
                {
                    "period_id": period["period_id"],
                    "period_title": period["period_title"],
                    "assignment": graded,
                }
            )
    categories = [
        {"id": category["id"], "title": category["title"]}
        for category in lms.records.all("categories")
        if category["section_id"] == section_id
    ]
    final = [one | {"scale_id": 0} for one in course_grades.final(lms, section_id, wanted.enrollment)]
    return {"section_id": section_id, "period": periods, "final_grade": final, "grading_category": categories}


ROUTES = (
    ("GET", "/sections/{section_id}/grades", list_grades),
    ("PUT", "/sections/{section_id}/grades", write),
    ("GET", "/users/{uid}/grades", list_user_grades),
)
