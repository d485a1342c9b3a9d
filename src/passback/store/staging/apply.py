"""Applying a new roster: it becomes the district's, with an event for each change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from passback.domain.roster import ROLES
from passback.sis.rows import COLUMNS, Kind
from passback.store import matching, roster_events
from passback.store.roster_events import KINDS
from passback.store.staging.compare import Plan, RosterChanged, Step, version
from passback.store.staging.tables import FIELDS, MATCHED, ROWS_AT_ONCE, is_from_lms

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Session

_JSON = msgspec.json.Encoder()
_DATED = frozenset({"schools", "sections", "users"})
"""The kinds that record when they were created and changed."""


def lock_roster(session: Session, planned: Plan) -> None:
    """Lock the district's roster until the transaction ends. Raises `RosterChanged` if the plan is out of date."""
    session.lock(f"roster/{planned.district_id}")
    if version(session, planned.district_id) != planned.version:
        raise RosterChanged


def write_roster(session: Session, planned: Plan, now: Instant, step: Step, *, own_lms: bool) -> None:
    """Make the new roster the district's, in the transaction that has locked it.

    `own_lms` if the LMS is the built-in gradebook, whose sections and people are those of the roster.
    """
    district_id = planned.district_id
    given: dict[str, Any] = {"district_id": district_id, "now": now}
    for kind in KINDS:
        step(f"writing {kind}")
        _write(session, kind, given, own_lms=own_lms)
    step("writing enrollments")
    session.execute(
        "DELETE FROM enrollments WHERE EXISTS (SELECT 1 FROM ended WHERE ended.section_id = enrollments.section_id"
        " AND ended.role = enrollments.role AND ended.user_id = enrollments.user_id)"
        " AND section_id IN (SELECT section_id FROM ended)"
    )
    session.execute(
        "INSERT INTO enrollments (section_id, role, user_id) SELECT section_id, role, user_id FROM begun"
        " ORDER BY section_id, role, user_id"
    )
    step("writing events")
    noted = (
        "SELECT changes.kind, what, changes.id, previous FROM changes"
        " LEFT JOIN noted ON noted.kind = changes.kind AND noted.id = changes.id"
    )
    roster_events.add_all(session, district_id, f"({noted}) AS noted", now)
    matching.update_percentages(session, district_id)
    session.execute(
        "UPDATE districts SET roster_version = roster_version + 1, last_modified = :now WHERE id = :district_id",
        given,
    )


def _write(session: Session, kind: Kind, given: dict[str, Any], *, own_lms: bool) -> None:
    fields = FIELDS[kind]
    if kind in MATCHED:
        _give_ids(session, kind, given)
    if "former_sis_id" in COLUMNS[kind]:
        session.execute(
            f"UPDATE {kind} SET sis_id = now.sis_id FROM new_{kind} AS now WHERE now.id = {kind}.id"
            " AND now.former_sis_id IS NOT NULL"
        )
    set_ = ", ".join(f"{it} = now.{it}" for it in fields) + (
        ", last_modified = :now" if kind in _DATED else ""
    )
    session.execute(
        f"UPDATE {kind} SET {set_}, removed = NULL FROM new_{kind} AS now JOIN changes"
        f" ON changes.kind = '{kind}' AND changes.id = now.id AND changes.what <> 'deleted' AND changes.known = 1"
        f" WHERE {kind}.id = now.id",
        given,
    )
    fields = tuple(dict.fromkeys(("sis_id", *fields)))
    columns = ["id", "district_id", *fields]
    values = ["now.id", ":district_id", *(f"now.{it}" for it in fields)]
    if kind == "users":
        columns.append("role")
        values.append("now.role")
    if kind in _DATED:
        columns += ["created", "last_modified"]
        values += [":now", ":now"]
    if kind in MATCHED:
        columns.append("lms_id")
        values.append("now.id" if own_lms else "now.lms_id")
    session.execute(
        f"INSERT INTO {kind} ({', '.join(columns)}) SELECT {', '.join(values)} FROM changes JOIN new_{kind} AS now"
        f" ON now.id = changes.id WHERE changes.kind = '{kind}' AND changes.known = 0 ORDER BY changes.id",
        given,
    )
    session.execute(
        f"UPDATE {kind} SET removed = :now WHERE id IN"
        f" (SELECT id FROM changes WHERE kind = '{kind}' AND what = 'deleted')",
        given,
    )


