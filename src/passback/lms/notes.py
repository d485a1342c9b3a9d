"""What a connector remembers because its LMS has no place for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Note = Mapping[str, Any]
"""A small JSON object."""


class Notes(Protocol):
    """A connector's notes, kept with the gateway's data: small objects by key, of one district.

    Keys begin with what they are about, such as ``assignment/501``.
    """

    async def read(self, keys: Sequence[str]) -> Mapping[str, Note]:
        """The notes of these keys; those that there are none of are left out."""
        ...

    async def write(self, notes: Mapping[str, Note | None]) -> None:
        """Keep these notes in place of those of the same keys; None removes one."""
        ...
