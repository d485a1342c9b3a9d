"""Clients that others' tools make from our document, and from the published one, work with every LMS.

They are made as docs/how-to/generate-a-client.md says.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from passback_simulators.identities import ALGEBRA, DISTRICTS
from support.node import FOLDER, packages, tool
from support.sandbox import Sandbox, serving

PAGE = (Path(__file__).parents[2] / "docs/how-to/generate-a-client.md").read_text("utf-8")
PUBLISHED = Path(__file__).parent / "published.json"
COMMANDS = [it for it in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if " install " not in it]
DESCRIPTIONS = ("passback", "published")
PACKAGES = {"passback": "gateway_api", "published": "published_api"}
OUTCOME = {
    "created": "Essay 1",
    "read": "2030-06-01T23:59:00.000Z",
    "updated": "Essay 2",
    "listed": 2,
    "before": "created",
    "graded": 18,
    "deleted": 200,
    "gone": "Assignment does not exist",
}

AN_ID = r"[0-9a-f-]{36}\n"

Run = Callable[[str], str]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serving() as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a reader of the page works who has installed what it names."""
    (tmp_path / "node_modules").symlink_to(packages())
    (tmp_path / "package.json").write_text('{"type": "module"}', "utf-8")
    shutil.copy(PUBLISHED, tmp_path / "v3.1-lms.yml")  # JSON is YAML, too
    return tmp_path


