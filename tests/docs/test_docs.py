"""The documentation's own calls, run as a reader would run them."""

from __future__ import annotations

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from passback.domain.delivery import STATES
from passback.operations import new_connector
from passback.sandbox.banner import banner
from passback.sandbox.published import PUBLISHED
from passback.testing import suite
from passback.testing.lms import PARTICULAR
from passback.wire import events
from support.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def run(script: str, sandbox: Sandbox, folder: Path | None = None) -> str:
    """What a reader's shell shows who runs `script` while the sandbox is served."""
    script = script.replace("127.0.0.1:8080", f"127.0.0.1:{sandbox.port}")
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=True, timeout=60, cwd=folder
    )
    return done.stdout


ERRORS = page("reference/errors.md")
SETUP = re.findall(r"```sh\n(.*?)```", ERRORS, re.DOTALL)[0]
EXAMPLES = re.findall(r"(?<=\n)```sh\n(curl[^`]*)```\n```\n(.*?)```", ERRORS, re.DOTALL)


@pytest.mark.parametrize(("command", "answer"), EXAMPLES, ids=lambda text: text[:40])
def test_example_of_the_errors_page(sandbox: Sandbox, command: str, answer: str) -> None:
    assert run(f"set -eu\n{SETUP}\n{command}", sandbox).rstrip("\n") == answer.rstrip("\n")


def test_every_row_has_an_example() -> None:
    rows = re.findall(r"### Row (\d+):(.*?)(?=\n##)", ERRORS, re.DOTALL)
    assert [int(number) for number, text in rows if "```sh\ncurl" in text] == list(range(1, 16))


def test_example_of_the_sandbox_page(sandbox: Sandbox) -> None:
    command, answer = re.findall(
        r"```sh\n(curl[^`]*)```\n```\n(.*?)```", page("reference/sandbox.md"), re.DOTALL
    )[0]
    assert run(f"set -eu\n{SETUP}\n{command}", sandbox).rstrip("\n") == answer.rstrip("\n")


def test_a_sandbox_is_reset_saved_and_loaded_as_its_page_says(sandbox: Sandbox, tmp_path: Path) -> None:
    script = re.findall(r"```sh\n(curl.*?)```", page("how-to/use-the-sandbox.md"), re.DOTALL)[0]
    run(f"set -eu\n{script.replace('curl', 'curl -sf')}", sandbox, tmp_path)
    assert json.loads((tmp_path / "state.json").read_text("utf-8"))


def test_the_sandboxs_lms_opens_the_application_as_its_page_says(sandbox: Sandbox) -> None:
    [lms] = sandbox.write(lambda conn: sandbox.gateway.connectors.of_kind(conn, "lti"))
    text = page("how-to/use-the-sandbox.md").partition("## Open your application")[2]
    [script] = re.findall(r"```sh\n(curl.*?)```", text.partition("\n## ")[0], re.DOTALL)
    printed = run(f"set -eu\nLMS={lms.address.removesuffix('/')}\n{script}", sandbox)
    with httpx2.Client() as browser:
        to_login = browser.get(printed.splitlines()[-1].rpartition("}")[2])
        to_lms = browser.get(to_login.headers["location"])
        form = browser.get(to_lms.headers["location"]).text
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        arrived = browser.post(f"http://127.0.0.1:{sandbox.port}/lti/launch", data=fields)
    assert arrived.headers["location"].startswith("http://127.0.0.1:5000/launch?code=")


FIRST_GRADE = page("tutorials/your-first-grade.md")
LOOK = 'curl -s "$API/deliveries/$DELIVERY" -H "$AUTH"'


def test_the_first_tutorial_goes_as_it_says(sandbox: Sandbox, tmp_path: Path) -> None:
    (start, _), *steps = re.findall(r"```sh\n(.*?)```(?:\n```json\n(.*?)```)?", FIRST_GRADE, re.DOTALL)
    assert start == "make run\n"
    script = "\necho\necho ---\n".join(call for call, _ in steps)
    # A reader looks again if it takes longer than it says.
    assert "\nsleep 3\n" in script
    script = script.replace("\nsleep 3\n", f"\nuntil {LOOK} | grep -q '\"finished\"'; do sleep 0.1; done\n")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, f"set -eu\n{script}", sandbox, tmp_path)
        while wait([running], timeout=0.1).not_done:
            sandbox.clock.now += 500  # so that the second try comes
    answers = running.result().split("\n---\n")
    shown = [
        (json.loads(answer), json.loads(expected))
        for answer, (_, expected) in zip(answers, steps, strict=True)
        if expected
    ]
    assert len(shown) == 6
    for answer, expected in shown:
        assert _shape(answer) == _shape(expected)


def test_the_start_prints_what_the_first_tutorial_says() -> None:
    [shown] = re.findall(r"```\n(Passback sandbox.*)\n```", FIRST_GRADE)
    assert banner("http://127.0.0.1:8080", {}, is_own=True).splitlines()[0] == shown


def _shape(value: Any, name: str = "") -> Any:
    """What stays the same each time: all but ids and times, and how far a delivery is that has not ended."""
    if isinstance(value, dict):
        under_way = value.get("state") in ("waiting", "delivering")
        left_out = {"attempts", "error", "next_attempt", "state"} if under_way else {"attempts"}
        return {key: _shape(item, key) for key, item in value.items() if key not in left_out}
    varying = {"id", "assignment_id", "created", "last_modified", "expires", "finished", "category_id"}
    return "..." if name in varying else value


