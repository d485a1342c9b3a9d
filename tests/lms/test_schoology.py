"""The connector to Schoology: its own rows, beside the suite that all connectors pass."""

from __future__ import annotations

import contextlib
import hashlib
import socketserver
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from lms_support import ESSAY, Lms
from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY, HOUR
from passback.domain.submission import SubmissionFields
from passback.lms.client import Reply
from passback.lms.connector import Gone, LmsError, NotAllowed, Refused, Unavailable, Unsupported
from passback.lms.schoology import KIND, dates, errors
from passback.sandbox.simulators.schoology import seed
from passback.sandbox.simulators.schoology.simulator import SchoologySimulator
from schoology_connector_support import schoology
from support import NOW


@pytest.fixture
def lms() -> Iterator[Lms]:
    with schoology() as served:
        yield served


def simulator(lms: Lms) -> SchoologySimulator:
    assert isinstance(lms.served.simulator, SchoologySimulator)
    return lms.served.simulator


def record(lms: Lms, lms_id: str) -> dict[str, Any]:
    """A grade item as Schoology holds it."""
    return simulator(lms).records.get("grade_items", lms_id.rpartition("/")[2]) or {}


def item(lms_id: str) -> int:
    return int(lms_id.rpartition("/")[2])


# What Schoology answers, row by row (docs/lms/schoology.md).


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, "Assignment not found", Gone("assignment")),
        (404, "", Gone("assignment")),
        (400, "The grading scale is not valid for that course section", Refused("INVALID_GRADE_SETUP", "the section's grading scale, period or category has changed: try again")),
        (400, "The grade is not valid", Refused("INVALID_GRADE", "Schoology does not take the grade")),
        (400, "due is not valid", Refused("INVALID_DUE_DATE", "Schoology does not take the due date")),
        (400, "max_points is not valid", Refused("INVALID_POINTS", "Schoology does not take the points")),
        (400, "title is required", Refused("INVALID_TITLE", "Schoology does not take the title")),
        (400, "The file 9 is not a valid upload", Refused("INVALID_ATTACHMENT", "Schoology does not take the file")),
        (400, "", Refused("REFUSED_BY_LMS", "Schoology does not take the values")),
        (409, "There is an open draft", Refused("DRAFT_OPEN", "the student has an open draft in Schoology, or the thing is there already")),
    ],
)  # fmt: skip
def test_what_schoology_says_is_told_as(status: int, body: str, error: LmsError) -> None:
    told = errors.refusal(Reply(status, {}, body.encode()), "assignment")
    assert (type(told), str(told)) == (type(error), str(error))


@pytest.mark.parametrize(
    ("status", "body", "broken"),
    [
        (401, 'The consumer_key "a" token "b" combination does not exist or is not enabled.', True),
        (401, "", True),
        (403, "", False),
    ],
)
def test_missing_rights_are_the_districts_to_mend(status: int, body: str, broken: bool) -> None:
    told = errors.refusal(Reply(status, {}, body.encode()), "assignment")
    assert isinstance(told, NotAllowed)
    assert told.credentials is broken


@pytest.mark.parametrize("status", [401, 405, 415, 418])
def test_what_is_our_own_fault_or_nobodys_is_unavailable(status: int) -> None:
    body = b"Duplicate timestamp/nonce combination, possible replay attack.  Request rejected."
    told = errors.refusal(Reply(status, {}, body), "assignment")
    assert type(told) is Unavailable


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (404, "The enrollment does not exist", Gone("student")),
        (404, "The assignment does not exist", Gone("assignment")),
        (400, "The enrollment is not assigned to this item", Gone("student")),
        (400, "The grade is not valid for the grading scale", Refused("INVALID_GRADE", "Schoology does not take the grade")),
        (403, "", NotAllowed("the connection lacks the right to grade in Schoology")),
        (500, "", Unavailable("it refuses a grade with status 500")),
    ],
)  # fmt: skip
def test_what_it_says_of_one_grade_of_many_is_told_as(status: int, message: str, error: LmsError) -> None:
    told = errors.item_refusal(status, message, "assignment")
    assert (type(told), str(told)) == (type(error), str(error))


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b"7", b'"x"', b"{}", b'{"id":null}', b'{"id":{}}', b"<html>", b""]
)
def test_an_answer_that_is_not_as_expected_is_a_fault_of_the_lms(lms: Lms, body: bytes) -> None:
    assignment = lms.create().lms_id
    real = simulator(lms).answer

    async def odd(request: Any) -> Any:
        reply = await real(request)
        return replace(reply, body=body) if reply.status in (200, 201) else reply

    simulator(lms).answer = odd  # type: ignore[method-assign]
    with pytest.raises(LmsError):
        lms.assignment(assignment)
    with pytest.raises(LmsError):
        lms.create()


# Signing.


@pytest.mark.parametrize("method", ["HMAC-SHA1", "PLAINTEXT"])
def test_requests_are_signed(method: str) -> None:
    with schoology(signature_method=method) as lms:
        assert lms.assignment(lms.create().lms_id).title == "Essay"


