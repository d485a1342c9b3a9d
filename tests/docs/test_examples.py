"""The reference's and the guides' calls, answers and code, run on a sandbox as a reader would run them."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.oauth2.credentials
import httpx2
import pytest
import yaml
from googleapiclient.discovery import build
from jsonschema import Draft202012Validator

from passback.observe import request_id, tracing
from passback.settings import CONFIG, load
from passback.testing import suite
from passback.testing.clock import SetClock
from passback.testing.served import serving as served_simulator
from passback_simulators.google_classroom.app import ClassroomSimulator
from support.blocks import ROOT, blocks
from support.observe import logged
from support.openapi import DOCUMENT, closed
from support.sandbox import SECTION, STUDENT, Sandbox, serving

SETUP = blocks("docs/reference/errors.md", "sh")[0].text


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    """What a page shows does not depend on the database."""
    with serving() as sandbox:
        yield sandbox


def typed(script: str, sandbox: Sandbox, folder: Path | None = None, **variables: str) -> str:
    """What a reader's shell shows who runs a script while the sandbox is served; curl fails if it is refused."""
    given = "".join(f"{name}={value}\n" for name, value in variables.items())
    script = f"set -eu\n{given}{script}".replace("127.0.0.1:8080", f"127.0.0.1:{sandbox.port}")
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=False, timeout=60, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_alike(shown: Any, real: Any, at: str = "") -> None:
    """Fail unless an answer has the fields that the page shows, of the same sorts: all, if it shows no ellipsis."""
    if isinstance(shown, dict):
        left_out = "..." in shown
        named = shown.keys() - {"..."}
        assert named <= real.keys() if left_out else named == real.keys(), at
        for name in named:
            check_alike(shown[name], real[name], f"{at}.{name}")
    elif isinstance(shown, list):
        for number, (one, other) in enumerate(zip(shown, real, strict=True)):
            check_alike(one, other, f"{at}[{number}]")
    else:
        assert type(shown) is type(real), at


def test_a_grade_of_the_readme_is_given(sandbox: Sandbox) -> None:
    create, grade = blocks("README.md", "sh")[2:]
    made = json.loads(typed(create.text, sandbox))["data"]["id"]
    assert json.loads(typed(grade.text, sandbox, ID=made))["data"]["grade_points"] == 18


def test_many_are_changed_as_the_page_says(sandbox: Sandbox) -> None:
    [call], [shown] = (blocks("docs/reference/api.md", it) for it in ("sh", "json"))
    real, expected = json.loads(typed(SETUP + call.text, sandbox)), json.loads(shown.text)
    check_alike(expected, real)
    assert [(it["user_id"], it["status"]) for it in real["data"]] == [
        (it["user_id"], it["status"]) for it in expected["data"]
    ]


def test_what_waits_is_accepted_as_the_page_says(sandbox: Sandbox) -> None:
    [accepted, once], [head] = (blocks("docs/reference/deliveries.md", it) for it in ("sh", ""))
    real = typed(SETUP + accepted.text, sandbox)
    for line in head.text.splitlines():
        assert re.search(re.sub(r"[0-9a-f]{8}-[0-9a-f-]+", "[0-9a-f-]+", line), real), line
    first, again = (json.loads(typed(SETUP + once.text, sandbox))["data"] for _ in range(2))
    assert first == again


def test_what_an_lms_can_do_is_shown_as_the_page_says(sandbox: Sandbox) -> None:
    [call], [shown, *_] = (blocks("docs/reference/roster.md", it) for it in ("sh", "json"))
    real, expected = json.loads(typed(call.text, sandbox)), json.loads(shown.text)
    check_alike(expected, real)
    assert real["data"]["lms_capabilities"] == expected["data"]["lms_capabilities"]


def test_an_event_is_as_the_page_says(sandbox: Sandbox) -> None:
    shown = json.loads(blocks("docs/reference/roster.md", "json")[2].text)
    sandbox.call("DELETE", f"/sandbox/registrar/sections/{SECTION}/members/{STUDENT}")
    [event, *_] = sandbox.get("/v3.1/events").json["data"]
    expected = shown["data"][0]["data"]
    assert event["data"].keys() == expected.keys()
    assert event["data"]["data"].keys() == expected["data"].keys()


def test_messages_are_fetched_as_the_page_says(sandbox: Sandbox) -> None:
    [call] = blocks("docs/reference/webhooks.md", "sh")
    message, fetched, event = (json.loads(it.text) for it in blocks("docs/reference/webhooks.md", "json"))
    webhook = sandbox.post("/v3.1/webhooks", {"fetch": True}).data["id"]
    path = SECTION, sandbox.create().rpartition("/")[2]
    background = {"Prefer": "respond-async"}
    url = "/v3.1/sections/{}/assignments/{}/submissions/{}".format(*path, STUDENT)
    sandbox.call("PATCH", url, {"grade_points": 1}, background)
    sandbox.call("DELETE", f"/sandbox/registrar/sections/{SECTION}/members/{STUDENT}")
    real = json.loads(typed(call.text, sandbox, WEBHOOK=webhook))
    check_alike(fetched, {"data": real["data"][:1]})
    assert json.loads(real["data"][0]["body"]).keys() == event.keys()
    [one, *_] = sandbox.get(f"/v3.1/webhooks/{webhook}/messages").data
    assert one.keys() | {"error", "next_attempt"} == message["data"].keys() | {"error", "next_attempt"}


