"""Submissions over HTTP, on the built-in gradebook."""

from __future__ import annotations

from typing import Any

import pytest

from support.sandbox import (
    ASSIGNMENTS,
    BIOLOGY_STUDENT,
    ESSAY,
    NO_SUCH_ID,
    SECTION,
    STUDENT,
    STUDENTS,
    TEACHER,
    Sandbox,
)


@pytest.fixture
def essay(sandbox: Sandbox) -> str:
    return sandbox.create()


@pytest.fixture
def submission(essay: str) -> str:
    return f"{essay}/submissions/{STUDENT}"


def test_every_student_has_one_from_the_start(sandbox: Sandbox, essay: str, submission: str) -> None:
    assert sandbox.get(submission).data == {
        "assignment_id": essay.rsplit("/", 1)[1],
        "created": "2026-01-01T00:00:00.000Z",
        "last_modified": "2026-01-01T00:00:00.000Z",
        "state": "created",
        "user_id": STUDENT,
    }


def test_everything_that_is_sent_comes_back(sandbox: Sandbox, submission: str) -> None:
    given = {
        "attachments": [
            {"type": "file", "url": "https://example.org/essay.pdf", "title": "My essay"},
            {"type": "text", "text": "Dear teacher"},
        ],
        "extra_attempts": 1,
        "flags": ["excused"],
        "grade_comment": "Well done",
        "grade_points": 17.25,
        "grader_id": TEACHER,
        "override_due_date": "2030-07-01T00:00:00Z",
        "state": "returned",
    }
    sandbox.clock.advance(hours=1)
    changed = sandbox.patch(submission, given).data
    assert changed == {
        **given,
        "assignment_id": changed["assignment_id"],
        "created": "2026-01-01T00:00:00.000Z",
        "grade": "17.25",
        "last_modified": "2026-01-01T01:00:00.000Z",
        "override_due_date": "2030-07-01T00:00:00.000Z",
        "user_id": STUDENT,
    }
    assert sandbox.get(submission).data == changed


def test_ids_work_in_any_case(sandbox: Sandbox, submission: str) -> None:
    path = submission.replace(STUDENT, STUDENT.upper()).replace(SECTION, SECTION.upper())
    assert sandbox.patch(path, {"grader_id": TEACHER.upper()}).data["grader_id"] == TEACHER


def test_a_change_touches_only_what_is_given(sandbox: Sandbox, submission: str) -> None:
    sandbox.patch(submission, {"grade_points": 0, "flags": ["excused"]})
    data = sandbox.patch(submission, {"grade_comment": "", "state": None}).data
    assert (data["grade_points"], data["flags"]) == (0, ["excused"])


@pytest.mark.parametrize(
    ("grading_type", "given", "grade", "points"),
    [
        ("points", {"grade": "8.5"}, "8.5", 8.5),
        ("points", {"grade_points": 25}, "25", 25),
        ("points", {"grade_points": 0}, "0", 0),
        ("percent", {"grade": "85%"}, "85%", 17),
        ("percent", {"grade_points": 17}, "85%", 17),
        ("pass_fail", {"grade": "pass"}, "pass", 20),
        ("pass_fail", {"grade": "fail", "grade_points": 3}, "fail", 3),
        ("letter_grade", {"grade": "B+"}, "B+", 17.4),
        ("letter_grade", {"grade_points": 18.8}, "A", 18.8),
    ],
)
def test_grade_and_points_follow_from_each_other(
    sandbox: Sandbox, grading_type: str, given: dict[str, Any], grade: str, points: float
) -> None:
    path = sandbox.create(grading_type=grading_type)
    data = sandbox.patch(f"{path}/submissions/{STUDENT}", given).data
    assert (data["grade"], data["grade_points"]) == (grade, points)


def test_where_both_forms_differ_the_points_count_with_a_warning(sandbox: Sandbox, submission: str) -> None:
    reply = sandbox.patch(submission, {"grade": "5", "grade_points": 7})
    assert (reply.data["grade"], reply.headers["passback-warnings"]) == ("7", "GRADE_FROM_POINTS")


def test_an_empty_grade_takes_the_grade_away(sandbox: Sandbox, submission: str) -> None:
    sandbox.patch(submission, {"grade_points": 7})
    assert not sandbox.patch(submission, {"grade": ""}).data.keys() & {"grade", "grade_points"}


@pytest.mark.parametrize(
    ("grading_type", "grade"),
    [("points", "A"), ("percent", "85"), ("pass_fail", "maybe"), ("letter_grade", "Z"), ("points", "-1")],
)
def test_a_grade_of_another_form_is_refused(sandbox: Sandbox, grading_type: str, grade: str) -> None:
    path = sandbox.create(grading_type=grading_type)
    reply = sandbox.patch(f"{path}/submissions/{STUDENT}", {"grade": grade, "grade_comment": "lost?"})
    assert (reply.status, reply.json["message"].split(":")[0]) == (400, "INVALID_GRADE")
    assert "grade_comment" not in sandbox.get(f"{path}/submissions/{STUDENT}").data


