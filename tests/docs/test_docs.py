"""The documentation's own calls, run as a reader would run them."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from passback.wire import events
from support.sandbox import Sandbox

DOCS = Path(__file__).parent.parent.parent / "docs"
ERRORS = (DOCS / "reference" / "errors.md").read_text("utf-8")
SETUP = re.findall(r"```sh\n(.*?)```", ERRORS, re.DOTALL)[0]
EXAMPLES = re.findall(r"(?<=\n)```sh\n(curl[^`]*)```\n```\n(.*?)```", ERRORS, re.DOTALL)


@pytest.mark.parametrize(("command", "answer"), EXAMPLES, ids=lambda text: text[:40])
def test_example_of_the_errors_page(sandbox: Sandbox, command: str, answer: str) -> None:
    script = f"set -eu\n{SETUP}\n{command}".replace("127.0.0.1:8080", f"127.0.0.1:{sandbox.port}")
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert result.stdout.rstrip("\n") == answer.rstrip("\n")


def test_every_row_has_an_example() -> None:
    rows = re.findall(r"### Row (\d+):(.*?)(?=\n##)", ERRORS, re.DOTALL)
    assert [int(number) for number, text in rows if "```sh\ncurl" in text] == list(range(1, 16))


WEBHOOKS = (DOCS / "reference" / "webhooks.md").read_text("utf-8")


def test_a_webhook_is_registered_as_its_page_says(sandbox: Sandbox) -> None:
    sandbox.names["app.example"] = ["93.184.215.14"]
    call, shown = re.findall(r"```sh\n(curl.*?)```\n```json\n(.*?)```", WEBHOOKS, re.DOTALL)[0]
    script = call.replace("127.0.0.1:8080", f"127.0.0.1:{sandbox.port}")
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=20)
    answer, shown = json.loads(result.stdout)["data"], json.loads(shown)["data"]
    assert answer.keys() == shown.keys()
    assert (answer["url"], answer["events"]) == (shown["url"], shown["events"])


def test_a_message_is_verified_as_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    code = re.findall(r"```python\n(.*?)```", WEBHOOKS, re.DOTALL)[0]
    given: dict[str, Any] = {}
    exec(code, given)
    now = datetime.now(UTC)
    body = re.findall(r'```json\n(\{"type".*?)\n```', WEBHOOKS, re.DOTALL)[0]
    signature = given["webhook"].sign("msg_1", now, body)
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": signature,
    }
    given["receive"](body.encode(), headers)
    assert capsys.readouterr().out.startswith("delivery.refused {'assignment_id'")
    with pytest.raises(WebhookVerificationError):
        given["receive"](body.encode() + b" ", headers)


def test_the_page_names_every_event() -> None:
    listed = re.findall(r"^\| `([a-z_.]+)` \| ", WEBHOOKS, re.MULTILINE)
    assert listed == [*events.EVENTS, events.TEST]


README = (DOCS.parent / "README.md").read_text("utf-8")


def test_the_readmes_first_call_is_answered_as_it_says(sandbox: Sandbox) -> None:
    call = re.findall(r"```sh\n(curl.*?)```", README, re.DOTALL)[0]
    shown = json.loads(re.findall(r"```json\n(.*?)```", README, re.DOTALL)[0])
    script = call.replace("127.0.0.1:8080", f"127.0.0.1:{sandbox.port}")
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=20)
    answer = json.loads(result.stdout)["data"]
    varying = ("id", "created", "last_modified")
    assert list(answer) == list(shown["data"])
    assert all(answer[name] == value for name, value in shown["data"].items() if name not in varying)


def test_the_readmes_error_table_is_that_of_the_errors_page() -> None:
    texts = dict(re.findall(r"^\| (\d+) \|.*\| `(.*)` \|$", README, re.MULTILINE))
    examples = re.findall(r"### Row (\d+):.*?```\n```\n(.*?)\n```", ERRORS, re.DOTALL)
    placeholders = {"9": ("{{grader_id}}", "4fee004cca2e43cf27000002"), "10": ("YYYY-MM-DD", "2020-01-01")}
    shown = {row: text.replace(*placeholders.get(row, ("", ""))) for row, text in texts.items()}
    assert shown == {row: text for row, text in examples if row != "15"}


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for page in [DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_example_of_a_connector_stays_short() -> None:
    assert len((DOCS / "examples" / "slate.py").read_text("utf-8").splitlines()) < 150
