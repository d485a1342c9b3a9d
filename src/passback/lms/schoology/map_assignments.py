"""Assignments: between the gateway's and Schoology's.

A graded discussion is another thing in Schoology than an assignment, with two ids: its own and that of its grade item.
So an assignment's id here is ``assignment/<id>`` or ``discussion/<id>/<grade item>``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentFields, Attachment
from passback.lms.interface import CHANGED, Gone, RefusedByLms, Unavailable, Unsupported
from passback.lms.schoology import dates
from passback.lms.schoology.api import one_or_more
from passback.lms.schoology.errors import NAME
from passback.lms.toolkit import alike, unsupported_fields
from passback.lms.toolkit.html import description_html, html_to_text
from passback.lms.toolkit.json_fields import Json, as_object, flag, id_of, integer, number, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.lms.notes import Note
    from passback.lms.schoology.grading_setup import Scale, Setup

NOTED_FIELDS = frozenset({"start_date", "display_date", "end_date", "max_attempts", "term_id"})
"""Fields that Schoology has no place for; they are kept in notes."""
_RESTORED = NOTED_FIELDS | {"created", "last_modified"}

UNGRADED = "UNGRADED_IN_LMS"
"""The warning that an assignment has no grading category: Schoology leaves it out of the course's grade."""

_FIELDS = {
    "title": "title",
    "description": "description",
    "body": "description",
    "due": "due_date",
    "max_points": "points_possible",
    "grading_scale": "grading_type",
    "allow_dropbox": "submission_types",
    "attachments": "attachments",
}
"""The fields that Schoology's members hold."""

_WORK = ("file", "text")
"""The submission types of an assignment with a dropbox that was not created by us."""


class Ref(Struct, frozen=True):
    """The ids of an assignment in Schoology."""

    kind: str
    id: str
    item: str
    """The id of its grade item, by which grades are given."""

    @classmethod
    def of(cls, lms_id: str) -> Ref:
        """Parse an assignment's id. Raises `Gone`."""
        match lms_id.split("/"):
            case ["assignment", id_]:
                return cls("assignment", id_, id_)
            case ["discussion", id_, item]:
                return cls("discussion", id_, item)
        raise Gone("assignment")

    @property
    def lms_id(self) -> str:
        return f"discussion/{self.id}/{self.item}" if self.kind == "discussion" else f"assignment/{self.id}"

    def path(self, section: str) -> str:
        """Return its path in the API."""
        return f"sections/{section}/{self.kind}s/{self.id}"


def number_of(lms_id: str) -> int | None:
    """Return the number in an assignment's id; None for an id of another LMS."""
    try:
        id_ = Ref.of(lms_id).id
    except Gone:
        return None
    return int(id_) if id_.isdecimal() and id_.isascii() else None


class LmsAssignment(Struct, frozen=True):
    """An assignment as Schoology has it, with what grading needs."""

    ref: Ref
    content: Json
    assignment: Assignment

    @property
    def takes_work(self) -> bool:
        """Whether students can hand in."""
        return self.ref.kind == "assignment" and flag(self.content, "allow_dropbox") is True

    @property
    def is_locked(self) -> bool:
        """Whether the teacher has closed the dropbox."""
        return flag(self.content, "dropbox_locked") is True

    @property
    def shows_grades(self) -> bool:
        """Whether a student sees a grade as soon as it is given."""
        return flag(self.content, "auto_publish_grades") is not False

    @property
    def scale_id(self) -> str:
        return text(self.content, "grading_scale") or "0"


def numeric(id_: str) -> int | str:
    """Return an id as Schoology's examples send it: as a number."""
    return int(id_) if id_.isdecimal() and id_.isascii() else id_


def ref_of(kind: str, content: Json) -> Ref:
    """Return the ids of what Schoology answered. Raises `Unavailable`."""
    id_ = id_of(content)
    return Ref(kind, id_, id_of(content, "grade_item_id") if kind == "discussion" else id_)


def kind_of(fields: AssignmentFields) -> str:
    """Return the kind of thing that `fields` make in Schoology. Raises `RefusedByLms`."""
    types = fields.submission_types or ()
    if "discussion" not in types:
        return "assignment"
    if len(types) > 1:
        raise RefusedByLms(
            "INVALID_SUBMISSION_TYPES",
            "in Schoology a discussion cannot be combined with other submission types",
        )
    if fields.assignee_mode == "individuals":
        raise RefusedByLms("INVALID_ASSIGNEES", "in Schoology a discussion is always for the whole section")
    return "discussion"


def to_lms(
    fields: AssignmentFields,
    kind: str,
    setup: Setup | None,
    zone: str,
    enrollments: Mapping[str, str],
    before: Json | None = None,
) -> dict[str, Any]:
    """Return what Schoology is sent of `fields`; `before` is what it has, if an assignment is changed.

    A grading type needs `setup`, and assignees need their `enrollments`. Raises `RefusedByLms` and `Unsupported`.
    """
    sent: dict[str, Any] = {}
    if fields.title is not None:
        sent["title"] = fields.title
    if (description := description_html(fields)) is not None:
        sent["body" if kind == "discussion" else "description"] = description
    if fields.due_date is not None:
        sent["due"] = dates.to_lms(fields.due_date, zone)
    if fields.points_possible is not None:
        sent["max_points"] = float(fields.points_possible)
    if fields.grading_type is not None and setup is not None:
        sent["grading_scale"] = _scale_for(fields.grading_type, setup)
    sent |= _dropbox(fields, kind)
    if fields.attachments is not None:
        sent["attachments"] = _attachments(fields.attachments, before)
    return sent | _assignees(fields, kind, enrollments)


