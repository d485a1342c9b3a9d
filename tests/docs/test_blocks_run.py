"""Every code block of the documentation runs in a test, or the one table says why it cannot."""

from __future__ import annotations

import re

import pytest

from support.blocks import PAGES, ROOT, Block, blocks

RUN = {
    # Each test takes all blocks of the page's languages, but those of `NOT_RUN`.
    "README.md": ("docs/test_docs.py", "docs/test_examples.py", "package/test_package.py"),
    "clients/python/README.md": ("client/test_readme.py",),
    "docs/how-to/act-as-the-teacher.md": ("docs/test_commands_shown.py",),
    "docs/how-to/add-a-metric.md": ("docs/test_examples.py",),
    "docs/how-to/come-from-clever.md": ("docs/test_guides.py",),
    "docs/how-to/connect-a-district.md": ("docs/test_commands_shown.py",),
    "docs/how-to/connect-by-lti.md": ("docs/test_commands_shown.py",),
    "docs/how-to/connect-canvas.md": ("docs/test_commands_shown.py",),
    "docs/how-to/connect-google-classroom.md": ("docs/test_commands_shown.py",),
    "docs/how-to/connect-moodle.md": ("docs/test_commands_shown.py",),
    "docs/how-to/connect-schoology.md": ("docs/test_commands_shown.py",),
    "docs/how-to/generate-a-client.md": ("generated/test_generated_clients.py",),
    "docs/how-to/load-a-roster.md": ("docs/test_commands_shown.py",),
    "docs/how-to/look-after-deliveries.md": ("docs/test_commands_shown.py",),
    "docs/how-to/manage-tokens.md": ("docs/test_commands_shown.py",),
    "docs/how-to/match-a-roster.md": ("docs/test_commands_shown.py",),
    "docs/how-to/observe.md": ("docs/test_examples.py",),
    "docs/how-to/plan-capacity.md": ("docs/test_guides.py",),
    "docs/how-to/receive-webhooks.md": ("docs/test_docs.py", "docs/test_commands_shown.py"),
    "docs/how-to/run.md": ("docs/test_commands_shown.py", "docs/test_examples.py"),
    "docs/how-to/sync-with-the-lms.md": ("docs/test_commands_shown.py",),
    "docs/how-to/test-your-application.md": ("plugin/test_plugin.py",),
    "docs/how-to/use-the-console.md": ("docs/test_commands_shown.py",),
    "docs/how-to/use-the-sandbox.md": ("docs/test_docs.py", "docs/test_examples.py"),
    "docs/reference/api.md": ("docs/test_examples.py",),
    "docs/reference/connector-suite.md": ("docs/test_examples.py",),
    "docs/reference/deliveries.md": ("docs/test_examples.py",),
    "docs/reference/errors.md": ("docs/test_docs.py",),
    "docs/reference/json-output.md": ("docs/test_commands_shown.py",),
    "docs/reference/launches.md": ("docs/test_examples.py",),
    "docs/reference/lms/google_classroom.md": ("docs/test_commands_shown.py",),
    "docs/reference/lms/lti.md": ("docs/test_commands_shown.py",),
    "docs/reference/lms/moodle.md": ("docs/test_commands_shown.py",),
    "docs/reference/lms/schoology.md": ("docs/test_commands_shown.py",),
    "docs/reference/logs-and-metrics.md": ("docs/test_examples.py",),
    "docs/reference/roster.md": ("docs/test_examples.py",),
    "docs/reference/sandbox.md": ("docs/test_docs.py", "docs/test_examples.py"),
    "docs/reference/simulators.md": ("docs/test_examples.py",),
    "docs/reference/webhooks.md": ("docs/test_examples.py", "docs/test_docs.py"),
    "docs/tutorials/first-change.md": ("docs/test_tutorials.py",),
    "docs/tutorials/first-district.md": ("docs/test_tutorials.py",),
    "docs/tutorials/write-a-connector.md": ("docs/test_tutorials.py",),
    "docs/tutorials/your-first-grade.md": ("docs/test_docs.py",),
}
"""Which tests run the blocks of a page."""

