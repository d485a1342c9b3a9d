"""The rows of the built-in gradebook. `passback.lms.builtin` gives them meaning."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from passback.domain.assignment import Assignment, Attachment
from passback.store.assignments import IN_SECTION, IN_SECTION_COLUMNS, OF_DISTRICT, in_section
from passback.store.statements import among, for_each

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from passback.domain.clock import Instant
    from passback.store.assignments import InSection
    from passback.store.engine.database import Connection

T = TypeVar("T")


class SubmissionRow(Struct, frozen=True):
    """A student's submission, once something has happened to it."""

    state: str
    submitted: Instant | None
    attempts: int
    extra_attempts: int | None
    grade: str | None
    grade_points: Decimal | None
    grader_id: str | None
    excused: bool
    override_due_date: Instant | None
    attachments: tuple[Attachment, ...]
    last_modified: Instant


class Held(Struct, frozen=True):
    """What the gradebook has of a student's submission."""

    row: SubmissionRow | None
    """None if nothing has happened to it yet."""
    comment: str | None
    """The newest."""


class Comment(Struct, frozen=True):
    """A comment on a student's submission. The API shows the newest."""

    author_id: str | None
    comment: str
    created: Instant
    mark: str | None = None
    """The delivery that left it; None for a command's, and for those of older versions."""


# The gradebook has no columns for what only other LMSs have.
_ASSIGNMENT_FIELDS = tuple(
    name for name in Assignment.__struct_fields__ if name not in ("category_id", "grading_scale", "warnings")
)
_ASSIGNMENT_COLUMNS = tuple("id" if name == "lms_id" else name for name in _ASSIGNMENT_FIELDS)
_SUBMISSION_COLUMNS = SubmissionRow.__struct_fields__
_SELECT_ASSIGNMENT = f"SELECT {', '.join(_ASSIGNMENT_COLUMNS)} FROM gradebook_assignments"
_SELECT_IN_SECTION = (
    f"SELECT {IN_SECTION_COLUMNS}, {', '.join('held.' + column for column in _ASSIGNMENT_COLUMNS)} {IN_SECTION}"
    " LEFT JOIN gradebook_assignments AS held ON districts.lms_type = 'builtin'"
    f" AND held.id = assignments.lms_id AND held.section_id = sections.lms_id {OF_DISTRICT}"
)
_INSERT_ASSIGNMENT = (
    f"INSERT INTO gradebook_assignments (section_id, {', '.join(_ASSIGNMENT_COLUMNS)})"
    f" VALUES (:section_id, {', '.join(':' + column for column in _ASSIGNMENT_COLUMNS)})"
)
_UPDATE_ASSIGNMENT = (
    "UPDATE gradebook_assignments SET "
    + ", ".join(f"{column} = :{column}" for column in _ASSIGNMENT_COLUMNS if column not in ("id", "created"))
    + " WHERE id = :id"
)
_UPSERT_SUBMISSION = (
    f"INSERT INTO gradebook_submissions (assignment_id, student_id, {', '.join(_SUBMISSION_COLUMNS)})"
    f" VALUES (:assignment_id, :student_id, {', '.join(':' + column for column in _SUBMISSION_COLUMNS)})"
    " ON CONFLICT (assignment_id, student_id) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in _SUBMISSION_COLUMNS)
)

_SELECT_SUBMISSION = f"SELECT {', '.join(_SUBMISSION_COLUMNS)} FROM gradebook_submissions"
_SELECT_HELD = (
    f"SELECT enrollments.user_id, newest.comment, {', '.join('own.' + column for column in _SUBMISSION_COLUMNS)}"
    " FROM enrollments LEFT JOIN gradebook_submissions AS own"
    " ON own.assignment_id = :assignment_id AND own.student_id = enrollments.user_id"
    " LEFT JOIN gradebook_comments AS newest"
    " ON newest.assignment_id = own.assignment_id AND newest.student_id = own.student_id"
    " AND newest.position = (SELECT MAX(position) FROM gradebook_comments AS other"
    " WHERE other.assignment_id = own.assignment_id AND other.student_id = own.student_id)"
    " WHERE enrollments.section_id = :section_id AND enrollments.role = 'student'"
)
_INSERT_COMMENT = (
    "INSERT INTO gradebook_comments (assignment_id, student_id, position, author_id, comment, created, mark)"
    " SELECT :assignment_id, :student_id, COALESCE(MAX(position), 0) + 1, :author_id, :comment, :created, :mark"
    " FROM gradebook_comments WHERE assignment_id = :assignment_id AND student_id = :student_id"
)

_json = msgspec.json.Encoder()
_strings = msgspec.json.Decoder(tuple[str, ...])
_attachments = msgspec.json.Decoder(tuple[Attachment, ...])


def insert_assignment(connection: Connection, section_id: str, assignment: Assignment) -> None:
    """Add a new assignment to a section."""
    connection.execute(_INSERT_ASSIGNMENT, {"section_id": section_id, **_assignment_row(assignment)})


def update_assignment(connection: Connection, assignment: Assignment) -> None:
    """Replace an assignment."""
    connection.execute(_UPDATE_ASSIGNMENT, _assignment_row(assignment))


def delete_assignment(connection: Connection, section_id: str, assignment_id: str) -> bool:
    """Delete an assignment and its submissions. False if there was none."""
    return bool(
        connection.execute(
            "DELETE FROM gradebook_assignments WHERE id = :id AND section_id = :section_id",
            {"id": assignment_id, "section_id": section_id},
        ).rowcount
    )


