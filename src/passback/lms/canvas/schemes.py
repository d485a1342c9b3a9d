"""Which grading scheme is in force for an assignment: its own, its course's, its account's, or Canvas's default."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from passback.domain.assignment import ScaleEntry
from passback.lms.interface import Gone, NotAllowed
from passback.lms.toolkit.json_fields import Json, as_object, as_objects, id_of, number, text
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.lms.canvas.api import CanvasApi
    from passback.lms.canvas.map_assignments import LmsAssignment

Scheme = tuple[ScaleEntry, ...]

DEFAULT: Scheme = ()
"""Canvas's own scheme, which is also the gateway's (`passback.domain.grading.LETTER_SCALE`)."""

_DEFAULT_IDS = (None, "", "0")
_SECONDS = 5.0
_MOST_ACCOUNTS = 10


class Schemes:
    """The grading schemes of one Canvas, remembered for a moment: it clears a grade that its scheme does not have."""

    def __init__(self, api: CanvasApi) -> None:
        self._api = api
        self.forget()

    def forget(self) -> None:
        """Have all read again."""
        self._courses, self._accounts, self._standards = (TtlCache(_SECONDS) for _ in range(3))

    async def of(self, course: str, item: LmsAssignment) -> Scheme | None:
        """Return the scheme that is in force for an assignment; None if Canvas does not show it."""
        if item.grading_type != "letter_grade":
            return DEFAULT
        own = text(item.content, "grading_standard_id")
        if own not in _DEFAULT_IDS:
            return await self._standard(course, own or "")
        found = await self._courses.get(course, lambda: self._read(f"courses/{course}"))
        if found is None:
            return None
        of_course = text(found, "grading_standard_id")
        if of_course == "0":
            return DEFAULT  # chosen, so that the account's does not count
        if of_course not in _DEFAULT_IDS:
            return await self._standard(course, of_course or "")
        of_account = await self._of_account(text(found, "account_id"))
        return DEFAULT if of_account is None else await self._standard(course, of_account)

    async def _of_account(self, account: str | None) -> str | None:
        """Return the scheme of an account, or of the next one above that has one; None if none has."""
        for _ in range(_MOST_ACCOUNTS):
            if account is None:
                return None
            path = f"accounts/{account}"
            found = await self._accounts.get(account, lambda path=path: self._read(path))  # type: ignore[misc]
            if found is None:
                return None
            chosen = text(found, "grading_standard_id") or text(found, "default_grading_standard_id")
            if chosen not in _DEFAULT_IDS:
                return chosen
            account = text(found, "parent_account_id")
        return None

    async def _standard(self, course: str, standard: str) -> Scheme | None:
        key = f"{course}/{standard}"
        found: Scheme | None = await self._standards.get(key, lambda: self._read_standard(course, standard))
        return found

    async def _read_standard(self, course: str, standard: str) -> Scheme | None:
        """Read a scheme where the course shows it, or else where its accounts do."""
        places = [f"courses/{course}/grading_standards"]
        found = await self._courses.get(course, lambda: self._read(f"courses/{course}"))
        if found is not None and text(found, "account_id"):
            places.append(f"accounts/{text(found, 'account_id')}/grading_standards")
        for place in [*places, "accounts/self/grading_standards"]:
            try:
                listed = await self._api.pages(place, {})
            except (Gone, NotAllowed) as error:
                if isinstance(error, NotAllowed) and error.credentials:
                    raise
                continue
            for one in listed:
                if id_of(one) == standard:
                    return _levels(one)
        return None

    async def _read(self, path: str) -> Mapping[str, object] | None:
        try:
            return as_object(await self._api.get(path, gone="section"))
        except (Gone, NotAllowed) as error:
            if isinstance(error, NotAllowed) and error.credentials:
                raise
            return None


def _levels(standard: Json) -> Scheme:
    return tuple(
        ScaleEntry(text(level, "name") or "", share * Decimal(100))
        for level in as_objects(standard.get("grading_scheme"))
        if (share := number(level, "value")) is not None
    )