def test_negative_points_are_refused(sandbox: Sandbox, submission: str) -> None:
    reply = sandbox.patch(submission, {"grade_points": -0.01, "extra_attempts": -1})
    assert reply.json["message"] == (
        "validation failure list:\n"
        "extra_attempts in body should be greater than or equal to 0\n"
        "grade_points in body should be greater than or equal to 0"
    )


ALLOWED = {
    ("created", "submitted"), ("created", "returned"), ("submitted", "returned"), ("submitted", "reclaimed"),
    ("reclaimed", "submitted"), ("returned", "submitted"),
}  # fmt: skip
WAY_TO = {
    "created": [],
    "submitted": ["submitted"],
    "returned": ["returned"],
    "reclaimed": ["submitted", "reclaimed"],
}


@pytest.mark.parametrize("to", WAY_TO)
@pytest.mark.parametrize("start", WAY_TO)
def test_moves_between_states(sandbox: Sandbox, submission: str, start: str, to: str) -> None:
    for state in WAY_TO[start]:
        sandbox.patch(submission, {"state": state})
    reply = sandbox.patch(submission, {"state": to})
    if start == to or (start, to) in ALLOWED:
        assert reply.data["state"] == to
    else:
        assert (reply.status, reply.json["message"].split(":")[0]) == (400, "INVALID_STATE")


def test_handing_in_ends_with_the_attempts(sandbox: Sandbox) -> None:
    path = f"{sandbox.create(max_attempts=1)}/submissions/{STUDENT}"
    sandbox.patch(path, {"state": "submitted"})
    sandbox.patch(path, {"state": "reclaimed"})
    reply = sandbox.patch(path, {"state": "submitted"})
    assert (reply.status, reply.json["message"].split(":")[0]) == (400, "NO_ATTEMPTS_LEFT")
    assert sandbox.patch(path, {"state": "submitted", "extra_attempts": 1}).status == 200


def test_late_work_is_flagged(sandbox: Sandbox) -> None:
    path = f"{sandbox.create(due_date='2026-02-01')}/submissions/{STUDENT}"
    sandbox.clock.advance(days=40)
    assert sandbox.patch(path, {"state": "submitted"}).data["flags"] == ["late"]


def test_work_that_was_not_handed_in_is_missing_once_due(sandbox: Sandbox) -> None:
    path = f"{sandbox.create(due_date='2026-02-01')}/submissions/{STUDENT}"
    before = sandbox.get(path).data
    sandbox.clock.advance(days=40)
    assert ("flags" in before, sandbox.get(path).data["flags"]) == (False, ["missing"])


def test_a_due_date_of_ones_own_counts(sandbox: Sandbox) -> None:
    path = f"{sandbox.create(due_date='2026-02-01')}/submissions/{STUDENT}"
    sandbox.patch(path, {"override_due_date": "2026-06-01T00:00:00Z"})
    sandbox.clock.advance(days=40)
    assert "flags" not in sandbox.get(path).data


def test_derived_flags_are_not_stored_and_that_is_said(sandbox: Sandbox, submission: str) -> None:
    reply = sandbox.patch(submission, {"flags": ["late", "excused", "missing"]})
    assert reply.data["flags"] == ["excused"]
    assert (
        reply.headers["passback-warnings"] == "NOT_STORED_BY_LMS:flags.late, NOT_STORED_BY_LMS:flags.missing"
    )


def test_an_empty_list_of_flags_takes_them_away(sandbox: Sandbox, submission: str) -> None:
    sandbox.patch(submission, {"flags": ["excused"]})
    assert "flags" not in sandbox.patch(submission, {"flags": []}).data


def test_the_newest_comment_is_shown(sandbox: Sandbox, submission: str) -> None:
    for comment in ("One", "Two"):
        sandbox.patch(submission, {"grade_comment": comment})
    assert sandbox.get(submission).data["grade_comment"] == "Two"


def test_an_empty_comment_is_a_comment(sandbox: Sandbox, submission: str) -> None:
    sandbox.patch(submission, {"grade_comment": "Wrong"})
    assert sandbox.patch(submission, {"grade_comment": ""}).data["grade_comment"] == ""


@pytest.mark.parametrize("user_id", [BIOLOGY_STUDENT, NO_SUCH_ID, TEACHER])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_who_is_no_student_of_the_section_is_not_found(
    sandbox: Sandbox, essay: str, method: str, user_id: str
) -> None:
    reply = sandbox.call(method, f"{essay}/submissions/{user_id}", "{}" if method == "PATCH" else None)
    assert (reply.status, reply.body) == (404, b'{"message":"User not found"}')


def test_who_is_not_assigned_is_not_found(sandbox: Sandbox) -> None:
    path = sandbox.create(assignee_mode="individuals", assignee_ids=[STUDENTS[1]])
    replies = (
        sandbox.get(f"{path}/submissions/{STUDENTS[1]}"),
        sandbox.get(f"{path}/submissions/{STUDENTS[0]}"),
    )
    assert [reply.status for reply in replies] == [200, 404]


