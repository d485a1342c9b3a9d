"""The rows of the built-in gradebook. `passback.lms.builtin` gives them meaning."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

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
_UPDATE_ASSIGNMENT = (
    "UPDATE gradebook_assignments SET "
    + ", ".join(f"{column} = :{column}" for column in _ASSIGNMENT_COLUMNS if column not in ("id", "created"))
    + " WHERE id = :id"
)
_OR_UPDATE_SUBMISSION = "ON CONFLICT (assignment_id, student_id) DO UPDATE SET " + ", ".join(
    f"{column} = excluded.{column}" for column in _SUBMISSION_COLUMNS
)

_SELECT_SUBMISSION = f"SELECT {', '.join(_SUBMISSION_COLUMNS)} FROM gradebook_submissions"
_NEWEST_COMMENT = (  # not a join, of which PostgreSQL may compare all with all
    "(SELECT comment FROM gradebook_comments"
    " WHERE assignment_id = own.assignment_id AND student_id = own.student_id ORDER BY position DESC LIMIT 1)"
)
_HELD_COLUMNS = (
    f"enrollments.user_id, {_NEWEST_COMMENT}, {', '.join('own.' + column for column in _SUBMISSION_COLUMNS)}"
)
_HELD = (
    "LEFT JOIN gradebook_submissions AS own"
    " ON own.assignment_id = :assignment_id AND own.student_id = enrollments.user_id"
    " WHERE enrollments.section_id = :section_id AND enrollments.role = 'student'"
)
_SELECT_HELD = f"SELECT {_HELD_COLUMNS} FROM enrollments {_HELD}"
_HELD_WIDTH = 2 + len(_SUBMISSION_COLUMNS)
# Not a join: each row would have all columns of the assignment.
_SELECT_WITH_SUBMISSIONS = (
    f"SELECT {_HELD_COLUMNS}, {', '.join(['NULL'] * len(_ASSIGNMENT_COLUMNS))} FROM enrollments {_HELD} AND {{}}"
    f" UNION ALL SELECT {', '.join(['NULL'] * _HELD_WIDTH)}, {', '.join(_ASSIGNMENT_COLUMNS)}"
    " FROM gradebook_assignments WHERE id = :assignment_id AND section_id = :section_id"
)
_MATCHED = (  # its people are the roster's, with the same ids; of a join, PostgreSQL may read all users for each
    "(SELECT lms_id FROM users WHERE users.id = enrollments.user_id) = enrollments.user_id"
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
    row = {"section_id": section_id, **_assignment_row(assignment)}
    connection.insert("gradebook_assignments", (*row,), [(*row.values(),)])


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
    return {row[0]: _held(row) for row in rows.fetchall()}


def find_with_submissions(
    connection: Connection, section_id: str, assignment_id: str, students: Collection[str]
) -> tuple[Assignment | None, dict[str, Held]]:
    """What `find_assignment` and `submissions` find, in one statement."""
    parameters = {"section_id": section_id, "assignment_id": assignment_id}
    where = among("enrollments.user_id", students, parameters)
    rows = connection.execute(_SELECT_WITH_SUBMISSIONS.format(where), parameters).fetchall()
    found = next((_assignment(row[_HELD_WIDTH:]) for row in rows if row[0] is None), None)
    return found, {row[0]: _held(row[:_HELD_WIDTH]) for row in rows if row[0] is not None}


def page(
    connection: Connection, section_id: str, assignment: Assignment, *, after: str, limit: int
) -> list[tuple[str, Held]]:
    """What there is of the submissions of the matched students whom an assignment is for, in the order of their ids.

    Up to `limit`, behind the id `after`.
    """
    parameters: dict[str, Any] = {
        "section_id": section_id,
        "assignment_id": assignment.lms_id,
        "after": after,
        "limit": limit,
    }
    whom = ""
    if assignment.assignee_mode == "individuals":
        if not assignment.assignee_ids:
            return []
        whom = f" AND {among('enrollments.user_id', assignment.assignee_ids, parameters)}"
    rows = connection.execute(
        f"{_SELECT_HELD} AND {_MATCHED}{whom} AND enrollments.user_id > :after"
        " ORDER BY enrollments.user_id LIMIT :limit",
        parameters,
    )
    return [(row[0], _held(row)) for row in rows.fetchall()]


def save_submissions(
    connection: Connection, assignment_id: str, submissions: Mapping[str, SubmissionRow]
) -> None:
    """Create or replace students' submissions."""
    rows = [(assignment_id, student, *_submission_row(it)) for student, it in submissions.items()]
    columns = ("assignment_id", "student_id", *_SUBMISSION_COLUMNS)
    connection.insert("gradebook_submissions", columns, rows, _OR_UPDATE_SUBMISSION)


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


def _held(row: Sequence[Any]) -> Held:
    return Held(None if row[2] is None else _submission(row[2:]), row[1])


def _submission(row: Sequence[Any]) -> SubmissionRow:
    # A page has many: in the order of the columns, which is that of the fields.
    state, submitted, attempts, extra, grade, points, grader, excused, due_date, attached, modified = row
    return SubmissionRow(
        state,
        submitted,
        attempts,
        extra,
        grade,
        _number(points),
        grader,
        bool(excused),
        due_date,
        _items(_attachments, attached),
        modified,
    )


def _submission_row(held: SubmissionRow) -> tuple[Any, ...]:
    return (
        held.state,
        held.submitted,
        held.attempts,
        held.extra_attempts,
        held.grade,
        _text(held.grade_points),
        held.grader_id,
        int(held.excused),
        held.override_due_date,
        _list(held.attachments),
        held.last_modified,
    )


def _items(decoder: msgspec.json.Decoder[tuple[T, ...]], text: str) -> tuple[T, ...]:
    return () if text == "[]" else decoder.decode(text)


def _list(items: tuple[Any, ...]) -> str:
    return _json.encode(items).decode() if items else "[]"


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
