"""A connector's notes: what it remembers because the LMS has no place for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

Note = Mapping[str, Any]
"""A small JSON object."""


class Notes(Protocol):
    """A connector's notes for one district, stored with the gateway's data: small objects by key.

    Keys begin with what they are about, such as ``assignment/501``.
    """

    async def read(self, keys: Sequence[str]) -> Mapping[str, Note]:
        """Read the notes with these keys; keys without a note are left out."""
        ...

    async def find(self, prefix: str) -> Mapping[str, Note]:
        """Read the notes whose keys begin with this, in the order of their keys."""
        ...

    async def write(self, notes: Mapping[str, Note | None]) -> None:
        """Store these notes in place of those with the same keys; None removes a note."""
        ...

    async def change(
        self, keys: Sequence[str], change: Callable[[Mapping[str, Note]], Mapping[str, Note | None]]
    ) -> None:
        """Read the notes with these keys, and store what `change` makes of them, as one step over all processes.

        What it does not return stays as it is; None removes a note.
        """
        ...
