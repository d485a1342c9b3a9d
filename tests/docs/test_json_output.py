"""Commands that show something can show it as JSON, and one page names the fields."""

from __future__ import annotations

import re

from cyclopts import App

from docs import generate
from passback.cli import app

PAGE = (generate.REFERENCE / "json-output.md").read_text("utf-8")

WITHOUT = {
    # They serve until they are stopped.
    "sandbox", "serve", "simulate", "worker",
    # They print a script, and a program.
    "completion", "connector example",
    # They ask at the terminal.
    "connection sign-in-student", "match review",
    # They change something, and say that it is done.
    "account disable", "account enable", "connection remove", "deliveries cancel", "deliveries retry",
    "connector new", "district delete", "district rename", "gradebook delete", "gradebook edit", "gradebook enroll",
    "gradebook grade", "gradebook unenroll", "key rotate", "lti add-deployment", "lti rotate-key", "match by",
    "match clear", "match set", "sync schedule", "token revoke", "trigger", "webhook delete", "webhook disable",
    "webhook enable",
}  # fmt: skip
"""Commands that show nothing. Any other has `--json`."""


def commands_below(group: App, before: str = "") -> dict[str, App]:
    """The commands by their names, without groups."""
    found: dict[str, App] = {}
    for word in group:
        if not word.startswith("-"):
            one = group[word]
            name = f"{before} {word}".strip()
            found |= {name: one} if one.default_command is not None else commands_below(one, name)
    return found


def takes_json(command: App) -> bool:
    collection = command.assemble_argument_collection(default_parameter=app.default_parameter)
    return any("--json" in it.names for it in collection)


def test_every_command_that_shows_something_can_show_it_as_json() -> None:
    found = commands_below(app)
    assert {name for name, it in found.items() if not takes_json(it)} == WITHOUT


def test_the_fields_of_each_are_documented_in_order() -> None:
    documented = re.findall(r"(?m)^\| `([a-z -]+)` \| (?:array|object) \| ", PAGE)
    assert documented == sorted(set(commands_below(app)) - WITHOUT)
