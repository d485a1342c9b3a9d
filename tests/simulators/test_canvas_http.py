"""The simulated Canvas's exact replies, and what other clients do not reach."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from passback.testing.served import Served
from passback_simulators.canvas.app import CanvasSimulator
from passback_simulators.canvas.seed import ADMIN_TOKEN, CLIENT_ID, CLIENT_SECRET, FAR_STUDENT, person_lms_id
from support.sandbox import SetClock

STUDENT = person_lms_id("001001")
CALLBACK = "http://127.0.0.1:8765/callback"
GOOD = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


def call(
    served: Served, method: str, path: str, token: str | None = ADMIN_TOKEN, **how: Any
) -> httpx2.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    headers |= how.pop("headers", {})
    return httpx2.request(method, f"{served.url}/api/v1/{path}", headers=headers, **how)


def create(served: Served, **fields: Any) -> str:
    given = {"name": "Essay", "published": True, "points_possible": 20, **fields}
    reply = call(served, "POST", "courses/107/assignments", json={"assignment": given})
    assert reply.status_code == 201, reply.text
    return f"courses/107/assignments/{reply.json()['id']}"


def token(served: Served, **form: str) -> httpx2.Response:
    return httpx2.post(f"{served.url}/login/oauth2/token", data=form)


def code(served: Served, **query: str) -> dict[str, str]:
    """The parameters of the redirect after the page's button."""
    sent = {"client_id": CLIENT_ID, "response_type": "code", "redirect_uri": CALLBACK, "state": "s", **query}
    page = httpx2.get(f"{served.url}/login/oauth2/auth", params=sent)
    assert (page.status_code, "Authorize" in page.text) == (200, True)
    back = httpx2.post(
        f"{served.url}/login/oauth2/accept", data={**sent, "allow": "1"}, follow_redirects=False
    )
    return dict(parse_qsl(urlsplit(back.headers["location"]).query))


def test_a_code_gives_a_token_and_a_refresh_token_that_counts_for_long(served: Served) -> None:
    granted = token(
        served, **GOOD, grant_type="authorization_code", redirect_uri=CALLBACK, code=code(served)["code"]
    ).json()
    again = [
        token(served, **GOOD, grant_type="refresh_token", refresh_token=granted["refresh_token"]).json()
        for _ in range(2)
    ]
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
    assert ["refresh_token" in it for it in again] == [False, False]
    assert call(served, "GET", "users/self", again[1]["access_token"]).status_code == 200


