from __future__ import annotations

import asyncio
import csv
import io
import re

import pytest

from passback.operations import accounts
from support.console import PASSWORD, Visitor
from support.sandbox import (
    BIOLOGY,
    BIOLOGY_TEACHER,
    DISTRICT,
    SECTION,
    STUDENTS,
    Sandbox,
)

GRADEBOOK = f"/console/districts/{DISTRICT}/gradebook"
SHEET = f"{GRADEBOOK}/{SECTION}"


@pytest.fixture
def assignment(sandbox: Sandbox) -> str:
    return sandbox.create(title="Essay <1>").rpartition("/")[2]


def _submission(sandbox: Sandbox, assignment: str, student: str = STUDENTS[0]) -> dict[str, object]:
    found: dict[str, object] = sandbox.get(
        f"/v3.1/sections/{SECTION}/assignments/{assignment}/submissions/{student}"
    ).data
    return found


def test_students_are_down_and_assignments_across(visitor: Visitor, assignment: str) -> None:
    assert SHEET in visitor.get(GRADEBOOK).body.decode()
    page = visitor.get(SHEET).body.decode()
    assert "Essay &lt;1&gt;" in page
    assert page.count("<input name=") == 30
    names = [part.partition("<")[0] for part in page.split('<th scope="row">')[1:]]
    assert names == sorted(names, key=lambda it: it.split()[-1].casefold())


def test_a_cell_is_saved_and_the_api_sees_it(sandbox: Sandbox, visitor: Visitor, assignment: str) -> None:
    visitor.get(SHEET)
    reply = visitor.post(f"{SHEET}/{assignment}/{STUDENTS[0]}", {"grade": "17.5"})
    assert reply.status == 200
    assert 'value="17.5"' in reply.body.decode()
    assert _submission(sandbox, assignment)["grade_points"] == 17.5
    visitor.post(f"{SHEET}/{assignment}/{STUDENTS[0]}", {"grade": "EX"})
    assert _submission(sandbox, assignment)["flags"] == ["excused"]
    visitor.post(f"{SHEET}/{assignment}/{STUDENTS[0]}", {"grade": ""})
    assert not _submission(sandbox, assignment).get("flags")
    assert not _submission(sandbox, assignment).get("grade")


def test_a_grade_that_the_gradebook_refuses_stays_in_its_cell_with_the_reason(
    sandbox: Sandbox, visitor: Visitor, assignment: str
) -> None:
    visitor.get(SHEET)
    reply = visitor.post(f"{SHEET}/{assignment}/{STUDENTS[0]}", {"grade": "many"})
    assert reply.status == 422
    assert 'value="many"' in reply.body.decode()
    assert ">&#39;many&#39; is not a number of points" in reply.body.decode()
    assert 'aria-invalid="true"' in reply.body.decode(), reply.body.decode()
    assert 'role="alert"' in reply.body.decode()
    assert not _submission(sandbox, assignment).get("grade")


def test_what_the_api_writes_is_shown(sandbox: Sandbox, visitor: Visitor, assignment: str) -> None:
    sandbox.patch(
        f"/v3.1/sections/{SECTION}/assignments/{assignment}/submissions/{STUDENTS[0]}",
        {"grade_points": 12, "grade_comment": "Well done"},
    )
    assert 'value="12"' in visitor.get(SHEET).body.decode()
    assert "Well done" in visitor.get(f"{SHEET}/{assignment}").body.decode()


def test_late_and_missing_are_visible(sandbox: Sandbox, visitor: Visitor, assignment: str) -> None:
    sandbox.clock.advance(days=365 * 6)
    visitor.get(SHEET)
    assert visitor.get(SHEET).body.decode().count('flag missing">missing') == 30


def test_comments_excuses_and_grades_are_saved_together(
    sandbox: Sandbox, visitor: Visitor, assignment: str
) -> None:
    visitor.get(f"{SHEET}/{assignment}")
    one, other = STUDENTS[:2]
    fields = {
        f"grade-{one}": "9",
        f"was-grade-{one}": "",
        f"comment-{one}": "Good start",
        f"grade-{other}": "ex",
        f"was-grade-{other}": "",
        f"comment-{other}": "",
    }
    reply = visitor.post(f"{SHEET}/{assignment}/students", fields)
    assert reply.status == 303
    assert "2 students changed" in visitor.get(reply.headers["location"]).body.decode()
    assert _submission(sandbox, assignment, one)["grade_comment"] == "Good start"
    assert _submission(sandbox, assignment, other)["flags"] == ["excused"]


