"""Attendance: a status for an enrollment and a day (Schoology REST API: Attendance)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.access import member, membership, section, taught, teaches
from passback_simulators.schoology.handlers import triggers
from passback_simulators.schoology.replies import content, integer, refusal, several, wrapped

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState

PRESENT = 1
_STATUSES = (PRESENT, 2, 3, 4)
"""Present, absent, late, excused."""


def _available(lms: SchoologyState) -> None:
    """Refuse everything in districts that take attendance with PowerSchool's own app."""
    if lms.settings["sis_attendance_app"]:
        raise refusal(410, "Gone")


def _shown(record: Record) -> Record:
    return {name: record[name] for name in ("enrollment_id", "date", "status", "comment")}


def list_all(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/attendance: by day and status, not paged. Who is present is not listed."""
    section(lms, section_id)
    _available(lms)
    found = [
        one
        for one in lms.records.all("attendance")
        if one["section_id"] == section_id and one["status"] != PRESENT
    ]
    if not teaches(lms, section_id):
        own = membership(lms, section_id, lms.actor.uid)
        found = [one for one in found if own is not None and one["enrollment_id"] == int(own["id"])]
    if first := request.param("start"):
        found = [one for one in found if one["date"] >= first]
    if last := request.param("end"):
        found = [one for one in found if one["date"] <= last]
    if enrollment := request.param("enrollment_id"):
        found = [one for one in found if str(one["enrollment_id"]) == enrollment]
    return json_reply(200, _grouped(lms, found))


def _grouped(lms: SchoologyState, found: list[Record]) -> Record:
    days = []
    for day in sorted({one["date"] for one in found}):
        statuses = []
        for status in sorted({one["status"] for one in found if one["date"] == day}):
            same = [_shown(one) for one in found if (one["date"], one["status"]) == (day, status)]
            statuses.append({"status_code": status, "attendances": {"attendance": several(lms, same)}})
        days.append({"date": day, "statuses": {"status": several(lms, statuses)}})
    counts = [
        {"status": status, "count": sum(one["status"] == status for one in found)}
        for status in sorted({one["status"] for one in found})
    ]
    return {"date": several(lms, days), "totals": {"total": several(lms, counts)}}


def update(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """PUT /sections/{id}/attendance: each status by itself, and one event for all that were saved."""
    taught(lms, section_id)
    _available(lms)
    results, saved = [], []
    for given in wrapped(content(request), "attendances", "attendance"):
        record = _read(lms, request, section_id, given)
        if isinstance(record, str):
            results.append({"response_code": 400, "message": record})
            continue
        key = f"{record['enrollment_id']}/{record['date']}"
        kept = lms.records.get("attendance", key) or {"id": lms.records.next_number("attendance", 564_027)}
        saved.append(lms.records.put("attendance", key, kept | record))
        results.append({"id": str(kept["id"]), "response_code": 200})
    if saved:
        events: list[Record] = [
            {"realm": "section", "section_id": int(section_id), "object": _shown(one)} for one in saved
        ]
        triggers.emit(lms, "attendance.update", events)
    return json_reply(207, {"attendance": several(lms, results)})


def _read(lms: SchoologyState, request: Request, section_id: str, given: Record) -> Record | str:
    """A status as it is stored, or what is wrong with it."""
    enrollment = member(lms, request, section_id, given.get("enrollment_id"))
    if enrollment is None:
        return "The enrollment does not exist"
    status, day = integer(given.get("status")), _day(given.get("date"))
    if status not in _STATUSES:
        return "status must be between 1 and 4"
    if day is None:
        return "date must be YYYY-MM-DD"
    return {
        "section_id": section_id, "enrollment_id": int(enrollment["id"]), "date": day, "status": status,
        "comment": str(given.get("comment") or ""),
    }  # fmt: skip


def _day(given: Any) -> str | None:
    try:
        return date.fromisoformat(str(given)).isoformat()
    except ValueError:
        return None


ROUTES = (
    ("GET", "/sections/{section_id}/attendance", list_all),
    ("PUT", "/sections/{section_id}/attendance", update),
)