def test_a_token_lasts_an_hour(served: Served) -> None:
    granted = token(
        served, **GOOD, grant_type="authorization_code", redirect_uri=CALLBACK, code=code(served)["code"]
    ).json()
    assert isinstance(served.simulator.clock, SetClock)
    served.simulator.clock.advance(hours=1)
    reply = call(served, "GET", "users/self", granted["access_token"])
    assert (reply.status_code, reply.headers["www-authenticate"], reply.json()) == (
        401, 'Bearer realm="canvas-lms"', {"errors": [{"message": "Invalid access token."}]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_id": "1"}, 401, "invalid_client"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)  # fmt: skip
def test_refusals_of_the_token_endpoint(
    served: Served, form: dict[str, str], status: int, error: str
) -> None:
    reply = token(served, **{**GOOD, **form})
    assert (reply.status_code, reply.json()["error"]) == (status, error)


def test_no_credentials_bring_their_own_refusal(served: Served) -> None:
    reply = call(served, "GET", "users/self", None)
    assert (reply.status_code, reply.json()) == (
        401, {"status": "unauthenticated", "errors": [{"message": "user authorization required"}]},
    )  # fmt: skip


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_right_is_refused_as_the_host_does(served: Served, status: int) -> None:
    served.control("PUT", "settings", {"unauthorized_status": status})
    assert isinstance(served.simulator, CanvasSimulator)
    reply = call(served, "GET", "accounts/1/courses", served.simulator.issue_token(STUDENT))
    assert (reply.status_code, reply.json()["status"], "www-authenticate" in reply.headers) == (
        status, "unauthorized", False,
    )  # fmt: skip


def test_acting_as_another_needs_the_right(served: Served) -> None:
    served.control("PUT", "settings", {"can_masquerade": False})
    reply = call(served, "GET", "users/self", params={"as_user_id": STUDENT})
    assert (reply.status_code, reply.json()) == (401, {"errors": "Invalid as_user_id"})


def test_scopes_apply_if_they_are_enforced(served: Served) -> None:
    served.control("PUT", "settings", {"enforce_scopes": True})
    assert isinstance(served.simulator, CanvasSimulator)
    text = served.simulator.issue_token("900", scopes=["url:GET|/api/v1/courses/:course_id/assignments"])
    statuses = [
        call(served, "GET", path, text).status_code for path in ("courses/107/assignments", "users/self")
    ]
    assert statuses == [200, 401]


@pytest.mark.parametrize(("status", "text"), [(403, "403 Forbidden"), (429, "429 Too Many Requests")])
def test_too_much_is_plain_text(served: Served, status: int, text: str) -> None:
    served.control("PUT", "settings", {"throttle_status": status})
    served.fail("throttled")
    reply = call(served, "GET", "users/self")
    assert (reply.status_code, reply.text, reply.headers["x-rate-limit-remaining"]) == (
        status, f"{text} (Rate Limit Exceeded)\n", "0.0",
    )  # fmt: skip


def test_every_reply_tells_its_cost_and_what_remains(served: Served) -> None:
    reply = call(served, "GET", "users/self")
    assert (reply.headers["x-request-cost"], reply.headers["x-rate-limit-remaining"]) == ("5.0", "600.0")


def test_a_page_has_ten_items_unless_more_are_requested(served: Served) -> None:
    reply = call(served, "GET", "courses/107/enrollments")
    assert (len(reply.json()), 'rel="next"' in reply.headers["link"], 'rel="last"' in reply.headers["link"]) == (
        10, True, True,
    )  # fmt: skip


def test_ids_are_strings_on_request(served: Served) -> None:
    path = f"users/{FAR_STUDENT}"
    plain = call(served, "GET", path).json()["id"]
    text = call(served, "GET", path, headers={"Accept": "application/json+canvas-string-ids"}).json()["id"]
    assert (plain, text) == (FAR_STUDENT, str(FAR_STUDENT))


def test_unknown_paths_of_the_host_are_html(served: Served) -> None:
    reply = httpx2.get(f"{served.url}/nowhere")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_sis_fields_need_their_rights(served: Served) -> None:
    served.control("PUT", "settings", {"can_manage_sis": False})
    path = create(served, sis_assignment_id="m-1")
    dropped = call(served, "GET", path).json()["sis_assignment_id"]
    served.control("PUT", "settings", {"can_read_sis": False})
    assert (dropped, "sis_assignment_id" in call(served, "GET", path).json()) == (None, False)
    assert "sis_user_id" not in call(served, "GET", f"users/{STUDENT}").json()


def test_dates_are_the_callers_unless_requested_otherwise(served: Served) -> None:
    override = {"student_ids": [STUDENT], "due_at": "2026-03-01T12:00:00Z"}
    path = create(served, due_at="2026-02-01T12:00:00Z", assignment_overrides=[override])
    assert isinstance(served.simulator, CanvasSimulator)
    theirs = served.simulator.issue_token(STUDENT)
    seen = call(served, "GET", path, theirs).json()["due_at"]
    base = call(served, "GET", path, theirs, params={"override_assignment_dates": "false"}).json()["due_at"]
    assert (seen, base) == ("2026-03-01T12:00:00Z", "2026-02-01T12:00:00Z")


def test_includes_may_be_ignored_silently(served: Served) -> None:
    served.control("PUT", "settings", {"include_allowed": False})
    path = create(served)
    submission = call(
        served, "GET", f"{path}/submissions/{STUDENT}", params={"include[]": "submission_comments"}
    )
    assert "submission_comments" not in submission.json()


def test_an_excuse_is_lifted_only_by_a_form(served: Served) -> None:
    path = f"{create(served)}/submissions/{STUDENT}"
    call(served, "PUT", path, json={"submission": {"excuse": True}})
    by_json = call(served, "PUT", path, json={"submission": {"excuse": False}}).json()["excused"]
    by_form = call(served, "PUT", path, data={"submission[excuse]": "false"}).json()["excused"]
    assert (by_json, by_form) == (True, False)


@pytest.mark.parametrize(("setting", "fields"), [("closed_grading_period", {}), ("", {"published": False})])
def test_some_work_cannot_be_graded_now(served: Served, setting: str, fields: dict[str, Any]) -> None:
    path = create(served, **fields)
    if setting:
        served.control("PUT", "settings", {setting: True})
    reply = call(served, "PUT", f"{path}/submissions/{STUDENT}", json={"submission": {"posted_grade": "1"}})
    assert (reply.status_code, "Cannot grade this submission at this time" in reply.json()["error"]) == (
        400,
        True,
    )


def test_grades_stay_hidden_until_they_are_posted(served: Served) -> None:
    served.control("PUT", "settings", {"manual_post_policy": True})
    path = create(served)
    call(served, "PUT", f"{path}/submissions/{STUDENT}", json={"submission": {"posted_grade": "1"}})
    hidden = call(served, "GET", f"{path}/submissions/{STUDENT}").json()["posted_at"]
    content = {
        "query": "mutation { postAssignmentGrades }",
        "variables": {"assignment": path.rpartition("/")[2]},
    }
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    assert httpx2.post(f"{served.url}/api/graphql", json=content, headers=headers).json()["data"]
    posted = call(served, "GET", f"{path}/submissions/{STUDENT}").json()["posted_at"]
    assert (hidden, posted) == (None, "2026-01-01T00:00:00Z")


def test_an_upload_keeps_the_order_of_its_parameters_and_takes_no_token(served: Served) -> None:
    assert isinstance(served.simulator, CanvasSimulator)
    theirs = served.simulator.issue_token(STUDENT)
    served.control("PUT", "settings", {"upload_redirects": True})
    path = create(served, submission_types=["online_upload"])
    begun = call(served, "POST", f"{path}/submissions/{STUDENT}/files", theirs, json={"name": "a.txt"}).json()
    good = list(begun["upload_params"].items())
    file = ("file", ("a.txt", b"text"))
    parts = [(name, (None, value)) for name, value in good]
    wrong = httpx2.post(begun["upload_url"], files=[file, *parts])
    with_token = httpx2.post(begun["upload_url"], files=[*parts, file], headers={"Authorization": "Bearer x"})
    right = httpx2.post(begun["upload_url"], files=[*parts, file], follow_redirects=False)
    assert [wrong.status_code, with_token.status_code, right.status_code] == [400, 400, 303]
    # What the redirect leads to knows the upload by itself.
    assert httpx2.get(right.headers["location"]).json()["display_name"] == "a.txt"
    assert httpx2.get(right.headers["location"].partition("?")[0]).status_code == 400


def test_the_submit_endpoint_refuses_in_words(served: Served) -> None:
    assert isinstance(served.simulator, CanvasSimulator)
    theirs = served.simulator.issue_token(STUDENT)
    path = create(served, submission_types=["online_url", "online_upload"])
    said = [
        call(served, "POST", f"{path}/submissions", theirs, json={"submission": it}).json()["message"]
        for it in (
            {"submission_type": "online_text_entry"},
            {"submission_type": "online_url"},
            {"submission_type": "online_upload", "file_ids": [1]},
        )
    ]
    assert said == [
        "Invalid submission[submission_type] given",
        "Invalid parameters for submission_type online_url. Required: submission[url]",
        "No valid file ids given",
    ]


def test_a_bulk_update_may_fail(served: Served) -> None:
    served.control("PUT", "settings", {"bulk_fails": True})
    path = create(served)
    content = {"grade_data": {STUDENT: {"posted_grade": "1"}}}
    number = call(served, "POST", f"{path}/submissions/update_grades", json=content).json()["id"]
    assert call(served, "GET", f"progress/{number}").json()["workflow_state"] == "failed"
    assert call(served, "POST", f"{path}/submissions/update_grades", json={}).status_code == 400


def test_malformed_bodies_are_refused_and_change_nothing(served: Served) -> None:
    before = served.control("GET", "state")
    statuses = [
        call(served, "POST", "courses/107/assignments", content=body, headers={"Content-Type": "application/json"})
        .status_code
        for body in (b"", b"{", b"[]", b'{"assignment": 1}', b'{"assignment": {}}', b"\xff")
    ]  # fmt: skip
    assert (set(statuses), served.control("GET", "state")) == ({400}, before)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("PUT", "courses/107", "course"), ("POST", "courses/107/late_policy", "late_policy"),
        ("POST", "courses/107/rubrics", "rubric"), ("POST", "courses/107/assignment_groups", "rules"),
        ("POST", "courses/107/submissions/update_grades", "grade_data"),
        ("POST", "accounts/1/grading_period_sets", "grading_period_set"),
    ],
)  # fmt: skip
def test_what_should_be_an_object_and_is_none_breaks_nothing(
    served: Served, method: str, path: str, name: str
) -> None:
    values: list[Any] = ["text", 7, ["x", None], {"x": {"y": []}}]
    for wrong in values:
        assert call(served, method, path, json={name: wrong}).status_code < 500