@pytest.mark.parametrize(
    ("method", "taken"), [("PLAINTEXT-BARE", True), ("PLAINTEXT", False), ("HMAC-SHA1", True)]
)
def test_a_host_that_takes_plaintext_only_in_its_own_spelling(method: str, taken: bool) -> None:
    with schoology(signature_method=method) as lms:
        lms.set(plaintext_literal_only=True)
        with contextlib.nullcontext() if taken else pytest.raises(Unavailable):
            lms.create()


def test_timestamps_do_not_go_back_with_the_clock(lms: Lms) -> None:
    lms.set(timestamp_skew_seconds=0)
    created = lms.create()
    lms.clock.advance(hours=-1)
    assert lms.assignment(created.lms_id) == created


def test_a_redirect_is_signed_anew(lms: Lms) -> None:
    findings = lms.run(lms.connector.check())  # users/me leads to the user by 303
    assert findings[0].what == f"Schoology takes the key (user {seed.ADMIN_UID})"


# Due dates.


@pytest.mark.parametrize(
    ("zone", "when", "text"),
    [
        ("America/New_York", 1_935_457_200_000, "2031-05-01 23:00:00"),
        ("Asia/Kathmandu", 1_935_457_200_000, "2031-05-02 08:45:00"),
        ("UTC", 1_935_457_200_999, "2031-05-02 03:00:00"),
    ],
)
def test_a_due_date_is_the_time_on_the_wall(zone: str, when: int, text: str) -> None:
    assert dates.written(when, zone) == text
    assert dates.instant(text, zone) == when // 1000 * 1000


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2031-11-02 01:30:00", 1_951_363_800_000),  # comes twice: the first
        ("2031-03-09 02:30:00", 1_930_807_800_000),  # is left out: 03:30
        ("2031-05-01", 1_935_374_400_000),
        ("2031-05-01 19:00", 1_935_442_800_000),
        ("", None), ("never", None), ("2031-13-01 00:00:00", None),
    ],
)  # fmt: skip
def test_odd_times_on_the_wall(text: str, when: int | None) -> None:
    assert dates.instant(text, "America/New_York") == when


@pytest.mark.parametrize("hours", [0, 1])
def test_both_hours_of_autumn_come_back_as_they_were_sent(lms: Lms, hours: int) -> None:
    due = 1_951_363_800_123 + hours * HOUR
    created = lms.create(due_date=due)
    assert (created.due_date, lms.assignment(created.lms_id).due_date) == (due, due)


