"""The connector to Schoology, beside the suite that all connectors pass: answers, credentials, connecting."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from passback.domain.assignment import AssignmentFields
from passback.domain.submission import SubmissionFields
from passback.lms.http.reply import Reply
from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable
from passback.lms.schoology import KIND, errors
from passback.testing.lms import ESSAY, TEXT, Lms
from passback_simulators.reply import text_reply
from passback_simulators.schoology import seed
from passback_simulators.schoology.nonces import DUPLICATE
from support.schoology import schoology, simulator


@pytest.fixture
def lms() -> Iterator[Lms]:
    with schoology() as served:
        yield served


# What Schoology answers, row by row (docs/reference/lms/schoology.md).


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, "Assignment not found", Gone("assignment")),
        (404, "", Gone("assignment")),
        (400, "The grading scale is not valid for that course section", errors.SetupChanged("INVALID_GRADE_SETUP", "the section's grading scale, period or category has changed: try again")),
        (400, "The grade is not valid", RefusedByLms("INVALID_GRADE", "Schoology does not accept the grade")),
        (400, "due is not valid", RefusedByLms("INVALID_DUE_DATE", "Schoology does not accept the due date")),
        (400, "max_points is not valid", RefusedByLms("INVALID_POINTS", "Schoology does not accept the points")),
        (400, "title is required", RefusedByLms("INVALID_TITLE", "Schoology does not accept the title")),
        (400, "The file 9 is not a valid upload", RefusedByLms("INVALID_ATTACHMENT", "Schoology does not accept the file")),
        (400, "", RefusedByLms("REFUSED_BY_LMS", "Schoology does not accept the values")),
        (409, "There is an open draft", RefusedByLms("DRAFT_OPEN", "the student has an open draft in Schoology, or the item already exists")),
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
        (400, "The grade is not valid for the grading scale", RefusedByLms("INVALID_GRADE", "Schoology does not accept the grade")),
        (403, "", RefusedByLms("NOT_GRADABLE", "Schoology does not allow this, though the key may do it elsewhere")),
        (500, "", Unavailable("it refuses a grade with status 500")),
    ],
)  # fmt: skip
def test_what_it_says_of_one_grade_of_many_is_told_as(status: int, message: str, error: LmsError) -> None:
    told = errors.item_refusal(status, message, "assignment")
    assert (type(told), str(told)) == (type(error), str(error))


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


@pytest.mark.parametrize(("times", "taken"), [(1, True), (2, False)])
def test_a_request_that_is_taken_for_a_replay_is_signed_anew_once(lms: Lms, times: int, taken: bool) -> None:
    assignment = lms.create().lms_id
    real, refusals = simulator(lms).answer, iter(range(times))

    async def suspicious(request: Any) -> Any:
        replay = next(refusals, None) is not None
        return text_reply(401, DUPLICATE) if replay else await real(request)

    simulator(lms).answer = suspicious  # type: ignore[method-assign]
    with (
        contextlib.nullcontext()
        if taken
        else pytest.raises(Unavailable, match="is this machine's clock right")
    ):
        assert lms.assignment(assignment).title == "Essay"


def test_timestamps_do_not_go_back_with_the_clock(lms: Lms) -> None:
    lms.set(timestamp_skew_seconds=0)
    created = lms.create()
    lms.clock.advance(hours=-1)
    assert lms.assignment(created.lms_id) == created


def test_a_redirect_is_signed_anew(lms: Lms) -> None:
    findings = lms.run(lms.connector.check())  # users/me leads to the user by 303
    assert findings[0].what == f"Schoology accepts the key (user {seed.ADMIN_UID})"


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
        ("may not grade as the named teacher", True)
    ]


def test_a_zone_that_is_none_is_named(lms: Lms) -> None:
    with lms.another(time_zone="Mars/Olympus") as connector:
        bad = [finding.what for finding in lms.run(connector.check()) if not finding.good]
    assert bad == ["'Mars/Olympus' is not a time zone: due dates are written in the user's zone, or UTC"]


def test_the_limit_of_requests_is_kept_to() -> None:
    with schoology(requests_in_5_seconds="8") as lms:
        lms.set(requests_in_5_seconds=8)
        assignment = lms.create().lms_id

        async def read_often() -> None:
            for _ in range(8):
                await lms.connector.read_assignment(lms.section, assignment)

        with pytest.raises(Unavailable, match="it throttles requests") as caught:
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
