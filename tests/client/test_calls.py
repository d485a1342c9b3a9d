"""What the client makes of answers, and how often it tries."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from clients.python.make_sync import PACKAGE, made
from standardwebhooks import Webhook

from passback.wire.openapi.document import document
from passback_client import Passback, Refused, Unavailable, errors, models, webhooks
from support.webhooks import endpoint

DUE = datetime(2030, 6, 1, 23, 59, tzinfo=UTC)
STUDENT = {"assignment_id": "a", "state": "created", "user_id": "u"}
OK = httpx2.Response(200, json={"data": STUDENT})
Answer = httpx2.Response | Exception


class Served:
    """A gateway that answers as it is told, and keeps what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = iter(answers)
        self.asked: list[httpx2.Request] = []
        self.client = Passback(
            "T", "http://x", http=httpx2.Client(transport=httpx2.MockTransport(self._answer))
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many seconds were waited, which take no time."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def status(code: int, message: str = "no", **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(code, json={"message": message}, headers=named)


def grade(passback: Passback) -> Any:
    return passback.submissions.update("s", "a", "u", grade_points=1, grade_comment="Good")


def create(passback: Passback) -> Any:
    return passback.assignments.create("s", title="t", description="d", due_date=DUE)


def hook(passback: Passback) -> Any:
    return passback.webhooks.create("https://x.example")


@pytest.mark.parametrize("first", [
    status(500), status(502), status(503), status(504), status(429, retry_after="2"), status(409, retry_after="1"),
    httpx2.ReadTimeout("slow"), httpx2.ConnectError("refused"), httpx2.RemoteProtocolError("closed"),
])  # fmt: skip
def test_what_another_try_may_mend_is_tried_again(waits: list[float], first: Answer) -> None:
    served = Served(first, OK)
    assert grade(served.client).state == "created"
    assert len(served.asked) == 2
    asked = float(first.headers.get("retry-after", 0)) if isinstance(first, httpx2.Response) else 0
    assert waits[0] >= asked


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 413, 422])
def test_a_refusal_is_final(waits: list[float], code: int) -> None:
    served = Served(status(code), OK)
    with pytest.raises(Refused) as failed:
        grade(served.client)
    assert (failed.value.status, len(served.asked), waits) == (code, 1, [])


def test_a_create_that_is_sent_again_has_the_same_key(waits: list[float]) -> None:
    served = Served(status(500), httpx2.ReadTimeout("slow"), status(400, "INVALID_GRADE: no"))
    with pytest.raises(Refused) as failed:
        create(served.client)
    assert failed.value.code == "INVALID_GRADE"
    assert len({request.headers["idempotency-key"] for request in served.asked}) == 1
    assert len({request.content for request in served.asked}) == 1


@pytest.mark.parametrize(
    ("first", "tries"),
    [(status(503), 2), (status(429, retry_after="1"), 2), (httpx2.ConnectError("refused"), 2),
     (status(500), 1), (status(502), 1), (httpx2.ReadTimeout("slow"), 1)],
)  # fmt: skip
def test_what_has_no_key_is_only_sent_again_if_nothing_was_done(
    waits: list[float], first: Answer, tries: int
) -> None:
    served = Served(first, status(400))
    with pytest.raises(errors.Error):
        hook(served.client)
    assert len(served.asked) == tries


def test_the_tries_end(waits: list[float]) -> None:
    served = Served(*[status(500, "Error updating submission", x_request_id="r1")] * 9)
    with pytest.raises(Unavailable) as failed:
        grade(served.client)
    assert (len(served.asked), failed.value.status, failed.value.request_id) == (5, 500, "r1")
    assert 1 < sum(waits) < 10


def test_a_wait_until_a_date_is_heeded(waits: list[float]) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    grade(Served(status(503, retry_after=soon), OK).client)
    assert 20 < waits[0] <= 30


def test_a_wait_that_is_too_long_is_left_to_the_caller(waits: list[float]) -> None:
    served = Served(status(503, retry_after="600"))
    with pytest.raises(Unavailable) as failed:
        grade(served.client)
    assert (failed.value.retry_after, waits) == (600, [])


def test_a_deletion_that_an_earlier_try_has_done_is_done(waits: list[float]) -> None:
    gone = status(404, "Assignment does not exist")
    Served(httpx2.ReadTimeout("slow"), gone).client.assignments.delete("s", "a")
    for before in ((), (status(429),), (httpx2.ConnectError("refused"),)):
        with pytest.raises(errors.AssignmentNotFound):
            Served(*before, gone).client.assignments.delete("s", "a")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>", b"", b"[]", b'{"data":5}', b'{"data":{}}', b"\xff", b'{"data":null}', b"[" * 100_000,
        b'{"data":[1],"links":5}', b'{"data":[],"links":[5]}',
    ],
)  # fmt: skip
def test_an_answer_that_is_not_as_documented_is_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(Unavailable):
        grade(Served(httpx2.Response(200, content=body)).client)
    with pytest.raises(Unavailable):
        list(Served(httpx2.Response(200, content=body)).client.assignments.list("s"))


