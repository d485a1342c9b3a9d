"""Users, by themselves and in courses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.canvas import shapes
from passback_simulators.canvas.access import (
    caller_of,
    included,
    no_right,
    require_admin,
    user_named,
    visible_course,
)
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import answer, not_found
from passback_simulators.canvas.seed import TEST_STUDENT

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def read(lms: CanvasState, request: Request, user_id: str) -> Reply:
    """``GET /users/:id``, ``self`` included."""
    return answer(request, 200, shapes.user(lms, user_named(lms, request, user_id), request))


def profile(lms: CanvasState, request: Request, user_id: str) -> Reply:
    """``GET /users/:id/profile``: for the user, who teaches them, and administrators."""
    caller, found = caller_of(lms, request), user_named(lms, request, user_id)
    own = found["id"] == caller.user
    if not (own or caller.admin or _teaches_user(lms, caller.user, found["id"])):
        raise no_right(lms)
    account = lms.records.all("accounts")[0]
    shown = {
        name: found.get(name)
        for name in ("id", "name", "short_name", "sortable_name", "sis_user_id", "login_id", "integration_id")
    } | {
        "primary_email": found["email"], "title": None, "bio": None, "pronouns": None, "locale": None,
        "avatar_url": f"{request.base_url}/images/messages/avatar-50.png",
        "time_zone": account.get("time_zone", "UTC"),
    }  # fmt: skip
    if own:
        calendar = f"{request.base_url}/feeds/calendars/user_{found['id']}.ics"
        shown |= {"effective_locale": "en", "calendar": {"ics": calendar}}
    return answer(request, 200, shapes.without_sis(lms, shown))


def of_account(lms: CanvasState, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id/users``."""
    require_admin(lms, request)
    return page(lms, request, lms.records.all("users"), lambda it: shapes.user(lms, it, request))


def of_course(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/users``."""
    found = visible_course(lms, request, course_id)
    caller = caller_of(lms, request)
    # Who only observes has no right to the list of people.
    if not caller.admin and not lms.enrollments(found["id"], user=caller.user, kinds=_ROSTER_READERS):
        raise no_right(lms)
    kinds = [_kind(it) for it in request.params("enrollment_type[]")]
    states = request.params("enrollment_state[]") or ["active", "invited"]
    wanted = request.params("user_ids[]")
    users: dict[int, Record] = {}
    for enrollment in lms.records.all("enrollments"):
        if enrollment["course_id"] != found["id"] or enrollment["enrollment_state"] not in states:
            continue
        if (kinds and enrollment["type"] not in kinds) or (
            wanted and str(enrollment["user_id"]) not in wanted
        ):
            continue
        user = lms.records.get("users", enrollment["user_id"])
        assert user is not None
        users.setdefault(user["id"], user)
    term = request.param("search_term").lower()
    matching = [it for it in users.values() if term in it["name"].lower() or term == str(it["id"])]
    if "test_student" not in included(lms, request) and "StudentViewEnrollment" not in kinds:
        matching = [it for it in matching if it["id"] != TEST_STUDENT]
    return page(lms, request, matching, lambda it: _in_course(lms, request, it, found["id"], email=True))


def in_course(lms: CanvasState, request: Request, course_id: str, user_id: str) -> Reply:
    """``GET /courses/:id/users/:id``."""
    found = visible_course(lms, request, course_id)
    caller = caller_of(lms, request)
    if not caller.admin and not lms.enrollments(found["id"], user=caller.user, kinds=_ROSTER_READERS):
        raise no_right(lms)
    user = user_named(lms, request, user_id)
    if not lms.enrollments(found["id"], user=user["id"]):
        raise not_found()
    return answer(request, 200, _in_course(lms, request, user, found["id"]))


def _in_course(
    lms: CanvasState, request: Request, record: Record, course: int, *, email: bool = False
) -> Record:
    """A user of a course, with their enrollments there if the request includes them."""
    shown = shapes.user(lms, record, request, course, email=email)
    asked = included(lms, request)
    if "enrollments" in asked:
        enrollments = shapes.Enrollments(lms, request)
        shown["enrollments"] = [
            enrollments.shown(it, current_period="current_grading_period_scores" in asked, with_user=False)
            for it in lms.enrollments(course, user=record["id"])
        ]
    if "avatar_url" in asked:
        shown["avatar_url"] = f"{request.base_url}/images/messages/avatar-50.png"
    return shown


_ROSTER_READERS = ("StudentEnrollment", "StudentViewEnrollment", "TeacherEnrollment", "TaEnrollment",
                   "DesignerEnrollment")  # fmt: skip


def _kind(name: str) -> str:
    """The kind of enrollments that a parameter names, such as ``student_view``."""
    return "".join(part.capitalize() for part in name.split("_")) + "Enrollment"


def _teaches_user(lms: CanvasState, teacher: int, user: int) -> bool:
    courses = {it["course_id"] for it in lms.records.all("enrollments") if it["user_id"] == user}
    return any(
        lms.enrollments(it, user=teacher, kinds=("TeacherEnrollment", "TaEnrollment")) for it in courses
    )


ROUTES = (
    ("GET", "/users/{user_id}", read),
    ("GET", "/users/{user_id}/profile", profile),
    ("GET", "/accounts/{account_id}/users", of_account),
    ("GET", "/courses/{course_id}/users", of_course),
    ("GET", "/courses/{course_id}/search_users", of_course),
    ("GET", "/courses/{course_id}/users/{user_id}", in_course),
)
