"""Files: the upload in two steps, and download (Schoology REST API: Files)."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from typing import TYPE_CHECKING
from urllib.parse import quote

from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.replies import content, forbidden, integer, link, missing, refusal
from passback_simulators.schoology.times import seconds_now

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState


def _put(lms: SchoologyState, uid: str, name: str, size: int, md5: str) -> Record:
    id_ = lms.records.next_number("file", 2_900_088_045)
    file = {
        "id": id_, "filename": name, "filesize": size, "md5_checksum": md5, "timestamp": seconds_now(lms),
        "uid": uid, "filemime": "", "content": None,
    }  # fmt: skip
    return lms.records.put("files", id_, file)


def add(lms: SchoologyState, uid: str, name: str, kind: str, body: bytes) -> Record:
    """Store a complete file."""
    file = _put(lms, uid, name, len(body), hashlib.md5(body, usedforsecurity=False).hexdigest())
    file |= {"filemime": kind, "content": base64.b64encode(body).decode()}
    return lms.records.put("files", file["id"], file)


def usable(lms: SchoologyState, fid: object) -> Record:
    """An upload of the actor's that can be attached. Raises `Refusal`."""
    file = lms.records.get("files", str(fid))
    if file is None or file["content"] is None or file["uid"] != lms.actor.uid:
        raise refusal(400, f"The file {fid} is not a valid upload")
    return file


def announce(lms: SchoologyState, request: Request) -> Reply:
    """POST /upload: announces a file and returns where to put it."""
    given = content(request)
    size, md5 = integer(given.get("filesize")), str(given.get("md5_checksum") or "")
    if not given.get("filename") or size is None or len(md5) != 32:
        raise refusal(400, "filename, filesize and md5_checksum are required")
    file = _put(lms, lms.actor.uid, str(given["filename"]), size, md5.lower())
    shown = {name: file[name] for name in ("id", "filename", "filesize", "md5_checksum", "timestamp")}
    return json_reply(201, {"upload_location": link(lms, request, f"upload/{file['id']}"), **shown})


def upload(lms: SchoologyState, request: Request, file_id: str) -> Reply:
    """PUT /upload/{id}: the bytes, once, by the same user, as announced."""
    file = lms.records.get("files", file_id)
    if file is None:
        raise missing("Upload")
    if file["uid"] != lms.actor.uid or file["content"] is not None:
        raise forbidden()
    if len(request.body) != file["filesize"]:
        raise refusal(400, "The filesize does not match")
    if hashlib.md5(request.body, usedforsecurity=False).hexdigest() != file["md5_checksum"]:
        raise refusal(400, "The md5_checksum does not match")
    guessed = mimetypes.guess_type(file["filename"])[0]
    file["filemime"] = request.headers.get("content-type") or guessed or "application/octet-stream"
    file["content"] = base64.b64encode(request.body).decode()
    lms.records.put("files", file_id, file)
    names = ("id", "filename", "filesize", "filemime", "md5_checksum")
    return json_reply(200, {name: file[name] for name in names})


def download_path(lms: SchoologyState, request: Request, file: Record) -> str:
    """The address of a file; fetching it requires a signature."""
    return link(lms, request, f"system/files/attachments/{file['id']}/{quote(file['filename'], safe='')}")


def download(lms: SchoologyState, request: Request, file_id: str, name: str) -> Reply:
    """GET of a download path."""
    file = lms.records.get("files", file_id)
    if file is None or file["content"] is None:
        raise missing("File")
    return Reply(200, base64.b64decode(file["content"]), (("content-type", file["filemime"]),))


ROUTES = (
    ("POST", "/upload", announce),
    ("PUT", "/upload/{file_id}", upload),
    ("GET", "/system/files/attachments/{file_id}/{name}", download),
)
