"""The rows of a district's last complete export with all changes since, which delta files are applied to.

`source_now`, a temporary table, has them as they are to be; only `write` and `forget` touch what is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from passback.sis.source_rows import SourceRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from passback.sis.rows import Kind
    from passback.store.engine.database import Connection, Session

_AT_ONCE = 2_000


class SourceFacts(Struct, frozen=True):
    """What is known of one of the files of a district's source."""

    version: str
    """The version of OneRoster."""
    newest: int | None
    """The newest ``dateLastModified`` of all that was imported; None if no row had one."""
    baseline: int | None
    """What `newest` was when the file was last complete: older changes are part of it."""


class Merged(Struct, frozen=True):
    """What a delta file came to."""

    older: int
    """How many of its rows are older than what is stored, and so do not count."""
    gone_before: int
    """How many of its rows remove what is not there."""


def facts(connection: Connection, district_id: str) -> dict[str, SourceFacts]:
    """What is known of each file of a district's source; empty if its roster is not from complete OneRoster files."""
    rows = connection.execute(
        "SELECT file, version, newest, baseline FROM roster_sources WHERE district_id = :id",
        {"id": district_id},
    )
    return {row[0]: SourceFacts(*row[1:]) for row in rows}


def prepare(session: Session) -> None:
    """Create the temporary tables."""
    columns = (
        "file TEXT NOT NULL, id TEXT NOT NULL, modified BIGINT, gone BIGINT NOT NULL, line BIGINT, data TEXT"
    )
    session.define(f"CREATE TEMP TABLE source_now ({columns}, PRIMARY KEY (file, id))")
    session.define(f"CREATE TEMP TABLE source_given ({columns})")


def load(
    session: Session,
    table: Literal["source_now", "source_given"],
    file: str,
    rows: Iterable[tuple[int, SourceRow]],
) -> None:
    """Add rows with their line numbers. In `source_now` no two may have the same id."""
    encode = msgspec.json.encode
    session.load(
        table,
        ("file", "id", "modified", "gone", "line", "data"),
        (
            (file, row.id, row.modified, int(row.gone), line, encode(row.values).decode())
            for line, row in rows
        ),
    )


def note_unreadable(session: Session) -> None:
    """Note which lines cannot be read, before others are left out for what they refer to, which may still come."""
    session.define("CREATE TEMP TABLE unreadable (kind TEXT NOT NULL, line BIGINT NOT NULL)")
    session.execute("INSERT INTO unreadable (kind, line) SELECT kind, line FROM new_left_out")
    session.define("CREATE INDEX unreadable_lines ON unreadable (kind, line)")


def settle(session: Session, district_id: str, file: str, kind: Kind, *, complete: bool) -> None:
    """Let rows that cannot be read, and differing ones with one id, be as they are stored.

    The rows of a `complete` file are moved from `source_given` to `source_now`.
    """
    given = {"district_id": district_id, "file": file, "kind": kind}
    if not complete:
        unreadable = "line IN (SELECT line FROM unreadable WHERE kind = :kind)"
        session.execute(f"DELETE FROM source_now WHERE file = :file AND {unreadable}", given)
        add_stored(session, district_id, file)
        return
    readable = (
        "NOT EXISTS (SELECT 1 FROM unreadable WHERE unreadable.kind = :kind AND unreadable.line ="
        " source_given.line)"
    )
    session.execute(
        "INSERT INTO source_now (file, id, modified, gone, line, data) SELECT file, id, MAX(modified), MAX(gone),"
        f" MIN(line), MIN(data) FROM source_given WHERE file = :file AND {readable} GROUP BY file, id"
        " HAVING MIN(data) = MAX(data) AND MIN(gone) = MAX(gone)",
        given,
    )
    session.execute(
        "INSERT INTO source_now (file, id, modified, gone, data) SELECT DISTINCT was.file, was.id, was.modified,"
        " was.gone, was.data FROM source_given JOIN roster_rows AS was ON was.district_id = :district_id"
        " AND was.file = source_given.file AND was.id = source_given.id WHERE source_given.file = :file"
        " AND NOT EXISTS (SELECT 1 FROM source_now AS now WHERE now.file = was.file AND now.id = was.id)",
        given,
    )
    session.execute("DELETE FROM source_given")


