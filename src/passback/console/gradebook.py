"""The built-in gradebook: students down, assignments across, cells edited in place; and each assignment by itself."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from passback.console.csv_file import csv_file
from passback.console.render import counted, fragment, page
from passback.console.routing import Shown
from passback.console.sent import moment
from passback.console.visit import NotHere, redirect
from passback.domain.assignment import AssignmentFields
from passback.domain.grading import plain
from passback.domain.submission import SubmissionFields
from passback.operations import dates, districts, gradebook, gradebook_sheets
from passback.operations.errors import OperationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from passback.console.visit import Visit
    from passback.domain.submission import Submission
    from passback.operations.gradebook_sheets import Column, Sheet

_SECTIONS = 50
_ACROSS = 8
EXCUSED = "EX"
"""What a cell shows, and takes, for a student who is excused."""


async def sections(visit: Visit) -> Response:
    """The sections whose gradebook the account may open."""
    database = visit.gateway.database
    district = await districts.find(database, visit.district_id)
    found = await gradebook_sheets.sections(
        database,
        visit.district_id,
        teacher_id=visit.account.user_id,
        after=visit.asked("after"),
        limit=_SECTIONS,
    )
    return page(visit, "gradebook_sections.html", district=district, found=found)


async def sheet(visit: Visit) -> Response:
    """A section's sheet."""
    skip = visit.asked("skip")
    skipped = int(skip) if skip.isascii() and skip.isdecimal() and len(skip) < 6 else 0
    found = await _sheet(visit, skip=skipped, limit=_ACROSS)
    return page(
        visit,
        "gradebook.html",
        district=await districts.find(visit.gateway.database, visit.district_id),
        sheet=found,
        skip=skipped,
        older=skipped + _ACROSS if skipped + _ACROSS < found.total else None,
        newer=max(0, skipped - _ACROSS),
        shown=shown,
        done=visit.done,
    )


async def as_csv(visit: Visit) -> Response:
    """A section's whole sheet as a file."""
    found = await _sheet(visit)
    columns = found.columns[::-1]
    return csv_file(
        f"gradebook-{found.section.id}",
        ["student id", "student", *(it.assignment.title for it in columns)],
        (
            [student_id, name, *(shown(it.submissions.get(student_id)) for it in columns)]
            for student_id, name in found.students
        ),
    )


async def save_cell(visit: Visit) -> Response:
    """Save one cell, and answer with it as it is now."""
    column = await _column(visit)
    problem = ""
    try:
        await _grade(visit, column.id, visit.of_path("student_id"), visit.sent("grade"))
    except OperationError as error:
        problem = str(error)
    found = await _sheet(visit, only=column.id)
    if not found.columns:
        raise NotHere
    student_id = visit.of_path("student_id")
    return fragment(
        visit,
        "gradebook_cell.html",
        status=422 if problem else 200,
        base=f"/console/districts/{visit.district_id}/gradebook/{found.section.id}",
        column=found.columns[0],
        student_id=student_id,
        name=dict(found.students).get(student_id, ""),
        problem=problem,
        sent=visit.sent("grade"),
        shown=shown,
    )


async def assignment(visit: Visit) -> Response:
    """An assignment by itself: its dates and points, and each student's grade, comment and flags."""
    return await _assignment_page(visit)


async def save_assignment(visit: Visit) -> Response:
    """Change an assignment's title, dates, points, or whether it is published."""
    column = await _column(visit)
    try:
        fields = _edited(visit)
        if fields == AssignmentFields():
            return redirect(_path(visit), done="Nothing was changed.")
        await gradebook.edit(
            visit.gateway.database, column.id, fields, visit.gateway.clock, actor=visit.actor
        )
    except OperationError as error:
        return await _assignment_page(visit, str(error))
    return redirect(_path(visit), done="The assignment is changed.")


async def save_students(visit: Visit) -> Response:
    """Save what was changed of the students' grades, comments and excuses; the rest stays as it is."""
    before = await _column(visit)
    refused, changed = {}, 0
    for student_id in before.submissions:
        fields = _changes(visit, student_id)
        if fields == SubmissionFields():
            continue
        try:
            await gradebook.grade(
                visit.gateway.database, before.id, student_id, fields, visit.gateway.clock, actor=visit.actor
            )
            changed += 1
        except OperationError as error:
            refused[student_id] = str(error)
    if refused:
        saved = f"{counted(changed, 'student')} changed; " if changed else ""
        return await _assignment_page(visit, f"{saved}what is marked below is not saved", refused)
    return redirect(_path(visit), done=f"{counted(changed, 'student')} changed.")


async def delete(visit: Visit) -> Response:
    """Delete an assignment with all its grades."""
    column = await _column(visit)
    await gradebook.delete(visit.gateway.database, column.id, visit.gateway.clock, actor=visit.actor)
    section = f"/districts/{visit.district_id}/gradebook/{visit.of_path('section_id')}"
    return redirect(section, done=f"{column.assignment.title} is deleted.")


