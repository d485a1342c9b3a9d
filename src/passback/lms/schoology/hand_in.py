"""Handing in a student's work. Schoology accepts it only from the student, who must have signed in."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from passback.lms.http.download import fetch
from passback.lms.interface import NotAllowed, RefusedByLms, Unavailable, Unsupported
from passback.lms.schoology.errors import NAME
from passback.lms.toolkit.html import is_html, text_to_html
from passback.lms.toolkit.json_fields import as_object, id_of, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Any

    from passback.domain.assignment import Attachment
    from passback.lms.interface import LmsConnection
    from passback.lms.schoology.api import SchoologyApi


def check_work(attachments: Sequence[Attachment]) -> None:
    """Check that Schoology accepts the attachments together. Raises `Refused` and `Unsupported`."""
    kinds = {item.type for item in attachments}
    if "link" in kinds:
        raise Unsupported(NAME, "submission type of link")
    if len(kinds) != 1:
        raise RefusedByLms(
            "INVALID_ATTACHMENT", "Schoology accepts one kind of work at a time: texts or files"
        )


class Submitter:
    """Hands in work as the student."""

    def __init__(self, api: SchoologyApi, connection: LmsConnection) -> None:
        self._api = api
        self._patience = connection.patience
        self._run_as = connection.options.get("student_run_as") == "yes"
        self._private = connection.options.get("private_files") == "yes"

    def check_student(self, student: str) -> None:
        """Check that we may act as a student. Raises `Refused`."""
        if not self._run_as and not self._api.has_signed_in(student):
            raise _not_signed_in()

    async def hand_in(
        self,
        section: str,
        item: str,
        student: str,
        attachments: Sequence[Attachment],
        newest: Callable[[], Awaitable[int]],
    ) -> None:
        """Hand in work, once. `newest` reads the number of the student's newest revision. Raises `LmsError`."""
        before = await newest()
        content: dict[str, Any]
        path = f"sections/{section}/submissions/{item}"
        if attachments[0].type == "text":
            body = "".join(_markup(item.text or "") for item in attachments)
            path, content = f"{path}/create", {"body": body}
        else:
            uploads = [await self._upload(student, item) for item in attachments]
            path, content = f"{path}/file", {"file-attachment": {"id": uploads}}
        try:
            await self._send("POST", path, content, student, safe=False)
        except Unavailable as error:
            # Each is a new revision: look whether this one came through before anybody tries again.
            if not error.in_doubt or await newest() == before:
                raise

    async def _upload(self, student: str, file: Attachment) -> str:
        """Upload a file's bytes to Schoology; returns the upload's id. One that is never handed in does no harm."""
        fetched = await fetch(file.url or "", self._patience, private=self._private)
        announced = {
            "filename": file.title or fetched.name,
            "filesize": len(fetched.content),
            "md5_checksum": hashlib.md5(fetched.content, usedforsecurity=False).hexdigest(),
        }
        answer = as_object(await self._send("POST", "upload", announced, student, safe=True))
        place = text(answer, "upload_location") or f"upload/{id_of(answer)}"
        await self._send("PUT", place, fetched.content, student, safe=False, kind=fetched.kind)
        return id_of(answer)

    async def _send(
        self, method: str, path: str, content: Any, student: str, *, safe: bool, kind: str | None = None
    ) -> Any:
        how: dict[str, Any] = {"run_as": student} if self._run_as else {"student": student}
        if kind is not None:
            how["headers"] = {"Content-Type": kind}
        try:
            return await self._api.send(method, path, content, safe=safe, gone="student", **how)
        except NotAllowed:
            # Their token was revoked, or they may not be impersonated; the district's key still works.
            raise _not_signed_in() from None


def _not_signed_in() -> RefusedByLms:
    return RefusedByLms(
        "STUDENT_NOT_SIGNED_IN", "Schoology accepts work only from the student, who has not signed in"
    )


def _markup(words: str) -> str:
    return words if is_html(words) else text_to_html(words)