def test_an_address_that_leads_on_is_named_in_the_error() -> None:
    moved = httpx2.Response(308, headers={"location": "https://x.example/v3.1/"}, content=b"<html>")
    with pytest.raises(Unavailable, match=r"https://x\.example/v3\.1/"):
        grade(Served(moved).client)


def test_whoever_has_no_answer_to_a_create_can_repeat_it_with_its_key(waits: list[float]) -> None:
    served = Served(*[status(500)] * 5)
    with pytest.raises(Unavailable) as failed:
        create(served.client)
    assert failed.value.idempotency_key == served.asked[0].headers["idempotency-key"]


def test_an_answer_that_cannot_be_unpacked_is_as_none(waits: list[float]) -> None:
    served = Served(httpx2.DecodingError("not gzip"), OK)
    assert grade(served.client).state == "created"


def test_new_fields_and_values_break_nothing() -> None:
    content = {"data": {**STUDENT, "state": "new", "new": {"a": 1}, "flags": ["new"]}, "new": 1}
    assert grade(Served(httpx2.Response(200, json=content)).client).flags == ("new",)


@pytest.mark.parametrize("uri", ["https://evil.example/v3.1/x", "//evil.example/v3.1/x", "/other"])
def test_a_link_to_another_server_is_not_followed(uri: str) -> None:
    first = httpx2.Response(200, json={"data": [STUDENT], "links": [{"rel": "next", "uri": uri}]})
    served = Served(first)
    with pytest.raises(Unavailable):
        list(served.client.submissions.list("s", "a"))
    assert len(served.asked) == 1


def test_a_page_without_items_leads_on() -> None:
    uri, link = "/v3.1/x?cursor=2", {"rel": "next"}
    pages = [{"data": [], "links": [{**link, "uri": uri}]}, {"data": [STUDENT]}]
    served = Served(*(httpx2.Response(200, json=it) for it in pages))
    assert [it.user_id for it in served.client.submissions.list("s", "a")] == ["u"]
    turning = Served(*(httpx2.Response(200, json=pages[0]) for _ in range(3)))
    with pytest.raises(Unavailable, match="leads to itself"):
        list(turning.client.submissions.list("s", "a"))


