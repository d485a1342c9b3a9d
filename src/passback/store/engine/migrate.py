"""Migrate a data file to the schema of this version, or report why that is not possible.

The file records in `passback_meta` which migrations it has had and whether it belongs to a sandbox or a production
gateway: the sandbox's published tokens must never open a real district's data.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from passback.store.engine.database import StoreError

if TYPE_CHECKING:
    from passback.store.engine.database import Connection, Database

Kind = Literal["sandbox", "production"]

_META = "CREATE TABLE passback_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)"


def migrations() -> list[tuple[int, str]]:
    """The number and file name of every migration, in order."""
    names = (item.name for item in files("passback.store.migrations").iterdir())
    return sorted(
        (int(match[1]), name) for name in names if (match := re.fullmatch(r"(\d{4})_\w+\.sql", name))
    )


def prepare(database: Database, kind: Kind) -> None:
    """Create or migrate the tables of `database` for a gateway of `kind`.

    Raises `StoreError` if the file is not Passback's, was written by a newer version, or is of the other kind.
    """
    known = migrations()
    newest = known[-1][0]
    version = database.read_now(lambda connection: version_of(connection, database.name))
    if version > newest:
        raise StoreError(
            f"{database.name} was written by a newer Passback (its schema is {version}, this one knows up to "
            f"{newest}): upgrade Passback, or use another data folder or database"
        )
    if version < newest:
        database.write_now(lambda connection: _migrate(connection, known, kind))
    found = database.read_now(lambda connection: meta(connection, "kind"))
    if found != kind:
        raise StoreError(
            f"{database.name} holds a {found} gateway's data, not a {kind}'s: use another data folder, or another"
            " database"
        )


def kind_of(database: Database) -> Kind:
    """The kind of gateway that the data file belongs to. Raises `StoreError` if it is not Passback's."""

    def read(connection: Connection) -> Kind:
        if version_of(connection, database.name) == 0:
            raise StoreError(f"{database.name} is empty: start the gateway on it first")
        return "sandbox" if meta(connection, "kind") == "sandbox" else "production"

    return database.read_now(read)


def meta(connection: Connection, name: str) -> str | None:
    """A fact that the data file records about itself."""
    row = connection.execute("SELECT value FROM passback_meta WHERE name = :name", {"name": name}).fetchone()
    return None if row is None else str(row[0])


def set_meta(connection: Connection, name: str, value: str) -> None:
    """Record a fact about the data file."""
    connection.execute(
        "INSERT INTO passback_meta (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        {"name": name, "value": value},
    )


def version_of(connection: Connection, path: str) -> int:
    """The number of the last migration that a database has had; 0 if it is empty. Raises `StoreError`."""
    tables = connection.tables()
    if not tables:
        return 0
    if "passback_meta" not in tables:
        raise StoreError(
            f"{path} is a database, but not Passback's: use another data folder, or another database"
        )
    version = meta(connection, "schema")
    if version is None or not version.isdecimal():
        raise StoreError(f"{path} does not record its schema version: restore it from a backup")
    return int(version)


def _migrate(connection: Connection, known: list[tuple[int, str]], kind: Kind) -> None:
    connection.lock("migration")
    # Read again inside the transaction: another process may have migrated since.
    version = version_of(connection, "the data file")
    if version == 0:
        connection.define(_META)
        set_meta(connection, "kind", kind)
    for number, name in known:
        if number > version:
            script = files("passback.store.migrations").joinpath(name).read_text("utf-8")
            for statement in statements(script):
                connection.define(statement)
            set_meta(connection, "schema", str(number))


def statements(script: str) -> list[str]:
    """The statements of a migration file, without comments; each ends with a semicolon."""
    without_comments = re.sub(r"--[^\n]*", "", script)
    return [statement for part in without_comments.split(";") if (statement := part.strip())]
