"""Which connector serves which district."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from passback.lms.connector import Connector


class Connectors(Struct, frozen=True):
    """The connectors at hand, by the kind of LMS (a district's ``lms_type``)."""

    by_kind: Mapping[str, Connector]

    def for_kind(self, kind: str) -> Connector | None:
        """The connector for an LMS of that kind; None where there is none."""
        return self.by_kind.get(kind)
