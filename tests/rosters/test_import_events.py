"""The events of an import."""

from __future__ import annotations

import asyncio

from passback.app import build_gateway
from passback.rosters import events
from passback.rosters.queries import Place
from passback.settings import Settings
from passback.store import roster, roster_events
from support.imports import DISTRICT, OTHER, Importer
from support.rosters import CLEVER, changed, without
from support.sandbox import NOW


def test_changes_become_events(bring: Importer) -> None:
    bring(CLEVER)
    assert [name for name, _ in bring.events()] == [
        "schools.created", "terms.created", "courses.created", *["users.created"] * 3, "sections.created",
    ]  # fmt: skip
    seen = len(bring.events())
    students = sorted(user.id for user in bring.all(roster.USERS) if user.role == "student")
    bring(
        without(
            changed(changed(CLEVER, "students.csv", 2, "Grade", "10"), "sections.csv", 2, "Name", "Algebra"),
            "enrollments.csv",
            3,
        )
    )
    assert bring.events()[seen:] == [
        ("users.updated", {"grade": "9"}),
        ("sections.updated", {"name": "Algebra 1", "students": students}),
    ]
    [teacher] = [user.id for user in bring.all(roster.USERS) if user.role == "teacher"]
    bring(without(changed(CLEVER, "sections.csv", 2, "Teacher_id", ""), "enrollments.csv", 3))
    assert bring.events()[-1] == (
        "sections.updated",
        {"name": "Algebra", "teacher": teacher, "teachers": [teacher]},
    )
    assert bring.events()[-2] == ("users.updated", {"grade": "10"})


def test_objects_are_created_after_and_deleted_before_what_they_refer_to(bring: Importer) -> None:
    bring(CLEVER)
    seen = len(bring.events())
    bring({name: table[:1] for name, table in CLEVER.items()})
    assert [name for name, _ in bring.events()[seen:]] == [
        "sections.deleted", *["users.deleted"] * 3, "courses.deleted", "terms.deleted", "schools.deleted",
    ]  # fmt: skip


def test_old_events_are_deleted_except_the_newest_which_keeps_the_count(bring: Importer) -> None:
    """Clients remember a position: no later event may come before it."""
    bring(CLEVER)
    before = bring.database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=100)).items
    bring.database.write_now(lambda conn: roster_events.remove_old(conn, NOW + 1, 1000))
    bring(changed(CLEVER, "students.csv", 2, "Last_name", "Aspen"))
    after = bring.database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=100)).items
    assert [it.seq for it in after] == [before[-1].seq, before[-1].seq + 1]


def test_ids_of_events_differ_between_districts_and_old_ones_still_lead(bring: Importer) -> None:
    for district in (DISTRICT, OTHER):
        bring(CLEVER, district=district)
    gateway = build_gateway(bring.database, Settings(data=":memory:"))

    def ids(district: str, after: str | None = None) -> list[str]:
        return [it.id for it in asyncio.run(events.page(gateway, district, Place(100, after))).items]

    ours, others = ids(DISTRICT), ids(OTHER)
    assert len({*ours, *others}) == 2 * len(ours)
    assert {len(it) for it in ours} == {24}
    assert ours == sorted(ours)
    # Before, they held no district. Clients have kept them.
    old = ours[2][:8] + "000000" + ours[2][14:]
    assert ids(DISTRICT, old) == ours[3:]
    assert asyncio.run(events.read(gateway, DISTRICT, old)).id == ours[2]
