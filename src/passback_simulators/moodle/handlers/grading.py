"""Giving grades, comments, extensions and attempts. Whatever becomes of a grade, the answer is ``null``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.moodle import access, gradebook
from passback_simulators.moodle.errors import bad_parameter, no_write
from passback_simulators.moodle.function import Function
from passback_simulators.moodle.params import Param, Spec, floating, list_of, object_of, whole, words, yes_no

if TYPE_CHECKING:
    from passback_simulators.moodle.state import MoodleState
    from passback_simulators.records import Record

NO_GRADE = -1.0
_EDITOR = "assignfeedbackcomments_editor"


def save_grade(lms: MoodleState, assignmentid: int, **given: Any) -> None:
    """``mod_assign_save_grade``."""
    assign = access.assignment(lms, assignmentid)
    access.need(lms, "mod/assign:grade")
    _apply(lms, assign, given)


def save_grades(lms: MoodleState, assignmentid: int, applytoall: bool, grades: list[dict[str, Any]]) -> None:
    """``mod_assign_save_grades``."""
    assign = access.assignment(lms, assignmentid)
    access.need(lms, "mod/assign:grade")
    # It is no transaction: what was done before one fails stays, and nobody says how much.
    for one in grades:
        _apply(lms, assign, {**one, "applytoall": applytoall})


def _apply(lms: MoodleState, assign: Record, given: dict[str, Any]) -> None:
    user, attempt = given["userid"], given["attemptnumber"]
    _grade_one(lms, assign, user, attempt, given)
    if given["applytoall"] and assign["teamsubmission"]:
        for group in lms.records.all("groups"):
            if group["courseid"] == assign["course"] and user in group["members"]:
                for member in group["members"]:
                    if member != user:
                        _grade_one(lms, assign, member, attempt, given)


def _grade_one(lms: MoodleState, assign: Record, user: int, attempt: int, given: dict[str, Any]) -> None:
    if gradebook.is_closed(lms, assign["id"], user):
        return
    row = _row(lms, assign, user, attempt)
    editor = given["plugindata"].get(_EDITOR)
    if editor is None and row["comment"] is not None and lms.settings["comment_not_null"]:
        raise no_write()
    if _takes(assign, given["grade"]):
        row["grade"] = round(given["grade"], 5)
    if editor is not None and assign["plugins"].get("comments"):
        row["comment"], row["commentformat"] = editor["text"], editor["format"]
    row["grader"], row["timemodified"] = lms.userid, lms.seconds
    lms.records.put("grades", _key(row), row)
    if assign["markingworkflow"] and given["workflowstate"]:
        flags = lms.flags(assign["id"], user)
        flags["workflowstate"] = given["workflowstate"]
        lms.put_flags(flags)
    gradebook.push(lms, assign, user)
    if given["addattempt"]:
        _reopen(lms, assign, user)


def _takes(assign: Record, grade: float) -> bool:
    """Whether a grade is kept at all: another is ignored, without a word."""
    if grade == NO_GRADE or assign["grade"] == 0:
        return True
    if assign["grade"] < 0:
        return 1 <= grade <= SCALE_ITEMS and grade == int(grade)
    return bool(0 <= grade <= assign["grade"])


SCALE_ITEMS = 5
"""How many items every scale has here."""


def _row(lms: MoodleState, assign: Record, user: int, attempt: int) -> Record:
    """The row of a student's grade, made if there is none. Nobody asks whether the student or the attempt exists."""
    sent = lms.latest("submissions", assign["id"], user)
    if sent is None:
        sent = new_submission(lms, assign["id"], user, 0, "new")
    number = sent["attemptnumber"] if attempt < 0 else attempt
    found = lms.records.get("grades", f"{assign['id']}/{user}/{number}")
    if found is not None:
        return dict(found)
    if lms.settings["first_grade_clashes"]:
        lms.settings["first_grade_clashes"] -= 1
        raise no_write()
    return {
        "id": lms.records.next_number("grade", 1), "assignment": assign["id"], "userid": user,
        "attemptnumber": number, "timecreated": lms.seconds, "timemodified": lms.seconds, "grader": lms.userid,
        "grade": NO_GRADE, "comment": None, "commentformat": 1,
    }  # fmt: skip


def new_submission(lms: MoodleState, assign: int, user: int, attempt: int, status: str) -> Record:
    """Add an attempt."""
    row = {
        "id": lms.records.next_number("submission", 1), "assignment": assign, "userid": user, "attemptnumber": attempt,
        "timecreated": lms.seconds, "timemodified": lms.seconds, "status": status, "text": "", "files": [],
    }  # fmt: skip
    return lms.records.put("submissions", _key(row), row)


