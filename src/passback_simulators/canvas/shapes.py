"""How the API shows courses, people and enrollments, wherever they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import grading_periods
from passback_simulators.canvas.access import caller_of, included, sees_all_grades, teaches
from passback_simulators.canvas.scores import Gradebook
from passback_simulators.canvas.seed import TEST_STUDENT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.request import Request

_SIS = ("sis_user_id", "sis_section_id", "sis_course_id", "sis_account_id", "integration_id")
_STUDENTS = ("StudentEnrollment", "StudentViewEnrollment")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def without_sis(lms: CanvasState, record: Record) -> Record:
    """A record without SIS ids, for a caller who may not read them."""
    if lms.settings["can_read_sis"]:
        return record
    return {name: value for name, value in record.items() if name not in _SIS}


def user(
    lms: CanvasState, record: Record, request: Request, course: int | None = None, *, email: bool = False
) -> Record:
    """A user as the API shows them; the e-mail only if the request includes it, or always with `email`.

    In a course, SIS ids, logins and e-mails are for those who teach there.
    """
    shown = without_sis(lms, dict(record))
    caller = caller_of(lms, request)
    if course is not None and not teaches(lms, caller, course):
        shown = {name: value for name, value in shown.items() if name not in (*_SIS, "login_id", "email")}
    if not email and "email" not in included(lms, request):
        shown.pop("email", None)
    return shown


def user_display(request: Request, record: Record, course: int) -> Record:
    """The small form of a user."""
    shown = {
        "id": record["id"], "anonymous_id": _in_36(record["id"]), "display_name": record["short_name"],
        "avatar_image_url": f"{request.base_url}/images/messages/avatar-50.png",
        "html_url": f"{request.base_url}/courses/{course}/users/{record['id']}", "pronouns": None,
    }  # fmt: skip
    return {**shown, "fake_student": True} if record["name"] == "Test Student" else shown


def course(lms: CanvasState, record: Record, request: Request, of_user: int | None = None) -> Record:
    """A course as the API shows it; with `of_user`, with that user's enrollments in it."""
    content = {"grading_standard_id": None, "apply_assignment_group_weights": False, **record}
    content["time_zone"] = str(lms.zone_of(record["id"]))
    asked = included(lms, request)
    if "concluded" in asked:
        content["concluded"] = record["workflow_state"] == "completed"
    if "term" in asked:
        content["term"] = lms.records.get("terms", record["enrollment_term_id"])
    if of_user is not None:
        content["enrollments"] = [
            _course_enrollment(lms, request, it, asked) for it in lms.enrollments(record["id"], user=of_user)
        ]
        if {"total_scores", "current_grading_period_scores"} <= set(asked):
            content["has_grading_periods"] = grading_periods.set_of(lms, record["id"]) is not None
    if "grading_periods" in asked:
        content["grading_periods"] = [
            {name: it[name] for name in ("id", "title")}
            for it in grading_periods.periods_of(lms, record["id"])
        ]
    if "total_students" in asked:
        content["total_students"] = _total_students(lms, record["id"])
    return without_sis(lms, content)


def section(lms: CanvasState, record: Record, request: Request) -> Record:
    """A section as the API shows it."""
    content = dict(record)
    if "total_students" in included(lms, request):
        content["total_students"] = _total_students(lms, record["course_id"], record["id"])
    return without_sis(lms, content)


def _total_students(lms: CanvasState, course: int, section: int | None = None) -> int:
    """How many students a course or section has, without the test student."""
    return sum(it != TEST_STUDENT for it in lms.students(course, section))


def _course_enrollment(lms: CanvasState, request: Request, record: Record, asked: Collection[str]) -> Record:
    """An enrollment within a course: the scores have other names there."""
    shown = {
        "type": record["type"].removesuffix("Enrollment").lower(), "role": record["type"],
        "role_id": role_id(record["type"]), "user_id": record["user_id"],
        "enrollment_state": record["enrollment_state"], "limit_privileges_to_course_section": False,
    }  # fmt: skip
    if record["type"] not in _STUDENTS or "total_scores" not in asked:
        return shown
    caller, course_id = caller_of(lms, request), record["course_id"]
    everything = sees_all_grades(lms, caller, course_id)
    if (lms.records.get("courses", course_id) or {}).get("hide_final_grades") and not everything:
        return shown
    book = Gradebook(lms, course_id)
    shown |= _named("", book, record["user_id"], None, everything=everything)
    if "current_grading_period_scores" in asked:
        period = grading_periods.current(lms, course_id)
        nothing = dict.fromkeys(
            _named("current_period_", book, record["user_id"], None, everything=everything)
        )
        shown |= {
            "has_grading_periods": bool(book.periods),
            "totals_for_all_grading_periods_option": bool(book.periods),
            "current_grading_period_id": period and period["id"],
            "current_grading_period_title": period and period["title"],
        }
        shown |= nothing if period is None else _named(
            "current_period_", book, record["user_id"], period, everything=everything
        )  # fmt: skip
    return shown


