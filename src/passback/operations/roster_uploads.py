"""Rosters uploaded by a person: checked first, shown, and applied once the person says so.

The work goes on in this process after the request that began it. What was found is in the database, where any process
reads it; how far the work is only this process tells, because the database may be busy with it. If the process dies,
the upload has failed: nothing has been changed, and it can be made again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.clock import DAY, MINUTE
from passback.operations import audit, rosters
from passback.operations.errors import NotFound, OperationError
from passback.operations.rosters import Checked, ImportRequest, Options
from passback.rosters.threads import StoppableProgress, in_thread
from passback.store import roster_uploads
from passback.store.engine.database import StoreError
from passback.store.roster_uploads import UNDER_WAY, Upload, UploadState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from passback.context import Gateway
    from passback.domain.clock import Instant
    from passback.operations.rosters import Plan
    from passback.store.engine.database import Connection, Session

__all__ = ["Change", "Report", "Seen", "Upload", "apply", "begin", "find", "newest"]

log = logging.getLogger(__name__)

_KEPT = 7 * DAY
_DEAD = 2 * MINUTE
"""For how many milliseconds whoever works on an upload may say nothing."""
_BEAT_SECONDS = 20.0
_MOST_PROBLEMS = 200


class Change(Struct, frozen=True):
    """What changes of one kind of object."""

    kind: str
    before: int
    created: int
    updated: int
    removed: int
    waiting: int
    """How many removals wait for a person."""


class Report(Struct, frozen=True):
    """What was found in an upload."""

    format: str = ""
    changes: Sequence[Change] = ()
    notes: Sequence[str] = ()
    problems: Sequence[tuple[str, str]] = ()
    """The first: where, and what."""
    problem_count: int = 0
    warnings: Sequence[tuple[str, str]] = ()
    warning_count: int = 0
    rows_left_out: int = 0
    removals: Sequence[str] = ()
    """Of which kinds too many would be removed: all removals wait for a person."""
    is_invalid: bool = False
    """Whether there are more problems than are tolerated."""
    error: str = ""
    """Why it came to nothing; empty if it did not."""


class Seen(Struct, frozen=True):
    """An upload, what was found, and how far the work is."""

    upload: Upload
    report: Report
    step: str = ""
    """What is being done; empty if this process does not know."""
    done: int = 0
    total: int = 0
    """Of how many items of the step `done` are done; 0 if that is not known."""


class _Progress(Struct):
    """How far the work is. See `passback.rosters.progress.Progress`."""

    what: str = ""
    done: int = 0
    total: int = 0

    def read(self, done: int, total: int) -> None:
        self.done, self.total = done, total

    def step(self, what: str) -> None:
        self.what, self.done, self.total = what, 0, 0


class _Work(Struct, frozen=True):
    """What this process works on. The event loop itself would let go of tasks."""

    progress: _Progress
    task: asyncio.Task[None]


_at_work: dict[str, _Work] = {}
"""By the uploads' ids."""


async def begin(gateway: Gateway, district_id: str, file: Path, name: str, *, actor: str) -> Upload:
    """Begin to check a roster in a `file`, which is deleted once it is applied or old. Raises `NotFound`."""
    now = gateway.clock()
    upload = Upload(str(uuid7()), district_id, actor, name, str(file), "checking", now, "", now)
    await rosters.require_district(gateway.database, district_id)

    def write(conn: Connection) -> list[str]:
        roster_uploads.add(conn, upload)
        return roster_uploads.forget_before(conn, district_id, now - _KEPT)

    for path in await gateway.database.write(write):
        Path(path).unlink(missing_ok=True)  # noqa: ASYNC240 - a moment
    _work_on(gateway, upload, ImportRequest(district_id, dry_run=True))
    return upload


async def apply(
    gateway: Gateway, district_id: str, upload_id: str, *, allow_removals: bool, actor: str
) -> None:
    """Begin to make the district's roster what an upload says, as it was shown. Raises `OperationError`."""
    found = (await find(gateway, district_id, upload_id)).upload
    if found.state == "checked" and not Path(found.path).exists():  # noqa: ASYNC240 - a moment
        raise OperationError("the file is no longer on this machine: upload it again")

    def write(conn: Connection) -> bool:
        taken = roster_uploads.begin_applying(conn, upload_id, gateway.clock())
        if taken:
            audit.record(conn, "roster.applied", upload_id, district_id, found.name, actor=actor)
        return taken

    if not await gateway.database.write(write):
        raise OperationError("it has been applied, or has failed, meanwhile")
    options = Options(allow_removals=allow_removals)
    _work_on(gateway, replace(found, state="applying"), ImportRequest(district_id, options=options))


