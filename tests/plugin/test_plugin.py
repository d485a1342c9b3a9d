"""The pytest plugin: what its fixtures promise, and the example that uses it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from standardwebhooks import WebhookVerificationError

from passback_client import Passback
from passback_sandbox.hook import Receiver
from passback_sandbox.sandbox import Failed, Sandbox
from support.sandbox import wait_until

EXAMPLE = Path("docs/examples/quiz")
DUE = datetime(2031, 6, 1, tzinfo=UTC)


def grade(sandbox: Sandbox, lms: str = "builtin", points: float = 7) -> str:
    district = sandbox.districts[lms]
    with Passback(district.token, sandbox.url, retries=0) as passback:
        made = passback.assignments.create(
            district.section, title="E", description="x", due_date=DUE, points_possible=10
        )
        passback.submissions.update(district.section, made.id, district.students[0], grade_points=points)
    return made.id


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_begins_at_the_start(passback_sandbox: Sandbox, number: int) -> None:
    assert passback_sandbox.calls() == []
    assert abs(passback_sandbox.now - datetime.now(UTC)) < timedelta(minutes=1)
    assert passback_sandbox.gradebook(passback_sandbox.section)["assignments"] == []
    passback_sandbox.advance(timedelta(days=number))
    grade(passback_sandbox)


def test_it_is_the_same_process_for_all(passback_sandbox: Sandbox, passback_sandbox_process: Sandbox) -> None:
    assert passback_sandbox is passback_sandbox_process


def test_the_journal_says_what_was_asked_and_answered(passback_sandbox: Sandbox) -> None:
    grade(passback_sandbox, "canvas")
    created, graded = passback_sandbox.calls()
    assert (created.method, created.status, created.content["title"]) == ("POST", 200, "E")
    assert graded.answer["data"]["grade_points"] == 7
    assert graded.lms_calls
    assert passback_sandbox.calls(method="PATCH")[0].whole == graded.whole


def test_faults_end_with_the_block(passback_sandbox: Sandbox) -> None:
    with (
        passback_sandbox.failing("canvas", "error-before", method="POST"),
        pytest.raises(Exception, match="Error creating assignment"),
    ):
        grade(passback_sandbox, "canvas")
    passback_sandbox.advance(timedelta(minutes=1))
    grade(passback_sandbox, "canvas")
    with pytest.raises(Failed, match="Sandbox-Fault"), passback_sandbox.failing("builtin", "timeout"):
        pass
    with pytest.raises(Failed, match="no fault"), passback_sandbox.failing("canvas", "odd"):
        pass


@pytest.mark.parametrize("lms", ["builtin", "canvas", "schoology", "google", "lti", "moodle"])
def test_people_act_in_each_lms(passback_sandbox: Sandbox, lms: str) -> None:
    district, made = passback_sandbox.districts[lms], grade(passback_sandbox, lms)
    ada, ben = district.students[:2]
    passback_sandbox.grade_as_teacher(district.section, made, ada, grade_points=3)
    passback_sandbox.edit_as_teacher(district.section, made, title="F")
    passback_sandbox.unenroll(district.section, ben)
    book = passback_sandbox.gradebook(district.section)
    [title] = [it["title"] for it in book["assignments"] if it["id"] == made]
    assert (title, passback_sandbox.points(district.section, made)[ada]) == ("F", 3)
    assert ben not in {it["id"] for it in book["students"]}
    passback_sandbox.enroll(district.section, ben)
    passback_sandbox.delete_as_teacher(district.section, made)
    assert made not in {it["id"] for it in passback_sandbox.gradebook(district.section)["assignments"]}


def test_messages_are_caught_and_verified(passback_sandbox: Sandbox, passback_webhooks: Receiver) -> None:
    webhook = passback_webhooks.register()
    headers = {"Authorization": f"Bearer {passback_sandbox.token}"}
    passback_sandbox.advance(timedelta(days=30))  # signatures are of any age
    httpx2.post(f"{passback_sandbox.url}/v3.1/webhooks/{webhook}/test", headers=headers)
    found = passback_webhooks.next("webhook.test")
    assert (found.data, bool(found.id)) == ({"webhook_id": webhook}, True)
    with pytest.raises(TimeoutError, match=r"delivery\.refused"):
        passback_webhooks.next("delivery.refused", within=0.01)


def test_messages_of_other_types_wait_for_whoever_asks_for_them(
    passback_sandbox: Sandbox, passback_webhooks: Receiver
) -> None:
    webhook = passback_webhooks.register(passback_sandbox.districts["canvas"].token, ["delivery.delivered"])
    district = passback_sandbox.districts["canvas"]
    with Passback(district.token, passback_sandbox.url) as passback:
        made = passback.assignments.create_in_background(
            district.section, title="E", description="x", due_date=DUE
        )
        passback_webhooks.next("delivery.delivered")
        passback.submissions.update_in_background(
            district.section, made.assignment_id, district.students[0], grade_comment="Good"
        )
        passback.deliveries.wait(made.delivery.id, every=0.05)
        passback.webhooks.test(webhook)
    assert passback_webhooks.next("webhook.test").type == "webhook.test"
    assert passback_webhooks.next("delivery.delivered").data["operation"] == "update_submission"
    with pytest.raises(TimeoutError, match=r"no message came within 0\.01 s; of others: none"):
        passback_webhooks.next(within=0.01)


@pytest.mark.parametrize(
    "headers", [{}, {"webhook-id": "m", "webhook-timestamp": "x", "webhook-signature": "v1,x"}]
)
def test_a_message_that_is_not_signed_is_not_taken(
    passback_sandbox: Sandbox, passback_webhooks: Receiver, headers: dict[str, str]
) -> None:
    passback_webhooks.register()
    httpx2.post(passback_webhooks.url, content=b'{"type":"x","data":{}}', headers=headers)
    with pytest.raises(WebhookVerificationError):
        passback_webhooks.next()


def test_a_sandbox_that_does_not_start_says_why() -> None:
    with pytest.raises(Failed, match="setting 'rate_limit' is 'none'"):
        Sandbox.start(rate_limit="none")


def test_a_sandbox_that_cannot_be_asked_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Sandbox] = []

    def blocked(self: Sandbox) -> None:
        started.append(self)
        raise RuntimeError("no sockets here")

    monkeypatch.setattr(Sandbox, "_await_ready", blocked)
    with pytest.raises(RuntimeError, match="no sockets here"):
        Sandbox.start()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{started[0].url}/health/live")


def test_a_sandbox_ends_with_the_process_that_started_it_even_if_that_is_killed() -> None:
    program = (
        "from passback_sandbox.sandbox import Sandbox; import os, signal\n"
        "print(Sandbox.start().url, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL

    def answers() -> bool:
        try:
            return httpx2.get(f"{killed.stdout.strip()}/health/live").status_code == 200
        except httpx2.TransportError:
            return False

    wait_until(lambda: not answers(), within=30)


def test_a_project_may_have_modules_named_as_in_the_standard_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("calendar", "logging", "secrets"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('of the project')", "utf-8")
    monkeypatch.chdir(tmp_path)
    Sandbox.start().close()


def test_the_settings_of_the_environment_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSBACK_RATE_LIMIT", "none")
    with Sandbox.start() as sandbox:
        assert sandbox.calls() == []


def test_the_pages_example_passes(tmp_path: Path) -> None:
    page = Path("docs/how-to/test-your-application.md").read_text("utf-8")
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "test_page.py").write_text(example, "utf-8")
    assert "1 passed" in pytest_in(tmp_path)


def test_the_example_passes() -> None:
    assert "15 passed" in pytest_in(EXAMPLE)


def pytest_in(folder: Path) -> str:
    """What pytest prints that runs an application's tests."""
    paths = ["src", "clients/python/src", os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder),
         "-p", "passback_sandbox", str(folder)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    return done.stdout[-3000:]