@pytest.mark.parametrize("grader_id", ["", "x", NO_SUCH_ID, STUDENT, "{{lms_canvas_demo_teacher_id}}", 'a"b'])
def test_row_9_repeats_the_grader(sandbox: Sandbox, submission: str, grader_id: str) -> None:
    reply = sandbox.patch(submission, {"grader_id": grader_id, "grade_points": 1})
    assert (reply.status, reply.json) == (
        400,
        {"message": f"NOT_FOUND: Person with id clever:{grader_id} not found for this integration."},
    )
    assert "grade_points" not in sandbox.get(submission).data


def pages(sandbox: Sandbox, path: str | None) -> list[list[str]]:
    found = []
    while path:
        page = sandbox.get(path).json
        found.append([submission["user_id"] for submission in page["data"]])
        path = page["links"][0]["uri"] if "links" in page else None
    return found


@pytest.mark.parametrize(
    ("limit", "sizes"), [("", [30]), ("?limit=100", [30]), ("?limit=30", [30]), ("?limit=7", [7, 7, 7, 7, 2])]
)
def test_pages_have_everyone_once_in_order(
    sandbox: Sandbox, essay: str, limit: str, sizes: list[int]
) -> None:
    found = pages(sandbox, f"{essay}/submissions{limit}")
    assert [len(page) for page in found] == sizes
    assert [user_id for page in found for user_id in page] == STUDENTS


def test_pages_have_only_who_is_assigned(sandbox: Sandbox) -> None:
    path = sandbox.create(assignee_mode="individuals", assignee_ids=[STUDENTS[9], STUDENTS[2], STUDENTS[20]])
    assert pages(sandbox, f"{path}/submissions?limit=2") == [[STUDENTS[2], STUDENTS[9]], [STUDENTS[20]]]


def test_the_next_link_is_relative_and_keeps_the_limit(sandbox: Sandbox, essay: str) -> None:
    page = sandbox.get(f"{essay}/submissions?limit=7").json
    (link,) = page["links"]
    assert link["rel"] == "next"
    assert link["uri"].startswith(f"{essay}/submissions?limit=7&cursor=")


def next_cursor(sandbox: Sandbox, path: str) -> str:
    uri: str = sandbox.get(f"{path}/submissions?limit=1").json["links"][0]["uri"]
    return uri.rsplit("=", 1)[1]


def test_a_cursor_expires_after_two_hours(sandbox: Sandbox, essay: str) -> None:
    cursor = next_cursor(sandbox, essay)
    sandbox.clock.advance(hours=1.99)
    assert sandbox.get(f"{essay}/submissions?cursor={cursor}").status == 200
    sandbox.clock.advance(hours=0.01)
    reply = sandbox.get(f"{essay}/submissions?cursor={cursor}")
    assert (reply.status, reply.body) == (400, b'{"message":"EXPIRED_CURSOR"}')


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%00", "a" * 10_000, "..", "%F0%9F%98%80"])
def test_a_made_up_cursor_is_refused(sandbox: Sandbox, essay: str, cursor: str) -> None:
    reply = sandbox.get(f"{essay}/submissions?cursor={cursor}")
    assert (reply.status, reply.body) == (400, b'{"message":"INVALID_CURSOR"}')


def test_every_change_of_a_cursor_is_refused(sandbox: Sandbox, essay: str) -> None:
    cursor = next_cursor(sandbox, essay)
    changed = [cursor[:i] + ("A" if cursor[i] != "A" else "B") + cursor[i + 1 :] for i in range(len(cursor))]
    changed += [cursor + "A", cursor[:-1], cursor + "%3D", cursor + "%20", "+" + cursor]
    assert {sandbox.get(f"{essay}/submissions?cursor={text}").body for text in changed} == {
        b'{"message":"INVALID_CURSOR"}'
    }


def test_a_cursor_of_another_list_is_refused(sandbox: Sandbox, essay: str) -> None:
    other = sandbox.create()
    assert (
        sandbox.get(f"{other}/submissions?cursor={next_cursor(sandbox, essay)}").json["message"]
        == "INVALID_CURSOR"
    )


def test_a_cursor_of_another_district_is_refused(sandbox: Sandbox, essay: str) -> None:
    elsewhere = sandbox.client("DEMO_TOKEN_ELSEWHERE")
    list_path = ASSIGNMENTS.replace("cf27", "cf28")
    elsewhere.post(list_path, ESSAY)
    sandbox.create()
    own: str = sandbox.get(f"{ASSIGNMENTS}?limit=1").json["links"][0]["uri"]
    cursor = own.rsplit("=", 1)[1]
    assert elsewhere.get(f"{list_path}?cursor={cursor}").json["message"] == "INVALID_CURSOR"


def test_an_empty_cursor_is_the_first_page(sandbox: Sandbox, essay: str) -> None:
    assert len(sandbox.get(f"{essay}/submissions?cursor=").data) == 30
