"""The fields of course work: their validation, on create and on patch.

Each function reads a request's body and returns fields of the record, or raises `Refusal` (Classroom API: CourseWork).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, errors, materials
from passback_simulators.google_classroom.handlers import grading_periods, topics
from passback_simulators.google_classroom.handlers.grading_periods import day

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback_simulators.google_classroom.call import Call
    from passback_simulators.records import Record

_LONGEST_TITLE = 3000
_LONGEST_DESCRIPTION = 30_000

PATCHABLE = frozenset(
    {
        "title", "description", "state", "dueDate", "dueTime", "maxPoints", "scheduledTime",
        "submissionModificationMode", "topicId", "gradingPeriodId", "learningGoals",
    }
)  # fmt: skip
"""What an update mask may name. ``learningGoals`` is accepted, but is not in the public schema."""


def created(call: Call, course: Record) -> dict[str, Any]:
    """The fields of new course work."""
    body = call.body
    if "workType" not in body:
        raise errors.invalid(field="course_work.work_type")
    question = body["workType"] == "MULTIPLE_CHOICE_QUESTION"
    choices = body.get("multipleChoiceQuestion", {}).get("choices")
    if question != bool(choices) or ("multipleChoiceQuestion" in body and not question):
        raise errors.invalid(field="course_work.multiple_choice_question")
    if len(body.get("materials", [])) > materials.MOST:
        raise errors.invalid(field="course_work.materials")
    fields: dict[str, Any] = {
        "work_type": body["workType"],
        "choices": choices,
        **_title(call),
        **_description(call),
        "state": _new_state(body.get("state", "DRAFT")),
        **due(call, "course_work"),
        "max_points": max_points(call, "course_work"),
        **_modification_mode(body.get("submissionModificationMode", "MODIFIABLE_UNTIL_TURNED_IN")),
        **_topic(call, course),
        **_assignees(call, course),
        "materials": [
            materials.material(call.lms, one, call.user["id"]) for one in body.get("materials", [])
        ],
        "grade_category": None,
    }
    fields |= _scheduled(call, fields["state"])
    if "gradingPeriodId" in body:
        return fields | _grading_period(call, course)
    return fields | {"grading_period_id": _derived_period(call, course, fields)}


def patched(call: Call, course: Record, work: Record, mask: frozenset[str]) -> dict[str, Any]:
    """The fields that a patch changes."""
    changed: dict[str, Any] = {}
    if "state" in mask:
        changed["state"] = _next_state(call, work)
    if {"dueDate", "dueTime"} & mask:
        changed |= due_of_patch(call, work, mask, "course_work")
    state = str(changed.get("state") or work["state"])
    if "scheduledTime" in mask:
        changed |= _scheduled(call, state)
    elif state == "PUBLISHED":
        changed["scheduled"] = None
    if "submissionModificationMode" in mask:
        if "submissionModificationMode" not in call.body:
            raise errors.invalid(field="course_work.submission_modification_mode")
        changed |= _modification_mode(call.body["submissionModificationMode"])
    simple: dict[str, Callable[[], dict[str, Any]]] = {
        "title": lambda: _title(call),
        "description": lambda: _description(call),
        "maxPoints": lambda: {"max_points": max_points(call, "course_work")},
        "topicId": lambda: _topic(call, course),
        "gradingPeriodId": lambda: _grading_period(call, course),
    }
    for name in mask & simple.keys():
        changed |= simple[name]()
    return changed


def _title(call: Call) -> dict[str, Any]:
    title = call.body.get("title", "").strip()
    if not 1 <= len(title) <= _LONGEST_TITLE:
        raise errors.invalid(field="course_work.title")
    return {"title": title}


def _description(call: Call) -> dict[str, Any]:
    description = call.body.get("description", "").replace("\r\n", "\n").strip()
    if len(description) > _LONGEST_DESCRIPTION:
        raise errors.invalid(field="course_work.description")
    return {"description": description}


def max_points(call: Call, message: str) -> int:
    """The points of a graded item; 0 if it is not graded. `message`: the request's field, for errors."""
    points = call.body.get("maxPoints", 0)
    if points < 0 or points != int(points):
        raise errors.invalid(field=f"{message}.max_points")
    return int(points)


def _modification_mode(mode: str) -> dict[str, Any]:
    return {"modification_mode": mode}


def _topic(call: Call, course: Record) -> dict[str, Any]:
    topic_id = call.body.get("topicId") or None
    if topic_id and all(one["id"] != topic_id for one in topics.of(call, course)):
        raise errors.invalid(field="course_work.topic_id")
    return {"topic_id": topic_id}


