"""Handing in a student's work: files are uploaded in Canvas's three steps first, then comes the submission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from passback.lms.interface import RefusedByLms, Unavailable
from passback.lms.toolkit.json_fields import Json, as_object, id_of, instant, integer, text

if TYPE_CHECKING:
    from passback.domain.assignment import Attachment
    from passback.lms.canvas.api import CanvasApi
    from passback.lms.canvas.map_submissions import Target, Work
    from passback.lms.interface import LmsConnection

_POLL_SECONDS = 0.2


async def hand_in(
    api: CanvasApi, connection: LmsConnection, target: Target, work: Work, before: Json
) -> None:
    """Hand in a student's work, once; `before` is the submission as Canvas has it. Raises `LmsError`."""
    as_student = connection.options.get("submit_as", "student") != "proxy"
    params = {"as_user_id": target.student} if as_student else {}
    submission: dict[str, Any] = {"submission_type": work.kind}
    if work.body is not None:
        submission["body"] = work.body
    if work.url is not None:
        submission["url"] = work.url
    if work.files:
        submission["file_ids"] = [await _upload(api, target, params, file, connection) for file in work.files]
    if not as_student:
        submission["user_id"] = target.student
    path = f"{target.assignment_path}/submissions"
    try:
        await api.send("POST", path, {"submission": submission}, params=params, safe=False, gone="student")
    except Unavailable as error:
        if not error.in_doubt:
            raise
        # Each submission is a new attempt: look whether this one came through before anybody tries again.
        now = as_object(await api.get(target.path, gone="student"))
        if not is_newer(now, before):
            raise


async def _upload(
    api: CanvasApi, target: Target, params: dict[str, str], file: Attachment, connection: LmsConnection
) -> str:
    """Have Canvas fetch a file from its address; returns its id. A file that is never handed in does no harm."""
    name = file.title or urlsplit(file.url or "").path.rpartition("/")[2] or "file"
    content = {"url": file.url, "name": name, "submit_assignment": False}
    path = f"{target.path}/files"
    answer = as_object(await api.send("POST", path, content, params=params, safe=True, gone="student"))
    if text(answer, "id") and "progress" not in answer:
        return id_of(answer)
    progress = as_object(answer.get("progress"))
    timer = connection.timer
    give_up = timer.seconds() + connection.patience
    while True:
        state = text(progress, "workflow_state")
        if state == "completed":
            return id_of(as_object(progress.get("results")))
        if state == "failed":
            raise RefusedByLms("INVALID_ATTACHMENT", "Canvas cannot fetch the file from its address")
        if timer.seconds() > give_up:
            raise Unavailable("Canvas is taking too long to fetch a file")
        await timer.sleep(_POLL_SECONDS)
        progress = as_object(await api.get(f"progress/{id_of(progress)}", params))


def is_newer(now: Json, before: Json) -> bool:
    """Whether something has been handed in since `before`."""
    return _attempt(now) != _attempt(before) and integer(now, "attempt") is not None


def _attempt(answer: Json) -> tuple[int | None, int | None]:
    return integer(answer, "attempt"), instant(answer, "submitted_at")
