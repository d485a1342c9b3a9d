"""What the tests of the store share: a table of notes."""

from __future__ import annotations

from passback.store.engine.database import Connection, Database, Transaction


def make_table(database: Database) -> None:
    database.write_now(lambda conn: conn.define("CREATE TABLE notes (id BIGINT PRIMARY KEY, note TEXT)"))


def add(number: int, note: str = "") -> Transaction[int]:
    def transaction(conn: Connection) -> int:
        conn.execute("INSERT INTO notes VALUES (:id, :note)", {"id": number, "note": note})
        return number

    return transaction


def ids(database: Database) -> list[int]:
    return [
        row[0]
        for row in database.read_now(lambda conn: conn.execute("SELECT id FROM notes ORDER BY id").fetchall())
    ]
