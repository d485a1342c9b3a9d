"""Reading assignments, grades and submissions (``mod_assign``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from passback_simulators.moodle import access, gradebook
from passback_simulators.moodle.errors import no_permission
from passback_simulators.moodle.function import Function
from passback_simulators.moodle.params import list_of, whole, words, yes_no

if TYPE_CHECKING:
    from passback_simulators.moodle.state import MoodleState
    from passback_simulators.records import Record

_SCRIPT = re.compile(r"<script\b.*?(</script>|$)", re.IGNORECASE | re.DOTALL)
_PLUGIN_TYPES = {"onlinetext": "assignsubmission", "file": "assignsubmission", "comments": "assignfeedback"}
_SHOWN = (
    "duedate", "allowsubmissionsfromdate", "grade", "timemodified", "cutoffdate", "gradingduedate", "teamsubmission",
    "blindmarking", "attemptreopenmethod", "maxattempts", "markingworkflow", "submissiondrafts",
)  # fmt: skip


def assignments(
    lms: MoodleState, courseids: list[int], capabilities: list[str], includenotenrolledcourses: bool
) -> dict[str, Any]:
    """``mod_assign_get_assignments``: nothing of a course without the user, unless it is asked for."""
    shown, warnings = [], []
    for id_ in courseids or [it["id"] for it in lms.records.all("courses")]:
        course = lms.records.get("courses", id_)
        if not lms.settings["enrolled_everywhere"] and not includenotenrolledcourses:
            warnings.append(
                _warning("course", id_, "2", "User is not enrolled or does not have requested capability")
            )
        elif course is None or not access.sees(lms, course):
            warnings.append(_warning("course", id_, "1", "No access rights in course context"))
        else:
            shown.append(
                {
                    "id": id_, "fullname": course["fullname"], "shortname": course["shortname"], "timemodified": 0,
                    "assignments": [_assignment(it) for it in lms.assigns_of(id_) if _is_shown(lms, it)],
                }
            )  # fmt: skip
    return {"courses": shown, "warnings": warnings}


def _is_shown(lms: MoodleState, assign: Record) -> bool:
    cm = lms.cm(assign["cmid"])
    return cm is not None and (bool(cm["visible"]) or lms.may("moodle/course:viewhiddenactivities"))


def _assignment(assign: Record) -> dict[str, Any]:
    return {
        "id": assign["id"], "cmid": assign["cmid"], "course": assign["course"], "name": assign["name"],
        "nosubmissions": 0, "sendnotifications": 0, "requiresubmissionstatement": 0, "completionsubmit": 0,
        "sendlatenotifications": 0, "sendstudentnotifications": 1, "requireallteammemberssubmit": 0,
        "teamsubmissiongroupingid": 0, "hidegrader": 0, "revealidentities": 0, "markingallocation": 0,
        "markinganonymous": 0,
        **{name: assign[name] for name in _SHOWN},
        "configs": [
            {"plugin": plugin, "subtype": _PLUGIN_TYPES[plugin], "name": "enabled", "value": "1"}
            for plugin, on in assign["plugins"].items()
            if on
        ],
        "intro": assign["intro"], "introformat": 1, "introfiles": [], "introattachments": [],
    }  # fmt: skip


def _warning(item: str, id_: int, code: str, message: str) -> dict[str, Any]:
    return {"item": item, "itemid": id_, "warningcode": code, "message": message}


def _seen(lms: MoodleState, ids: list[int]) -> tuple[list[Record], list[dict[str, Any]]]:
    """The assignments that the integration user may grade, and warnings about the rest."""
    found, warnings = [], []
    for id_ in ids:
        assign = lms.assign(id_)
        course = assign and lms.records.get("courses", assign["course"])
        if not assign or not course or not access.sees(lms, course) or not lms.may("mod/assign:viewgrades"):
            warnings.append(_warning("assignment", id_, "1", "No access rights in module context"))
        else:
            found.append(assign)
    return found, warnings


def grades(lms: MoodleState, assignmentids: list[int], since: int) -> dict[str, Any]:
    """``mod_assign_get_grades``: the grades that the assignments keep, of the newest attempts."""
    found, warnings = _seen(lms, assignmentids)
    shown = []
    for assign in found:
        users = {it["userid"] for it in lms.attempts("grades", assign["id"])}
        rows = [row for user in sorted(users) if (row := lms.latest("grades", assign["id"], user))]
        rows = [row for row in rows if row["timemodified"] >= since]
        if rows:
            shown.append({"assignmentid": assign["id"], "grades": [grade(row) for row in rows]})
        else:
            warnings.append(_warning("assignment", assign["id"], "3", "No grades found"))
    return {"assignments": shown, "warnings": warnings}


def grade(row: Record) -> dict[str, Any]:
    """A grade as Moodle shows it: text with five decimals."""
    return {
        "id": row["id"], "assignment": row["assignment"], "userid": row["userid"],
        "attemptnumber": row["attemptnumber"], "timecreated": row["timecreated"], "timemodified": row["timemodified"],
        "grader": row["grader"], "grade": f"{row['grade']:.5f}",
    }  # fmt: skip


def submissions(
    lms: MoodleState, assignmentids: list[int], status: str, since: int, before: int
) -> dict[str, Any]:
    """``mod_assign_get_submissions``: the newest attempts."""
    found, warnings = _seen(lms, assignmentids)
    shown = []
    for assign in found:
        users = {it["userid"] for it in lms.attempts("submissions", assign["id"])}
        rows = [row for user in sorted(users) if (row := lms.latest("submissions", assign["id"], user))]
        rows = [row for row in rows if status in ("", row["status"]) and row["timemodified"] >= since]
        rows = [row for row in rows if not before or row["timemodified"] <= before]
        shown.append(
            {"assignmentid": assign["id"], "submissions": [_submission(lms, assign, it) for it in rows]}
        )
        if not rows:
            warnings.append(_warning("module", assign["id"], "3", "No submissions found"))
    return {"assignments": shown, "warnings": warnings}


def _submission(lms: MoodleState, assign: Record, row: Record) -> dict[str, Any]:
    return {
        "id": row["id"], "userid": row["userid"], "attemptnumber": row["attemptnumber"],
        "timecreated": row["timecreated"], "timemodified": row["timemodified"], "timestarted": None,
        "status": row["status"], "groupid": 0, "assignment": assign["id"], "latest": 1,
        "plugins": [_work(row, name) for name in ("onlinetext", "file") if assign["plugins"].get(name)],
        "gradingstatus": _grading_status(lms, assign, row["userid"]),
    }  # fmt: skip


def _work(row: Record, plugin: str) -> dict[str, Any]:
    if plugin == "file":
        files = [
            {"filename": name, "filepath": "/", "filesize": 1, "fileurl": f"http://moodle.example/{name}",
             "timemodified": row["timemodified"], "mimetype": "text/plain"}
            for name in row.get("files", [])
        ]  # fmt: skip
        return {
            "type": "file", "name": "File submissions", "fileareas": [{"area": "submission_files", "files": files}]
        }  # fmt: skip
    text = {"name": "onlinetext", "description": "Online text", "text": row.get("text", ""), "format": 1}
    return {"type": "onlinetext", "name": "Online text", "fileareas": [], "editorfields": [text]}


def _grading_status(lms: MoodleState, assign: Record, user: int) -> str:
    if assign["markingworkflow"]:
        return lms.flags(assign["id"], user)["workflowstate"] or "notmarked"
    row = lms.latest("grades", assign["id"], user)
    return "graded" if row is not None and row["grade"] >= 0 else "notgraded"


def status(lms: MoodleState, assignid: int, userid: int, **_: Any) -> dict[str, Any]:
    """``mod_assign_get_submission_status``: one student's newest attempt, with grade and feedback."""
    assign = access.assignment(lms, assignid)
    access.need(lms, "mod/assign:grade")
    if not lms.is_active(assign["course"], userid):
        raise no_permission("View submission")
    sent, flags = lms.latest("submissions", assignid, userid), lms.flags(assignid, userid)
    row = lms.latest("grades", assignid, userid)
    last: dict[str, Any] = {
        "submissiongroupmemberswhoneedtosubmit": [], "submissionsenabled": True, "locked": bool(flags["locked"]),
        "graded": row is not None and row["grade"] >= 0, "canedit": False, "caneditowner": False, "cansubmit": False,
        "extensionduedate": flags["extensionduedate"] or None, "timelimit": 0,
        "blindmarking": bool(assign["blindmarking"]), "gradingstatus": _grading_status(lms, assign, userid),
        "usergroups": [],
    }  # fmt: skip
    if sent is not None:
        last["submission"] = _submission(lms, assign, sent)
    answer: dict[str, Any] = {"lastattempt": last, "warnings": []}
    if row is not None and (row["comment"] or _is_in_gradebook(lms, assign, userid)):
        answer["feedback"] = {
            "grade": grade(row), "gradefordisplay": f"{row['grade']:.2f}", "gradeddate": row["timemodified"],
            "plugins": [_feedback(row)] if assign["plugins"].get("comments") else [],
        }  # fmt: skip
    return answer