def _key(row: Record) -> str:
    return f"{row['assignment']}/{row['userid']}/{row['attemptnumber']}"


def _reopen(lms: MoodleState, assign: Record, user: int) -> None:
    latest = lms.latest("submissions", assign["id"], user)
    number = latest["attemptnumber"] + 1 if latest is not None else 1
    if assign["attemptreopenmethod"] == "manual" and (
        assign["maxattempts"] < 0 or number < assign["maxattempts"]
    ):
        new_submission(lms, assign["id"], user, number, "reopened")


def _warning(assign: int, code: str, message: str) -> dict[str, Any]:
    return {"item": "submission", "itemid": assign, "warningcode": code, "message": message}


def extensions(
    lms: MoodleState, assignmentid: int, userids: list[int], dates: list[int]
) -> list[dict[str, Any]]:
    """``mod_assign_save_user_extensions``: what cannot be granted is a warning."""
    assign = access.assignment(lms, assignmentid)
    access.need(lms, "mod/assign:grantextension")
    if len(userids) != len(dates):
        raise bad_parameter()
    warnings = []
    for user, date in zip(userids, dates, strict=True):
        starts = max(assign["duedate"], assign["allowsubmissionsfromdate"])
        if date and date < starts:
            warnings.append(
                _warning(user, "couldnotgrantextensions", "Could not grant submission date extensions.")
            )
            continue
        flags = lms.flags(assignmentid, user)
        flags["extensionduedate"] = date
        lms.put_flags(flags)
    return warnings


def _locking(locked: int) -> Any:
    def change(lms: MoodleState, assignmentid: int, userids: list[int]) -> list[dict[str, Any]]:
        access.assignment(lms, assignmentid)
        access.need(lms, "mod/assign:grade")
        for user in userids:
            flags = lms.flags(assignmentid, user)
            flags["locked"] = locked
            lms.put_flags(flags)
        return []

    return change


def revert(lms: MoodleState, assignmentid: int, userids: list[int]) -> list[dict[str, Any]]:
    """``mod_assign_revert_submissions_to_draft``: what cannot be done is a warning."""
    access.assignment(lms, assignmentid)
    access.need(lms, "mod/assign:grade")
    warnings = []
    for user in userids:
        row = lms.latest("submissions", assignmentid, user)
        if row is None or row["status"] == "new":
            warnings.append(_warning(user, "couldnotrevert", "Could not revert submission to draft."))
            continue
        row["status"], row["timemodified"] = "draft", lms.seconds
        lms.records.put("submissions", _key(row), row)
    return warnings


_PLUGINS = object_of(
    {
        _EDITOR: object_of({"text": words(), "format": whole()}, None),
        "files_filemanager": whole(0),
    },
    {},
)
_FILLING = {
    "criterionid": whole(), "levelid": whole(None), "remark": words(""), "remarkformat": whole(1),
}  # fmt: skip


def _criteria(filling: Spec) -> Param:
    fillings = list_of(object_of(filling), [])
    return object_of({"criteria": list_of(object_of({"criterionid": whole(), "fillings": fillings}))}, None)


_ADVANCED = object_of(
    {"guide": _criteria({**_FILLING, "score": floating()}), "rubric": _criteria(_FILLING)}, {}
)
"""Points by rubrics and guides, which Moodle ignores unless the assignment has one: none has here."""
_ROW = {
    "userid": whole(), "grade": floating(), "attemptnumber": whole(), "addattempt": yes_no(),
    "workflowstate": words(), "plugindata": _PLUGINS, "advancedgradingdata": _ADVANCED,
}  # fmt: skip
_USERS = {"assignmentid": whole(), "userids": list_of(whole())}

FUNCTIONS = {
    "mod_assign_save_grade": Function({"assignmentid": whole(), **_ROW, "applytoall": yes_no()}, save_grade),
    "mod_assign_save_grades": Function(
        {"assignmentid": whole(), "applytoall": yes_no(), "grades": list_of(object_of(_ROW))}, save_grades
    ),
    "mod_assign_save_user_extensions": Function({**_USERS, "dates": list_of(whole())}, extensions),
    "mod_assign_lock_submissions": Function(_USERS, _locking(1)),
    "mod_assign_unlock_submissions": Function(_USERS, _locking(0)),
    "mod_assign_revert_submissions_to_draft": Function(_USERS, revert),
}
