"""Whether the database can be used: reachable, new enough, with the rights, the schema and the keys that are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.operations.checks import Check
from passback.operations.errors import StoreError, VaultError
from passback.operations.start_notes import locked_by
from passback.store.engine import look, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passback.settings import Settings
    from passback.store.engine.database import Connection
    from passback.store.engine.look import Server

_CLOCKS_DIFFER_SECONDS = 5.0


def examine(settings: Settings) -> Iterator[Check]:
    """Look at the database."""
    path = settings.data_file
    if not settings.database_url and path is None:
        yield Check("warning", "database", "nothing is kept: data is :memory:", "set a data folder")
        return
    try:
        if not settings.database_url and path is not None and not path.exists():
            yield Check("ok", "database", f"the first start makes {path}")
            return
        with (
            look.server_looked_at(settings.database_url)
            if settings.database_url or path is None
            else look.file_looked_at(path)
        ) as (conn, server):
            yield from _server(server, shared=bool(settings.database_url))
            yield from _schema(conn, settings)
    except StoreError as error:
        todo = (
            "see to it that it runs, and that this machine and user may connect"
            if settings.database_url
            else None
        )
        yield Check("problem", "database", str(error), todo)
    except OSError as error:
        yield Check("problem", "database", f"{path} cannot be looked at: {error.strerror}")


def _server(server: Server, *, shared: bool) -> Iterator[Check]:
    yield (
        Check("ok", "database", server.name)
        if server.is_new_enough
        else Check("problem", "database", f"{server.name} is too old", "use PostgreSQL 14 or newer")
    )
    if server.is_standby:
        yield Check("problem", "database", "it is a standby, which cannot be written to", "name the primary")
    elif not server.may_create:
        yield Check(
            "problem",
            "database rights",
            "this user may not make tables, which the start and upgrades do",
            "GRANT CREATE ON SCHEMA public TO the user, or let the user own the database",
        )
    if server.encoding != "UTF8":
        yield Check(
            "problem", "database", f"its encoding is {server.encoding}", "create one with ENCODING 'UTF8'"
        )
    if not server.encrypted:
        yield Check(
            "warning",
            "database",
            "the connection to it is not encrypted, and students' data goes over it",
            "add ?sslmode=verify-full to the address",
        )
    if shared:
        differ = f"the database's clock is {abs(server.ahead_by):.1f} seconds"
        ahead = "ahead" if server.ahead_by > 0 else "behind"
        if abs(server.ahead_by) > _CLOCKS_DIFFER_SECONDS:
            yield Check(
                "warning", "clock", f"{differ} {ahead}", "set both by NTP: schedules and tokens go by it"
            )
        else:
            yield Check("ok", "clock", "this machine and the database agree")


def _schema(conn: Connection, settings: Settings) -> Iterator[Check]:
    newest = migrate.migrations()[-1][0]
    version = migrate.version_of(conn, "the database")
    if version == 0:
        yield Check("ok", "schema", "the database is empty: the first start makes the tables")
        return
    if version > newest:
        yield Check(
            "problem",
            "schema",
            f"it is of a newer Passback ({version}, this one knows up to {newest})",
            "upgrade Passback, or use another database",
        )
        return
    if migrate.meta(conn, "kind") == "sandbox":
        yield Check(
            "warning",
            "schema",
            "it holds a sandbox's data: passback serve refuses it",
            "set another data folder",
        )
    if version < newest:
        yield Check(
            "ok",
            "schema",
            f"it is of an older Passback ({version}): the next start brings it up to {newest}",
            "make a backup before",
        )
        return
    yield Check("ok", "schema", f"it is this Passback's ({version})")
    try:
        locked = locked_by(conn, settings.keys_at_hand())
    except VaultError:
        return  # the key's own check says so
    if locked:
        yield Check(
            "problem",
            "secret key",
            f"{locked} stored credentials, webhook secrets and LTI keys cannot be opened: the key is missing",
            "put back the key that they were encrypted with",
        )
