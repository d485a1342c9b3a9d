"""What is logged, and what never is."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from typing import Any

import pytest

from passback.observe import request_id
from passback.observe.logs import JsonFormatter, TextFormatter
from passback.store.engine.database import StoreUnavailable
from passback_simulators.identities import CANVAS_UNIFIED
from support.observe import logged
from support.sandbox import ASSIGNMENTS, DISTRICT, ESSAY, STUDENT, TEACHER, TOKEN, Sandbox

TEMPLATE = "/v3.1/sections/{section_id}/assignments"
HOSTILE = "x\nERROR passback.web.api: forged\r\x1b[2J\x00\x85\u2028\u202e\udcff end"


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "passback.test", "levelname": "WARNING", "msg": message, **extra})
    made.args = arguments
    return made


def raises(error: BaseException) -> None:
    raise error


def caught(error: BaseException) -> Any:
    try:
        raises(error)
    except BaseException:  # noqa: BLE001 - logged, whatever it is
        return sys.exc_info()


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_text_is_time_level_logger_message_and_the_request() -> None:
    made = record("a %s", "b", created=1_767_225_600.0625)
    line = "2026-01-01T00:00:00.062Z WARNING passback.test: a b"
    assert TextFormatter().format(made) == line
    with request_id.continued("r-1"):
        assert TextFormatter().format(made) == f"{line} (request r-1)"


def test_json_has_what_there_is() -> None:
    made = record("a %s", "b", created=1_767_225_600.0625, colour="red", number=7, odd={1})
    with request_id.continued("r-1"):
        line = json.loads(JsonFormatter().format(made))
    assert line == {
        "time": "2026-01-01T00:00:00.062Z",
        "level": "warning",
        "logger": "passback.test",
        "message": "a b",
        "request_id": "r-1",
        "colour": "red",
        "number": 7,
        "odd": "{1}",
    }
    assert "request_id" not in json.loads(JsonFormatter().format(made))


def test_json_tells_an_exception_by_type_and_traceback() -> None:
    line = json.loads(JsonFormatter().format(record("no", exc_info=caught(StoreUnavailable("disk\nfull")))))
    assert line["exception"]["type"] == "passback.store.engine.database.StoreUnavailable"
    assert line["exception"]["traceback"].startswith("  File ")
    assert line["exception"]["traceback"].endswith(
        r"passback.store.engine.database.StoreUnavailable: disk\nfull"
    )


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_words_of_an_exception_that_is_not_ours_are_not_told(formatter: logging.Formatter) -> None:
    error = KeyError("Ada Lovelace")
    error.__cause__ = ValueError("s3cret")
    group = ExceptionGroup("Ada Lovelace", [error, OSError(28, "No space left on device", "/x/Ada Lovelace")])
    text = formatter.format(record("no", exc_info=caught(group)))
    assert "Lovelace" not in text
    assert "s3cret" not in text
    assert all(kind in text for kind in ("ExceptionGroup", "KeyError", "ValueError"))
    assert "OSError: No space left on device" in text


def test_exceptions_that_lead_to_each_other_are_told_once() -> None:
    one, two = KeyError(), ValueError()
    one.__cause__, two.__cause__ = two, one
    assert TextFormatter().format(record("no", exc_info=(KeyError, one, None))).count("KeyError") == 1


@pytest.mark.parametrize("as_exception", [False, True])
def test_nothing_that_is_logged_can_forge_a_line_of_text(as_exception: bool) -> None:
    kinds = {"exc_info": caught(StoreUnavailable(HOSTILE))} if as_exception else {}
    text = TextFormatter().format(record("said %s", HOSTILE, name="passback", **kinds))
    first, *others = text.split("\n")
    assert all(line.startswith("    ") for line in others)
    assert bool(others) is as_exception
    assert all(line.isprintable() for line in (first, *others))
    assert text.splitlines() == [first, *others]
    assert r"x\nERROR passback.web.api: forged\r\x1b[2J\x00\x85\u2028\u202e\udcff end" in first


def test_nothing_that_is_logged_can_forge_a_line_of_json() -> None:
    made = record("said %s", HOSTILE, name="a\nb", exc_info=caught(StoreUnavailable(HOSTILE)), odd=HOSTILE)
    text = JsonFormatter().format(made)
    assert "\n" not in text
    assert "\r" not in text
    assert json.loads(text.encode())["message"] == "said " + HOSTILE.replace("\udcff", "?")


def test_a_request_is_one_line_of_the_access_log(sandbox: Sandbox) -> None:
    path = sandbox.create()
    with logged() as log:
        sandbox.call("GET", f"{path}/submissions/{STUDENT}?limit=5", headers={"X-Request-Id": "r-7"})
        sandbox.get("/health/live")
    assert re.fullmatch(
        rf"\S+Z INFO passback\.access: GET {re.escape(TEMPLATE)}/\{{assignment_id\}}/submissions/\{{user_id\}} 200 "
        rf"in \d+\.\d ms, district {DISTRICT}, application .+ \(request r-7\)\n",
        log.getvalue(),
    )


def test_and_one_object_in_json(sandbox: Sandbox) -> None:
    with logged("json") as log:
        sandbox.call("POST", ASSIGNMENTS, "{}", {"X-Request-Id": "r-8"})
        sandbox.client("WRONG").call("BREW", ASSIGNMENTS)
        sandbox.get(f"/v3.1/{STUDENT}/Ada")
    refused, wrong, nowhere = (line for line in lines(log.getvalue()) if line["logger"] == "passback.access")
    assert refused.pop("milliseconds") >= 0
    assert refused.pop("time").endswith("Z")
    assert refused.pop("application")
    assert refused.pop("message").startswith(f"POST {TEMPLATE} 400 in ")
    assert refused == {
        "level": "info",
        "logger": "passback.access",
        "request_id": "r-8",
        "method": "POST",
        "path": TEMPLATE,
        "status": 400,
        "district_id": DISTRICT,
    }
    assert [wrong[name] for name in ("method", "path", "status", "district_id", "application")] == [
        "other", TEMPLATE, 403, "-", "-",
    ]  # fmt: skip
    assert (nowhere["path"], nowhere["status"]) == ("-", 404)


SECRETS = ("Ada Lovelace", "A+ and a comment", "18.25", STUDENT, "s3cret-link", TOKEN, "DEMO_CANVAS_TOKEN")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("fault", [None, "error-before", "timeout", "expired-credentials", "bug"])
def test_no_secret_and_no_students_data_is_ever_logged(
    own: Sandbox, monkeypatch: pytest.MonkeyPatch, form: Any, fault: str | None
) -> None:
    assignments = f"/v3.1/sections/{CANVAS_UNIFIED.id('000007')}/assignments"
    made = own.client(CANVAS_UNIFIED.token).post(assignments, ESSAY).data["id"]
    calls = [
        (TOKEN, f"{own.create()}/submissions/{STUDENT}", TEACHER),
        (
            CANVAS_UNIFIED.token,
            f"{assignments}/{made}/submissions/{CANVAS_UNIFIED.id('001001')}",
            CANVAS_UNIFIED.id("000001"),
        ),
    ]
    if fault == "bug":

        def fail(*given: object, **_: object) -> None:
            raise ValueError(f"invalid: {given} {SECRETS}")

        monkeypatch.setattr("passback.gateway.submissions.lookup.awaited_and_members", fail)
    headers = {"Sandbox-Fault": fault} if fault not in (None, "bug") else {}
    grade = {"grade_points": 18.25, "grade_comment": "A+ and a comment for Ada Lovelace"}
    with logged(form) as log:
        for token, path, teacher in calls:
            client = own.client(token)
            client.call("PATCH", f"{path}?token=s3cret-link", {**grade, "grader_id": teacher}, headers)
            client.call("PATCH", path, '{"grade_comment": "Ada Lovelace', headers)
    text = log.getvalue()
    assert "passback.access" in text
    if fault == "bug":
        assert "internal error in PATCH" in text
        assert "ValueError" in text
    secrets = (*SECRETS, CANVAS_UNIFIED.id("001001"), "canvas-sandbox", "Bearer")
    assert [secret for secret in secrets if secret in text] == []


def test_what_a_request_logs_has_its_id(sandbox: Sandbox) -> None:
    with logged("json") as log:
        sandbox.call("GET", ASSIGNMENTS, headers={"Sandbox-Fault": "error-before", "X-Request-Id": "r-9"})
    found = lines(log.getvalue())
    assert [line["logger"] for line in found] == ["passback.delivery.lms_errors", "passback.access"]
    assert {line["request_id"] for line in found} == {"r-9"}


def test_the_command_logs_as_it_is_set() -> None:
    script = (
        "import logging; from passback.observe import logs; logs.configure('info', 'json'); "
        "logging.getLogger('passback.x').info('a\\nb'); logging.getLogger('passback.x').debug('c')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert [(line["message"], line["level"]) for line in lines(done.stderr)] == [("a\nb", "info")]
    assert done.stdout == ""
