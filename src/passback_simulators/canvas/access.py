"""The caller of a request, and what that user may see and do."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from msgspec import Struct

from passback_simulators.canvas.replies import messages, not_found, refuse, unauthenticated, unauthorized
from passback_simulators.canvas.seed import ADMIN
from passback_simulators.reply import Refusal

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.request import Request


class Caller(Struct, frozen=True):
    """The user on whose behalf a request is made."""

    user: int
    real: int
    """The user who holds the token."""

    @property
    def admin(self) -> bool:
        """Whether the user is the account's administrator."""
        return self.user == ADMIN


def caller_of(lms: CanvasState, request: Request) -> Caller:
    """The caller, by token and masquerading. Raises `Refusal`."""
    real = _token_holder(lms, request)
    wanted = request.param("as_user_id") or dict(_form(request)).get("as_user_id", "")
    if not wanted:
        return Caller(real, real)
    target = lms.find_user(wanted)
    allowed = real == ADMIN and lms.settings["can_masquerade"]
    if target is None or not allowed or target["id"] == ADMIN:
        raise refuse(401, {"errors": "Invalid as_user_id"})
    return Caller(target["id"], real)


def _token_holder(lms: CanvasState, request: Request) -> int:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    text = text if scheme.lower() == "bearer" else request.param("access_token")
    if not text:
        reply = {"status": "unauthenticated", "errors": [{"message": "user authorization required"}]}
        refusal = refuse(401, reply)
        raise Refusal(refusal.reply.with_headers(WWW_Authenticate='Bearer realm="canvas-lms"'))
    token = lms.records.get("tokens", text)
    if token is None:
        raise unauthenticated("Invalid access token.")
    if token.get("revoked"):
        raise unauthenticated("Revoked access token.")
    if token["expires"] is not None and lms.clock() >= token["expires"]:
        raise unauthenticated("Invalid access token." if token["refreshes"] else "Expired access token.")
    scopes = token["scopes"]
    if lms.settings["enforce_scopes"] and scopes is not None and not _in_scope(request, scopes):
        raise messages(401, "Insufficient scopes on access token.")
    user: int = token["user"]
    return user


def _form(request: Request) -> list[tuple[str, str]]:
    if "form" not in request.headers.get("content-type", ""):
        return []
    return parse_qsl(request.body.decode("utf-8", "replace"))


def _in_scope(request: Request, scopes: list[str]) -> bool:
    """Whether a scope such as ``url:GET|/api/v1/courses/:course_id/assignments`` covers a request."""
    for scope in scopes:
        method, _, template = scope.removeprefix("url:").partition("|")
        pattern = re.sub(r":\w+", "[^/]+", re.escape(template).replace("\\:", ":"))
        if method == request.method and re.fullmatch(pattern, request.path):
            return True
    return False


def no_right(lms: CanvasState) -> Refusal:
    """A refusal for lack of a right."""
    return unauthorized(lms.settings["unauthorized_status"])


def teaches(lms: CanvasState, caller: Caller, course: int) -> bool:
    """Whether the caller has a teacher's rights in a course."""
    return caller.admin or bool(
        lms.enrollments(course, user=caller.user, kinds=("TeacherEnrollment", "TaEnrollment"))
    )


def sees_all_grades(lms: CanvasState, caller: Caller, course: int) -> bool:
    """Whether the caller may see everybody's grades in a course: also after it has ended."""
    lacking = set(lms.settings["lacks_rights"].split())
    return teaches(lms, caller, course) and not lacking >= {"manage_grades", "view_all_grades"}


def require_grades(lms: CanvasState, request: Request, course: int) -> Caller:
    """The caller, who may see everybody's grades in a course. Raises `Refusal` for anybody else."""
    caller = caller_of(lms, request)
    if not sees_all_grades(lms, caller, course):
        raise no_right(lms)
    return caller


def own_students(lms: CanvasState, caller: Caller, course: int) -> list[int]:
    """The students of a course whose work the caller may see for being, or observing, them."""
    kinds = ("StudentEnrollment", "StudentViewEnrollment")
    themselves = [caller.user] if lms.enrollments(course, user=caller.user, kinds=kinds) else []
    return [*themselves, *lms.observed_by(course, caller.user)]


def require_teacher(lms: CanvasState, request: Request, course: int, right: str = "") -> Caller:
    """The caller, who has a teacher's rights in a course. Raises `Refusal` for anybody else.

    `right` is what a change needs: a role may lack it, and nobody has it in a concluded course.
    """
    caller = caller_of(lms, request)
    if not teaches(lms, caller, course):
        raise no_right(lms)
    concluded = (lms.records.get("courses", course) or {}).get("workflow_state") == "completed"
    if right and (concluded or right in lms.settings["lacks_rights"].split()):
        raise no_right(lms)
    return caller


def visible_course(lms: CanvasState, request: Request, text: str) -> Record:
    """A course that the caller may see, by id or SIS id. Raises `Refusal`."""
    found = lms.find_course(text)
    caller = caller_of(lms, request)
    if found is None or found["workflow_state"] == "deleted":
        raise not_found()
    if not caller.admin and not lms.enrollments(found["id"], user=caller.user):
        raise no_right(lms)
    return found


def visible_section(lms: CanvasState, request: Request, text: str) -> Record:
    """A section that the caller may see, by id or SIS id. Raises `Refusal`."""
    found = lms.find_section(text)
    if found is None:
        raise not_found()
    visible_course(lms, request, str(found["course_id"]))
    return found


def require_admin(lms: CanvasState, request: Request) -> Caller:
    """The caller, who is the account's administrator. Raises `Refusal` for anybody else."""
    caller = caller_of(lms, request)
    if not caller.admin:
        raise no_right(lms)
    return caller


def user_named(lms: CanvasState, request: Request, text: str) -> Record:
    """A user by id or SIS id; ``self`` is the caller. Raises `Refusal`."""
    found = lms.records.get("users", caller_of(lms, request).user) if text == "self" else lms.find_user(text)
    if found is None:
        raise not_found()
    return found


def included(lms: CanvasState, request: Request) -> Collection[str]:
    """What ``include[]`` asks for; a developer key may be set up to ignore it."""
    if not lms.settings["include_allowed"]:
        return ()
    return {*request.params("include[]"), *request.params("include")}
