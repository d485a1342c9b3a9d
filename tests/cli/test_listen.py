"""``passback listen`` and ``passback trigger``, with a real receiver that verifies what it is sent."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from passback.operations.trigger import TRIGGERS
from passback.wire import events
from support.commands import ENVIRONMENT, command, run
from support.sandbox import Sandbox, wait_until
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
    assert done.stderr.startswith("passback: ")


@pytest.mark.parametrize("gateway", ["gateway.example", "ftp://gateway.example", "http://gateway.example"])
def test_a_token_goes_to_no_address_that_is_none_or_can_be_overheard(gateway: str) -> None:
    done = run("trigger", "webhook.test", "--gateway", gateway, "--token", "secret")
    assert (done.returncode, "secret" in done.stderr) == (2, False)


def test_an_event_that_does_not_exist_is_refused(sandbox: Sandbox) -> None:
    done = run("trigger", "grade.changed", *of(sandbox))
    assert (done.returncode, done.stderr.split(":")[1].strip()) == (2, "there is no event 'grade.changed'")


def test_whoever_triggers_what_no_webhook_asks_for_is_told(sandbox: Sandbox) -> None:
    done = run("trigger", "connection.down", *of(sandbox))
    assert (done.returncode, done.stderr) == (0, "passback: no webhook of the application asks for it\n")


def test_production_makes_nothing_happen_but_tests(sandbox: Sandbox) -> None:
    from support.sandbox import serving

    with serving(kind="production") as gateway:
        done = run("trigger", "delivery.delivered", *of(gateway), "--token", "x")
        assert done.returncode == 2
        assert "Could not authorize token" in done.stderr
