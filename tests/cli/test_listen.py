"""``passback listen`` and ``passback trigger``, with a real receiver that verifies what it is sent."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, get_args

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from passback.cli.listen import Event
from passback.operations.trigger import TRIGGERS
from passback.wire import events
from support.commands import ENVIRONMENT, command, run
from support.sandbox import Sandbox, serving, wait_until
from support.webhooks import Endpoint, endpoint

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGE = REFERENCE / "sandbox-events.md"
[_ROW] = re.findall(
    r"(?m)^\| `listen` \| object \| (.*) \|$", (REFERENCE / "json-output.md").read_text("utf-8")
)
DOCUMENTED = re.findall(r"`(\w+)`", _ROW.replace("`null`", ""))
"""The fields of the first line, and those of each message."""


@pytest.fixture
def app() -> Iterator[Endpoint]:
    with endpoint() as app:
        yield app


@contextlib.contextmanager
def listening(sandbox: Sandbox, app: Endpoint, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process of the command, and the secret that it shows; it is asked to end."""
    sandbox.clock.now = int(time.time() * 1000)  # libraries refuse what is old
    process = subprocess.Popen(
        command("listen", "--forward-to", f"http://127.0.0.1:{app.port}/hook", "--json", *of(sandbox), *more),
        stdout=subprocess.PIPE, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        begun = json.loads(process.stdout.readline())
        assert list(begun) == DOCUMENTED[:2]
        yield process, begun["secret"]
    finally:
        process.send_signal(signal.SIGTERM)  # Ctrl-C is ignored by what a shell runs in the background
        assert process.wait(30) == 0
        process.stdout.close()


def of(sandbox: Sandbox) -> list[str]:
    return ["--gateway", f"http://127.0.0.1:{sandbox.port}"]


def trigger(sandbox: Sandbox, event: str, token: str = "DEMO_CANVAS_TOKEN") -> None:
    done = run("trigger", event, *of(sandbox), "--token", token)
    assert (done.returncode, done.stdout) == (0, f"Triggered {event}.\n"), done.stderr


def test_every_event_can_be_triggered_and_is_forwarded_with_its_signature(
    sandbox: Sandbox, app: Endpoint
) -> None:
    with listening(sandbox, app, "--token", "DEMO_CANVAS_TOKEN") as (_, secret):
        for event in (*TRIGGERS, events.TEST):
            app.received.clear()
            trigger(sandbox, event)

            def arrived(kind: str = event) -> list[Any]:
                found = []
                for it in [*app.received]:
                    with contextlib.suppress(WebhookVerificationError):  # while the clock is moved
                        found.append(Webhook(secret).verify(it.body, dict(it.headers)))
                return [it for it in found if it["type"] == kind]

            wait_until(lambda: bool(arrived()), within=40)


def test_the_events_that_can_be_triggered_are_those_that_there_are() -> None:
    assert set(TRIGGERS) == set(events.EVENTS)
    assert set(get_args(Event)) == {*TRIGGERS, events.TEST}


def test_the_page_of_events_says_what_is_done() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {event: text.strip() for event, text in rows if event in events.EVENTS} == {
        event: text for event, (text, _) in TRIGGERS.items()
    }


def test_what_the_receiver_answers_is_printed_and_the_webhook_is_removed_at_the_end(
    sandbox: Sandbox, app: Endpoint
) -> None:
    app.status = 418
    with listening(sandbox, app, "--event", "match.withdrawn") as (process, _):
        [webhook] = sandbox.get("/v3.1/webhooks").json["data"]
        assert webhook["events"] == ["match.withdrawn"]
        trigger(sandbox, events.TEST, "DEMO_TOKEN")
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
    assert list(line) == DOCUMENTED[2:]
    assert (line["event"], line["status"]) == ("webhook.test", 418)
    assert sandbox.get("/v3.1/webhooks").json["data"] == []


def test_a_sandbox_that_is_reset_is_listened_to_again(sandbox: Sandbox, app: Endpoint) -> None:
    with listening(sandbox, app) as (process, first):
        sandbox.client(None).post("/sandbox/reset", b"")
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["secret"] != first
        trigger(sandbox, events.TEST, "DEMO_TOKEN")
        wait_until(lambda: bool(app.received), within=30)


def test_a_gateway_that_is_not_there_ends_it_with_an_error(app: Endpoint) -> None:
    done = run("listen", "--forward-to", f"http://127.0.0.1:{app.port}/", "--gateway", "http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("passback: no answer from the gateway at http://127.0.0.1:9: ")


@pytest.mark.parametrize(
    ("status", "body"), [(204, b""), (200, b"<html>"), (200, b"[]"), (200, b'{"data":5}')]
)
@pytest.mark.parametrize(
    "words",
    [
        ("listen", "--forward-to", "localhost:9"),
        ("listen", "--forward-to", "localhost:9", "--event", "roster.changed"),
        ("trigger", "roster.changed"),
        ("trigger", "webhook.test"),
    ],
    ids=" ".join,
)
def test_something_else_at_the_gateways_address_ends_it_with_an_error(
    words: tuple[str, ...], status: int, body: bytes, app: Endpoint
) -> None:
    app.status, app.body = status, body
    done = run(*words, "--gateway", f"http://127.0.0.1:{app.port}")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"passback: what answers is no gateway.*: is its address right\?\n", done.stderr)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://",
        "ftp://x.example",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:x",
        "http://[::1",
        "http://a\nb",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    for option, other in (("--gateway", "--forward-to"), ("--forward-to", "--gateway")):
        done = run("listen", option, address, other, "http://127.0.0.1:9")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert f"passback: {option} " in done.stderr


@pytest.mark.parametrize("token", ["a\nb", "schön", "a\x7f"])
def test_a_token_that_is_none_is_refused_and_not_shown(token: str) -> None:
    done = run("trigger", "webhook.test", "--gateway", "http://127.0.0.1:9", "--token", token)
    assert (done.returncode, done.stderr) == (
        2, "passback: the token is none: tokens are printable ASCII characters\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    "gateway",
    [
        "gateway.example",
        "ftp://gateway.example",
        "http://gateway.example",
        "https://a:secret@gateway.example",
    ],
)
def test_a_token_goes_to_no_address_that_is_none_or_can_be_overheard(gateway: str) -> None:
    done = run("trigger", "webhook.test", "--gateway", gateway, "--token", "secret")
    assert (done.returncode, "secret" in done.stderr) == (2, False)


def test_addresses_are_taken_as_developers_write_them(sandbox: Sandbox, app: Endpoint) -> None:
    api, short = f"http://127.0.0.1:{sandbox.port}/v3.1/", f"localhost:{app.port}/hook"
    sandbox.clock.now = int(time.time() * 1000)
    process = subprocess.Popen(
        command("listen", "--forward-to", short, "--gateway", api), stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"Forwarding to http://{short}: ")
        done = run("trigger", events.TEST, "--gateway", api)
        assert (done.returncode, done.stderr) == (0, "")
        wait_until(lambda: bool(app.received), within=30)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read().endswith("The webhook is removed.\n")


def test_whoever_ends_it_while_the_gateway_is_gone_is_told_what_is_left(app: Endpoint) -> None:
    with serving() as gone:
        process = subprocess.Popen(
            command("listen", "--forward-to", f"http://127.0.0.1:{app.port}/", *of(gone)),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
    assert process.stderr is not None
    assert process.stderr.readline().endswith("; trying again\n")
    process.send_signal(signal.SIGTERM)
    printed, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert errors.endswith("; the gateway deletes the webhook itself after a week\n")
    assert "removed" not in printed


def test_a_token_that_is_refused_meanwhile_ends_it(app: Endpoint) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        made = {"data": {"id": "w", "secret": "whsec_x", "events": ["roster.changed"]}}
        refused = "/fetch" in request.path
        body = json.dumps({"message": "Could not authorize token"} if refused else made).encode()
        request.send_response(403 if refused else 200)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    app.answer = answer
    address = f"http://127.0.0.1:{app.port}"
    done = run("listen", "--gateway", address, "--forward-to", address, "--event", "roster.changed")
    assert done.returncode == 2
    assert done.stderr.endswith("passback: the gateway answers 403: Could not authorize token\n")


def test_an_event_that_does_not_exist_is_refused_with_those_that_do() -> None:
    done = run("trigger", "grade.changed")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'Did you mean "grade.changed_in_lms"?' in " ".join(done.stderr.split())


def test_an_endpoint_that_does_not_take_a_test_message_is_named(sandbox: Sandbox, app: Endpoint) -> None:
    app.status = 500
    url = f"http://127.0.0.1:{app.port}/hook"
    sandbox.post("/v3.1/webhooks", {"url": url})
    done = run("trigger", events.TEST, *of(sandbox))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"passback: {url} did not take it: it answered 500\n"


def test_whoever_triggers_what_no_webhook_asks_for_is_told(sandbox: Sandbox) -> None:
    done = run("trigger", "connection.down", *of(sandbox))
    assert (done.returncode, done.stderr) == (0, "passback: no webhook of the application asks for it\n")


def test_production_makes_nothing_happen_but_tests(sandbox: Sandbox) -> None:
    with serving(kind="production") as gateway:
        done = run("trigger", "delivery.delivered", *of(gateway), "--token", "x")
        assert done.returncode == 2
        assert "Could not authorize token" in done.stderr
