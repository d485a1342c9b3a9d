"""Grading: grades, excuses, comments and extra attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import overrides, rubrics, works
from passback_simulators.canvas.access import Caller, caller_of, no_right, require_teacher
from passback_simulators.canvas.grades import graded
from passback_simulators.canvas.handlers import assignments, files
from passback_simulators.canvas.handlers.submissions import shown, shown_comment, student_named
from passback_simulators.canvas.replies import (
    answer,
    body_of,
    messages,
    not_found,
    number_of,
    objects_in,
    truthy,
)

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def grade(lms: CanvasState, request: Request, course_id: str, assignment_id: str, user_id: str) -> Reply:
    """``PUT .../submissions/:user_id``: grade, excuse, late policy, rubric and comment.

    What comes first is done even if what follows is refused, as in Canvas.
    """
    record = assignments.visible(lms, request, course_id, assignment_id)
    content = body_of(request)
    user = student_named(lms, request, record, user_id)
    given, assessment = content.get("submission"), content.get("rubric_assessment")
    caller = caller_of(lms, request)
    if given or assessment or caller.user != user:
        caller = require_grader(lms, request, record)
    if not works.is_assigned(lms, record, user):
        raise no_right(lms)
    changed = grade_together(
        lms, record, user, given if isinstance(given, dict) else {}, grader=caller.user,
        prefer_points=truthy(content.get("prefer_points_over_scheme")),
    )  # fmt: skip
    association = rubrics.association_of(lms, record)
    if isinstance(assessment, dict) and association is not None:
        if not rubrics.fits(lms, association, assessment):
            return answer(request, 400, {"message": "invalid rubric_assessment"})
        assess(lms, record, user, association, assessment, grader=caller.user)
    comment(lms, record, user, content.get("comment"), author=caller.user)
    everyone = [works.submission_of(lms, record, it["user_id"]) for it in changed]
    first = shown(lms, request, record, everyone[0], comments=True)
    return answer(
        request, 200, {**first, "all_submissions": [shown(lms, request, record, it) for it in everyone]}
    )


def grade_together(
    lms: CanvasState, record: Record, user: int, given: dict[str, Any], *, grader: int, prefer_points: bool
) -> list[Record]:
    """Grade a student, and with them their group unless it is graded individually; the student's comes first.

    Raises `Refusal`.
    """
    others = [it for it in overrides.group_of(lms, record, user) if it != user]
    changed = [
        graded(
            lms,
            record,
            works.submission_of(lms, record, it),
            given,
            grader=grader,
            prefer_points=prefer_points,
        )
        for it in (user, *others)
    ]
    for after in changed:
        works.keep(lms, record, after)
    return changed


def assess(
    lms: CanvasState, record: Record, user: int, association: Record, given: dict[str, Any], *, grader: int
) -> Record:
    """Assess a student's work by a rubric, and their group's; the rubric's points are the grade if it is for grading.

    Raises `Refusal`.
    """
    for one in overrides.group_of(lms, record, user):
        made = rubrics.assess(
            lms, record, association, works.submission_of(lms, record, one), given, assessor=grader
        )
        score = made["score"]
        if association["use_for_grading"] and score is not None:
            submission = works.submission_of(lms, record, one)
            if submission["score"] != score:
                posted = {"posted_grade": repr(score)}
                works.keep(
                    lms, record, graded(lms, record, submission, posted, grader=grader, prefer_points=True)
                )
    return rubrics.assessment_of(lms, association, works.submission_of(lms, record, user)) or {}


def comment(lms: CanvasState, record: Record, user: int, given: Any, *, author: int) -> None:
    """Add a comment to a student's submission, or to their whole group's. Raises `Refusal`."""
    if not isinstance(given, dict) or not (given.get("text_comment") or given.get("file_ids")):
        return
    attached = given.get("file_ids") or []
    ids = files.of_student(lms, attached, author) if attached else []
    together = truthy(given.get("group_comment"))
    for one in overrides.group_of(lms, record, user) if together else [user]:
        submission = works.submission_of(lms, record, one)
        works.keep(lms, record, commented(lms, submission, author, given.get("text_comment") or "", ids))


def require_grader(lms: CanvasState, request: Request, record: Record) -> Caller:
    """The caller, who may grade the assignment by the students' ids. Raises `Refusal`.

    Nobody may while it is moderated and its final grades are not published, or while it hides whose work is whose.
    """
    caller = require_teacher(lms, request, record["course_id"], "manage_grades")
    if record.get("moderated_grading") and not record.get("grades_published"):
        raise no_right(lms)
    if record.get("anonymous_grading"):
        raise no_right(lms)
    return caller


def edit_comment(
    lms: CanvasState,
    request: Request,
    course_id: str,
    assignment_id: str,
    user_id: str,
    comment_id: str,
) -> Reply:
    """``PUT`` and ``DELETE .../submissions/:user_id/comments/:id``."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    require_grader(lms, request, record)
    submission = works.submission_of(lms, record, student_named(lms, request, record, user_id))
    found = next((it for it in submission["comments"] if str(it["id"]) == comment_id), None)
    if found is None:
        raise not_found()
    others = [it for it in submission["comments"] if it is not found]
    if request.method == "PUT":
        words = (body_of(request).get("comment")) or ""
        found = {**found, "comment": str(words), "edited_at": lms.clock()}
        others = [found if it["id"] == found["id"] else it for it in submission["comments"]]
    works.keep(lms, record, {**submission, "comments": others})
    return answer(request, 200, shown_comment(lms, request, found))


def extend(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``POST .../extensions``: an absolute number of extra attempts; unknown students are dropped silently."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    require_teacher(lms, request, record["course_id"], "manage_grades")
    if "discussion_topic" in record["submission_types"]:
        raise messages(400, "extensions are not possible for discussions")
    given = []
    for item in objects_in(body_of(request), "assignment_extensions"):
        user = lms.find_user(str(item.get("user_id")))
        if user is None or not works.is_student(lms, record, user["id"]):
            continue
        changed = {
            **works.submission_of(lms, record, user["id"]),
            "extra_attempts": int(number_of(item.get("extra_attempts"))),
        }
        works.keep(lms, record, changed)
        given.append({"assignment_id": record["id"], "user_id": user["id"],
                      "extra_attempts": changed["extra_attempts"]})  # fmt: skip
    return answer(request, 200, {"assignment_extensions": given})


def commented(lms: CanvasState, submission: Record, author: int, text: Any, attached: list[int]) -> Record:
    """The submission with one more comment; not stored yet."""
    user = lms.records.get("users", author) or {}
    made = {
        "id": lms.records.next_number("comments", 3), "author_id": author, "author_name": user.get("name"),
        "comment": str(text), "created_at": lms.clock(), "edited_at": None, "attempt": submission["attempt"],
    }  # fmt: skip
    if attached:
        made["attachments"] = attached
    return {**submission, "comments": [*submission["comments"], made]}