@pytest.mark.parametrize("here", ["127.0.0.1", "localhost"])
def test_a_gateway_on_this_machine_is_asked_past_a_proxy(here: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with endpoint() as gateway, endpoint() as proxy:
        gateway.status, gateway.body, proxy.status = 200, b'{"data":[]}', 407
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        with Passback("T", f"http://{here}:{gateway.port}") as passback:
            assert passback.webhooks.fetch("w") == ()
        with Passback("T", "http://gateway.example") as passback, pytest.raises(Refused):
            passback.webhooks.fetch("w")
    assert (len(gateway.received), len(proxy.received)) == (1, 1)


def test_ids_cannot_leave_their_place_in_the_path() -> None:
    served = Served(OK)
    served.client.submissions.get("s", "../../webhooks", "u?x=1")
    assert (
        served.asked[0].url.raw_path
        == b"/v3.1/sections/s/assignments/..%2F..%2Fwebhooks/submissions/u%3Fx%3D1"
    )


NAIVE = datetime(2030, 1, 1)  # noqa: DTZ001


@pytest.mark.parametrize("do", [
    lambda it: it.assignments.create("s", title="t", description="d", due_date=NAIVE),
    lambda it: it.assignments.create("s", title="t", description="d", due_date=DUE, idempotency_key="schön"),
    lambda it: it.assignments.create("s", title="t", description="d", due_date=DUE, idempotency_key=""),
    lambda it: it.assignments.create("s", title="\ud800", description="d", due_date=DUE),
    lambda it: it.submissions.update("s", "a", "u", grade_points=math.nan),
    lambda it: it.submissions.update_many("s", "a", {"u": {"grade_points": math.inf}}),
    lambda it: it.assignments.delete("s", ""),
    lambda it: it.submissions.update("s", "a", "..", grade_points=1),
    lambda it: list(it.roster.students("")),
])  # fmt: skip
def test_what_cannot_be_sent_is_refused_before_anything_is(do: Callable[[Passback], Any]) -> None:
    served = Served()
    with pytest.raises(ValueError, match=r".+"):
        do(served.client)
    assert served.asked == []


@pytest.mark.parametrize(
    ("token", "url"),
    [
        ("", "http://x"), ("a\n", "http://x"), (" ", "http://x"), ("schön", "http://x"),
        ("T", ""), ("T", "x:8080"), ("T", "ftp://x"), ("T", "https://"), ("T", "http://x\ny"), ("T", "http://\u0130..x"),
        ("T", "http://x:y"), ("T", "http://[::1"), ("T", "http://x/?a=b"), ("T", "http://a:secret@x"),
    ],
)  # fmt: skip
def test_a_token_or_an_address_that_cannot_be_one_is_refused_at_once(token: str, url: str) -> None:
    with pytest.raises(ValueError, match=r"token|address"):
        Passback(token, url)


MODELS = {
    name: kind
    for name, kind in vars(models).items()
    if isinstance(kind, type)
    and issubclass(kind, models.Model)
    and kind not in (models.Model, models.Accepted)
}


@pytest.mark.parametrize(
    "name", [name for name in MODELS if name in document("1", sandbox=False)["components"]["schemas"]]
)
def test_a_model_has_the_fields_of_the_document(name: str) -> None:
    schema: Any = document("1", sandbox=False)["components"]["schemas"][name]
    fields = {it.name: it for it in msgspec.structs.fields(MODELS[name])}
    assert fields.keys() == schema["properties"].keys()
    required = {it for it, field in fields.items() if field.required}
    assert required == set(schema.get("required", ())) - {"type"} | ({"type"} & required)


def test_every_schema_of_an_answer_has_a_model() -> None:
    schemas: Any = document("1", sandbox=False)["components"]["schemas"]
    used = {"Assignment", "Submission", "SubmissionOutcome", "Delivery", "DeliveryError", "Webhook", "WebhookMessage",
            "WebhookResend", "FetchedMessage", "WebhookTest", "District", "LmsCapabilities", "School", "Term", "Course",
            "Section", "User", "RosterEvent", "Attachment", "GradingScale"}  # fmt: skip
    assert used <= MODELS.keys() & schemas.keys()


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type":"delivery.refused","timestamp":"2026-11-23T09:30:00.000Z","data":{"delivery_id":"d"}}'


def signed(body: str, at: datetime) -> dict[str, str]:
    return {
        "Webhook-Id": "m1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(SECRET).sign("m1", at, body),
    }


def test_a_signed_message_is_verified() -> None:
    now = datetime.now(UTC)
    found = webhooks.verify(BODY.encode(), signed(BODY, now), SECRET)
    assert (found.id, found.type, found.data) == ("m1", "delivery.refused", {"delivery_id": "d"})


def with_header(name: str, value: str, body: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    return body, {**headers, name: value}


@pytest.mark.parametrize("body", ["{", "[]", '{"type":5}', "[" * 100_000])
def test_a_signed_body_that_is_no_message_is_no_message(body: str) -> None:
    with pytest.raises(webhooks.InvalidSignature):
        webhooks.verify(body, signed(body, datetime.now(UTC)), SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!", "whsec_A"])
def test_a_secret_that_is_none_is_not_taken_for_a_bad_message(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        webhooks.verify(BODY, signed(BODY, datetime.now(UTC)), secret)


@pytest.mark.parametrize("change", [
    lambda body, headers: (body.replace(b"refused", b"expired"), headers),
    lambda body, headers: (body, {}),
    lambda body, headers: (body, {**headers, "Webhook-Id": "m2"}),
    lambda body, headers: (b"\xff" + body, headers),
    *(partial(with_header, "Webhook-Signature", it) for it in ("", "v1", "v1,", "v1,a,b", "v1,ä", "v1,!", " ")),
    *(partial(with_header, "Webhook-Timestamp", it) for it in ("", "x", "nan", "9" * 30, "-1")),
])  # fmt: skip
def test_any_other_is_not(change: Callable[[bytes, dict[str, str]], tuple[bytes, dict[str, str]]]) -> None:
    body, headers = change(BODY.encode(), signed(BODY, datetime.now(UTC)))
    with pytest.raises(webhooks.InvalidSignature):
        webhooks.verify(body, headers, SECRET)
    old = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(webhooks.InvalidSignature):
        webhooks.verify(BODY.encode(), signed(BODY, old), SECRET)


def test_the_client_that_waits_is_made_from_the_other() -> None:
    assert (PACKAGE / "_sync" / "client.py").read_text("utf-8") == made()


def test_the_package_says_nothing_of_what_is_not_its_own() -> None:
    for file in Path(PACKAGE).rglob("*.py"):
        assert "import passback\n" not in file.read_text("utf-8")
        assert "from passback." not in file.read_text("utf-8")
    assert json.loads(json.dumps(models.Attachment(url="u").to_dict())) == {"type": "file", "url": "u"}
