"""Looks for sections' assignments in the LMS: when each section is due, and what was missed.

A look that is claimed is put off for a while; whoever claimed it sets when the next one is due. So one process at a
time looks at a section, and a section whose process died is looked at later. Districts take turns at random, so that
one with many sections does not keep the others waiting.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.clock import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection

EVERY = DAY
"""How often a section is looked at, in milliseconds."""
_RECENTLY = 12 * HOUR
_AT_ONCE = 1
"""The time at which a section is due that is looked at before all others."""
LONGEST_CLAIM = 15 * MINUTE
"""How long whoever claims a look has it at most."""
_LONGEST_UNTIL_DUE = EVERY + 2 * HOUR
_APART = MINUTE
"""How long after a look another one may be requested at the earliest, however often clients ask."""
_SOON = (
    "CASE WHEN assignment_looks.looked > CAST(:now AS BIGINT) - :apart THEN assignment_looks.looked + :apart"
    " ELSE :at_once END"
)
_SPREAD_AT_ONCE = 1_000
_MOST_COMPARED = 1_000


class Look(Struct, frozen=True):
    """A section whose assignments are to be looked for."""

    section_id: str
    district_id: str
    claimed_until: Instant


class Expected(Struct, frozen=True):
    """An assignment that the LMS should have."""

    id: str
    lms_id: str
    missed: Instant | None
    """When a look first missed it."""
    gone: Instant | None
    """When it was noticed that the LMS no longer has it; it may be restored there."""
    untitled: bool = False
    """Whether its title is not known: version 0.1.0 did not keep it."""


def schedule(connection: Connection, section_id: str, due: Instant) -> None:
    """Look at a section at that time, unless it has a time already."""
    connection.execute(
        "INSERT INTO assignment_looks (section_id, district_id, due, looked)"
        " SELECT id, district_id, CAST(:due AS BIGINT), 0 FROM sections WHERE id = :section_id"
        " ON CONFLICT (section_id) DO NOTHING",
        {"section_id": section_id, "due": due},
    )


def request(connection: Connection, section_id: str, now: Instant) -> None:
    """Look at a section as soon as possible, but at most once a minute."""
    schedule(connection, section_id, _AT_ONCE)
    connection.execute(
        f"UPDATE assignment_looks SET due = {_SOON} WHERE section_id = :section_id",
        {"section_id": section_id, "now": now, "apart": _APART, "at_once": _AT_ONCE},
    )


def schedule_new(connection: Connection, section_id: str, now: Instant, events: Collection[str]) -> None:
    """Look at a section that has a new assignment: as by `request` if a webhook names one of `events`, else in a day.

    In one statement, as each create needs it. Whether the webhook is still served is left to the look.
    """
    parameters: dict[str, Any] = {
        "section_id": section_id, "now": now, "apart": _APART, "at_once": _AT_ONCE, "later": now + EVERY,
    }  # fmt: skip
    names = {f"event_{chr(ord('a') + number)}": event for number, event in enumerate(sorted(events))}
    parameters |= {name: f'%"{event}"%' for name, event in names.items()}
    named = " OR ".join(f"webhooks.events LIKE :{name}" for name in names)
    connection.execute(
        "INSERT INTO assignment_looks (section_id, district_id, due, looked)"
        " SELECT id, district_id, CASE WHEN EXISTS (SELECT 1 FROM webhooks WHERE webhooks.disabled IS NULL"
        f" AND webhooks.district_id = sections.district_id AND ({named}))"
        " THEN CAST(:at_once AS BIGINT) ELSE CAST(:later AS BIGINT) END, 0 FROM sections WHERE id = :section_id"
        f" ON CONFLICT (section_id) DO UPDATE SET due = {_SOON} WHERE excluded.due = :at_once",
        parameters,
    )


def request_all(connection: Connection, district_id: str, now: Instant, *, even_recent: bool) -> None:
    """Look now at the sections of a district: those not looked at for half a day, or `even_recent` ones.

    Sections that were forgotten because none of their assignments was where they are matched are looked at again.
    """
    connection.execute(
        "INSERT INTO assignment_looks (section_id, district_id, due, looked)"
        " SELECT id, district_id, CAST(:now AS BIGINT), 0 FROM sections"
        " WHERE district_id = :district_id AND removed IS NULL AND EXISTS (SELECT 1 FROM assignments"
        " WHERE section_id = sections.id AND deleted IS NULL AND gone IS NULL) ON CONFLICT (section_id) DO NOTHING",
        {"district_id": district_id, "now": now},
    )
    connection.execute(
        "UPDATE assignment_looks SET due = :now WHERE looked < :since AND (due > :now OR due = 0)"
        " AND district_id = :district_id AND section_id IN (SELECT id FROM sections WHERE removed IS NULL)",
        {"district_id": district_id, "now": now, "since": now if even_recent else now - _RECENTLY},
    )


def any_due(connection: Connection, now: Instant) -> bool:
    """Whether a section is due, or waits for a time."""
    found = connection.execute("SELECT 1 FROM assignment_looks WHERE due <= :now LIMIT 1", {"now": now})
    return found.fetchone() is not None


def spread(connection: Connection, choose: Callable[[], Instant]) -> None:
    """Choose a time for sections that have none."""
    rows = connection.execute(
        f"SELECT section_id FROM assignment_looks WHERE due = 0 LIMIT {_SPREAD_AT_ONCE}"
    ).fetchall()
    if rows:
        connection.executemany(
            "UPDATE assignment_looks SET due = :due WHERE section_id = :id AND due = 0",
            [{"id": row[0], "due": choose()} for row in rows],
        )


def claim(connection: Connection, now: Instant, until: Instant, but: Collection[str] = ()) -> Look | None:
    """Claim a look that is due, until a time; None if none is due, except in the districts `but`.

    Those that were requested come first; then the one of a district, chosen at random, that has been due longest.
    """
    connection.lock("assignment_looks")
    requested = connection.execute(
        "SELECT section_id, district_id FROM assignment_looks"
        f" WHERE due = {_AT_ONCE} AND busy_until <= :now LIMIT {_MOST_COMPARED}",
        {"now": now},
    )
    row = next((it for it in requested if it[1] not in but), None) or _longest_due(connection, now, but)
    if row is None:
        return None
    connection.execute(
        "UPDATE assignment_looks SET due = :until, busy_until = :until WHERE section_id = :id",
        {"id": row[0], "until": until},
    )
    return Look(row[0], row[1], until)


def _longest_due(connection: Connection, now: Instant, but: Collection[str]) -> tuple[str, str] | None:
    is_due = "looks.due > 0 AND looks.due <= :now AND looks.busy_until <= :now"
    found = connection.execute(
        "SELECT id FROM districts WHERE EXISTS"
        f" (SELECT 1 FROM assignment_looks AS looks WHERE looks.district_id = districts.id AND {is_due})",
        {"now": now},
    )
    districts = [row[0] for row in found if row[0] not in but]
    if not districts:
        return None
    row = connection.execute(
        "SELECT section_id, district_id FROM assignment_looks AS looks WHERE district_id = :district_id"
        f" AND {is_due} ORDER BY due LIMIT 1",
        {"district_id": secrets.choice(districts), "now": now},
    ).fetchone()
    return None if row is None else (row[0], row[1])


def finish(connection: Connection, look: Look, due: Instant, now: Instant) -> None:
    """End a look that is claimed, and set when the next is due, unless somebody has requested one in the meantime."""
    connection.execute(
        "UPDATE assignment_looks SET looked = :now, busy_until = 0,"
        " due = CASE WHEN due = :claimed THEN CAST(:due AS BIGINT) ELSE due END"
        " WHERE section_id = :id AND busy_until = :claimed",
        {"id": look.section_id, "due": due, "claimed": look.claimed_until, "now": now},
    )


def forget(connection: Connection, look: Look) -> None:
    """Look at a section no more, until it has another assignment."""
    connection.execute(
        "DELETE FROM assignment_looks WHERE section_id = :id AND due = :claimed",
        {"id": look.section_id, "claimed": look.claimed_until},
    )


def pull_in(connection: Connection, now: Instant) -> None:
    """Choose another time for what is due or claimed until later than it can be since `now`."""
    connection.execute(
        "UPDATE assignment_looks SET due = 0, busy_until = 0 WHERE due > :latest OR busy_until > :free",
        {"latest": now + _LONGEST_UNTIL_DUE, "free": now + LONGEST_CLAIM},
    )
    connection.execute("UPDATE assignment_looks SET looked = :now WHERE looked > :now", {"now": now})


def lms_section(connection: Connection, section_id: str) -> str | None:
    """The LMS's section that the newest assignment of a section was made in; None if that is not known."""
    row = connection.execute(
        "SELECT lms_section_id FROM assignments WHERE section_id = :section_id AND deleted IS NULL AND gone IS NULL"
        " AND lms_section_id IS NOT NULL ORDER BY id DESC LIMIT 1",
        {"section_id": section_id},
    ).fetchone()
    return None if row is None else str(row[0])