async def find(gateway: Gateway, district_id: str, upload_id: str) -> Seen:
    """An upload and what was found. Raises `NotFound`."""
    upload = await gateway.database.read(lambda conn: roster_uploads.find(conn, district_id, upload_id))
    if upload is None:
        raise NotFound(f"there is no upload {upload_id}")
    return _seen(gateway, upload)


async def newest(gateway: Gateway, district_id: str, limit: int) -> list[Seen]:
    """The newest uploads of a district."""
    found = await gateway.database.read(lambda conn: roster_uploads.newest(conn, district_id, limit))
    return [_seen(gateway, it) for it in found]


def _seen(gateway: Gateway, upload: Upload) -> Seen:
    report = msgspec.json.decode(upload.report, type=Report) if upload.report else Report()
    if upload.state not in UNDER_WAY:
        return Seen(upload, report)
    if (work := _at_work.get(upload.id)) is not None:
        return Seen(upload, report, work.progress.what, work.progress.done, work.progress.total)
    if gateway.database.shared and gateway.clock() - upload.beat <= _DEAD:
        return Seen(upload, report)  # another process works on it
    error = "The gateway was stopped before it was done. Nothing has been changed: upload it again."
    return Seen(replace(upload, state="failed"), replace(report, error=error))


def _work_on(gateway: Gateway, upload: Upload, wanted: ImportRequest) -> None:
    progress = _Progress()
    task = asyncio.create_task(_work(gateway, upload, wanted, progress))
    _at_work[upload.id] = _Work(progress, task)
    task.add_done_callback(lambda _: _at_work.pop(upload.id, None))


async def _work(gateway: Gateway, upload: Upload, wanted: ImportRequest, progress: _Progress) -> None:
    def work(session: Session, check: Callable[[], None]) -> Report:
        observer = _Observer(StoppableProgress(progress, check))
        outcome = rosters.import_files_in(session, Path(upload.path), wanted, gateway.clock, observer)
        return replace(
            observer.report, removals=tuple(outcome.removals), is_invalid=outcome.state == "invalid"
        )

    beating = asyncio.create_task(_beat(gateway, upload.id)) if gateway.database.shared else None
    try:
        report = await in_thread(gateway, work)
    except OperationError as error:
        report = Report(error=str(error).replace(upload.path, "it"))  # which is named beside
    except StoreError as error:
        log.error("an uploaded roster came to nothing: %s", error)  # noqa: TRY400 - a traceback says nothing more
        report = Report(error="the database could not be written: try again")
    except Exception:
        log.exception("an uploaded roster came to nothing")
        report = Report(error="something went wrong here: it is in the server's log")
    finally:
        if beating is not None:
            beating.cancel()
    failed = bool(report.error) or report.is_invalid
    state: UploadState = "failed" if failed else "checked" if wanted.dry_run else "applied"
    encoded = msgspec.json.encode(report).decode()
    now = gateway.clock()
    await gateway.database.write(lambda conn: roster_uploads.finish(conn, upload.id, state, encoded, now))
    if state != "checked":
        Path(upload.path).unlink(missing_ok=True)  # noqa: ASYNC240 - a moment


async def _beat(gateway: Gateway, upload_id: str) -> None:
    """Tell other processes that this one still works on an upload, until cancelled."""
    while True:
        await asyncio.sleep(_BEAT_SECONDS)
        with contextlib.suppress(StoreError):
            await gateway.database.note(
                lambda conn: roster_uploads.note_beat(conn, upload_id, gateway.clock())
            )


class _Observer:
    """Keeps what an import says. See `passback.operations.rosters.Observer`."""

    def __init__(self, progress: StoppableProgress) -> None:
        self._progress = progress
        self.report = Report()

    @contextlib.contextmanager
    def progress(self) -> Iterator[StoppableProgress]:
        yield self._progress

    def resuming(self, since: Instant) -> None:
        """Files are read from their beginning."""

    def noted(self, notes: Sequence[str]) -> None:
        self.report = replace(self.report, notes=tuple(notes))

    def compared(self, name: str, checked: Checked) -> None:
        self.report = replace(
            self.report,
            format=name,
            changes=() if checked.plan is None else tuple(_changes(checked.plan)),
            problems=tuple((it.place, it.message) for it in checked.problems[:_MOST_PROBLEMS]),
            problem_count=checked.count,
            warnings=tuple((it.place, it.message) for it in checked.warnings[:_MOST_PROBLEMS]),
            warning_count=checked.warning_count,
            rows_left_out=checked.rows_left_out,
        )

    def applied(self, plan: Plan) -> None:
        """What it changed has been noted already."""


def _changes(plan: Plan) -> Iterator[Change]:
    for kind, it in plan.kinds.items():
        yield Change(kind, it.before, it.created, it.updated, it.removed, plan.held_back.get(kind, 0))
