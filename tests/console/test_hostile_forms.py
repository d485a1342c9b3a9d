"""What no browser sends, to every page and every form: a plain answer, and never an error of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote, urlencode

import pytest

from passback.console import once
from passback.console.app import PAGES
from passback.operations import tokens
from support.console import OWNER, Visitor
from support.sandbox import DISTRICT, ESSAY, SECTION, STUDENT, Sandbox

NAMES = (
    "name", "role", "district", "teacher", "application", "days", "grade", "title", "due_date", "points_possible",
    "published", f"grade-{STUDENT}", f"was-grade-{STUDENT}", "was-due_date", f"comment-{STUDENT}", "candidate", "lms_id", "delivery", "back",
    "message", "section", "address", "setting-access_token", "setting-client_id", "setting-masquerade", "file",
    "removals", "same_lms",
)  # fmt: skip
"""The fields of all forms."""
QUERIES = (
    "before",
    "after",
    "skip",
    "app",
    "section",
    "q",
    "who",
    "action",
    "since",
    "until",
    "district",
    "done",
    "next",
    "kind",
)
"""The parameters of all pages."""
VALUES: Mapping[str, str] = {
    "long": "x" * 100_000,
    "long number": "9" * 5_000,
    "not a number": "nan",
    "of another script": "١٢٣ ２０ Ⅷ",
    "marks": "<script>alert(1)</script>'\"&#{{7*7}}%00%s\r\nSet-Cookie: a=b",
    "control": "\x00\x01\x7f\x85\u2028\ufeff",
    "lone surrogate": "\ud800",
    "emoji": "🦉" * 300,
    "a path": "/../../../etc/passwd",
    "nothing": "",
}
_DOES: Mapping[str, tuple[str, ...]] = {
    "/deliveries": ("retry", "cancel", "x"),
    "/connect/{kind}": ("connect", "sign-in", "link"),
    "/districts/{district_id}/connection": ("check", "probe", "x"),
    "/districts/{district_id}/webhooks/{webhook_id}": ("resend", "enable", "x"),
}
"""What the buttons of forms with several do; none of these ends what the next test needs."""
_LEAVES = ("/sign-out", "/disable", "/delete", "/revoke")
"""Ends what the next test needs."""
POSTS = [it for it in PAGES if it.method == "POST" and not it.path.endswith(_LEAVES)]
GETS = [it for it in PAGES if it.method == "GET" and it.path != "/connect/callback"]


@pytest.fixture(scope="module")
def someone(production: Sandbox) -> Iterator[Visitor]:
    """The owner, signed in once for all."""
    visitor = Visitor(production.port)
    yield visitor.sign_in(OWNER)
    visitor.close()


@pytest.fixture(scope="module")
def places(production: Sandbox) -> Mapping[str, str]:
    """What is there, by the names that addresses have for it."""
    made = production.client("DEMO_TOKEN").post(f"/v3.1/sections/{SECTION}/assignments", ESSAY).data["id"]
    webhook = (
        production.client("DEMO_TOKEN").post("/v3.1/webhooks", {"url": "http://127.0.0.1:9/"}).data["id"]
    )
    used = asyncio.run(tokens.list_all(production.gateway.database, DISTRICT))[0].id
    return {
        "district_id": DISTRICT,
        "section_id": SECTION,
        "assignment_id": made,
        "student_id": STUDENT,
        "user_id": STUDENT,
        "our_id": STUDENT,
        "webhook_id": webhook,
        "token_id": used,
        "delivery_id": made,
        "upload_id": "nothing",
        "kind": "canvas",
    }


def _is_plain(status: int, body: bytes) -> bool:
    return status < 500 and b"Traceback" not in body and b"<script>alert" not in body


@pytest.mark.parametrize("shown", POSTS, ids=lambda it: it.path)
def test_a_form_with_values_that_make_no_sense_gets_a_plain_answer(
    shown: object, someone: Visitor, places: Mapping[str, str]
) -> None:
    path = "/console" + shown.path.format(**places)  # type: ignore[attr-defined]
    for do in _DOES.get(shown.path, ("",)):  # type: ignore[attr-defined]
        for what, value in VALUES.items():
            someone.get("/console/nothing")
            sent = {"csrf_token": someone.csrf, **dict.fromkeys(NAMES, value), "do": do}
            body = urlencode(sent, errors="surrogatepass").encode()
            reply = someone.send(path, body, "application/x-www-form-urlencoded")
            assert _is_plain(reply.status, reply.body), (what, do, reply)
            assert reply.headers.get("set-cookie", once.COOKIE).startswith(once.COOKIE)


@pytest.mark.parametrize("shown", POSTS, ids=lambda it: it.path)
def test_a_form_that_is_none_gets_a_plain_answer(
    shown: object, someone: Visitor, places: Mapping[str, str]
) -> None:
    path = "/console" + shown.path.format(**places)  # type: ignore[attr-defined]
    someone.get("/console/nothing")
    token = someone.csrf.encode()
    parts = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    files = b"".join(parts % (name.encode(), b'; filename="a\xff.zip"', b"PK\x03\x04\xff") for name in NAMES)
    for body, kind in (
        (b"", "application/x-www-form-urlencoded"),
        (b"csrf_token=" + token, "application/x-www-form-urlencoded"),
        (b"csrf_token=%ff&%ff=%ff&=&&;", "application/x-www-form-urlencoded"),
        (b"csrf_token=" + token + b"&do=%ff%fe&name=%ff&grade=%c3%28", "application/x-www-form-urlencoded"),
        (b'{"csrf_token": "' + token + b'"}', "application/json"),
        (b"--b\r\n", "multipart/form-data; boundary=b"),
        (b"nothing", "multipart/form-data"),
        (parts % (b"csrf_token", b"", token) + files + b"--b--\r\n", "multipart/form-data; boundary=b"),
        (parts % (b"csrf_token", b'; filename="t"', token) + b"--b--\r\n", "multipart/form-data; boundary=b"),
    ):
        reply = someone.send(path, body, kind)
        assert _is_plain(reply.status, reply.body), (body[:80], reply)


@pytest.mark.parametrize("shown", GETS, ids=lambda it: it.path)
def test_an_address_with_values_that_make_no_sense_gets_a_plain_answer(
    shown: object, someone: Visitor, places: Mapping[str, str]
) -> None:
    path = shown.path  # type: ignore[attr-defined]
    for what, value in VALUES.items():
        given = quote(value[:5_000], safe="", errors="surrogatepass")
        query = "&".join(f"{name}={given}" for name in QUERIES)
        reply = someone.get(f"/console{path.format(**places)}?{query}"[:60_000])
        assert _is_plain(reply.status, reply.body), (what, reply)
        for name in places:
            if "{" + name + "}" in path and value:
                odd = path.format(**{**places, name: given})
                reply = someone.get(f"/console{odd}")
                assert _is_plain(reply.status, reply.body), (what, name, reply)


_SANDBOX: Mapping[str, tuple[str, ...]] = {
    "/send": ("create", "grade", "read"),
    "/gradebook": ("grade", "hand-in", "edit", "delete", "enroll", "unenroll", "add", "x"),
    "/errors": ("",),
    "/clock": ("", "real"),
}


@pytest.mark.parametrize("path", _SANDBOX)
def test_a_form_of_the_sandbox_gets_a_plain_answer(path: str, sandbox: Sandbox, visitor: Visitor) -> None:
    section, student = "4fee004cca2e43cfca000007", "4fee004cca2e43cfca001001"
    made = sandbox.client("DEMO_CANVAS_TOKEN").post(f"/v3.1/sections/{section}/assignments", ESSAY).data["id"]
    names = ("points", "comment", "title", "due", "first", "last", "number", "now", "advance", "fault")
    for do in _SANDBOX[path]:
        for what, value in VALUES.items():
            for theirs in ({"assignment": made, "student": student}, {"assignment": value, "student": value}):
                visitor.get("/console/nothing")
                sent = {"csrf_token": visitor.csrf, **dict.fromkeys(names, value), **theirs, "do": do}
                body = urlencode({**sent, "section": section}, errors="surrogatepass").encode()
                reply = visitor.send(f"/console/sandbox{path}", body, "application/x-www-form-urlencoded")
                assert _is_plain(reply.status, reply.body), (what, do, reply)


def test_a_session_that_ended_during_an_edit_leads_back_and_changes_nothing(
    visitors: Callable[[], Visitor], places: Mapping[str, str]
) -> None:
    visitor = visitors().sign_in(OWNER)
    sheet = f"/console/districts/{DISTRICT}/gradebook/{SECTION}"
    visitor.get(sheet)
    visitor.post("/console/sign-out")
    reply = visitor.post(f"{sheet}/{places['assignment_id']}/{STUDENT}", {"grade": "3"})
    assert reply.status == 303
    assert reply.headers["location"].startswith("/console/sign-in")
