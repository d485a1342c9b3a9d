"""Which enrollments and roles of a new roster hold today: those that have begun, or will soon, and have not ended."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.roster import ROLES

if TYPE_CHECKING:
    from passback.store.engine.database import Session


class Calendar(Struct, frozen=True):
    """How an import reads dates."""

    early: int = 0
    """How many days before they begin enrollments are brought in."""
    keep_until_next: bool = False
    """Whether those that have ended stay until the next ones begin."""


_LAST = "COALESCE({0}.ends, '9999-12-31')"
_SOME_DAY = f"COALESCE({{0}}.begins, '') < {_LAST}"
_HOLDS = f"COALESCE({{0}}.begins, '') <= :latest AND {_LAST} > :today AND {_SOME_DAY}"
_ENDED = f"{{0}}.ends <= :today AND {_SOME_DAY}"


def settle_dates(session: Session, today: date, calendar: Calendar) -> None:
    """Leave out the staged enrollments and roles that do not hold: they get the role ``ended`` or ``other``.

    An enrollment that has ended stays, if so chosen, until the same person's next one begins; if they have no next one,
    until one begins in their school. Roles stay with the enrollments.
    """
    latest = min(today.toordinal() + calendar.early, date.max.toordinal())
    given = {"today": today.isoformat(), "latest": date.fromordinal(latest).isoformat()}
    stays = stays_in_role = ""
    if calendar.keep_until_next:
        _find_begins(session, given)
        stays = f" AND NOT ({_ENDED.format('new_enrollments')} AND {_STAYS})"
        stays_in_role = (
            f" AND NOT ({_ENDED.format('new_roles')} AND EXISTS (SELECT 1 FROM new_enrollments AS kept"
            " WHERE kept.user_sis_id = new_roles.user_sis_id AND kept.role = new_roles.role))"
        )
    for table, unless in (("new_enrollments", stays), ("new_roles", stays_in_role)):
        session.execute(
            f"UPDATE {table} SET role = CASE WHEN {_ENDED.format(table)} THEN 'ended' ELSE 'other' END"
            " WHERE role <> 'other' AND (begins IS NOT NULL OR ends IS NOT NULL)"
            f" AND NOT ({_HOLDS.format(table)}){unless}",
            given,
        )


_STAYS = (
    # What refers to nothing must not become a problem only because it stays.
    "EXISTS (SELECT 1 FROM new_users WHERE new_users.sis_id = new_enrollments.user_sis_id)"
    " AND EXISTS (SELECT 1 FROM new_sections AS place LEFT JOIN begun_in_school AS there"
    " ON there.school_sis_id = place.school_sis_id LEFT JOIN begins_of_people AS own"
    " ON own.user_sis_id = new_enrollments.user_sis_id AND own.role = new_enrollments.role"
    " WHERE place.sis_id = new_enrollments.section_sis_id AND COALESCE(own.begun, '') < new_enrollments.ends"
    " AND (own.later = 1 OR COALESCE(there.begun, '') < new_enrollments.ends))"
)


def _find_begins(session: Session, given: dict[str, str]) -> None:
    """Find the last day on which an enrollment began, for each person and school, and who has one still to begin."""
    dated = f"role IN {ROLES} AND begins IS NOT NULL"
    session.define(
        "CREATE TEMP TABLE begins_of_people (user_sis_id TEXT NOT NULL, role TEXT NOT NULL, begun TEXT,"
        " later BIGINT NOT NULL, PRIMARY KEY (user_sis_id, role))"
    )
    session.execute(
        "INSERT INTO begins_of_people (user_sis_id, role, begun, later) SELECT user_sis_id, role,"
        " MAX(CASE WHEN begins <= :today THEN begins END), MAX(CASE WHEN begins > :today THEN 1 ELSE 0 END)"
        f" FROM new_enrollments WHERE {dated} GROUP BY user_sis_id, role",
        given,
    )
    session.define("CREATE TEMP TABLE begun_in_school (school_sis_id TEXT PRIMARY KEY, begun TEXT NOT NULL)")
    session.execute(
        "INSERT INTO begun_in_school (school_sis_id, begun) SELECT place.school_sis_id, MAX(begins)"
        " FROM new_enrollments JOIN new_sections AS place ON place.sis_id = new_enrollments.section_sis_id"
        f" WHERE {dated} AND begins <= :today AND place.school_sis_id IS NOT NULL GROUP BY place.school_sis_id",
        given,
    )
    for table in ("begins_of_people", "begun_in_school"):
        session.analyse(table)