def test_a_due_date_that_the_teacher_changes_is_read_in_the_users_zone(lms: Lms) -> None:
    created = lms.create()
    simulator(lms).ui_change_assignment(item(created.lms_id), due=(NOW + 8 * DAY) // 1000)
    assert lms.assignment(created.lms_id).due_date == (NOW + 8 * DAY) // 1000 * 1000


def test_the_zone_may_be_set() -> None:
    with schoology(time_zone="Asia/Tokyo") as lms:
        created = lms.create()
        # The simulator reads what it is sent in the zone of the key's user, who is in New York.
        assert record(lms, created.lms_id)["due"] * 1000 - NOW - 7 * DAY == pytest.approx(14 * HOUR, abs=HOUR)
        assert lms.assignment(created.lms_id).due_date == NOW + 7 * DAY


# What a section consists of.


@pytest.mark.parametrize(("option", "category"), [({}, 4371001), ({"category": "Tests"}, 4371002), ({"category": "None such"}, 4371001)])  # fmt: skip
def test_a_new_assignment_is_given_a_category_and_period(option: dict[str, Any], category: int) -> None:
    with schoology(**option) as lms:
        created = lms.create()
        held = record(lms, created.lms_id)
        assert (held["grading_category"], held["grading_period"], created.category_id) == (
            category, seed.PERIOD_SEMESTER, str(category),
        )  # fmt: skip
        later = lms.create(due_date=NOW + 400 * DAY)
        assert record(lms, later.lms_id)["grading_period"] == seed.PERIOD_YEAR


@pytest.mark.parametrize("can_be_created", [True, False])
def test_a_section_without_categories_is_given_one_where_that_can_be_done(
    lms: Lms, can_be_created: bool
) -> None:
    lms.set(categories_can_be_created=can_be_created)
    created = lms.create(seed.STUDY_HALL)
    assert (created.category_id is not None) is can_be_created


@pytest.mark.parametrize(
    ("kind", "scale", "levels"),
    [
        ("points", 0, 0),
        ("percent", 0, 0),
        ("letter_grade", seed.LETTER_SCALE, 13),
        ("pass_fail", seed.PASS_SCALE, 0),
    ],
)
def test_grading_types_have_their_scales(lms: Lms, kind: str, scale: int, levels: int) -> None:
    created = lms.create(grading_type=kind)
    assert (created.grading_type, len(created.grading_scale), record(lms, created.lms_id)["grading_scale"]) == (
        kind, levels, scale,
    )  # fmt: skip
    assert lms.assignment(created.lms_id) == created


def test_letters_need_a_scale_of_the_section(lms: Lms) -> None:
    with pytest.raises(Refused, match="NO_GRADING_SCALE"):
        lms.create(seed.STUDY_HALL, grading_type="letter_grade")


def test_a_scale_that_the_teacher_chooses_counts(lms: Lms) -> None:
    created = lms.create(grading_type="percent")
    simulator(lms).ui_change_assignment(item(created.lms_id), grading_scale=seed.LETTER_SCALE)
    assert lms.assignment(created.lms_id).grading_type == "letter_grade"


@pytest.mark.parametrize("settings", [
    {"largest_page": 3}, {"largest_page": 3, "next_in_lists": False}, {"single_as_object": True},
    {"http_links": False}, {"total_in_lists": False},
])  # fmt: skip
def test_lists_are_read_to_their_end_whatever_their_form(lms: Lms, settings: dict[str, Any]) -> None:
    lms.set(**settings)
    people = lms.run(lms.connector.read_people(lms.section))
    places = lms.run(lms.connector.read_sections())
    created = lms.create(assignee_mode="individuals", assignee_ids=(lms.students[0],))
    graded = lms.grade(created.lms_id, grade_points=Decimal(3))
    assert (len(people), lms.section in {place.id for place in places}, created.assignee_ids, graded.grade_points) == (
        31, True, (lms.students[0],), Decimal(3),
    )  # fmt: skip


def test_people_have_sis_ids_and_addresses_and_who_left_is_none_of_them(lms: Lms) -> None:
    people = {person.id: person for person in lms.run(lms.connector.read_people(lms.section))}
    first = people[lms.students[0]]
    assert (first.sis_id, first.email, seed.person_lms_id(seed.FORMER_STUDENT) in people) == (
        "student-001001", "ada.abbott@district-5c.example", False,
    )  # fmt: skip


# Assignments.


@pytest.mark.parametrize(
    ("types", "dropbox"), [((), 0), (("file",), 1), (("text", "file"), 1), (("link",), 1)]
)
def test_work_is_taken_by_the_dropbox(lms: Lms, types: tuple[str, ...], dropbox: int) -> None:
    created = lms.create(submission_types=types)
    assert (record(lms, created.lms_id)["allow_dropbox"], created.submission_types) == (dropbox, types)


def test_what_schoology_has_no_place_for_is_kept(lms: Lms) -> None:
    created = lms.create(
        start_date=NOW, display_date=NOW + DAY, end_date=NOW + 9 * DAY, max_attempts=2, term_id="t"
    )
    lms.change(created.lms_id, title="Other")
    held = lms.assignment(created.lms_id)
    assert (held.title, held.start_date, held.display_date, held.end_date, held.max_attempts, held.term_id) == (
        "Other", NOW, NOW + DAY, NOW + 9 * DAY, 2, "t",
    )  # fmt: skip


def test_assignees_are_sent_by_their_enrollments(lms: Lms) -> None:
    created = lms.create(assignee_mode="individuals", assignee_ids=tuple(lms.students[:2]))
    wanted = [int(seed.enrollment_lms_id("000007", digits)) for digits in ("001001", "001002")]
    assert record(lms, created.lms_id)["assignees"] == wanted
    assert lms.change(created.lms_id, assignee_mode="all").assignee_mode == "all"


def test_a_group_is_its_members(lms: Lms) -> None:
    created = lms.create()
    simulator(lms).ui_change_assignment(item(created.lms_id), grading_group_ids=[seed.GRADING_GROUP])
    held = lms.assignment(created.lms_id)
    assert (held.assignee_mode, held.assignee_ids) == ("individuals", tuple(lms.students[:5]))


def test_assignees_of_another_section_are_refused_and_nothing_is_made(lms: Lms) -> None:
    with pytest.raises(Refused, match="INVALID_ASSIGNEES"):
        lms.create(assignee_mode="individuals", assignee_ids=(lms.other_student,))
    assert not [it for it in lms.calls() if it.startswith("POST")]


def test_assignees_that_schoology_drops_silently_do_not_make_it_everyones(lms: Lms) -> None:
    lms.create()  # now the enrollments are remembered
    lms.unenroll(lms.students[0])
    with pytest.raises(Refused, match="INVALID_ASSIGNEES"):
        lms.create(assignee_mode="individuals", assignee_ids=(lms.students[0],))
    assert len(simulator(lms).records.all("grade_items")) == 1


def test_attachments_that_stay_keep_their_ids(lms: Lms) -> None:
    first = Attachment("link", url="https://app.example/a", title="A", description="Read")
    second = Attachment("file", url="https://app.example/b.pdf", title="B")
    created = lms.create(attachments=(first,))
    ids = [it["id"] for it in record(lms, created.lms_id)["attachments"]]
    changed = lms.change(created.lms_id, attachments=(first, second))
    assert (created.attachments, changed.attachments) == ((first,), (first, second))
    assert record(lms, created.lms_id)["attachments"][0]["id"] == ids[0]
    assert lms.change(created.lms_id, attachments=()).attachments == ()


def test_a_discussion_is_graded_by_its_grade_item(lms: Lms) -> None:
    created = lms.create(submission_types=("discussion",))
    assert (created.lms_id.startswith("discussion/"), created.submission_types) == (True, ("discussion",))
    assert lms.grade(created.lms_id, grade_points=Decimal(9)).grade_points == 9
    changed = lms.change(created.lms_id, title="Talk", description="<p>New</p>", due_date=NOW + 9 * DAY)
    assert (changed.title, changed.description, changed.due_date) == ("Talk", "<p>New</p>", NOW + 9 * DAY)
    assert lms.run(lms.connector.read_assignments(lms.section, [created.lms_id])) == {created.lms_id: changed}
    lms.run(lms.connector.delete_assignment(lms.section, created.lms_id))
    with pytest.raises(Gone, match="assignment"):
        lms.assignment(created.lms_id)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"submission_types": ("discussion", "file")}, Refused, "INVALID_SUBMISSION_TYPES"),
        ({"submission_types": ("discussion",), "assignee_mode": "individuals", "assignee_ids": ("1",)}, Refused, "INVALID_ASSIGNEES"),
    ],
)  # fmt: skip
def test_what_a_discussion_cannot_be(
    lms: Lms, changes: dict[str, Any], error: type[LmsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        lms.create(**changes)


def test_an_assignment_does_not_become_a_discussion(lms: Lms) -> None:
    created = lms.create()
    with pytest.raises(Unsupported, match="does not support changing between assignment and discussion"):
        lms.change(created.lms_id, submission_types=("discussion",))


def test_many_are_read_by_lists(lms: Lms) -> None:
    created = [lms.create(title=f"Essay {number}") for number in range(5)]
    created.append(lms.create(submission_types=("discussion",)))
    lms.calls()
    found = lms.run(lms.connector.read_assignments(lms.section, [it.lms_id for it in created]))
    assert (list(found.values()), len(lms.calls())) == (created, 2)


def test_an_id_that_is_none_of_ours_is_gone(lms: Lms) -> None:
    for lms_id in ("", "7", "test/7", "assignment/7/8"):
        with pytest.raises(Gone, match="assignment"):
            lms.assignment(lms_id)


def test_a_creation_without_an_answer_is_in_doubt_and_found(lms: Lms) -> None:
    lms.set(create_returns_body=False)
    with pytest.raises(Unavailable) as caught:
        lms.create(attachments=(Attachment("link", url="https://app.example/a"),))
    fields = replace(ESSAY, attachments=(Attachment("link", url="https://app.example/a"),))
    found = lms.run(lms.connector.find_assignment(lms.section, fields, "mark", NOW, ()))
    assert (caught.value.in_doubt, found is not None and found.attachments) == (True, fields.attachments)


def test_what_was_there_before_is_not_taken_for_what_was_created(lms: Lms) -> None:
    older, newer = lms.create(), lms.create(title="Another")
    known = {newer.lms_id}
    assert lms.run(lms.connector.find_assignment(lms.section, ESSAY, "mark", NOW, known)) is None
    assert lms.run(lms.connector.find_assignment(lms.section, ESSAY, "mark", NOW, {older.lms_id})) is None


# Grades.


@pytest.mark.parametrize(
    ("kind", "grade_text", "points", "shown"),
    [
        ("percent", "85%", 17, "85%"), ("pass_fail", "pass", 20, "pass"), ("pass_fail", "fail", 0, "fail"),
        ("letter_grade", "A-", 18, "A-"), ("letter_grade", "A+", Decimal("19.4"), "A+"),
        ("points", "7.5", Decimal("7.5"), "7.5"),
    ],
)  # fmt: skip
def test_grades_in_words(lms: Lms, kind: str, grade_text: str, points: Decimal, shown: str) -> None:
    assignment = lms.create(grading_type=kind).lms_id
    changed = lms.grade(assignment, grade=grade_text)
    assert (changed.grade_points, changed.grade, changed.state) == (points, shown, "returned")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("points", {"grade": "A"}), ("percent", {"grade": "85"}), ("letter_grade", {"grade": "Z"}),
        ("pass_fail", {"grade": "perhaps"}), ("points", {"grade": "5", "flags": frozenset({"excused"})}),
    ],
)  # fmt: skip
def test_what_is_no_grade_is_refused_before_anything_is_sent(
    lms: Lms, kind: str, fields: dict[str, Any]
) -> None:
    assignment = lms.create(grading_type=kind).lms_id
    lms.calls()
    with pytest.raises(Refused, match="INVALID_GRADE"):
        lms.grade(assignment, **fields)
    assert not [it for it in lms.calls() if it.startswith("PUT")]