def test_the_sandbox_is_used_as_its_guide_says(sandbox: Sandbox) -> None:
    _, _, journal, clock, book, _ = (it.text for it in blocks("docs/how-to/use-the-sandbox.md", "sh"))
    sandbox.create()
    assert len(json.loads(typed(journal, sandbox))["data"]) == 1
    set_to, back = clock.splitlines()
    assert "now" in json.loads(typed(set_to, sandbox))
    typed(back, sandbox)
    canvas = sandbox.call(
        "POST", "/v3.1/sections/4fee004cca2e43cfca000007/assignments",
        {"title": "Essay", "description": "x", "due_date": "2030-06-01T23:59:00Z", "points_possible": 20},
        {"Authorization": "Bearer DEMO_CANVAS_TOKEN"},
    ).data["id"]  # fmt: skip
    shown = typed(book.replace("curl ", "curl -sf -w '\\n' ").replace("-s ", ""), sandbox, ID=canvas)
    assert '"Essay"' in shown


def test_the_journal_is_searched_as_its_page_says(sandbox: Sandbox) -> None:
    call = blocks("docs/reference/sandbox.md", "sh")[1].text
    assert json.loads(typed(call, sandbox))["data"] == []


def test_lines_of_the_log_are_as_the_page_says(sandbox: Sandbox) -> None:
    [in_json], [in_text] = (blocks("docs/reference/logs-and-metrics.md", it) for it in ("json", ""))
    with logged("json") as json_lines, logged("text") as text_lines:
        sandbox.get(f"/v3.1/sections/{SECTION}")
    [real] = [json.loads(it) for it in json_lines.getvalue().splitlines() if '"passback.access"' in it]
    check_alike(json.loads(in_json.text), real)
    varying = r"\d{4}-\d\d-\d\dT[\d:.]+Z|[\d.]+ ms|[0-9a-f-]{36}"
    [line] = [it for it in text_lines.getvalue().splitlines() if " passback.access: " in it]
    assert re.sub(varying, "?", line) == re.sub(varying, "?", in_text.text.strip())


def test_the_classroom_simulator_is_used_as_its_page_says() -> None:
    [code] = blocks("docs/reference/simulators.md", "python")
    _, fault = blocks("docs/reference/simulators.md", "sh")
    simulator = ClassroomSimulator(SetClock())
    simulator.start()
    with served_simulator(simulator) as served:
        credentials = google.oauth2.credentials.Credentials("x")  # type: ignore[no-untyped-call]
        here = code.text.replace("http://127.0.0.1:9001", served.url)
        assert hasattr(eval(here, {"build": build, "credentials": credentials}), "courses")
        subprocess.run(
            ["sh", "-ec", fault.text.replace("http://127.0.0.1:9001", served.url)],
            check=True,
            capture_output=True,
        )
        assert httpx2.get(f"{served.url}/v1/courses").status_code == 429


def test_the_file_of_settings_is_read(tmp_path: Path) -> None:
    [shown] = blocks("docs/how-to/run.md", "toml")
    file = tmp_path / "passback.toml"
    file.write_text(shown.text, "utf-8")
    read = load({CONFIG: str(file)})
    assert {name: getattr(read, name) for name in tomllib.loads(shown.text)} == tomllib.loads(shown.text)


def test_code_for_contributors_is_what_the_code_does() -> None:
    source, kept = blocks("docs/how-to/add-a-metric.md", "python")
    line, _, file = source.text.strip().partition("  # ")
    assert line in (ROOT / "src" / "passback" / file).read_text("utf-8")
    exec(kept.text, {"request_id": request_id, "tracing": tracing})


def test_the_alerts_are_on_metrics_that_there_are(sandbox: Sandbox) -> None:
    scrape, alerts = (yaml.safe_load(it.text) for it in blocks("docs/how-to/observe.md", "yaml"))
    assert scrape["scrape_configs"][0]["static_configs"][0]["targets"] == ["127.0.0.1:8080"]
    sandbox.get("/v3.1/sections")
    served = sandbox.client(None).get("/metrics").body.decode()
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    named = {name for rule in rules for name in re.findall(r"passback_\w+", rule["expr"])}
    assert named
    assert {name for name in named if f"# TYPE {name} " not in served} == set()


def test_a_test_class_of_the_suite_is_as_the_page_says() -> None:
    [code] = blocks("docs/reference/connector-suite.md", "python")
    found: dict[str, Any] = {}
    exec(code.text, found)
    assert issubclass(found["TestBasics"], suite.Basics)


DESCRIBED = [
    ("docs/reference/launches.md", 0, "LaunchResponse"),
    ("docs/reference/launches.md", 1, "DeepLinkRequest"),
    ("docs/reference/roster.md", 1, "HeldBack"),
    ("docs/reference/webhooks.md", 2, "DeliveryRefusedEvent"),
]


@pytest.mark.parametrize(("page", "number", "schema"), DESCRIBED)
def test_json_is_as_the_openapi_document_describes_it(page: str, number: int, schema: str) -> None:
    shown = json.loads(blocks(page, "json")[number].text)
    described = {**closed(DOCUMENT), "$ref": f"#/components/schemas/{schema}"}
    Draft202012Validator(described).validate(shown.get("held_back", shown))