SETS_UP, SIGN_IN = (
    "it sets up this repository's environment, or checks all of it",
    "a person signs in in a browser",
)
REGISTRY = "it installs from a registry, and what it installs is locked here"
SERVES = "it serves until it is stopped"
NOT_RUN = {
    ("CONTRIBUTING.md", "make help"): SETS_UP,
    ("README.md", "make run"): SETS_UP,
    ("clients/python/README.md", "pip install"): REGISTRY,
    ("docs/how-to/connect-a-district.md", "passback connect canvas"): SIGN_IN,
    ("docs/how-to/connect-canvas.md", "passback connect canvas"): SIGN_IN,
    ("docs/reference/lms/canvas.md", "passback connect canvas"): SIGN_IN,
    ("docs/how-to/connect-by-lti.md", "passback connect lti --family moodle --address https://moodle.example/ --name"
     ' "Lake County Schools" \\'): "the LMS reads the keys of a gateway that it can reach (tests/cli/test_lti.py)",
    ("docs/how-to/connect-by-lti.md", "passback lti add-deployment"): "the same",
    ("docs/how-to/generate-a-client.md", "npm install"): REGISTRY,
    ("docs/how-to/generate-a-client.md", "pip install"): REGISTRY,
    ("docs/how-to/install.md", "uvx"): "it installs into the machine (tests/package installs the wheel)",
    ("docs/how-to/install.md", "python3 -m venv"): "the same",
    ("docs/how-to/install.md", "docker build"): "no image can be fetched (tests/deploy runs the Dockerfile's steps)",
    ("docs/how-to/install.md", "mkdir -m 700 secrets"): "the same (tests/deploy starts the services)",
    ("docs/how-to/install.md", "kubectl"): "there is no cluster (tests/deploy has the manifests validated)",
    ("docs/how-to/install.md", "install -d -m 700"): "it changes the machine (tests/deploy has the units analysed)",
    ("docs/how-to/install.md", "export PASSBACK_SECRET_KEY_FILE"): "it needs what the block before has made",
    ("docs/how-to/install.md", "export PASSBACK_PUBLIC_URL"): "two settings (tests/deploy/test_proxies.py sets them)",
    ("docs/how-to/observe.md", "PASSBACK_LOG_LEVEL"): SERVES,
    ("docs/how-to/observe.md", "pip install"): REGISTRY,
    ("docs/how-to/receive-webhooks.md", "passback listen"): f"{SERVES} (tests/cli/test_listen.py)",
    ("docs/how-to/receive-webhooks.md", "PASSBACK_API_TOKEN"): f"{SERVES} (tests/cli/test_listen.py)",
    ("docs/how-to/receive-webhooks.md", "PASSBACK_ALLOW_PRIVATE_WEBHOOKS"): SETS_UP,
    ("docs/how-to/run.md", "passback doctor"): SERVES,
    ("docs/how-to/run.md", "export PASSBACK_DATABASE_URL"): f"{SERVES} (tests/cli/test_workers.py)",
    ("docs/how-to/test-your-application.md", "pip install"): REGISTRY,
    ("docs/how-to/upgrade.md", "passback backup"): "it changes the machine (tests/store upgrades a data file)",
    ("docs/how-to/use-the-sandbox.md", "make run"): SETS_UP,
    ("docs/reference/commands.md", "eval"): "it changes the shell (tests/cli/test_completion.py has each shell complete)",
    ("docs/reference/simulators.md", "passback simulate"): f"{SERVES} (tests/cli/test_simulate.py)",
    ("docs/tutorials/first-change.md", "make check"): SETS_UP,
    ("docs/tutorials/your-first-grade.md", "make run"): SETS_UP,
}  # fmt: skip
"""The blocks that no test runs, by their page and their start, and why."""

DRAWING = "it is a drawing"
PRINTED = {
    "README.md": DRAWING,
    "docs/explanation/architecture.md": DRAWING,
    "docs/how-to/load-a-roster.md": "cli/test_roster.py",
    "docs/how-to/match-a-roster.md": "cli/test_match.py",
    "docs/reference/connector-surface.md": "docs/test_connector_pages.py",
    "docs/reference/deliveries.md": "docs/test_examples.py",
    "docs/reference/errors.md": "docs/test_docs.py",
    "docs/reference/launches.md": DRAWING,
    "docs/reference/logs-and-metrics.md": "docs/test_examples.py",
    "docs/reference/roster-files.md": "cli/test_roster.py",
    "docs/reference/sandbox.md": "docs/test_docs.py",
    "docs/tutorials/first-change.md": "docs/test_tutorials.py",
    "docs/tutorials/first-district.md": "docs/test_tutorials.py",
    "docs/tutorials/write-a-connector.md": "docs/test_tutorials.py",
    "docs/tutorials/your-first-grade.md": "docs/test_docs.py",
}
"""Which tests compare what a page shows as printed, in blocks without a language, with what is printed."""

TO_RUN = [
    block
    for page in PAGES
    for block in blocks(page.relative_to(ROOT).as_posix())
    if block.language not in ("", "console")  # what is printed, drawings, and usage lines
]


def reasons(block: Block) -> list[tuple[str, str]]:
    return [(page, start) for page, start in NOT_RUN if page == block.page and block.text.startswith(start)]


@pytest.mark.parametrize("block", TO_RUN, ids=lambda it: f"{it.page}:{it.text[:30]}")
def test_a_block_runs_or_it_is_said_why_not(block: Block) -> None:
    assert block.page in RUN or reasons(block)


def test_the_table_names_only_blocks_that_there_are() -> None:
    assert {it for block in TO_RUN for it in reasons(block)} == NOT_RUN.keys()
    pages = {block.page for block in TO_RUN if not reasons(block)}
    assert RUN.keys() == pages


def test_what_is_shown_as_printed_is_compared_or_a_drawing() -> None:
    shown = [it for page in PAGES for it in blocks(page.relative_to(ROOT).as_posix(), "")]
    assert {it.page for it in shown} == PRINTED.keys()
    drawn = {it.page for it in shown if re.search("[─▶]|^cli > app", it.text)}
    assert drawn == {page for page, compared in PRINTED.items() if compared == DRAWING}
    for page in PRINTED.keys() - drawn:
        assert page.rpartition("/")[2] in (ROOT / "tests" / PRINTED[page]).read_text("utf-8")


@pytest.mark.parametrize("page", RUN)
def test_the_tests_of_a_page_take_blocks_of_it(page: str) -> None:
    name = page.rpartition("/")[2] if not page.endswith("README.md") else "README.md"
    kind = re.sub(r"^connect-|\.md$", "", name)
    for file in RUN[page]:
        text = (ROOT / "tests" / file).read_text("utf-8")
        assert name in text or f'"{kind.partition("-")[0].partition("_")[0]}' in text, file


@pytest.mark.parametrize("block", [it for it in TO_RUN if "make " in it.text], ids=lambda it: it.page)
def test_make_has_the_targets_that_a_page_names(block: Block) -> None:
    targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"))
    assert set(re.findall(r"(?m)^(?:[A-Z_]+=\S+ )*make ([a-z]+)", block.text)) <= set(targets)
