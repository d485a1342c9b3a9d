"""The roster objects of the published Data API, as far as a gateway has them, with their LMS fields.

The OpenAPI document takes its schemas and descriptions from here, as from `responses`.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from passback.wire.values import (
    Count,
    DateTime,
    Day,
    MongoId,
    Percent,
    one_of,
)


class _Shape(Struct, frozen=True, omit_defaults=True):
    """A field without a value is left out of an answer."""


class LmsSync(_Shape, frozen=True, kw_only=True):
    """The progress of reading a district's LMS."""

    began: Annotated[DateTime | None, Meta(description="When reading began.")] = None
    courses: Annotated[Count, Meta(description="The number of courses in the LMS.")]
    courses_read: Annotated[Count, Meta(description="How many of the courses have had their sections read.")]
    phase: Annotated[
        str, one_of("SyncPhase"), Meta(description="The current phase: what is being read, or `matching`.")
    ]
    sections: Annotated[Count, Meta(description="The number of sections found so far.")]
    sections_read: Annotated[Count, Meta(description="How many of the sections have had their people read.")]


class HeldBack(_Shape, frozen=True, kw_only=True):
    """Removals that wait for an operator, because they are too many to be sure; until then nothing of it is removed."""

    removals: Annotated[
        dict[str, Count],
        Meta(
            description="How many `schools`, `terms`, `courses`, `sections`, `students`, `teachers` and `enrollments`"
            " the newest roster lacks; they stay usable."
        ),
    ] = {}
    since: Annotated[DateTime, Meta(description="Since when something has been waiting.")]
    unmatched: Annotated[
        dict[str, Count],
        Meta(
            description="How many matched `sections` and `users` the LMS no longer shows; they stay matched."
        ),
    ] = {}


class LmsCapabilities(_Shape, frozen=True, kw_only=True):
    """What the district's LMS can do, as it is connected: what an application's pages should offer."""

    comments: Annotated[
        str,
        one_of("LmsComments"),
        Meta(
            description="What becomes of a comment on a grade: it is `added` to those before, the one before is"
            " `replaced`, or the LMS has `none`."
        ),
    ]
    create_assignments: Annotated[
        str, one_of("LmsAbility"), Meta(description="Whether assignments can be created.")
    ]
    excused: Annotated[str, one_of("LmsAbility"), Meta(description="Whether a student can be excused.")]
    extra_attempts: Annotated[
        str, one_of("LmsAbility"), Meta(description="Whether a student can be given more attempts.")
    ]
    grading_types: Annotated[
        list[Annotated[str, one_of("GradingType")]],
        Meta(description="The grading types that an assignment can have."),
    ]
    hand_in: Annotated[
        list[Annotated[str, one_of("AttachmentType")]],
        Meta(
            description="The types of attachments that a student's work can be handed in as; none if it cannot be."
        ),
    ]
    ignored: Annotated[
        list[str], Meta(description="The fields of an assignment that are neither stored nor given back.")
    ]
    individual_assignees: Annotated[
        str, one_of("LmsAbility"), Meta(description="Whether an assignment can be for some students only.")
    ]
    kept_by_passback: Annotated[
        list[str],
        Meta(
            description="The fields of an assignment that the LMS has no place for: Passback keeps them and gives them"
            " back, but nobody sees them in the LMS."
        ),
    ]
    name: Annotated[str, Meta(description="What people call the LMS.")]
    not_stored_flags: Annotated[
        list[str], Meta(description="The flags that the LMS derives by itself, so that they cannot be set.")
    ]
    override_due_date: Annotated[
        str, one_of("LmsAbility"), Meta(description="Whether a student can have a due date of their own.")
    ]
    points_above_maximum: Annotated[
        str, one_of("LmsAbility"), Meta(description="Whether `grade_points` can exceed `points_possible`.")
    ]


class District(_Shape, frozen=True, kw_only=True):
    """A school district and the state of its connection to an LMS."""

    held_back: Annotated[
        HeldBack | None, Meta(description="Removals that wait for an operator; absent if none do.")
    ] = None
    id: Annotated[MongoId, Meta(description="The district's id.")]
    last_lms_sync: Annotated[
        DateTime | None, Meta(description="When the roster was last matched against the LMS.")
    ] = None
    lms_capabilities: Annotated[
        LmsCapabilities | None,
        Meta(description="What the LMS can do; absent if the district is not connected to one."),
    ] = None
    lms_matched_percentage: Annotated[
        dict[str, Percent],
        Meta(description="The percentage of `sections`, `students` and `teachers` matched in the LMS."),
    ]
    lms_state: Annotated[str, one_of("LmsState"), Meta(description="The state of the connection to the LMS.")]
    lms_sync: Annotated[
        LmsSync | None, Meta(description="The progress of reading the LMS; absent unless it is being read.")
    ] = None
    lms_type: Annotated[str, Meta(description="The LMS the district uses; empty if it has none.")]
    name: Annotated[str, Meta(description="The district's name.")]


class School(_Shape, frozen=True, kw_only=True):
    """A school in a district."""

    created: Annotated[DateTime, Meta(description="When the school was created.")]
    district: Annotated[MongoId, Meta(description="The district's id.")]
    id: Annotated[MongoId, Meta(description="The school's id.")]
    last_modified: Annotated[DateTime, Meta(description="When the school last changed.")]
    name: Annotated[str, Meta(description="The school's name.")]
    school_number: Annotated[str | None, Meta(description="The school's official number.")] = None
    sis_id: Annotated[str | None, Meta(description="The school's id in the SIS.")] = None


