"""Actions in Classroom's web pages and the Admin console that the API does not offer, or not on the user's behalf.

These are methods of `ClassroomSimulator`, for tests and for the sandbox. Ids are those of the API: people are
identified by their numeric ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, add_ons, grants
from passback_simulators.google_classroom.handlers import (
    course_work,
    rubric_criteria,
    rubrics,
    submission_changes,
    submissions,
)
from passback_simulators.google_classroom.seed import CLIENT_ID, PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record


def _record(lms: ClassroomState, table: str, id_: str) -> Record:
    found = lms.records.get(table, id_)
    assert found is not None, f"no {id_} in {table}"
    return found


# Credentials.


def issue_user_tokens(
    lms: ClassroomState, email: str, scopes: Sequence[str], client_id: str = CLIENT_ID
) -> dict[str, Any]:
    """Issue access and refresh token for a user who has consented; returns the token endpoint's reply."""
    user = lms.find_user(email)
    assert user is not None, f"no user {email}"
    return grants.issue_user_tokens(lms, user["id"], scopes, _record(lms, "clients", client_id), offline=True)


def revoke_grants(lms: ClassroomState, user_id: str) -> None:
    """A user withdraws all consent, or gets a new password."""
    for row in lms.records.all("refresh_tokens"):
        if row["user_id"] == user_id:
            grants.end_grant(lms, row["token"])


# People and courses.


def create_user(lms: ClassroomState, email: str, given: str, family: str) -> str:
    """Create an account in the domain; returns its id."""
    user_id = f"1152000000000{lms.records.next_number('user', 90_000_001)}"
    user = {
        "id": user_id, "email": email.lower(), "given": given, "family": family, "admin": False,
        "creates_courses": False, "minor": False, "deleted": False,
    }  # fmt: skip
    lms.records.put("users", user_id, user)
    return user_id


def change_email(lms: ClassroomState, user_id: str, email: str) -> None:
    """The administrator renames an account; its id stays."""
    lms.records.put("users", user_id, _record(lms, "users", user_id) | {"email": email.lower()})


def delete_user(lms: ClassroomState, user_id: str) -> None:
    """The administrator deletes an account."""
    lms.records.put("users", user_id, _record(lms, "users", user_id) | {"deleted": True})


def enroll(lms: ClassroomState, course_id: str, user_id: str, *, teacher: bool = False) -> None:
    """A user joins a course; a student who was in it before gets their old work back."""
    role = access.TEACHER if teacher else access.STUDENT
    lms.join(course_id, user_id, role)


def unenroll(lms: ClassroomState, course_id: str, user_id: str) -> None:
    """A student or teacher leaves a course."""
    lms.records.remove("members", f"{course_id}/{user_id}")


def change_course(lms: ClassroomState, course_id: str, **fields: Any) -> None:
    """Change fields of a course's record, such as ``state="ARCHIVED"`` or ``owner_id``."""
    lms.records.put("courses", course_id, _record(lms, "courses", course_id) | fields)


# Course work.


def create_assignment(lms: ClassroomState, course_id: str, title: str, **fields: Any) -> str:
    """Create an assignment of the owner's, which belongs to no project; returns its id. `fields`: see
    `change_assignment`.
    """
    course = _record(lms, "courses", course_id)
    usual: dict[str, Any] = {
        "title": title, "description": "", "state": "PUBLISHED", "work_type": "ASSIGNMENT", "choices": None,
        "due": None, "scheduled": None, "max_points": 100, "materials": [], "assignee_mode": "ALL_STUDENTS",
        "student_ids": [], "modification_mode": "MODIFIABLE_UNTIL_TURNED_IN", "topic_id": None,
        "grading_period_id": None, "grade_category": None,
    }  # fmt: skip
    work = course_work.add(lms, course, course["owner_id"], None, usual | fields)
    return str(work["id"])


def change_assignment(lms: ClassroomState, work_id: str, **fields: Any) -> None:
    """The owner changes fields of an assignment's record: ``title``, ``due`` (milliseconds since 1970), ..."""
    work = _record(lms, "course_work", work_id)
    owner = _record(lms, "courses", work["course_id"])["owner_id"]
    course_work.change(lms, work, fields, owner)


def delete_assignment(lms: ClassroomState, work_id: str) -> None:
    """A teacher deletes an assignment."""
    course_work.delete(lms, _record(lms, "course_work", work_id))


