"""OneRoster's delta files, which hold only what has changed: applied to the rows of the last complete files."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.clock import DAY
from passback.sis.formats import format_of
from passback.sis.oneroster import KINDS, MANIFEST, read_manifest, required_columns
from passback.sis.rows import BATCH, UnusableFile
from passback.sis.source_rows import SourceFile, default_titles, stored_record
from passback.store.staging import compare, source_rows
from passback.store.staging.source_rows import SourceFacts
from passback.wire.dates import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from passback.domain.clock import Instant
    from passback.sis.archive import Archive
    from passback.sis.oneroster import Manifest
    from passback.sis.records import Record
    from passback.sis.rows import Format, Problems
    from passback.sis.source_rows import SourceRow
    from passback.store.engine.database import Session

_GAP = 2 * DAY
"""After so long without a change, one may be missing: longer than a night, or a day without an export."""


class Source(Struct):
    """The rows that a roster is read from, to be kept when it is applied."""

    archive: Archive
    version: int
    """The version of the roster when they were read."""
    manifest: Manifest
    facts: dict[str, SourceFacts]
    notes: list[str]
    """What operators should know about the delta files."""
    changes: int = 0
    """How many rows are to be stored or removed."""


class Opened(Struct, frozen=True):
    """The files of an import."""

    files: Format
    source: Source | None
    """None if the format has no delta files."""


def open_files(session: Session, archive: Archive, district_id: str, *, end_is_last_day: bool) -> Opened:
    """The files of a roster, complete: delta files are merged with what is stored. Raises `UnusableFile`."""
    if MANIFEST not in archive.sizes:
        return Opened(format_of(archive), None)
    version = compare.version(session, district_id)
    manifest = read_manifest(archive)
    before = source_rows.facts(session, district_id)
    source_rows.prepare(session)
    source = Source(archive, version, manifest, {}, [])
    if "delta" not in manifest.modes.values():
        files = format_of(archive, end_is_last_day=end_is_last_day)
        source.facts = {
            name: _complete(manifest, before.get(name))
            for name, mode in manifest.modes.items()
            if mode == "bulk"
        }
        return Opened(files, source)
    _refuse_unless_complete(manifest, before)
    merged = _Merged(session, archive, manifest, before)
    for name, mode in manifest.modes.items():
        if mode == "delta":
            source.facts[name] = _merge(session, district_id, merged, name, before[name], source.notes)
        elif mode == "bulk":
            source.facts[name] = _complete(manifest, before.get(name))
        elif name in before:
            source_rows.add_stored(session, district_id, name)
            source.facts[name] = before[name]
    return Opened(format_of(merged, end_is_last_day=end_is_last_day), source)


def collect(session: Session, district_id: str, source: Source) -> None:
    """Read the rows of the complete files, and find which rows are to be stored."""
    for name, mode in source.manifest.modes.items():
        if mode == "absent":
            continue
        if mode == "bulk":
            known = source.facts[name]
            loaded = _Newest(known.newest)
            file = _file(source.archive, name, source.manifest)
            source_rows.load(session, "source_given", name, loaded.each(file.rows()))
            source.facts[name] = SourceFacts(known.version, loaded.newest, known.baseline)
        source_rows.settle(session, district_id, name, KINDS[name], complete=mode == "bulk")
    source.changes = source_rows.compare(session, district_id)


def _file(archive: Archive, name: str, manifest: Manifest) -> SourceFile:
    return SourceFile(archive, name, required_columns(name, manifest.version))


class _Newest:
    """Notes the oldest and newest change of rows that pass."""

    def __init__(self, newest: Instant | None = None) -> None:
        self.newest = newest
        self.oldest: Instant | None = None

    def each(self, rows: Iterator[tuple[int, SourceRow]]) -> Iterator[tuple[int, SourceRow]]:
        for line, row in rows:
            if row.modified is not None:
                self.newest = max(row.modified, self.newest or 0)
                self.oldest = row.modified if self.oldest is None else min(row.modified, self.oldest)
            yield line, row


def _last_of_each(file: SourceFile) -> dict[str, tuple[int, SourceRow]]:
    """The rows of a delta file by id; of several with one id, the newest, and of equally new ones the last."""
    found: dict[str, tuple[int, SourceRow]] = {}
    for line, row in file.rows():
        was = found.get(row.id)
        if was is None or (row.modified or 0) >= (was[1].modified or 0):
            found[row.id] = line, row
    return found


def _complete(manifest: Manifest, before: SourceFacts | None) -> SourceFacts:
    newest = None if before is None else before.newest
    return SourceFacts(manifest.version, newest, newest)


def _refuse_unless_complete(manifest: Manifest, before: Mapping[str, SourceFacts]) -> None:
    """Raise `UnusableFile` if a delta file has nothing that it could be applied to."""
    for name, mode in manifest.modes.items():
        if mode == "delta" and name not in before:
            raise UnusableFile(
                f"{MANIFEST} says that {name} is 'delta', which holds only what has changed, but the district has no"
                f" complete {name} from an earlier import: import an export with everything (bulk) first"
            )
        if mode == "delta" and before[name].version != manifest.version:
            raise UnusableFile(
                f"{MANIFEST} says that {name} is 'delta' in OneRoster {manifest.version}, but the last complete one was"
                f" in {before[name].version}: import an export with everything (bulk) first"
            )


def _merge(
    session: Session, district_id: str, merged: _Merged, name: str, before: SourceFacts, notes: list[str]
) -> SourceFacts:
    """Merge a delta file with the stored rows; what is known of it then."""
    file = merged.delta(name)
    if name.lower() not in merged.sent:
        raise UnusableFile(f"{MANIFEST} lists {name}, but the file is missing: include it in the export")
    times = _Newest()
    source_rows.load(session, "source_now", name, times.each(iter(_last_of_each(file).values())))
    came_to = source_rows.merge(session, district_id, name, before.baseline)
    merged.lines_that_count(name)
    if came_to.older:
        notes.append(f"{name}: ignored {_rows(came_to.older)} older than what has been imported before")
    if came_to.gone_before:
        notes.append(
            f"{name}: what {_rows(came_to.gone_before)} of the file should remove is not there: a delta file before"
            " this one may be missing. Import it too; the order does not matter"
        )
    if before.newest is not None and times.oldest is not None and times.oldest - before.newest > _GAP:
        notes.append(
            f"{name}: nothing has been imported that changed between {show(before.newest)} and {show(times.oldest)}."
            " If a delta file is missing, import it too; the order does not matter"
        )
    newest = max((it for it in (before.newest, times.newest) if it is not None), default=None)
    return SourceFacts(before.version, newest, before.baseline)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


class _Merged:
    """An archive whose delta files are complete. See `passback.sis.archive.RosterFiles`.

    The rows of a delta file keep their lines. Those of the stored ones are below 0, since they are in no file.
    """

    def __init__(
        self, session: Session, archive: Archive, manifest: Manifest, before: Mapping[str, SourceFacts]
    ) -> None:
        self._session = session
        self._archive = archive
        self._manifest = manifest
        self._before = before
        self._deltas: dict[str, SourceFile] = {}
        self._count: dict[str, set[int]] = {}
        self.sent = archive.sizes.keys()
        self.sizes = dict(archive.sizes)
        for name, mode in manifest.modes.items():
            if mode != "bulk" and name in before:
                self.sizes.setdefault(name.lower(), 0)

    @property
    def bytes_read(self) -> int:
        return self._archive.bytes_read

    def delta(self, name: str) -> SourceFile:
        """The delta file of that name."""
        return self._deltas.setdefault(name, _file(self._archive, name, self._manifest))

    def lines_that_count(self, name: str) -> None:
        """Find which of a delta file's rows are not older than what is stored."""
        self._count[name] = source_rows.lines_of(self._session, name)

    def records(self, name: str, problems: Problems) -> Iterator[list[Record]]:
        file = self._deltas.get(name)
        if name != MANIFEST and (
            self._manifest.modes.get(name) == "bulk" or (file is not None and not file.usable)
        ):
            yield from self._archive.records(name, problems)
            return
        merged = self._merged(name, file)
        while some := list(islice(merged, BATCH)):
            yield some

    def _merged(self, name: str, file: SourceFile | None) -> Iterator[Record]:
        if name == MANIFEST:
            return self._manifest_records()
        return self._absent(name) if file is None else self._completed(file)

    def _manifest_records(self) -> Iterator[Record]:
        stated = [("oneroster.version", self._manifest.version)]
        for name, mode in self._manifest.modes.items():
            if mode != "absent" or name in self._before:
                stated.append((f"file.{name[:-4]}", "bulk"))
        for line, row in enumerate([("propertyName", "value"), *stated], 1):
            yield line, list(row), ""

    def _absent(self, name: str) -> Iterator[Record]:
        """The stored rows, with the names of their columns."""
        titles = default_titles(name)
        yield 1, titles, ""
        yield from self._stored(name, titles)

    def _stored(self, name: str, titles: list[str]) -> Iterator[Record]:
        """The stored rows, with values for these columns."""
        for number, row in enumerate(source_rows.stored(self._session, name), 1):
            yield -number, stored_record(name, titles, row), ""

    def _completed(self, file: SourceFile) -> Iterator[Record]:
        """The rows of a delta file that count, and then the stored rows."""
        count = self._count[file.name]
        begun = False
        for line, values, fault in file.records():
            if not begun:
                yield 1, file.all_titles(), ""
            begun = True
            row = None if values is None else file.row(values)
            if row is None or line in count:
                yield line, None if values is None else file.extended(values), fault
        if not begun:
            yield 1, file.all_titles(), ""
        yield from self._stored(file.name, file.all_titles())