def _is_in_gradebook(lms: MoodleState, assign: Record, user: int) -> bool:
    item = lms.item_of(assign["id"])
    return item is not None and gradebook.entry(lms, item["id"], user)["grade"] is not None


def _feedback(row: Record) -> dict[str, Any]:
    text = _SCRIPT.sub("", row["comment"] or "")
    return {
        "type": "comments", "name": "Feedback comments", "fileareas": [{"area": "feedback", "files": []}],
        "editorfields": [
            {"name": "comments", "description": "Feedback comments", "text": text, "format": row["commentformat"]}
        ],
    }  # fmt: skip


def user_flags(lms: MoodleState, assignmentids: list[int]) -> dict[str, Any]:
    """``mod_assign_get_user_flags``: extensions, locks and workflow states."""
    found, warnings = _seen(lms, assignmentids)
    shown = []
    for assign in found:
        rows = [it for it in lms.records.all("flags") if it["assignment"] == assign["id"]]
        if rows:
            flags = [{name: it[name] for name in it if name != "assignment"} for it in rows]
            shown.append({"assignmentid": assign["id"], "userflags": flags})
        else:
            warnings.append(_warning("assignment", assign["id"], "3", "No user flags found"))
    return {"assignments": shown, "warnings": warnings}


_IDS = list_of(whole())

FUNCTIONS = {
    "mod_assign_get_assignments": Function(
        {
            "courseids": list_of(whole(), []), "capabilities": list_of(words(), []),
            "includenotenrolledcourses": yes_no(False),
        },
        assignments,
        reads=True,
    ),
    "mod_assign_get_grades": Function({"assignmentids": _IDS, "since": whole(0)}, grades, reads=True),
    "mod_assign_get_submissions": Function(
        {"assignmentids": _IDS, "status": words(""), "since": whole(0), "before": whole(0)}, submissions, reads=True
    ),
    "mod_assign_get_submission_status": Function(
        {"assignid": whole(), "userid": whole(0), "groupid": whole(0)}, status, reads=True
    ),
    "mod_assign_get_user_flags": Function({"assignmentids": _IDS}, user_flags, reads=True),
}  # fmt: skip
