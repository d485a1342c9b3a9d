from __future__ import annotations

import csv
import io

from passback.operations import audit
from passback.store.engine.database import Connection
from support.console import Visitor
from support.sandbox import DISTRICT, Sandbox


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