def changes(fields: AssignmentFields, shown: Assignment) -> AssignmentFields:
    """Return fields without those that say what is shown: a teacher may have chosen what can only be shown roughly.

    Such are a scale that is none of letters, and groups of students.
    """
    same: dict[str, None] = {}
    if fields.grading_type == shown.grading_type:
        same["grading_type"] = None
    same_mode = fields.assignee_mode in (None, shown.assignee_mode)
    if fields.assignee_ids and same_mode and set(fields.assignee_ids) == set(shown.assignee_ids):
        same |= {"assignee_ids": None, "assignee_mode": None}
    return replace(fields, **same)


def _dropbox(fields: AssignmentFields, kind: str) -> dict[str, Any]:
    """Return what Schoology is sent for the submission types. Raises `Unsupported`."""
    if fields.submission_types is None:
        return {}
    if (kind == "discussion") != ("discussion" in fields.submission_types):
        raise Unsupported(NAME, "changing between assignment and discussion")
    return {"allow_dropbox": int(bool(fields.submission_types))} if kind == "assignment" else {}


def _assignees(fields: AssignmentFields, kind: str, enrollments: Mapping[str, str]) -> dict[str, Any]:
    """Return what Schoology is sent for the assignees. Raises `RefusedByLms`."""
    if fields.assignee_mode == "all":
        return {"assignees": [], "grading_group_ids": []}
    if fields.assignee_ids is None:
        return {}
    if kind == "discussion" or set(fields.assignee_ids) - enrollments.keys():
        raise RefusedByLms(
            "INVALID_ASSIGNEES", "Schoology does not accept the assignees: they are not in the section"
        )
    enrolled = [numeric(enrollments[student]) for student in fields.assignee_ids]
    return {"assignees": enrolled, "grading_group_ids": []}


def new_defaults(kind: str) -> dict[str, Any]:
    """Return what Schoology is sent of a new assignment besides its fields: visible, showing grades and comments."""
    if kind == "discussion":
        return {"graded": 1, "published": 1}
    return {
        "published": 1,
        "allow_dropbox": 0,
        "allow_discussion": 0,
        "show_comments": 1,
        "auto_publish_grades": 1,
    }


def _scale_for(grading_type: str, setup: Setup) -> int | str:
    """Return the id of the scale for a grading type; 0 is numeric. Raises `RefusedByLms`."""
    if grading_type == "letter_grade":
        letters = next((scale for scale in setup.scales if not scale.is_pass_fail), None)
        if letters is None:
            raise RefusedByLms(
                "NO_GRADING_SCALE", "the section has no grading scale for letters in Schoology"
            )
        return numeric(letters.id)
    if grading_type == "pass_fail":
        return next((numeric(scale.id) for scale in setup.scales if scale.is_pass_fail), 0)
    return 0


def _attachments(wanted: Sequence[Attachment], before: Json | None) -> list[dict[str, Any]]:
    """Return the complete list: Schoology adds entries without an id, and removes what is left out."""
    existing = {item.url: id_ for id_, item in _stored(before or {})}
    return [
        {"id": existing[item.url], **_titled(item)}
        if item.url in existing
        else {"url": item.url, **_titled(item)}
        for item in wanted
    ]


def _titled(item: Attachment) -> dict[str, str]:
    return {"title": item.title or item.url or ""}


def _stored(content: Json) -> list[tuple[str, Attachment]]:
    """Return the attachments that Schoology shows, with their ids."""
    groups = content.get("attachments")
    if not isinstance(groups, dict):
        return []
    found = []
    for group, name, address in (("links", "link", "url"), ("videos", "video", "url"),
                                 ("files", "file", "download_path")):  # fmt: skip
        inner = groups.get(group)
        for item in one_or_more(inner.get(name) if isinstance(inner, dict) else inner):
            url, kind = text(item, address), "file" if name == "file" else "link"
            title = text(item, "title") or None
            found.append((id_of(item), Attachment(kind, url=url, title=None if title == url else title)))
    return found


