"""Delivering grades, comments and work of students to the LMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from passback.delivery import lookup, present
from passback.domain.clock import MINUTE, SECOND
from passback.domain.delivery import OPEN, Delivered
from passback.domain.submission import SubmissionFields
from passback.lms.compare import same_grade
from passback.lms.interface import Gone
from passback.store import delivery_lanes, restored, roster
from passback.wire import errors
from passback.wire.encode import encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.context import Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery
    from passback.domain.submission import Submission
    from passback.lms.interface import Capabilities
    from passback.store.assignments import AssignmentRecord, Members
    from passback.store.engine.database import Connection
    from passback.store.enrollments import Matched
    from passback.store.restored import Restored


CLOCKS_DIFFER_BY = 2 * MINUTE
"""By how much an LMS's clock may be behind ours."""
HEARD_WITHIN = 2 * SECOND
"""How long after the end of a delivery it is recorded that its client has the answer, at the latest."""


class SubmissionTarget(Struct, frozen=True):
    """What a change of a submission is about, looked up once."""

    section: SectionAtLms
    record: AssignmentRecord | None
    """None while the assignment is still to be made."""
    student: str
    """The LMS's id."""
    grader: Matched | None
    """None if no grader is asked for, or not a teacher of the section."""
    asked: SubmissionFields
    """With our id of the grader, and without what is left out."""
    left_out: tuple[str, ...] = ()
    """The fields that were asked for beside a grade, but that the LMS has no place for."""

    @property
    def lms_id(self) -> str:
        """The LMS's id of the assignment, which is made."""
        assert self.record is not None
        return self.record.lms_id

    @property
    def grader_is_known(self) -> bool:
        """Whether the grader, if one is asked for, is a teacher of the section."""
        return self.asked.grader_id is None or self.grader is not None

    @property
    def fields(self) -> SubmissionFields:
        """The fields with the LMS's id of the grader."""
        return replace(self.asked, grader_id=None if self.grader is None else self.grader.lms_id)


def target(
    section: SectionAtLms,
    record: AssignmentRecord | None,
    members: Members,
    user_id: str,
    asked: SubmissionFields,
) -> SubmissionTarget:
    """What a change is about, whose student and grader are among `members`. Raises `Refusal`: row 14."""
    student = lookup.student(members, user_id)
    grader = lookup.grader(members, asked.grader_id)
    capabilities = section.connector.capabilities
    kept = _storable(asked, capabilities)
    left_out = () if kept is asked else ("grade_comment",)
    if kept.grade_comment is not None and not capabilities.adds_comments:
        kept = replace(kept, comment_replaces=True)
    return SubmissionTarget(section, record, student, grader, kept, left_out)


def _storable(asked: SubmissionFields, capabilities: Capabilities) -> SubmissionFields:
    """What is asked, without a comment that would keep a grade out of an LMS that has no comments."""
    gives_grade = asked.grade is not None or asked.grade_points is not None
    if capabilities.comments or not (asked.grade_comment and gives_grade):
        return asked
    return replace(asked, grade_comment=None)


def not_stored(target: SubmissionTarget) -> tuple[str, ...]:
    """The warnings about what is left out of a change."""
    return tuple(f"NOT_STORED_BY_LMS:{name}" for name in target.left_out)


def begun(
    conn: Connection,
    targets: Sequence[tuple[Delivery, SubmissionTarget]],
    lanes: Mapping[str, Sequence[Delivery]],
    now: Instant,
) -> list[SubmissionTarget]:
    """The targets of deliveries that have just begun: now no other of their lanes can leave a comment any more.

    `lanes` is what is unsettled in them. A target says when it was asked for, and which deliveries' comments count as
    its own: those with the same words whose client has not heard that they were delivered, for then it repeats them. If
    an earlier try may have left the comment (of this delivery, one that it repeats, or one that a restored backup does
    not know), it says since when.
    """
    restore = None
    if any(target.asked.grade_comment for _, target in targets):
        restore = restored.find(conn, now)
    timed = [
        (delivery, replace(target, asked=replace(target.asked, asked_at=delivery.created)))
        for delivery, target in targets
    ]
    return [
        _with_marks(delivery, target, lanes[delivery.lane], restore) if target.asked.grade_comment else target
        for delivery, target in timed
    ]