def _new_state(state: str) -> str:
    if state == "DELETED":
        raise errors.invalid(field="course_work.state")
    return state


def _next_state(call: Call, work: Record) -> str:
    """Drafts can be published; nothing goes back, and nothing is deleted this way."""
    state = call.body.get("state")
    if state not in ("DRAFT", "PUBLISHED") or (state == "DRAFT" and work["state"] != "DRAFT"):
        raise errors.invalid(field="course_work.state")
    return str(state)


def due(call: Call, message: str) -> dict[str, Any]:
    """The due date and time in UTC; both or neither must be given. `message`: the request's field, for errors."""
    given_date, given_time = call.body.get("dueDate"), call.body.get("dueTime")
    if given_date is None and given_time is None:
        return {"due": None}
    if given_date is None or given_time is None:
        raise errors.invalid(field=f"{message}.due_date")
    due_day = day(given_date)
    hours, minutes, seconds, nanos = (
        given_time.get(one, 0) for one in ("hours", "minutes", "seconds", "nanos")
    )
    if due_day is None or not (0 <= nanos < 10**9):
        raise errors.invalid(field=f"{message}.due_date")
    try:
        moment = datetime(due_day.year, due_day.month, due_day.day, hours, minutes, seconds, tzinfo=UTC)
    except ValueError as error:
        raise errors.invalid(field=f"{message}.due_time") from error
    when = int(moment.timestamp()) * 1000 + nanos // 1_000_000
    if when <= call.lms.clock() and not call.lms.settings["past_due_dates"]:
        raise errors.invalid(field=f"{message}.due_date")
    return {"due": when}


def due_of_patch(call: Call, item: Record, mask: frozenset[str], message: str) -> dict[str, Any]:
    """The due date and time after a patch, which may name one of the two and leave the other unchanged."""
    kept = dict(zip(("dueDate", "dueTime"), shown_due(item["due"]), strict=True))
    for name in ("dueDate", "dueTime"):
        if name not in mask:
            call.body[name] = kept[name]
    return due(call, message)


def shown_due(due: int | None) -> tuple[dict[str, int] | None, dict[str, int] | None]:
    """An instant as Google's date and time of day, in UTC."""
    if due is None:
        return None, None
    moment = datetime.fromtimestamp(due // 1000, UTC)
    parts = {"hours": moment.hour, "minutes": moment.minute, "seconds": moment.second}
    return (
        {"year": moment.year, "month": moment.month, "day": moment.day},
        parts | {"nanos": due % 1000 * 1_000_000},
    )


def _scheduled(call: Call, state: str) -> dict[str, Any]:
    """The time at which a draft will be published: only for drafts, and only in the future."""
    scheduled = call.body.get("scheduledTime")
    if scheduled is not None and (state != "DRAFT" or scheduled <= call.lms.clock()):
        raise errors.invalid(field="course_work.scheduled_time")
    return {"scheduled": scheduled}


def _assignees(call: Call, course: Record) -> dict[str, Any]:
    mode = call.body.get("assigneeMode", "ALL_STUDENTS")
    options = call.body.get("individualStudentsOptions")
    if mode == "ALL_STUDENTS":
        if options and options.get("studentIds"):
            raise errors.invalid(field="course_work.individual_students_options")
        return {"assignee_mode": mode, "student_ids": []}
    student_ids = list(dict.fromkeys((options or {}).get("studentIds", [])))
    if not student_ids or not set(student_ids) <= set(access.students(call, course["id"])):
        raise errors.invalid(field="course_work.individual_students_options.student_ids")
    return {"assignee_mode": mode, "student_ids": student_ids}


def _grading_period(call: Call, course: Record) -> dict[str, Any]:
    period_id = call.body.get("gradingPeriodId") or None
    if period_id and all(one["id"] != period_id for one in grading_periods.of(call, course)):
        raise errors.invalid(field="course_work.grading_period_id")
    return {"grading_period_id": period_id}


def _derived_period(call: Call, course: Record, fields: dict[str, Any]) -> str | None:
    """The grading period in which the item is due or, without a due date, scheduled."""
    instant = fields["due"] or fields["scheduled"]
    if instant is None:
        return None
    when = datetime.fromtimestamp(instant / 1000, UTC).date()
    for period in grading_periods.of(call, course):
        if (day(period["startDate"]) or date.max) <= when <= (day(period["endDate"]) or date.min):
            return str(period["id"])
    return None
