from __future__ import annotations

import asyncio
import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from passback.console import audit as console_audit
from passback.operations import audit
from passback.store.engine.database import Connection
from support.console import Visitor
from support.sandbox import DISTRICT, STUDENT, Sandbox


def _record(production: Sandbox, lines: list[tuple[str, str, str]]) -> None:
    """Write lines of an action, an object and an actor."""

    def write(conn: Connection) -> None:
        for action, object_id, actor in lines:
            audit.record(conn, action, object_id, DISTRICT, actor=actor)

    production.write(write)


def test_lines_are_filtered_by_who_what_and_district(production: Sandbox, owner: Visitor) -> None:
    _record(production, [("match.made", f"object-{it}", f"account:{it}") for it in range(3)])
    page = owner.get("/console/audit?who=account:1&action=match.made").body.decode()
    assert "object-1" in page
    assert "object-0" not in page
    assert "object-1" not in owner.get("/console/audit?who=account:1&action=match.cleared").body.decode()
    assert "object-1" not in owner.get("/console/audit?district=4fee004cca2e43cf28000000").body.decode()


def test_a_long_audit_goes_on_where_the_page_ends(production: Sandbox, owner: Visitor) -> None:
    _record(production, [("test.paged", f"{it:03}", "account:paged") for it in range(150)])
    seen = []
    path = "/console/audit?who=account:paged"
    while True:
        page = owner.get(path).body.decode()
        seen += [part[:3] for part in page.split('<small class="id">')[1:]]
        if "Older ones" not in page:
            break
        path = page.split('<a href="/console/audit?before=')[1].partition('"')[0].replace("&amp;", "&")
        path = "/console/audit?before=" + path
    assert seen == [f"{number:03}" for number in reversed(range(150))]


def test_a_file_has_every_line_and_no_formula(production: Sandbox, owner: Visitor) -> None:
    production.write(
        lambda conn: audit.record(
            conn, "test.csv", "x", DISTRICT, '=cmd("x"), with "quotes"', actor="account:csv"
        )
    )
    reply = owner.get("/console/audit.csv?who=account:csv")
    assert reply.headers["content-type"].startswith("text/csv")
    [line] = csv.DictReader(io.StringIO(reply.body.decode()))
    assert line["who"] == "account:csv"
    assert line["action"] == "test.csv"
    assert line["detail"] == '\'=cmd("x"), with "quotes"'


def test_what_somebody_does_in_the_console_is_theirs(sandbox: Sandbox, visitor: Visitor) -> None:
    district = "4fee004cca2e43cfca000000"
    apps, connection = f"/console/districts/{district}/apps", f"/console/districts/{district}/connection"
    link = {"district": district, "address": "https://moodle.example", "setting-family": "moodle"}
    visitor.get(apps)
    for form, fields in (
        (apps, {"application": "Of somebody"}),
        (connection, {"do": "sync"}),
        (connection, {"do": "probe", "section": "4fee004cca2e43cfca000007"}),
        ("/console/connect/lti", {**link, "do": "link"}),
        ("/console/accounts", {"name": "somebody@x.org", "role": "support"}),
    ):
        visitor.follow(form, fields)
    lines = asyncio.run(audit.list_all(sandbox.gateway.database))
    assert [(it.action, it.actor) for it in lines[-5:]] == [
        (action, "account:sandbox")
        for action in (
            "token.created",
            "sync.requested",
            "connection.probed",
            "lti_link.made",
            "account.created",
        )
    ]


def test_what_an_app_did_is_listed_with_what_became_of_it(production: Sandbox, owner: Visitor) -> None:
    path = production.create(title="Listed in the audit")
    assert production.patch(f"{path}/submissions/{STUDENT}", {"grade_points": 7}).status == 200
    page = owner.get(f"/console/audit?district={DISTRICT}&who=application:Sandbox+application").body.decode()
    row = page.split("<tr>")[2]
    for word in ("application:Sandbox application", "submission.update", "delivered", "Listed in the audit"):
        assert word in row
    made = owner.get(f"/console/audit?district={DISTRICT}&action=assignment.create").body.decode()
    assert "Listed in the audit" in made
    assert "submission.update</a>" not in made
    assert "assignment.create</a>" not in owner.get("/console/audit?who=account:1").body.decode()


def test_calls_and_what_people_did_are_merged_by_time(production: Sandbox, owner: Visitor) -> None:
    for number in range(2):
        production.create(title=f"Merged {number}")
        _record(production, [("test.merged", f"merged {number}", "account:merged")])
    lines = csv.DictReader(io.StringIO(owner.get("/console/audit.csv").body.decode()))
    newest = [it["detail"] if it["action"] == "assignment.create" else it["object"] for it in lines][:4]
    assert [it.partition(",")[0] for it in newest] == ["merged 1", "Merged 1", "merged 0", "Merged 0"]


def test_a_page_of_calls_goes_on_where_it_ends(
    production: Sandbox, owner: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_audit, "_A_PAGE", 3)
    titles = [f"Part {number}" for number in range(7)]
    for title in titles:
        production.create(title=title)
    path = "/console/audit?action=assignment.create"
    found: list[str] = []
    for _ in range(3):
        page = owner.get(path).body.decode()
        found += re.findall(r"Part \d", page)
        path = "/console/audit?before=" + page.partition("audit?before=")[2].partition('"')[0].replace(
            "&amp;", "&"
        )
    assert found == titles[::-1]


def test_moments_bound_what_is_listed(production: Sandbox, owner: Visitor) -> None:
    production.create(title="At a moment")
    _record(production, [("test.moment", "at a moment", "account:moment")])
    now = datetime.now(UTC)
    before, after = (f"{now + timedelta(hours=it):%Y-%m-%dT%H:%M}" for it in (-1, 1))
    for first, last, there in ((before, f"{after}:00.000Z", True), (after, "", False), ("", before, False)):
        page = owner.get(f"/console/audit?district={DISTRICT}&since={first}&until={last}").body.decode()
        assert ("at a moment" in page, "At a moment" in page) == (there, there)
    reply = owner.get("/console/audit?since=yesterday")
    assert reply.status == 422
    assert "Filter" in reply.body.decode()
