"""What stays as the district has it, because the row that is about it has a problem and is left out.

An import replaces the whole roster, so what is missing would be removed. A careless row must not do that: what exists
is copied to the new roster. If a row does not even show what it is about, everything of its kind stays that would be
removed, except what the file itself calls gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.sis.rows import COLUMNS, Kind
from passback.store.staging.tables import KEPT, REFERENCES

if TYPE_CHECKING:
    from passback.store.engine.database import Session


def keep_objects(session: Session, district_id: str, kind: Kind) -> None:
    """Keep the objects whose rows were left out, and what they refer to."""
    if not _any_left_out(session, kind):
        return
    role = " AND (it.role IS NULL OR it.role = was.role)" if kind == "users" else ""
    _keep(session, district_id, kind, _is_left_out(kind, "sis_id", role))
    for name, target in REFERENCES.get(kind, {}).items():
        _keep(
            session,
            district_id,
            target,
            f"was.id IN (SELECT mine.{name}_id FROM new_{kind} AS now JOIN {kind} AS mine ON mine.id = now.id"
            f" WHERE now.line = {KEPT})",
        )


def keep_people_and_enrollments(session: Session, district_id: str) -> None:
    """Keep the roles and enrollments whose rows were left out, of people and in sections that the new roster has."""
    has_row = "EXISTS (SELECT 1 FROM new_users AS now WHERE now.sis_id = was.sis_id)"
    if _any_left_out(session, "roles"):
        role = " AND (it.role IS NULL OR it.role = was.role)"
        is_left_out = _is_left_out("roles", "user_sis_id", role)
        _keep(session, district_id, "users", f"{has_row} AND ({is_left_out})")
    if not _any_left_out(session, "enrollments"):
        return
    session.define("CREATE TEMP TABLE kept_members (section_id TEXT, user_id TEXT, role TEXT)")
    # What may be meant; a row that names both is about this very enrollment, whatever another says.
    unless_gone = (
        " AND (it.sis_id IS NOT NULL AND it.user_sis_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM new_gone AS gone"
        " JOIN sections AS place ON place.id = was.section_id JOIN users AS who ON who.id = was.user_id"
        " WHERE gone.kind = 'enrollments' AND gone.sis_id = place.sis_id AND gone.user_sis_id = who.sis_id))"
    )
    for joined in _ENROLLMENTS:
        session.execute(
            "INSERT INTO kept_members (section_id, user_id, role) SELECT DISTINCT was.section_id, was.user_id, was.role"
            f" FROM {joined} WHERE it.kind = 'enrollments' AND (it.role IS NULL OR it.role = was.role){unless_gone}",
            {"district_id": district_id},
        )
    _keep(session, district_id, "users", f"{has_row} AND was.id IN (SELECT user_id FROM kept_members)")
    session.execute(
        f"INSERT INTO new_enrollments (line, section_sis_id, user_sis_id, role) SELECT DISTINCT {KEPT}, section.sis_id,"
        " person.sis_id, kept.role FROM kept_members AS kept JOIN sections AS section ON section.id = kept.section_id"
        " JOIN users AS person ON person.id = kept.user_id WHERE EXISTS"
        " (SELECT 1 FROM new_sections AS now WHERE now.sis_id = section.sis_id) AND EXISTS"
        " (SELECT 1 FROM new_users AS now WHERE now.sis_id = person.sis_id AND now.role = kept.role)"
    )


_ENROLLMENTS = (
    (
        "new_left_out AS it JOIN sections AS section ON section.district_id = :district_id AND"
        " section.sis_id = it.sis_id"
        " JOIN enrollments AS was ON was.section_id = section.id JOIN users AS person ON person.id = was.user_id"
        " AND (it.user_sis_id IS NULL OR it.user_sis_id = person.sis_id)"
    ),
    (
        "new_left_out AS it JOIN users AS person ON person.district_id = :district_id AND"
        " person.sis_id = it.user_sis_id"
        " AND it.sis_id IS NULL JOIN enrollments AS was ON was.user_id = person.id"
    ),
    (
        "(SELECT DISTINCT kind, role, sis_id, user_sis_id FROM new_left_out WHERE sis_id IS NULL"
        " AND user_sis_id IS NULL) AS it JOIN sections AS section ON section.district_id = :district_id"
        " JOIN enrollments AS was ON was.section_id = section.id"
    ),
)
"""The enrollments that rows may have been about: of which the section is known, the user alone, or nothing."""


def _any_left_out(session: Session, kind: Kind) -> bool:
    found = session.execute("SELECT 1 FROM new_left_out WHERE kind = :kind LIMIT 1", {"kind": kind})
    return found.fetchone() is not None


def _is_left_out(kind: Kind, column: str, role: str) -> str:
    """Whether a row that was left out may have been about the object called `was`."""
    its = f"SELECT 1 FROM new_left_out AS it WHERE it.kind = '{kind}'{role} AND it.{column}"
    return f"EXISTS ({its} = was.sis_id) OR EXISTS ({its} IS NULL)"


def _keep(session: Session, district_id: str, kind: Kind, which: str) -> None:
    """Copy those of the district's objects, called `was`, that the new roster has not, and does not call gone."""
    columns = COLUMNS[kind]
    values = [_value(kind, it) for it in columns]
    role = " AND (now.role IS NULL OR now.role = was.role)" if kind == "users" else ""  # may not be known yet
    here = [f"SELECT 1 FROM new_{kind} AS now WHERE now.sis_id = was.sis_id{role}"]
    if "former_sis_id" in columns:
        here.append(f"SELECT 1 FROM new_{kind} AS now WHERE now.former_sis_id = was.sis_id")
    here.append(f"SELECT 1 FROM new_gone AS gone WHERE gone.kind = '{kind}' AND gone.sis_id = was.sis_id")
    session.execute(
        f"INSERT INTO new_{kind} (line, {', '.join(columns)}, id) SELECT {KEPT}, {', '.join(values)}, was.id"
        f" FROM {kind} AS was WHERE was.district_id = :district_id AND was.removed IS NULL AND ({which})"
        + "".join(f" AND NOT EXISTS ({it})" for it in here),
        {"district_id": district_id},
    )


def _value(kind: Kind, column: str) -> str:
    """Where the value of a staged column is in the district's roster."""
    if column in ("lms_id", "former_sis_id"):
        return "NULL"
    name = column.removesuffix("_sis_id")
    if (target := REFERENCES.get(kind, {}).get(name)) is not None:
        return f"(SELECT target.sis_id FROM {target} AS target WHERE target.id = was.{name}_id)"
    return f"was.{column}"