def from_lms(
    ref: Ref, content: Json, note: Note | None, setup: Setup | None, zone: str, members: Mapping[str, str]
) -> LmsAssignment:
    """Return the assignment that Schoology answered, with what we keep of it. `members` are uids by enrollment id."""
    note = note or {}
    grading_type, scale = _grading(content, note, setup)
    markup = text(content, "body" if ref.kind == "discussion" else "description") or ""
    due = text(content, "due")
    sent_due = note.get("due") or (None, None)
    category = text(content, "grading_category")
    assignees = tuple(members[it] for it in texts(content, "assignees") if it in members)
    assignment = Assignment(
        lms_id=ref.lms_id,
        title=text(content, "title") or "",
        description=markup,
        description_plaintext=html_to_text(markup),
        points_possible=number(content, "max_points"),
        grading_type=grading_type,
        submission_types=_submission_types(ref, content, note),
        due_date=sent_due[0] if due and due == sent_due[1] else dates.from_lms(due or "", zone),
        start_date=None,
        display_date=None,
        end_date=None,
        max_attempts=None,
        assignee_mode="individuals" if has_assignees(content) else "all",
        assignee_ids=assignees,
        attachments=_shown_attachments(content, note),
        term_id=None,
        published=flag(content, "published") is not False,
        created=None,
        last_modified=None,
        category_id=None if category in (None, "", "0") else category,
        grading_scale=scale.levels if scale is not None and grading_type == "letter_grade" else (),
        warnings=(UNGRADED,) if category in ("", "0") else (),
    )
    return LmsAssignment(ref, content, unsupported_fields.restore(assignment, note, _RESTORED))


def has_assignees(content: Json) -> bool:
    """Whether only some of the section's students have it."""
    return bool(texts(content, "assignees") or texts(content, "grading_group_ids"))


def check_complete(content: Json) -> None:
    """Check that Schoology shows an assignment, and whom it is for. Raises `Unavailable`."""
    id_of(content)
    for name in ("assignees", "grading_group_ids"):
        # In what cannot be read, an assignment of a few would look like one of all.
        listed = content.get(name)
        if listed not in (None, "") and len(texts(content, name)) != (
            len(listed) if isinstance(listed, list) else -1
        ):
            raise Unavailable(f"its answer has unreadable {name}")
    if integer(content, "num_assignees") and not has_assignees(content):
        raise Unavailable("its answer lacks the assignees")


def _grading(content: Json, note: Note, setup: Setup | None) -> tuple[str, Scale | None]:
    """Return the grading type that we wrote, if Schoology still has the scale written with it, or else the scale's."""
    scale_id = text(content, "grading_scale") or "0"
    scale = setup.scale(scale_id) if setup is not None else None
    if note.get("grading_scale") == scale_id:
        return str(note["grading_type"]), scale
    if scale is None:
        return "points", None
    return ("pass_fail" if scale.is_pass_fail else "letter_grade"), scale


def _submission_types(ref: Ref, content: Json, note: Note) -> tuple[str, ...]:
    if ref.kind == "discussion":
        return ("discussion",)
    types = tuple(note.get("submission_types") or ())
    takes_work = flag(content, "allow_dropbox") is True
    if takes_work == bool(types):
        return types
    return _WORK if takes_work else ()


def _shown_attachments(content: Json, note: Note) -> tuple[Attachment, ...]:
    stored = [item for _, item in _stored(content)]
    sent = msgspec.convert(note.get("attachments") or [], tuple[Attachment, ...])
    if {item.url for item in sent} == {item.url for item in stored}:
        return sent
    return tuple(stored)


def still_as_before(sent: Mapping[str, Any], before: Json, shown: Json) -> tuple[str, ...]:
    """Return the warnings about what was sent and is shown as it was `before` instead."""
    return tuple(
        CHANGED + _FIELDS[name]
        for name, value in sent.items()
        if name in _FIELDS
        and _member(shown, name) == _member(before, name)
        and not _is_of(value, shown, name)
    )


def _member(content: Json, name: str) -> Any:
    return [item for _, item in _stored(content)] if name == "attachments" else text(content, name)


def _is_of(value: Any, shown: Json, name: str) -> bool:
    """Whether Schoology shows what it made of a value: it cleans markup, and rounds."""
    if name == "attachments":
        return len(value) == len(_stored(shown))
    if isinstance(value, str):
        there = text(shown, name) or ""
        return alike.may_be_left_of(there, value) and bool(there) == bool(value)
    return alike.same_points(number(shown, name), value)


def to_note(
    fields: AssignmentFields, sent: Mapping[str, Any], before: Note | None, now: int
) -> dict[str, Any]:
    """Return the note of an assignment that was `sent`: what Schoology has no place for, or keeps only roughly."""
    note = unsupported_fields.keep(fields, NOTED_FIELDS, before)
    note.setdefault("created", now)
    note["last_modified"] = now
    if fields.due_date is not None:
        note["due"] = [fields.due_date, sent["due"]]
    if fields.grading_type is not None:
        note["grading_type"] = fields.grading_type
        note["grading_scale"] = str(sent["grading_scale"])
    if fields.submission_types is not None:
        note["submission_types"] = list(fields.submission_types)
    if fields.attachments is not None:
        note["attachments"] = msgspec.to_builtins(fields.attachments)
    return note


def created_content(answer: Any) -> Json:
    """Return the answer to a creation. Raises `Unavailable`, in doubt, if the answer does not show what was created."""
    if answer is None:
        raise Unavailable("its answer to a creation is empty", in_doubt=True)
    try:
        found = as_object(answer)
        id_of(found)
    except Unavailable as error:
        raise Unavailable(str(error), in_doubt=True) from None
    return found
