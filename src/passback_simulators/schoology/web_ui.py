"""Actions in Schoology's own web pages that the API does not offer, or not on the user's behalf.

These are methods of `SchoologySimulator` (``ui_...``), for tests and for the sandbox. Ids are those of the API.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from passback_simulators.request import Request
from passback_simulators.schoology.access import ACTIVE, enrollments
from passback_simulators.schoology.handlers import assignments, completion, dropbox, grade_setup, grades
from passback_simulators.schoology.seed import APP_KEY, PERIOD_PAST
from passback_simulators.schoology.state import Actor
from passback_simulators.schoology.tokens import issue

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState


# Credentials.


def issue_user_token(lms: SchoologyState, uid: str, app_key: str = APP_KEY) -> tuple[str, str]:
    """The token and secret that an app would get for a user in the three-legged handshake."""
    token = issue(lms, app_key, "access", uid)
    return token["token"], token["secret"]


def issue_personal_key(lms: SchoologyState, uid: str) -> tuple[str, str]:
    """The key and secret that a user gets for themselves at <district>.schoology.com/api."""
    key = {"key": secrets.token_hex(20), "secret": secrets.token_hex(16), "kind": "personal", "uid": uid}
    lms.records.put("consumers", key["key"], key)
    return key["key"], key["secret"]


def revoke_token(lms: SchoologyState, token: str) -> None:
    """A user withdraws an app's access."""
    lms.records.remove("tokens", token)


# People and sections.


def enroll(lms: SchoologyState, section_id: str, uid: str, *, admin: int = 0) -> str:
    """Enroll a user, possibly again; returns the enrollment's id, which stays the same."""
    found = [one for one in enrollments(lms, None, section_id) if one["uid"] == uid]
    id_ = found[0]["id"] if found else str(lms.records.next_number("enrollment", 5_899_000_001))
    row = {"id": id_, "section_id": section_id, "uid": uid, "admin": admin, "status": ACTIVE}
    lms.records.put("enrollments", id_, row)
    return id_


def unenroll(lms: SchoologyState, section_id: str, uid: str, *, status: int | None = 2) -> None:
    """End an enrollment. `status`: 2 expired, 5 archived; None removes it altogether."""
    for enrollment in enrollments(lms, None, section_id):
        if enrollment["uid"] == uid and status is None:
            lms.records.remove("enrollments", enrollment["id"])
        elif enrollment["uid"] == uid:
            lms.records.put("enrollments", enrollment["id"], enrollment | {"status": status})


def delete_user(lms: SchoologyState, uid: str) -> None:
    """Delete a user, with enrollments and tokens."""
    for table in ("enrollments", "tokens"):
        for row in lms.records.all(table):
            if row["uid"] == uid:
                lms.records.remove(table, row.get("id") or row["token"])
    lms.records.remove("users", uid)


def set_time_zone(lms: SchoologyState, uid: str, zone: str | None) -> None:
    """Set a user's own time zone (IANA); None means the district's."""
    user = lms.records.get("users", uid)
    assert user is not None
    lms.records.put("users", uid, user | {"tz_name": zone})


def end_section(lms: SchoologyState, section_id: str) -> None:
    """End the grading periods of a section."""
    section = lms.records.get("sections", section_id)
    assert section is not None
    lms.records.put("sections", section_id, section | {"grading_periods": [PERIOD_PAST]})


def create_category(lms: SchoologyState, section_id: str, title: str, weight: int = 100) -> int:
    """Add a grading category to a section; returns its id."""
    return int(grade_setup.add_category(lms, section_id, title, {"weight": weight})["id"])


# Materials.


def _acting(lms: SchoologyState, uid: str) -> Request:
    """Make a user the actor; returns a request as the web pages would send it."""
    user = lms.records.get("users", uid)
    assert user is not None
    lms.actor = Actor(user, personal=False, impersonated=False)
    return Request("POST", "http://api.schoology.com", "/v1/", "/v1/", "", {}, b"")


def _teacher(lms: SchoologyState, section_id: str) -> str:
    return next(str(one["uid"]) for one in enrollments(lms, None, section_id) if one["admin"])


def _item(lms: SchoologyState, item_id: int) -> Record:
    item = lms.records.get("grade_items", item_id)
    assert item is not None
    return item


def create_test(lms: SchoologyState, section_id: str, title: str, **fields: Any) -> int:
    """Add a test/quiz, a grade item that the API cannot create; returns its id."""
    request = _acting(lms, _teacher(lms, section_id))
    item = assignments.add(lms, section_id, "assessment", {"title": title, "allow_dropbox": 0, **fields})
    assignments.announce(lms, request, item, "update")
    return int(item["id"])


def change_assignment(lms: SchoologyState, item_id: int, **fields: Any) -> None:
    """Change fields of a grade item, such as ``published`` or ``dropbox_locked`` (0 or 1)."""
    item = lms.records.put("grade_items", item_id, _item(lms, item_id) | fields)
    request = _acting(lms, _teacher(lms, item["section_id"]))
    assignments.announce(lms, request, item, "update")


def close_assignment(lms: SchoologyState, item_id: int) -> None:
    """Close a grade item to everyone's changes and grades: the API refuses them with 403."""
    lms.records.put("grade_items", item_id, _item(lms, item_id) | {"closed": 1})


def delete_assignment(lms: SchoologyState, item_id: int) -> None:
    """Delete a grade item."""
    item = _item(lms, item_id)
    request = _acting(lms, _teacher(lms, item["section_id"]))
    assignments.announce(lms, request, item, "delete")
    assignments.remove(lms, item)
    lms.records.remove("discussions", item.get("discussion_id") or "")


def grade(lms: SchoologyState, item_id: int, uid: str, **given: Any) -> None:
    """The teacher grades: ``grade`` (number, letter or None), ``exception``, ``comment``, ``comment_status``."""
    item = _item(lms, item_id)
    request = _acting(lms, _teacher(lms, item["section_id"]))
    enrollment = next(one for one in enrollments(lms, None, item["section_id"]) if one["uid"] == uid)
    kept = grades.put(lms, item, enrollment["id"], given)
    grades.announce(lms, request, [(item, enrollment, kept)])


def grade_shown(lms: SchoologyState, item_id: int, uid: str) -> float | None:
    """The grade that the gradebook's page shows for a student; None while it waits for the dropbox."""
    item = _item(lms, item_id)
    enrollment = next(one for one in enrollments(lms, None, item["section_id"]) if one["uid"] == uid)
    kept = lms.records.get("grades", f"{item_id}/{enrollment['id']}")
    return None if kept is None or grades.waits(lms, item, enrollment["id"]) else kept["grade"]


def submit(lms: SchoologyState, item_id: int, uid: str, text: str, *, draft: bool = False) -> int:
    """A student submits text; returns the revision's id."""
    request = _acting(lms, uid)
    revision = dropbox.submit_text(lms, _item(lms, item_id), uid, text, int(draft))
    dropbox.announce(lms, request, revision)
    return int(revision["revision_id"])


def comment(lms: SchoologyState, item_id: int, student: str, uid: str, text: str) -> None:
    """A user comments in a student's dropbox."""
    dropbox.comment(lms, item_id, student, uid, text)


# Completion.


def set_completion_rules(lms: SchoologyState, section_id: str, total: int) -> None:
    """A teacher sets how many rules complete a section."""
    completion.set_rules(lms, section_id, total)


def meet_completion_rules(lms: SchoologyState, section_id: str, uid: str, rules: int) -> None:
    """A student has met so many of a section's completion rules."""
    _acting(lms, uid)
    completion.meet_rules(lms, section_id, uid, rules)