def expected(
    connection: Connection, section_id: str, lms_section_id: str, gone_since: Instant, limit: int
) -> list[Expected]:
    """The assignments of a section that one of the LMS should have, or had until a while ago: newest first."""
    rows = connection.execute(
        "SELECT id, lms_id, missed, gone, title FROM assignments WHERE section_id = :section_id AND deleted IS NULL"
        " AND (gone IS NULL OR gone >= :since) AND COALESCE(lms_section_id, :lms_section_id) = :lms_section_id"
        " ORDER BY id DESC LIMIT :limit",
        {"section_id": section_id, "lms_section_id": lms_section_id, "since": gone_since, "limit": limit},
    )
    return [Expected(id_, lms_id, missed, gone, title is None) for id_, lms_id, missed, gone, title in rows]


def any_expected(connection: Connection, assignment_ids: Sequence[str]) -> bool:
    """Whether one of the assignments is not known to be gone."""
    return any(
        connection.execute(
            "SELECT 1 FROM assignments WHERE id = :id AND deleted IS NULL AND gone IS NULL", {"id": id_}
        ).fetchone()
        for id_ in assignment_ids
    )


def set_missed(connection: Connection, assignment_ids: Sequence[str], now: Instant) -> None:
    """Record when assignments were first missed."""
    connection.executemany(
        "UPDATE assignments SET missed = :now WHERE id = :id",
        [{"id": id_, "now": now} for id_ in assignment_ids],
    )


def set_there(connection: Connection, assignment_ids: Sequence[str]) -> None:
    """Record that the LMS has assignments that were missed before."""
    connection.executemany(
        "UPDATE assignments SET missed = NULL, gone = NULL WHERE id = :id",
        [{"id": id_} for id_ in assignment_ids],
    )
