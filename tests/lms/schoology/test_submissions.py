"""The connector to Schoology: grades and work."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socketserver
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from passback.domain.assignment import Attachment
from passback.domain.submission import SubmissionFields
from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable, Unsupported
from passback.lms.schoology import dates
from passback.testing.lms import TEXT, Lms
from passback_simulators.reply import Reply as SimulatedReply
from passback_simulators.schoology import seed
from support.schoology import item, schoology, simulator


@pytest.fixture
def lms() -> Iterator[Lms]:
    with schoology() as served:
        yield served


# Grades.


@pytest.mark.parametrize(("letter", "points"), [("A-", 18), ("A+", Decimal("19.4"))])
def test_a_letter_is_worth_what_the_lms_says(lms: Lms, letter: str, points: Decimal) -> None:
    assignment = lms.create(grading_type="letter_grade").lms_id
    changed = lms.grade(assignment, grade=letter)
    assert (changed.grade_points, changed.grade, changed.state) == (points, letter, "returned")


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
    with pytest.raises(RefusedByLms, match="INVALID_GRADE"):
        lms.grade(assignment, **fields)
    assert not [it for it in lms.calls() if it.startswith("PUT")]


def test_a_share_of_no_points_is_refused(lms: Lms) -> None:
    assignment = lms.create(grading_type="percent", points_possible=Decimal(0)).lms_id
    with pytest.raises(RefusedByLms, match="INVALID_GRADE: the assignment has no points"):
        lms.grade(assignment, grade="85%")


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


def test_a_grader_whose_account_is_deleted_meanwhile_is_unknown(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(5), grader_id=lms.teacher)
    simulator(lms).ui_delete_user(lms.teacher)
    with pytest.raises(Gone, match="grader"):
        lms.grade(assignment, grade_points=Decimal(6), grader_id=lms.teacher)


def swallow(lms: Lms, status: int, body: Any = None) -> None:
    """Have Schoology answer each PUT so, and do nothing."""
    real = simulator(lms).answer

    async def answer(request: Any) -> Any:
        reply = SimulatedReply(status, b"" if body is None else json.dumps(body).encode())
        return reply if request.method == "PUT" else await real(request)

    simulator(lms).answer = answer  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "fields", [{"grade_points": Decimal(6)}, {"grade_comment": "Good"}, {"flags": frozenset({"excused"})}]
)
def test_a_grade_that_is_accepted_and_not_there_is_refused(lms: Lms, fields: dict[str, Any]) -> None:
    assignment = lms.create().lms_id
    [enrollment] = [
        one["id"]
        for one in simulator(lms).records.all("enrollments")
        if one["uid"] == lms.students[0] and one["section_id"] == lms.section
    ]
    swallow(lms, 207, {"grades": {"grade": [{"enrollment_id": enrollment, "response_code": 200}]}})
    with pytest.raises(RefusedByLms, match="INVALID_GRADE: Schoology does not accept the grade"):
        lms.grade(assignment, **fields)


def test_a_grade_of_which_nothing_is_said_and_that_is_not_there_is_in_doubt(lms: Lms) -> None:
    assignment = lms.create().lms_id
    swallow(lms, 204)
    with pytest.raises(Unavailable) as caught:
        lms.grade(assignment, grade_points=Decimal(6))
    assert caught.value.in_doubt


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
        with pytest.raises(RefusedByLms, match="INVALID_DUE_DATE"):
            dates.to_lms(far, zone)
    else:
        assert dates.from_lms(dates.to_lms(far, zone), zone) == far
        assert dates.from_lms("9999-12-31 23:59:59", zone) is None


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
    with lms.another() as fresh:  # the first may be resting now
        found = lms.run(fresh.read_submissions(lms.section, assignment, lms.students[:1]))
    assert [it.grade_points for it in found.values()] == [5]


def test_grades_that_schoology_hides_are_not_returned(lms: Lms) -> None:
    assignment = lms.create().lms_id
    simulator(lms).ui_change_assignment(item(assignment), auto_publish_grades=0)
    assert lms.grade(assignment, grade_points=Decimal(4)).state == "submitted"
    with pytest.raises(RefusedByLms, match="NOT_POSTED"):
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
    with pytest.raises(RefusedByLms, match="SECTION_ENDED"):
        lms.create(seed.PAST_SECTION)


# Work.


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


def test_work_whose_grade_fails_is_not_handed_in_again(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    lms.served.fail("error-before", method="PUT", times=None)
    with pytest.raises(Unavailable):
        lms.grade(assignment, state="submitted", attachments=(TEXT,), grade_points=Decimal(3))
    lms.served.control("DELETE", "faults")
    with lms.another() as fresh:
        change = SubmissionFields(attachments=(TEXT,), grade_points=Decimal(3))
        done = lms.run(fresh.update_submission(lms.section, assignment, lms.students[0], change))
    assert (done.grade_points, len(simulator(lms).records.all("revisions"))) == (Decimal(3), 1)


def test_an_assignment_that_is_deleted_between_a_grade_and_a_flag(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.delete(assignment)
    with pytest.raises(Gone, match="assignment"):
        lms.grade(assignment, flags=frozenset({"excused"}))


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
        ({"submission_types": ("text",)}, {"attachments": (TEXT, Attachment("file", url="https://a.example/b"))}, RefusedByLms, "INVALID_ATTACHMENT"),
        ({"submission_types": ("text",)}, {"attachments": ()}, RefusedByLms, "INVALID_ATTACHMENT"),
        ({}, {"attachments": (TEXT,)}, RefusedByLms, "NO_SUBMISSIONS"),
        ({"submission_types": ("discussion",)}, {"attachments": (TEXT,)}, RefusedByLms, "NO_SUBMISSIONS"),
    ],
)  # fmt: skip
def test_what_cannot_be_handed_in(lms: Lms, created: dict[str, Any], fields: dict[str, Any], error: type[LmsError], words: str) -> None:  # fmt: skip
    assignment = lms.create(**created).lms_id
    with pytest.raises(error, match=words):
        lms.grade(assignment, state="submitted", **fields)


def test_states_that_cannot_be_reached(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    with pytest.raises(RefusedByLms, match="INVALID_STATE: Schoology returns work only with a grade"):
        lms.grade(assignment, state="returned")
    with pytest.raises(RefusedByLms, match="INVALID_STATE: a submission cannot go from created to reclaimed"):
        lms.grade(assignment, state="reclaimed")
    lms.grade(assignment, state="submitted", attachments=(TEXT,))
    with pytest.raises(Unsupported, match="state of reclaimed"):
        lms.grade(assignment, state="reclaimed")


def test_a_closed_dropbox_and_used_up_attempts(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",), max_attempts=1).lms_id
    lms.grade(assignment, state="submitted", attachments=(TEXT,))
    with pytest.raises(RefusedByLms, match="NO_ATTEMPTS_LEFT"):
        lms.grade(assignment, attachments=(Attachment("text", text="Again"),))
    other = lms.create(submission_types=("text",)).lms_id
    simulator(lms).ui_change_assignment(item(other), dropbox_locked=1)
    with pytest.raises(RefusedByLms, match="ASSIGNMENT_LOCKED"):
        lms.grade(other, state="submitted", attachments=(TEXT,))


def test_an_open_draft_stands_in_the_way_of_files(lms: Lms) -> None:
    assignment = lms.create(submission_types=("file",)).lms_id
    simulator(lms).ui_submit(item(assignment), lms.students[0], "Draft", draft=True)
    with files() as url, lms.another(private_files="yes") as connector:
        fields = SubmissionFields(state="submitted", attachments=(Attachment("file", url=f"{url}/a.pdf"),))
        with pytest.raises(RefusedByLms, match="DRAFT_OPEN"):
            lms.run(connector.update_submission(lms.section, assignment, lms.students[0], fields))


def test_a_student_who_has_not_signed_in_or_took_it_back(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    simulator(lms).ui_revoke_token(seed.student_token("001001")[0])
    with pytest.raises(RefusedByLms, match="STUDENT_NOT_SIGNED_IN"):
        lms.grade(assignment, state="submitted", attachments=(TEXT,))
    given = {"consumer_key": seed.CONSUMER_KEY, "consumer_secret": seed.CONSUMER_SECRET}
    fields = SubmissionFields(state="submitted", attachments=(TEXT,))
    with lms.another(given) as connector, pytest.raises(RefusedByLms, match="STUDENT_NOT_SIGNED_IN"):
        lms.run(connector.update_submission(lms.section, assignment, lms.students[1], fields))


def test_a_student_may_be_impersonated_where_the_district_lets_us(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    fields = SubmissionFields(state="submitted", attachments=(TEXT,))
    given = {"consumer_key": seed.CONSUMER_KEY, "consumer_secret": seed.CONSUMER_SECRET}
    with lms.another(given, student_run_as="yes") as connector:
        with pytest.raises(RefusedByLms, match="STUDENT_NOT_SIGNED_IN"):
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
        with pytest.raises(RefusedByLms, match=f"INVALID_ATTACHMENT: the file cannot be fetched: {why}"):
            lms.run(connector.update_submission(lms.section, assignment, lms.students[0], fields))
    assert lms.read(assignment).state == "created"


# What one would not expect.


def test_a_grade_that_waits_for_the_dropbox_comes_with_a_warning(lms: Lms) -> None:
    assignment, student = lms.create(submission_types=("text",)).lms_id, lms.students[0]
    graded = lms.grade(assignment, student, grade_points=Decimal(5))
    assert (graded.warnings, simulator(lms).ui_grade_shown(item(assignment), student)) == (
        ("GRADE_WAITS_FOR_SUBMISSION",), None,
    )  # fmt: skip
    simulator(lms).ui_submit(item(assignment), student, "Draft", draft=True)
    assert lms.grade(assignment, student, grade_points=Decimal(6)).warnings == ("GRADE_WAITS_FOR_SUBMISSION",)
    simulator(lms).ui_submit(item(assignment), student, "My work")
    assert lms.grade(assignment, student, grade_points=Decimal(7)).warnings == ()
    assert simulator(lms).ui_grade_shown(item(assignment), student) == 7


def test_a_grade_that_is_removed_waits_for_nothing(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    lms.grade(assignment, grade_points=Decimal(5))
    assert lms.grade(assignment, grade="").warnings == ()


def test_without_a_dropbox_a_grade_is_shown_at_once(lms: Lms) -> None:
    assignment = lms.create().lms_id
    assert lms.grade(assignment, grade_points=Decimal(5)).warnings == ()
    assert simulator(lms).ui_grade_shown(item(assignment), lms.students[0]) == 5


def test_a_grade_of_an_ungraded_assignment_comes_with_a_warning(lms: Lms) -> None:
    assignment = lms.create().lms_id
    simulator(lms).ui_change_assignment(item(assignment), grading_category=0)
    with lms.another() as fresh:
        change = fresh.update_submission(
            lms.section, assignment, lms.students[0], SubmissionFields(grade_points=Decimal(5))
        )
        assert lms.run(change).warnings == ("UNGRADED_IN_LMS",)


@pytest.mark.parametrize(("decimals", "kept", "calls"), [(2, "6.67", 2), (1, "6.7", 3), (0, "7", 3)])
def test_points_that_schoology_rounds_are_shown_as_it_keeps_them(
    lms: Lms, decimals: int, kept: str, calls: int
) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.set(decimals=decimals)
    lms.calls()
    graded = lms.grade(assignment, grade_points=Decimal("6.6667"))
    # What differs by no more than a cent is that grade; for anything else it is read once more.
    assert (graded.grade_points, graded.warnings, len(lms.calls())) == (
        Decimal(kept),
        ("SCORE_CHANGED_BY_LMS",),
        calls,
    )


@pytest.mark.parametrize(
    ("kind", "words"), [("letter_grade", ("A", "F")), ("pass_fail", ("pass", "fail")), ("percent", ("85%",))]
)
def test_a_share_of_no_points_is_refused_before_it_is_sent(
    lms: Lms, kind: str, words: tuple[str, ...]
) -> None:
    assignment = lms.create(grading_type=kind, points_possible=Decimal(0)).lms_id
    for grade in words:
        with pytest.raises(RefusedByLms, match="no points"):
            lms.grade(assignment, grade=grade)
    assert lms.read(assignment).grade_points is None


# One object that is refused, while others work.


def test_an_assignment_that_nobody_may_grade_is_refused_after_one_look(lms: Lms) -> None:
    assignment, other = lms.create().lms_id, lms.create().lms_id
    simulator(lms).ui_close_assignment(item(assignment))
    changes = [(student, SubmissionFields(grade_points=Decimal(5))) for student in lms.students[:3]]
    lms.calls()
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert {str(outcome) for outcome in outcomes} == {
        "NOT_GRADABLE: Schoology does not allow this, though the key may do it elsewhere"
    }
    assert lms.calls().count(f"GET /v1/sections/{lms.section}") == 1
    with pytest.raises(RefusedByLms, match="NOT_GRADABLE"):
        lms.grade(assignment, grade_points=Decimal(5))
    with pytest.raises(RefusedByLms, match="NOT_GRADABLE"):
        lms.change(assignment, title="Another")
    assert lms.grade(other, grade_points=Decimal(5)).grade_points == 5


def test_grades_and_work_in_a_section_that_is_over_are_refused(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    simulator(lms).ui_end_section(lms.section)
    with pytest.raises(RefusedByLms, match="SECTION_ENDED"):
        lms.grade(assignment, grade_points=Decimal(5))
    with pytest.raises(RefusedByLms, match="SECTION_ENDED"):
        lms.grade(assignment, state="submitted", attachments=(TEXT,))
    with pytest.raises(RefusedByLms, match="SECTION_ENDED"):
        lms.run(lms.connector.delete_assignment(lms.section, assignment))


def test_a_401_on_one_object_does_not_break_the_connection(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.served.fail("expired-credentials", method="PUT", path="grades$", times=None)
    with pytest.raises(RefusedByLms, match="NOT_GRADABLE"):
        lms.grade(assignment, grade_points=Decimal(5))


def test_what_refuses_even_to_be_read_does_not_break_the_connection(lms: Lms) -> None:
    assignment, other = lms.create().lms_id, lms.create().lms_id
    lms.served.fail("expired-credentials", path=f"assignments/{item(assignment)}", times=None)
    for call in (
        lambda: lms.assignment(assignment),
        lambda: lms.read(assignment),
        lambda: lms.change(assignment, title="x"),
    ):
        with pytest.raises(RefusedByLms, match="NOT_GRADABLE"):
            call()
    assert lms.assignment(other).lms_id == other


def test_a_right_that_the_connection_lacks_stays_the_districts_to_mend(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.served.fail("expired-credentials", times=None)
    with pytest.raises(NotAllowed) as caught:
        lms.grade(assignment, grade_points=Decimal(5))
    assert caught.value.credentials