def find_assignment(connection: Connection, section_id: str, assignment_id: str) -> Assignment | None:
    """Find the assignment of that id, if it belongs to the section."""
    row = connection.execute(
        f"{_SELECT_ASSIGNMENT} WHERE id = :id AND section_id = :section_id",
        {"id": assignment_id, "section_id": section_id},
    ).fetchone()
    return None if row is None else _assignment(row)


def find_in_section(
    connection: Connection, district_id: str, section_id: str, assignment_id: str
) -> tuple[InSection, Assignment | None]:
    """What `assignments.find_in_section` finds, and the assignment itself if the gradebook has it."""
    row = connection.execute(
        _SELECT_IN_SECTION,
        {"assignment_id": assignment_id, "section_id": section_id, "district_id": district_id},
    ).fetchone()
    if row is None:
        return (None, None), None
    return in_section(row[:6]), None if row[6] is None else _assignment(row[6:])


def section_assignments(connection: Connection, section_id: str) -> list[Assignment]:
    """All assignments of a section, oldest first."""
    rows = connection.execute(
        f"{_SELECT_ASSIGNMENT} WHERE section_id = :section_id ORDER BY id", {"section_id": section_id}
    )
    return [_assignment(row) for row in rows]


def find_submission(connection: Connection, assignment_id: str, student_id: str) -> SubmissionRow | None:
    """Find a student's submission; None if nothing has happened to it yet."""
    row = connection.execute(
        f"{_SELECT_SUBMISSION} WHERE assignment_id = :assignment_id AND student_id = :student_id",
        {"assignment_id": assignment_id, "student_id": student_id},
    ).fetchone()
    return None if row is None else _submission(row)


def submissions(
    connection: Connection, section_id: str, assignment_id: str, students: Collection[str]
) -> dict[str, Held]:
    """What there is of the submissions of those who are students of the section, by their ids."""
    if not students:
        return {}
    parameters = {"section_id": section_id, "assignment_id": assignment_id}
    rows = connection.execute(
        f"{_SELECT_HELD} AND {among('enrollments.user_id', students, parameters)}", parameters
    )
    return {
        student: Held(None if row[0] is None else _submission(row), comment)
        for student, comment, *row in rows.fetchall()
    }


def save_submissions(
    connection: Connection, assignment_id: str, submissions: Mapping[str, SubmissionRow]
) -> None:
    """Create or replace students' submissions."""
    for_each(
        connection,
        _UPSERT_SUBMISSION,
        [
            {
                **asdict(submission),
                "assignment_id": assignment_id,
                "student_id": student,
                "grade_points": _text(submission.grade_points),
                "excused": int(submission.excused),
                "attachments": _list(submission.attachments),
            }
            for student, submission in submissions.items()
        ],
    )


def comments(
    connection: Connection, assignment_id: str, students: Collection[str]
) -> dict[str, list[Comment]]:
    """The comments on students' submissions, each student's oldest first."""
    found: dict[str, list[Comment]] = {student: [] for student in students}
    if not students:
        return found
    parameters = {"assignment_id": assignment_id}
    rows = connection.execute(
        "SELECT student_id, author_id, comment, created, mark FROM gradebook_comments"
        f" WHERE assignment_id = :assignment_id AND {among('student_id', students, parameters)} ORDER BY position",
        parameters,
    )
    for student, *row in rows.fetchall():
        found[student].append(Comment(*row))
    return found


def add_comments(connection: Connection, assignment_id: str, comments: Sequence[tuple[str, Comment]]) -> None:
    """Add comments to the submissions of the students named, which must have been saved."""
    for_each(
        connection,
        _INSERT_COMMENT,
        [
            {
                "assignment_id": assignment_id,
                "student_id": student,
                "author_id": comment.author_id,
                "comment": comment.comment,
                "created": comment.created,
                "mark": comment.mark,
            }
            for student, comment in comments
        ],
    )


def _assignment_row(assignment: Assignment) -> dict[str, Any]:
    row = {name: getattr(assignment, name) for name in _ASSIGNMENT_COLUMNS if name != "id"}
    row["id"] = assignment.lms_id
    row["points_possible"] = _text(assignment.points_possible)
    row["published"] = int(assignment.published)
    for name in ("submission_types", "assignee_ids", "attachments"):
        row[name] = _list(row[name])
    return row


def _assignment(row: Sequence[Any]) -> Assignment:
    values = dict(zip(_ASSIGNMENT_FIELDS, row, strict=True))
    values["points_possible"] = _number(values["points_possible"])
    values["submission_types"] = _items(_strings, values["submission_types"])
    values["assignee_ids"] = _items(_strings, values["assignee_ids"])
    values["attachments"] = _items(_attachments, values["attachments"])
    values["published"] = bool(values["published"])
    return Assignment(**values)


def _submission(row: Sequence[Any]) -> SubmissionRow:
    values = dict(zip(_SUBMISSION_COLUMNS, row, strict=True))
    values["grade_points"] = _number(values["grade_points"])
    values["excused"] = bool(values["excused"])
    values["attachments"] = _items(_attachments, values["attachments"])
    return SubmissionRow(**values)


def _items(decoder: msgspec.json.Decoder[tuple[T, ...]], text: str) -> tuple[T, ...]:
    return () if text == "[]" else decoder.decode(text)


def _list(items: tuple[Any, ...]) -> str:
    return _json.encode(items).decode() if items else "[]"


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
