"""Attachments of assignments, discussions and submissions (Schoology REST API: Files, Extras)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from passback_simulators.schoology.handlers import files
from passback_simulators.schoology.replies import as_list, integer, refusal, several

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.request import Request
    from passback_simulators.schoology.state import SchoologyState

_VIDEO_HOSTS = ("youtube.com", "youtu.be", "vimeo.com")


def _new(lms: SchoologyState, given: Record) -> Record:
    title = str(given.get("title") or "")
    attachment: Record = {"id": lms.records.next_number("attachment", 2_300_000_001)}
    if given.get("fid"):
        file = files.usable(lms, given["fid"])
        return attachment | {"kind": "file", "title": title or file["filename"], "file": file["id"]}
    if given.get("url"):
        url = str(given["url"])
        try:
            host = urlsplit(url if "://" in url else f"http://{url}").hostname or ""
        except ValueError as error:
            raise refusal(400, "url is not an address") from error
        video = any(host == known or host.endswith(f".{known}") for known in _VIDEO_HOSTS)
        return attachment | {"kind": "video" if video else "link", "title": title or url, "url": url}
    if "embed" in given:
        return attachment | {"kind": "embed", "title": title, "embed_code": str(given["embed"])}
    raise refusal(400, "An attachment needs one of fid, url, embed and resource")


def sent(given: Record) -> list[Record] | None:
    """The attachments of a body, in either of two forms; None if it has neither."""
    if "attachments" not in given and "file-attachment" not in given:
        return None
    attachments = as_list(given.get("attachments"))
    if not all(isinstance(attachment, dict) for attachment in attachments):
        raise refusal(400, "attachments must be a list of objects")
    uploads = given.get("file-attachment")
    ids = as_list(uploads.get("id")) if isinstance(uploads, dict) else []
    return [*attachments, *({"fid": fid} for fid in ids)]


def replaced(lms: SchoologyState, existing: list[Record], given: list[Record]) -> list[Record]:
    """Attachments after an update: those without an id are new, omitted ones are removed, only titles can change."""
    known = {attachment["id"]: attachment for attachment in existing}
    remaining = []
    for one in given:
        id_ = integer(one.get("id"))
        if id_ is None:
            remaining.append(_new(lms, one))
        elif id_ in known:
            title = one.get("title")
            remaining.append(known[id_] | ({"title": str(title)} if title else {}))
    return remaining


def shown(lms: SchoologyState, request: Request, attachments: list[Record]) -> Record:
    """The ``attachments`` of a reply, by kind."""
    groups: dict[str, list[Record]] = {}
    for attachment in attachments:
        kind = attachment["kind"]
        shape: Record = {"id": attachment["id"], "title": attachment["title"]}
        if kind == "file":
            file = lms.records.get("files", attachment["file"])
            assert file is not None
            shape |= _file(lms, request, file)
        elif kind == "embed":
            shape |= {"embed_code": attachment["embed_code"]}
        else:
            shape |= {"url": attachment["url"], "favicon": "", "thumbnail": ""}
            if kind == "link":
                shape["summary"] = ""
        groups.setdefault(kind, []).append(shape)
    return {f"{kind}s": {kind: several(lms, group)} for kind, group in groups.items()}


def _file(lms: SchoologyState, request: Request, file: Record) -> Record:
    return {
        "type": "", "filename": file["filename"], "filesize": file["filesize"],
        "md5_checksum": file["md5_checksum"], "timestamp": file["timestamp"], "filemime": file["filemime"],
        "download_path": files.download_path(lms, request, file),
        "extension": file["filename"].rpartition(".")[2] if "." in file["filename"] else "",
        "converted_status": 4, "converted_type": 4, "thumbnail": "",
    }  # fmt: skip