def test_the_suites_page_names_every_class_and_particular() -> None:
    text = page("reference/connector-suite.md")
    classes, particular = (
        re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) for part in text.split("## What your LMS")[:2]
    )
    assert sorted(classes) == sorted(suite.__all__)
    assert particular == list(PARTICULAR)


WEBHOOKS = page("how-to/receive-webhooks.md")
EVENTS = page("reference/webhooks.md")


def test_a_webhook_is_registered_as_its_page_says(sandbox: Sandbox) -> None:
    sandbox.names["app.example"] = ["93.184.215.14"]
    call, shown = re.findall(r"```sh\n(curl.*?)```\n```json\n(.*?)```", WEBHOOKS, re.DOTALL)[0]
    answer, shown = json.loads(run(call, sandbox))["data"], json.loads(shown)["data"]
    assert answer.keys() == shown.keys()
    assert (answer["url"], answer["events"]) == (shown["url"], shown["events"])


def test_a_message_is_verified_as_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    code = re.findall(r"```python\n(.*?)```", WEBHOOKS, re.DOTALL)[0]
    given: dict[str, Any] = {}
    exec(code, given)
    now = datetime.now(UTC)
    body = re.findall(r'```json\n(\{"type".*?)\n```', EVENTS, re.DOTALL)[0]
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
    listed = re.findall(r"^\| `([a-z_.]+)` \| ", EVENTS, re.MULTILINE)
    assert listed == [*events.EVENTS, events.TEST]


def test_the_page_names_every_state_of_a_delivery() -> None:
    section = page("reference/deliveries.md").partition("## States")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `([a-z]+)` \| ", section, re.MULTILINE)) == sorted(STATES)


NO_METRICS = {"passback_assignment", "passback_meta", "passback_sandbox"}
"""What is named like a metric, and is none: a parameter of LTI links, a table, a package."""


def test_the_page_names_every_metric() -> None:
    listed = re.findall(r"^\| `(passback_[a-z_]+)` \| ", page("reference/logs-and-metrics.md"), re.MULTILINE)
    sources = [file.read_text("utf-8") for file in (ROOT / "src" / "passback").rglob("*.py")]
    made = {name for source in sources for name in re.findall(r'"(passback_[a-z_]+)"', source)}
    assert made >= NO_METRICS
    named = {name.removesuffix("_total") for name in listed}
    assert named == {name.removesuffix("_total") for name in made - NO_METRICS}


def test_the_page_names_the_versions_of_clients_that_tests_use() -> None:
    text = page("reference/simulators.md")
    listed = re.findall(r"\| `([^`]+)` \((PyPI|npm)\) \| ([^ ]+) \|", text)
    python = (ROOT / "requirements-dev.lock").read_text("utf-8")
    node = json.loads((ROOT / "tests/node/package-lock.json").read_text("utf-8"))["packages"]
    locked = dict(re.findall(r"^([^ =]+)==([^ ]+)", python, re.MULTILINE))
    locked |= {name.removeprefix("node_modules/"): it.get("version") for name, it in node.items()}
    assert {name: version for name, _, version in listed} == {name: locked.get(name) for name, *_ in listed}
    openedx = re.findall(r"`(lti-consumer-xblock)` ([^ ]+),", page("reference/lms/lti.md"))
    assert openedx == [("lti-consumer-xblock", locked["lti-consumer-xblock"])]


README = (ROOT / "README.md").read_text("utf-8")


def test_the_readmes_first_call_is_answered_as_it_says(sandbox: Sandbox) -> None:
    call = re.findall(r"```sh\n(curl.*?)```", README, re.DOTALL)[0]
    shown = json.loads(re.findall(r"```json\n(.*?)```", README, re.DOTALL)[0])
    answer = json.loads(run(call, sandbox))["data"]
    varying = ("id", "created", "last_modified")
    assert list(answer) == list(shown["data"])
    assert all(answer[name] == value for name, value in shown["data"].items() if name not in varying)


def test_the_readmes_error_table_is_that_of_the_errors_page() -> None:
    texts = dict(re.findall(r"^\| (\d+) \|.*\| `(.*)` \|$", README, re.MULTILINE))
    examples = re.findall(r"### Row (\d+):.*?```\n```\n(.*?)\n```", ERRORS, re.DOTALL)
    placeholders = {"9": ("{{grader_id}}", "4fee004cca2e43cf27000002"), "10": ("YYYY-MM-DD", "2020-01-01")}
    shown = {row: text.replace(*placeholders.get(row, ("", ""))) for row, text in texts.items()}
    assert shown == {row: text for row, text in examples if row != "15"}


def test_the_example_of_a_connector_stays_short() -> None:
    assert len(new_connector.example("connector").splitlines()) <= 160


def test_the_errors_page_says_what_the_sandboxs_pages_say() -> None:
    rows = re.findall(r"### Row (\d+): (.*?) \((\d+)\)\n\nMend it: (.*)\n", ERRORS)
    assert rows == [(str(it.number), it.title, str(it.status), it.mend) for it in PUBLISHED]
