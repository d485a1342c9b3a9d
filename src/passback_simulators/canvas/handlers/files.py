"""Submitting files: Canvas's upload in three steps, or a URL that Canvas fetches."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from passback_simulators.canvas.access import caller_of, no_right, teaches, user_named
from passback_simulators.canvas.handlers import assignments
from passback_simulators.canvas.replies import answer, body_of, messages, not_found, refuse
from passback_simulators.reply import Reply, text_reply

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.request import Request

_VALID_FOR = 30 * 60_000
_NAME = re.compile(rb'name="([^"]*)"(?:; filename="([^"]*)")?')


def begin(lms: CanvasState, request: Request, course_id: str, assignment_id: str, user_id: str) -> Reply:
    """``POST .../submissions/:user_id/files``: the upload URL or, if the request has a ``url``, a Progress."""
    assignments.visible(lms, request, course_id, assignment_id)
    caller = caller_of(lms, request)
    user = user_named(lms, request, user_id)
    if user["id"] != caller.user and not (caller.admin and lms.settings["can_submit_on_behalf"]):
        raise no_right(lms)
    given = body_of(request)
    if not given.get("name"):
        raise messages(400, "name is missing")
    if given.get("url"):
        if "unreachable" in given["url"]:
            return answer(request, 200, {"progress": _progress(lms, request, None)})
        made = _file(lms, user["id"], given["name"], 0, given["url"])
        return answer(request, 200, {"progress": _progress(lms, request, made["id"])})
    return _upload(lms, request, user["id"], given)


def begin_for_comment(
    lms: CanvasState, request: Request, course_id: str, assignment_id: str, user_id: str
) -> Reply:
    """``POST .../submissions/:user_id/comments/files``: a file for a comment, by the student or who grades."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    caller = caller_of(lms, request)
    if user_named(lms, request, user_id)["id"] != caller.user and not teaches(
        lms, caller, record["course_id"]
    ):
        raise no_right(lms)
    given = body_of(request)
    if not given.get("name"):
        raise messages(400, "name is missing")
    return _upload(lms, request, caller.user, given)


def _upload(lms: CanvasState, request: Request, user: int, given: dict[str, Any]) -> Reply:
    """The second step's address and parameters."""
    key = secrets.token_hex(12)
    lms.records.put("uploads", key, {"user": user, "name": given["name"], "until": lms.clock() + _VALID_FOR})
    parameters = {
        "filename": given["name"],
        "key": key,
        "content_type": given.get("content_type") or "unknown",
    }
    return answer(request, 200, {"upload_url": f"{request.base_url}/files_api", "upload_params": parameters,
                                 "file_param": "file"})  # fmt: skip


def receive(lms: CanvasState, request: Request) -> Reply:
    """``POST`` to the upload URL: the upload parameters first and unchanged, the file last, no authorization."""
    if "authorization" in request.headers:
        return text_reply(400, "no Authorization header is allowed here")
    parts = _parts(request)
    names = [name for name, _, _ in parts]
    values = {name: content for name, _, content in parts}
    upload = lms.records.get("uploads", values.get("key", b"").decode("utf-8", "replace"))
    if upload is None or names[-1:] != ["file"] or names[:3] != ["filename", "key", "content_type"]:
        return text_reply(400, "the upload parameters must come unchanged and before the file")
    if lms.clock() > upload["until"]:
        return text_reply(403, "the upload has expired")
    made = _file(lms, upload["user"], upload["name"], len(values["file"]), None)
    if lms.settings["upload_redirects"]:
        key = secrets.token_hex(20)
        lms.records.put("files", made["id"], {**made, "uuid": key})
        where = f"{request.base_url}/api/v1/files/{made['id']}/create_success?uuid={key}"
        return Reply(303, headers=(("location", where),))
    where = f"{request.base_url}/api/v1/files/{made['id']}"
    return answer(request, 201, shown(lms, request, made["id"])).with_headers(Location=where)


def confirm(lms: CanvasState, request: Request, file_id: str) -> Reply:
    """The last step after a redirect: ``GET`` of the location, whose ``uuid`` makes up for a token."""
    record = lms.records.get("files", file_id)
    if record is None or request.param("uuid") != record.get("uuid"):
        return Reply(400)
    return answer(request, 200, shown(lms, request, record["id"]))


def read(lms: CanvasState, request: Request, file_id: str) -> Reply:
    """``GET /files/:id``, for its owner and who teaches: where an upload that is answered with 201 leads."""
    caller = caller_of(lms, request)
    record = lms.records.get("files", file_id)
    if record is None:
        raise not_found()
    courses = {it["course_id"] for it in lms.records.all("enrollments") if it["user_id"] == record["user"]}
    if record["user"] != caller.user and not any(teaches(lms, caller, it) for it in courses):
        raise no_right(lms)
    return answer(request, 200, shown(lms, request, record["id"]))


def of_student(lms: CanvasState, ids: Any, user: int) -> list[int]:
    """The ids of a student's files. Raises `Refusal`."""
    found = [lms.records.get("files", str(it)) for it in (ids if isinstance(ids, list) else [ids])]
    if not found or any(it is None or it["user"] != user for it in found):
        raise refuse(400, {"message": "No valid file ids given"})
    return [it["id"] for it in found if it is not None]


def shown(lms: CanvasState, request: Request, file_id: int) -> Record:
    """A file as the API shows it."""
    record = lms.records.get("files", file_id) or {}
    return {
        "id": file_id, "display_name": record.get("name"), "filename": record.get("name"),
        "content-type": "application/octet-stream", "size": record.get("size"), "thumbnail_url": None,
        "url": record.get("url") or f"{request.base_url}/files/{file_id}/download?download_frd=1",
    }  # fmt: skip


def _file(lms: CanvasState, user: int, name: str, size: int, url: str | None) -> Record:
    number = lms.records.next_number("files", 77)
    record = {"id": number, "user": user, "name": name, "size": size, "url": url}
    return lms.records.put("files", number, record)


def _progress(lms: CanvasState, request: Request, file_id: int | None) -> Record:
    number = lms.records.next_number("progress", 3)
    state = (
        {"workflow_state": "completed", "results": {"id": file_id}}
        if file_id
        else {"workflow_state": "failed"}
    )
    record = {"id": number, "context_type": "User", "tag": "upload_via_url", "completion": 100.0, "message": None,
              "polls": 0, **state}  # fmt: skip
    lms.records.put("progress", number, record)
    shown = {name: value for name, value in record.items() if name not in ("polls", "results")}
    return {**shown, "workflow_state": "queued", "url": f"{request.base_url}/api/v1/progress/{number}"}


def _parts(request: Request) -> list[tuple[str, str | None, bytes]]:
    """The parts of a multipart body, in order."""
    boundary = request.headers.get("content-type", "").partition("boundary=")[2].strip('"').encode()
    parts = []
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        match = _NAME.search(head)
        if match:
            filename = match[2].decode() if match[2] is not None else None
            parts.append((match[1].decode(), filename, content.removesuffix(b"\r\n")))
    return parts