def shown(submission: Submission | None) -> str:
    """A grade as its cell shows it."""
    if submission is None:
        return ""
    if "excused" in submission.flags:
        return EXCUSED
    if submission.grade:
        return submission.grade
    return "" if submission.grade_points is None else plain(submission.grade_points)


def _edited(visit: Visit) -> AssignmentFields:
    """What the assignment's form changes. Raises `OperationError`."""
    due, was_due = moment(visit.sent("due_date")), moment(visit.sent("was-due_date"))
    changed = {it: visit.sent(it) for it in ("title", "points_possible", "published") if _differs(visit, it)}
    if not all(changed.values()) or (was_due is not None and due is None):
        raise OperationError("title, due date and points can be changed, not removed")
    return AssignmentFields(
        title=changed.get("title"),
        due_date=due if due != was_due else None,
        points_possible=gradebook.points(points) if (points := changed.get("points_possible")) else None,
        published=published == "yes" if (published := changed.get("published")) else None,
    )


def _changes(visit: Visit, student_id: str) -> SubmissionFields:
    """What a student's row of the form changes."""
    grade, comment = f"grade-{student_id}", f"comment-{student_id}"
    fields = _of_cell(visit.sent(grade)) if _differs(visit, grade) else SubmissionFields()
    return SubmissionFields(
        grade=fields.grade,
        flags=fields.flags,
        grade_comment=(visit.sent(comment) or None) if _differs(visit, comment) else None,
    )


def _differs(visit: Visit, name: str) -> bool:
    """Whether a field differs from what the page showed, whatever has happened since."""
    return visit.sent(name) != visit.sent(f"was-{name}")


async def _grade(visit: Visit, assignment_id: str, student_id: str, text: str) -> None:
    await gradebook.grade(
        visit.gateway.database,
        assignment_id,
        student_id,
        _of_cell(text),
        visit.gateway.clock,
        actor=visit.actor,
    )


def _of_cell(text: str) -> SubmissionFields:
    """What a cell's text means: ``EX`` excuses, nothing removes the grade, all else is a grade."""
    if text.upper() == EXCUSED:
        return SubmissionFields(flags=frozenset({"excused"}))
    return SubmissionFields(grade=text, flags=frozenset())


async def _assignment_page(
    visit: Visit, problem: str = "", refused: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """The page; after a `problem` with what was sent, so that nothing has to be typed again."""
    found = await _sheet(visit, only=visit.of_path("assignment_id"))
    if not found.columns:
        raise NotHere
    held = found.columns[0].assignment
    return page(
        visit,
        "gradebook_assignment.html",
        status=422 if problem else 200,
        district=await districts.find(visit.gateway.database, visit.district_id),
        sheet=found,
        column=found.columns[0],
        held={
            "title": held.title,
            "due_date": dates.show(held.due_date),
            "points_possible": "" if held.points_possible is None else plain(held.points_possible),
            "published": "yes" if held.published else "no",
        },
        refused=refused,
        shown=shown,
        problem=problem,
        done=visit.done,
    )


async def _sheet(visit: Visit, *, skip: int = 0, limit: int = 10_000, only: str | None = None) -> Sheet:
    section_id = await _required_section(visit)
    gateway = visit.gateway
    return await gradebook_sheets.sheet(
        gateway.database, visit.district_id, section_id, gateway.clock, skip=skip, limit=limit, only=only
    )


async def _column(visit: Visit) -> Column:
    """The assignment of the address, in the section of the address. Raises `NotHere`."""
    found = await _sheet(visit, only=visit.of_path("assignment_id"))
    if not found.columns:
        raise NotHere
    return found.columns[0]


async def _required_section(visit: Visit) -> str:
    """The section of the address. A teacher sees only their own. Raises `NotHere`."""
    section_id = visit.of_path("section_id")
    teacher = visit.account.user_id
    if teacher is not None and not await gradebook_sheets.teaches(
        visit.gateway.database, section_id, teacher
    ):
        raise NotHere
    return section_id


def _path(visit: Visit) -> str:
    return f"/districts/{visit.district_id}/gradebook/{visit.of_path('section_id')}/{visit.of_path('assignment_id')}"


_ALL = "/districts/{district_id}/gradebook"
_SECTION = _ALL + "/{section_id}"
_ASSIGNMENT = _SECTION + "/{assignment_id}"
PAGES = (
    Shown(_ALL, "grade", sections),
    Shown(_SECTION + "/sheet.csv", "grade", as_csv),
    Shown(_SECTION, "grade", sheet),
    Shown(_ASSIGNMENT, "grade", assignment),
    Shown(_ASSIGNMENT, "grade", save_assignment, "POST"),
    Shown(_ASSIGNMENT + "/students", "grade", save_students, "POST"),
    Shown(_ASSIGNMENT + "/delete", "grade", delete, "POST"),
    Shown(_ASSIGNMENT + "/{student_id}", "grade", save_cell, "POST"),
)
