"""Whether an LMS denies one line item only, or something is wrong with the connection: one look tells them apart."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from passback.lms.interface import LmsError
from passback.lms.lti.errors import Denied, DeniedAlone
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

T = TypeVar("T")

_REMEMBERED_SECONDS = 5.0
"""How long a refusal is remembered: many students' grades cost one look."""


class OneLook:
    """Looks at what was denied."""

    def __init__(self, name: str) -> None:
        """`name` is the LMS's."""
        self._name = name
        self._refusing = TtlCache(_REMEMBERED_SECONDS)

    async def ask(
        self, item: str, action: Callable[[], Awaitable[T]], look: Callable[[], Awaitable[object]]
    ) -> T:
        """Return what `action` does, which is about a line item.

        What is denied is asked for again if others can be read all the same, which `look` does: a denial that comes
        twice is a refusal for good. Raises `Denied` if all is denied, and any other `LmsError` of `action`.
        """
        try:
            return await action()
        except Denied as error:
            if not self._refusing.knows(item):
                try:
                    await look()
                except LmsError as other:
                    raise (error if isinstance(other, Denied) else other) from None
        if not self._refusing.knows(item):
            try:
                return await action()
            except Denied as error:
                log.info("%s denies what is asked of a line item: %s", self._name, error)
        self._refusing.put(item, True)
        raise DeniedAlone(self._name)
