"""A roster: upload a file, see what would change and what is left out, line by line, and apply it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from passback.console.render import page
from passback.console.routing import Shown
from passback.console.visit import redirect
from passback.operations import roster_uploads, rosters
from passback.operations.errors import OperationError

if TYPE_CHECKING:
    from starlette.responses import Response

    from passback.console.visit import Visit

_LISTED = 10


async def show(visit: Visit) -> Response:
    """How large the roster is, what waits, and what was uploaded of late."""
    [found] = await rosters.status(visit.gateway.database, visit.district_id)
    return page(
        visit,
        "roster.html",
        district=found.district,
        roster=found,
        uploads=await roster_uploads.newest(visit.gateway, visit.district_id, _LISTED),
    )


async def upload(visit: Visit) -> Response:
    """Take a file, and begin to check it."""
    sent = visit.form.get("file")
    if not isinstance(sent, UploadFile) or not sent.size:
        raise OperationError("choose a file: a zip archive of OneRoster's or Clever's CSV files")
    file = await run_in_threadpool(_kept, sent)
    begun = await roster_uploads.begin(
        visit.gateway, visit.district_id, file, _printable(sent.filename or "roster.zip"), actor=visit.actor
    )
    return redirect(f"/districts/{visit.district_id}/roster/{begun.id}")


async def from_lms(visit: Visit) -> Response:
    """Have the roster come from the LMS."""
    gateway = visit.gateway
    await rosters.follow_lms(gateway.database, visit.district_id, gateway.clock, actor=visit.actor)
    return redirect(f"/districts/{visit.district_id}/connection")


async def show_one(visit: Visit) -> Response:
    """What an upload would change, or has changed."""
    seen = await roster_uploads.find(visit.gateway, visit.district_id, visit.of_path("upload_id"))
    [found] = await rosters.status(visit.gateway.database, visit.district_id)
    return page(
        visit,
        "roster_upload.html",
        district=found.district,
        seen=seen,
        upload=seen.upload,
        report=seen.report,
    )


async def apply(visit: Visit) -> Response:
    """Make the roster what an upload says."""
    upload_id = visit.of_path("upload_id")
    await roster_uploads.apply(
        visit.gateway,
        visit.district_id,
        upload_id,
        allow_removals=visit.sent("removals") == "yes",
        actor=visit.actor,
    )
    return redirect(f"/districts/{visit.district_id}/roster/{upload_id}")


def _kept(sent: UploadFile) -> Path:
    """Copy what was sent to a file that only this user can read."""
    descriptor, name = tempfile.mkstemp(prefix="passback-roster-", suffix=".zip")
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(sent.file, file)
    return Path(name)


def _printable(name: str) -> str:
    return "".join(it if it.isprintable() else " " for it in name)[:200]


_ALL = "/districts/{district_id}/roster"
PAGES = (
    Shown(_ALL, "roster", show),
    Shown(_ALL, "roster", upload, "POST"),
    Shown(_ALL + "/from-lms", "roster", from_lms, "POST"),
    Shown(_ALL + "/{upload_id}", "roster", show_one),
    Shown(_ALL + "/{upload_id}/apply", "roster", apply, "POST"),
)