@pytest.fixture
def run(sandbox: Sandbox, folder: Path) -> Run:
    """Runs commands of the page."""
    programs = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}

    def ran(script: str) -> str:
        script = script.replace("127.0.0.1:8080", f"127.0.0.1:{sandbox.port}")
        done = subprocess.run(
            ["sh", "-euc", script], cwd=folder, env=env, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    return ran


def commands_with(*words: str) -> str:
    """The page's commands, by line, with one of these words."""
    lines = [line for block in COMMANDS if not block.startswith("cat ") for line in block.splitlines()]
    return "\n".join(line for line in lines if any(word in line for word in words))


def program(file: str) -> str:
    """The block of the page that writes a program and runs it."""
    blocks: list[str] = [it for it in COMMANDS if it.startswith(f"cat > {file} ")]
    return blocks[0]


def compiled(folder: Path, script: str, changes: Callable[[str, str], str]) -> None:
    """Compile a script of the folder of sources, once for each description."""
    sources = FOLDER / "generated"
    shutil.copy(sources / "main.ts", folder)
    shutil.copy(sources / "tsconfig.json", folder)
    source = (sources / f"{script}.ts").read_text("utf-8")
    for name in DESCRIPTIONS:
        (folder / f"{name}_{script}.ts").write_text(changes(source, name), "utf-8")
    tool("tsc", "--project", folder, cwd=folder)


def done_in_node(folder: Path, script: str, given: dict[str, Any]) -> Any:
    """What came of running a script in the given districts."""
    done = subprocess.run(
        ["node", script, json.dumps(given)],
        cwd=folder, text=True, capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def districts(sandbox: Sandbox, description: str) -> dict[str, dict[str, str]]:
    """What a client needs for each district of the sandbox."""
    base = f"http://127.0.0.1:{sandbox.port}" + ("/v3.1" if description == "published" else "")
    return {
        it.name: {
            "base": base,
            "token": it.token,
            "section": it.id(ALGEBRA.digits),
            "student": it.id(ALGEBRA.students[0]),
            "teacher": it.id(ALGEBRA.teacher),
        }
        for it in DISTRICTS
    }


def test_clients_with_the_types_of_openapi_typescript_work_with_every_lms(
    run: Run, folder: Path, sandbox: Sandbox
) -> None:
    def change(source: str, name: str) -> str:
        source = source.replace("./description.js", f"./{name}.js")
        return source.replace('"/sections/', '"/v3.1/sections/') if name == "passback" else source

    run(commands_with("curl", "swagger2openapi", "openapi-typescript"))
    compiled(folder, "fetch", change)
    for name in DESCRIPTIONS:
        given = districts(sandbox, name)
        assert done_in_node(folder, f"{name}_fetch.js", given) == dict.fromkeys(given, OUTCOME)
    assert re.fullmatch(AN_ID, run(program("first.mts")))


def test_clients_of_swagger_typescript_api_work_with_every_lms(
    run: Run, folder: Path, sandbox: Sandbox
) -> None:
    run(commands_with("curl", "swagger2openapi", "swagger-typescript-api"))
    compiled(folder, "swagger", lambda source, name: source.replace("./api.js", f"./{name}/api.js"))
    for name in DESCRIPTIONS:
        given = districts(sandbox, name)
        assert done_in_node(folder, f"{name}_swagger.js", given) == dict.fromkeys(given, OUTCOME)


def test_clients_of_openapi_python_client_work_with_every_lms(
    run: Run, folder: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(commands_with("curl", "swagger2openapi", "openapi-python-client"))
    monkeypatch.syspath_prepend(folder)
    for name in DESCRIPTIONS:
        given = districts(sandbox, name)
        package = PACKAGES[name]
        client = importlib.import_module(package).AuthenticatedClient
        for district in given.values():
            with client(district["base"], token=district["token"]) as opened:
                assert _seven(folder / package, opened, district) == OUTCOME
    assert re.fullmatch(AN_ID, run(program("first.py")))
    webhook = importlib.import_module("gateway_api.models").Webhook.from_dict
    at = "2026-01-01T00:00:00Z"
    shown = {"id": str(uuid4()), "url": "", "disabled": False, "created": at, "last_modified": at}
    assert webhook({**shown, "events": ["roster.changed"], "new": 1}).events == ["roster.changed"]
    with pytest.raises(ValueError, match="new"):
        webhook({**shown, "events": ["new"]})


def _seven(package: Path, client: Any, district: dict[str, str]) -> dict[str, Any]:
    """The seven published operations, by a package that openapi-python-client has made."""
    models: Any = importlib.import_module(f"{package.name}.models")

    def call(operation: str, *ids: str, **given: Any) -> Any:
        [module] = package.glob(f"api/*/{operation}.py")  # below the operation's tag
        name = ".".join(module.relative_to(package.parent).with_suffix("").parts)
        return importlib.import_module(name).sync_detailed(*ids, client=client, **given)

    essay = models.AssignmentRequest(
        title="Essay 1",
        description="Two pages",
        due_date="2030-06-01T23:59:00Z",
        points_possible=20,
        grading_type=models.GradingType.POINTS,
    )
    grade = models.SubmissionRequest(
        grade_points=18, grader_id=district["teacher"], state=models.SubmissionState.RETURNED
    )
    section, student = district["section"], district["student"]
    created = call("create_assignment_for_section", section, body=essay).parsed.data
    path = (section, str(created.id))
    read = call("get_assignment_for_section", *path).parsed
    updated = call("update_assignment_for_section", *path, body=models.AssignmentRequest(title="Essay 2"))
    listed = call("get_submissions_for_assignment", *path, limit=2)
    before = call("get_submission_for_assignment", *path, student)
    graded = call("update_submission_for_assignment", *path, student, body=grade)
    deleted = call("delete_assignment_for_section", *path)
    gone = call("get_assignment_for_section", *path)
    return {
        "created": created.title,
        "read": read.to_dict()["data"]["due_date"].replace("+00:00", ".000Z"),
        "updated": updated.parsed.data.title,
        "listed": len(listed.parsed.data),
        "before": before.parsed.data.state.value,
        "graded": graded.parsed.data.grade_points,
        "deleted": int(deleted.status_code),
        "gone": gone.parsed.message,
    }


def test_the_postman_collection_runs(run: Run, folder: Path, sandbox: Sandbox) -> None:
    file = Path(__file__).parents[2] / "docs/reference/passback.postman_collection.json"
    text = file.read_text("utf-8").replace("127.0.0.1:8080", f"127.0.0.1:{sandbox.port}")
    (folder / file.name).write_text(text, "utf-8")
    run(commands_with("newman"))


def test_every_command_of_the_page_is_run() -> None:
    tools = (
        "curl",
        "swagger2openapi",
        "openapi-typescript",
        "swagger-typescript-api",
        "openapi-python-client",
        "newman",
    )
    assert commands_with(*tools) == commands_with("")
    assert len([it for it in COMMANDS if it.startswith("cat ")]) == 2


def test_the_page_installs_what_is_tested() -> None:
    named = dict(re.findall(r"([\w-]+)@([\d.]+)", PAGE))
    tested = json.loads((FOLDER / "package.json").read_text("utf-8"))["dependencies"]
    assert named.items() <= tested.items()
    assert len(named) == 6
    [(name, version)] = re.findall(r"([\w-]+)==([\d.]+)", PAGE)
    locked = (Path(__file__).parents[2] / "requirements-dev.lock").read_text("utf-8")
    assert f"{name}=={version} " in locked
