"""Schoology's OAuth 1.0a, redirects, Run-As, limits and forms of replies."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest

from passback_simulators.schoology import seed
from support.schoology_client import (
    ALGEBRA,
    ASSIGNMENTS,
    BIOLOGY,
    OTHER_STUDENT,
    STUDENT,
    TEACHER,
    Schoology,
)

DUPLICATE = "Duplicate timestamp/nonce combination, possible replay attack.  Request rejected."
ME = f"users/{seed.ADMIN_UID}"


def by_hand(schoology: Schoology, **changes: str | None) -> httpx2.Response:
    """A two-legged call in PLAINTEXT as the documentation shows it."""
    parameters: dict[str, str | None] = {
        "realm": "Schoology API", "oauth_consumer_key": seed.CONSUMER_KEY, "oauth_token": "", "oauth_nonce": "n1",
        "oauth_timestamp": "1767225600", "oauth_signature_method": "PLAINTEXT", "oauth_version": "1.0",
        "oauth_signature": f"{seed.CONSUMER_SECRET}%26", **changes,
    }  # fmt: skip
    header = ",".join(f'{name}="{value}"' for name, value in parameters.items() if value is not None)
    headers = {"authorization": f"OAuth {header}", "accept": "application/json"}
    return schoology.http.get(f"{schoology.url}/v1/{ME}", headers=headers)


# Signatures.


@pytest.mark.parametrize("method", ["HMAC-SHA1", "PLAINTEXT"])
@pytest.mark.parametrize(
    "path", [ME, "users?start=0&limit=2", f"users?school_uids={quote('student-001001,a b')}"]
)
def test_signatures_of_others_are_accepted(schoology: Schoology, method: str, path: str) -> None:
    assert replace(schoology.admin, method=method)("GET", path).status_code == 200


def test_a_json_body_is_not_part_of_the_signature(schoology: Schoology) -> None:
    assert schoology.admin("POST", ASSIGNMENTS, {"title": "Essay"}).status_code == 201


@pytest.mark.parametrize(
    "changes",
    [{}, {"oauth_token": None}, {"oauth_signature": f"{seed.CONSUMER_SECRET}&"},
     {"realm": "Schoology%20API", "oauth_token": None, "oauth_signature": f"{seed.CONSUMER_SECRET}&"}],
)  # fmt: skip
def test_plaintext_is_accepted_as_documented_and_as_others_write_it(
    schoology: Schoology, changes: dict[str, str | None]
) -> None:
    assert by_hand(schoology, **changes).status_code == 200


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"oauth_consumer_key": "other"}, 'The consumer_key "other" token "" combination does not exist or is not enabled.'),
        ({"oauth_token": "none"}, f'The consumer_key "{seed.CONSUMER_KEY}" token "none" combination does not exist or is not enabled.'),
        ({"oauth_consumer_key": None}, "Can't verify request, missing oauth_consumer_key or oauth_token"),
        ({"oauth_signature": "wrong%26"}, "Verification of signature failed."),
        ({"oauth_signature_method": "HMAC-SHA256"}, 'Unsupported signature method "HMAC-SHA256"'),
        ({"oauth_timestamp": ""}, "Missing oauth_timestamp or oauth_nonce"),
    ],
)  # fmt: skip
def test_bad_credentials_are_reported_in_plain_text(
    schoology: Schoology, changes: dict[str, str | None], text: str
) -> None:
    reply = by_hand(schoology, **changes)
    assert (reply.status_code, reply.headers["content-type"], reply.text) == (
        401,
        "text/plain; charset=utf-8",
        text,
    )


def test_a_wrong_hmac_signature_is_refused(schoology: Schoology) -> None:
    reply = replace(schoology.admin, secret="wrong")("GET", ME)
    assert (reply.status_code, reply.text[:38]) == (401, "Verification of signature failed (sign")


def test_a_nonce_can_be_used_once_with_its_timestamp(schoology: Schoology) -> None:
    answers = [by_hand(schoology), by_hand(schoology), by_hand(schoology, oauth_timestamp="1767225601")]
    assert [(reply.status_code, reply.text) for reply in answers[1:2]] == [(401, DUPLICATE)]
    assert [answers[0].status_code, answers[2].status_code] == [200, 200]


@pytest.mark.parametrize(("skew", "status"), [(0, 401), (600, 200)])
def test_a_timestamp_before_one_that_was_used_is_refused_beyond_the_skew(
    schoology: Schoology, skew: int, status: int
) -> None:
    schoology.set(timestamp_skew_seconds=skew)
    by_hand(schoology)
    reply = by_hand(schoology, oauth_timestamp="1767225599")
    assert (reply.status_code, reply.text.startswith("Timestamp is out of sequence.")) == (
        status,
        status == 401,
    )


def test_plaintext_can_be_refused_altogether(schoology: Schoology) -> None:
    schoology.set(accept_plaintext=False)
    assert by_hand(schoology).status_code == 401


def test_plaintext_of_another_spelling_gets_the_misleading_answer(schoology: Schoology) -> None:
    schoology.set(plaintext_literal_only=True)
    literal = {"realm": "Schoology%20API", "oauth_token": None, "oauth_signature": f"{seed.CONSUMER_SECRET}&"}
    assert [by_hand(schoology).text, by_hand(schoology, oauth_nonce="n2", **literal).status_code] == [
        DUPLICATE,
        200,
    ]


def test_an_app_that_is_not_approved_is_refused_two_legged(schoology: Schoology) -> None:
    schoology.set(app_approved=False)
    app = schoology.app
    assert [
        app("GET", ME).status_code,
        schoology.as_user(TEACHER)("GET", f"users/{TEACHER}").status_code,
    ] == [401, 200]


# Redirects.


@pytest.mark.parametrize(
    ("path", "target"),
    [("users/me", ME), ("users/ext/student-001001", f"users/{STUDENT}"), ("sections/ext/section-7", f"sections/{ALGEBRA}")],
)  # fmt: skip
def test_a_lookup_leads_to_the_real_resource(schoology: Schoology, path: str, target: str) -> None:
    reply = schoology.admin("GET", path)
    assert (reply.status_code, reply.headers["location"]) == (303, f"{schoology.url}/v1/{target}")
    assert schoology.admin("GET", reply.headers["location"]).status_code == 200


def test_following_with_the_same_header_is_refused(schoology: Schoology) -> None:
    reply = schoology.admin("GET", "users/me", follow_redirects=True)
    assert (reply.status_code, reply.text) == (401, DUPLICATE)


# The three-legged handshake.


def allow(schoology: Schoology, token: str, uid: str, callback: str) -> httpx2.Response:
    form = {"oauth_token": token, "oauth_callback": callback, "uid": uid, "allow": "1"}
    return schoology.http.post(f"{schoology.url}/oauth/authorize", data=form)


def test_a_user_allows_an_app(schoology: Schoology) -> None:
    app = schoology.app
    asked = app("GET", "oauth/request_token")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    answer = {name: value for name, [value] in parse_qs(asked.text).items()}
    assert answer["xoauth_token_ttl"] == "3600"
    page = schoology.http.get(
        f"{schoology.url}/oauth/authorize",
        params={"oauth_token": answer["oauth_token"], "oauth_callback": "http://app.example/back?x=1"},
    )
    assert "Allow</button>" in page.text
    back = allow(schoology, answer["oauth_token"], STUDENT, "http://app.example/back?x=1")
    assert (back.status_code, back.headers["location"]) == (
        302,
        f"http://app.example/back?x=1&oauth_token={answer['oauth_token']}",
    )
    leg = replace(app, token=answer["oauth_token"], token_secret=answer["oauth_token_secret"])
    access = parse_qs(leg("GET", "oauth/access_token").text)
    student = replace(app, token=access["oauth_token"][0], token_secret=access["oauth_token_secret"][0])
    assert urlsplit(student("GET", "users/me").headers["location"]).path == f"/v1/users/{STUDENT}"
    assert leg("GET", "oauth/access_token").status_code == 401  # once only


@pytest.mark.parametrize(("allowed", "hours"), [(False, 0), (True, 2)])
def test_a_request_token_that_was_not_allowed_or_is_old_gives_no_access(
    schoology: Schoology, allowed: bool, hours: int
) -> None:
    app = schoology.app
    asked = parse_qs(app("GET", "oauth/request_token").text)
    leg = replace(app, token=asked["oauth_token"][0], token_secret=asked["oauth_token_secret"][0])
    if allowed:
        allow(schoology, asked["oauth_token"][0], STUDENT, "")
    schoology.clock.advance(hours=hours)
    assert leg("GET", "oauth/access_token").status_code == 401


def test_a_user_can_deny(schoology: Schoology) -> None:
    asked = parse_qs(schoology.app("GET", "oauth/request_token").text)
    form = {"oauth_token": asked["oauth_token"][0], "uid": STUDENT, "allow": "0"}
    assert "not allowed" in schoology.http.post(f"{schoology.url}/oauth/authorize", data=form).text
    assert (
        schoology.http.get(
            f"{schoology.url}/oauth/authorize?oauth_token={asked['oauth_token'][0]}"
        ).status_code
        == 403
    )


def test_a_request_token_is_no_access_token(schoology: Schoology) -> None:
    app = schoology.app
    asked = parse_qs(app("GET", "oauth/request_token").text)
    leg = replace(app, token=asked["oauth_token"][0], token_secret=asked["oauth_token_secret"][0])
    assert leg("GET", ME).status_code == 401


def test_a_revoked_token_is_refused(schoology: Schoology) -> None:
    student = schoology.as_user(STUDENT)
    assert student("GET", f"users/{STUDENT}").status_code == 200
    schoology.lms.ui_revoke_token(str(student.token))
    assert student("GET", f"users/{STUDENT}").status_code == 401


def test_a_personal_key_reads_nothing_of_others(schoology: Schoology) -> None:
    teacher = schoology.personal(TEACHER)
    paths = [
        f"users/{TEACHER}",
        f"users/{STUDENT}",
        f"sections/{ALGEBRA}/enrollments",
        f"sections/{ALGEBRA}/grades",
    ]
    assert [teacher("GET", path).status_code for path in paths] == [200, 401, 401, 401]


# Run-As and rights.


@pytest.mark.parametrize(
    ("target", "settings", "status"),
    [
        (TEACHER, {}, 303),
        (TEACHER, {"run_as_allowed": False}, 403),
        (TEACHER, {"run_as_roles": ["School Admin"]}, 403),
        (STUDENT, {}, 403),
        (STUDENT, {"student_run_as": True}, 303),
        ("teacher-000001", {}, 404),
    ],
)  # fmt: skip
def test_run_as_needs_the_right_for_the_role(
    schoology: Schoology, target: str, settings: dict[str, object], status: int
) -> None:
    schoology.set(**settings)
    reply = replace(schoology.admin, run_as=target)("GET", "users/me")
    assert (reply.status_code, status != 403 or reply.content == b"") == (status, True)
    assert status != 303 or reply.headers["location"].endswith(f"/users/{target}")


def test_only_an_administrator_runs_as_others(schoology: Schoology) -> None:
    teacher = replace(schoology.as_user(TEACHER), run_as=seed.person_lms_id("000002"))
    assert (teacher("GET", "users/me").status_code, teacher("GET", "users/me").content) == (403, b"")


@pytest.mark.parametrize(
    ("who", "method", "path", "status"),
    [
        (TEACHER, "GET", f"sections/{ALGEBRA}/assignments", 200),
        (TEACHER, "GET", f"sections/{BIOLOGY}/assignments", 403),
        (TEACHER, "POST", f"sections/{BIOLOGY}/assignments", 403),
        (STUDENT, "GET", f"sections/{ALGEBRA}/assignments", 200),
        (STUDENT, "POST", f"sections/{ALGEBRA}/assignments", 403),
        (STUDENT, "PUT", f"sections/{ALGEBRA}/grades", 403),
        (STUDENT, "GET", "users", 403),
        (STUDENT, "GET", f"users/{OTHER_STUDENT}", 403),
        (seed.person_lms_id(seed.PARENT_OF_FIRST), "GET", f"users/{STUDENT}", 200),
        (seed.person_lms_id(seed.PARENT_OF_FIRST), "GET", f"sections/{ALGEBRA}", 403),
        (TEACHER, "GET", "csvexport/users", 403),
        (TEACHER, "GET", "gradingperiods", 403),
        (TEACHER, "GET", "triggers/targets", 403),
        (seed.ADMIN_UID, "GET", f"sections/{BIOLOGY}/assignments", 200),
    ],
)  # fmt: skip
def test_people_may_do_what_their_role_allows(
    schoology: Schoology, who: str, method: str, path: str, status: int
) -> None:
    body = {"title": "Essay"} if method != "GET" else None
    reply = schoology.as_user(who)(method, path, body)
    assert (reply.status_code, status != 403 or reply.content == b"") == (status, True)


# Limits.


@pytest.mark.parametrize("limit", [15, 50])
def test_more_than_the_limit_in_five_seconds_is_too_many(schoology: Schoology, limit: int) -> None:
    schoology.set(requests_in_5_seconds=limit)
    statuses = [schoology.admin("GET", ME).status_code for _ in range(limit + 1)]
    assert statuses == [200] * limit + [429]
    assert (
        schoology.as_user(TEACHER)("GET", f"users/{TEACHER}").status_code == 200
    )  # each set of credentials separately
    schoology.clock.now += 5000
    assert schoology.admin("GET", ME).status_code == 200


# Forms.


def test_a_form_is_refused(schoology: Schoology) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert schoology.admin("POST", ASSIGNMENTS, headers=headers, content=b"title=Essay").status_code == 415


def test_xml_is_spoken_unless_json_is_asked_for(schoology: Schoology) -> None:
    reply = schoology.admin("GET", f"users/{STUDENT}", headers={"accept": "*/*"})
    assert reply.headers["content-type"].startswith("text/xml")
    assert f"<result><uid>{STUDENT}</uid><id>{STUDENT}</id>" in reply.text


def test_xml_can_be_sent(schoology: Schoology) -> None:
    body = b"<body><title>Essay</title><max_points>5</max_points></body>"
    reply = schoology.admin("POST", ASSIGNMENTS, headers={"content-type": "text/xml"}, content=body)
    assert (reply.status_code, reply.json()["title"], reply.json()["max_points"]) == (201, "Essay", "5")


@pytest.mark.parametrize("body", [b"{", b'"title"', b"[]"])
def test_a_broken_body_is_a_bad_request(schoology: Schoology, body: bytes) -> None:
    reply = schoology.admin("POST", ASSIGNMENTS, headers={"content-type": "application/json"}, content=body)
    assert reply.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PATCH", ME, 405), ("GET", "nothing", 404), ("OPTIONS", ASSIGNMENTS, 200), ("GET", "users/1", 404)],
)
def test_paths_and_methods_that_are_not_offered(
    schoology: Schoology, method: str, path: str, status: int
) -> None:
    assert schoology.admin(method, path).status_code == status


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [("throttled", 429, "Too Many Requests"), ("error-before", 500, "<html>"), ("expired-credentials", 401, "The consumer_key")],
)  # fmt: skip
def test_faults_have_schoologys_own_form(schoology: Schoology, fault: str, status: int, text: str) -> None:
    schoology.fail(fault)
    reply = schoology.admin("GET", ME)
    assert (reply.status_code, reply.text.startswith(text)) == (status, True)
