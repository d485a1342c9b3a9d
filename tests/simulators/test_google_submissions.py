"""Submissions of the simulated Google Classroom: states, grades, lateness, attachments."""

from __future__ import annotations

from typing import Any

import pytest

from passback_simulators.google_classroom import seed
from support.classroom import (
    ALGEBRA,
    ESSAY_DUE,
    OTHER_STUDENT,
    OTHER_STUDENT_ID,
    STUDENT_ID,
    TEACHER_ID,
    WORKS,
    Caller,
    Classroom,
)
from support.sandbox import NOW

INVALID, PRECONDITION, DENIED = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED"
LINK = {"link": {"url": "https://app.example/work/1"}}
BOTH = "draftGrade,assignedGrade"
ACTIONS = {"attach": ":modifyAttachments", "turnIn": ":turnIn", "reclaim": ":reclaim", "return": ":return"}


def act(classroom: Classroom, own: str, action: str, caller: Caller | None = None) -> str | None:
    """Do something to a submission as the user who can; returns the error, if there is one."""
    caller = caller or (classroom.teacher if action == "return" else classroom.student)
    body = {"addAttachments": [LINK]} if action == "attach" else {}
    reply = caller("POST", own + ACTIONS[action], body)
    return None if reply.status_code == 200 else str(reply.json()["error"]["status"])


def in_state(classroom: Classroom, state: str, **fields: Any) -> str:
    """A student's submission in that state."""
    own = classroom.submission(classroom.work(**fields))
    for action in {
        "NEW": (), "CREATED": ("attach",), "TURNED_IN": ("turnIn",), "RETURNED": ("turnIn", "return"),
        "RECLAIMED_BY_STUDENT": ("turnIn", "reclaim"),
    }[state]:  # fmt: skip
        assert act(classroom, own, action) is None
    return own


def id_of(path: str) -> str:
    """The id of the course work that a submission belongs to."""
    return path.removeprefix(f"{WORKS}/").partition("/")[0]


def grade(classroom: Classroom, own: str, mask: str = BOTH, **grades: Any) -> Any:
    return classroom.teacher.done("PATCH", f"{own}?updateMask={mask}", grades)


def grades(content: dict[str, Any]) -> tuple[float | None, float | None]:
    return content.get("draftGrade"), content.get("assignedGrade")


# States.


@pytest.mark.parametrize(
    ("state", "action", "answer"),
    [
        ("NEW", "attach", "CREATED"),
        ("NEW", "turnIn", "TURNED_IN"),
        ("NEW", "reclaim", None),
        ("NEW", "return", None),
        ("CREATED", "attach", "CREATED"),
        ("CREATED", "turnIn", "TURNED_IN"),
        ("CREATED", "reclaim", None),
        ("CREATED", "return", None),
        ("TURNED_IN", "attach", None),
        ("TURNED_IN", "turnIn", None),
        ("TURNED_IN", "reclaim", "RECLAIMED_BY_STUDENT"),
        ("TURNED_IN", "return", "RETURNED"),
        ("RETURNED", "attach", "RETURNED"),
        ("RETURNED", "turnIn", "TURNED_IN"),
        ("RETURNED", "reclaim", None),
        ("RETURNED", "return", "RETURNED"),
        ("RECLAIMED_BY_STUDENT", "attach", "RECLAIMED_BY_STUDENT"),
        ("RECLAIMED_BY_STUDENT", "turnIn", "TURNED_IN"),
        ("RECLAIMED_BY_STUDENT", "reclaim", None),
        ("RECLAIMED_BY_STUDENT", "return", None),
    ],
)
def test_states_follow_each_other(classroom: Classroom, state: str, action: str, answer: str | None) -> None:
    own = in_state(classroom, state)
    error = act(classroom, own, action)
    assert (classroom.teacher.get(own)["state"], error) == (answer or state, None if answer else PRECONDITION)


def test_what_is_returned_may_not_be_returned_again(classroom: Classroom) -> None:
    classroom.set(return_again=False)
    assert act(classroom, in_state(classroom, "RETURNED"), "return") == PRECONDITION