def merge(session: Session, district_id: str, file: str, baseline: int | None) -> Merged:
    """Add the stored rows to those of a delta file, row by row the newer of the two."""
    given = {"district_id": district_id, "file": file, "baseline": -1 if baseline is None else baseline}
    was = (
        "SELECT 1 FROM roster_rows AS was WHERE was.district_id = :district_id AND was.file = :file"
        " AND was.id = source_now.id"
    )
    session.analyse("source_now")
    older = session.execute(
        "DELETE FROM source_now WHERE file = :file AND modified IS NOT NULL AND"
        f" (EXISTS ({was} AND was.modified > source_now.modified)"
        f" OR (modified <= :baseline AND NOT EXISTS ({was} AND was.modified IS NOT NULL)))",
        given,
    ).rowcount
    gone_before = session.execute(
        f"SELECT COUNT(*) FROM source_now WHERE file = :file AND gone = 1 AND NOT EXISTS ({was})", given
    ).fetchone()[0]
    add_stored(session, district_id, file)
    return Merged(older, int(gone_before))


def add_stored(session: Session, district_id: str, file: str) -> None:
    """Add the stored rows of a file, but for those that are there already."""
    session.execute(
        "INSERT INTO source_now (file, id, modified, gone, data) SELECT file, id, modified, gone, data FROM roster_rows"
        " WHERE district_id = :district_id AND file = :file AND NOT EXISTS (SELECT 1 FROM source_now AS now"
        " WHERE now.file = roster_rows.file AND now.id = roster_rows.id)",
        {"district_id": district_id, "file": file},
    )


def lines_of(session: Session, file: str) -> set[int]:
    """The lines of the file whose rows count."""
    rows = session.execute(
        "SELECT line FROM source_now WHERE file = :file AND line IS NOT NULL", {"file": file}
    )
    return {row[0] for row in rows}


def stored(session: Session, file: str) -> Iterator[SourceRow]:
    """The rows that are not from the file itself, in the order of their ids."""
    after = ""
    while rows := session.execute(
        "SELECT id, modified, gone, data FROM source_now WHERE file = :file AND line IS NULL AND id > :after"
        f" ORDER BY id LIMIT {_AT_ONCE}",
        {"file": file, "after": after},
    ).fetchall():
        for id_, modified, gone, data in rows:
            yield SourceRow(id_, modified, bool(gone), msgspec.json.decode(data, type=list[str]))
        after = rows[-1][0]


def compare(session: Session, district_id: str) -> int:
    """Find which rows have to be written, outside the transaction that does it. Returns how many."""
    session.define(
        "CREATE TEMP TABLE source_changes (file TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (file, id))"
    )
    session.analyse("source_now")
    session.execute(
        "INSERT INTO source_changes (file, id) SELECT now.file, now.id FROM source_now AS now LEFT JOIN roster_rows AS"
        " was ON was.district_id = :id AND was.file = now.file AND was.id = now.id WHERE was.id IS NULL"
        " OR was.data <> now.data OR was.gone <> now.gone OR COALESCE(was.modified, -1) <> COALESCE(now.modified, -1)"
        " UNION ALL SELECT was.file, was.id FROM roster_rows AS was WHERE was.district_id = :id AND NOT EXISTS"
        " (SELECT 1 FROM source_now AS now WHERE now.file = was.file AND now.id = was.id)",
        {"id": district_id},
    )
    session.analyse("source_changes")
    return int(session.execute("SELECT COUNT(*) FROM source_changes").fetchone()[0])


def write(session: Session, district_id: str, known: Mapping[str, SourceFacts]) -> None:
    """Store what `compare` found, and what is known of each file; part of a transaction."""
    given = {"id": district_id}
    session.execute(
        "DELETE FROM roster_rows WHERE district_id = :id AND (file, id) IN (SELECT file, id FROM source_changes)",
        given,
    )
    session.execute(
        "INSERT INTO roster_rows (district_id, file, id, modified, gone, data) SELECT :id, now.file, now.id,"
        " now.modified, now.gone, now.data FROM source_changes JOIN source_now AS now"
        " ON now.file = source_changes.file AND now.id = source_changes.id ORDER BY now.file, now.id",
        given,
    )
    session.execute("DELETE FROM roster_sources WHERE district_id = :id", given)
    session.executemany(
        "INSERT INTO roster_sources (district_id, file, version, newest, baseline)"
        " VALUES (:id, :file, :version, :newest, :baseline)",
        [
            {**given, "file": file, "version": it.version, "newest": it.newest, "baseline": it.baseline}
            for file, it in known.items()
        ],
    )


def forget(session: Session, district_id: str) -> None:
    """Delete a district's source: its roster now comes from elsewhere."""
    for table in ("roster_rows", "roster_sources"):
        session.execute(f"DELETE FROM {table} WHERE district_id = :id", {"id": district_id})