def _with_marks(
    delivery: Delivery, target: SubmissionTarget, lane: Sequence[Delivery], restore: Restored | None
) -> SubmissionTarget:
    repeated = _repeated(delivery, target.asked.grade_comment, lane)
    times = [it.created for it in (*repeated, *([delivery] if delivery.doubt else []))]
    forgotten = None if restore is None else restore.backed_up - CLOCKS_DIFFER_BY
    since = min(
        (*(time - CLOCKS_DIFFER_BY for time in times), *(() if forgotten is None else (forgotten,))),
        default=None,
    )
    marks = (delivery.id, *(earlier.id for earlier in repeated))
    said = replace(target.asked, comment_since=since, comment_forgotten=forgotten, comment_marks=marks)
    return replace(target, asked=said)


def _repeated(delivery: Delivery, words: str | None, lane: Sequence[Delivery]) -> list[Delivery]:
    """The deliveries of a lane that a delivery with these words repeats: never one of the same request."""
    return [
        earlier
        for earlier in lane
        if earlier.id != delivery.id
        and _is_unheard_of(earlier)
        and (earlier.request_id, earlier.created) != (delivery.request_id or "", delivery.created)
        and earlier.fields(SubmissionFields).grade_comment == words
    ]


def may_be_heard_of(delivery: Delivery, lane: Sequence[Delivery], now: Instant) -> bool:
    """Whether the answer about the same words may just have gone, so that they are no repeat in a moment.

    Only among several processes: one alone records that it has gone before the next request begins.
    """
    if delivery.operation != "update_submission" or "grade_comment" not in delivery.content:
        return False
    words = delivery.fields(SubmissionFields).grade_comment
    return bool(words) and any(
        earlier.state == "delivered" and abs(now - (earlier.finished or 0)) < HEARD_WITHIN
        for earlier in _repeated(delivery, words, lane)
    )


def any_may_be_heard_of(conn: Connection, group: Sequence[Delivery], now: Instant) -> bool:
    """Whether `may_be_heard_of` is so for any."""
    lanes = delivery_lanes.unsettled_in(conn, {it.lane for it in group if "grade_comment" in it.content})
    return any(may_be_heard_of(it, lanes.get(it.lane, ()), now) for it in group)


def _is_unheard_of(delivery: Delivery) -> bool:
    """Whether a delivery may have taken effect without its client having heard so.

    What waits in the background is promised, so a client that asks for the same again means it.
    """
    if delivery.state == "delivered":
        return delivery.unacknowledged
    return (
        delivery.doubt
        and delivery.state != "refused"
        and (delivery.unacknowledged or delivery.state not in OPEN)
    )


def targets_of(
    gateway: Gateway, conn: Connection, group: Sequence[Delivery]
) -> tuple[SectionAtLms, str, list[SubmissionTarget | errors.Refusal]]:
    """Section, assignment (the LMS's id) and targets of begun deliveries from the ledger, all about one assignment.

    Raises `Refusal` for what concerns all, and `NotMadeYet`.
    """
    first = group[0]
    assert first.section_id is not None
    assert first.assignment_id is not None
    asked = [delivery.fields(SubmissionFields) for delivery in group]
    section, record, members = lookup.assignment_and_members(
        gateway,
        conn,
        first.district_id,
        first.section_id,
        first.assignment_id,
        [*(it.user_id for it in group), *(it.grader_id for it in asked)],
    )
    found: list[SubmissionTarget | errors.Refusal] = []
    for delivery, fields in zip(group, asked, strict=True):
        assert delivery.user_id is not None
        try:
            one = target(section, record, members, delivery.user_id, fields)
            lookup.require_grader_matched(members, one.asked.grader_id)
        except errors.Refusal as refusal:
            found.append(refusal)
        else:
            found.append(one)
    sound = [(it, one) for it, one in zip(group, found, strict=True) if isinstance(one, SubmissionTarget)]
    lanes = delivery_lanes.unsettled_in(conn, {it.lane for it, one in sound if one.asked.grade_comment})
    ready = iter(begun(conn, sound, lanes, gateway.clock()))
    return section, record.lms_id, [it if isinstance(it, errors.Refusal) else next(ready) for it in found]


async def change(target: SubmissionTarget) -> Submission:
    """Let the LMS change one submission. Raises `Refusal` and `LmsError`."""
    if not target.grader_is_known:
        # The assignment and the student come before the grader in the order of checks, and only the LMS
        # knows whether they still exist.
        await read(target.section, target.lms_id, target.student)
        raise unknown_grader(target)
    section = target.section
    return await section.connector.update_submission(
        section.lms_id, target.lms_id, target.student, target.fields
    )


