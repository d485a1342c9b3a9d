"""Which connector serves which district."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from passback.lms.connector import Connector


@dataclass(frozen=True, slots=True)
class Connectors:
    """The connectors at hand, by the kind of LMS (a district's ``lms_type``)."""

    by_kind: Mapping[str, Connector]

    def for_kind(self, kind: str) -> Connector | None:
        """The connector for an LMS of that kind; None where there is none."""
        return self.by_kind.get(kind)