def _named(prefix: str, book: Gradebook, user_id: int, period: Record | None, *, everything: bool) -> Record:
    """Scores and grades by the names that courses have for them."""
    shown: Record = {}
    kinds = [("computed_", False), *([("unposted_", True)] if everything else [])]
    for kind, unposted in kinds:
        totals = book.totals(user_id, unposted=unposted, period=period)
        for name, score in (("current", totals.current), ("final", totals.final)):
            shown[f"{prefix}{kind}{name}_score"] = score
            shown[f"{prefix}{kind}{name}_grade"] = book.letter(score)
    return shown


def role_id(kind: str) -> int:
    """The id of an enrollment's role; each kind has one."""
    kinds = ("StudentEnrollment", "TeacherEnrollment", "TaEnrollment", "DesignerEnrollment", "ObserverEnrollment",
             "StudentViewEnrollment")  # fmt: skip
    return 19 + kinds.index(kind) if kind in kinds else 99


class Enrollments:
    """How enrollments are shown in one reply: the scores of each course are computed from one gradebook."""

    def __init__(self, lms: CanvasState, request: Request, *, period: Record | None = None) -> None:
        self._lms = lms
        self._request = request
        self._period = period
        self._books: dict[int, Gradebook] = {}
        self._caller = caller_of(lms, request)

    def shown(self, record: Record, *, current_period: bool = False, with_user: bool = True) -> Record:
        """An enrollment; with `current_period`, with the scores of the grading period that it is now."""
        lms, course_id = self._lms, record["course_id"]
        person = lms.records.get("users", record["user_id"]) or {}
        place = lms.records.get("sections", record["course_section_id"]) or {}
        of_course = lms.records.get("courses", course_id) or {}
        base = self._request.base_url
        entry = {
            "associated_user_id": None, **record, "root_account_id": of_course.get("account_id"),
            "limit_privileges_to_course_section": False, "start_at": None, "end_at": None,
            "role": record["type"], "role_id": role_id(record["type"]),
            "html_url": f"{base}/courses/{course_id}/users/{record['user_id']}",
        }  # fmt: skip
        if of_course.get("workflow_state") == "deleted":
            entry["enrollment_state"] = "deleted"
        if teaches(lms, self._caller, course_id):
            entry |= {
                "sis_account_id": None, "sis_course_id": of_course.get("sis_course_id"),
                "sis_section_id": place.get("sis_section_id"), "sis_user_id": person.get("sis_user_id"),
            }  # fmt: skip
        if record["type"] in _STUDENTS:
            entry["grades"] = self._grades(record, current_period=current_period)
        if with_user:
            entry["user"] = user(lms, person, self._request, course_id)
        return without_sis(lms, entry)

    def _grades(self, record: Record, *, current_period: bool) -> Record:
        lms, course_id, user_id = self._lms, record["course_id"], record["user_id"]
        shown: Record = {"html_url": f"{self._request.base_url}/courses/{course_id}/grades/{user_id}"}
        everything = sees_all_grades(lms, self._caller, course_id)
        if not everything and not self._sees_grades_of(course_id, user_id):
            return shown
        if course_id not in self._books:
            self._books[course_id] = Gradebook(lms, course_id)
        book, period = self._books[course_id], self._period
        if current_period:
            period = grading_periods.current(lms, course_id)
            shown["grading_period_id"] = period and period["id"]
        points = "current_points" in included(lms, self._request)
        for prefix, unposted in (("", False), ("unposted_", True)):
            if unposted and not everything:
                continue
            totals = book.totals(user_id, unposted=unposted, period=period)
            shown |= {
                f"{prefix}current_score": totals.current, f"{prefix}current_grade": book.letter(totals.current),
                f"{prefix}final_score": totals.final, f"{prefix}final_grade": book.letter(totals.final),
            }  # fmt: skip
            if points:
                shown[f"{prefix}current_points"] = totals.points
        return shown

    def _sees_grades_of(self, course_id: int, user_id: int) -> bool:
        """Whether the caller is that student, to whom the course shows its totals, or observes them."""
        if user_id in self._lms.observed_by(course_id, self._caller.user):
            return True
        hides = (self._lms.records.get("courses", course_id) or {}).get("hide_final_grades")
        return user_id == self._caller.user and not hides


def in_order(lms: CanvasState, records: Iterable[Record]) -> list[Record]:
    """Enrollments as Canvas lists them: by kind, and then by name."""

    def key(record: Record) -> tuple[Any, ...]:
        person = lms.records.get("users", record["user_id"]) or {}
        return record["type"], person.get("sortable_name", "").lower(), record["id"]

    return sorted(records, key=key)


def _in_36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