def test_a_grade_is_taken_away(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(5))
    taken = lms.grade(assignment, grade="")
    assert (taken.grade_points, taken.grade, taken.state) == (None, None, "created")


def test_a_grade_is_given_as_the_teacher_who_is_named(lms: Lms) -> None:
    assignment = lms.create().lms_id
    seen = []
    real = simulator(lms).answer

    async def watch(request: Any) -> Any:
        if request.method == "PUT":
            seen.append(request.headers.get("x-schoology-run-as"))
        return await real(request)

    simulator(lms).answer = watch  # type: ignore[method-assign]
    changed = lms.grade(assignment, grade_points=Decimal(5), grader_id=lms.teacher)
    assert (seen, changed.grader_id, lms.read(assignment).grader_id) == (
        [lms.teacher],
        lms.teacher,
        lms.teacher,
    )


def test_where_impersonation_is_off_the_key_grades_itself(lms: Lms) -> None:
    lms.set(run_as_allowed=False)
    assignment = lms.create().lms_id
    changed = lms.grade(assignment, grade_points=Decimal(5), grader_id=lms.teacher)
    lms.calls()
    lms.grade(assignment, grade_points=Decimal(6), grader_id=lms.teacher)
    assert (changed.grader_id, sum(it.startswith("PUT") for it in lms.calls())) == (lms.teacher, 1)


