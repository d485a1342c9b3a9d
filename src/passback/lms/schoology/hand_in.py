"""Handing in a student's work. Schoology accepts it only from the student, who must have signed in."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from passback.lms.http.download import fetch
from passback.lms.interface import (
    Gone,
    LmsError,
    NotAllowed,
    RefusedByLms,
    Unavailable,
    Unsupported,
    looking_after_write,
)
from passback.lms.schoology.errors import NAME, SectionEnded
from passback.lms.schoology.one_look import verdict
from passback.lms.toolkit.html import is_html, text_to_html
from passback.lms.toolkit.json_fields import as_object, id_of, text
from passback.lms.toolkit.looks import looked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Any

    from passback.domain.assignment import Attachment
    from passback.lms.interface import LmsConnection
    from passback.lms.schoology.api import SchoologyApi


def check_work(attachments: Sequence[Attachment]) -> None:
    """Check that Schoology accepts the attachments together. Raises `RefusedByLms` and `Unsupported`."""
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
        self._timer = connection.timer
        self._run_as = connection.options.get("student_run_as") == "yes"
        self._private = connection.options.get("private_files") == "yes"

    def check_student(self, student: str) -> None:
        """Check that we may act as a student. Raises `RefusedByLms`."""
        if not self._run_as and not self._api.has_signed_in(student):
            raise _not_signed_in()

    async def hand_in(
        self,
        section: str,
        item: str,
        student: str,
        attachments: Sequence[Attachment],
        before: int,
        newest: Callable[[], Awaitable[int]],
    ) -> int:
        """Hand in work, once; returns the number of its revision. Raises `LmsError`.

        `newest` reads the number of the student's newest revision, which was `before`.
        """
        content: dict[str, Any]
        path = f"sections/{section}/submissions/{item}"
        if attachments[0].type == "text":
            body = "".join(_markup(item.text or "") for item in attachments)
            path, content = f"{path}/create", {"body": body}
        else:
            uploads = [await self._upload(section, student, item) for item in attachments]
            path, content = f"{path}/file", {"file-attachment": {"id": uploads}}

        async def now() -> int:
            with looking_after_write():
                return await newest()

        doubt = Unavailable("it says that it took the work, and does not show it", in_doubt=True)
        for last in (False, True):
            try:
                await self._send("POST", path, content, student, safe=False)
            except (Gone, NotAllowed) as error:
                # Their token was revoked, or they may not be impersonated, or are gone; unless it is a stray refusal.
                if (found := await now()) > before:
                    return found
                if isinstance(error, Gone):
                    raise
                if last:
                    raise await self._why(section, error) from None
                continue
            except Unavailable as error:
                # Each is a new revision: look whether this one came through before anybody tries again.
                if not error.in_doubt:
                    raise
                doubt = error
            break
        found = await looked(now, lambda found: found > before, self._timer)
        if found <= before:
            raise doubt
        return found

    async def _upload(self, section: str, student: str, file: Attachment) -> str:
        """Upload a file's bytes to Schoology; returns the upload's id. One that is never handed in does no harm."""
        fetched = await fetch(file.url or "", self._patience, private=self._private)
        announced = {
            "filename": file.title or fetched.name,
            "filesize": len(fetched.content),
            "md5_checksum": hashlib.md5(fetched.content, usedforsecurity=False).hexdigest(),
        }
        for last in (False, True):
            try:
                answer = as_object(await self._send("POST", "upload", announced, student, safe=True))
                place = text(answer, "upload_location") or f"upload/{id_of(answer)}"
                kind = {"Content-Type": fetched.kind}
                await self._send("PUT", place, fetched.content, student, safe=False, headers=kind)
            except NotAllowed as error:
                if last:
                    raise await self._why(section, error) from None
            else:
                break
        return id_of(answer)

    async def _why(self, section: str, error: NotAllowed) -> LmsError:
        """Why a student may not hand in: the section has ended, or we may not act as the student."""
        meant = await verdict(self._api, section, error)
        return meant if isinstance(meant, SectionEnded) else _not_signed_in()

    async def _send(self, method: str, path: str, content: Any, student: str, **how: Any) -> Any:
        who: dict[str, Any] = {"run_as": student} if self._run_as else {"student": student}
        return await self._api.send(method, path, content, gone="student", **who, **how)


def _not_signed_in() -> RefusedByLms:
    return RefusedByLms(
        "STUDENT_NOT_SIGNED_IN", "Schoology accepts work only from the student, who has not signed in"
    )


def _markup(words: str) -> str:
    return words if is_html(words) else text_to_html(words)
