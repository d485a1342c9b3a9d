"""How far students are with a section's completion rules (Schoology REST API: Completion).

The rules, and who has met how many, are set in the web pages. A section once completed stays so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.access import ACTIVE, enrollments, section, teaches
from passback_simulators.schoology.handlers import triggers
from passback_simulators.schoology.replies import forbidden, missing, number, paged

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState


def _shown(lms: SchoologyState, section_id: str, uid: str) -> Record:
    rules = (lms.records.get("completion_rules", section_id) or {"total": 0})["total"]
    kept = lms.records.get("completions", f"{section_id}/{uid}") or {"rules": 0, "completed": 0}
    done = min(kept["rules"], rules)
    return {
        "uid": int(uid), "total_rules": rules, "completed_rules": done,
        "percent_complete": number(done / rules) if rules else 0, "completed": kept["completed"],
    }  # fmt: skip


def _students(lms: SchoologyState, request: Request, section_id: str) -> list[str]:
    """The students whose progress the actor sees: everyone's for teachers, or only the actor's own."""
    section(lms, section_id)
    students = [
        str(one["uid"])
        for one in enrollments(lms, request, section_id)
        if one["status"] == ACTIVE and not one["admin"]
    ]
    return students if teaches(lms, section_id) else [one for one in students if one == lms.actor.uid]


def list_all(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/completion."""
    students = [{"uid": one} for one in _students(lms, request, section_id)]
    return paged(lms, request, "completion", students, lambda one: _shown(lms, section_id, one["uid"]), int)


def show(
    lms: SchoologyState,
    request: Request,
    section_id: str,
    uid: str,
    id_: str = "",
) -> Reply:
    """GET /sections/{id}/completion/user/{uid}/{id}. Of what the last id is, the documentation does not say."""
    if uid in _students(lms, request, section_id):
        return json_reply(200, _shown(lms, section_id, uid))
    if not teaches(lms, section_id):
        raise forbidden()
    raise missing("User")


def set_rules(lms: SchoologyState, section_id: str, total: int) -> None:
    """Set how many rules a section has."""
    lms.records.put("completion_rules", section_id, {"total": total})


def meet_rules(lms: SchoologyState, section_id: str, uid: str, rules: int) -> None:
    """Set how many rules a student has met; meeting the last one completes the section, with an event."""
    key = f"{section_id}/{uid}"
    kept = lms.records.get("completions", key) or {"completed": 0}
    total = (lms.records.get("completion_rules", section_id) or {"total": 0})["total"]
    completed = int(bool(kept["completed"]) or 0 < total <= rules)
    lms.records.put("completions", key, {"rules": rules, "completed": completed})
    if completed and not kept["completed"]:
        event = {
            "realm": "section",
            "section_id": int(section_id),
            "object": _shown(lms, section_id, uid),
        }
        triggers.emit(lms, "section_completion.update", event)


_USER = "/sections/{section_id}/completion/user/{uid}"

ROUTES = (
    ("GET", "/sections/{section_id}/completion", list_all),
    ("GET", _USER, show),
    ("GET", f"{_USER}/{{id_}}", show),
)