def _give_ids(session: Session, kind: str, given: dict[str, Any]) -> None:
    """Let SIS and LMS ids change hands without two objects ever having the same one."""
    same = "" if kind == "sections" else f" AND {{}}.role = {kind}.role"
    if is_from_lms(session, kind):
        for column, others in (("sis_id", ""), ("lms_id", " AND COALESCE(matched_by, '') <> 'hand'")):
            session.execute(
                f"UPDATE {kind} SET {column} = NULL WHERE district_id = :district_id{others} AND EXISTS (SELECT 1 FROM"
                f" new_{kind} AS now WHERE now.{column} = {kind}.{column} AND now.id <> {kind}.id{same.format('now')})",
                given,
            )
        session.execute(
            f"UPDATE {kind} SET lms_id = now.lms_id FROM new_{kind} AS now WHERE now.id = {kind}.id"
            f" AND COALESCE({kind}.lms_id, '') <> now.lms_id AND COALESCE({kind}.matched_by, '') <> 'hand'"
            f" AND NOT EXISTS (SELECT 1 FROM {kind} AS other WHERE other.district_id = {kind}.district_id"
            f" AND other.lms_id = now.lms_id AND other.removed IS NULL{same.format('other')})"
        )
    # While an object was removed, another may have been matched to its LMS id.
    session.execute(
        f"UPDATE {kind} SET lms_id = NULL, matched_by = NULL WHERE district_id = :district_id AND removed IS NOT NULL"
        f" AND lms_id IS NOT NULL AND EXISTS (SELECT 1 FROM new_{kind} AS now WHERE now.id = {kind}.id) AND EXISTS"
        f" (SELECT 1 FROM {kind} AS other WHERE other.district_id = {kind}.district_id AND other.lms_id = {kind}.lms_id"
        f" AND other.id <> {kind}.id{same.format('other')} AND (other.removed IS NULL OR (other.id < {kind}.id"
        f" AND EXISTS (SELECT 1 FROM new_{kind} AS also WHERE also.id = other.id))))",
        given,
    )


def note_previous(session: Session) -> None:
    """Record the earlier values of what changes, for the events."""
    session.define(
        "CREATE TEMP TABLE noted (kind TEXT NOT NULL, id TEXT NOT NULL, previous TEXT NOT NULL,"
        " PRIMARY KEY (kind, id)) WITHOUT ROWID"
    )
    for kind in KINDS:
        after = ""
        while rows := _changed(session, kind, after):
            members = _earlier_members(session, rows, after) if kind == "sections" else {}
            earlier = ((row[0], {**_earlier_fields(kind, row), **members.get(row[0], {})}) for row in rows)
            noted = ((kind, id_, _JSON.encode(it).decode()) for id_, it in earlier if it)
            session.load("noted", ("kind", "id", "previous"), noted)
            after = rows[-1][0]
    session.analyse("noted")


def _changed(session: Session, kind: Kind, after: str) -> list[Any]:
    """Some updated or deleted objects after an id: id, what becomes of it, its fields, and its new fields."""
    columns = FIELDS[kind]
    return session.execute(
        f"SELECT was.id, what, {', '.join(f'was.{it}' for it in columns)}, {', '.join(f'now.{it}' for it in columns)}"
        f" FROM changes JOIN {kind} AS was ON was.id = changes.id LEFT JOIN new_{kind} AS now ON now.id = changes.id"
        f" WHERE changes.kind = '{kind}' AND what <> 'created' AND changes.id > :after"
        f" ORDER BY changes.id LIMIT {ROWS_AT_ONCE}",
        {"after": after},
    ).fetchall()


def _earlier_fields(kind: Kind, row: Sequence[Any]) -> dict[str, Any]:
    """The earlier values of the fields that an update changes, of a row from `_changed`."""
    _, what, *values = row
    if what == "deleted":
        return {}
    columns = FIELDS[kind]
    fields = zip(columns, values[: len(columns)], values[len(columns) :], strict=True)
    return {name: was for name, was, now in fields if was != now and (was or "") != (now or "")}


def _earlier_members(session: Session, rows: Sequence[Any], after: str) -> dict[str, dict[str, Any]]:
    """The earlier members of those sections of `_changed` whose members change, including removed sections."""
    given = {"after": after, "last": rows[-1][0]}
    moved = "SELECT section_id, role, user_id FROM {} WHERE section_id > :after AND section_id <= :last"
    ended, begun = (_members(session, moved.format(table), given) for table in ("ended", "begun"))
    before = _members(
        session,
        "SELECT was.section_id, was.role, was.user_id FROM changes JOIN enrollments AS was"
        " ON was.section_id = changes.id WHERE changes.kind = 'sections' AND changes.what <> 'created'"
        " AND changes.id > :after AND changes.id <= :last AND (changes.what = 'deleted'"
        " OR EXISTS (SELECT 1 FROM ended WHERE ended.section_id = changes.id)"
        " OR EXISTS (SELECT 1 FROM begun WHERE begun.section_id = changes.id))",
        given,
    )
    found: dict[str, dict[str, Any]] = {}
    for id_, what, *_ in rows:
        were: dict[str, Any] = {}
        for role in ROLES:
            past = before.get((id_, role), set())
            gone, new = ended.get((id_, role), set()), begun.get((id_, role), set())
            if what == "deleted" or gone or new:
                were[f"{role}s"] = sorted(past)
            if role == "teacher" and min(past, default=None) != min(past - gone | new, default=None):
                were["teacher"] = min(past, default=None)
        found[id_] = were
    return found


def _members(session: Session, query: str, given: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for section_id, role, user_id in session.execute(query, given):
        found.setdefault((section_id, role), set()).add(user_id)
    return found
