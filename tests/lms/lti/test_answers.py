"""What the client gets for what an LMS answers: each row of the table in docs/reference/lms/lti.md."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.submission import SubmissionFields
from passback.lms.http.reply import Reply as LmsReply
from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable, Unsupported
from passback.lms.lti.api import below, next_page
from passback.lms.lti.map_assignments import age, id_from
from passback.testing.lms import ESSAY, Lms, try_of
from passback_simulators.lti import seed
from passback_simulators.reply import Reply
from support.lti_lms import ALGEBRA_COURSE, JSON, lti, simulator
from support.sandbox import NOW

Change = Callable[[Any, Reply], Reply]


@pytest.fixture
def other() -> Iterator[Lms]:
    with lti("other") as served:
        yield served


@contextlib.contextmanager
def answering(lms: Lms, method: str, ending: str, reply: Reply, times: int | None = None) -> Iterator[None]:
    """Let the LMS answer so to requests whose path ends so, instead of doing anything; the first `times` or all."""
    served = lms.served.simulator
    real, left = served.answer, [times]

    async def answer(request: Any) -> Any:
        if request.method != method or not request.path.endswith(ending) or left[0] == 0:
            return await real(request)
        if left[0] is not None:
            left[0] -= 1
        return reply

    served.answer = answer  # type: ignore[method-assign]
    try:
        yield
    finally:
        served.answer = real  # type: ignore[method-assign]


def said(status: int, message: str = "no") -> Reply:
    return Reply(status, json.dumps({"message": message}).encode(), JSON)


def test_a_course_with_too_many_people_for_open_edx(other: Lms) -> None:
    refusal = {
        "error": "above_response_limit",
        "explanation": "The number of retrieved users is bigger than ...",
    }
    reply = Reply(403, json.dumps(refusal).encode(), JSON)
    with answering(other, "GET", "/memberships", reply), pytest.raises(NotAllowed, match="more people than"):
        other.run(other.connector.read_people(other.section))


REFUSED_SCORES: list[tuple[Reply, type[LmsError], str]] = [
    (said(422, "User not found in course or is not a student"), Gone, "student"),
    (Reply(403, b"User in requested score is not enrolled in the org unit"), Gone, "student"),
    (Reply(404, b"User in requested score does not exist"), Gone, "student"),
    (said(400, "User could not be found: 7"), Gone, "student"),
    (said(422), RefusedByLms, "NOT_GRADABLE"),
    (said(400), RefusedByLms, "REFUSED_BY_LMS"),
    (said(412), RefusedByLms, "REFUSED_BY_LMS"),
    (said(403), RefusedByLms, "NOT_GRADABLE"),
    (said(401), RefusedByLms, "NOT_GRADABLE"),
    (Reply(503, b"<html>"), Unavailable, "503"),
    (Reply(400, b'{"incident":"8f2"}', JSON), Unavailable, "400"),
]


@pytest.mark.parametrize(("reply", "error", "words"), REFUSED_SCORES)
def test_a_refused_score(other: Lms, reply: Reply, error: type[LmsError], words: str) -> None:
    assignment = other.create().lms_id
    with answering(other, "POST", "/scores", reply), pytest.raises(error, match=words):
        other.grade(assignment, grade_points=Decimal(5))
    change = SubmissionFields(grade_points=Decimal(6))
    with other.another() as fresh:  # the first may be resting now
        done = other.run(fresh.update_submission(other.section, assignment, other.students[0], change))
    assert done.grade_points == 6


@pytest.mark.parametrize("family", ["other", "canvas"])
def test_a_deletion_of_an_activitys_column(family: str) -> None:
    with lti(family) as lms:
        number = simulator(lms).ui_add_link(ALGEBRA_COURSE, "Essay")
        path = simulator(lms).path(simulator(lms).profile.item, course=ALGEBRA_COURSE, item=number)
        with pytest.raises(RefusedByLms, match="LINKED_IN_LMS"):
            lms.run(lms.connector.delete_assignment(lms.section, path))
        assert lms.run(lms.connector.read_assignment(lms.section, path)).title == "Essay"


def test_a_token_that_is_refused_in_mid_flight_is_replaced(other: Lms) -> None:
    assignment = other.create().lms_id
    records = simulator(other).records
    for token in [*records.content()["tokens"]]:
        records.remove("tokens", token)
    other.wait(10)
    assert other.grade(assignment, grade_points=Decimal(5)).grade_points == 5


@pytest.mark.parametrize("reaches", [True, False])
@pytest.mark.parametrize("status", [401, 403])
def test_a_new_assignment_that_is_denied_by_a_slip_is_made_once(
    other: Lms, status: int, reaches: bool
) -> None:
    served, denials = other.served.simulator, [True]
    real = served.answer

    async def answer(request: Any) -> Any:
        if request.method != "POST" or not request.path.endswith("/lineitems") or not denials:
            return await real(request)
        denials.pop()
        if reaches:
            await real(request)
        return said(status)

    served.answer = answer  # type: ignore[method-assign]
    assert other.create().title == "Essay"
    assert [it["label"] for it in simulator(other).records.all("items")].count("Essay") == 1


@pytest.mark.parametrize("status", [401, 403])
def test_of_a_course_that_is_denied_altogether_nobody_knows_what_was_made(other: Lms, status: int) -> None:
    with (
        answering(other, "POST", "/lineitems", said(status)),
        answering(other, "GET", "/lineitems", said(status)),
        pytest.raises(NotAllowed) as caught,
    ):
        other.create()
    assert (caught.value.in_doubt, caught.value.credentials) == (True, status == 401)


def test_many_requests_ask_for_one_token(other: Lms) -> None:
    assignment = other.create().lms_id
    changes = [(student, SubmissionFields(grade_points=Decimal(4))) for student in other.students]
    with other.another() as fresh:
        other.calls()
        other.run(fresh.update_submissions(other.section, assignment, changes))
    assert sum(call.endswith("/token") for call in other.calls()) == 1


@pytest.mark.parametrize("fault", ["dropped-after", "error-after", "timeout-after"])
def test_a_token_whose_answer_is_lost_is_asked_for_with_another_assertion(other: Lms, fault: str) -> None:
    """The simulated LMS takes no assertion twice, as the standard has it."""
    with other.another() as fresh:
        other.served.fail(fault, path="/token$")
        other.calls()
        assert other.run(fresh.read_people(other.section))
    assert sum(call.endswith("/token") for call in other.calls()) == 2


@pytest.mark.parametrize(
    ("scope", "act"),
    [
        (seed.LINE_ITEM, lambda lms, _: lms.create()),
        (seed.SCORE, lambda lms, it: lms.grade(it, grade_points=Decimal(5))),
        (seed.RESULT_READ, lambda lms, it: lms.read(it)),
        (seed.MEMBERS_READ, lambda lms, _: lms.run(lms.connector.read_people(lms.section))),
    ],
)
@pytest.mark.parametrize(
    "family", ["moodle", "canvas"]
)  # which issues no token for scopes that it does not grant
def test_a_scope_that_is_not_granted_is_named(
    family: str, scope: str, act: Callable[[Any, str], Any]
) -> None:
    with lti(family) as lms:
        assignment = lms.create().lms_id
        lms.set(scopes=[it for it in seed.ALL_SCOPES if it != scope])
        with lms.another() as fresh:
            findings = lms.run(fresh.check())
            assert any(not it.good and scope in (it.remedy or "") for it in findings)
            assert sum(not it.good and "the app may not" in it.what for it in findings) == 1
            with pytest.raises(NotAllowed, match=scope):
                act(replace_connector(lms, fresh), assignment)


@pytest.mark.parametrize(
    ("scope", "act"),
    [
        (seed.SCORE, lambda lms, it: lms.grade(it, grade_points=Decimal(5))),
        (seed.RESULT_READ, lambda lms, it: lms.read(it)),
        (seed.LINE_ITEM, lambda lms, it: lms.change(it, title="Other")),
        (seed.LINE_ITEM, lambda lms, _: lms.create()),
    ],
)
@pytest.mark.parametrize("family", ["moodle", "canvas", "other"])  # the last says so with a 403
def test_a_scope_that_is_taken_away_from_a_live_token_is_named(
    family: str, scope: str, act: Callable[[Any, str], Any]
) -> None:
    with lti(family) as lms:
        assignment = lms.create().lms_id
        lms.grade(assignment, lms.students[1], grade_points=Decimal(4))
        lms.wait(10)
        lms.set(scopes=[it for it in seed.ALL_SCOPES if it != scope])
        with pytest.raises(NotAllowed, match=scope) as caught:
            act(lms, assignment)
        assert not caught.value.credentials
        lms.set(scopes=[*seed.ALL_SCOPES])
        lms.wait(10)
        act(lms, assignment)


@pytest.mark.parametrize("family", ["moodle", "other"])
def test_a_scope_that_is_taken_away_just_after_the_token_was_issued_is_named(family: str) -> None:
    with lti(family) as lms:
        assignment = lms.create().lms_id
        lms.set(scopes=[it for it in seed.ALL_SCOPES if it != seed.SCORE])
        with pytest.raises(NotAllowed, match=seed.SCORE):
            lms.grade(assignment, grade_points=Decimal(5))


def replace_connector(lms: Lms, connector: Any) -> Lms:
    return Lms(**{**lms.__dict__, "connector": connector})


def test_only_what_the_lms_offers_is_asked_for(other: Lms) -> None:
    note = other.notes.kept[f"context/{other.section}"]
    other.notes.kept[f"context/{other.section}"] = {**note, "scopes": [seed.RESULT_READ]}
    with other.another() as fresh, pytest.raises(NotAllowed, match=r"scope/score|scope/lineitem"):
        other.run(fresh.create_assignment(other.section, ESSAY, str(uuid7())))
    granted = [it["scopes"] for it in simulator(other).records.all("tokens")]
    assert granted[-1] == [seed.RESULT_READ, seed.MEMBERS_READ]


def test_a_client_that_the_lms_does_not_know_is_found_bad(moodle: Lms) -> None:
    with moodle.another(client_id="unknown") as fresh:
        [finding] = moodle.run(fresh.check())
        assert (finding.good, bool(finding.remedy)) == (False, True)
        with pytest.raises(NotAllowed) as caught:
            moodle.run(fresh.read_people(moodle.section))
        assert caught.value.credentials


TOKEN_REFUSALS = [
    ('{ "error" : "Signature verification failed" }', "public keys"),
    ('{ "error" : "Expired token" }', "clocks"),
    ('{ "error" : "Cannot handle token with iat prior to 2026-11-23T09:30:00+0000" }', "clocks"),
    ('{ "error" : "error/Error: kid must be provided in JWT header." }', "public keys"),
    ('{ "error" : ""kid" invalid, unable to lookup correct key" }', "public keys"),
    ('{ "error" : "invalid_client" }', "invalid_client"),
    ('{ "error" : "invalid_scope" }', "invalid_scope"),
    ('{ "error" : "unsupported_grant_type" }', "unsupported_grant_type"),
]


@pytest.mark.parametrize(("body", "words"), TOKEN_REFUSALS)
def test_a_token_that_moodle_refuses_in_words_of_its_own_is_refused_for_good(
    moodle: Lms, body: str, words: str
) -> None:
    refused = Reply(400, body.encode(), (("content-type", "text/html; charset=utf-8"),))
    with answering(moodle, "POST", "/token.php", refused), pytest.raises(NotAllowed, match=words) as caught:
        moodle.run(moodle.connector.read_people(moodle.section))
    assert caught.value.credentials
    each_scope = 5 if words == "invalid_scope" else 0  # it may not be for all of them
    assert sum(it.endswith("/token.php") for it in moodle.calls()) == 1 + each_scope


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, '{"error":"Signature verification failed"}'),
        (400, '{"error":"temporarily_unavailable"}'),
        (400, '{"incident":"8f2"}'),
        (400, "<html><h1>Sorry</h1></html>"),
    ],
)
def test_a_token_endpoint_that_fails_says_nothing_of_the_credentials(
    moodle: Lms, status: int, body: str
) -> None:
    refused = Reply(status, body.encode(), (("content-type", "text/html; charset=utf-8"),))
    with answering(moodle, "POST", "/token.php", refused), pytest.raises(Unavailable) as caught:
        moodle.run(moodle.connector.read_people(moodle.section))
    assert not isinstance(caught.value, NotAllowed)


@pytest.mark.parametrize("key", ["", "no key", "{}", "[]", '{"kty":"RSA"}', '{"kty":"oct","k":"YQ"}'])
def test_without_a_sound_key_there_is_no_token(moodle: Lms, key: str) -> None:
    with moodle.another({"private_key": key}) as fresh, pytest.raises(NotAllowed):
        moodle.run(fresh.read_people(moodle.section))


def test_a_course_that_was_never_opened_says_what_to_do() -> None:
    with lti("other", launched=False) as lms:
        for action in (
            lms.connector.create_assignment(lms.section, ESSAY, str(uuid7())),
            lms.connector.read_people(lms.section),
        ):
            with pytest.raises(RefusedByLms, match="COURSE_NOT_LAUNCHED"):
                lms.run(action)
        assert lms.run(lms.connector.find_section(lms.section)) is None
        assert lms.run(lms.connector.read_courses()) == []


@pytest.mark.parametrize("family", ["moodle", "canvas"])
def test_a_course_whose_addresses_follow_from_its_number_needs_no_launch(family: str) -> None:
    with lti(family, launched=False) as lms:
        assignment = lms.create().lms_id
        assert lms.grade(assignment, grade_points=Decimal(5)).grade_points == 5
        found = lms.run(lms.connector.find_section(lms.section))
        assert found is not None
        assert found[1].name == "Algebra 1"


@pytest.mark.parametrize("family", ["moodle", "canvas", "other"])
def test_a_course_is_known_by_its_class_list_though_a_launch_told_of_no_grades(family: str) -> None:
    """In some LMSs a teacher who chooses an activity opens the app without that."""
    with lti(family) as lms:
        key = f"context/{lms.section}"
        kept = lms.notes.kept[key]
        assert isinstance(kept, dict)
        lms.notes.kept[key] = {name: it for name, it in kept.items() if name not in ("lineitems", "scopes")}
        assert lms.run(lms.connector.read_people(lms.section))
        assert lms.run(lms.connector.find_section(lms.section)) is not None
        if family == "other":
            with pytest.raises(RefusedByLms, match="COURSE_NOT_LAUNCHED"):
                lms.create()
        else:  # where grades are taken follows from its number, as if nobody had opened the app
            assert lms.grade(lms.create().lms_id, grade_points=Decimal(5)).grade_points == 5


def test_a_line_item_that_the_lms_has_moved_is_found_by_its_mark(other: Lms) -> None:
    made = [other.create(title=f"Essay {number}").lms_id for number in range(5)]
    other.grade(made[0], grade_points=Decimal(5))
    records = simulator(other).records
    for record in [it for it in records.all("items") if it["label"].startswith("Essay")]:
        # A course that was restored: everything is there, under other numbers.
        new = str(records.next_number("items", 501))
        scores = [it for it in records.all("scores") if it["item"] == record["id"]]
        records.put("items", new, {**record, "id": new})
        for score in scores:
            records.put("scores", f"{new}/{score['user']}", {**score, "item": new})
        simulator(other).ui_delete_item(record["id"])
    other.wait(10)
    with other.another() as fresh:
        moved = replace_connector(other, fresh)
        assert moved.assignment(made[0]).lms_id == made[0]
        assert other.run(fresh.read_assignments(other.section, made)).keys() == {*made}
        assert moved.read(made[0]).grade_points == 5
        assert moved.grade(made[0], grade_points=Decimal(6)).grade_points == 6
        assert moved.change(made[0], title="Other").title == "Other"
        other.run(fresh.delete_assignment(other.section, made[0]))
        with pytest.raises(Gone):
            moved.assignment(made[0])


def test_the_older_line_item_has_the_lower_number() -> None:
    ids = ["/c/2/i/10?t=3", "/c/2/i/9?t=3", "/c/2/i/11?t=3"]
    assert sorted(ids, key=age) == ["/c/2/i/9?t=3", "/c/2/i/10?t=3", "/c/2/i/11?t=3"]


def test_people_are_read_with_their_roles(moodle: Lms) -> None:
    people = {it.id: it for it in moodle.run(moodle.connector.read_people(moodle.section))}
    assert people[seed.person_lms_id(seed.ASSISTANT)].role == "teacher"
    assert people[moodle.students[0]].sis_id == "student-001001"
    assert not {seed.person_lms_id(it) for it in (seed.OBSERVER, seed.SUSPENDED)} & people.keys()


def test_people_without_names_and_addresses_are_there(other: Lms) -> None:
    other.set(private_people=True)
    people = other.run(other.connector.read_people(other.section))
    assert {(it.name, it.email) for it in people} == {("", None)}
    assert {it.id for it in people} >= set(other.students)


@pytest.mark.parametrize("family", ["canvas", "brightspace", "blackboard", "moodle"])
def test_lists_are_read_to_their_end(family: str) -> None:
    with lti(family) as lms:
        made = {lms.create().lms_id for _ in range(12)}
        simulator(lms).settings["longest_page"] = 5
        found = lms.run(lms.connector.read_assignments(lms.section, sorted(made)))
        assert found.keys() == made


LINKS = [
    ('<https://x.test/a?b=1&c=2>; rel="next"', "https://x.test/a?b=1&c=2"),
    ("<https://x.test/a>; rel=next", "https://x.test/a"),
    (
        "<https://x.test/a?b=1&amp;c=2>; rel=\u201cnext\u201d".encode().decode("latin-1"),
        "https://x.test/a?b=1&c=2",
    ),
    ('<https://x.test/A>; rel="prev", <https://x.test/B>; rel="next"', "https://x.test/B"),
    ('<https://x.test/A>; rel="differences"', None),
    ("", None),
    ("<<<>>>;;;rel", None),
]


@pytest.mark.parametrize(("header", "address"), LINKS)
def test_the_next_page_is_found_however_it_is_written(header: str, address: str | None) -> None:
    assert next_page(LmsReply(200, {"link": header}, b"")) == address


@pytest.mark.parametrize(
    ("item", "scores"),
    [
        ("/lineitems/7/lineitem?type_id=3", "/lineitems/7/lineitem/scores?type_id=3"),
        ("/lineitems/7", "/lineitems/7/scores"),
        ("/lineitems/7/", "/lineitems/7/scores"),
        ("https://x.test/i/7?a=/b", "https://x.test/i/7/scores?a=/b"),
    ],
)
def test_what_is_below_a_line_item_comes_before_its_query(item: str, scores: str) -> None:
    assert below(item, "scores") == scores


@pytest.mark.parametrize(
    ("url", "lms_id"),
    [
        ("https://LMS.test/i/7?a=1", "/i/7?a=1"),
        ("https://other.test/i/7", "https://other.test/i/7"),
        ("http://lms.test/i/7", "http://lms.test/i/7"),
        ("http://[", "http://["),
    ],
)
def test_the_id_of_an_assignment_is_below_the_lms(url: str, lms_id: str) -> None:
    assert id_from(url, "https://lms.test/") == lms_id


def test_a_lost_assignment_is_found_where_the_lms_drops_marks(other: Lms) -> None:
    made = other.create(title="Lost")
    records = simulator(other).records
    for record in records.all("items"):
        records.put("items", record["id"], record | {"resourceId": None, "tag": None})
    fields = replace(ESSAY, title="Lost")
    found = other.run(other.connector.find_assignment(other.section, fields, try_of("mark", NOW)))
    assert found is not None
    assert found.lms_id == made.lms_id
    known = try_of("mark", NOW, [made.lms_id])
    assert other.run(other.connector.find_assignment(other.section, fields, known)) is None


@pytest.mark.parametrize("graded", [(), (1,), (0, 1)])
def test_of_line_items_that_were_made_twice_one_is_kept(
    other: Lms, graded: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    mark = str(uuid7())
    made = [other.run(other.connector.create_assignment(other.section, ESSAY, mark)).lms_id for _ in range(2)]
    for at in graded:
        other.grade(made[at], grade_points=Decimal(5))
    found = other.run(other.connector.find_assignment(other.section, ESSAY, try_of(mark, NOW)))
    assert found is not None
    kept = made[1] if graded == (1,) else made[0]
    assert found.lms_id == kept
    left = other.run(other.connector.read_assignments(other.section, made))
    assert left.keys() == ({*made} if len(graded) == 2 else {kept})
    assert [made[1] in it.message for it in caplog.records] == [True] * (len(graded) == 2)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"title": "x" * 256}, RefusedByLms, "INVALID_TITLE"),
        ({"title": " "}, RefusedByLms, "INVALID_TITLE"),
        ({"points_possible": Decimal(0)}, RefusedByLms, "INVALID_POINTS"),
        ({"grading_type": "letter_grade"}, Unsupported, "Moodle does not support"),
        ({"assignee_mode": "individuals", "assignee_ids": ("7",)}, RefusedByLms, "INVALID_ASSIGNEES"),
    ],
)
def test_what_an_assignment_cannot_be(
    moodle: Lms, changes: dict[str, Any], error: type[LmsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        moodle.create(**changes)
    assert not [it for it in moodle.calls() if it.startswith("POST") and it.endswith("lineitems")]


def test_work_is_returned_only_with_a_grade(moodle: Lms) -> None:
    assignment = moodle.create().lms_id
    with pytest.raises(RefusedByLms, match="INVALID_STATE"):
        moodle.grade(assignment, state="returned")


def test_what_a_change_leaves_out_stays(moodle: Lms) -> None:
    assignment = moodle.create().lms_id
    moodle.change(assignment, title="Other")
    record = simulator(moodle).records.all("items")[-1]
    assert (record["label"], bool(record["resourceId"]), bool(record["tag"])) == ("Other", True, True)


def test_an_assignment_that_is_known_by_its_whole_address_is_the_same(moodle: Lms) -> None:
    made = [moodle.create().lms_id for _ in range(4)]
    whole = [moodle.served.url + it for it in made]
    assert moodle.grade(whole[0], grade_points=Decimal(5)).grade_points == 5
    assert moodle.change(whole[0], title="Other").title == "Other"
    for asked in (whole[:1], whole):
        found = moodle.run(moodle.connector.read_assignments(moodle.section, asked))
        assert list(found) == [it.lms_id for it in found.values()] == asked
    moodle.run(moodle.connector.delete_assignment(moodle.section, whole[0]))
    with pytest.raises(Gone):
        moodle.assignment(made[0])


@pytest.mark.parametrize(
    "id_", ["7", "http://[", "https://elsewhere.test/i/7", "//elsewhere.test/i/7", "\\7"]
)
def test_what_is_no_address_of_the_lms_is_never_asked_for(moodle: Lms, id_: str) -> None:
    with pytest.raises((Gone, Unavailable)):
        moodle.assignment(id_)


@pytest.mark.parametrize("link", ['<https://elsewhere.test/next>; rel="next"', '<{own}>; rel="next"'])
def test_a_list_that_leads_elsewhere_or_nowhere_is_no_list(other: Lms, link: str) -> None:
    served = other.served.simulator
    real = served.answer

    async def answer(request: Any) -> Any:
        reply = await real(request)
        if not request.path.endswith("/memberships"):
            return reply
        return reply.with_headers(link=link.replace("{own}", request.base_url + request.path))

    served.answer = answer  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        other.run(other.connector.read_people(other.section))


@pytest.mark.parametrize("maximum", [0, -1, "none", {}])
def test_a_result_without_a_sound_maximum_is_a_failure(other: Lms, maximum: Any) -> None:
    assignment = other.create().lms_id
    content = [{"id": "1", "userId": other.students[0], "resultScore": 5, "resultMaximum": maximum}]
    with (
        answering(other, "GET", "/results", Reply(200, json.dumps(content).encode(), JSON)),
        pytest.raises(Unavailable),
    ):
        other.read(assignment)


def test_a_result_is_a_share_of_its_maximum_which_is_1_unless_said(other: Lms) -> None:
    assignment = other.create().lms_id
    content = [{"id": "1", "userId": other.students[0], "resultScore": 0.85}]
    with answering(other, "GET", "/results", Reply(200, json.dumps(content).encode(), JSON)):
        assert other.read(assignment).grade_points == 17


def test_a_class_that_seems_empty_is_read_again(other: Lms) -> None:
    empty = Reply(200, b'{"members":[]}', JSON)
    with answering(other, "GET", "/memberships", empty, times=1):
        assert other.run(other.connector.read_people(other.section))
    with answering(other, "GET", "/memberships", empty):
        assert other.run(other.connector.read_people(other.section)) == []