def test_a_form_does_not_undo_what_came_meanwhile(
    sandbox: Sandbox, visitor: Visitor, assignment: str
) -> None:
    visitor.get(f"{SHEET}/{assignment}")
    sandbox.patch(
        f"/v3.1/sections/{SECTION}/assignments/{assignment}/submissions/{STUDENTS[0]}", {"grade_points": 12}
    )
    untouched = {f"grade-{STUDENTS[0]}": "", f"was-grade-{STUDENTS[0]}": "", f"comment-{STUDENTS[0]}": ""}
    assert visitor.post(f"{SHEET}/{assignment}/students", untouched).status == 303
    assert _submission(sandbox, assignment)["grade_points"] == 12


def test_only_what_was_changed_of_an_assignment_is_saved(
    sandbox: Sandbox, visitor: Visitor, assignment: str
) -> None:
    path, here = f"/v3.1/sections/{SECTION}/assignments/{assignment}", f"{SHEET}/{assignment}"
    due = "2030-06-01T23:59:00.123Z"
    sandbox.patch(path, {"due_date": due})
    page = visitor.get(here).body.decode()
    shown = dict(re.findall(r'name="was-([a-z_]+)" value="([^"]*)"', page.replace("&lt;1&gt;", "<1>")))
    assert shown == {"title": "Essay <1>", "due_date": due, "points_possible": "20", "published": "yes"}
    was = {f"was-{name}": value for name, value in shown.items()}
    for sent, as_kept in (("2030-06-01T23:59:00.123", due), ("2031-01-02T03:04", "2031-01-02T03:04:00.000Z")):
        assert visitor.post(here, {**shown, **was, "due_date": sent}).status == 303
        assert sandbox.get(path).data["due_date"] == as_kept
    sandbox.patch(path, {"points_possible": 30})
    assert visitor.post(here, {**shown, **was, "title": "Essay 2"}).status == 303
    now = sandbox.get(path).data
    assert (now["title"], now["due_date"], now["points_possible"]) == ("Essay 2", as_kept, 30)
    assert "Nothing was changed" in visitor.follow(here, {**shown, **was})
    for wrong in ({"points_possible": ""}, {"due_date": ""}, {"due_date": "soon"}):
        assert visitor.post(here, {**shown, **was, **wrong}).status == 422


def test_a_link_from_elsewhere_puts_no_words_into_a_page(visitor: Visitor, assignment: str) -> None:
    for path in (SHEET, f"{SHEET}/{assignment}", "/console/not-arrived", "/console/sandbox/gradebook"):
        for site, is_shown in (("same-origin", True), ("none", False), ("cross-site", False)):
            page = visitor.get(f"{path}?done=Call+555", **{"Sec-Fetch-Site": site})
            assert (b"Call 555" in page.body) == is_shown, (path, site)


def test_what_is_refused_in_a_row_stays_there_to_be_put_right(
    sandbox: Sandbox, visitor: Visitor, assignment: str
) -> None:
    visitor.get(f"{SHEET}/{assignment}")
    fields = {f"grade-{STUDENTS[0]}": "many", f"comment-{STUDENTS[0]}": "Good", f"grade-{STUDENTS[1]}": "8"}
    refused = visitor.post(f"{SHEET}/{assignment}/students", fields)
    page = refused.body.decode()
    assert (refused.status, "1 student changed; what is marked below is not saved" in page) == (422, True)
    assert page.count('aria-invalid="true"') == 1
    assert 'value="many"' in page
    assert 'value="Good"' in page
    assert _submission(sandbox, assignment, STUDENTS[1])["grade_points"] == 8


