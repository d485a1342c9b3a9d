"""The files by which the repository is kept: workflows, updates, hooks, templates, news."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import passback
from support import node
from support.programs import program
from support.pythons import MINORS

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
TEMPLATES = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
SCHEMAS = {
    **dict.fromkeys(WORKFLOWS, "github-workflows"),
    **{it: "github-issue-config" if it.stem == "config" else "github-issue-forms" for it in TEMPLATES},
    GITHUB / "dependabot.yml": "dependabot",
}


def tool(name: str, *arguments: str | Path, cwd: Path = ROOT) -> str:
    """What a tool of this environment prints; the test fails if it does."""
    done = subprocess.run(
        [Path(sys.executable).with_name(name), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize(("path", "schema"), SCHEMAS.items(), ids=lambda it: getattr(it, "name", ""))
def test_a_file_for_github_is_valid(path: Path, schema: str) -> None:
    tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", path)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda it: it.stem)
def test_actionlint_has_nothing_to_say(workflow: Path) -> None:
    script = node.packages() / "@tktco" / "node-actionlint" / "bin" / "node-actionlint.js"
    done = subprocess.run(
        [program("node"), script, workflow.relative_to(ROOT)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Checking 1 workflow" in done.stdout


def test_the_workflows_give_nothing_away() -> None:
    """Zizmor knows what has gone wrong for others: tags that move, rights that nobody needs, text that becomes code."""
    tool("zizmor", "--offline", "--quiet", GITHUB)


def test_the_package_is_checked_on_each_python_it_is_made_for() -> None:
    jobs = read(GITHUB / "workflows" / "check.yml")["jobs"]
    assert jobs["python"]["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in MINORS]
    # The page for operators promises 14 or newer.
    assert jobs["postgresql"]["strategy"]["matrix"]["postgresql"][0] == "14"


def test_what_the_workflows_make_is_there_to_make() -> None:
    made = {name for it in WORKFLOWS for name in re.findall(r"run: make (\w+)", it.read_text("utf-8"))}
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"check", "test", "build"} <= made <= targets


def test_what_the_tests_run_is_installed_in_ci() -> None:
    tests = [it for it in (ROOT / "tests").rglob("*.py") if "node_modules" not in it.parts]
    asked = {name for it in tests for name in re.findall(r'\bprogram\("([\w-]+)"\)', it.read_text("utf-8"))}
    [listed] = re.findall(r"(?m)^for program in (.+); do$", (ROOT / ".ci/run").read_text("utf-8"))
    installed = set(listed.split())
    assert asked - installed <= {"node", "systemd-analyze", "useradd"}  # which come with the machine
    lines = re.findall(
        r"--no-install-recommends (.+)", (GITHUB / "workflows" / "check.yml").read_text("utf-8")
    )
    assert [set(it.split()) for it in lines] == [installed - {"chromium"}] * len(lines)  # it has a browser


def test_the_hooks_run_what_make_check_installs() -> None:
    hooks = [hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    for hook in hooks:
        command, _, _ = hook["entry"].partition(" ")
        assert command.startswith(".venv/bin/")
        assert Path(sys.executable).with_name(Path(command).name).exists(), hook
        assert re.compile(hook.get("files", ""))


def test_a_hook_that_is_given_files_leaves_out_what_the_whole_check_does() -> None:
    """pre-commit names the files of a commit, which not every pattern of what to skip fits."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "*.json"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    tool("codespell", *files)


def test_what_is_locked_runs_on_the_versions_of_node_that_are_named() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    [named] = re.findall(r"Node\.js (\d+\.\d+), (\d+\.\d+) or\s+newer", text)
    packages = json.loads((ROOT / "tests/node/package-lock.json").read_text("utf-8"))["packages"]
    assert packages[""]["engines"]["node"] == f"^{named[0]} || >={named[1]}"
    wanted = {
        name: engines["node"]
        for name, it in packages.items()
        if isinstance(engines := it.get("engines"), dict) and "node" in engines
    }
    for version in named:
        assert [name for name, needed in wanted.items() if not _takes(needed, version)] == []


def _takes(needed: str, version: str) -> bool:
    """Whether a range of npm, such as ``^20.19 || >=22.12``, has a version of Node."""
    at = _numbers(version)
    return any(
        all(
            {">=": at >= _numbers(bound), "<": at < _numbers(bound), "<=": at <= _numbers(bound)}.get(
                sign, at >= _numbers(bound) and at[0] == _numbers(bound)[0]
            )
            for sign, bound in re.findall(r"(>=|<=|<|\^|~|)\s*v?(\d[\d.]*)", each)
        )
        for each in needed.split("||")
    )


def _numbers(version: str) -> list[int]:
    return [*map(int, version.strip(".").split(".")), 0, 0][:3]


def test_the_version_is_the_same_wherever_it_is_named() -> None:
    files = [it for it in (ROOT / "docs").rglob("*.md") if "site" not in it.relative_to(ROOT / "docs").parts]
    files += [ROOT / "compose.yaml", *(ROOT / "deploy").rglob("*.yaml")]
    found = {
        (path.relative_to(ROOT).as_posix(), version)
        for path in files
        for version in re.findall(r"\b[Pp]assback[-:/](\d+\.\d+\.\d+)", path.read_text("utf-8"))
    }
    assert {"docs/how-to/install.md", "compose.yaml"} <= {path for path, _ in found}
    assert {it for it in found if it[1] != passback.__version__} == set()
    supported = re.findall(r"(?m)^\| ([\d.]+)\.x \| yes \|$", (ROOT / "SECURITY.md").read_text("utf-8"))
    assert supported[:1] == [passback.__version__.rpartition(".")[0]]


def test_news_become_a_part_of_the_changelog(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "changelog.d", tmp_path / "changelog.d")
    (tmp_path / "changelog.d" / "+proxies.added.md").write_text("Proxies are named.\n")
    (tmp_path / "changelog.d" / "+leak.security.md").write_text("Nothing leaks.\n")
    tool("towncrier", "build", "--yes", "--version", "9.9.0", "--date", "2031-05-01", cwd=tmp_path)
    before = (ROOT / "CHANGELOG.md").read_text("utf-8")
    after = (tmp_path / "CHANGELOG.md").read_text("utf-8")
    head, _, rest = before.partition("<!-- towncrier release notes start -->\n")
    assert after.startswith(f"{head}<!-- towncrier release notes start -->\n\n## 9.9.0 (2031-05-01)\n")
    assert after.endswith(rest)
    new = after.removeprefix(head).removesuffix(rest)
    parts = dict(re.findall(r"(?ms)^### (\w+)\n(.*?)(?=^### |\Z)", new))
    assert "\n- Nothing leaks.\n" in parts["Security"]
    assert "\n- Proxies are named.\n" in parts["Added"]


def test_every_news_fragment_is_of_a_kind() -> None:
    names = {it.name for it in (ROOT / "changelog.d").iterdir()} - {"README.md"}
    assert {
        it for it in names if not re.fullmatch(r"\+[\w-]+\.(changed|fixed|added|removed|security)\.md", it)
    } == set()