def test_a_comment_is_replaced_and_taken_away(lms: Lms) -> None:
    assignment = lms.create().lms_id
    comments = [lms.grade(assignment, grade_comment=words).grade_comment for words in ("Good", "Better", "")]
    assert comments == ["Good", "Better", None]


@pytest.mark.parametrize(("write", "flags"), [("yes", ("missing",)), ("no", ())])
def test_missing_work_is_told_only_where_that_is_wanted(write: str, flags: tuple[str, ...]) -> None:
    with schoology(write_missing=write) as lms:
        assignment = lms.create().lms_id
        assert lms.grade(assignment, flags=frozenset({"missing"})).flags == flags
        assert lms.grade(assignment, flags=frozenset()).flags == ()


def test_an_incomplete_is_neither_excused_nor_graded(lms: Lms) -> None:
    assignment = lms.create().lms_id
    simulator(lms).ui_grade(item(assignment), lms.students[0], exception=2)
    held = lms.read(assignment)
    assert (held.state, held.flags, held.grade_points) == ("created", (), None)
    assert lms.grade(assignment, grade_points=Decimal(4)).grade_points == 4


def test_a_grade_takes_an_excuse_away(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, flags=frozenset({"excused"}))
    graded = lms.grade(assignment, grade_points=Decimal(4))
    assert (graded.flags, graded.grade_points) == ((), Decimal(4))
    assert lms.grade(assignment, flags=frozenset()).grade_points == 4  # nothing is lifted that is not there


def test_taking_a_grade_away_leaves_an_excuse(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, flags=frozenset({"excused"}))
    assert lms.grade(assignment, grade="").flags == ("excused",)
    assert lms.grade(assignment, grade="", flags=frozenset({"excused"})).flags == ("excused",)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_dates_at_the_end_of_time(zone: str) -> None:
    far = 253_402_300_799_000  # 9999-12-31T23:59:59Z
    if zone == "Asia/Tokyo":
        with pytest.raises(Refused, match="INVALID_DUE_DATE"):
            dates.written(far, zone)
    else:
        assert dates.instant(dates.written(far, zone), zone) == far
        assert dates.instant("9999-12-31 23:59:59", zone) is None


@pytest.mark.parametrize(("allowed", "as_herself"), [(["School Admin"], 0), (["School Admin", "Teacher"], 2)])
def test_whom_the_key_may_not_impersonate_is_remembered(
    lms: Lms, allowed: list[str], as_herself: int
) -> None:
    lms.set(run_as_roles=allowed)
    assignment = lms.create().lms_id
    acting = []
    real = simulator(lms).answer

    async def watch(request: Any) -> Any:
        reply = await real(request)
        if request.method == "PUT" and reply.status == 207:
            acting.append(request.headers.get("x-schoology-run-as"))
        return reply

    simulator(lms).answer = watch  # type: ignore[method-assign]
    for points in (5, 6):
        changed = lms.grade(assignment, grade_points=Decimal(points), grader_id=lms.teacher)
        assert (changed.grade_points, changed.grader_id) == (Decimal(points), lms.teacher)
    assert len([it for it in acting if it == lms.teacher]) == as_herself