async def change_all(
    section: SectionAtLms, lms_id: str, targets: Sequence[SubmissionTarget]
) -> list[Submission | Exception]:
    """Let the LMS change submissions of one assignment, each judged as if it were alone; the outcomes in order.

    Raises `LmsError` for what concerns all.
    """
    # For the others only the LMS knows whether the student, who comes before the grader, is assigned.
    doubtful = [target.student for target in targets if not target.grader_is_known]
    known: Mapping[str, Submission] = {}
    if doubtful:
        known = await section.connector.read_submissions(section.lms_id, lms_id, doubtful)
    changes = [(target.student, target.fields) for target in targets if target.grader_is_known]
    outcomes = await section.connector.update_submissions(section.lms_id, lms_id, changes) if changes else []
    for outcome in outcomes:
        if isinstance(outcome, Gone) and outcome.thing in ("section", "assignment"):
            raise outcome  # it is so for all
    answers = iter(outcomes)
    return [next(answers) if target.grader_is_known else refused(target, known) for target in targets]


def refused(target: SubmissionTarget, assigned: Mapping[str, Submission]) -> errors.Refusal:
    """Why a change with an unknown grader is refused, by the submissions of students who are assigned."""
    return unknown_grader(target) if target.student in assigned else errors.user_not_found()


def unknown_grader(target: SubmissionTarget) -> errors.Refusal:
    """Row 9."""
    return errors.grader_not_found(target.asked.grader_id or "")


async def read(section: SectionAtLms, lms_id: str, student: str) -> Submission:
    """The student's submission of an assignment (by the LMS's id) as the LMS has it. Raises `Gone`."""
    found = await section.connector.read_submissions(section.lms_id, lms_id, [student])
    if student not in found:
        raise Gone("student")
    return found[student]


class Done(Struct, frozen=True):
    """A change that the LMS has made, now or after the backup."""

    target: SubmissionTarget
    held: Submission
    """The submission as the LMS has it since."""


def unknown_graders(ended: Sequence[Done | Exception]) -> set[str]:
    """The LMS's ids of the teachers who graded, as far as they have to be looked up."""
    return {
        one.held.grader_id
        for one in ended
        if isinstance(one, Done)
        and one.held.grader_id is not None
        and (one.target.grader is None or one.target.grader.lms_id != one.held.grader_id)
    }


async def grader_id_of(gateway: Gateway, district_id: str, held: Submission) -> str | None:
    """Our id of the teacher who graded a submission."""
    grader = held.grader_id
    if grader is None:
        return None
    return (await gateway.database.read(lambda conn: roster.ids_of(conn, district_id, [grader]))).get(grader)


def delivered(
    group: Sequence[Delivery], ended: Sequence[Done | Exception], user_ids: Mapping[str, str]
) -> list[Delivered | Exception]:
    """The outcomes of changes that have ended so; `user_ids` gives our ids of `unknown_graders`."""
    return [
        _delivered(delivery, one.target, one.held, user_ids) if isinstance(one, Done) else one
        for delivery, one in zip(group, ended, strict=True)
    ]


def _delivered(
    delivery: Delivery, target: SubmissionTarget, held: Submission, user_ids: Mapping[str, str]
) -> Delivered:
    assert delivery.assignment_id is not None
    assert delivery.user_id is not None
    grader = target.grader
    if grader is not None and grader.lms_id == held.grader_id:
        grader_id: str | None = grader.user_id
    else:
        grader_id = user_ids.get(held.grader_id or "")
    shown = present.submission(held, delivery.assignment_id, delivery.user_id, grader_id)
    own = _warnings(target.asked, target.section.connector.capabilities, held)
    # What was left out when the delivery was accepted is not left out again; what came before this rule is.
    warnings = dict.fromkeys((*delivery.warnings, *not_stored(target), *own))
    return Delivered(encode(shown), tuple(warnings))


def _warnings(asked: SubmissionFields, capabilities: Capabilities, held: Submission) -> list[str]:
    codes = [
        f"NOT_STORED_BY_LMS:flags.{flag}"
        for flag in sorted(asked.flags or ())
        if flag in capabilities.not_stored_flags and flag not in held.flags
    ]
    if asked.grade and asked.grade_points is not None and not same_grade(asked.grade, held.grade or ""):
        codes.append("GRADE_FROM_POINTS")
    return [*codes, *held.warnings]