def test_new_submissions_have_no_times_and_no_content(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW")
    assert classroom.teacher.get(own) == {
        "courseId": ALGEBRA, "courseWorkId": id_of(own), "id": own.rpartition("/")[2], "userId": STUDENT_ID,
        "state": "NEW", "alternateLink": classroom.teacher.get(own)["alternateLink"],
        "courseWorkType": "ASSIGNMENT", "assignmentSubmission": {}, "associatedWithDeveloper": True,
    }  # fmt: skip


def test_a_student_opens_an_assignment(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW")
    classroom.lms.ui_open(id_of(own), STUDENT_ID)
    shown = classroom.teacher.get(own)
    assert (shown["state"], shown["creationTime"]) == ("CREATED", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize("action", ["attach", "turnIn", "reclaim"])
def test_only_the_student_hands_in(classroom: Classroom, action: str) -> None:
    own = in_state(classroom, "CREATED")
    callers = classroom.teacher, classroom.admin, classroom.as_user(OTHER_STUDENT)
    assert [act(classroom, own, action, one) for one in callers] == [DENIED] * 3


def test_only_teachers_return_and_grade(classroom: Classroom) -> None:
    own = in_state(classroom, "TURNED_IN")
    for caller in (classroom.student, classroom.admin):
        assert act(classroom, own, "return", caller) == DENIED
        assert caller.refused("PATCH", f"{own}?updateMask=draftGrade", {"draftGrade": 1}) == DENIED


# Which students have one.


def test_submissions_follow_the_roster(classroom: Classroom) -> None:
    work = classroom.work()
    newcomer = seed.person_lms_id(seed.INVITED_STUDENT)
    classroom.lms.ui_enroll(ALGEBRA, newcomer)
    classroom.lms.ui_unenroll(ALGEBRA, STUDENT_ID)
    rows = classroom.teacher.get(f"{work}/studentSubmissions")["studentSubmissions"]
    users = [one["userId"] for one in rows]
    assert (len(users), newcomer in users, STUDENT_ID in users) == (30, True, False)


def test_who_comes_back_finds_the_old_work(classroom: Classroom) -> None:
    own = in_state(classroom, "TURNED_IN")
    classroom.lms.ui_unenroll(ALGEBRA, STUDENT_ID)
    assert classroom.teacher.refused("GET", own) == "NOT_FOUND"
    classroom.lms.ui_enroll(ALGEBRA, STUDENT_ID)
    assert classroom.teacher.get(own)["state"] == "TURNED_IN"


def test_only_assigned_students_have_one(classroom: Classroom) -> None:
    options = {"studentIds": [OTHER_STUDENT_ID]}
    work = classroom.work(assigneeMode="INDIVIDUAL_STUDENTS", individualStudentsOptions=options)
    rows = classroom.teacher.get(f"{work}/studentSubmissions")["studentSubmissions"]
    assert [one["userId"] for one in rows] == [OTHER_STUDENT_ID]
    assert classroom.teacher.get(f"{work}/studentSubmissions?userId={STUDENT_ID}") == {}
    assert classroom.student.refused("GET", f"{work}/studentSubmissions") == DENIED


def test_drafts_have_none(classroom: Classroom) -> None:
    assert classroom.teacher.get(f"{classroom.work(state='DRAFT')}/studentSubmissions") == {}


def test_submissions_are_filtered(classroom: Classroom) -> None:
    own = in_state(classroom, "TURNED_IN")
    rows = f"{WORKS}/{id_of(own)}/studentSubmissions"

    def count(query: str) -> int:
        return len(classroom.teacher.get(f"{rows}?{query}").get("studentSubmissions", []))

    assert [count(one) for one in ("states=TURNED_IN", "states=NEW", "states=NEW&states=TURNED_IN")] == [
        1,
        29,
        30,
    ]
    assert [count(one) for one in ("late=LATE_ONLY", "late=NOT_LATE_ONLY")] == [0, 30]
    classroom.clock.now = ESSAY_DUE + 1
    assert [count(one) for one in ("late=LATE_ONLY", "late=NOT_LATE_ONLY")] == [29, 1]
    assert classroom.teacher.refused("GET", f"{rows}?userId=1") == "NOT_FOUND"
    assert classroom.teacher.refused("GET", f"{rows}?states=LOST") == INVALID


def test_all_work_of_a_course(classroom: Classroom) -> None:
    works = [classroom.work(), classroom.work()]
    classroom.work(state="DRAFT")
    rows = classroom.teacher.get(f"{WORKS}/-/studentSubmissions?userId={STUDENT_ID}")["studentSubmissions"]
    assert [f"{WORKS}/{one['courseWorkId']}" for one in rows] == works


# Lateness.


@pytest.mark.parametrize(
    ("turned_in", "seen", "late"),
    [
        (None, ESSAY_DUE, False),
        (None, ESSAY_DUE + 1, True),
        (ESSAY_DUE, ESSAY_DUE + 1, False),
        (ESSAY_DUE + 1, ESSAY_DUE + 1, True),
    ],
)
def test_work_is_late_by_the_clock(
    classroom: Classroom, turned_in: int | None, seen: int, late: bool
) -> None:
    own = in_state(classroom, "NEW")
    if turned_in is not None:
        classroom.clock.now = turned_in
        assert act(classroom, own, "turnIn") is None
    classroom.clock.now = seen
    assert classroom.teacher.get(own).get("late", False) is late


def test_without_a_due_date_nothing_is_late(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW", dueDate=None, dueTime=None)
    classroom.clock.advance(days=1000)
    assert "late" not in classroom.teacher.get(own)


def test_what_is_taken_back_may_become_late(classroom: Classroom) -> None:
    own = in_state(classroom, "RECLAIMED_BY_STUDENT")
    classroom.clock.now = ESSAY_DUE + 1
    assert classroom.teacher.get(own)["late"] is True


# Grades.


@pytest.mark.parametrize(
    ("points", "kept"),
    [(0, 0), (8.5, 8.5), (8.125, 8.13), (8.124, 8.12), (2.675, 2.68), (25, 25), ("7.5", 7.5)],
)
def test_grades_have_two_decimals(classroom: Classroom, points: object, kept: float) -> None:
    own = in_state(classroom, "NEW")
    assert grades(grade(classroom, own, draftGrade=points, assignedGrade=points)) == (kept, kept)
    assert classroom.student.get(own)["assignedGrade"] == kept


@pytest.mark.parametrize(
    ("mask", "given", "answer"),
    [
        (BOTH, {"draftGrade": -1, "assignedGrade": -1}, INVALID),
        ("draftGrade", {"draftGrade": -0.01}, INVALID),
        ("draftGrade", {"draftGrade": "A"}, INVALID),
        ("draftGrade", {"draftGrade": True}, INVALID),
        ("assignedGrade", {"assignedGrade": 5}, INVALID),
        (BOTH, {"assignedGrade": 5}, INVALID),
        ("", {"draftGrade": 5}, INVALID),
        ("state", {"state": "RETURNED"}, INVALID),
        ("late", {}, INVALID),
    ],
)
def test_bad_grades(classroom: Classroom, mask: str, given: dict[str, Any], answer: str) -> None:
    own = in_state(classroom, "NEW")
    assert classroom.teacher.refused("PATCH", f"{own}?updateMask={mask}", given) == answer
    assert grades(classroom.teacher.get(own)) == (None, None)


@pytest.mark.parametrize(
    "mask", ["draftGrade,assignedGrade", "draft_grade,assigned_grade", "assignedGrade,draft_grade"]
)
def test_masks_of_grades_in_either_case(classroom: Classroom, mask: str) -> None:
    own = in_state(classroom, "NEW")
    assert grades(grade(classroom, own, mask, draftGrade=5, assignedGrade=6)) == (5, 6)


def test_only_what_the_mask_names_is_graded(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW")
    steps = [
        grade(classroom, own, "draftGrade", draftGrade=5, assignedGrade=9),
        grade(classroom, own, "assignedGrade", assignedGrade=5),
        grade(classroom, own, "draftGrade"),
        grade(classroom, own, "assignedGrade"),
    ]
    assert [grades(one) for one in steps] == [(5, None), (5, 5), (None, 5), (None, None)]


def test_a_grade_leaves_the_state(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW")
    assert grade(classroom, own, draftGrade=5, assignedGrade=5)["state"] == "NEW"


def test_ungraded_work_takes_no_grade(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW", maxPoints=0)
    assert (
        classroom.teacher.refused("PATCH", f"{own}?updateMask=draftGrade", {"draftGrade": 1}) == PRECONDITION
    )


def test_returning_does_not_copy_the_draft_grade(classroom: Classroom) -> None:
    own = in_state(classroom, "TURNED_IN")
    grade(classroom, own, "draftGrade", draftGrade=5)
    assert act(classroom, own, "return") is None
    assert grades(classroom.teacher.get(own)) == (5, None)


def test_the_web_pages_return_does(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW")
    classroom.lms.ui_grade(id_of(own), STUDENT_ID, 5)
    classroom.lms.ui_return(id_of(own), STUDENT_ID)
    shown = classroom.teacher.get(own)
    assert (grades(shown), shown["state"]) == ((5, 5), "RETURNED")


def test_students_turn_in_and_reclaim_in_the_web_pages(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW")
    classroom.lms.ui_turn_in(id_of(own), STUDENT_ID)
    turned_in = classroom.teacher.get(own)["state"]
    classroom.lms.ui_reclaim(id_of(own), STUDENT_ID)
    assert (turned_in, classroom.teacher.get(own)["state"]) == ("TURNED_IN", "RECLAIMED_BY_STUDENT")


def test_a_new_maximum_does_not_rescale(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW")
    grade(classroom, own, draftGrade=5, assignedGrade=5)
    classroom.teacher.done("PATCH", f"{WORKS}/{id_of(own)}?updateMask=maxPoints", {"maxPoints": 10})
    shown = classroom.teacher.get(own)
    assert grades(shown) == (5, 5)
    assert shown["submissionHistory"][-1]["gradeHistory"] == {
        "pointsEarned": 5, "maxPoints": 10, "gradeTimestamp": "2026-01-01T00:00:00Z", "actorUserId": TEACHER_ID,
        "gradeChangeType": "MAX_POINTS_CHANGE",
    }  # fmt: skip


def test_students_see_no_draft_grades(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW")
    grade(classroom, own, draftGrade=5, assignedGrade=4)
    shown = classroom.student.get(own)
    kinds = [one["gradeHistory"]["gradeChangeType"] for one in shown["submissionHistory"]]
    assert (grades(shown), kinds) == ((None, 4), ["ASSIGNED_GRADE_POINTS_EARNED_CHANGE"])


# Attachments.


def test_attachments_are_only_added(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW")
    for _ in range(2):
        assert act(classroom, own, "attach") is None
    attachments = classroom.teacher.get(own)["assignmentSubmission"]["attachments"]
    assert [one["link"]["url"] for one in attachments] == [LINK["link"]["url"]] * 2
    body = {"removeAttachments": [LINK]}
    assert classroom.student.refused("POST", f"{own}:modifyAttachments", body) == INVALID


@pytest.mark.parametrize(
    ("added", "answer"),
    [
        ([LINK] * 20, None),
        ([LINK] * 21, INVALID),
        ([], INVALID),
        ([{"link": {"url": "nowhere"}}], INVALID),
        ([{"form": {"formUrl": "https://forms.example"}}], INVALID),
        ([{"youTubeVideo": {"id": "abcdefghijk"}}], None),
        ([{"driveFile": {"id": seed.DRIVE_FILE}}], f"{PRECONDITION} @AttachmentNotVisible"),
    ],
)
def test_what_can_be_attached(classroom: Classroom, added: list[Any], answer: str | None) -> None:
    own = in_state(classroom, "NEW")
    request = ("POST", f"{own}:modifyAttachments", {"addAttachments": added})
    assert (
        classroom.student.refused(*request) if answer else classroom.student.done(*request) and None
    ) == answer
    assert (classroom.teacher.get(own)["state"] == "NEW") is (answer is not None)


def test_questions_take_no_attachments(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW", workType="SHORT_ANSWER_QUESTION")
    assert act(classroom, own, "attach") == INVALID
    assert classroom.teacher.get(own)["shortAnswerSubmission"] == {}


def test_what_is_turned_in_may_stay_modifiable(classroom: Classroom) -> None:
    own = in_state(classroom, "TURNED_IN", submissionModificationMode="MODIFIABLE")
    assert act(classroom, own, "attach") is None


def test_times_of_update_move(classroom: Classroom) -> None:
    own = in_state(classroom, "CREATED")
    classroom.clock.now = NOW + 5000
    act(classroom, own, "turnIn")
    shown = classroom.teacher.get(own)
    assert (shown["creationTime"], shown["updateTime"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z")


def test_missing_work_gets_a_draft_grade_of_which_no_history_tells(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW")
    classroom.clock.now = ESSAY_DUE + 1
    seen = [classroom.teacher.get(own)]
    grade(classroom, own, "draftGrade")
    seen.append(classroom.teacher.get(own))
    assert [(it.get("draftGrade"), "submissionHistory" in it) for it in seen] == [(0, False), (None, False)]


def test_a_grade_of_nothing_replaces_the_draft_grade_of_missing_work(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW")
    classroom.clock.now = ESSAY_DUE + 1
    (entry,) = grade(classroom, own, "draftGrade", draftGrade=0)["submissionHistory"]
    assert entry["gradeHistory"]["gradeChangeType"] == "DRAFT_GRADE_POINTS_EARNED_CHANGE"


def test_missing_work_without_points_gets_no_draft_grade(classroom: Classroom) -> None:
    own = in_state(classroom, "NEW", maxPoints=0)
    classroom.clock.now = ESSAY_DUE + 1
    assert "draftGrade" not in classroom.teacher.get(own)