# Submissions.


def _submission(lms: ClassroomState, work_id: str, student_id: str) -> tuple[Record, Record, str]:
    """Course work, a student's submission for it, and the id of the course's owner."""
    work = _record(lms, "course_work", work_id)
    owner = str(_record(lms, "courses", work["course_id"])["owner_id"])
    return work, submissions.of(lms, work, student_id), owner


def grade(lms: ClassroomState, work_id: str, student_id: str, points: float | None) -> None:
    """A teacher enters a draft grade; None clears it, as Excuse and "mark as complete" do."""
    work, submission, owner = _submission(lms, work_id, student_id)
    submissions.put(lms, submissions.grade(lms, work, submission, owner, {"draft": points}))


def open_add_on(lms: ClassroomState, work_id: str, user_id: str, project: str = PROJECT) -> str:
    """A user opens an add-on in Classroom to attach something to course work; returns the ``addOnToken``."""
    return add_ons.issue_token(lms, work_id, user_id, project)


def grade_with_rubric(
    lms: ClassroomState, work_id: str, student_id: str, grades: Mapping[str, Mapping[str, Any]]
) -> None:
    """A teacher grades with the rubric: a level, points or both for each criterion's id.

    ``{criterion: {"level": id, "points": 4}}``: the points are the level's unless they are given. Their sum is the
    draft grade, if the rubric has points.
    """
    work, submission, owner = _submission(lms, work_id, student_id)
    rubric = rubrics.of(lms, work_id)
    assert rubric is not None, f"no rubric for {work_id}"
    levels = {level["id"]: level for one in rubric["criteria"] for level in one["levels"]}
    chosen: dict[str, dict[str, Any]] = {}
    for criterion, one in grades.items():
        level = one.get("level")
        points = one.get("points", levels[level].get("points") if level else None)
        chosen[criterion] = {"level": level, "points": points}
    scored = [one["points"] for one in chosen.values() if one["points"] is not None]
    changed = submission | {"draft_rubric": chosen}
    if scored:
        changed = submissions.grade(lms, work, changed, owner, {"draft": sum(scored)})
    submissions.put(lms, changed)


def export_rubric(lms: ClassroomState, work_id: str) -> str:
    """The owner exports a rubric to Google Sheets; returns the spreadsheet's id."""
    rubric = rubrics.of(lms, work_id)
    assert rubric is not None, f"no rubric for {work_id}"
    owner = _record(lms, "courses", rubric["course_id"])["owner_id"]
    id_ = f"1demoRubric{lms.records.next_number('spreadsheet', 9_000_001)}"
    criteria = rubric_criteria.without_ids(rubric["criteria"])
    lms.records.put("spreadsheets", id_, {"id": id_, "criteria": criteria, "readers": [owner]})
    return id_


def mark_missing(lms: ClassroomState, work_id: str, student_id: str) -> None:
    """A teacher marks work as missing, whenever it is due."""
    _, submission, _ = _submission(lms, work_id, student_id)
    submissions.put(lms, submission | {"missing": True})


def return_work(lms: ClassroomState, work_id: str, student_id: str) -> None:
    """A teacher returns work in any state: the draft grades become the assigned grades."""
    work, submission, owner = _submission(lms, work_id, student_id)
    draft = submissions.draft_grade(lms, work, submission)
    graded = submissions.grade(lms, work, submission, owner, {"draft": draft, "assigned": draft})
    graded = graded | {"assigned_rubric": submission.get("draft_rubric", {})}
    submissions.put(lms, submissions.enter(lms, graded, "RETURNED", owner))


def open_assignment(lms: ClassroomState, work_id: str, student_id: str) -> None:
    """A student opens an assignment for the first time."""
    _, submission, _ = _submission(lms, work_id, student_id)
    if submission["state"] == "NEW":
        submissions.put(lms, submissions.enter(lms, submission, "CREATED", student_id))


def turn_in(lms: ClassroomState, work_id: str, student_id: str) -> None:
    """A student turns work in."""
    _, submission, _ = _submission(lms, work_id, student_id)
    submissions.put(lms, submission_changes.turn_in(lms, submission))


def reclaim(lms: ClassroomState, work_id: str, student_id: str) -> None:
    """A student reclaims submitted work."""
    _, submission, _ = _submission(lms, work_id, student_id)
    submissions.put(lms, submission_changes.reclaim(lms, submission))