def test_where_the_read_back_fails_each_ones_outcome_is_that(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.served.fail("error-before", method="GET", path="grades", times=None)
    changes = [(student, SubmissionFields(grade_points=Decimal(5))) for student in lms.students[:2]]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    lms.served.control("DELETE", "faults")
    assert lms.read(assignment).grade_points == 5


def test_grades_that_schoology_hides_are_not_returned(lms: Lms) -> None:
    assignment = lms.create().lms_id
    simulator(lms).ui_change_assignment(item(assignment), auto_publish_grades=0)
    assert lms.grade(assignment, grade_points=Decimal(4)).state == "submitted"
    with pytest.raises(Refused, match="NOT_POSTED"):
        lms.grade(assignment, state="returned")


def test_many_grades_go_by_fifties(lms: Lms) -> None:
    for number in range(90):
        simulator(lms).ui_enroll(lms.section, _new_user(lms, number))
    assignment = lms.create().lms_id
    students = [*lms.students, *(f"1490{number:05}" for number in range(90))]
    changes = [
        (student, SubmissionFields(grade_points=Decimal(number))) for number, student in enumerate(students)
    ]
    lms.run(lms.connector.update_submissions(lms.section, assignment, changes[:1]))
    lms.calls()
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert [outcome.grade_points for outcome in outcomes if not isinstance(outcome, LmsError)] == [
        Decimal(number) for number in range(120)
    ]
    made = lms.calls()
    assert (sum(it.startswith("PUT") for it in made), len(made)) == (3, 4)


def _new_user(lms: Lms, number: int) -> str:
    uid = f"1490{number:05}"
    known = simulator(lms).records.get("users", lms.students[0]) or {}
    simulator(lms).records.put("users", uid, known | {"uid": uid, "school_uid": ""})
    return uid


@pytest.mark.parametrize("status", [200, 204, 207])
def test_each_ones_outcome_is_told_also_where_the_answer_has_none(lms: Lms, status: int) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.set(bulk_grades_status=status)
    lms.unenroll(lms.students[1])
    changes = [(student, SubmissionFields(grade_points=Decimal(5))) for student in lms.students[:3]]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert [str(it) if isinstance(it, LmsError) else it.grade_points for it in outcomes] == [5, "student", 5]


def test_an_assignment_that_is_deleted_while_many_are_graded(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.delete(assignment)
    changes = [(student, SubmissionFields(grade_points=Decimal(5))) for student in lms.students[:3]]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert [str(outcome) for outcome in outcomes] == ["assignment"] * 3


def test_a_grade_costs_two_calls_without_a_dropbox(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.calls()
    lms.grade(assignment, grade_points=Decimal(2))
    assert len(lms.calls()) == 2


def test_a_section_that_is_over_cannot_be_written_to(lms: Lms) -> None:
    with pytest.raises(NotAllowed):
        lms.create(seed.PAST_SECTION)


# Work.


TEXT = Attachment("text", text="My essay")


def test_work_that_a_student_hands_in_herself_is_shown(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    simulator(lms).ui_submit(item(assignment), lms.students[0], "Draft", draft=True)
    assert lms.read(assignment).state == "created"
    lms.clock.advance(days=8)
    simulator(lms).ui_submit(item(assignment), lms.students[0], "Mine")
    held = lms.read(assignment)
    assert (held.state, held.flags, [it.type for it in held.attachments]) == (
        "submitted",
        ("late",),
        ["file"],
    )


def test_who_has_handed_nothing_in_when_it_was_due_misses_it(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    lms.clock.advance(days=8)
    assert lms.read(assignment).flags == ("missing",)


@pytest.mark.parametrize("fault", ["error-after", "timeout-after", "dropped-after", "malformed"])
def test_work_is_never_handed_in_twice(lms: Lms, fault: str) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    lms.served.fail(fault, method="POST", path="create$")
    changed = lms.grade(assignment, state="submitted", attachments=(TEXT,))
    assert (changed.state, changed.attachments, len(simulator(lms).records.all("revisions"))) == (
        "submitted", (TEXT,), 1,
    )  # fmt: skip


def test_work_that_did_not_arrive_is_not_handed_in(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    lms.served.fail("error-before", method="POST", path="create$")
    with pytest.raises(Unavailable):
        lms.grade(assignment, state="submitted", attachments=(TEXT,))
    assert lms.read(assignment).state == "created"


def test_new_work_after_a_grade_is_submitted_again(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    lms.grade(assignment, state="submitted", attachments=(TEXT,))
    lms.clock.advance(hours=1)
    assert lms.grade(assignment, grade_points=Decimal(3), state="returned").state == "returned"
    lms.clock.advance(hours=1)
    again = lms.grade(assignment, state="submitted", attachments=(Attachment("text", text="Better"),))
    assert (again.state, again.grade_points, again.attachments[0].text) == ("submitted", Decimal(3), "Better")


@pytest.mark.parametrize(
    ("created", "fields", "error", "words"),
    [
        ({"submission_types": ("text",)}, {"attachments": (Attachment("link", url="https://a.example"),)}, Unsupported, "^Schoology does not support submission type of link$"),
        ({"submission_types": ("text",)}, {"attachments": (TEXT, Attachment("file", url="https://a.example/b"))}, Refused, "INVALID_ATTACHMENT"),
        ({"submission_types": ("text",)}, {"attachments": ()}, Refused, "INVALID_ATTACHMENT"),
        ({}, {"attachments": (TEXT,)}, Refused, "NO_SUBMISSIONS"),
        ({"submission_types": ("discussion",)}, {"attachments": (TEXT,)}, Refused, "NO_SUBMISSIONS"),
    ],
)  # fmt: skip
def test_what_cannot_be_handed_in(lms: Lms, created: dict[str, Any], fields: dict[str, Any], error: type[LmsError], words: str) -> None:  # fmt: skip
    assignment = lms.create(**created).lms_id
    with pytest.raises(error, match=words):
        lms.grade(assignment, state="submitted", **fields)


def test_states_that_cannot_be_reached(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    with pytest.raises(Refused, match="INVALID_STATE: Schoology returns work only with a grade"):
        lms.grade(assignment, state="returned")
    with pytest.raises(Refused, match="INVALID_STATE: a submission cannot go from created to reclaimed"):
        lms.grade(assignment, state="reclaimed")
    lms.grade(assignment, state="submitted", attachments=(TEXT,))
    with pytest.raises(Unsupported, match="state of reclaimed"):
        lms.grade(assignment, state="reclaimed")


def test_a_closed_dropbox_and_used_up_attempts(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",), max_attempts=1).lms_id
    lms.grade(assignment, state="submitted", attachments=(TEXT,))
    with pytest.raises(Refused, match="NO_ATTEMPTS_LEFT"):
        lms.grade(assignment, attachments=(Attachment("text", text="Again"),))
    other = lms.create(submission_types=("text",)).lms_id
    simulator(lms).ui_change_assignment(item(other), dropbox_locked=1)
    with pytest.raises(Refused, match="ASSIGNMENT_LOCKED"):
        lms.grade(other, state="submitted", attachments=(TEXT,))


def test_an_open_draft_stands_in_the_way_of_files(lms: Lms) -> None:
    assignment = lms.create(submission_types=("file",)).lms_id
    simulator(lms).ui_submit(item(assignment), lms.students[0], "Draft", draft=True)
    with files() as url, lms.another(private_files="yes") as connector:
        fields = SubmissionFields(state="submitted", attachments=(Attachment("file", url=f"{url}/a.pdf"),))
        with pytest.raises(Refused, match="DRAFT_OPEN"):
            lms.run(connector.update_submission(lms.section, assignment, lms.students[0], fields))


def test_a_student_who_has_not_signed_in_or_took_it_back(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    simulator(lms).ui_revoke_token(seed.student_token("001001")[0])
    with pytest.raises(Refused, match="STUDENT_NOT_SIGNED_IN"):
        lms.grade(assignment, state="submitted", attachments=(TEXT,))
    given = {"consumer_key": seed.CONSUMER_KEY, "consumer_secret": seed.CONSUMER_SECRET}
    fields = SubmissionFields(state="submitted", attachments=(TEXT,))
    with lms.another(given) as connector, pytest.raises(Refused, match="STUDENT_NOT_SIGNED_IN"):
        lms.run(connector.update_submission(lms.section, assignment, lms.students[1], fields))


def test_a_student_may_be_impersonated_where_the_district_lets_us(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    fields = SubmissionFields(state="submitted", attachments=(TEXT,))
    given = {"consumer_key": seed.CONSUMER_KEY, "consumer_secret": seed.CONSUMER_SECRET}
    with lms.another(given, student_run_as="yes") as connector:
        with pytest.raises(Refused, match="STUDENT_NOT_SIGNED_IN"):
            lms.run(connector.update_submission(lms.section, assignment, lms.students[0], fields))
        lms.set(student_run_as=True)
        done = lms.run(connector.update_submission(lms.section, assignment, lms.students[0], fields))
    assert (done.state, done.attachments) == ("submitted", (TEXT,))


class _Files(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/a.pdf")
            self.end_headers()
            return
        self.send_response(200 if self.path == "/a.pdf" else 404)
        self.send_header("Content-Type", "application/pdf")
        self.end_headers()
        self.wfile.write(b"%PDF essay")

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def files() -> Iterator[str]:
    """A server that has one file, on loopback."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("path", ["/a.pdf", "/away"])
def test_a_file_is_fetched_and_uploaded_as_the_student(lms: Lms, path: str) -> None:
    assignment = lms.create(submission_types=("file",)).lms_id
    with files() as url, lms.another(private_files="yes") as connector:
        work = (Attachment("file", url=url + path, title="essay.pdf"),)
        fields = SubmissionFields(state="submitted", attachments=work)
        done = lms.run(connector.update_submission(lms.section, assignment, lms.students[0], fields))
    (kept,) = simulator(lms).records.all("files")
    assert (done.state, done.attachments) == ("submitted", work)
    assert (kept["filename"], kept["filemime"], kept["uid"], kept["md5_checksum"]) == (
        "essay.pdf", "application/pdf", lms.students[0],
        hashlib.md5(b"%PDF essay", usedforsecurity=False).hexdigest(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("private", "path", "why"),
    [("no", "/a.pdf", "its server is not on the public network"), ("yes", "/none", "its server answers 404")],
)
def test_a_file_that_cannot_be_fetched(lms: Lms, private: str, path: str, why: str) -> None:
    assignment = lms.create(submission_types=("file",)).lms_id
    with files() as url, lms.another(private_files=private) as connector:
        fields = SubmissionFields(state="submitted", attachments=(Attachment("file", url=url + path),))
        with pytest.raises(Refused, match=f"INVALID_ATTACHMENT: the file cannot be fetched: {why}"):
            lms.run(connector.update_submission(lms.section, assignment, lms.students[0], fields))
    assert lms.read(assignment).state == "created"


# Connecting.


def signed_in(lms: Lms, uid: str, given: dict[str, str]) -> dict[str, str]:
    """What signing in with the browser gives."""
    assert KIND.sign_in is not None
    address, callback = f"{lms.served.url}/v1/", "http://127.0.0.1:8765/callback"
    given = {**given, "web_address": lms.served.url}
    page, begun = lms.run(KIND.sign_in.begin(address, given, callback))
    assert httpx2.get(page).status_code == 200
    form = {"oauth_token": begun["token"], "oauth_callback": callback, "uid": uid, "allow": "1"}
    back = httpx2.post(f"{lms.served.url}/oauth/authorize", data=form).headers["location"]
    query = dict(httpx2.URL(back).params)
    return dict(lms.run(KIND.sign_in.finish(address, given, callback, begun, query)))


def test_a_student_signs_in_and_hands_in(lms: Lms) -> None:
    app = {"app_key": seed.APP_KEY, "app_secret": seed.APP_SECRET}
    admin = {"consumer_key": seed.CONSUMER_KEY, "consumer_secret": seed.CONSUMER_SECRET}
    assignment = lms.create(submission_types=("text",)).lms_id
    fresh = signed_in(lms, lms.students[0], app)
    given = {**admin, **app, f"student:{lms.students[0]}": ":".join(fresh.values())}
    with lms.another(given) as connector:
        fields = SubmissionFields(state="submitted", attachments=(TEXT,))
        done = lms.run(connector.update_submission(lms.section, assignment, lms.students[0], fields))
    assert done.state == "submitted"


def test_a_teacher_signs_in_and_grades_her_own_sections(lms: Lms) -> None:
    app = {"consumer_key": seed.APP_KEY, "consumer_secret": seed.APP_SECRET}
    with lms.another({**app, **signed_in(lms, lms.teacher, app)}, run_as="no") as connector:
        created = lms.run(connector.create_assignment(lms.section, ESSAY, "mark"))
        fields = SubmissionFields(grade_points=Decimal(5))
        graded = lms.run(connector.update_submission(lms.section, created.lms_id, lms.students[0], fields))
        with pytest.raises(NotAllowed):
            lms.run(connector.create_assignment(lms.other_section, ESSAY, "mark"))
    assert graded.grade_points == 5


def test_a_sign_in_that_was_not_begun_here_gives_nothing(lms: Lms) -> None:
    assert KIND.sign_in is not None
    begun = {"token": "a", "secret": "b"}
    with pytest.raises(NotAllowed):
        lms.run(KIND.sign_in.finish(f"{lms.served.url}/v1/", {}, "", begun, {"oauth_token": "other"}))


def test_a_key_that_is_refused_breaks_the_connection(lms: Lms) -> None:
    with lms.another({"consumer_key": "x", "consumer_secret": "y"}) as connector:
        with pytest.raises(NotAllowed) as caught:
            lms.run(connector.create_assignment(lms.section, ESSAY, "mark"))
        assert [finding.good for finding in lms.run(connector.check())] == [False]
    assert caught.value.credentials


def test_each_missing_right_is_named_with_its_remedy(lms: Lms) -> None:
    lms.set(run_as_allowed=False)
    bad = [finding for finding in lms.run(lms.connector.check()) if not finding.good]
    assert [(it.what, "Impersonation" in (it.remedy or "")) for it in bad] == [
        ("may not grade as the teacher who is named", True)
    ]


def test_a_zone_that_is_none_is_named(lms: Lms) -> None:
    with lms.another(time_zone="Mars/Olympus") as connector:
        bad = [finding.what for finding in lms.run(connector.check()) if not finding.good]
    assert bad == ["'Mars/Olympus' is no time zone: due dates are written in the user's zone, or UTC"]


def test_the_limit_of_requests_is_kept_to() -> None:
    with schoology(requests_in_5_seconds="8") as lms:
        lms.set(requests_in_5_seconds=8)
        assignment = lms.create().lms_id

        async def read_often() -> None:
            for _ in range(8):
                await lms.connector.read_assignment(lms.section, assignment)

        with pytest.raises(Unavailable, match="it limits us") as caught:
            lms.run(read_often())
        assert (caught.value.in_doubt, 1 <= (caught.value.retry_after or 0) <= 9) == (False, True)


@pytest.mark.parametrize(
    "fields", [AssignmentFields(title="x"), AssignmentFields(points_possible=Decimal("12.25"))]
)
def test_a_change_may_be_repeated(lms: Lms, fields: AssignmentFields) -> None:
    created = lms.create()
    lms.served.fail("error-after", method="PUT")
    changed = lms.run(lms.connector.update_assignment(lms.section, created.lms_id, fields))
    assert changed.points_possible == (fields.points_possible or 20)
