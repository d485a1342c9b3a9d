"""Tokens of the simulated Google: service accounts' assertions, users' consent, and what the tokens allow."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from passback_simulators.google_classroom import seed
from support.classroom import ALGEBRA, SCOPES, STUDENT, TEACHER, TEACHER_ID, WORKS, Caller, Classroom
from support.sandbox import NOW

EMAIL = seed.person_email(TEACHER)
COURSES = f"{SCOPES}classroom.courses"
BACK = "https://app.example/back"
CLIENT = {"client_id": seed.CLIENT_ID, "client_secret": seed.CLIENT_SECRET}
ASKED = {
    "response_type": "code", "client_id": seed.CLIENT_ID, "redirect_uri": BACK, "scope": f"openid {COURSES}",
    "state": "s1", "access_type": "offline", "prompt": "consent",
}  # fmt: skip


def ask(classroom: Classroom, **form: str) -> httpx2.Response:
    """Ask the token endpoint."""
    return classroom.http.post(f"{classroom.url}/token", data=form)


def assertion(classroom: Classroom, *, header: Any = None, project: str = seed.PROJECT, **claims: Any) -> str:
    """A service account's signed assertion; a claim of None is omitted."""
    key = classroom.lms.service_account_key(classroom.url, project)
    usual = {
        "iss": key["client_email"], "sub": EMAIL, "scope": COURSES, "aud": key["token_uri"],
        "iat": NOW // 1000, "exp": NOW // 1000 + 3600,
    }  # fmt: skip
    content = {name: value for name, value in (usual | claims).items() if value is not None}
    usual_header = {"alg": "RS256", "typ": "JWT", "kid": key["private_key_id"]}
    return jwt.encode(usual_header | (header or {}), content, RSAKey.import_key(key["private_key"]))


def assert_it(classroom: Classroom, signed: str) -> httpx2.Response:
    return ask(classroom, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=signed)


def failure(reply: httpx2.Response) -> tuple[int, str]:
    """An error of the token endpoint."""
    assert set(reply.json()) <= {"error", "error_description"}
    return reply.status_code, reply.json()["error"]


def consent(classroom: Classroom, **asked: str | list[str]) -> httpx2.Response:
    """Submit the consent page's form."""
    form = ASKED | {"scope": ASKED["scope"].split(), "email": EMAIL, "decision": "allow"} | asked
    return classroom.http.post(f"{classroom.url}/o/oauth2/v2/auth", data=form)


def way_back(reply: httpx2.Response) -> dict[str, str]:
    """The parameters of the consent page's redirect."""
    assert (reply.status_code, reply.headers["location"].split("?")[0]) == (302, BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["location"]).query).items()}