class Term(_Shape, frozen=True, kw_only=True):
    """A term of the school year."""

    district: Annotated[MongoId, Meta(description="The district's id.")]
    end_date: Annotated[Day | None, Meta(description="The last day of the term.")] = None
    id: Annotated[MongoId, Meta(description="The term's id.")]
    name: Annotated[str, Meta(description="The term's name.")]
    start_date: Annotated[Day | None, Meta(description="The first day of the term.")] = None


class Course(_Shape, frozen=True, kw_only=True):
    """A course that sections teach."""

    district: Annotated[MongoId, Meta(description="The district's id.")]
    id: Annotated[MongoId, Meta(description="The course's id.")]
    name: Annotated[str, Meta(description="The course's name.")]
    number: Annotated[str | None, Meta(description="The course's number in the catalog.")] = None


class LmsStatus(_Shape, frozen=True, kw_only=True):
    """Whether a section or user is matched in the LMS."""

    synced_in_lms: Annotated[
        bool, Meta(description="Whether it is matched; grades reach only what is matched.")
    ]


class Section(_Shape, frozen=True, kw_only=True):
    """A class, with its members' ids."""

    course: Annotated[MongoId | None, Meta(description="The course's id.")] = None
    created: Annotated[DateTime, Meta(description="When the section was created.")]
    district: Annotated[MongoId, Meta(description="The district's id.")]
    grade: Annotated[str | None, Meta(description="The grade level.")] = None
    id: Annotated[MongoId, Meta(description="The section's id.")]
    last_modified: Annotated[DateTime, Meta(description="When the section last changed.")]
    lms_status: Annotated[LmsStatus, Meta(description="Whether the section is matched in the LMS.")]
    name: Annotated[str, Meta(description="The section's name.")]
    period: Annotated[str | None, Meta(description="The period of the school day.")] = None
    school: Annotated[MongoId | None, Meta(description="The school's id.")] = None
    section_number: Annotated[str | None, Meta(description="The section's number.")] = None
    sis_id: Annotated[str | None, Meta(description="The section's id in the SIS.")] = None
    students: Annotated[list[MongoId], Meta(description="The ids of the section's students.")]
    subject: Annotated[str | None, Meta(description="The subject taught.")] = None
    teacher: Annotated[MongoId | None, Meta(description="The id of the primary teacher.")] = None
    teachers: Annotated[list[MongoId], Meta(description="The ids of the section's teachers.")]
    term_id: Annotated[MongoId | None, Meta(description="The term's id.")] = None


class Name(_Shape, frozen=True, kw_only=True):
    """A person's name."""

    first: Annotated[str, Meta(description="The first name.")]
    last: Annotated[str, Meta(description="The last name.")]
    middle: Annotated[str | None, Meta(description="The middle name.")] = None


class Credentials(_Shape, frozen=True, kw_only=True):
    """How a user signs in."""

    district_username: Annotated[str, Meta(description="The user's name in the district's systems.")]


class UserRole(_Shape, frozen=True, kw_only=True):
    """What is known of a user in one role."""

    credentials: Annotated[
        Credentials | None, Meta(description="How the user signs in; absent if the roster does not say.")
    ] = None
    grade: Annotated[str | None, Meta(description="The student's grade level.")] = None
    school: Annotated[MongoId | None, Meta(description="The school's id.")] = None
    sis_id: Annotated[str | None, Meta(description="The user's id in the SIS.")] = None
    state_id: Annotated[str | None, Meta(description="The user's id in the state's systems.")] = None
    student_number: Annotated[str | None, Meta(description="The student's number, as on a student card.")] = (
        None
    )
    teacher_number: Annotated[str | None, Meta(description="The teacher's number.")] = None


class Roles(_Shape, frozen=True, kw_only=True):
    """What is known of a user, by role; a user has exactly one."""

    student: Annotated[UserRole | None, Meta(description="What is known of a student.")] = None
    teacher: Annotated[UserRole | None, Meta(description="What is known of a teacher.")] = None


class User(_Shape, frozen=True, kw_only=True):
    """A student or teacher."""

    created: Annotated[DateTime, Meta(description="When the user was created.")]
    district: Annotated[MongoId, Meta(description="The district's id.")]
    email: Annotated[str | None, Meta(description="The user's email address.")] = None
    id: Annotated[MongoId, Meta(description="The user's id.")]
    last_modified: Annotated[DateTime, Meta(description="When the user last changed.")]
    lms_status: Annotated[LmsStatus, Meta(description="Whether the user is matched in the LMS.")]
    name: Annotated[Name, Meta(description="The user's name.")]
    roles: Annotated[Roles, Meta(description="The user's role, keyed by its name.")]


class RosterEventData(_Shape, frozen=True, kw_only=True):
    """The object that an event is about."""

    object: Annotated[
        Any,
        Meta(
            description="The roster object as it is now, or as it was before it was deleted.",
            extra_json_schema={"type": "object"},
        ),
    ]
    previous_attributes: Annotated[
        dict[str, Any] | None, Meta(description="The previous values of the fields that an update changed.")
    ] = None


class RosterEvent(_Shape, frozen=True, kw_only=True):
    """The creation, update or deletion of a roster object."""

    created: Annotated[DateTime, Meta(description="When the change happened.")]
    data: Annotated[RosterEventData, Meta(description="The object that changed.")]
    id: Annotated[MongoId, Meta(description="The event's id; later events have greater ids.")]
    type: Annotated[
        str, Meta(description="For example `users.created`, `sections.updated` or `schools.deleted`.")
    ]


class Link(_Shape, frozen=True, kw_only=True):
    """A link to a page of a list: ``self``, ``next`` or ``prev``."""

    rel: Annotated[str, one_of("LinkRelation"), Meta(description="Which page the link leads to.")]
    uri: Annotated[str, Meta(description="The path and query to request.")]
