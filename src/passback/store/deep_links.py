"""Choosing one of an application's activities in an LMS (LTI Deep Linking)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


CHOSEN = "passback_assignment"
"""The parameter of a link that says which assignment it is to become."""


class Request(Struct, frozen=True, kw_only=True):
    """What an LMS wants to know, and where."""

    issuer: str
    client_id: str
    deployment_id: str
    lms_section_id: str | None
    return_url: str
    data: str | None
    """What the LMS wants back as it is."""
    takes_columns: bool
    """Whether what is chosen may have a column in the gradebook."""
    takes_several: bool = False
    """Whether several may be chosen."""


class Choice(Struct, frozen=True, kw_only=True):
    """What the application gives the LMS."""

    assignment_id: str | None
    """The assignment that it is to become; None if it has no points."""
    title: str
    description: str | None
    points: float | None
    custom: dict[str, str]
    """The parameters of the link."""
    url: str
    """What the link points to."""


class Asked(Struct, frozen=True):
    """A request, and the choices that answer it."""

    request: Request
    choices: tuple[Choice, ...]


_request = msgspec.json.Decoder(Request)
_choices = msgspec.json.Decoder(tuple[Choice, ...])


def add(
    connection: Connection,
    code: str,
    request: Request,
    *,
    district_id: str,
    application: str,
    expires: Instant,
) -> None:
    """Store what an LMS wants to know, which can be answered until `expires`."""
    connection.execute(
        "INSERT INTO deep_links (hash, district_id, application, request, expires)"
        " VALUES (:hash, :district_id, :application, :request, :expires)",
        {
            "hash": _hash(code),
            "district_id": district_id,
            "application": application,
            "request": msgspec.json.encode(request).decode(),
            "expires": expires,
        },
    )


def find(
    connection: Connection, code: str, *, district_id: str, application: str, now: Instant
) -> Asked | None:
    """What an application is asked by the launch of that code, until its answer has been taken back.

    No other choice can be added before the transaction ends.
    """
    connection.lock(f"deep_links/{_hash(code)}")
    row = connection.execute(
        "SELECT request, choice FROM deep_links WHERE hash = :hash AND district_id = :district_id"
        " AND application = :application AND expires > :now",
        {"hash": _hash(code), "district_id": district_id, "application": application, "now": now},
    ).fetchone()
    return None if row is None else _asked(*row)


def answer(connection: Connection, code: str, choices: Sequence[Choice], ticket: str) -> None:
    """Store the choices in place of those before. From now on `ticket` takes them back to the LMS, and no other."""
    connection.execute(
        "UPDATE deep_links SET choice = :choice, ticket = :ticket WHERE hash = :hash",
        {"choice": msgspec.json.encode(choices).decode(), "ticket": _hash(ticket), "hash": _hash(code)},
    )


def take(connection: Connection, ticket: str, now: Instant) -> Asked | None:
    """What a ticket takes back to the LMS, once."""
    row = connection.execute(
        "DELETE FROM deep_links WHERE ticket = :ticket AND expires > :now RETURNING request, choice",
        {"ticket": _hash(ticket), "now": now},
    ).fetchone()
    return None if row is None else _asked(*row)


def _asked(request: str, choices: str | None) -> Asked:
    return Asked(_request.decode(request), _choices.decode(choices or "[]"))


def add_chosen(
    connection: Connection, assignment_id: str, district_id: str, lms_section_id: str, expires: Instant
) -> None:
    """Note that an activity was chosen in a course, and is to become the assignment of that id, until `expires`."""
    connection.execute(
        "INSERT INTO chosen_activities (assignment_id, district_id, lms_section_id, expires)"
        " VALUES (:assignment_id, :district_id, :lms_section_id, :expires)",
        {
            "assignment_id": assignment_id,
            "district_id": district_id,
            "lms_section_id": lms_section_id,
            "expires": expires,
        },
    )


def take_chosen(connection: Connection, assignment_id: str, district_id: str, lms_section_id: str) -> bool:
    """Whether an activity that was chosen in a course is still to become that assignment. It is not any more then."""
    taken = connection.execute(
        "DELETE FROM chosen_activities WHERE assignment_id = :assignment_id AND district_id = :district_id"
        " AND lms_section_id = :lms_section_id",
        {"assignment_id": assignment_id, "district_id": district_id, "lms_section_id": lms_section_id},
    )
    return taken.rowcount == 1


def remove_expired(connection: Connection, now: Instant) -> None:
    """Delete what nobody answered in time, and the activities that were chosen and never opened."""
    for table in ("deep_links", "chosen_activities"):
        connection.execute(f"DELETE FROM {table} WHERE expires <= :now", {"now": now})


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode(errors="surrogatepass")).hexdigest()