def test_an_assignment_is_changed_and_deleted(sandbox: Sandbox, visitor: Visitor, assignment: str) -> None:
    visitor.get(f"{SHEET}/{assignment}")
    fields = {"title": "Essay 2", "due_date": "", "points_possible": "25", "published": "yes"}
    assert visitor.post(f"{SHEET}/{assignment}", fields).status == 303
    path = f"/v3.1/sections/{SECTION}/assignments/{assignment}"
    assert (sandbox.get(path).data["title"], sandbox.get(path).data["points_possible"]) == ("Essay 2", 25)
    refused = visitor.post(f"{SHEET}/{assignment}", {**fields, "title": "Essay 3", "points_possible": "-1"})
    assert refused.status == 422
    assert 'value="Essay 3"' in refused.body.decode()
    assert visitor.post(f"{SHEET}/{assignment}/delete").status == 303
    assert sandbox.get(path).status == 404
    assert visitor.get(f"{SHEET}/{assignment}").status == 404


def test_a_file_has_all_grades_and_no_formula(sandbox: Sandbox, visitor: Visitor) -> None:
    sandbox.create(title="=1+1")
    visitor.get(SHEET)
    reply = visitor.get(f"{SHEET}/sheet.csv")
    rows = list(csv.reader(io.StringIO(reply.body.decode())))
    assert rows[0] == ["student id", "student", "'=1+1"]
    assert len(rows) == 31


def test_older_assignments_are_a_page_on(sandbox: Sandbox, visitor: Visitor) -> None:
    for number in range(10):
        sandbox.create(title=f"Work {number}")
    first = visitor.get(SHEET).body.decode()
    assert "Work 9" in first
    assert "Work 1<" not in first
    second = visitor.get(f"{SHEET}?skip=8").body.decode()
    assert "Work 1<" in second
    for skip in ("x", "-1", "99999999999"):
        assert visitor.get(f"{SHEET}?skip={skip}").status == 200


def test_a_teacher_has_only_their_own_sections(sandbox: Sandbox, visitor: Visitor, assignment: str) -> None:
    asyncio.run(
        accounts.create(
            sandbox.gateway.database,
            "teacher@example.org",
            "teacher",
            sandbox.clock,
            district_id=DISTRICT,
            user_id=BIOLOGY_TEACHER,
            password=PASSWORD,
        )
    )
    teacher = visitor.sign_in("teacher@example.org")
    start = teacher.get("/console/districts")
    assert start.headers["location"] == GRADEBOOK
    sections = teacher.get(GRADEBOOK).body.decode()
    assert BIOLOGY in sections
    assert SECTION not in sections
    assert teacher.get(f"{GRADEBOOK}/{BIOLOGY}").status == 200
    for path in (SHEET, f"{SHEET}/{assignment}", f"{SHEET}/sheet.csv"):
        assert teacher.get(path).status == 404
    assert teacher.post(f"{SHEET}/{assignment}/{STUDENTS[0]}", {"grade": "1"}).status == 404
    assert teacher.post(f"{GRADEBOOK}/{BIOLOGY}/{assignment}/{STUDENTS[0]}", {"grade": "1"}).status == 404
    assert teacher.post(f"{GRADEBOOK}/{BIOLOGY}/{assignment}/delete").status == 404
    assert sandbox.get(f"/v3.1/sections/{SECTION}/assignments/{assignment}").data["title"] == "Essay <1>"


def test_the_audit_tells_who_graded_and_not_what(visitor: Visitor, assignment: str) -> None:
    visitor.get(SHEET)
    visitor.post(f"{SHEET}/{assignment}/{STUDENTS[0]}", {"grade": "17.25"})
    audit = visitor.get("/console/audit?action=gradebook.graded").body.decode()
    assert STUDENTS[0] in audit
    assert "17.25" not in audit


def test_a_student_without_a_name_has_a_row_with_their_id(sandbox: Sandbox, visitor: Visitor) -> None:
    sandbox.create(title="Essay")
    sandbox.write(
        lambda conn: conn.execute(
            "UPDATE users SET first_name = '', last_name = ' ' WHERE id = :id", {"id": STUDENTS[0]}
        )
    )
    assert f'<th scope="row">{STUDENTS[0]}</th>' in visitor.get(SHEET).body.decode()
