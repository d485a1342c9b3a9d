"""Links by which an LMS registers the gateway: each connects one district, once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


class Invitation(Struct, frozen=True):
    """What an operator has said of a connection that an LMS is to complete."""

    district_id: str | None
    """None for a new district."""
    name: str
    """The name of the new district."""
    family: str
    address: str
    """The LMS's address, at which its description must be."""
    expires: Instant


_COLUMNS = ", ".join(Invitation.__struct_fields__)


def add(connection: Connection, code: str, invitation: Invitation) -> None:
    """Store an invitation."""
    connection.execute(
        f"INSERT INTO lti_invitations (hash, {_COLUMNS})"
        " VALUES (:hash, :district_id, :name, :family, :address, :expires)",
        {
            "hash": _hash(code),
            "district_id": invitation.district_id,
            "name": invitation.name,
            "family": invitation.family,
            "address": invitation.address,
            "expires": invitation.expires,
        },
    )


def find(connection: Connection, code: str, now: Instant) -> Invitation | None:
    """The invitation of a code, if it can still be taken."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM lti_invitations WHERE hash = :hash AND expires > :now",
        {"hash": _hash(code), "now": now},
    ).fetchone()
    return None if row is None else Invitation(*row)


def remove(connection: Connection, code: str) -> bool:
    """Forget an invitation. False if there is none, such as because it was taken."""
    removed = connection.execute("DELETE FROM lti_invitations WHERE hash = :hash", {"hash": _hash(code)})
    return bool(removed.rowcount)


def remove_expired(connection: Connection, now: Instant) -> None:
    """Delete the invitations that nobody took in time."""
    connection.execute("DELETE FROM lti_invitations WHERE expires <= :now", {"now": now})


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode(errors="surrogatepass")).hexdigest()