def exchange(classroom: Classroom, code: str, **form: str) -> httpx2.Response:
    return ask(
        classroom,
        **{"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **CLIENT, **form},
    )


def refresh(classroom: Classroom, token: str, **form: str) -> httpx2.Response:
    return ask(classroom, **{"grant_type": "refresh_token", "refresh_token": token, **CLIENT, **form})


# Service accounts.


def test_an_assertion_gets_a_token(classroom: Classroom) -> None:
    content = assert_it(classroom, assertion(classroom)).json()
    caller = Caller(classroom.http, classroom.url, content.pop("access_token"))
    assert content == {"expires_in": 3599, "token_type": "Bearer"}
    assert caller.get(f"courses/{ALGEBRA}")["ownerId"] == TEACHER_ID


@pytest.mark.parametrize(
    ("claims", "answer"),
    [
        ({"aud": "https://oauth2.googleapis.com/token"}, None),
        ({"aud": "https://example.com/token"}, (400, "invalid_grant")),
        ({"aud": None}, (400, "invalid_grant")),
        ({"iat": NOW // 1000 - 60, "exp": NOW // 1000 + 3540}, None),
        ({"exp": NOW // 1000 + 3601}, (400, "invalid_grant")),
        ({"iat": None}, (400, "invalid_grant")),
        ({"iat": NOW // 1000 + 301}, (400, "invalid_grant")),
        ({"iat": NOW // 1000 - 7200, "exp": NOW // 1000 - 3600}, (400, "invalid_grant")),
        ({"iss": "nobody@passback-demo.iam.gserviceaccount.com"}, (400, "invalid_grant")),
        ({"iss": seed.OTHER_SERVICE_ACCOUNT}, (400, "invalid_grant")),  # signed by another's key
        ({"sub": "nobody@district-6c.example"}, (400, "invalid_grant")),
        ({"sub": seed.person_email(seed.FORMER_TEACHER)}, (400, "invalid_grant")),
        ({"sub": EMAIL.upper()}, None),
        ({"scope": None}, (400, "invalid_scope")),
        ({"scope": f"{COURSES} {SCOPES}drive"}, (401, "unauthorized_client")),
    ],
)  # fmt: skip
def test_assertions_are_checked(
    classroom: Classroom, claims: dict[str, Any], answer: tuple[int, str] | None
) -> None:
    reply = assert_it(classroom, assertion(classroom, **claims))
    assert (failure(reply) if reply.status_code != 200 else None) == answer


@pytest.mark.parametrize(
    "spoil",
    [
        lambda signed: signed[:-6] + ("AAAAAA" if signed[-6:] != "AAAAAA" else "BBBBBB"),
        lambda signed: signed.rpartition(".")[0],
        lambda signed: f"{signed}.x",
        lambda signed: "",
        lambda signed: "no.jwt.at-all",
        lambda signed: ".".join(
            base64.urlsafe_b64encode(one).decode().rstrip("=")
            for one in (b'{"alg":"none"}', json.dumps({"iss": seed.SERVICE_ACCOUNT}).encode(), b"")
        ),
    ],
)
def test_signatures_are_checked(classroom: Classroom, spoil: Any) -> None:
    assert failure(assert_it(classroom, spoil(assertion(classroom)))) == (400, "invalid_grant")


def test_an_unknown_key_is_refused(classroom: Classroom) -> None:
    assert failure(assert_it(classroom, assertion(classroom, header={"kid": "0"}))) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("settings"), [{"delegation": False}, {"delegated_scopes": [f"{SCOPES}classroom.topics"]}]
)
def test_administrators_delegate(classroom: Classroom, settings: dict[str, Any]) -> None:
    classroom.set(**settings)
    assert failure(assert_it(classroom, assertion(classroom))) == (401, "unauthorized_client")


def test_a_service_account_as_itself_has_no_classroom(classroom: Classroom) -> None:
    content = assert_it(classroom, assertion(classroom, sub=None)).json()
    caller = Caller(classroom.http, classroom.url, content["access_token"])
    assert caller.refused("GET", "courses") == "PERMISSION_DENIED @ClassroomDisabled"


@pytest.mark.parametrize("project", [seed.PROJECT, seed.OTHER_PROJECT])
def test_the_control_endpoint_gives_keys(classroom: Classroom, project: str) -> None:
    key = classroom.control("GET", f"service-account-key?project={project}")
    assert (key["type"], key["project_id"], key["token_uri"]) == (
        "service_account",
        project,
        f"{classroom.url}/token",
    )
    assert assert_it(classroom, assertion(classroom, project=project)).status_code == 200


def test_there_are_keys_only_of_known_projects(classroom: Classroom) -> None:
    reply = classroom.http.get(f"{classroom.url}/_simulator/service-account-key?project=x")
    assert reply.status_code == 400


def test_a_connection_has_the_key(classroom: Classroom) -> None:
    credentials = classroom.lms.connection_credentials(classroom.url)
    assert json.loads(credentials["service_account"]) == classroom.lms.service_account_key(classroom.url)


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ({}, (400, "invalid_request")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "refresh_token"}, (400, "invalid_request")),
        ({"grant_type": "refresh_token", "client_id": "x"}, (401, "invalid_client")),
        ({"grant_type": "refresh_token", **CLIENT, "client_secret": "x"}, (401, "invalid_client")),
        ({"grant_type": "refresh_token", **CLIENT, "refresh_token": "x"}, (400, "invalid_grant")),
        ({"grant_type": "authorization_code", **CLIENT, "code": "x"}, (400, "invalid_grant")),
    ],
)  # fmt: skip
def test_the_token_endpoint_refuses(
    classroom: Classroom, form: dict[str, str], answer: tuple[int, str]
) -> None:
    assert failure(ask(classroom, **form)) == answer


# Users who consent.


def test_the_consent_page_asks(classroom: Classroom) -> None:
    page = classroom.http.get(f"{classroom.url}/o/oauth2/v2/auth", params=ASKED | {"login_hint": EMAIL})
    assert page.headers["content-type"].startswith("text/html")
    assert all(one in page.text for one in (f'value="{COURSES}" checked', f'value="{EMAIL}"', 'value="s1"'))


def test_a_user_consents(classroom: Classroom) -> None:
    back = way_back(consent(classroom))
    assert (back["state"], back["scope"]) == ("s1", ASKED["scope"])
    content = exchange(classroom, back["code"]).json()
    caller = Caller(classroom.http, classroom.url, content["access_token"])
    assert caller.get(f"courses/{ALGEBRA}")["id"] == ALGEBRA
    assert (content["scope"], content["token_type"], "refresh_token" in content) == (
        ASKED["scope"],
        "Bearer",
        True,
    )
    assert failure(exchange(classroom, back["code"])) == (400, "invalid_grant")  # it is valid only once


def test_no_refresh_token_without_offline_access(classroom: Classroom) -> None:
    back = way_back(consent(classroom, access_type="online"))
    assert "refresh_token" not in exchange(classroom, back["code"]).json()


@pytest.mark.parametrize("choice", [{"decision": "cancel"}, {"scope": []}])
def test_a_user_may_decline(classroom: Classroom, choice: dict[str, Any]) -> None:
    assert way_back(consent(classroom, **choice)) == {"error": "access_denied", "state": "s1"}


def test_a_user_may_allow_less(classroom: Classroom) -> None:
    back = way_back(consent(classroom, scope="openid"))
    assert exchange(classroom, back["code"]).json()["scope"] == "openid"


@pytest.mark.parametrize(
    ("asked", "settings", "error"),
    [
        ({"client_id": "x"}, {}, "invalid_client"),
        ({"redirect_uri": ""}, {}, "invalid_request"),
        ({"redirect_uri": "javascript:alert(1)"}, {}, "invalid_request"),
        ({}, {"redirect_uris": ["https://app.example/other"]}, "redirect_uri_mismatch"),
        ({"response_type": "token"}, {}, "unsupported_response_type"),
        ({"email": "nobody@district-6c.example"}, {}, "invalid_request"),
        ({"email": seed.person_email(STUDENT)}, {"app_trusted": False}, "admin_policy_enforced"),
    ],
)
def test_there_is_no_way_back_from_a_bad_request(
    classroom: Classroom, asked: dict[str, str], settings: dict[str, Any], error: str
) -> None:
    classroom.set(**settings)
    reply = consent(classroom, **asked)
    assert (error in reply.text, "location" in reply.headers, reply.status_code >= 400) == (True, False, True)


def test_grown_ups_need_no_trust_in_the_app(classroom: Classroom) -> None:
    classroom.set(app_trusted=False, redirect_uris=[BACK])
    assert "code" in way_back(consent(classroom))


def test_google_may_grant_another_scope(classroom: Classroom) -> None:
    classroom.set(readonly_scope_narrowed=True)
    back = way_back(consent(classroom, scope=f"{SCOPES}classroom.coursework.students.readonly"))
    content = exchange(classroom, back["code"]).json()
    caller = Caller(classroom.http, classroom.url, content["access_token"])
    assert content["scope"] == f"{SCOPES}classroom.student-submissions.students.readonly"
    assert caller.refused("GET", WORKS) == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("form", "hours", "answer"),
    [
        ({"redirect_uri": "https://app.example/"}, 0, (400, "redirect_uri_mismatch")),
        ({"client_id": seed.OTHER_CLIENT_ID, "client_secret": seed.OTHER_CLIENT_SECRET}, 0, (400, "invalid_grant")),
        ({"client_secret": "x"}, 0, (401, "invalid_client")),
        ({}, 1, (400, "invalid_grant")),
    ],
)  # fmt: skip
def test_codes_are_for_their_client_and_soon(
    classroom: Classroom, form: dict[str, str], hours: int, answer: tuple[int, str]
) -> None:
    code = way_back(consent(classroom))["code"]
    classroom.clock.advance(hours=hours)
    assert failure(exchange(classroom, code, **form)) == answer


@pytest.mark.parametrize(("verifier", "status"), [("v" * 43, 200), ("w" * 43, 400), ("", 400)])
def test_a_code_challenge(classroom: Classroom, verifier: str, status: int) -> None:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).decode().rstrip("=")
    back = way_back(consent(classroom, code_challenge=challenge, code_challenge_method="S256"))
    assert exchange(classroom, back["code"], code_verifier=verifier).status_code == status


def test_tokens_are_refreshed_and_may_have_less(classroom: Classroom) -> None:
    token = exchange(classroom, way_back(consent(classroom))["code"]).json()["refresh_token"]
    classroom.clock.advance(days=200)
    content = refresh(classroom, token).json()
    assert (content["scope"], "refresh_token" in content) == (ASKED["scope"], False)
    assert refresh(classroom, token, scope="openid").json()["scope"] == "openid"
    assert failure(refresh(classroom, token, scope=f"{SCOPES}classroom.topics")) == (400, "invalid_scope")


def test_a_client_may_name_itself_by_basic(classroom: Classroom) -> None:
    token = classroom.lms.issue_user_tokens(EMAIL, [COURSES])["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    answers = [
        classroom.http.post(f"{classroom.url}/token", data=form, auth=(seed.CLIENT_ID, secret)).status_code
        for secret in (seed.CLIENT_SECRET, "x")
    ]
    assert answers == [200, 401]


def _revoke_refresh(classroom: Classroom, content: dict[str, Any]) -> None:
    assert (
        classroom.http.post(f"{classroom.url}/revoke", data={"token": content["refresh_token"]}).json() == {}
    )


def _revoke_access(classroom: Classroom, content: dict[str, Any]) -> None:
    assert (
        classroom.http.post(f"{classroom.url}/revoke", params={"token": content["access_token"]}).json() == {}
    )


def _take_back(classroom: Classroom, content: dict[str, Any]) -> None:
    classroom.lms.ui_revoke_grants(TEACHER_ID)


def _delete_user(classroom: Classroom, content: dict[str, Any]) -> None:
    classroom.lms.ui_delete_user(TEACHER_ID)


@pytest.mark.parametrize("end", [_revoke_refresh, _revoke_access, _take_back, _delete_user])
def test_a_grant_ends(classroom: Classroom, end: Any) -> None:
    content = classroom.lms.issue_user_tokens(EMAIL, [COURSES])
    end(classroom, content)
    caller = Caller(classroom.http, classroom.url, content["access_token"])
    assert caller.refused("GET", "courses") == "UNAUTHENTICATED"
    assert failure(refresh(classroom, content["refresh_token"])) == (400, "invalid_grant")


def test_only_known_tokens_are_revoked(classroom: Classroom) -> None:
    reply = classroom.http.post(f"{classroom.url}/revoke", data={"token": "x"})
    assert failure(reply) == (400, "invalid_token")


@pytest.mark.parametrize(("testing", "status"), [(False, 200), (True, 400)])
def test_refresh_tokens_end_in_a_week_while_the_app_is_tested(
    classroom: Classroom, testing: bool, status: int
) -> None:
    token = classroom.lms.issue_user_tokens(EMAIL, [COURSES])["refresh_token"]
    classroom.set(app_in_testing=testing)
    classroom.clock.advance(days=7)
    assert refresh(classroom, token).status_code == status
