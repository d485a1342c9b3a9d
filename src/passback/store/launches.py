"""Launches of applications from an LMS: where they go, and the codes that they go with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from passback.domain.clock import DAY, Instant

if TYPE_CHECKING:
    from passback.domain.roster import Role
    from passback.store.engine.database import Connection


class Launch(Struct, frozen=True, kw_only=True):
    """Who opened what, as far as it is known."""

    launched: Instant
    lms_section_id: str | None = None
    """The id of the course in the LMS; None if it was opened outside of one."""
    lms_user_id: str | None = None
    """None if the LMS does not say who it is."""
    section_id: str | None = None
    user_id: str | None = None
    assignment_id: str | None = None
    role: str
    link_id: str | None = None
    """The id of the link in the LMS that was opened."""
    link_title: str | None = None
    target: str | None = None
    """What the link points to, as the LMS has it."""
    custom: Mapping[str, Any] = {}
    """The link's own parameters."""
    is_choosing: bool = False
    """Whether a teacher is to choose an activity, and nothing was opened."""
    is_choosing_several: bool = False
    """Whether the teacher may choose several."""
    lms_for_user_id: str | None = None
    """The id, in the LMS, of the student whose work is to be reviewed."""
    for_user_id: str | None = None

    def __repr__(self) -> str:
        return f"Launch({self.launched})"  # nobody's id


class LaunchAddress(Struct, frozen=True):
    """Where an application takes the people whom an LMS starts it for."""

    district_id: str
    application: str
    url: str
    created: Instant
    last_modified: Instant


_ADDRESS = ", ".join(LaunchAddress.__struct_fields__)
_launch = msgspec.json.Decoder(Launch)


def section_of(connection: Connection, district_id: str, lms_id: str) -> str | None:
    """Our section that is matched to a course of the LMS."""
    row = connection.execute(
        "SELECT id FROM sections WHERE district_id = :district_id AND lms_id = :lms_id AND removed IS NULL",
        {"district_id": district_id, "lms_id": lms_id},
    ).fetchone()
    return None if row is None else str(row[0])


def matched_courses(connection: Connection, district_id: str) -> list[str]:
    """The ids, in the LMS, of the courses that our sections are matched to."""
    rows = connection.execute(
        "SELECT DISTINCT lms_id FROM sections WHERE district_id = :district_id AND lms_id IS NOT NULL"
        " AND removed IS NULL ORDER BY lms_id",
        {"district_id": district_id},
    )
    return [str(row[0]) for row in rows]


def user_of(connection: Connection, district_id: str, lms_id: str, role: Role) -> str | None:
    """Our student or teacher who is matched to a person of the LMS."""
    row = connection.execute(
        "SELECT id FROM users WHERE district_id = :district_id AND lms_id = :lms_id AND role = :role"
        " AND removed IS NULL",
        {"district_id": district_id, "lms_id": lms_id, "role": role},
    ).fetchone()
    return None if row is None else str(row[0])


def use_nonce(connection: Connection, nonce: str, expires: Instant) -> bool:
    """Take a launch's nonce, which nobody can take again until `expires`. False if somebody has taken it."""
    taken = connection.execute(
        "INSERT INTO lti_nonces (nonce, expires) VALUES (:nonce, :expires) ON CONFLICT (nonce) DO NOTHING",
        {"nonce": nonce, "expires": expires},
    )
    return taken.rowcount == 1


def addresses(connection: Connection, district_id: str) -> list[LaunchAddress]:
    """The launch addresses of a district's applications, by their names."""
    rows = connection.execute(
        f"SELECT {_ADDRESS} FROM launch_addresses WHERE district_id = :district_id ORDER BY application",
        {"district_id": district_id},
    )
    return [LaunchAddress(*row) for row in rows]


def address(connection: Connection, district_id: str, application: str) -> LaunchAddress | None:
    """An application's launch address."""
    row = connection.execute(
        f"SELECT {_ADDRESS} FROM launch_addresses"
        " WHERE district_id = :district_id AND application = :application",
        {"district_id": district_id, "application": application},
    ).fetchone()
    return None if row is None else LaunchAddress(*row)


def set_address(
    connection: Connection, district_id: str, application: str, url: str, now: Instant
) -> LaunchAddress:
    """Register an application's launch address, in place of one that it has."""
    connection.execute(
        "INSERT INTO launch_addresses (district_id, application, url, created, last_modified)"
        " VALUES (:district_id, :application, :url, :now, :now)"
        " ON CONFLICT (district_id, application)"
        " DO UPDATE SET url = excluded.url, last_modified = excluded.last_modified",
        {"district_id": district_id, "application": application, "url": url, "now": now},
    )
    kept = address(connection, district_id, application)
    assert kept is not None
    return kept


def remove_address(connection: Connection, district_id: str, application: str) -> bool:
    """Forget an application's launch address. False if there was none."""
    removed = connection.execute(
        "DELETE FROM launch_addresses WHERE district_id = :district_id AND application = :application",
        {"district_id": district_id, "application": application},
    )
    return bool(removed.rowcount)


def add(
    connection: Connection,
    code: str,
    launch: Launch,
    *,
    district_id: str,
    application: str,
    expires: Instant,
) -> None:
    """Store a launch that the application can have for `code` until `expires`."""
    connection.execute(
        "INSERT INTO launches (hash, district_id, application, launch, expires)"
        " VALUES (:hash, :district_id, :application, :launch, :expires)",
        {
            "hash": _hash(code),
            "district_id": district_id,
            "application": application,
            "launch": msgspec.json.encode(launch).decode(),
            "expires": expires,
        },
    )


def take(
    connection: Connection, code: str, *, district_id: str, application: str, now: Instant
) -> Launch | None:
    """The launch of a code, once; None if there is none, it is another's, has been taken, or has expired."""
    mine = {"hash": _hash(code), "district_id": district_id, "application": application, "now": now}
    where = "hash = :hash AND district_id = :district_id AND application = :application AND expires > :now"
    row = connection.execute(f"DELETE FROM launches WHERE {where} RETURNING launch", mine).fetchone()
    return None if row is None else _launch.decode(row[0])


def remove_expired(connection: Connection, now: Instant) -> None:
    """Delete launches that nobody fetched in time, and nonces that can be in no launch any more."""
    connection.execute("DELETE FROM launches WHERE expires <= :now", {"now": now})
    # These stay longer than they count: a clock that is set forward and back must not forget them.
    connection.execute("DELETE FROM lti_nonces WHERE expires <= :now", {"now": now - DAY})


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode(errors="surrogatepass")).hexdigest()
